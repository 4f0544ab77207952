#include "worker/tasks/shell.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>

#include "core/model/json.h"
#include "worker/lake/path.h"
#include "worker/runner/spawn.h"
#include "worker/shuffle/descriptor.h"
#include "worker/tasks/files.h"

namespace millrace::tasks {
namespace {

using shuffle::Descriptor;

constexpr int kSkipExitCode = 99;
constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string Text(const Value& value) { return value.is_string() ? value.as_string() : ToJson(value); }

// The working folder a task asks for: beneath the root, and there.
StatusOr<std::string> WorkingFolder(const std::string& root, const std::string& path) {
  ASSIGN_OR_RETURN(std::string folder, lake::Beneath(root, path));
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) return NotFound("working folder does not exist: " + path);
  return folder;
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

using Environment = std::map<std::string, std::string>;

StatusOr<runner::SpawnOptions> Prepare(const TaskContext& context, Environment environment) {
  const Assignment& assignment = context.assignment();
  ASSIGN_OR_RETURN(const Value with, ParseJson(assignment.with));
  const Value* command = with.Find("command");
  if (command == nullptr) return InvalidArgument("'command' is missing");

  runner::SpawnOptions options;
  const std::string& scratch = context.scratch();
  const std::string files = scratch + "/files";
  RETURN_IF_ERROR(LayOutFiles(context, files));
  environment.insert({{"PATH", kPath}, {"HOME", "/"}, {"LANG", "C.UTF-8"}});
  environment["TMPDIR"] = scratch;
  environment["MILLRACE_ROOT"] = context.root();
  environment["MILLRACE_FILES"] = files;
  environment["MILLRACE_FENCE"] = ToString(assignment.fence);
  for (const auto& [name, value] : assignment.environment) environment[name] = value;
  if (const Value* added = with.Find("env"); added != nullptr && added->is_map()) {
    for (const auto& [name, value] : added->as_map()) environment[name] = Text(value);
  }
  for (const auto& [name, value] : environment) options.environment.push_back(name + "=" + value);

  options.folder = scratch;
  if (const Value* cwd = with.Find("cwd"); cwd != nullptr && cwd->is_string()) {
    ASSIGN_OR_RETURN(options.folder, WorkingFolder(context.root(), cwd->as_string()));
  }
  if (command->is_list()) {
    for (const Value& argument : command->as_list()) options.arguments.push_back(Text(argument));
    if (options.arguments.empty()) return InvalidArgument("'command' is empty");
    options.program = FindProgram(options.arguments[0], environment["PATH"]);
  } else {
    options.program = "/bin/sh";
    options.arguments = {"sh", "-c", Text(*command)};
  }
  options.death_signal = SIGKILL;
  return options;
}

// The last line that says something, for the one-line message.
class LastLine {
 public:
  void Feed(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        if (current_.find_first_not_of(" \t\r") != std::string::npos) last_ = std::move(current_);
        current_.clear();
      } else if (current_.size() < 300) {
        current_.push_back(c);
      }
    }
  }
  const std::string& Get() {
    if (!current_.empty()) Feed("\n");
    return last_;
  }

 private:
  std::string current_;
  std::string last_;
};

class Shell final : public TaskKind {
 public:
  explicit Shell(const Environment& environment)
      : environment_(environment), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  TaskEnd Run(TaskContext& context) override {
    StatusOr<runner::SpawnOptions> options = Prepare(context, environment_);
    if (!options.ok()) return Fail(context, Outcome::kFailFinal, options.status().message());
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
    return Follow(context, *group, output.get());
  }

  void Cancel() override { ::eventfd_write(cancel_.get(), 1); }

 private:
  static TaskEnd Fail(TaskContext& context, Outcome outcome, const std::string& message) {
    context.Log("[millrace] " + message + "\n");
    return {.outcome = outcome, .message = message};
  }

  TaskEnd Follow(TaskContext& context, pid_t group, int output) {
    using SteadyClock = std::chrono::steady_clock;
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, group, 0)));
    LastLine last_line;
    std::optional<SteadyClock::time_point> kill_at;
    bool open = true;
    bool alive = true;
    while (alive) {
      std::array<pollfd, 3> polled{pollfd{process.get(), POLLIN, 0}, pollfd{open ? output : -1, POLLIN, 0},
                                   pollfd{kill_at ? -1 : cancel_.get(), POLLIN, 0}};
      int wait = -1;
      if (kill_at) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*kill_at - SteadyClock::now());
        wait = static_cast<int>(std::max<std::int64_t>(0, left.count()));
      }
      if (::poll(polled.data(), polled.size(), wait) < 0 && errno != EINTR) break;
      if (polled[1].revents != 0) open = Drain(context, output, last_line);
      if (polled[2].revents != 0) {
        ::kill(-group, SIGTERM);
        kill_at = SteadyClock::now() + context.assignment().kill_grace;
      }
      if (kill_at && SteadyClock::now() >= *kill_at) ::kill(-group, SIGKILL);
      alive = polled[0].revents == 0;
    }
    // Not reaped yet, so the group's number is still ours: what the command left in it goes with it.
    ::kill(-group, SIGKILL);
    int status = 0;
    while (::waitpid(group, &status, 0) < 0 && errno == EINTR) continue;
    if (open) Drain(context, output, last_line);
    return EndOf(status, last_line.Get());
  }

  // False at the end of the output.
  bool Drain(TaskContext& context, int output, LastLine& last_line) {
    while (true) {
      const ssize_t got = ::read(output, buffer_.data(), buffer_.size());
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      const std::string_view text(buffer_.data(), static_cast<std::size_t>(got));
      last_line.Feed(text);
      context.Log(text);
      if (text.size() < buffer_.size()) return true;
    }
  }

  static TaskEnd EndOf(int status, const std::string& last_line) {
    TaskEnd end;
    end.message = runner::DescribeWaitStatus(status);
    end.outcome = Outcome::kFailed;
    if (WIFEXITED(status)) {
      end.exit_code = WEXITSTATUS(status);
      if (*end.exit_code == 0) {
        end.outcome = Outcome::kSuccess;
        end.message.clear();
      }
      if (*end.exit_code == kSkipExitCode) end.outcome = Outcome::kSkipped;
    }
    if (end.outcome == Outcome::kFailed && !last_line.empty()) end.message += ": " + last_line;
    return end;
  }

  const Environment& environment_;  // the entry's
  Descriptor cancel_;
  std::array<char, 64U << 10> buffer_{};
};

}  // namespace

TaskEntry ShellEntry(std::map<std::string, std::string> environment) {
  const auto kept = std::make_shared<const Environment>(std::move(environment));
  return {[kept] { return std::make_unique<Shell>(*kept); }};
}

}  // namespace millrace::tasks
