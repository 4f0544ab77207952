// Tasks with `loop`: each success is one iteration's, until `until` is true of its result, or max_iterations
// is reached. An iteration has an attempt of its own, so its own log, and its retries; what it returned is
// the next one's loop.previous, kept in the row since the next attempt forgets its XComs.
#include "core/model/json.h"
#include "core/template/template.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/state.h"
#include "scheduler/engine/truth.h"

namespace millrace::engine {

bool Engine::State::LoopsOn(LiveRun& run, Instance& instance, const engine::End& end) {
  const Task& task = TaskOf(run, instance);
  if (!task.loop) return false;
  TaskInstance& row = instance.row;
  const LoopPolicy& loop = *task.loop;
  Value names = LoopNames(task, row);
  const std::int64_t iteration = names.Find("index")->as_int() + 1;
  const bool last = iteration >= loop.max_iterations;
  StatusOr<Value> result = ParseJson(end.result.empty() ? "null" : end.result);
  if (!result.ok()) result = Value(end.result);
  if (loop.until.is_string()) {
    names.Set("result", *result);
    const StatusOr<std::string> until = [&]() -> StatusOr<std::string> {
      ASSIGN_OR_RETURN(TemplateContext context, ContextOf(run.row, *run.dag, task, row, EventsOf(run)));
      context.Set("loop", names, TemplateContext::Source::kUser);
      return RenderText(loop.until.as_string(), context);
    }();
    if (until.ok() && IsTrue(Value(*until))) return false;
    if (!until.ok() || last) {
      const std::string why = until.ok() ? "'until' is not true after " + std::to_string(iteration) +
                                               " iterations, and max_iterations is " +
                                               std::to_string(loop.max_iterations)
                                         : "'until': " + until.status().message();
      Fail(run, instance,
           {Outcome::kFailFinal, end.exit_code, "task '" + task.id + "', loop: " + why, "", {}, {}, {}},
           false);
      return true;
    }
  } else if (last) {
    return false;
  }
  row.reason = "iteration " + std::to_string(iteration) + " of at most " +
               std::to_string(loop.max_iterations) + (end.message.empty() ? "" : ": " + end.message);
  KeepAttempt(instance, TaskState::kSuccess, end.exit_code);
  row.loop = ToJson(Value(Value::Map{{"index", iteration}, {"previous", *result}}));
  row.max_tries = row.try_number + task.retry.retries;
  row.lost = 0;
  row.rescheduled = 0;
  instance.values.reset();  // the next one reads again
  instance.asked = false;
  SetState(run, instance, TaskState::kUpForReschedule);
  row.due_at = now.wall + loop.delay;
  timers.Add({now.boot + loop.delay, TimerKind::kRetry, {}, row.key, row.try_number, {}});
  return true;
}

}  // namespace millrace::engine
