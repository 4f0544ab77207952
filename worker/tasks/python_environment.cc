#include "worker/tasks/python_environment.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/model/json.h"
#include "worker/runner/spawn.h"

namespace millrace::tasks {
namespace {

namespace fs = std::filesystem;
using shuffle::Descriptor;

constexpr int kAskAgainMillis = 100;  // for a lock that another attempt holds
constexpr std::size_t kHashDigits = 32;

std::vector<std::string> LinesOf(const Value& with, std::string_view name) {
  std::vector<std::string> texts;
  const Value* value = with.Find(name);
  if (value == nullptr || value->is_null()) return texts;
  for (const Value& item : value->is_list() ? value->as_list() : Value::List{*value})
    texts.push_back(item.is_string() ? item.as_string() : ToJson(item));
  return texts;
}

std::string FactsOf(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return "";
  return std::to_string(facts.st_size) + "@" + std::to_string(facts.st_mtim.tv_sec) + "." +
         std::to_string(facts.st_mtim.tv_nsec);
}

// What a task asks for.
struct Wanted {
  std::string interpreter;
  std::vector<std::string> requirements;
  std::string file;  // the text of requirements_file
  std::vector<std::string> options;
  bool system_packages = false;

  bool nothing() const { return requirements.empty() && file.empty(); }

  // Two that agree in this are one: also the interpreter's own file, and local packages as they lie there
  // now.
  std::string Hash(const std::string& root) const {
    std::error_code error;
    const std::string real = fs::canonical(interpreter, error).string();
    Value::List parts{real, FactsOf(real), system_packages, file};
    for (const std::string& requirement : requirements) {
      parts.emplace_back(requirement);
      parts.emplace_back(FactsOf(root + "/" + requirement));
    }
    for (const std::string& option : options) parts.emplace_back(option);
    parts.emplace_back(static_cast<std::int64_t>(options.size()));
    const std::string text = ToJson(Value(std::move(parts)));
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    std::array<char, kHashDigits + 1> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                  static_cast<unsigned long long>(hash.high64), static_cast<unsigned long long>(hash.low64));
    return digits.data();
  }
};

// One environment, while it is looked for and made.
class Maker {
 public:
  Maker(TaskContext& context, std::string folder, Wanted wanted, const ChildPlace& place, int cancel)
      : context_(context),
        folder_(std::move(folder)),
        wanted_(std::move(wanted)),
        place_(place),
        cancel_(cancel),
        link_(folder_ + "/" + wanted_.Hash(context.root())) {}

