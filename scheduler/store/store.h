// What must survive. Store is the writer's side: the loop commits through it and nobody else writes. SQLite stands behind it
// (sqlite_store.h), a fake in tests/support; tests/contract runs one suite on both. Readers are in reader.h, logs in logs.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/status.h"
#include "core/model/batch.h"

namespace millrace::store {

// How a commit ended, told on the store's own thread.
enum class CommitOutcome : std::uint8_t {
  kDurable,
  kDiskFull,  // nothing was written; the same batch may be tried again when there is room
  kUnknown,   // ask LastSequence() whether it is in
  kFenced,    // a newer term or another sequence is in the store: load again
  kBroken,    // an I/O or fsync error: this process must stop trusting what it holds and load again
};

struct CommitResult {
  CommitOutcome outcome = CommitOutcome::kDurable;
  Status status;
};

class Store {
 public:
  virtual ~Store() = default;

  // Starts a new term, durably, and reads what the engine starts from. The caller's thread; no commit may be under way.
  virtual StatusOr<Image> Load() = 0;

  // Writes the batch in one transaction on the store's thread, then calls `done` there. One at a time: the next Commit
  // comes after `done`. The batch stays alive until then.
  virtual void Commit(std::shared_ptr<const Batch> batch, std::function<void(CommitResult)> done) = 0;

  // The last durable batch's sequence, read back. The caller's thread, no commit under way.
  virtual StatusOr<std::uint64_t> LastSequence() = 0;
};

// Reads for the engine what it does not hold: a run for a command on it, the run before one, runs by date,
// values of tasks. The caller's thread, no commit under way.
class RunLoader {
 public:
  virtual ~RunLoader() = default;
  // NOT_FOUND when there is none.
  virtual StatusOr<RunImage> LoadRun(const std::string& dag_id, const std::string& run_id) = 0;
  // The DAG's run with the greatest logical date before this one; NOT_FOUND when there is none.
  virtual StatusOr<RunImage> LoadPrevious(const std::string& dag_id, WallTime before) = 0;
  // Those that there are.
  virtual StatusOr<std::vector<XComRow>> LoadXComs(const std::vector<XComKey>& keys) = 0;
  // Those of a DAG with logical dates from `from` to `to`, both inclusive, oldest first.
  virtual StatusOr<std::vector<Run>> LoadDates(const std::string& dag_id, WallTime from, WallTime to) = 0;
  // The DAG's successful run with the greatest logical date before this one; NOT_FOUND when there is none.
  virtual StatusOr<Run> LoadPreviousSuccess(const std::string& dag_id, WallTime before) = 0;
  // NOT_FOUND when there is none; whether it has expired is not looked at.
  virtual StatusOr<CachedResult> LoadCached(const std::string& key) = 0;
  // What a state store holds under a key; NOT_FOUND. Whether it has expired is not looked at.
  virtual StatusOr<TaskStateRow> LoadTaskState(const TaskInstanceKey& instance, const std::string& key) = 0;
  virtual StatusOr<DatasetStateRow> LoadDatasetState(const std::string& dataset, const std::string& key) = 0;
};

}  // namespace millrace::store
