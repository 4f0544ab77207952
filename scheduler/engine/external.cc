// Sensors of other DAGs: they wait for runs with one logical date, or for tasks of those, and are told at the
// moment something happens to them. What ended before is read from the store once, when they begin and after
// a restart (NeedRuns).
//
// Several runs may have one date, since a user's may stand beside the schedule's: any that has got there will
// do; where none has, the newest says whether the wait is in vain.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/graph.h"

namespace millrace::engine {
namespace {

enum class Verdict : std::uint8_t { kWait, kAllowed, kFailed, kSkipped };

template <typename State>
bool Has(std::uint32_t bits, State state) {
  return (bits & (1U << static_cast<unsigned>(state))) != 0;
}

// The tasks of `dag` that are waited for; nothing when it lacks one.
std::optional<std::vector<std::int32_t>> TasksOf(const Dag& dag, const ExternalTarget& target) {
  std::vector<std::int32_t> tasks;
  for (const std::string& id : target.tasks) {
    tasks.push_back(dag.FindTask(id));
    if (tasks.back() < 0) return std::nullopt;
  }
  if (target.group.empty()) return tasks;
  for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
    if (dag.tasks[i].id.starts_with(target.group + ".")) tasks.push_back(static_cast<std::int32_t>(i));
  }
  return tasks.empty() ? std::nullopt : std::optional(tasks);
}

struct Judged {
  Verdict verdict = Verdict::kWait;
  std::string why;
};

// `each(task, visit)` calls visit with the state of each of its instances.
template <typename Each>
Judged Judge(const ExternalTarget& target, const Run& run, const Dag& dag, const Each& each) {
  if (target.of_runs()) {
    const std::string why =
        "run " + run.run_id + " of DAG " + run.dag_id + " is " + std::string(ToString(run.state));
    if (Has(target.failed, run.state)) return {Verdict::kFailed, why};
    if (Has(target.skipped, run.state)) return {Verdict::kSkipped, why};
    return {Has(target.allowed, run.state) ? Verdict::kAllowed : Verdict::kWait, why};
  }
  const auto tasks = TasksOf(dag, target);
  if (!tasks) return {};
  Judged failed;
  Judged skipped;
  bool all = true;
  for (const std::int32_t task : *tasks) {
    bool any = false;
    each(task, [&](TaskState state) {
      if (state == TaskState::kRemoved) return;
      any = true;
      all = all && Has(target.allowed, state);
      const auto why = [&] {
        return "task " + dag.tasks[static_cast<std::size_t>(task)].id + " in run " + run.run_id + " of DAG " +
               run.dag_id + " is " + std::string(ToString(state));
      };
      if (Has(target.failed, state) && failed.why.empty()) failed = {Verdict::kFailed, why()};
      if (Has(target.skipped, state) && skipped.why.empty()) skipped = {Verdict::kSkipped, why()};
    });
    all = all && any;
  }
  if (!failed.why.empty()) return failed;
  if (!skipped.why.empty()) return skipped;
  return {all ? Verdict::kAllowed : Verdict::kWait, ""};
}

std::string TextOf(const ExternalTarget& target, WallTime date) {
  std::string text;
  if (target.of_runs()) {
    text = "the run of DAG " + target.dag_id;
  } else if (!target.group.empty()) {
    text = "group " + target.group + " of DAG " + target.dag_id;
  } else {
    for (const std::string& task : target.tasks)
      text += (!text.empty() ? ", " : target.tasks.size() > 1 ? "tasks " : "task ") + task;
    text += " of DAG " + target.dag_id;
  }
  return text + " for " + FormatTime(date);
}

}  // namespace

