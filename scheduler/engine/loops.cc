// Loops: a success is one iteration's, until `until` is true of its result, or max_iterations is reached.
//
// A task that loops: an iteration has an attempt of its own, so its own log, and its retries; what it returned is
// the next one's loop.previous, kept in the row since the next attempt forgets its XComs.
//
// A group that loops ends in a gate (kLoopGate), which the engine runs itself once all tasks of the group, its body, have
// ended and the last of them has succeeded. It asks `until` of what that one left. If there is to be another iteration the body runs
// again in the same rows, as when it is cleared: its attempts stay. The gate's row keeps {index, previous}, and between two
// iterations `next`, the result that the next one begins with; rows of the body keep {index} alone, since a result may be large.
#include "core/model/json.h"
#include "core/template/template.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/truth.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kMostResultBytes = 1 << 20;  // of a mapped last task's: a list of what each instance left

// {index, previous, next}, as far as they are there.
Value KeptOf(const TaskInstance& row) {
  StatusOr<Value> kept = row.loop.empty() ? Value(Value::Map()) : ParseJson(row.loop);
  return kept.ok() && kept->is_map() ? std::move(kept).value() : Value(Value::Map());
}

std::string NameOf(const Dag& dag, const Task& task) {
  return IsLoopGate(task) ? "group '" + dag.groups[static_cast<std::size_t>(task.group)].id + "'"
                          : "task '" + task.id + "'";
}

std::string IterationOf(const LoopPolicy& loop, std::int64_t index) {
  return "iteration " + std::to_string(index + 1) + " of at most " + std::to_string(loop.max_iterations);
}

}  // namespace

const TaskInstance& Engine::State::RowWithLoop(const LiveRun& run, const Instance& instance, TaskInstance& copy) {
  const Task& task = TaskOf(run, instance);
  if (task.loop_gate < 0 || !run.has(run.first(task.loop_gate))) return instance.row;
  copy = instance.row;
  copy.loop = run.at(run.first(task.loop_gate)).row.loop;
  return copy;
}

StatusOr<bool> Engine::State::GoesOn(const LiveRun& run, const Instance& instance, const Value& result) const {
  const Task& task = TaskOf(run, instance);
  const LoopPolicy& loop = *task.loop;
  const std::string what = NameOf(*run.dag, task) + ", loop: 'until'";
  Value names = LoopNames(loop, instance.row);
  const std::int64_t iteration = names.Find("index")->as_int() + 1;
  const bool last = iteration >= loop.max_iterations;
  if (!loop.until.is_string()) return !last;
  names.Set("result", result);
  const StatusOr<std::string> until = [&]() -> StatusOr<std::string> {
    ASSIGN_OR_RETURN(TemplateContext context, ContextOf(run.row, *run.dag, task, instance.row, EventsOf(run)));
    context.Set("loop", names, TemplateContext::Source::kUser);
    return RenderText(loop.until.as_string(), context);
  }();
  if (!until.ok()) return InvalidArgument(what + ": " + until.status().message());
  if (IsTrue(Value(*until))) return false;
  if (!last) return true;
  return InvalidArgument(what + " is not true after " + std::to_string(iteration) +
                         " iterations, and max_iterations is " + std::to_string(loop.max_iterations));
}

void Engine::State::AwaitIteration(LiveRun& run, Instance& instance, std::string reason,
                                   std::optional<std::int32_t> exit_code) {
  const Task& task = TaskOf(run, instance);
  TaskInstance& row = instance.row;
  row.reason = std::move(reason);
  KeepAttempt(instance, TaskState::kSuccess, exit_code);
  row.max_tries = row.try_number + task.retry.retries;
  row.lost = 0;
  row.rescheduled = 0;
  ForgetStates({row.key});  // an iteration goes on from loop.previous, not from where the one before stood
  instance.values.reset();  // the next one reads again
  instance.asked = false;
  SetState(run, instance, TaskState::kUpForReschedule);
  row.due_at = now.wall + task.loop->delay;
  timers.Add({now.boot + task.loop->delay, TimerKind::kRetry, {}, row.key, row.try_number, {}});
}

bool Engine::State::LoopsOn(LiveRun& run, Instance& instance, const engine::End& end) {
  const Task& task = TaskOf(run, instance);
  if (!task.loop || IsLoopGate(task)) return false;
  StatusOr<Value> result = ParseJson(end.result.empty() ? "null" : end.result);
  if (!result.ok()) result = Value(end.result);
  const StatusOr<bool> goes_on = GoesOn(run, instance, *result);
  if (!goes_on.ok()) {
    Fail(run, instance, {Outcome::kFailFinal, end.exit_code, goes_on.status().message(), "", {}, {}, {}}, false);
    return true;
  }
  if (!*goes_on) return false;
  const std::int64_t index = LoopNames(*task.loop, instance.row).Find("index")->as_int();
  instance.row.loop = ToJson(Value(Value::Map{{"index", index + 1}, {"previous", *result}}));
  AwaitIteration(run, instance, IterationOf(*task.loop, index) + (end.message.empty() ? "" : ": " + end.message),
                 end.exit_code);
  return true;
}

template <typename Visit>
void Engine::State::EachOfBody(LiveRun& run, std::int32_t gate, const Visit& visit) {
  for (std::size_t task = 0; task < run.dag->tasks.size(); ++task) {
    if (run.dag->tasks[task].loop_gate != gate || static_cast<std::int32_t>(task) == gate) continue;
    EachOf(run, static_cast<std::int32_t>(task), visit);
  }
}

