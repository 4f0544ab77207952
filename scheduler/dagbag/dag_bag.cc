#include "scheduler/dagbag/dag_bag.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
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
    : folder_(std::move(folder)),
      sink_(sink),
      zones_(zones),
      clock_(clock),
      log_(log),
      poll_(poll),
      memory_(earlier.memory) {
  Recall(std::move(earlier));
}

DagBag::~DagBag() { Stop(); }

// A file counts as read when all that it said is what the sink has.
void DagBag::Recall(EarlierStart earlier) {
  for (auto& [path, remembered] : memory_.Load()) {
    File& file = files_[path];
    bool all = true;
    for (auto& [id, hash] : remembered.dags) {
      const auto stored = earlier.stored.find(id);
      all = all && stored != earlier.stored.end() && stored->second == hash;
      if (stored == earlier.stored.end()) continue;
      told_.try_emplace(id, stored->second + " " + path);
      file.dags[id] = {stored->second, nullptr};
    }
    if (!all) continue;
    file.content_key = std::move(remembered.content_key);
    file.names = std::move(remembered.names);
  }
}

void DagBag::Remember() {
  if (!std::exchange(changed_, false)) return;
  std::string lines;
  for (const auto& [path, file] : files_) {
    RememberedFile remembered{file.problems.empty() ? file.content_key : "", file.names, {}};
    for (const auto& [id, version] : file.dags) remembered.dags.emplace_back(id, version.hash);
    ParseMemory::Add(path, remembered, lines);
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
  std::set<std::string> present(paths.begin(), paths.end());
  std::erase_if(archives_, [&](const auto& archive) { return !present.contains(archive.first); });
  std::erase_if(present, IsArchiveName);
  for (const std::string& path : paths) {
    if (IsArchiveName(path)) {
      LoadArchive(path, present);
    } else {
      LoadFile("", path, folder_);
    }
  }
  Forget(present);
  Tell();
  Remember();
  return OkStatus();
}

void DagBag::Forget(const std::set<std::string>& present) {
  for (auto at = files_.begin(); at != files_.end();) {
    if (present.contains(at->first)) {
      ++at;
      continue;
    }
    if (at->second.told_problems) cleared_.insert(at->first);
    twins_.erase(at->first);
    at = files_.erase(at);
    changed_ = true;
  }
}

std::string DagBag::ContentKey(const std::string& text, const std::vector<std::string>& names,
                               const FileReader& files) {
  std::string key = Fingerprint(text);
  for (const std::string& name : names) {
    const StatusOr<std::string> content = files.Read(name);
    key += content.ok() ? Fingerprint(*content) : content.status().message();
  }
  return names.empty() ? key : Fingerprint(key);
}

void DagBag::CannotRead(const std::string& path, const Status& status, const std::string& suggestion, File& file) {
  const std::vector<Problem> problems = {{path, {1, 1}, "cannot be read: " + status.message(), suggestion}};
  if (file.problems == problems) return;
  file.content_key.clear();
  file.problems = problems;
  file.told_problems = false;
}

StatusOr<std::unique_ptr<Archive>> DagBag::OpenArchive(const std::string& path, std::string& identity) const {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, folder_.ReadChanged(path, clock_.now().wall, identity));
  if (!bytes) return std::unique_ptr<Archive>();
  return Archive::Open(*std::move(bytes));
}

void DagBag::LoadArchive(const std::string& path, std::set<std::string>& present) {
  const StatusOr<std::unique_ptr<Archive>> archive = OpenArchive(path, archives_[path]);
  if (!archive.ok() || *archive == nullptr) {
    for (auto at = files_.lower_bound(path); at != files_.end() && at->first.starts_with(path); ++at) {
      if (at->first == path || at->first.starts_with(path + "/")) present.insert(at->first);
    }
    // Gone since it was listed: the next look sees it.
    if (archive.ok() || archive.status().code() == Code::kNotFound) return;
    present.insert(path);
    return CannotRead(path, archive.status(), "mend it, or name it in .airflowignore if it is not for DAGs",
                      files_[path]);
  }
  for (const std::string& name : (*archive)->dag_files()) {
    present.insert(path + "/" + name);
    LoadFile(path + "/", name, **archive);
  }
}

