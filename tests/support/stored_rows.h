// What a store holds after a series of batches, in plain maps: the model that FakeStore, the scenarios and
// the simulator check the engine against. Apply refuses a batch that contradicts what is stored, as a
// compare-and-set would.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/batch.h"

namespace millrace::test {

struct StoredRows {
  std::uint32_t term = 0;
  std::uint64_t sequence = 0;
  std::map<std::string, DagRow> dags;
  std::map<std::pair<std::string, std::int32_t>, DagVersionRow> versions;
  std::map<RunKey, Run> runs;
  std::map<TaskInstanceKey, TaskInstance> instances;
  std::vector<Attempt> attempts;
  std::map<std::pair<JobKey, std::pair<std::int32_t, std::int32_t>>, StageTaskRow> stage_tasks;
  std::map<JobKey, JobRow> jobs;
  std::map<SessionId, SessionRow> sessions;
  std::map<XComKey, XComRow> xcoms;
  std::map<XComKey, TaskStateRow> task_states;
  std::map<std::pair<std::string, std::string>, DatasetStateRow> dataset_states;  // by dataset and key
  std::map<std::pair<TaskInstanceKey, std::int32_t>, ApprovalRow> approvals;  // by try
  std::map<std::int64_t, Backfill> backfills;
  std::map<std::string, PoolRow> pools;
  std::map<std::string, CachedResult> cached;
  std::map<std::int64_t, Notification> notifications;
  std::int64_t next_notification = 1;
  std::vector<Record> records;
  std::set<std::pair<std::string, std::string>> attached;                  // (alias, dataset)
  std::map<std::pair<std::string, std::string>, DatasetWatchRow> watches;  // by DAG and dataset
  std::map<std::int64_t, DatasetEvent> dataset_events;
  std::set<std::tuple<std::string, std::int64_t, std::string>> dataset_queue;  // (dag, event, partition key)
  std::set<std::pair<RunKey, std::int64_t>> run_events;
  std::map<std::pair<RunKey, std::int32_t>, DeadlineRow> deadlines;
  std::vector<Transition> transitions;

  // ABORTED says what does not fit.
  Status Apply(const Batch& batch);
  // What the next start of the scheduler begins with; counts the term.
  Image Load();
  void Delete(RunKey run);
  StatusOr<RunImage> LoadRun(const std::string& dag_id, const std::string& run_id) const;
  StatusOr<RunImage> LoadPrevious(const std::string& dag_id, WallTime before) const;
  StatusOr<Run> LoadPreviousSuccess(const std::string& dag_id, WallTime before) const;
  StatusOr<CachedResult> LoadCached(const std::string& key) const;
  StatusOr<TaskStateRow> LoadTaskState(const TaskInstanceKey& instance, const std::string& key) const;
  StatusOr<DatasetStateRow> LoadDatasetState(const std::string& dataset, const std::string& key) const;
  std::vector<XComRow> LoadXComs(const std::vector<XComKey>& keys) const;
  std::vector<Run> LoadDates(const std::string& dag_id, WallTime from, WallTime to) const;
  const Run* FindRun(const std::string& dag_id, const std::string& run_id) const;
  DagPtr DagOf(const Run& run) const;

 private:
  void Keep(const TaskStateRow& row);
  void Keep(const DatasetStateRow& row);
  RunImage Whole(const Run& run) const;
};

}  // namespace millrace::test
