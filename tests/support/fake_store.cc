#include "tests/support/fake_store.h"

namespace millrace::test {

using store::CommitOutcome;

StatusOr<Image> FakeStore::Load() {
  RETURN_IF_ERROR(load_error);
  MILLRACE_CHECK(!pending_done_);
  return rows_.Load();
}

void FakeStore::Commit(std::shared_ptr<const Batch> batch, std::function<void(store::CommitResult)> done) {
  MILLRACE_CHECK(!pending_done_);
  ++commits;
  if (!holds) {
    Write(*batch, done);
    return;
  }
  pending_ = std::move(batch);
  pending_done_ = std::move(done);
}

void FakeStore::Finish() {
  const std::shared_ptr<const Batch> batch = std::exchange(pending_, nullptr);
  const auto done = std::exchange(pending_done_, nullptr);
  if (done) Write(*batch, done);
}

void FakeStore::Crash(bool written) {
  const std::shared_ptr<const Batch> batch = std::exchange(pending_, nullptr);
  pending_done_ = nullptr;
  fault = [](const Batch&) { return StoreFault::kNone; };
  if (batch && written) Write(*batch, [](const store::CommitResult&) {});
}

void FakeStore::Write(const Batch& batch, const std::function<void(store::CommitResult)>& done) {
  if (batch.term != rows_.term || batch.sequence != rows_.sequence + 1) {
    done({CommitOutcome::kFenced,
          Aborted("a batch of another term or out of sequence: " + std::to_string(batch.sequence))});
    return;
  }
  const StoreFault what = fault(batch);
  if (what == StoreFault::kDiskFull) {
    done({CommitOutcome::kDiskFull, ResourceExhausted("no space left on device")});
    return;
  }
  if (what == StoreFault::kBroken) {
    done({CommitOutcome::kBroken, Internal("input/output error")});
    return;
  }
  if (what == StoreFault::kUnknownLost) {
    done({CommitOutcome::kUnknown, Unavailable("the answer was lost")});
    return;
  }
  if (const Status status = rows_.Apply(batch); !status.ok()) {
    on_refused(status);
    done({CommitOutcome::kFenced, status});
    return;
  }
  rows_.sequence = batch.sequence;
  if (what == StoreFault::kUnknownWritten) {
    done({CommitOutcome::kUnknown, Unavailable("the answer was lost")});
  } else if (what == StoreFault::kBrokenWritten) {
    done({CommitOutcome::kBroken, Internal("input/output error")});
  } else {
    done({CommitOutcome::kDurable, OkStatus()});
  }
}

StatusOr<std::uint64_t> FakeStore::LastSequence() {
  MILLRACE_CHECK(!pending_done_);
  return rows_.sequence;
}

StatusOr<std::vector<Run>> FakeStore::LoadDates(const std::string& dag_id, WallTime from, WallTime to) {
  return rows_.LoadDates(dag_id, from, to);
}

StatusOr<RunImage> FakeStore::LoadRun(const std::string& dag_id, const std::string& run_id) {
  return rows_.LoadRun(dag_id, run_id);
}

StatusOr<RunImage> FakeStore::LoadPrevious(const std::string& dag_id, WallTime before) {
  return rows_.LoadPrevious(dag_id, before);
}

StatusOr<Run> FakeStore::LoadPreviousSuccess(const std::string& dag_id, WallTime before) {
  return rows_.LoadPreviousSuccess(dag_id, before);
}

StatusOr<CachedResult> FakeStore::LoadCached(const std::string& key) { return rows_.LoadCached(key); }

StatusOr<TaskStateRow> FakeStore::LoadTaskState(const TaskInstanceKey& instance, const std::string& key) {
  return rows_.LoadTaskState(instance, key);
}

StatusOr<DatasetStateRow> FakeStore::LoadDatasetState(const std::string& dataset, const std::string& key) {
  return rows_.LoadDatasetState(dataset, key);
}

StatusOr<std::vector<XComRow>> FakeStore::LoadXComs(const std::vector<XComKey>& keys) {
  return rows_.LoadXComs(keys);
}

}  // namespace millrace::test
