#include "worker/mapreduce/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "worker/runner/spawn.h"
#include "worker/shuffle/descriptor.h"
#include "worker/shuffle/pipe.h"

namespace millrace::mapreduce {
namespace {

using shuffle::Descriptor;
using shuffle::Pipe;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr int kPipeBytes = 1 << 20;

// Lines out of whatever pieces a pipe gives.
class LineCutter {
 public:
  template <typename Take>
  Status Feed(std::string_view bytes, const Take& take) {
    while (true) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string_view::npos) break;
      if (rest_.empty()) {
        RETURN_IF_ERROR(take(bytes.substr(0, end)));
      } else {
        rest_ += bytes.substr(0, end);
        RETURN_IF_ERROR(take(rest_));
        rest_.clear();
      }
      bytes.remove_prefix(end + 1);
    }
    rest_ += bytes;
    return OkStatus();
  }
  template <typename Take>
  Status End(const Take& take) {
    if (rest_.empty()) return OkStatus();
    const std::string last = std::exchange(rest_, "");
    return take(last);
  }

 private:
  std::string rest_;
};

StatusOr<Pipe> MakeLargePipe() {
  ASSIGN_OR_RETURN(Pipe pipe, shuffle::MakePipe());
  ::fcntl(pipe.read.get(), F_SETPIPE_SZ, kPipeBytes);
  return pipe;
}

void SetNonBlocking(const Descriptor& end) { ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK); }

std::vector<std::string> ArgumentsOf(const std::vector<std::string>& command) {
  if (command.size() == 1 && command[0].find_first_of(" \t\n") != std::string::npos) return {"sh", "-c", command[0]};
  std::vector<std::string> arguments = {"env"};  // finds the program in PATH
  arguments.insert(arguments.end(), command.begin(), command.end());
  return arguments;
}

// A running command. Whatever it left behind goes with it.
class Child {
 public:
  static StatusOr<std::unique_ptr<Child>> Start(const Site& site, const std::vector<std::string>& command) {
    ASSIGN_OR_RETURN(Pipe input, MakeLargePipe());
    ASSIGN_OR_RETURN(Pipe output, MakeLargePipe());
    ASSIGN_OR_RETURN(Pipe error, MakeLargePipe());
    runner::SpawnOptions options;
    options.arguments = ArgumentsOf(command);
    options.program = options.arguments[0] == "sh" ? "/bin/sh" : "/usr/bin/env";
    options.environment = site.environment;
    options.folder = site.command_folder.empty() ? site.scratch : site.command_folder;
    options.input = input.read.get();
    options.output = output.write.get();
    options.error = error.write.get();
    options.death_signal = SIGKILL;
    ASSIGN_OR_RETURN(const pid_t group, runner::Spawn(options));
    std::unique_ptr<Child> child(new Child(group));
    child->input = std::move(input.write);
    child->output = std::move(output.read);
    child->error = std::move(error.read);
    SetNonBlocking(child->input);
    SetNonBlocking(child->output);
    SetNonBlocking(child->error);
    return child;
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!reaped_) {
      ::kill(-group_, SIGKILL);
      Wait();
    }
  }

  void Terminate() const { ::kill(-group_, SIGTERM); }
  // After its outputs have ended.
  int Wait() {
    int status = 0;
    siginfo_t ended{};
    // Not reaped yet, so that the group's number is still ours when what the command left behind is killed.
    while (::waitid(P_PID, static_cast<id_t>(group_), &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
    ::kill(-group_, SIGKILL);
    while (::waitpid(group_, &status, 0) < 0 && errno == EINTR) continue;
    reaped_ = true;
    return status;
  }

  Descriptor input;
  Descriptor output;
  Descriptor error;

 private:
  explicit Child(pid_t group) : group_(group) {}
  const pid_t group_;
  bool reaped_ = false;
};

// Feeds and drains a child until both of its outputs have ended.
class Conversation {
 public:
  Conversation(Child& child, const Site& site, const CommandStreams& streams, LoggedCounters& counters)
      : child_(child), site_(site), streams_(streams), counters_(counters), buffer_(kReadBytes) {}

  Status Run() {
    while (child_.output.valid() || child_.error.valid()) {
      std::array<pollfd, 3> polled{pollfd{child_.input.valid() ? child_.input.get() : -1, POLLOUT, 0},
                                   pollfd{child_.output.valid() ? child_.output.get() : -1, POLLIN, 0},
                                   pollfd{child_.error.valid() ? child_.error.get() : -1, POLLIN, 0}};
      if (::poll(polled.data(), polled.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus(errno, "poll");
      }
      if (polled[0].revents != 0) Write();
      if (polled[1].revents != 0) RETURN_IF_ERROR(Read(child_.output, lines_, streams_.output));
      if (polled[2].revents != 0) RETURN_IF_ERROR(Read(child_.error, errors_, [this](std::string_view line) { return TakeError(line); }));
    }
    return OkStatus();
  }
  const std::string& last_error() const { return last_error_; }

 private:
  void Write() {
    while (true) {
      if (pending_.empty()) {
        const std::optional<std::string_view> next = streams_.input();
        if (!next) return child_.input.Close();
        pending_ = *next;
        continue;
      }
      const ssize_t written = ::write(child_.input.get(), pending_.data(), pending_.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN) return;
      // It reads no further, which is its right: its exit code says whether that was well.
      if (written < 0) return child_.input.Close();
      pending_.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  template <typename Take>
  Status Read(Descriptor& from, LineCutter& cutter, const Take& take) {
    const ssize_t got = ::read(from.get(), buffer_.data(), buffer_.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR ? OkStatus() : ErrnoStatus(errno, "read from a command");
    if (got > 0) return cutter.Feed({buffer_.data(), static_cast<std::size_t>(got)}, take);
    from.Close();
    return cutter.End(take);
  }

  Status TakeError(std::string_view line) {
    if (counters_.Report(line) || line.starts_with("reporter:status:")) return OkStatus();
    site_.Log(std::string(line));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) last_error_ = line.substr(0, 300);
    return OkStatus();
  }

  Child& child_;
  const Site& site_;
  const CommandStreams& streams_;
  LoggedCounters& counters_;
  std::vector<char> buffer_;
  std::string_view pending_;
  LineCutter lines_;
  LineCutter errors_;
  std::string last_error_;
};

}  // namespace

Status RunCommand(const Site& site, const std::vector<std::string>& command, const CommandStreams& streams,
                  LoggedCounters& counters) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Child> child, Child::Start(site, command));
  Conversation conversation(*child, site, streams, counters);
  {
    std::optional<Cancellation::Scope> scope;
    if (site.cancellation != nullptr) scope.emplace(*site.cancellation, [&child] { child->Terminate(); });
    RETURN_IF_ERROR(conversation.Run());
  }
  const int status = child->Wait();
  if (site.cancellation != nullptr && site.cancellation->cancelled()) return Cancelled("the command was stopped");
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return OkStatus();
  std::string message = "command '" + command[0] + "': " + runner::DescribeWaitStatus(status);
  if (!conversation.last_error().empty()) message += ": " + conversation.last_error();
  return FailedPrecondition(message);
}

std::pair<std::string_view, std::string_view> SplitPair(std::string_view line) {
  const std::size_t tab = line.find('\t');
  if (tab == std::string_view::npos) return {line, {}};
  return {line.substr(0, tab), line.substr(tab + 1)};
}

}  // namespace millrace::mapreduce
