#include "scheduler/bundles/git_bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>

#include "core/model/secret_text.h"

namespace millrace::bundles {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCommitDigits = 40;

bool IsHex(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status WriteFile(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return ErrnoStatus(errno, "write " + path);
  const ssize_t written = ::write(file, text.data(), text.size());
  const int error = errno;
  ::close(file);
  return written == static_cast<ssize_t>(text.size()) ? OkStatus() : ErrnoStatus(error, "write " + path);
}

// The path of a repository on this machine; "" of any other.
std::string LocalPath(const std::string& url) {
  if (url.starts_with("file://")) return url.substr(7);
  return url.starts_with('/') ? url : "";
}

// A value of git's configuration.
std::string ConfigText(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

class Removed {
 public:
  explicit Removed(std::string path) : path_(std::move(path)) {}
  ~Removed() { ::unlink(path_.c_str()); }
  Removed(const Removed&) = delete;
  Removed& operator=(const Removed&) = delete;

 private:
  const std::string path_;
};

}  // namespace

GitBundle::GitBundle(BundleConfig config, std::string folder, FindConnection connections, const char* const* environment, const Clock& clock,
                     LogSink& log, Duration deadline)
    : config_(std::move(config)),
      folder_(std::move(folder)),
      connections_(std::move(connections)),
      clock_(clock),
      log_(log),
      git_(environment, clock, deadline) {
  standing_.url = ShownUrl(config_.repo_url);
  std::error_code error;
  const std::string commit = fs::read_symlink(Of("current"), error).filename().string();
  if (!error && IsHex(commit) && fs::is_directory(Of("commits/" + commit), error)) standing_.commit = commit;
}

GitBundle::~GitBundle() { Stop(); }

void GitBundle::Start() {
  std::error_code error;
  // Now, so that it can be watched.
  fs::create_directories(folder_, error);
  thread_ = std::thread([this] { Run(); });
}

void GitBundle::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  git_.Stop();
  awake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void GitBundle::RefreshSoon() {
  const std::lock_guard lock(mutex_);
  soon_ = true;
  awake_.notify_all();
}

void GitBundle::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    soon_ = false;
    lock.unlock();
    const Status ignored = Refresh();  // it stands in standing_
    lock.lock();
    awake_.wait_for(lock, config_.refresh, [this] { return stopping_ || soon_; });
  }
}

dagbag::BundleLook GitBundle::Look() {
  const std::lock_guard lock(mutex_);
  looked_ = standing_.commit;
  dagbag::BundleLook look{.folder = "", .version = standing_.commit};
  if (!standing_.commit.empty())
    look.folder = Of("commits/" + standing_.commit) + (config_.subdir.empty() ? "" : "/" + config_.subdir);
  if (!standing_.failure.empty()) {
    look.failure = "git: " + standing_.failure;
    look.advice = Advice(standing_.failure);
  }
  return look;
}

GitBundle::Standing GitBundle::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

Status GitBundle::Refresh() {
  Value connection;
  Status status = OkStatus();
  if (!config_.connection.empty()) {
    StatusOr<Value> found = connections_(config_.connection);
    if (found.ok())
      connection = *std::move(found);
    else
      status = found.status().code() == Code::kNotFound ? NotFound("there is no connection '" + config_.connection + "'") : found.status();
  }
  std::vector<std::string> secrets;
  if (status.ok()) {
    StatusOr<GitAccess> access = AccessOf(config_, connection, Of("ssh"));
    status = access.status();
    if (access.ok()) {
      secrets = access->secrets;
      {
        const std::lock_guard lock(mutex_);
        standing_.url = ShownUrl(access->url);
      }
      status = Follow(*access);
    }
  }
  const std::string failure = status.ok() ? "" : MaskedText(status.message(), secrets);
  const std::lock_guard lock(mutex_);
  if (status.code() == Code::kCancelled && stopping_) return status;
  standing_.failure = failure;
  if (status.ok()) standing_.refreshed_at = clock_.now().wall;
  return status.ok() ? status : Status(status.code(), failure);
}