bool Engine::State::BodyHasEnded(LiveRun& run, const Instance& gate) {
  bool all = true;
  EachOfBody(run, gate.row.task(), [&](const Instance& one) { all &= IsTerminal(one.row.state); });
  return all;
}

void Engine::State::TellGate(LiveRun& run, const Task& over) {
  if (over.loop_gate < 0 || IsLoopGate(over)) return;
  EachOf(run, over.loop_gate, [&](Instance& gate) { Evaluate(run, gate); });
}

void Engine::State::RunGate(LiveRun& run, Instance& gate) {
  const Task& task = TaskOf(run, gate);
  const std::string& last = run.dag->tasks[static_cast<std::size_t>(task.upstream.front())].id;
  StatusOr<Value> left = AnswersOf(run, gate).Find({TemplateNeed::Kind::kXCom, last, kReturnValue, std::nullopt});
  const Value result = left.ok() ? std::move(left).value() : Value();
  StartInEngine(gate);
  engine::End end;
  end.started_at = end.ended_at = now.wall;
  Value kept = LoopNames(*task.loop, gate.row);
  const std::int64_t index = kept.Find("index")->as_int();
  kept = Value::Map{{"index", index}, {"previous", *kept.Find("previous")}, {"next", result}};
  std::string text = ToJson(kept);
  StatusOr<bool> goes_on = GoesOn(run, gate, result);
  if (goes_on.ok() && *goes_on && text.size() > kMostResultBytes) {
    goes_on = InvalidArgument(NameOf(*run.dag, task) + ", loop: the results of an iteration have more than " +
                              std::to_string(kMostResultBytes) + " bytes: let a task behind '" + last +
                              "' return what the next one needs of them");
  }
  if (goes_on.ok() && *goes_on) {
    gate.row.loop = std::move(text);
    AwaitIteration(run, gate, IterationOf(*task.loop, index), std::nullopt);
    return;
  }
  if (!goes_on.ok()) {
    end.outcome = Outcome::kFailFinal;
    end.message = goes_on.status().message();
  } else {
    end.message = IterationOf(*task.loop, index) + " was the last";
  }
  OnEnded(run, gate, end);
}

void Engine::State::BeginIteration(LiveRun& run, Instance& gate) {
  const Value kept = KeptOf(gate.row);
  const Value* next = kept.Find("next");
  if (next == nullptr || !BodyHasEnded(run, gate)) {
    // Somebody has cleared a task of it meanwhile: what that comes to is asked about.
    ForgetNext(gate.row);
    SetState(run, gate, TaskState::kNone, true);
    Recount(run, gate);
    Evaluate(run, gate);
    return;
  }
  const LoopPolicy& loop = *TaskOf(run, gate).loop;
  const std::int64_t index = LoopNames(loop, gate.row).Find("index")->as_int();
  std::vector<std::int32_t> body;
  std::vector<TaskInstanceKey> keys;
  EachOfBody(run, gate.row.task(), [&](Instance& one) {
    if (one.row.state == TaskState::kRemoved) return;
    one.row.reason = IterationOf(loop, index) + (one.row.reason.empty() ? "" : ": " + one.row.reason);
    // Also of one that the next iteration skips.
    if (one.row.try_number > 0) out->batch.xcoms.push_back({one.row.key, "", "", true, now.wall});
    body.push_back(one.row.key.index);
    keys.push_back(one.row.key);
  });
  ForgetStates(keys);
  std::vector<std::int32_t> all = body;
  all.push_back(gate.row.key.index);
  ClearInstances(run, all, "");
  gate.row.loop = ToJson(Value(Value::Map{{"index", index + 1}, {"previous", *next}}));
  const std::string of_body = ToJson(Value(Value::Map{{"index", index + 1}}));
  for (const std::int32_t one : body) run.at(one).row.loop = of_body;
  EvaluateAll(run, all);
}

void Engine::State::ForgetNext(TaskInstance& gate) {
  Value kept = KeptOf(gate);
  if (kept.Find("next") == nullptr) return;
  std::erase_if(kept.as_map(), [](const auto& member) { return member.first == "next"; });
  gate.loop = ToJson(kept);
}

void Engine::State::BeginLoopAnew(LiveRun& run, std::int32_t gate) {
  const auto forget = [&](Instance& one) {
    if (std::exchange(one.row.loop, "").empty()) return;
    Touch(run, one);
  };
  EachOfBody(run, gate, forget);
  EachOf(run, gate, forget);
}

void Engine::State::BeginLoopsAnew(LiveRun& run, const std::vector<std::int32_t>& cleared) {
  const std::set<std::int32_t> tasks(cleared.begin(), cleared.end());
  const std::vector<Task>& all = run.dag->tasks;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!IsLoopGate(all[i])) continue;
    bool whole = true;
    for (std::size_t task = 0; task < all.size(); ++task) {
      const bool of_body = all[task].loop_gate == static_cast<std::int32_t>(i) && task != i;
      whole &= !of_body || tasks.contains(static_cast<std::int32_t>(task));
    }
    if (whole) BeginLoopAnew(run, static_cast<std::int32_t>(i));
  }
}

}  // namespace millrace::engine
