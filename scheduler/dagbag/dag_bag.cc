#include "scheduler/dagbag/dag_bag.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace millrace::dagbag {
namespace {

constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                   IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
// An editor writes a file in several steps; one look is enough for them.
constexpr int kSettleMillis = 50;

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
               Duration poll, EarlierStart earlier)
    : sink_(sink),
      clock_(clock),
      log_(log),
      poll_(poll),
      memory_(earlier.memory),
      own_(std::make_unique<FolderBundle>(std::move(folder))) {
  bundles_.push_back(std::make_unique<BundleFiles>(*own_, zones, clock, log));
  Recall(std::move(earlier));
}

DagBag::DagBag(const std::vector<Bundle*>& bundles, DagSink& sink, const ZoneDatabase& zones, const Clock& clock, LogSink& log,
               Duration poll, EarlierStart earlier)
    : sink_(sink), clock_(clock), log_(log), poll_(poll), memory_(earlier.memory) {
  for (Bundle* bundle : bundles) bundles_.push_back(std::make_unique<BundleFiles>(*bundle, zones, clock, log));
  Recall(std::move(earlier));
}

DagBag::~DagBag() { Stop(); }

// A file counts as read when all that it said is what the sink has. What a bundle had that is no longer configured is known, and in no
// file: it goes at the first look.
void DagBag::Recall(EarlierStart earlier) {
  for (auto& [key, remembered] : memory_.Load()) {
    const auto [name, path] = SplitBundleFile(key);
    const auto bundle = std::find_if(bundles_.begin(), bundles_.end(), [&](const auto& one) { return one->name() == name; });
    BundleFiles::File* file = bundle == bundles_.end() ? nullptr : &(*bundle)->files()[path];
    bool all = true;
    for (auto& [id, hash] : remembered.dags) {
      const auto stored = earlier.stored.find(id);
      all = all && stored != earlier.stored.end() && stored->second == hash;
      if (stored == earlier.stored.end()) continue;
      told_.try_emplace(id, stored->second + " " + key);
      if (file != nullptr) file->dags[id] = {stored->second, nullptr};
    }
    if (!all || file == nullptr) continue;
    file->content_key = std::move(remembered.content_key);
    file->names = std::move(remembered.names);
  }
  // Those that are still right are told anew before the rest is taken back.
  for (const ImportError& error : earlier.errors) cleared_.emplace(BundleOr(error.bundle), error.file);
}

void DagBag::Remember() {
  bool changed = false;
  for (const auto& bundle : bundles_) changed = std::exchange(bundle->changed, false) || changed;
  if (!changed) return;
  std::string lines;
  for (const auto& bundle : bundles_) {
    for (const auto& [path, file] : bundle->files()) {
      if (path == BundleFiles::kWhole) continue;
      RememberedFile remembered{file.problems.empty() ? file.content_key : "", file.names, {}};
      for (const auto& [id, version] : file.dags) remembered.dags.emplace_back(id, version.hash);
      ParseMemory::Add(BundleFile(bundle->name(), path), remembered, lines);
    }
  }
  if (const Status status = memory_.Save(lines); !status.ok()) {
    log_.Log(LogLevel::kWarning, "The next start will parse all DAG files (" + status.message() + ")");
  }
}

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
  std::int64_t parsed = 0;
  for (const auto& bundle : bundles_) parsed += bundle->parsed;
  return parsed;
}

std::vector<std::string> DagBag::Folders() const {
  std::vector<std::string> all;
  for (const auto& bundle : bundles_) {
    for (std::string& folder : bundle->Folders()) all.push_back(std::move(folder));
  }
  return all;
}

void DagBag::Watch() {
  Watcher watcher(wake_);
  std::string last_error;
  do {
    // Covered before the look: what changes in between is reported.
    watcher.Cover(Folders());
    const Status status = Scan();
    if (!status.ok() && status.message() != last_error) {
      log_.Log(LogLevel::kError,
               "DAG folder cannot be read; the DAGs stay as they are (" + status.message() + ")");
    }
    last_error = status.message();
  } while (watcher.Wait(poll_));
}

Status DagBag::ScanLocked() {
  Status first = OkStatus();
  for (const auto& bundle : bundles_) {
    const Status status = bundle->Look();
    if (first.ok()) first = status;
  }
  if (!first.ok() && bundles_.size() == 1) return first;
  Tell();
  Remember();
  return first;
}

void DagBag::Tell() {
  TellDags(FindOwners());
  TellProblems();
}

std::map<std::string, DagBag::Wanted> DagBag::FindOwners() {
  std::map<std::string, Wanted> wanted;
  for (const auto& bundle : bundles_) {
    for (auto& [path, file] : bundle->files()) {
      std::string twins;
      for (auto& [id, version] : file.dags) {
        const auto [owner, is_first] = wanted.emplace(id, Wanted{bundle.get(), &path, &version});
        if (is_first) continue;
        const Wanted& has = owner->second;
        twins += (twins.empty() ? "" : "\n") + std::string("DAG '") + id + "' is defined in " + *has.path +
                 (has.bundle == bundle.get() ? "" : " of bundle '" + has.bundle->name() + "'") + " already";
      }
      if (file.twins == twins) continue;
      file.told_problems = false;
      if (twins.empty() && file.problems.empty()) bundle->cleared.insert(path);
      file.twins = std::move(twins);
    }
  }
  return wanted;
}

void DagBag::TellDags(const std::map<std::string, Wanted>& wanted) {
  for (const auto& [id, entry] : wanted) {
    BundleFiles::Version& version = *entry.version;
    std::string now_told = version.hash + " " + BundleFile(entry.bundle->name(), *entry.path);
    if (const auto told = told_.find(id); told == told_.end() || told->second != now_told) {
      if (version.dag == nullptr) version.dag = entry.bundle->Again(*entry.path, id, version);
      if (version.dag == nullptr || !sink_.Loaded(version.dag).ok()) continue;
      told_[id] = std::move(now_told);
    }
    version.dag = nullptr;
  }
  for (auto told = told_.begin(); told != told_.end();) {
    const bool stays = wanted.contains(told->first) || !sink_.Gone(told->first).ok();
    told = stays ? std::next(told) : told_.erase(told);
  }
}

void DagBag::TellProblems() {
  const WallTime now = clock_.now().wall;
  for (const auto& bundle : bundles_) {
    for (const std::string& path : std::exchange(bundle->cleared, {})) cleared_.emplace(bundle->name(), path);
    for (auto& [path, file] : bundle->files()) {
      if (file.told_problems || (file.problems.empty() && file.twins.empty())) continue;
      ImportError error{path, now, file.problems, bundle->name()};
      if (!file.twins.empty()) error.problems.push_back({path, {1, 1}, file.twins, "give one of them another dag_id"});
      file.told_problems = sink_.ImportErrors(error).ok();
      if (file.told_problems) cleared_.erase({bundle->name(), path});
    }
  }
  std::erase_if(cleared_, [&](const auto& file) { return sink_.ImportErrors({file.second, now, {}, file.first}).ok(); });
}

}  // namespace millrace::dagbag