Status GitBundle::Follow(const GitAccess& access) {
  RETURN_IF_ERROR(Prepare(access.url));
  RETURN_IF_ERROR(Fetch(access));
  ASSIGN_OR_RETURN(const std::string commit, Resolve());
  std::error_code error;
  if (!fs::is_directory(Of("commits/" + commit), error)) RETURN_IF_ERROR(CheckOut(commit));
  if (!fs::is_directory(Of("commits/" + commit + "/" + config_.subdir), error))
    return NotFound("commit " + commit.substr(0, 12) + " has no folder '" + config_.subdir + "'");
  RETURN_IF_ERROR(Adopt(commit));
  RemoveOthers();
  return OkStatus();
}

Status GitBundle::Prepare(const std::string& url) const {
  std::error_code error;
  for (const char* const part : {"commits", "ssh"}) {
    fs::create_directories(Of(part), error);
    if (error) return ErrnoStatus(error.value(), "make " + Of(part));
  }
  fs::permissions(folder_, fs::perms::owner_all, error);
  // Who named the repository trusts it, though another user may own it.
  std::string config;
  if (const std::string path = LocalPath(url); !path.empty())
    config = "[safe]\n\tdirectory = " + ConfigText(path) + "\n\tdirectory = " + ConfigText(path + "/.git") + "\n";
  RETURN_IF_ERROR(WriteFile(Of("ssh/gitconfig"), config));
  if (fs::exists(Of("repository/HEAD"), error)) {
    RemoveLocks();
    return OkStatus();
  }
  return Git({"init", "--quiet", "--bare", "--template=", Of("repository")}).status();
}

