// A store in memory that fails when it is told to. What is durable lives in StoredRows, which the test keeps
// across restarts. Single thread: `done` is called from within Commit, or from Finish when commits are held
// back.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "scheduler/store/store.h"
#include "tests/support/stored_rows.h"

namespace millrace::test {

enum class StoreFault {
  kNone,
  kDiskFull,
  kUnknownWritten,  // the answer is lost, the batch is not
  kUnknownLost,     // both are
  kBroken,          // nothing was written
  kBrokenWritten,   // the batch was written all the same
};

class FakeStore final : public store::Store, public store::RunLoader {
 public:
  explicit FakeStore(StoredRows& rows) : rows_(rows) {}

  StatusOr<Image> Load() override;
  void Commit(std::shared_ptr<const Batch> batch, std::function<void(store::CommitResult)> done) override;
  StatusOr<std::uint64_t> LastSequence() override;
  StatusOr<RunImage> LoadRun(const std::string& dag_id, const std::string& run_id) override;
  StatusOr<RunImage> LoadPrevious(const std::string& dag_id, WallTime before) override;
  StatusOr<Run> LoadPreviousSuccess(const std::string& dag_id, WallTime before) override;
  StatusOr<CachedResult> LoadCached(const std::string& key) override;
  StatusOr<TaskStateRow> LoadTaskState(const TaskInstanceKey& instance, const std::string& key) override;
  StatusOr<DatasetStateRow> LoadDatasetState(const std::string& dataset, const std::string& key) override;
  StatusOr<std::vector<XComRow>> LoadXComs(const std::vector<XComKey>& keys) override;
  StatusOr<std::vector<Run>> LoadDates(const std::string& dag_id, WallTime from, WallTime to) override;

  // Asked at each commit.
  std::function<StoreFault(const Batch&)> fault = [](const Batch&) { return StoreFault::kNone; };
  // Commits wait for Finish.
  bool holds = false;
  bool pending() const { return static_cast<bool>(pending_done_); }
  void Finish();
  // The process dies: nobody is told, and the held batch is in or not.
  void Crash(bool written);
  // Told why a batch was refused for what is in it.
  std::function<void(const Status&)> on_refused = [](const Status&) {};
  Status load_error;
  int commits = 0;

 private:
  void Write(const Batch& batch, const std::function<void(store::CommitResult)>& done);

  StoredRows& rows_;
  std::shared_ptr<const Batch> pending_;
  std::function<void(store::CommitResult)> pending_done_;
};

}  // namespace millrace::test
