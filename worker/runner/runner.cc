#include "worker/runner/runner.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace millrace::runner {
namespace {

// The session is the fourth field after the name, which stands in parentheses and may hold anything.
pid_t SessionOf(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return -1;
  std::string_view rest = std::string_view(line).substr(name_end + 1);
  for (int field = 0; field < 4; ++field) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  pid_t session = -1;
  std::from_chars(rest.data(), rest.data() + rest.size(), session);
  return session;
}

}  // namespace

void KillSession(pid_t session, pid_t except) {
  DIR* processes = ::opendir("/proc");
  if (processes == nullptr) return;
  while (const dirent* entry = ::readdir(processes)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const pid_t pid = std::atoi(entry->d_name);
    if (pid != except && SessionOf(entry->d_name) == session) ::kill(pid, SIGKILL);
  }
  ::closedir(processes);
}

StatusOr<std::unique_ptr<Runner>> Runner::Start(const std::vector<std::string>& arguments,
                                                const std::vector<std::string>& environment,
                                                Launcher& launcher, RunnerListener& listener) {
  Descriptor ours;
  Descriptor theirs;
  RETURN_IF_ERROR(MakeSocketPair(ours, theirs));
  SpawnOptions options;
  options.program = arguments[0];
  options.arguments = arguments;
  options.environment = environment;
  options.output = STDERR_FILENO;
  options.error = STDERR_FILENO;
  options.kept = theirs.get();
  options.new_session = true;
  options.death_signal = SIGTERM;  // not SIGKILL: the runner first kills the groups it started
  ASSIGN_OR_RETURN(const pid_t pid, launcher.Launch(options));
  return std::unique_ptr<Runner>(new Runner(pid, std::move(ours), listener));
}

Runner::Runner(pid_t pid, Descriptor socket, RunnerListener& listener)
    : pid_(pid), channel_(std::move(socket)), listener_(listener), reader_([this] { Read(); }) {}

Runner::~Runner() {
  Kill();
  reader_.join();
}

void Runner::Kill() {
  const std::lock_guard lock(reap_mutex_);
  if (reaped_) return;
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);  // before setsid there is no group
  channel_.Shutdown();
}

void Runner::Read() {
  while (true) {
    v1::FromRunner message;
    if (!channel_.Receive(message).ok()) break;
    Descriptor descriptor;
    if (message.has_blocks()) descriptor = channel_.TakeDescriptor();
    listener_.OnMessage(*this, std::move(message), std::move(descriptor));
  }
  // A socket that is closed or speaks nonsense is the end of the process too.
  ::kill(pid_, SIGKILL);
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
  KillSession(pid_);
  int status = 0;
  {
    const std::lock_guard lock(reap_mutex_);
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    reaped_ = true;
  }
  listener_.OnExit(*this, status);
}

}  // namespace millrace::runner