// Nobody else writes to the repository: these are of a git that was killed.
void GitBundle::RemoveLocks() const {
  std::error_code error;
  std::vector<fs::path> locks;
  for (fs::directory_iterator at(Of("repository"), error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".lock") locks.push_back(at->path());
  for (fs::recursive_directory_iterator at(Of("repository/refs"), error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".lock") locks.push_back(at->path());
  for (const fs::path& lock : locks) fs::remove(lock, error);
}

Status GitBundle::Fetch(const GitAccess& access) const {
  const std::string key = Of("ssh/key");
  const Removed after(key);
  if (!access.private_key.empty()) RETURN_IF_ERROR(WriteFile(key, access.private_key));
  return Git({"fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--end-of-options",
              access.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"},
             &access)
      .status();
}

StatusOr<std::string> GitBundle::Resolve() const {
  std::vector<std::string> names = {"refs/heads/" + config_.tracking_ref, "refs/tags/" + config_.tracking_ref};
  if (IsHex(config_.tracking_ref) && config_.tracking_ref.size() >= 7) names.push_back(config_.tracking_ref);
  for (const std::string& name : names) {
    const StatusOr<std::string> commit = Git({"rev-parse", "--verify", "--quiet", name + "^{commit}"});
    if (commit.ok() && IsHex(*commit) && commit->size() >= kCommitDigits) return commit;
  }
  return NotFound("the repository has no branch, tag or commit '" + config_.tracking_ref + "'");
}

Status GitBundle::CheckOut(const std::string& commit) const {
  const std::string made = Of("commits/making");
  const std::string index = Of("ssh/index");
  std::error_code error;
  fs::remove_all(made, error);
  fs::create_directory(made, error);
  if (error) return ErrnoStatus(error.value(), "make " + made);
  const Removed after(index);
  ::unlink(index.c_str());
  const std::vector<std::pair<std::string, std::string>> environment = {{"GIT_INDEX_FILE", index}, {"GIT_WORK_TREE", made}};
  RETURN_IF_ERROR(Git({"read-tree", commit}, nullptr, environment).status());
  RETURN_IF_ERROR(Git({"checkout-index", "--all", "--force", "--quiet", "--prefix=" + made + "/"}, nullptr, environment).status());
  // On the disk before it has its name: a name that survives a power cut has all of its files.
  const int folder = ::open(made.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return ErrnoStatus(errno, "open " + made);
  const bool synced = ::syncfs(folder) == 0;
  ::close(folder);
  if (!synced || std::rename(made.c_str(), Of("commits/" + commit).c_str()) != 0) return ErrnoStatus(errno, "keep " + made);
  return OkStatus();
}

Status GitBundle::Adopt(const std::string& commit) {
  const std::lock_guard lock(mutex_);
  std::error_code error;
  if (standing_.commit == commit && fs::is_symlink(Of("current"), error)) return OkStatus();
  // Beside the link's own folder, which is watched: one change there, and what a look then finds is new.
  const std::string link = Of("ssh/current");
  ::unlink(link.c_str());
  standing_.commit = commit;
  if (::symlink(("commits/" + commit).c_str(), link.c_str()) != 0 || std::rename(link.c_str(), Of("current").c_str()) != 0)
    return ErrnoStatus(errno, "write " + Of("current"));
  log_.Log(LogLevel::kInfo, "DAG bundle has a new commit (bundle=" + name() + ", commit=" + commit + ")");
  return OkStatus();
}

void GitBundle::RemoveOthers() {
  std::string current;
  std::string looked;
  {
    const std::lock_guard lock(mutex_);
    current = standing_.commit;
    looked = looked_;
  }
  std::error_code error;
  std::vector<fs::path> others;
  for (fs::directory_iterator at(Of("commits"), error), end; !error && at != end; at.increment(error)) {
    const std::string commit = at->path().filename().string();
    if (commit != current && commit != looked) others.push_back(at->path());
  }
  for (const fs::path& other : others) fs::remove_all(other, error);
}

StatusOr<std::string> GitBundle::Git(std::vector<std::string> arguments, const GitAccess* access,
                                     std::vector<std::pair<std::string, std::string>> environment) const {
  GitCall call{.arguments = std::move(arguments), .config = {}, .environment = std::move(environment)};
  if (call.arguments.front() != "init") call.environment.emplace_back("GIT_DIR", Of("repository"));
  call.environment.emplace_back("GIT_CONFIG_GLOBAL", Of("ssh/gitconfig"));
  if (access != nullptr) {
    call.config = access->config;
    call.environment.insert(call.environment.end(), access->environment.begin(), access->environment.end());
  }
  return git_.Run(call);
}

std::string GitBundle::Advice(const std::string& failure) const {
  const auto said = [&](const char* words) { return failure.find(words) != std::string::npos; };
  const std::string again = "; it is tried again every " + std::to_string(config_.refresh / std::chrono::seconds(1)) +
                            " s, and its DAGs stay as they are";
  if (said("there is no git")) return "install git on the scheduler's machine (apt install git)" + again;
  if (said("has no branch") || said("has no folder")) return "correct tracking_ref or subdir, or push it" + again;
  if (said("there is no connection")) return "make it: dagctl connections add " + config_.connection + " ..." + again;
  if (said("could not read Username") || said("Authentication failed") || said("error: 401") || said("error: 403"))
    return (config_.connection.empty() ? "name a connection with login and password in git_conn_id"
                                       : "correct login and password of connection '" + config_.connection + "'") + again;
  if (said("Permission denied (publickey"))
    return (config_.connection.empty() ? "name a connection with a key in git_conn_id" : "correct key_file or private_key of connection '" + config_.connection + "'") + again;
  if (said("Host key verification failed"))
    return "the host's key is not the one in " + Of("ssh/known_hosts") + " or known_hosts_file: correct that if the host has a new one" + again;
  return "see that the scheduler's machine reaches the repository" + again;
}

}  // namespace millrace::bundles
