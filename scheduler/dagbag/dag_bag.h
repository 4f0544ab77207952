// The DAG folder as the scheduler knows it: watches the files on a thread of its own, loads what changed and
// tells the sink. Made by main.cc; the sink puts what it is told into the inbox.
//
// - A file is read when its folder reports a change (inotify), and every `poll` in any case; it is parsed
// only when its content,
//   or that of a contract or script that it names, is not what it was; also when the scheduler starts anew.
// - A zip archive is a folder of its own, "flows.zip/daily.yaml"; it is opened only when it is another than at the last look.
// - A file that turns bad keeps the DAGs it had, as do all of an archive that does; its problems are told. A DAG is gone when its file is gone,
// or is good and no
//   longer defines it. Two files that define one DAG: the first by name has it, the other has a problem.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"
#include "scheduler/dagbag/archive.h"
#include "scheduler/dagbag/folder_reader.h"
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
};

class DagBag {
 public:
  // The sink and the rest are borrowed. `poll` is how long a change may stay unseen where inotify does not
  // work.
  DagBag(std::string folder, DagSink& sink, const ZoneDatabase& zones, const Clock& clock, LogSink& log,
         Duration poll = std::chrono::seconds(5), EarlierStart earlier = {});
  ~DagBag();
  DagBag(const DagBag&) = delete;
  DagBag& operator=(const DagBag&) = delete;

  // One look at the folder, on the caller's thread; before Start, or instead of it. The error is about the
  // folder itself.
  Status Scan();
  // Scans, then watches until Stop.
  Status Start();
  void Stop();

  // How many files were parsed since the start: an unchanged file adds nothing.
  std::int64_t parsed() const;

 private:
  struct Version {
    std::string hash;
    DagPtr dag;  // until the sink has it, which keeps it
  };
  struct File {
    std::string content_key;  // of the text and of every file that it names
    std::vector<std::string> names;
    std::map<std::string, Version> dags;  // the last good ones
    std::vector<Problem> problems;
    bool told_problems = false;
  };

  Status ScanLocked();
  void Recall(EarlierStart earlier);
  void Remember();
  // `name` is the file to `files`, which are those beneath `folder` ("": the DAG folder, or "flows.zip/").
  void LoadFile(const std::string& folder, const std::string& name, const FileReader& files);
  // Adds the files in it to `present`.
  void LoadArchive(const std::string& path, std::set<std::string>& present);
  // nullptr: it is the one that `identity` was said of, see FolderReader.
  StatusOr<std::unique_ptr<Archive>> OpenArchive(const std::string& path, std::string& identity) const;
  static void CannotRead(const std::string& path, const Status& status, const std::string& suggestion, File& file);
  // Takes back what files said that are gone.
  void Forget(const std::set<std::string>& present);
  // A version that the sink had, and is to have again.
  DagPtr Again(const std::string& path, const std::string& dag_id, const Version& version) const;
  static std::string ContentKey(const std::string& text, const std::vector<std::string>& names, const FileReader& files);
  // Brings the sink to where the files are; what it refuses stays to be told.
  void Tell();
  void Watch();

  const FolderReader folder_;
  DagSink& sink_;
  const ZoneDatabase& zones_;
  const Clock& clock_;
  LogSink& log_;
  const Duration poll_;
  const ParseMemory memory_;

  mutable std::mutex mutex_;
  std::map<std::string, File> files_;         // by path
  std::map<std::string, std::string> archives_;  // path -> which it was when it was last opened
  std::map<std::string, std::string> told_;   // dag id -> hash and file, as the sink knows them
  std::map<std::string, std::string> twins_;  // file -> what it defines although another file does
  std::set<std::string> cleared_;             // files whose problems are to be taken back
  std::int64_t parsed_ = 0;
  bool changed_ = false;  // since what is known was last saved

  int wake_ = -1;  // eventfd: Stop
  std::thread thread_;
};

}  // namespace millrace::dagbag
