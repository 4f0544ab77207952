#include "worker/tasks/process.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "core/model/json.h"
#include "worker/lake/path.h"
#include "worker/tasks/files.h"

namespace millrace::tasks {
namespace {

constexpr std::size_t kBuffer = 64U << 10;

// The working folder a task asks for: beneath the root, and there.
StatusOr<std::string> WorkingFolder(const std::string& root, const std::string& path) {
  ASSIGN_OR_RETURN(std::string folder, lake::Beneath(root, path));
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return NotFound("working folder does not exist: " + path);
  return folder;
}

// False at the end of what `descriptor` brings.
bool Drain(int descriptor, std::vector<char>& buffer, const std::function<void(std::string_view)>& take) {
  while (true) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    take({buffer.data(), static_cast<std::size_t>(got)});
    if (static_cast<std::size_t>(got) < buffer.size()) return true;
  }
}

}  // namespace

StatusOr<ChildPlace> PlaceChild(const TaskContext& context, Environment base, const Value& with) {
  const Assignment& assignment = context.assignment();
  const std::string& scratch = context.scratch();
  ChildPlace place;
  place.files = scratch + "/files";
  RETURN_IF_ERROR(LayOutFiles(context, place.files));
  Environment& environment = place.environment;
  environment = std::move(base);
  environment.insert({{"PATH", kProgramPath}, {"HOME", "/"}, {"LANG", "C.UTF-8"}});
  environment["TMPDIR"] = scratch;
  environment["MILLRACE_ROOT"] = context.root();
  environment["MILLRACE_FILES"] = place.files;
  environment["MILLRACE_FENCE"] = ToString(assignment.fence);
  for (const auto& [name, value] : assignment.environment) environment[name] = value;
  if (const Value* added = with.Find("env"); added != nullptr && added->is_map()) {
    for (const auto& [name, value] : added->as_map()) {
      environment[name] = value.is_string() ? value.as_string() : ToJson(value);
    }
  }
  place.folder = scratch;
  if (const Value* cwd = with.Find("cwd"); cwd != nullptr && cwd->is_string()) {
    ASSIGN_OR_RETURN(place.folder, WorkingFolder(context.root(), cwd->as_string()));
  }
  return place;
}

std::unique_ptr<StateSocket> OpenStates(TaskContext& context, Environment& environment) {
  StatusOr<std::unique_ptr<StateSocket>> states = StateSocket::Open(context);
  if (!states.ok()) {
    context.Log("[millrace] this attempt has no state store: " + states.status().message() + "\n");
    return nullptr;
  }
  environment[kStateSocketVariable] = (*states)->path();
  return *std::move(states);
}

std::string FindProgram(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return name;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string candidate = path.substr(begin, end - begin) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return name;
}

void LastLine::Feed(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      if (current_.find_first_not_of(" \t\r") != std::string::npos) last_ = std::move(current_);
      current_.clear();
    } else if (current_.size() < most_) {
      current_.push_back(c);
    }
  }
}

const std::string& LastLine::Get() {
  if (!current_.empty()) Feed("\n");
  return last_;
}

void Follow(TaskContext& context, const Followed& child, LastLine& last_line, std::string* answer,
            std::size_t max_answer) {
  using SteadyClock = std::chrono::steady_clock;
  std::vector<char> buffer(kBuffer);
  const auto log = [&](std::string_view text) {
    last_line.Feed(text);
    context.Log(text);
  };
  const auto keep = [&](std::string_view text) {
    answer->append(text.substr(0, max_answer - std::min(max_answer, answer->size())));
  };
  std::optional<SteadyClock::time_point> kill_at;
  bool open = true;
  bool answers = child.answer >= 0;
  bool alive = true;
  while (alive) {
    std::array<pollfd, 5> polled{
        pollfd{child.process, POLLIN, 0}, pollfd{open ? child.output : -1, POLLIN, 0},
        pollfd{kill_at ? -1 : child.cancel, POLLIN, 0}, pollfd{answers ? child.answer : -1, POLLIN, 0},
        pollfd{child.states != nullptr ? child.states->descriptor() : -1, POLLIN, 0}};
    int wait = -1;
    if (kill_at) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*kill_at - SteadyClock::now());
      wait = static_cast<int>(std::max<std::int64_t>(0, left.count()));
    }
    if (::poll(polled.data(), polled.size(), wait) < 0 && errno != EINTR) break;
    if (polled[1].revents != 0) open = Drain(child.output, buffer, log);
    if (polled[3].revents != 0) answers = Drain(child.answer, buffer, keep);
    if (polled[4].revents != 0) child.states->Serve();
    if (polled[2].revents != 0) {
      ::kill(-child.group, SIGTERM);
      kill_at = SteadyClock::now() + context.assignment().kill_grace;
    }
    if (kill_at && SteadyClock::now() >= *kill_at) ::kill(-child.group, SIGKILL);
    alive = polled[0].revents == 0;
  }
  // Not reaped yet, so the group's number is still ours: what the child left in it goes with it.
  ::kill(-child.group, SIGKILL);
  if (open) Drain(child.output, buffer, log);
  if (answers) Drain(child.answer, buffer, keep);
}

}  // namespace millrace::tasks
