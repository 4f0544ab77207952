#include "worker/runner/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "worker/shuffle/descriptor.h"

namespace millrace::runner {
namespace {

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct Prepared {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* folder;
  std::array<int, 4> descriptors;  // for 0, 1, 2, 3; -1: none
  bool new_session;
  int death_signal;
  pid_t parent;
  volatile int error;  // written by the child, which shares our memory until it execs
};

// In the child. Only system calls: other threads of the parent may hold any lock.
[[noreturn]] void Child(Prepared& prepared) {
  if (prepared.new_session) {
    ::setsid();
  } else {
    ::setpgid(0, 0);
  }
  if (prepared.death_signal != 0) {
    ::prctl(PR_SET_PDEATHSIG, prepared.death_signal);
    if (::getppid() != prepared.parent) ::_exit(127);
  }
  bool ok = prepared.folder == nullptr || ::chdir(prepared.folder) == 0;
  // Sources may stand in each other's targets (0 to 3): move them out of the way first.
  std::array<int, 4> high{};
  for (std::size_t i = 0; ok && i < high.size(); ++i) {
    if (prepared.descriptors[i] < 0) continue;
    high[i] = ::fcntl(prepared.descriptors[i], F_DUPFD_CLOEXEC, 16);
    ok = high[i] >= 0;
  }
  for (std::size_t i = 0; ok && i < high.size(); ++i) {
    if (prepared.descriptors[i] >= 0) ok = ::dup2(high[i], static_cast<int>(i)) >= 0;
  }
  if (ok) {
    const unsigned first = prepared.descriptors[3] >= 0 ? 4 : 3;
    ::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
    // exec resets handlers but keeps what is ignored. The bare system calls, because sanitizers keep books of
    // their own behind the library's, in memory that is still the parent's. All zero means SIG_DFL, and an
    // empty mask.
    const std::array<unsigned long, 8> zero{};
    for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD}) {
      ::syscall(SYS_rt_sigaction, number, zero.data(), nullptr, 8);
    }
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, zero.data(), nullptr, 8);
    ::execve(prepared.program, prepared.arguments, prepared.environment);
  }
  prepared.error = errno;
  ::_exit(127);
}

}  // namespace

StatusOr<pid_t> Spawn(const SpawnOptions& options) {
  const std::vector<char*> arguments = Pointers(options.arguments);
  const std::vector<char*> environment = Pointers(options.environment);
  const shuffle::Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return ErrnoStatus(errno, "open /dev/null");
  const auto or_null = [&](int fd) { return fd >= 0 ? fd : null.get(); };
  Prepared prepared{options.program.c_str(),
                    arguments.data(),
                    environment.data(),
                    options.folder.empty() ? nullptr : options.folder.c_str(),
                    {or_null(options.input), or_null(options.output), or_null(options.error), options.kept},
                    options.new_session,
                    options.death_signal,
                    ::getpid(),
                    0};
  // No handler of ours may run in the child while it shares our memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::vfork();
  if (pid == 0) Child(prepared);
  const int vfork_error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return ErrnoStatus(vfork_error, "start a process");
  if (prepared.error != 0) {
    ::waitpid(pid, nullptr, 0);
    return ErrnoStatus(prepared.error, "start " + options.program);
  }
  return pid;
}

std::string DescribeWaitStatus(int wait_status) {
  if (WIFEXITED(wait_status)) return "exit code " + std::to_string(WEXITSTATUS(wait_status));
  if (WIFSIGNALED(wait_status)) {
    const int number = WTERMSIG(wait_status);
    const char* name = ::sigdescr_np(number);
    return "killed by signal " + std::to_string(number) + " (" + (name != nullptr ? name : "?") + ")";
  }
  return "wait status " + std::to_string(wait_status);
}

}  // namespace millrace::runner
