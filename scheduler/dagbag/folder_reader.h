// Files of the DAG folder. Used by DagBag on its thread and by dagctl. Immutable; any thread. Nothing outside
// the folder is ever opened: neither by `..`, nor by an absolute path, nor by a link.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

constexpr std::size_t kLargestFile = 16 << 20;  // that a DAG may name, or be

// By its name: begins with '.' or '_', or is the folder of contracts.
bool IsLeftOut(std::string_view path);

class FolderReader final : public FileReader {
 public:
  explicit FolderReader(std::string folder) : folder_(std::move(folder)) {}

  StatusOr<std::string> Read(std::string_view path) const override;
  // The archive, unless it is the one that `identity` was said of; `identity` becomes its own, or "" when a change at this
  // very moment (`now`) would not show in it.
  StatusOr<std::optional<std::string>> ReadChanged(std::string_view path, WallTime now, std::string& identity) const;
  // DAG files and zip archives beneath the folder, sorted; contracts/, whatever begins with '.' or '_', and what files named .airflowignore
  // say are left out. One of those that cannot be read is an error: what it leaves out is not known.
  StatusOr<std::vector<std::string>> List() const;
  // The folders that List looked into, absolute: what a watch must cover.
  StatusOr<std::vector<std::string>> Folders() const;

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace millrace::dagbag
