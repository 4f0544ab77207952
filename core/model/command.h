// Changes that people ask for, and what they are told. A command is refused whole or done whole.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/records.h"
#include "core/model/run.h"

namespace millrace {

struct TriggerRun {
  std::string dag_id;
  std::string run_id;  // "": made from the date
  std::optional<WallTime> logical_date;
  std::string conf = "{}";  // JSON object; checked against the DAG's params
  std::string note;
  std::string user;
};

struct SetPaused {
  std::string dag_id;
  bool paused = true;
  std::string user;
};

// Ends a run as failed; its attempts are killed.
struct CancelRun {
  std::string dag_id;
  std::string run_id;
  std::string user;
};

// Runs task instances again. Empty task_ids means all. dry_run only tells what would be cleared: preview and action
// share core/model/selection.
struct ClearTasks {
  std::string dag_id;
  std::string run_id;
  std::vector<std::string> task_ids;
  bool upstream = false;
  bool downstream = true;
  bool only_failed = false;
  bool dry_run = false;
  std::string user;
  std::int32_t map_index = -1;  // of a mapped task among task_ids: this instance only; -1: all
};

// Sets a task instance's state by hand: success, failed or skipped.
struct MarkTask {
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  TaskState state = TaskState::kSuccess;
  std::string user;
  std::int32_t map_index = -1;  // -1: all
};

// Somebody outside has updated a dataset: what waits for it is told as if a task had.
struct AddDatasetEvent {
  std::string dataset;
  std::string extra = "{}";  // JSON object
  std::string user;
};

// Forgets events that wait for a DAG's condition to hold.
struct ClearDatasetQueue {
  std::string dag_id;
  std::string dataset;  // "": of all
  std::string user;
};

// Records that the engine does not decide about (users, tokens, audit, import errors): committed as they are, in the
// order of the loop.
struct WriteRecords {
  std::vector<Record> records;
};

using Command = std::variant<TriggerRun, SetPaused, CancelRun, ClearTasks, MarkTask, AddDatasetEvent, ClearDatasetQueue, WriteRecords>;

// What a command did: the run it made or changed, the instances it touched.
struct CommandResult {
  std::optional<Run> run;
  std::vector<TaskInstanceKey> instances;
  std::optional<DatasetEvent> dataset_event;
};

using CommandReply = StatusOr<CommandResult>;

}  // namespace millrace
