#include "dagctl/up.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <vector>

#include "dagctl/login.h"
#include "dagctl/rest_client.h"

extern char** environ;

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

constexpr Duration kStartTime = std::chrono::seconds(60);
constexpr Duration kDrainTime = std::chrono::seconds(30);
constexpr int kPollMs = 100;

struct Child {
  std::string name;
  std::string log;
  pid_t pid = -1;
};

StatusOr<std::string> Beside(const std::string& program) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path path = self.parent_path() / program;
  if (error || !fs::exists(path)) return NotFound(program + " is not beside dagctl (" + path.string() + ")");
  return path.string();
}

class Children {
 public:
  Children(const Clock& clock, int signals) : clock_(clock), signals_(signals) {}

  Status Start(const std::string& name, const std::string& program, std::vector<std::string> arguments, const std::string& log) {
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // Ctrl-C must reach dagctl alone, which stops the others in order; and our blocked signals are ours.
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    Child child{.name = name, .log = log};
    const int error = posix_spawn(&child.pid, program.c_str(), &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return ErrnoStatus(error, "start " + program);
    children_.push_back(std::move(child));
    return OkStatus();
  }

  // FAILED_PRECONDITION with the name and log of a child that has ended by itself.
  Status CheckAlive() {
    for (Child& child : children_) {
      int status = 0;
      if (child.pid < 0 || waitpid(child.pid, &status, WNOHANG) != child.pid) continue;
      child.pid = -1;
      return FailedPrecondition(child.name + " has stopped" +
                                (WIFEXITED(status) ? " with exit status " + std::to_string(WEXITSTATUS(status))
                                                   : " by signal " + std::to_string(WTERMSIG(status))) +
                                ": see " + child.log);
    }
    return OkStatus();
  }

  // True when SIGINT or SIGTERM has come.
  bool StopAsked(int timeout_ms) const {
    pollfd waiting{.fd = signals_, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, timeout_ms) <= 0) return false;
    signalfd_siginfo info{};
    (void)!read(signals_, &info, sizeof info);
    return info.ssi_signo != SIGCHLD;
  }

  // Workers first, so that they can hand their work back; then the scheduler.
  void StopAll() {
    for (std::size_t i = children_.size(); i > 0; --i) {
      if (i == 1) AwaitEnds(1);
      if (children_[i - 1].pid > 0) kill(children_[i - 1].pid, SIGTERM);
    }
    AwaitEnds(0);
    for (const Child& child : children_) {
      if (child.pid > 0) kill(-child.pid, SIGKILL);
    }
  }

 private:
  // Until all children from `first` on have ended, or the time is over.
  void AwaitEnds(std::size_t first) {
    const BootTime until = clock_.now().boot + kDrainTime;
    while (clock_.now().boot < until) {
      bool alive = false;
      for (std::size_t i = first; i < children_.size(); ++i) {
        Child& child = children_[i];
        if (child.pid > 0 && waitpid(child.pid, nullptr, WNOHANG) == child.pid) child.pid = -1;
        alive = alive || child.pid > 0;
      }
      if (!alive) return;
      (void)StopAsked(kPollMs);
    }
  }

  const Clock& clock_;
  const int signals_;
  std::vector<Child> children_;  // the scheduler first
};

// The dashboard answers, and so do the workers' and the browser's ports.
StatusOr<std::string> AwaitHealthy(Children& children, const std::string& state, const Clock& clock) {
  const BootTime until = clock.now().boot + kStartTime;
  while (clock.now().boot < until) {
    RETURN_IF_ERROR(children.CheckAlive());
    const StatusOr<std::string> url = HttpAddress(state);
    if (url.ok() && RestClient(*url, "").Get("/api/v2/monitor/health").ok()) return *url;
    if (children.StopAsked(kPollMs)) return Cancelled("stopped while starting");
  }
  return DeadlineExceeded("the scheduler does not answer: see " + state + "/scheduler.log");
}

Status Serve(const UpOptions& options, const Clock& clock, Children& children) {
  ASSIGN_OR_RETURN(const std::string scheduler, Beside("millrace-scheduler"));
  ASSIGN_OR_RETURN(const std::string worker, Beside("millrace-worker"));
  std::error_code error;
  fs::create_directories(options.state, error);
  fs::permissions(options.state, fs::perms::owner_all, error);
  if (error) return ErrnoStatus(error.value(), "make the state folder " + options.state);
  const std::string state = fs::absolute(options.state).string();
  fs::remove(state + "/endpoints.json", error);

  std::vector<std::string> arguments = {"--state", state, "--dags", fs::absolute(options.dags).string(), "--listen",
                                        "127.0.0.1:" + std::to_string(options.port), "--grpc", "127.0.0.1:0"};
  if (!options.webui.empty()) arguments.insert(arguments.end(), {"--webui", fs::absolute(options.webui).string()});
  RETURN_IF_ERROR(children.Start("millrace-scheduler", scheduler, std::move(arguments), state + "/scheduler.log"));
  ASSIGN_OR_RETURN(const std::string url, AwaitHealthy(children, state, clock));
  ASSIGN_OR_RETURN(const std::string grpc, GrpcAddress(state));
  for (int i = 1; i <= options.workers; ++i) {
    const std::string name = "w" + std::to_string(i);
    RETURN_IF_ERROR(children.Start("millrace-worker " + name, worker,
                                   {"--scheduler", grpc, "--token-file", state + "/worker.token", "--name", name, "--slots",
                                    std::to_string(options.slots), "--root", fs::absolute(options.root).string(), "--folder",
                                    state + "/workers/" + name},
                                   state + "/" + name + ".log"));
  }
  std::cout << "Dashboard: " << url << "\nLogin:     admin, password in " << state << "/admin.password\nLogs:      " << state
            << "/*.log\nStop with Ctrl-C.\n"
            << std::flush;
  while (!children.StopAsked(1000)) RETURN_IF_ERROR(children.CheckAlive());
  return OkStatus();
}

}  // namespace

Status Up(const UpOptions& options, const Clock& clock) {
  sigset_t waited;
  sigemptyset(&waited);
  for (int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&waited, signal);
  sigprocmask(SIG_BLOCK, &waited, nullptr);
  const int signals = signalfd(-1, &waited, SFD_CLOEXEC);
  if (signals < 0) return ErrnoStatus(errno, "signalfd");
  Children children(clock, signals);
  const Status status = Serve(options, clock, children);
  children.StopAll();
  close(signals);
  return status;
}

}  // namespace millrace::dagctl
