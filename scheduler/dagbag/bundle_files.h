// The DAG files of one bundle as they were last read. DagBag's: one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/dag.h"
#include "scheduler/dagbag/archive.h"
#include "scheduler/dagbag/bundle.h"
#include "scheduler/dagbag/folder_reader.h"

namespace millrace::dagbag {

class BundleFiles {
 public:
  struct Version {
    std::string hash;
    DagPtr dag;  // until the sink has it, which keeps it
  };
  struct File {
    std::string content_key;  // of the text, of every file that it names, and of the team
    std::vector<std::string> names;
    std::map<std::string, Version> dags;  // the last good ones
    std::vector<Problem> problems;
    std::string twins;  // what it defines although another file does
    bool told_problems = false;
  };
  // The name of a File that is none: what is wrong with the bundle as a whole.
  static constexpr const char* kWhole = ".";

  // All borrowed.
  BundleFiles(Bundle& bundle, const ZoneDatabase& zones, const Clock& clock, LogSink& log)
      : bundle_(bundle), zones_(zones), clock_(clock), log_(log) {}

  // One look at the bundle. The error is about dags-folder itself: what is wrong with another bundle becomes a problem of it.
  Status Look();
  // What a watch must cover; empty when that cannot be known.
  std::vector<std::string> Folders() const;
  // A version that was told before, and is to be told again. nullptr: the file is another one by now.
  DagPtr Again(const std::string& path, const std::string& dag_id, const Version& version) const;

  const std::string& name() const { return bundle_.name(); }
  std::map<std::string, File>& files() { return files_; }  // by path
  const std::map<std::string, File>& files() const { return files_; }

  std::int64_t parsed = 0;  // how many were, since the start
  bool changed = false;     // since what is known was last saved
  std::set<std::string> cleared;  // files whose problems are to be taken back

 private:
  Status Scan();
  // `name` is the file to `files`, which are those beneath `folder` ("": the bundle's, or "flows.zip/").
  void LoadFile(const std::string& folder, const std::string& name, const FileReader& files);
  // Adds the files in it to `present`.
  void LoadArchive(const std::string& path, std::set<std::string>& present);
  // nullptr: it is the one that `identity` was said of, see FolderReader.
  StatusOr<std::unique_ptr<Archive>> OpenArchive(const std::string& path, std::string& identity) const;
  static void CannotRead(const std::string& path, const Status& status, const std::string& suggestion, File& file);
  void TellWhole(const std::string& failure, const std::string& advice);
  // Takes back what files said that are gone.
  void Forget(const std::set<std::string>& present);
  std::string ContentKey(const std::string& text, const std::vector<std::string>& names, const FileReader& files) const;
  DagOrigin Origin() const { return {bundle_.name(), version_, bundle_.team()}; }

  Bundle& bundle_;
  const ZoneDatabase& zones_;
  const Clock& clock_;
  LogSink& log_;

  FolderReader folder_{""};  // at the last look
  std::string version_;
  std::map<std::string, File> files_;
  std::map<std::string, std::string> archives_;  // path -> which it was when it was last opened
};

}  // namespace millrace::dagbag
