// Tasks whose end decides which tasks behind them run: branch, short_circuit, latest_only. The engine runs
// those kinds itself, without a worker or a slot; what a worker returns may decide the same way.
//
// As in Airflow a branch skips only what stands directly behind it, and the trigger rules carry that on. What
// it decided is kept in its row, so that a task that is cleared alone is skipped again.
#include <algorithm>
#include <set>

#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/truth.h"

namespace millrace::engine {
namespace {

// "a", "a, b", "['a', 'b']", "" or "None": how a rendered choice is written.
Value ChoiceOf(const std::string& text) {
  Value::List ids;
  std::string word;
  const auto flush = [&] {
    if (!word.empty() && word != "None" && word != "null") ids.emplace_back(word);
    word.clear();
  };
  for (const char c : text) {
    if (std::string_view(" \t\n,[]'\"()").find(c) != std::string_view::npos) {
      flush();
    } else {
      word += c;
    }
  }
  flush();
  return Value(std::move(ids));
}

bool IsIn(const Dag& dag, const Task& task, std::int32_t group) {
  for (std::int32_t at = task.group; at >= 0; at = dag.groups[static_cast<std::size_t>(at)].parent) {
    if (at == group) return true;
  }
  return false;
}

// The task of that id, or the first tasks of the group of that id.
std::vector<std::int32_t> Named(const Dag& dag, const std::string& id) {
  if (const std::int32_t task = dag.FindTask(id); task >= 0) return {task};
  std::vector<std::int32_t> roots;
  for (std::size_t g = 0; g < dag.groups.size(); ++g) {
    if (dag.groups[g].id != id) continue;
    const auto group = static_cast<std::int32_t>(g);
    for (std::size_t i = 0; i < dag.tasks.size(); ++i) {
      const Task& task = dag.tasks[i];
      if (!IsIn(dag, task, group)) continue;
      const bool is_root = std::none_of(task.upstream.begin(), task.upstream.end(), [&](std::int32_t other) {
        return IsIn(dag, dag.tasks[static_cast<std::size_t>(other)], group);
      });
      if (is_root) roots.push_back(static_cast<std::int32_t>(i));
    }
  }
  return roots;
}

// These and everything behind them.
std::set<std::int32_t> WithBehind(const Dag& dag, std::vector<std::int32_t> todo) {
  std::set<std::int32_t> seen(todo.begin(), todo.end());
  while (!todo.empty()) {
    const auto at = static_cast<std::size_t>(todo.back());
    todo.pop_back();
    for (const std::int32_t next : dag.tasks[at].downstream) {
      if (seen.insert(next).second) todo.push_back(next);
    }
  }
  return seen;
}

StatusOr<std::vector<std::int32_t>> Chosen(const Dag& dag, const Task& branch, const Value& result) {
  std::vector<std::int32_t> chosen;
  const std::set<std::int32_t> behind = WithBehind(dag, branch.downstream);
  for (const Value& id : result.is_list() ? result.as_list() : Value::List{result}) {
    if (id.is_null()) continue;
    if (!id.is_string()) return InvalidArgument("it chose " + ToJson(id) + ", which is no task id");
    const std::vector<std::int32_t> named = Named(dag, id.as_string());
    const bool known = !named.empty() && std::all_of(named.begin(), named.end(), [&](std::int32_t task) {
      return behind.contains(task);
    });
    if (!known) {
      std::string there;
      for (const std::int32_t next : branch.downstream)
        there += (there.empty() ? "" : ", ") + dag.tasks[static_cast<std::size_t>(next)].id;
      return InvalidArgument("it chose '" + id.as_string() +
                             "', which does not stand behind it; there are: " + there);
    }
    chosen.insert(chosen.end(), named.begin(), named.end());
  }
  return chosen;
}

}  // namespace

const Task* Engine::State::NotChosenBy(LiveRun& run, const Instance& instance) {
  for (const std::int32_t upstream : TaskOf(run, instance).upstream) {
    const Task& task = run.dag->tasks[static_cast<std::size_t>(upstream)];
    if (task.steering == Steering::kNone) continue;
    bool skipped = false;
    const auto look = [&](const Instance& branch) {
      const std::vector<std::int32_t>& skips = branch.row.skips;
      skipped |= branch.row.state == TaskState::kSuccess &&
                 std::find(skips.begin(), skips.end(), instance.row.task()) != skips.end();
    };
    if (Instance* beside = internal::Beside(run, instance, upstream); beside != nullptr) {
      look(*beside);
    } else if (!internal::InOneGroup(run, instance.row.task(), upstream)) {
      EachOf(run, upstream, look);
    }
    if (skipped) return &task;
  }
  return nullptr;
}

bool Engine::State::IsLatest(const LiveRun& run) const {
  const bool asked_for = run.row.type == RunType::kManual || run.row.type == RunType::kOperatorTriggered;
  if (asked_for || !run.row.logical_date) return true;
  const Cursor cursor{*run.row.logical_date, run.row.run_after};
  const std::optional<RunDates> next =
      run.owner->timetable.Next(cursor, {std::nullopt, std::nullopt, Catchup::kAll}, now.wall);
  return !next || next->run_after > now.wall;
}

Status Engine::State::Steer(LiveRun& run, Instance& instance, const Value& result) {
  const Dag& dag = *run.dag;
  const Task& task = TaskOf(run, instance);
  const auto is_work = [&](std::int32_t index) {
    return dag.tasks[static_cast<std::size_t>(index)].role != TaskRole::kTeardown;
  };
  std::vector<std::int32_t>& skips = instance.row.skips;
  skips.clear();
  if (task.steering == Steering::kBranch) {
    ASSIGN_OR_RETURN(const std::vector<std::int32_t> chosen, Chosen(dag, task, result));
    const std::set<std::int32_t> follows = WithBehind(dag, chosen);
    for (const std::int32_t next : task.downstream) {
      if (is_work(next) && !follows.contains(next)) skips.push_back(next);
    }
    return OkStatus();
  }
  const bool gate = task.kind == "approval";
  if (gate ? IsApproved(result) : IsTrue(result)) return OkStatus();
  for (const std::int32_t next : task.downstream) {
    if (is_work(next)) skips.push_back(next);
  }
  const Value* ignores = task.with.Find("ignore_downstream_trigger_rules");
  const bool all = task.steering == Steering::kShortCircuit &&
                   (ignores == nullptr || !ignores->is_bool() ? !gate : ignores->as_bool());
  if (!all) return OkStatus();
  for (const std::int32_t behind : WithBehind(dag, task.downstream)) {
    if (!is_work(behind)) continue;
    const auto skip = [&](Instance& other) {
      if (other.row.state == TaskState::kNone) Skip(run, other, "not chosen by " + task.id);
    };
    if (Instance* beside = internal::Beside(run, instance, behind); beside != nullptr) {
      skip(*beside);
    } else if (!internal::InOneGroup(run, instance.row.task(), behind)) {
      EachOf(run, behind, skip);
    }
  }
  return OkStatus();
}

void Engine::State::RunInEngine(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (IsLoopGate(task)) {
    RunGate(run, instance);
    return;
  }
  if (task.kind == "trigger_dag") {
    BeginTrigger(run, instance);
    return;
  }
  StartInEngine(instance);
  engine::End end;
  end.started_at = end.ended_at = now.wall;
  const StatusOr<Assignment> assignment = MakeAssignment(run, instance);
  const StatusOr<Value> with = assignment.ok() ? ParseJson(assignment->with) : assignment.status();
  if (!with.ok()) {
    end.outcome = Outcome::kFailFinal;
    end.message = with.status().message();
  } else if (task.kind == "approval") {
    AskPeople(run, instance, *with);
    return;
  } else if (task.sensor) {
    BeginSensor(run, instance, *with);
    return;
  } else if (task.steering == Steering::kBranch) {
    const Value* choose = with->Find("choose");
    end.result = ToJson(choose == nullptr || choose->is_null() ? Value()
                        : choose->is_string()                  ? ChoiceOf(choose->as_string())
                                                               : *choose);
  } else if (task.steering == Steering::kShortCircuit) {
    const Value* condition = with->Find("condition");
    end.result = condition != nullptr && IsTrue(*condition) ? "true" : "false";
  } else {
    end.result = IsLatest(run) ? "true" : "false";
  }
  // It becomes an XCom, and a choice that is none is told in the reason.
  if (assignment.ok()) end.result = MaskedText(end.result, assignment->secrets);
  OnEnded(run, instance, end);
}

}  // namespace millrace::engine
