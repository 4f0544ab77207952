#include "dagctl/children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

extern char** environ;

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;

constexpr Duration kDrainTime = std::chrono::seconds(30);
constexpr Duration kLook =
    std::chrono::milliseconds(100);  // a child's end is noticed at once; this is for what is missed

std::string LastLine(const std::string& path) {
  std::ifstream file(path);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = std::move(line);
  }
  return last;
}

}  // namespace

StopSignals::StopSignals() {
  sigset_t waited;
  sigemptyset(&waited);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&waited, signal);
  struct sigaction hangup {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaddset(&waited, SIGHUP);  // nohup means it
  sigprocmask(SIG_BLOCK, &waited, nullptr);
  descriptor_ = signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
}

StopSignals::~StopSignals() { close(descriptor_); }

bool StopSignals::Asked(Duration timeout) const {
  pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  if (poll(&waiting, 1, static_cast<int>(millis)) <= 0) return false;
  bool asked = false;
  for (signalfd_siginfo info{}; read(descriptor_, &info, sizeof info) == sizeof info;)
    asked |= info.ssi_signo != SIGCHLD;
  return asked;
}

StatusOr<std::string> Beside(const std::string& program) {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const fs::path path = self.parent_path() / program;
  if (error || !fs::exists(path)) return NotFound(program + " is not beside dagctl (" + path.string() + ")");
  return path.string();
}

Status Children::Start(const std::string& name, const std::string& program,
                       std::vector<std::string> arguments, const std::string& log) {
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

Status Children::CheckAlive() {
  for (Child& child : children_) {
    int status = 0;
    if (child.pid < 0 || waitpid(child.pid, &status, WNOHANG) != child.pid) continue;
    child.pid = -1;
    return FailedPrecondition(child.name + " has stopped" +
                              (WIFEXITED(status) ? " with exit status " + std::to_string(WEXITSTATUS(status))
                                                 : " by signal " + std::to_string(WTERMSIG(status))) +
                              "; its log ends: " + LastLine(child.log));
  }
  return OkStatus();
}

void Children::StopAll() {
  for (std::size_t i = children_.size(); i > 0; --i) {
    if (i == 1) AwaitEnds(1);
    if (children_[i - 1].pid > 0) kill(children_[i - 1].pid, SIGTERM);
  }
  AwaitEnds(0);
  for (const Child& child : children_) {
    if (child.pid > 0 && kill(-child.pid, SIGKILL) == 0) waitpid(child.pid, nullptr, 0);
  }
  children_.clear();
}

void Children::AwaitEnds(std::size_t first) {
  const BootTime until = clock_.now().boot + kDrainTime;
  while (clock_.now().boot < until) {
    bool alive = false;
    for (std::size_t i = first; i < children_.size(); ++i) {
      Child& child = children_[i];
      if (child.pid > 0 && waitpid(child.pid, nullptr, WNOHANG) == child.pid) child.pid = -1;
      alive = alive || child.pid > 0;
    }
    if (!alive) return;
    (void)signals_.Asked(kLook);
  }
}

}  // namespace millrace::dagctl