void DagBag::LoadFile(const std::string& folder, const std::string& name, const FileReader& files) {
  const std::string path = folder + name;
  File& file = files_[path];
  const StatusOr<std::string> text = files.Read(name);
  if (!text.ok()) {
    // Gone since it was listed: the next look sees it.
    if (text.status().code() != Code::kNotFound) CannotRead(path, text.status(), "", file);
    return;
  }
  std::string key = ContentKey(*text, file.names, files);
  if (key == file.content_key) return;
  LoadResult loaded = LoadDagFile(path, *text, files, zones_);
  ++parsed_;
  changed_ = true;
  file.names = std::move(loaded.files);
  file.content_key = ContentKey(*text, file.names, files);
  for (Problem& problem : loaded.problems) {
    if (problem.file != path) problem.file = folder + problem.file;  // of a contract
  }
  if (file.problems != loaded.problems) {
    if (loaded.problems.empty()) cleared_.insert(path);
    file.problems = std::move(loaded.problems);
    file.told_problems = false;
  }
  std::map<std::string, Version> dags;
  for (DagPtr& dag : loaded.dags) dags.emplace(dag->id, Version{dag->hash, dag});
  // What a bad file no longer says, it may have meant to say.
  if (!file.problems.empty()) dags.merge(file.dags);
  file.dags = std::move(dags);
  log_.Log(file.problems.empty() ? LogLevel::kInfo : LogLevel::kWarning,
           "DAG file loaded (file=" + path + ", dags=" + std::to_string(file.dags.size()) +
               ", problems=" + std::to_string(file.problems.size()) + ")");
}

DagPtr DagBag::Again(const std::string& path, const std::string& dag_id, const Version& version) const {
  const std::size_t end = path.rfind('/');
  const std::string around = path.substr(0, end == std::string::npos ? 0 : end);
  std::unique_ptr<Archive> archive;
  if (archives_.contains(around)) {
    std::string any;
    StatusOr<std::unique_ptr<Archive>> opened = OpenArchive(around, any);
    if (!opened.ok()) return nullptr;
    archive = *std::move(opened);
  }
  const FileReader& files = archive != nullptr ? static_cast<const FileReader&>(*archive) : folder_;
  const StatusOr<std::string> text = files.Read(archive != nullptr ? path.substr(end + 1) : path);
  if (!text.ok()) return nullptr;
  for (DagPtr& dag : LoadDagFile(path, *text, files, zones_).dags) {
    if (dag->id == dag_id && dag->hash == version.hash) return std::move(dag);
  }
  return nullptr;  // the file is another one by now: the next look sees it
}

void DagBag::Tell() {
  std::map<std::string, std::pair<Version*, std::string>> wanted;  // id -> DAG, file
  for (auto& [path, file] : files_) {
    std::string twins;
    for (auto& [id, dag] : file.dags) {
      const auto [owner, is_first] = wanted.emplace(id, std::pair(&dag, path));
      if (!is_first)
        twins += (twins.empty() ? "" : "\n") + std::string("DAG '") + id + "' is defined in " +
                 owner->second.second + " already";
    }
    const auto known = twins_.find(path);
    const bool changed = known == twins_.end() ? !twins.empty() : known->second != twins;
    if (!changed) continue;
    file.told_problems = false;
    if (twins.empty() && file.problems.empty()) cleared_.insert(path);
    if (twins.empty()) {
      twins_.erase(path);
    } else {
      twins_[path] = std::move(twins);
    }
  }
  for (auto& [id, entry] : wanted) {
    const auto& [version, path] = entry;
    std::string now_told = version->hash + " " + path;
    if (const auto told = told_.find(id); told == told_.end() || told->second != now_told) {
      if (version->dag == nullptr) version->dag = Again(path, id, *version);
      if (version->dag == nullptr || !sink_.Loaded(version->dag).ok()) continue;
      told_[id] = std::move(now_told);
    }
    version->dag = nullptr;
  }
  for (auto told = told_.begin(); told != told_.end();) {
    const bool stays = wanted.contains(told->first) || !sink_.Gone(told->first).ok();
    told = stays ? std::next(told) : told_.erase(told);
  }
  const WallTime now = clock_.now().wall;
  for (auto& [path, file] : files_) {
    const auto twins = twins_.find(path);
    if (file.told_problems || (file.problems.empty() && twins == twins_.end())) continue;
    ImportError error{path, now, file.problems};
    if (twins != twins_.end())
      error.problems.push_back({path, {1, 1}, twins->second, "give one of them another dag_id"});
    file.told_problems = sink_.ImportErrors(error).ok();
    if (file.told_problems) cleared_.erase(path);
  }
  std::erase_if(cleared_, [&](const std::string& path) { return sink_.ImportErrors({path, now, {}}).ok(); });
}

}  // namespace millrace::dagbag
