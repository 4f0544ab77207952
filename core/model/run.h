// Runs, task instances and attempts as the store keeps them and the API shows them: plain rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/model/ids.h"
#include "core/model/state.h"

namespace millrace {

// The task instance whose trigger_dag made a run.
struct TriggeringTask {
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  std::int32_t map_index = -1;
  friend bool operator==(const TriggeringTask&, const TriggeringTask&) = default;
};

struct Run {
  RunKey key{};
  std::string dag_id;
  std::string run_id;
  RunType type = RunType::kScheduled;
  RunState state = RunState::kQueued;
  std::int32_t version = 0;  // number of the DAG version it runs
  std::optional<WallTime> logical_date;
  std::optional<WallTime> interval_start;
  std::optional<WallTime> interval_end;
  WallTime run_after{};
  WallTime queued_at{};
  std::optional<WallTime> started_at;
  std::optional<WallTime> ended_at;
  std::string conf = "{}";   // JSON object
  std::string triggered_by;  // user, or "timetable"
  std::string note;          // why it failed, when the run itself was stopped
  std::int32_t missed_deadlines = 0;
  std::int32_t retries = 0;      // how often it has been tried again by itself
  std::int32_t max_retries = 0;  // up to which it is; after a clear it counts on
  std::optional<WallTime> retry_at = {};  // queued: when it is
  std::int64_t backfill = 0;  // that made it or ran it again; 0: none
  std::optional<TriggeringTask> triggering_task = {};
  // Set once it has been given another version without running its tasks again: then its task instances need not stand
  // where their tasks do, and these are the tasks that it had and the version has not (run_dag.h).
  std::optional<std::vector<std::string>> former_tasks = {};
  std::string partition_key = {};  // of the part of the data that it is about; "": none
  std::optional<WallTime> partition_date = {};  // what the key was made from, where that was a time
  friend bool operator==(const Run&, const Run&) = default;
};

struct TaskInstance {
  TaskInstanceKey key;
  TaskState state = TaskState::kNone;
  std::int32_t try_number = 0;  // of the current or last attempt; 0 before the first
  std::int32_t max_tries = 0;   // retries allowed beyond the first try, after clears
  std::int32_t lost = 0;        // attempts lost with their worker, of this try
  std::int32_t rescheduled = 0;  // attempts that a retry rule had tried again without using a retry, of this try
  Fence fence;                  // of the current or last attempt
  SessionId session{};          // where it is or was
  std::optional<WallTime> scheduled_at;
  std::optional<WallTime> queued_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> ended_at;
  // up_for_retry, up_for_reschedule: when it starts again; deferred: when it is woken, or has waited long enough
  std::optional<WallTime> due_at;
  std::string worker;              // name
  std::string reason;              // one line: why it failed, was killed or was skipped
  // Of a mapped task: which of its instances. Index 0 stands where the task stands; the others stand behind all tasks.
  std::int32_t map_index = -1;
  std::int32_t mapped_task = -1;  // its task's place in the DAG version; -1: the same as its own
  std::string map_value;  // JSON object: what `expand` gives this instance
  // Of a branch that ended: the tasks directly behind it that it did not choose.
  std::vector<std::int32_t> skips;
  RunKey waits_for{};  // of a trigger_dag that is deferred: the run whose end it waits for
  // Of a sensor that is deferred: for what, a JSON object whose `text` says it to people; and since when, which lasts over retries.
  // Of another task that was rescheduled: since when its try goes on.
  std::string wait;
  std::optional<WallTime> waits_since;
  std::optional<std::int32_t> weight = {};  // what the task's template of it gave; none: its task's
  std::string loop = {};  // of a task that loops, after its first iteration: {index, previous}, JSON
  std::string cache_key = {};           // under which its success is kept for later ones; "": it is not
  std::string rendered_map_index = {};  // what map_index_template says
  friend bool operator==(const TaskInstance&, const TaskInstance&) = default;

  // Its task's place in the DAG version.
  std::int32_t task() const { return mapped_task >= 0 ? mapped_task : key.index; }
};

// A superseded or ended attempt of a task instance.
struct Attempt {
  TaskInstanceKey instance;
  std::int32_t try_number = 0;
  Fence fence;
  TaskState state = TaskState::kNone;  // how it ended
  std::optional<WallTime> queued_at;
  std::optional<WallTime> started_at;
  std::optional<WallTime> ended_at;
  std::string worker;
  std::optional<std::int32_t> exit_code;
  std::string reason;
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

// What a try of an approval asked people, and what they answered. The texts are JSON objects.
struct ApprovalRow {
  TaskInstanceKey instance;
  std::int32_t try_number = 0;
  std::string request;  // subject, body, options, defaults, multiple, params, assigned_users
  WallTime created_at{};
  std::optional<WallTime> due_at;  // when nobody's answer is waited for any longer
  std::optional<WallTime> responded_at;
  std::string responded_by;  // a user; "" with an answer: nobody did, the defaults count
  std::string response;      // chosen_options, params_input
  friend bool operator==(const ApprovalRow&, const ApprovalRow&) = default;
};

// Names a value that a task instance left for others.
struct XComKey {
  TaskInstanceKey instance;
  std::string key;
  friend auto operator<=>(const XComKey&, const XComKey&) = default;
};

struct XComRow {
  TaskInstanceKey instance;
  std::string key;
  std::string json;
  bool deleted = false;  // with an empty key: all of the instance
  WallTime at{};
  friend bool operator==(const XComRow&, const XComRow&) = default;
};

// Something happened to a dataset: the success of a task instance that has it as an outlet, or somebody said so.
struct DatasetEvent {
  std::int64_t id = 0;  // grows by one an event
  std::string dataset;
  WallTime at{};
  std::string dag_id;  // "": not from a task
  std::string run_id;
  std::string task_id;
  std::int32_t map_index = -1;
  std::string extra = "{}";  // JSON object
  std::string partition_key = {};  // of the part of it that was updated; "": none
  std::vector<std::string> aliases = {};  // by which its task attached the dataset
};

// One change of state, as the journal keeps it and live events tell it.
struct Transition {
  RunKey run{};
  std::int32_t index = -1;  // -1: the run itself
  std::uint8_t from = 0;    // RunState or TaskState
  std::uint8_t to = 0;
  std::int32_t try_number = 0;
  WallTime at{};
  friend bool operator==(const Transition&, const Transition&) = default;
};

}  // namespace millrace