  StatusOr<PythonEnvironment> Take() {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) return Internal("cannot make " + folder_ + ": " + error.message());
    lock_ = Descriptor(::open((link_ + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (lock_.get() < 0) return ErrnoStatus(errno, "open " + link_ + ".lock");
    // Between the lock to make it and the lock to use it somebody may drop it: then once more.
    while (true) {
      RETURN_IF_ERROR(Lock(LOCK_SH));
      if (const std::string python = Finished(); !python.empty()) {
        ::futimens(lock_.get(), nullptr);  // used now
        DropOld();
        return PythonEnvironment{python, std::move(lock_)};
      }
      ::flock(lock_.get(), LOCK_UN);  // two that wait for each other's end would wait for ever
      RETURN_IF_ERROR(Lock(LOCK_EX));
      if (Finished().empty()) RETURN_IF_ERROR(Make());
    }
  }

 private:
  // Its interpreter; "" when there is none, or not a whole one.
  std::string Finished() const {
    std::error_code error;
    const fs::path target = fs::read_symlink(link_, error);
    if (error) return "";
    std::string python = folder_ + "/" + target.string() + "/bin/python";
    return ::access(python.c_str(), X_OK) == 0 ? python : "";
  }

  Status Lock(int how) {
    bool told = false;
    while (::flock(lock_.get(), how | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "lock " + link_ + ".lock");
      if (!std::exchange(told, true))
        context_.Log("[millrace] another attempt makes the environment: waiting for it\n");
      pollfd cancelled{cancel_, POLLIN, 0};
      if (::poll(&cancelled, 1, kAskAgainMillis) > 0) return Cancelled("cancelled");
    }
    return OkStatus();
  }

  // With the lock alone.
  Status Make() {
    std::error_code error;
    DropUnlinked(link_);
    fs::remove(link_, error);
    // A name of its own: an interpreter that still runs in a dropped one never finds another's files.
    std::string pattern = link_ + "-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) return ErrnoStatus(errno, "make " + pattern);
    const Status made = Fill(pattern);
    if (!made.ok()) {
      fs::remove_all(pattern, error);
      return made;
    }
    const std::string fresh = pattern + ".link";
    fs::create_symlink(fs::path(pattern).filename(), fresh, error);
    if (!error) fs::rename(fresh, link_, error);
    if (error) return Internal("cannot publish " + link_ + ": " + error.message());
    return OkStatus();
  }

  Status Fill(const std::string& folder) {
    std::vector<std::string> make = {wanted_.interpreter, "-m", "venv"};
    if (wanted_.system_packages) make.push_back("--system-site-packages");
    if (wanted_.nothing()) make.push_back("--without-pip");
    make.push_back(folder);
    const Status made = Run(make);
    if (!made.ok() && made.code() != Code::kCancelled)
      return FailedPrecondition(
          "no virtual environment can be made with " + wanted_.interpreter + ": " + made.message() +
          "; it needs Python's venv and ensurepip (on Debian the package python3-venv)");
    RETURN_IF_ERROR(made);
    if (wanted_.nothing()) return OkStatus();
    std::vector<std::string> install = {folder + "/bin/python",       "-m", "pip", "install", "--no-input",
                                        "--disable-pip-version-check"};
    install.insert(install.end(), wanted_.options.begin(), wanted_.options.end());
    if (!wanted_.file.empty()) {
      const std::string path = context_.scratch() + "/requirements.txt";
      std::ofstream(path) << wanted_.file;
      install.insert(install.end(), {"-r", path});
    }
    install.insert(install.end(), wanted_.requirements.begin(), wanted_.requirements.end());
    const Status installed = Run(install);
    if (!installed.ok() && installed.code() != Code::kCancelled)
      return Unavailable(
          "pip could not install the requirements: " + installed.message() +
          "; the log has what it says. pip looks where pip.conf of the worker's user, pip_options and "
          "PIP_... in 'env' say");
    return installed;
  }

  // In the worker's root, so that relative paths lie beneath it.
  Status Run(const std::vector<std::string>& arguments) {
    std::string line = "$";
    for (const std::string& argument : arguments) line += " " + argument;
    context_.Log(line + "\n");
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
    const Descriptor output(pipe[0]);
    Descriptor input(pipe[1]);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    runner::SpawnOptions options;
    options.program = arguments[0];
    options.arguments = arguments;
    for (const auto& [name, value] : place_.environment) options.environment.push_back(name + "=" + value);
    options.folder = context_.root();
    options.output = input.get();
    options.error = input.get();
    options.death_signal = SIGKILL;
    ASSIGN_OR_RETURN(const pid_t group, runner::Spawn(options));
    input.Close();
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, group, 0)));
    LastLine last_line;
    Follow(context_, {group, process.get(), output.get(), -1, cancel_}, last_line, nullptr, 0);
    int status = 0;
    while (::waitpid(group, &status, 0) < 0 && errno == EINTR) continue;
    if (context_.cancelled()) return Cancelled("cancelled");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return OkStatus();
    return Unavailable(runner::DescribeWaitStatus(status) +
                       (last_line.Get().empty() ? "" : ": " + last_line.Get()));
  }

  // What begins as `link` does and is not what it leads to: left by those that died over it.
  void DropUnlinked(const std::string& link) const {
    std::error_code error;
    const fs::path kept = fs::read_symlink(link, error);
    const std::string name = fs::path(link).filename().string() + "-";
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
      const std::string other = entry.path().filename().string();
      if (other.starts_with(name) && other != kept.string()) fs::remove_all(entry.path(), error);
    }
  }

  // All but the newest, unless they are in use.
  void DropOld() const {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, std::string>> links;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
      const std::string path = entry.path().string();
      if (entry.path().filename().string().size() == kHashDigits && entry.is_symlink(error))
        links.emplace_back(fs::last_write_time(path + ".lock", error), path);
    }
    if (links.size() <= kMostEnvironments) return;
    std::sort(links.begin(), links.end());
    links.resize(links.size() - kMostEnvironments);
    for (const auto& [used, link] : links) {
      const Descriptor lock(::open((link + ".lock").c_str(), O_RDWR | O_CLOEXEC));
      if (link == link_ || lock.get() < 0 || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
      fs::remove(link, error);
      DropUnlinked(link);
    }
  }

  TaskContext& context_;
  const std::string folder_;
  const Wanted wanted_;
  const ChildPlace& place_;
  const int cancel_;
  const std::string link_;
  Descriptor lock_;
};

}  // namespace

bool WantsEnvironment(const Value& with) {
  const auto given = [&](const char* name) {
    const Value* value = with.Find(name);
    return value != nullptr && !value->is_null();
  };
  return given("requirements") || given("requirements_file");
}

StatusOr<PythonEnvironment> TakeEnvironment(TaskContext& context, const std::string& folder,
                                            const std::string& interpreter, const Value& with,
                                            const ChildPlace& place, int cancel) {
  Wanted wanted;
  wanted.interpreter = interpreter;
  wanted.requirements = LinesOf(with, "requirements");
  wanted.options = LinesOf(with, "pip_options");
  const Value* system = with.Find("system_site_packages");
  wanted.system_packages = system != nullptr && system->is_bool() && system->as_bool();
  const std::vector<std::string> files = LinesOf(with, "requirements_file");
  if (!files.empty()) {
    ASSIGN_OR_RETURN(wanted.file, context.File(files.front()));
  }
  return Maker(context, folder, std::move(wanted), place, cancel).Take();
}

}  // namespace millrace::tasks
