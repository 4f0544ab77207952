// The DAG bundles as the scheduler knows them: watches their files on a thread of its own, loads what changed and
// tells the sink. Made by main.cc; the sink puts what it is told into the inbox.
//
// - A file is read when its folder reports a change (inotify), and every `poll` in any case; it is parsed
// only when its content,
//   or that of a contract or script that it names, is not what it was; also when the scheduler starts anew, and when its
//   bundle has another commit.
// - A zip archive is a folder of its own, "flows.zip/daily.yaml"; it is opened only when it is another than at the last look.
// - A file that turns bad keeps the DAGs it had, as do all of an archive or a bundle that does; its problems are told. A DAG is gone when its
// file is gone, or is good and no
//   longer defines it. Two files that define one DAG: that of the first bundle has it, in one bundle the first by name; the other
//   has a problem.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"
#include "scheduler/dagbag/bundle.h"
#include "scheduler/dagbag/bundle_files.h"
#include "scheduler/dagbag/parse_memory.h"

namespace millrace::dagbag {

// Told on DagBag's thread; must only hand over. A refusal (the inbox is full) is answered by telling again at
// the next look.
class DagSink {
 public:
  virtual ~DagSink() = default;
  virtual Status Loaded(DagPtr dag) = 0;
  virtual Status Gone(const std::string& dag_id) = 0;
  // Replaces what was told of the file; no problems means that it is fine again.
  virtual Status ImportErrors(const ImportError& error) = 0;
};

// What is known when the scheduler starts.
struct EarlierStart {
  std::string memory;                         // the file of ParseMemory; "": nothing is remembered
  std::map<std::string, std::string> stored;  // id -> hash of DAGs that whoever is told has already
  std::vector<ImportError> errors = {};       // that whoever is told has already
};

class DagBag {
 public:
  // Of one folder, which becomes the bundle dags-folder. The sink and the rest are borrowed. `poll` is how long a change may stay
  // unseen where inotify does not work.
  DagBag(std::string folder, DagSink& sink, const ZoneDatabase& zones, const Clock& clock, LogSink& log,
         Duration poll = std::chrono::seconds(5), EarlierStart earlier = {});
  // Of bundles with different names, in the order in which they have a DAG that several define; borrowed, too.
  DagBag(const std::vector<Bundle*>& bundles, DagSink& sink, const ZoneDatabase& zones, const Clock& clock, LogSink& log,
         Duration poll = std::chrono::seconds(5), EarlierStart earlier = {});
  ~DagBag();
  DagBag(const DagBag&) = delete;
  DagBag& operator=(const DagBag&) = delete;

  // One look at all bundles, on the caller's thread; before Start, or instead of it. The error is about
  // dags-folder itself; the other bundles are looked at nevertheless.
  Status Scan();
  // Scans, then watches until Stop.
  Status Start();
  void Stop();

  // How many files were parsed since the start: an unchanged file adds nothing.
  std::int64_t parsed() const;

 private:
  // A DAG and the file that has it.
  struct Wanted {
    BundleFiles* bundle;
    const std::string* path;
    BundleFiles::Version* version;
  };

  Status ScanLocked();
  std::vector<std::string> Folders() const;
  void Recall(EarlierStart earlier);
  void Remember();
  // Brings the sink to where the files are; what it refuses stays to be told.
  void Tell();
  // By id; says in each file what it defines although another does.
  std::map<std::string, Wanted> FindOwners();
  void TellDags(const std::map<std::string, Wanted>& wanted);
  void TellProblems();
  void Watch();

  DagSink& sink_;
  const Clock& clock_;
  LogSink& log_;
  const Duration poll_;
  const ParseMemory memory_;
  const std::unique_ptr<Bundle> own_;  // of one folder

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<BundleFiles>> bundles_;
  std::map<std::string, std::string> told_;                   // dag id -> hash and file, as the sink knows them
  std::set<std::pair<std::string, std::string>> cleared_;     // bundles and files whose problems are to be taken back

  int wake_ = -1;  // eventfd: Stop
  std::thread thread_;
};

}  // namespace millrace::dagbag
