#include "scheduler/engine/render.h"

#include <string>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"

namespace millrace::engine {

Assignment Frame(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                 Fence fence) {
  Assignment assignment;
  assignment.fence = fence;
  assignment.instance = instance.key;
  assignment.dag_id = dag.id;
  assignment.run_id = run.run_id;
  assignment.task_id = task.id;
  assignment.try_number = instance.try_number;
  assignment.kind = task.kind;
  assignment.connections = task.connections;
  assignment.files = task.files;
  assignment.dag_hash = dag.hash;
  assignment.timeout = task.execution_timeout;
  assignment.kill_grace = task.kill_grace;
  auto& environment = assignment.environment;
  environment = {{"MILLRACE_DAG_ID", dag.id},
                 {"MILLRACE_RUN_ID", run.run_id},
                 {"MILLRACE_TASK_ID", task.id},
                 {"MILLRACE_TRY_NUMBER", std::to_string(instance.try_number)},
                 {"MILLRACE_FENCE", ToString(fence)}};
  if (run.logical_date) {
    environment.emplace_back("MILLRACE_DS", FormatDs(*run.logical_date));
    environment.emplace_back("MILLRACE_LOGICAL_DATE", FormatTs(*run.logical_date));
  }
  if (run.interval_start)
    environment.emplace_back("MILLRACE_DATA_INTERVAL_START", FormatTs(*run.interval_start));
  if (run.interval_end) environment.emplace_back("MILLRACE_DATA_INTERVAL_END", FormatTs(*run.interval_end));
  return assignment;
}

StatusOr<Assignment> Render(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                            Fence fence, const ZoneDatabase&) {
  Assignment assignment = Frame(run, dag, task, instance, fence);
  assignment.with = ToJson(task.with);
  return assignment;
}

}  // namespace millrace::engine
