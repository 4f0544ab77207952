#include "worker/tasks/shell.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <utility>

#include "core/model/json.h"
#include "worker/runner/spawn.h"
#include "worker/shuffle/descriptor.h"
#include "worker/tasks/process.h"
#include "worker/tasks/word.h"

namespace millrace::tasks {
namespace {

using shuffle::Descriptor;

constexpr int kSkipExitCode = 99;  // unless skip_on_exit_code names others
constexpr std::size_t kMaxLine = 16U << 10;  // of its output's last line, as the result
constexpr std::size_t kMaxInMessage = 300;
constexpr std::size_t kMaxOutputs = 64U
                                    << 10;  // beyond what XComs may have, so that it is told what they have

std::string OutputsPath(const TaskContext& context) { return context.scratch() + "/outputs"; }

// What the command left there, whatever it made of the file: nothing but a plain file is read, and not all of
// a large one.
std::string ReadOutputs(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat facts {};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return "";
  std::string text(kMaxOutputs, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

// Lines name=value in $MILLRACE_OUTPUT: XComs; return_value is the result.
Status TakeOutputs(const std::string& text, TaskEnd& end) {
  if (text.size() >= kMaxOutputs)
    return InvalidArgument("$MILLRACE_OUTPUT has more than 48 KiB: write a file and leave its path");
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos || equals == 0)
      return InvalidArgument("line " + std::to_string(number) + " of $MILLRACE_OUTPUT is not name=value");
    const std::string name = line.substr(0, equals);
    std::string json = JsonOfWord(line.substr(equals + 1));
    if (name == kReturnValue) {
      end.result = std::move(json);
      continue;
    }
    std::erase_if(end.xcoms, [&](const XComValue& xcom) { return xcom.key == name; });
    end.xcoms.push_back({name, std::move(json)});
  }
  return OkStatus();
}

std::string Text(const Value& value) { return value.is_string() ? value.as_string() : ToJson(value); }

bool Skips(const TaskContext& context, int exit_code) {
  const StatusOr<Value> with = ParseJson(context.assignment().with);
  const Value* codes = with.ok() ? with->Find("skip_on_exit_code") : nullptr;
  if (codes == nullptr) return exit_code == kSkipExitCode;
  const auto is_it = [exit_code](const Value& code) { return code.is_int() && code.as_int() == exit_code; };
  return codes->is_list() ? std::any_of(codes->as_list().begin(), codes->as_list().end(), is_it) : is_it(*codes);
}

StatusOr<runner::SpawnOptions> Prepare(TaskContext& context, Environment environment,
                                       std::unique_ptr<StateSocket>& states) {
  ASSIGN_OR_RETURN(const Value with, ParseJson(context.assignment().with));
  const Value* command = with.Find("command");
  if (command == nullptr) return InvalidArgument("'command' is missing");
  ASSIGN_OR_RETURN(ChildPlace place, PlaceChild(context, std::move(environment), with));
  ::unlink(OutputsPath(context).c_str());  // a sensor's earlier look may have left it
  place.environment["MILLRACE_OUTPUT"] = OutputsPath(context);
  states = OpenStates(context, place.environment);
  runner::SpawnOptions options;
  for (const auto& [name, value] : place.environment) options.environment.push_back(name + "=" + value);
  options.folder = std::move(place.folder);
  if (command->is_list()) {
    for (const Value& argument : command->as_list()) options.arguments.push_back(Text(argument));
    if (options.arguments.empty()) return InvalidArgument("'command' is empty");
    options.program = FindProgram(options.arguments[0], place.environment["PATH"]);
  } else {
    options.program = "/bin/sh";
    options.arguments = {"sh", "-c", Text(*command)};
  }
  options.death_signal = SIGKILL;
  return options;
}

class Shell final : public TaskKind {
 public:
  explicit Shell(const Environment& environment)
      : environment_(environment), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  TaskEnd Run(TaskContext& context) override {
    std::unique_ptr<StateSocket> states;
    StatusOr<runner::SpawnOptions> options = Prepare(context, environment_, states);
    if (!options.ok()) {
      const bool full = options.status().code() == Code::kResourceExhausted;
      return Fail(context, full ? Outcome::kFailed : Outcome::kFailFinal, options.status().message());
    }
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
      return Fail(context, Outcome::kFailed, ErrnoStatus(errno, "pipe").message());
    Descriptor output(pipe[0]);
    Descriptor input(pipe[1]);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    options->output = input.get();
    options->error = input.get();
    const StatusOr<pid_t> group = runner::Spawn(*options);
    if (!group.ok()) return Fail(context, Outcome::kFailed, group.status().message());
    input.Close();
    return Finish(context, *group, output.get(), states.get());
  }

  void Cancel() override { ::eventfd_write(cancel_.get(), 1); }

 private:
  static TaskEnd Fail(TaskContext& context, Outcome outcome, const std::string& message) {
    context.Log("[millrace] " + message + "\n");
    return {.outcome = outcome, .message = message};
  }

  TaskEnd Finish(TaskContext& context, pid_t group, int output, StateSocket* states) {
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, group, 0)));
    LastLine last_line(kMaxLine);
    Follow(context, {group, process.get(), output, -1, cancel_.get(), states}, last_line, nullptr, 0);
    int status = 0;
    while (::waitpid(group, &status, 0) < 0 && errno == EINTR) continue;
    TaskEnd end = EndOf(context, status, last_line.Get().substr(0, kMaxInMessage));
    if (end.outcome == Outcome::kSuccess && !last_line.Get().empty())
      end.result = ToJson(Value(last_line.Get()));
    const Status outputs = TakeOutputs(ReadOutputs(OutputsPath(context)), end);
    if (!outputs.ok() && end.outcome == Outcome::kSuccess)
      return Fail(context, Outcome::kFailFinal, outputs.message());
    return end;
  }

  static TaskEnd EndOf(const TaskContext& context, int status, const std::string& last_line) {
    TaskEnd end;
    end.message = runner::DescribeWaitStatus(status);
    end.outcome = Outcome::kFailed;
    if (WIFEXITED(status)) {
      end.exit_code = WEXITSTATUS(status);
      if (*end.exit_code == 0) {
        end.outcome = Outcome::kSuccess;
        end.message.clear();
      }
      if (*end.exit_code != 0 && Skips(context, *end.exit_code)) end.outcome = Outcome::kSkipped;
    }
    if (end.outcome == Outcome::kFailed && !last_line.empty()) end.message += ": " + last_line;
    return end;
  }

  const Environment& environment_;  // the entry's
  Descriptor cancel_;
};

}  // namespace

TaskEntry ShellEntry(std::map<std::string, std::string> environment) {
  const auto kept = std::make_shared<const Environment>(std::move(environment));
  return {[kept] { return std::make_unique<Shell>(*kept); }};
}

}  // namespace millrace::tasks
