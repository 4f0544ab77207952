#include "scheduler/dagbag/dag_bag.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <utility>

namespace millrace::dagbag {
namespace {

constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                   IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// An editor writes a file in several steps; one look is enough for them.
constexpr int kSettleMillis = 50;

std::string Fingerprint(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return std::string(reinterpret_cast<const char*>(&hash), sizeof hash);
}

// inotify on every folder. Without it (limits, some file systems) the poll interval finds changes alone.
class Watcher {
 public:
  explicit Watcher(int wake) : wake_(wake), inotify_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}
  ~Watcher() {
    if (inotify_ >= 0) close(inotify_);
  }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  // Adding a folder again changes nothing, so each look adds them all.
  void Cover(const std::vector<std::string>& folders) {
    if (inotify_ < 0) return;
    for (const std::string& folder : folders) inotify_add_watch(inotify_, folder.c_str(), kChanges);
  }

  // false: stop.
  bool Wait(Duration poll_interval) {
    pollfd waits[2] = {{wake_, POLLIN, 0}, {inotify_, POLLIN, 0}};
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(poll_interval).count();
    poll(waits, inotify_ >= 0 ? 2 : 1, static_cast<int>(millis));
    if ((waits[0].revents & POLLIN) != 0) return false;
    if ((waits[1].revents & POLLIN) != 0) {
      pollfd stop = {wake_, POLLIN, 0};
      if (poll(&stop, 1, kSettleMillis) > 0) return false;
      Drain();
    }
    return true;
  }

 private:
  void Drain() {
    alignas(inotify_event) char buffer[1 << 14];
    while (read(inotify_, buffer, sizeof buffer) > 0) {
    }
  }

  int wake_;
  int inotify_;
};

}  // namespace

DagBag::DagBag(std::string folder, DagSink& sink, const ZoneDatabase& zones, const Clock& clock, LogSink& log,
               Duration poll)
    : folder_(std::move(folder)), sink_(sink), zones_(zones), clock_(clock), log_(log), poll_(poll) {}

DagBag::~DagBag() { Stop(); }

Status DagBag::Scan() {
  const std::lock_guard lock(mutex_);
  return ScanLocked();
}

Status DagBag::Start() {
  RETURN_IF_ERROR(Scan());
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) return ErrnoStatus(errno, "eventfd");
  thread_ = std::thread([this] { Watch(); });
  return OkStatus();
}

void DagBag::Stop() {
  if (!thread_.joinable()) return;
  eventfd_write(wake_, 1);
  thread_.join();
  close(wake_);
  wake_ = -1;
}

std::int64_t DagBag::parsed() const {
  const std::lock_guard lock(mutex_);
  return parsed_;
}

void DagBag::Watch() {
  Watcher watcher(wake_);
  std::string last_error;
  do {
    // Covered before the look: what changes in between is reported.
    const StatusOr<std::vector<std::string>> folders = folder_.Folders();
    if (folders.ok()) watcher.Cover(*folders);
    const Status status = Scan();
    if (!status.ok() && status.message() != last_error) {
      log_.Log(LogLevel::kError,
               "DAG folder cannot be read; the DAGs stay as they are (" + status.message() + ")");
    }
    last_error = status.message();
  } while (watcher.Wait(poll_));
}

Status DagBag::ScanLocked() {
  ASSIGN_OR_RETURN(const std::vector<std::string> paths, folder_.List());
  const std::set<std::string> present(paths.begin(), paths.end());
  for (auto at = files_.begin(); at != files_.end();) {
    if (present.contains(at->first)) {
      ++at;
      continue;
    }
    if (at->second.told_problems) cleared_.insert(at->first);
    twins_.erase(at->first);
    at = files_.erase(at);
  }
  for (const std::string& path : paths) LoadFile(path, files_[path]);
  Tell();
  return OkStatus();
}

std::string DagBag::ContentKey(const std::string& text, const std::vector<std::string>& names) const {
  std::string key = Fingerprint(text);
  for (const std::string& name : names) {
    const StatusOr<std::string> content = folder_.Read(name);
    key += content.ok() ? Fingerprint(*content) : content.status().message();
  }
  return key;
}

void DagBag::LoadFile(const std::string& path, File& file) {
  const StatusOr<std::string> text = folder_.Read(path);
  if (!text.ok()) {
    if (text.status().code() == Code::kNotFound) return;  // gone since it was listed: the next look sees it
    const std::vector<Problem> problems = {{path, {1, 1}, "cannot be read: " + text.status().message(), ""}};
    if (file.problems == problems) return;
    file.content_key.clear();
    file.problems = problems;
    file.told_problems = false;
    return;
  }
  std::string key = ContentKey(*text, file.names);
  if (key == file.content_key) return;
  LoadResult loaded = LoadDagFile(path, *text, folder_, zones_);
  ++parsed_;
  file.names = std::move(loaded.files);
  file.content_key = ContentKey(*text, file.names);
  if (file.problems != loaded.problems) {
    if (loaded.problems.empty()) cleared_.insert(path);
    file.problems = std::move(loaded.problems);
    file.told_problems = false;
  }
  std::map<std::string, DagPtr> dags;
  for (DagPtr& dag : loaded.dags) dags.emplace(dag->id, std::move(dag));
  // What a bad file no longer says, it may have meant to say.
  if (!file.problems.empty()) dags.merge(file.dags);
  file.dags = std::move(dags);
  log_.Log(file.problems.empty() ? LogLevel::kInfo : LogLevel::kWarning,
           "DAG file loaded (file=" + path + ", dags=" + std::to_string(file.dags.size()) +
               ", problems=" + std::to_string(file.problems.size()) + ")");
}

void DagBag::Tell() {
  std::map<std::string, std::pair<DagPtr, std::string>> wanted;  // id -> DAG, file
  for (auto& [path, file] : files_) {
    std::string twins;
    for (const auto& [id, dag] : file.dags) {
      const auto [owner, is_first] = wanted.emplace(id, std::pair(dag, path));
      if (!is_first)
        twins += (twins.empty() ? "" : "\n") + std::string("DAG '") + id + "' is defined in " +
                 owner->second.second + " already";
    }
    std::string& known = twins_[path];
    if (known != twins) file.told_problems = false;
    if (twins.empty() && !known.empty() && file.problems.empty()) cleared_.insert(path);
    known = std::move(twins);
  }
  for (const auto& [id, entry] : wanted) {
    std::string version = entry.first->hash + " " + entry.second;
    if (const auto told = told_.find(id); told != told_.end() && told->second == version) continue;
    if (sink_.Loaded(entry.first).ok()) told_[id] = std::move(version);
  }
  for (auto told = told_.begin(); told != told_.end();) {
    const bool stays = wanted.contains(told->first) || !sink_.Gone(told->first).ok();
    told = stays ? std::next(told) : told_.erase(told);
  }
  const WallTime now = clock_.now().wall;
  for (auto& [path, file] : files_) {
    if (file.told_problems || (file.problems.empty() && twins_[path].empty())) continue;
    ImportError error{path, now, file.problems};
    if (!twins_[path].empty())
      error.problems.push_back({path, {1, 1}, twins_[path], "give one of them another dag_id"});
    file.told_problems = sink_.ImportErrors(error).ok();
    if (file.told_problems) cleared_.erase(path);
  }
  std::erase_if(cleared_, [&](const std::string& path) { return sink_.ImportErrors({path, now, {}}).ok(); });
}

}  // namespace millrace::dagbag
