#include "worker/tasks/state_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/calendar/format.h"
#include "core/model/state_store.h"
#include "worker/tasks/state_socket.h"
#include "worker/tasks/word.h"

namespace millrace::tasks {
namespace {

constexpr const char* kUsage =
    "usage: \"$MILLRACE_STATE_STORE\" get KEY [DEFAULT]\n"
    "         prints a value; status 1 when there is none, and no DEFAULT\n"
    "       \"$MILLRACE_STATE_STORE\" set KEY VALUE [--retention 6h|never]\n"
    "         keeps JSON, or a word as text; for 30 days unless --retention says otherwise\n"
    "       \"$MILLRACE_STATE_STORE\" delete KEY\n"
    "       \"$MILLRACE_STATE_STORE\" clear\n"
    "  --dataset NAME: the store of one of the task's inlets or outlets, instead of the task's own\n";

struct Words {
  StateRequest request;
  std::optional<std::string> otherwise;  // of get
};

// The word behind an option; moves on to it.
StatusOr<std::string> After(const std::vector<std::string>& words, std::size_t& at) {
  if (++at < words.size()) return words[at];
  return InvalidArgument(words[at - 1] + " needs a word behind it");
}

StatusOr<Words> Read(const std::vector<std::string>& words) {
  Words read;
  std::vector<std::string> plain;
  bool options = true;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (options && words[at] == "--") {
      options = false;
    } else if (options && words[at] == "--dataset") {
      ASSIGN_OR_RETURN(read.request.dataset, After(words, at));
      if (read.request.dataset.empty()) return InvalidArgument("--dataset names none");
    } else if (options && words[at] == "--retention") {
      ASSIGN_OR_RETURN(const std::string text, After(words, at));
      if (text == "never") {
        read.request.retention = kForEver;
      } else {
        ASSIGN_OR_RETURN(read.request.retention, ParseDuration(text));
        if (read.request.retention <= Duration(0)) return InvalidArgument("--retention is longer than nothing");
      }
    } else {
      plain.push_back(words[at]);
    }
  }
  const std::string verb = plain.empty() ? "" : plain[0];
  const std::size_t count = plain.size();
  if (verb == "get" && (count == 2 || count == 3)) {
    if (count == 3) read.otherwise = plain[2];
  } else if (verb == "set" && count == 3) {
    read.request.op = StateOp::kSet;
    read.request.json = JsonOfWord(plain[2]);
  } else if (verb == "delete" && count == 2) {
    read.request.op = StateOp::kDelete;
  } else if (verb == "clear" && count == 1) {
    read.request.op = StateOp::kClear;
  } else {
    return InvalidArgument(verb.empty() ? "say what to do" : "no such command, or not its words: " + verb);
  }
  if (count > 1) read.request.key = plain[1];
  return read;
}

int FailWith(int status, const std::string& why) {
  std::fprintf(stderr, "millrace-state: %s\n", why.c_str());
  if (status == 2) std::fputs(kUsage, stderr);
  return status;
}

}  // namespace

Status LinkStateCommand(const std::string& folder, const std::string& program) {
  const std::filesystem::path link = folder + "/" + kStateCommand;
  std::error_code error;
  std::filesystem::remove(link, error);
  std::filesystem::create_symlink(program, link, error);
  return error ? Internal("cannot make " + link.string() + ": " + error.message()) : OkStatus();
}

int RunStateCommand(const std::string& socket, int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.size() == 1 && (words[0] == "--help" || words[0] == "help")) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const StatusOr<Words> read = Read(words);
  if (!read.ok()) return FailWith(2, read.status().message());
  if (const Status good = CheckStateRequest(read->request); !good.ok()) return FailWith(3, good.message());
  if (socket.empty())
    return FailWith(3, std::string(kStateSocketVariable) + " is not set: this is no task of a worker");
  const StatusOr<StateAnswer> answer = AskStateSocket(socket, read->request);
  if (!answer.ok()) return FailWith(3, answer.status().message());
  if (!answer->error.empty()) return FailWith(3, answer->error);
  if (read->request.op != StateOp::kGet) return 0;
  if (!answer->found && !read->otherwise) return 1;
  std::puts(answer->found ? WordOfJson(answer->json).c_str() : read->otherwise->c_str());
  return 0;
}

}  // namespace millrace::tasks
