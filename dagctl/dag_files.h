// DAG files of this machine for the commands that need no scheduler: which paths stand for which files, and what these
// define. A file in a zip archive is "flows.zip/daily.yaml". One thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/base/zones.h"
#include "scheduler/dagbag/archive.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagctl {

// The text of a file that is no larger than DAG files may be (or one byte more), and the folder it lies in.
StatusOr<std::string> ReadText(const std::string& path);
std::string FolderOf(const std::string& file);

class DagFiles {
 public:
  // A folder stands for the DAG files in it, an archive for those at its root. Contracts and scripts are looked for in the
  // file's archive, or beneath `folder`; "": beneath the folder that the file was found in.
  DagFiles(std::vector<std::string> paths, std::string folder, const ZoneDatabase& zones)
      : paths_(std::move(paths)), folder_(std::move(folder)), zones_(zones) {}

  StatusOr<std::vector<std::string>> List();

  struct Loaded {
    dagbag::LoadResult result;  // a problem's file is a path of this machine
    std::size_t bytes = 0;
  };
  StatusOr<Loaded> Load(const std::string& file);

 private:
  void ListArchive(const std::string& path, std::vector<std::string>& files);
  Status Open(const std::string& path);
  // What contracts and scripts of the file are beneath.
  std::string Beneath(const std::string& file) const;

  const std::vector<std::string> paths_;
  const std::string folder_;
  const ZoneDatabase& zones_;
  std::string open_;  // the archive that was read last
  std::unique_ptr<dagbag::Archive> archive_;
};

}  // namespace millrace::dagctl
