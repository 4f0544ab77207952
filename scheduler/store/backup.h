// Backups beneath the state folder: a copy of the database as of one moment, of the logs, and of the small
// files that identify this scheduler. Made while it runs: the copy reads, so that no task and no commit waits
// for it. `dagctl db restore` makes a state folder of one. Any thread; one backup at a time.
#pragma once

#include <mutex>
#include <string>

#include "scheduler/store/reader.h"

namespace millrace::store {

class FolderBackups final : public BackupWriter {
 public:
  explicit FolderBackups(std::string state_folder) : state_(std::move(state_folder)) {}
  StatusOr<BackupInfo> WriteBackup(const std::string& name) override;

 private:
  const std::string state_;
  std::mutex mutex_;
};

}  // namespace millrace::store