void Engine::State::BeginExternal(LiveRun& run, Instance& instance, const Value& with) {
  ExternalTarget target = ExternalTargetOf(with);
  WallTime date = run.row.logical_date.value_or(run.row.run_after);
  Status wrong;
  if (const Value* written = with.Find("logical_date"); written != nullptr && written->is_string()) {
    const StatusOr<const Zone*> zone = zones.Find(run.dag->schedule.timezone);
    const StatusOr<WallTime> time = zone.ok() ? ParseTime(written->as_string(), **zone) : zone.status();
    time.ok() ? static_cast<void>(date = *time)
              : static_cast<void>(wrong = time.status().WithContext("'logical_date'"));
  } else {
    date -= LengthFrom(with.Find("execution_delta")).value_or(Duration(0));
  }
  const Value* check = with.Find("check_existence");
  if (check != nullptr && check->is_bool() && check->as_bool()) {
    const auto dag = dags.find(target.dag_id);
    if (dag == dags.end() || dag->second.row.deleted) {
      wrong = NotFound("there is no DAG " + target.dag_id);
    } else if (!TasksOf(*dag->second.dag, target)) {
      wrong = NotFound("DAG " + target.dag_id + " lacks what is waited for: " + TextOf(target, date));
    }
  }
  if (!wrong.ok()) {
    OnEnded(run, instance,
            {Outcome::kFailFinal,
             std::nullopt,
             MaskedText(wrong.message(), SecretsOf(instance.values.get())),
             "",
             {},
             now.wall,
             now.wall});
    return;
  }
  // Who it waits for is kept as rendered: templates may read what is gone after a restart.
  Value wait;
  wait.Set("date", FormatTime(date));
  wait.Set("with", with);
  Defer(run, instance, TextOf(target, date), std::move(wait), std::nullopt);
  Watch(instance, std::move(target), date);
}

void Engine::State::Watch(const Instance& instance, ExternalTarget target, WallTime date) {
  const TaskInstanceKey key = instance.row.key;
  watchers[{target.dag_id, date}].insert(key);
  Emit(NeedRuns{key, target.dag_id, date});
  LiveWait& wait = waits[key];
  wait.target = std::move(target);
  wait.date = date;
  to_look.insert(key);
}

void Engine::State::TellWatchers(const LiveRun& run) {
  if (watchers.empty() || !run.row.logical_date) return;
  const auto found = watchers.find({run.row.dag_id, *run.row.logical_date});
  if (found != watchers.end()) to_look.insert(found->second.begin(), found->second.end());
}

void Engine::State::LookAgain() {
  while (!to_look.empty()) {
    const TaskInstanceKey key = *to_look.begin();
    to_look.erase(to_look.begin());
    Look(key, {});
  }
}

void Engine::State::Look(const TaskInstanceKey& key, const std::vector<RunImage>& images) {
  const auto found = waits.find(key);
  if (found == waits.end() || !found->second.date) return;
  const ExternalTarget& target = found->second.target;
  std::map<RunKey, Judged> judged;
  if (const auto dag = dags.find(target.dag_id); dag != dags.end()) {
    for (const auto& [id, run_key] : dag->second.runs) {
      LiveRun& run = runs.find(run_key)->second;
      if (run.row.logical_date != found->second.date) continue;
      judged[run_key] = Judge(target, run.row, *run.dag, [&](std::int32_t task, const auto& visit) {
        EachOf(run, task, [&](const Instance& instance) { visit(instance.row.state); });
      });
    }
  }
  for (const RunImage& image : images) {
    // Of a live one the engine knows more.
    if (image.dag == nullptr || runs.contains(image.run.key)) continue;
    judged[image.run.key] = Judge(target, image.run, *image.dag, [&](std::int32_t task, const auto& visit) {
      for (const TaskInstance& row : image.task_instances) {
        if (row.task() == task) visit(row.state);
      }
    });
  }
  if (judged.empty()) return;
  const bool allowed = std::any_of(judged.begin(), judged.end(),
                                   [](const auto& one) { return one.second.verdict == Verdict::kAllowed; });
  const Judged& newest = judged.rbegin()->second;
  if (!allowed && newest.verdict == Verdict::kWait) return;
  LiveRun& run = *FindRun(key.run);
  Instance& instance = run.at(key.index);
  const SensorPolicy policy = SensorPolicyOf(TaskOf(run, instance).with);
  engine::End end;
  end.started_at = end.ended_at = now.wall;
  if (!allowed) {
    end.outcome =
        newest.verdict == Verdict::kSkipped || policy.soft_fail ? Outcome::kSkipped : Outcome::kFailed;
    end.message = newest.why;
  }
  OnEnded(run, instance, end);
}

void Engine::State::OnRunsLoaded(const RunsLoaded& event) {
  const auto wait = waits.find(event.instance);
  if (wait == waits.end() || wait->second.date != event.date) return;
  if (!event.images.ok()) {
    timers.Add({now.boot + kStorePause, TimerKind::kAskRuns, {}, event.instance, 0, {}});
    return;
  }
  Look(event.instance, *event.images);
}

}  // namespace millrace::engine
