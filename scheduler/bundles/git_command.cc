#include "scheduler/bundles/git_command.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>

namespace millrace::bundles {
namespace {

constexpr std::size_t kMostPrinted = 64 << 10;

// Of ours, because a network needs them; everything else of git's environment is written here.
constexpr std::array<std::string_view, 11> kPassed = {"PATH",     "http_proxy", "https_proxy",  "HTTPS_PROXY",   "all_proxy",     "ALL_PROXY",
                                                      "no_proxy", "NO_PROXY",   "SSL_CERT_DIR", "SSL_CERT_FILE", "GIT_SSL_CAINFO"};
constexpr std::string_view kPath = "PATH=";

const std::vector<std::pair<std::string, std::string>>& FixedEnvironment() {
  static const std::vector<std::pair<std::string, std::string>> fixed = {
      {"LC_ALL", "C"},
      {"HOME", "/nonexistent"},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_TERMINAL_PROMPT", "0"},
      {"GIT_ASKPASS", ""},
      {"SSH_ASKPASS_REQUIRE", "never"},
      {"GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"},
  };
  return fixed;
}

const std::vector<std::pair<std::string, std::string>>& FixedConfig() {
  static const std::vector<std::pair<std::string, std::string>> fixed = {
      {"core.hooksPath", "/dev/null"},    {"core.askPass", ""},
      {"core.attributesFile", "/dev/null"}, {"core.fsmonitor", "false"},
      {"credential.helper", ""},          {"protocol.ext.allow", "never"},
      {"submodule.recurse", "false"},     {"fetch.recurseSubmodules", "false"},
      {"http.lowSpeedLimit", "1000"},     {"http.lowSpeedTime", "60"},
      {"init.defaultBranch", "main"},     {"advice.detachedHead", "false"},
      // What tidies the repository up ends with the call: nothing is left that the deadline does not reach.
      {"gc.autoDetach", "false"},         {"maintenance.autoDetach", "false"},
  };
  return fixed;
}

std::vector<std::string> PassedOf(const char* const* environment) {
  std::vector<std::string> passed;
  bool has_path = false;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    if (std::find(kPassed.begin(), kPassed.end(), entry.substr(0, entry.find('='))) == kPassed.end()) continue;
    passed.emplace_back(entry);
    has_path = has_path || entry.starts_with(kPath);
  }
  if (!has_path) passed.push_back(std::string(kPath) + "/usr/local/bin:/usr/bin:/bin");
  return passed;
}

std::vector<std::string> EnvironmentOf(const std::vector<std::string>& passed, const GitCall& call) {
  std::vector<std::string> all = passed;
  bool has_config = false;
  for (const auto* const list : {&FixedEnvironment(), &call.environment}) {
    for (const auto& [name, value] : *list) {
      all.push_back(name + "=" + value);
      has_config = has_config || name == "GIT_CONFIG_GLOBAL";
    }
  }
  if (!has_config) all.emplace_back("GIT_CONFIG_GLOBAL=/dev/null");
  std::size_t count = 0;
  for (const auto* const list : {&FixedConfig(), &call.config}) {
    for (const auto& [name, value] : *list) {
      const std::string number = std::to_string(count++);
      all.push_back("GIT_CONFIG_KEY_" + number + "=" + name);
      all.push_back("GIT_CONFIG_VALUE_" + number + "=" + value);
    }
  }
  all.push_back("GIT_CONFIG_COUNT=" + std::to_string(count));
  return all;
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The program as execve needs it: looked for here, because nothing may be allocated behind fork.
std::string FindGit(const std::vector<std::string>& passed) {
  const auto path = std::find_if(passed.begin(), passed.end(), [](const std::string& entry) { return entry.starts_with(kPath); });
  std::string rest = path != passed.end() ? path->substr(kPath.size()) : "";
  while (!rest.empty()) {
    const std::size_t end = rest.find(':');
    const std::string program = rest.substr(0, end) + "/git";
    if (program.front() == '/' && ::access(program.c_str(), X_OK) == 0) return program;
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
  }
  return "";
}

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { Close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void Set(int fd) { fd_ = fd; }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

Status MakePipe(Descriptor& from, Descriptor& to) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "make a pipe");
  from.Set(ends[0]);
  to.Set(ends[1]);
  return OkStatus();
}

// In the child. Only system calls: other threads of the parent may hold any lock.
[[noreturn]] void Child(const char* program, char* const* arguments, char* const* environment, std::array<int, 3> descriptors,
                        pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  bool ok = ::getppid() == parent;
  for (std::size_t i = 0; ok && i < descriptors.size(); ++i) {
    descriptors[i] = ::fcntl(descriptors[i], F_DUPFD_CLOEXEC, 16);
    ok = descriptors[i] >= 0;
  }
  for (std::size_t i = 0; ok && i < descriptors.size(); ++i) ok = ::dup2(descriptors[i], static_cast<int>(i)) >= 0;
  if (ok) {
    ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC);
    // The bare system calls, because sanitizers keep books of their own behind the library's. All zero means SIG_DFL, and an empty mask.
    const std::array<unsigned long, 8> zero{};
    for (const int number : {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGCHLD})
      ::syscall(SYS_rt_sigaction, number, zero.data(), nullptr, 8);
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, zero.data(), nullptr, 8);
    ::execve(program, arguments, environment);
  }
  ::_exit(127);
}

