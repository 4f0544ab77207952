// OpenLineage: what a run or an attempt of a task tells a lineage backend when it begins and when it ends, as RunEvents of
// https://openlineage.io/spec/2-0-2. Jobs have Airflow's names: a DAG its id, a task "dag_id.task_id". Pure.
//
// A runId is a function of rows that stay as they are from the START to the terminal event, so both say the same one also
// when the scheduler has started anew between them: of a run since it was (re)opened, and of one attempt.
//
// Deliberately not here: when something is told (lineage_rows.cc), and how it gets there (outbox.cc).
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/notification.h"
#include "core/model/run.h"
#include "core/model/value.h"
#include "scheduler/engine/engine.h"

namespace millrace::engine {

// kAbort: somebody, or the end of its run, stopped it.
enum class LineageEvent : std::uint8_t { kStart, kComplete, kFail, kAbort };

struct LineageFacts {
  LineageEvent event = LineageEvent::kStart;
  WallTime at{};
  std::string message = {};  // of kFail and kAbort: why
  std::string result = {};   // JSON that the attempt left; "": nothing
};

// `run` has started.
Value LineageOfRun(const std::string& name_space, const Run& run, const Dag& dag, const LineageFacts& facts);
// `instance` has the fence of the attempt that is told of, and `run` has started.
Value LineageOfTask(const std::string& name_space, const Run& run, const Dag& dag, const Task& task,
                    const TaskInstance& instance, const LineageFacts& facts);

// A dataset as OpenLineage names it: by its URI ("s3://bucket" and "orders/2001", "postgres://host:5432" and
// "db.schema.table"); one whose URI is none belongs to `name_space`.
struct LineageName {
  std::string name_space;
  std::string name;
  friend bool operator==(const LineageName&, const LineageName&) = default;
};
LineageName LineageNameOf(const Dataset& dataset, const std::string& name_space);

// A POST of the event. INVALID_ARGUMENT: it has more bytes than the outbox takes.
StatusOr<Delivery> LineageDelivery(const LineageOptions& options, const Value& event);
// "lineage to host:5000", "lineage by marquez": for people; without secrets.
std::string LineageTarget(const LineageOptions& options);

}  // namespace millrace::engine
