// Files of the DAG folder. Used by DagBag on its thread and by dagctl. Immutable; any thread. Nothing outside
// the folder is ever opened: neither by `..`, nor by an absolute path, nor by a link.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

class FolderReader final : public FileReader {
 public:
  explicit FolderReader(std::string folder) : folder_(std::move(folder)) {}

  StatusOr<std::string> Read(std::string_view path) const override;
  // DAG files beneath the folder, sorted; contracts/, whatever begins with '.' or '_', and what files named .airflowignore
  // say are left out. One of those that cannot be read is an error: what it leaves out is not known.
  StatusOr<std::vector<std::string>> List() const;
  // The folders that List looked into, absolute: what a watch must cover.
  StatusOr<std::vector<std::string>> Folders() const;

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace millrace::dagbag