// Appends what there is; false at the end.
bool ReadSome(int fd, std::string& text) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR || errno == EAGAIN;
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r')) text.pop_back();
  return text;
}

// Progress is overwritten with '\r', and said to a terminal only; the last lines say what went wrong.
std::string Said(const std::string& text, int wait_status) {
  std::string said = Trimmed(text);
  if (said.size() > GitCommand::kMostSaid) said = "..." + said.substr(said.size() - GitCommand::kMostSaid);
  for (char& c : said) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') c = ' ';
  }
  if (!said.empty()) return said;
  return WIFSIGNALED(wait_status) ? "git was killed by signal " + std::to_string(WTERMSIG(wait_status))
                                  : "git ended with exit code " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace

GitCommand::GitCommand(const char* const* environment, const Clock& clock, Duration deadline)
    : passed_(PassedOf(environment)), clock_(clock), deadline_(deadline), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

GitCommand::~GitCommand() {
  if (stop_ >= 0) ::close(stop_);
}

void GitCommand::Stop() { ::eventfd_write(stop_, 1); }

StatusOr<std::string> GitCommand::Run(const GitCall& call) const {
  const std::string program = FindGit(passed_);
  if (program.empty()) return NotFound("there is no git on this machine");
  std::vector<std::string> words = {"git"};
  words.insert(words.end(), call.arguments.begin(), call.arguments.end());
  const std::vector<std::string> named = EnvironmentOf(passed_, call);
  const std::vector<char*> arguments = Pointers(words);
  const std::vector<char*> environment = Pointers(named);
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null.get() < 0 || stop_ < 0) return ErrnoStatus(errno, "open /dev/null");
  Descriptor out;
  Descriptor out_end;
  Descriptor error;
  Descriptor error_end;
  RETURN_IF_ERROR(MakePipe(out, out_end));
  RETURN_IF_ERROR(MakePipe(error, error_end));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) Child(program.c_str(), arguments.data(), environment.data(), {null.get(), out_end.get(), error_end.get()}, parent);
  if (pid < 0) return ErrnoStatus(errno, "start git");
  ::setpgid(pid, pid);  // whoever comes first: a kill must find the group
  out_end.Close();
  error_end.Close();

  const BootTime until = clock_.now().boot + deadline_;
  std::string printed;
  std::string said;
  Status ended = OkStatus();
  while (ended.ok() && (out.get() >= 0 || error.get() >= 0)) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock_.now().boot).count();
    pollfd waits[3] = {{out.get(), POLLIN, 0}, {error.get(), POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(waits, 3, left > 0 ? static_cast<int>(std::min<long>(left, 60'000)) : 0);
    if ((waits[2].revents & POLLIN) != 0) ended = Cancelled("stopped");
    if (left <= 0) ended = DeadlineExceeded("git did not end within " + std::to_string(deadline_ / std::chrono::seconds(1)) + " s");
    if (waits[0].revents != 0 && !ReadSome(out.get(), printed)) out.Close();
    if (waits[1].revents != 0 && !ReadSome(error.get(), said)) error.Close();
    if (printed.size() > kMostPrinted) ended = ResourceExhausted("git printed more than was asked for");
    if (said.size() > kMostPrinted) said.erase(0, said.size() - GitCommand::kMostSaid);
  }
  // What it started may live on without its pipes, or hold them.
  if (!ended.ok()) ::kill(-pid, SIGKILL);
  // The group goes before the child is reaped: until then its number is nobody else's.
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
  ::kill(-pid, SIGKILL);
  int wait_status = 0;
  while (::waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) continue;
  RETURN_IF_ERROR(ended);
  if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) return Trimmed(std::move(printed));
  return Unavailable(Said(said, wait_status));
}

}  // namespace millrace::bundles
