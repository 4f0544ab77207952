// Backfills: a window of runs that rolls over the dates of a range. The store is asked which runs the next
// dates have (NeedDates, DatesLoaded); what is made of the answer and the cursor are one commit, so that a
// restart goes on with the next date. A date whose run is to run again is loaded like a run that somebody
// clears.
#include <algorithm>

#include "core/calendar/format.h"
#include "scheduler/engine/params.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr int kMaxDates = 100'000;        // of one backfill: they are counted at once
constexpr std::size_t kAskedAtOnce = 64;  // dates whose runs are read together

bool IsOver(const Backfill& row) { return row.completed_at || row.cancelled; }

std::string Called(const Backfill& row) { return "backfill " + std::to_string(row.id); }

bool HasDates(const Dag& dag) {
  const ScheduleKind kind = dag.schedule.kind;
  return kind != ScheduleKind::kNone && kind != ScheduleKind::kOnce && kind != ScheduleKind::kContinuous;
}

bool DependsOnPast(const Dag& dag) {
  return std::any_of(dag.tasks.begin(), dag.tasks.end(),
                     [](const Task& task) { return task.depends_on_past; });
}

// Also those that it has attached to its aliases so far.
std::set<std::string> OutletsOf(const Dag& dag, const AttachedDatasets& attached) {
  std::set<std::string> names;
  for (const Task& task : dag.tasks) {
    names.insert(task.outlets.begin(), task.outlets.end());
    for (const std::string& alias : task.outlet_aliases) {
      if (const auto found = attached.find(alias); found != attached.end())
        names.insert(found->second.begin(), found->second.end());
    }
  }
  return names;
}

bool Reads(const LiveDag& dag, const std::set<std::string>& datasets) {
  const auto written = [&](const std::string& name) { return datasets.contains(name); };
  const std::vector<Task>& tasks = dag.dag->tasks;
  return std::any_of(dag.waits_for.begin(), dag.waits_for.end(), written) ||
         std::any_of(tasks.begin(), tasks.end(), [&](const Task& task) {
           return std::any_of(task.inlets.begin(), task.inlets.end(), written);
         });
}

}  // namespace

StatusOr<std::vector<RunDates>> Engine::State::DatesOf(const LiveDag& dag, const Backfill& row) const {
  if (!HasDates(*dag.dag))
    return InvalidArgument("DAG " + row.dag_id + " has no schedule whose dates could be run again");
  // On the grid of the DAG's start, also before the range; a range may lie before the start altogether.
  const std::optional<WallTime>& start = dag.dag->schedule.start;
  const ScheduleWindow window{start && *start <= row.from ? *start : row.from, row.to, Catchup::kAll};
  std::vector<RunDates> dates = dag.timetable.Upcoming(row.from - Duration(1), window, kMaxDates + 1);
  std::erase_if(dates, [&row](const RunDates& date) {
    return date.logical_date < row.from || date.logical_date > row.to || date.run_after > row.created_at;
  });
  if (static_cast<int>(dates.size()) > kMaxDates) {
    return InvalidArgument("the range has more than " + std::to_string(kMaxDates) +
                           " dates; make several of it");
  }
  if (!row.run_backwards) std::reverse(dates.begin(), dates.end());
  return dates;
}

Status Engine::State::CheckBackfill(const LiveDag& dag, const Backfill& row) const {
  if (dag.row.stale)
    return FailedPrecondition("the file of DAG " + row.dag_id + " is gone; put it back to run it");
  if (row.from > row.to) return InvalidArgument("the range ends before it begins");
  if (row.from > now.wall) return InvalidArgument("the range lies in the future");
  if (row.max_active_runs < 1) return InvalidArgument("max_active_runs must be at least 1");
  if (row.run_backwards && DependsOnPast(*dag.dag)) {
    return InvalidArgument("DAG " + row.dag_id +
                           " has tasks with depends_on_past: its dates cannot run backwards, newest first");
  }
  RETURN_IF_ERROR(MergeParams(*dag.dag, row.conf).status());
  for (const std::int64_t id : dag.backfills) {
    const Backfill& other = backfills.find(id)->second.row;
    if (!IsOver(other)) {
      return AlreadyExists("DAG " + row.dag_id + " has " + Called(other) +
                           " under way; cancel it or wait for it");
    }
  }
  return OkStatus();
}

// Along datasets, those nearest first. DAGs without dates of their own run by themselves when their datasets
// are updated; what they lead to belongs to it all the same.
std::vector<LiveDag*> Engine::State::DownstreamOf(LiveDag& first) {
  std::vector<LiveDag*> found = {&first};
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::set<std::string> written = OutletsOf(*found[i]->dag, attached);
    for (auto& [id, dag] : dags) {
      if (dag.row.stale || std::find(found.begin(), found.end(), &dag) != found.end()) continue;
      if (Reads(dag, written)) found.push_back(&dag);
    }
  }
  found.erase(found.begin());
  std::erase_if(found, [](const LiveDag* dag) { return !HasDates(*dag->dag); });
  return found;
}

CommandReply Engine::State::Create(const CreateBackfill& command) {
  const auto found = dags.find(command.backfill.dag_id);
  if (found == dags.end() || found->second.row.deleted)
    return NotFound("DAG not found: " + command.backfill.dag_id);
  // All of them are checked before the first is made.
  std::vector<std::pair<LiveDag*, Backfill>> wanted;
  wanted.emplace_back(&found->second, command.backfill);
  if (command.include_downstream) {
    for (LiveDag* dag : DownstreamOf(found->second)) {
      Backfill& row = wanted.emplace_back(dag, command.backfill).second;
      row.dag_id = dag->row.dag_id;
      row.conf = "{}";  // what the first is given may mean nothing to it
    }
  }
  CommandResult result;
  for (auto& [dag, row] : wanted) {
    row.created_at = now.wall;
    row.cursor.reset();
    RETURN_IF_ERROR(CheckBackfill(*dag, row));
    ASSIGN_OR_RETURN(const std::vector<RunDates> dates, DatesOf(*dag, row));
    row.dates = static_cast<std::int32_t>(dates.size());
    if (dag != &found->second || !command.dry_run) continue;
    for (auto date = dates.rbegin(); date != dates.rend(); ++date) {
      result.dates.push_back(date->logical_date);
      if (const auto partition = dag->timetable.PartitionOf(*date))
        result.partitions.emplace_back(partition->key, partition->date.value_or(date->logical_date));
    }
  }
  std::int64_t after = 0;
  for (auto& [dag, row] : wanted) {
    if (!command.dry_run) {
      row.id = next_backfill++;
      row.after = std::exchange(after, row.id);
      Touch(AddBackfill(*dag, row));
      woken.insert(dag->row.dag_id);
    }
    if (!result.backfill) {
      result.backfill = row;
    } else {
      result.downstream.push_back(row);
    }
  }
  return result;
}

CommandReply Engine::State::Change(const ChangeBackfill& command) {
  const auto found = backfills.find(command.id);
  if (found == backfills.end() || IsOver(found->second.row))
    return AlreadyExists("Backfill is already completed.");
  LiveBackfill& backfill = found->second;
  Touch(backfill);
  if (command.action == BackfillAction::kCancel) {
    backfill.row.cancelled = true;
    backfill.row.completed_at = now.wall;
    backfill.dates.clear();
    // Those that come after it would work on what was never made.
    std::vector<std::int64_t> following;
    for (const auto& [id, other] : backfills) {
      if (other.row.after == command.id && !IsOver(other.row)) following.push_back(id);
    }
    for (const std::int64_t id : following)
      RETURN_IF_ERROR(Change({id, command.action, command.user}).status());
    const CancelRun cancel{"", "",
                           command.user.empty() ? "" : command.user + " with " + Called(backfill.row)};
    // What has started goes to its end.
    for (const RunKey key : std::set<RunKey>(backfill.queued)) {
      RETURN_IF_ERROR(Cancel(cancel, runs.find(key)->second).status());
    }
  } else {
    backfill.row.paused = command.action == BackfillAction::kPause;
  }
  woken.insert(backfill.row.dag_id);
  CommandResult result;
  result.backfill = backfill.row;
  return result;
}

LiveBackfill& Engine::State::AddBackfill(LiveDag& dag, Backfill row) {
  LiveBackfill& backfill = backfills[row.id];
  backfill.row = std::move(row);
  dag.backfills.push_back(backfill.row.id);
  ListDates(dag, backfill);
  return backfill;
}

void Engine::State::ListDates(const LiveDag& dag, LiveBackfill& backfill) {
  backfill.dates.clear();
  if (IsOver(backfill.row)) return;
  StatusOr<std::vector<RunDates>> dates = DatesOf(dag, backfill.row);
  if (!dates.ok()) return;  // its schedule is gone: what was made goes to its end
  backfill.dates = std::move(dates).value();
  const std::optional<WallTime>& cursor = backfill.row.cursor;
  if (!cursor) return;
  std::erase_if(backfill.dates, [&](const RunDates& date) {
    return backfill.row.run_backwards ? date.logical_date >= *cursor : date.logical_date <= *cursor;
  });
}

void Engine::State::ProceedAll(LiveDag& dag) {
  for (const std::int64_t id : std::vector<std::int64_t>(dag.backfills)) Proceed(backfills.find(id)->second);
}

void Engine::State::Proceed(LiveBackfill& backfill) {
  Backfill& row = backfill.row;
  LiveDag& dag = dags.find(row.dag_id)->second;
  while (!dag.row.paused && !row.paused && !backfill.queued.empty() &&
         backfill.running < row.max_active_runs) {
    if (!StartRun(runs.find(*backfill.queued.begin())->second)) return;
  }
  if (!IsOver(row) && !backfill.asking && backfill.dates.empty() && backfill.live() == 0) {
    row.completed_at = now.wall;
    Touch(backfill);
  }
  if (IsOver(row) && !backfill.asking && backfill.live() == 0) {
    for (const auto& [id, other] : backfills) {
      if (other.row.after == row.id) woken.insert(other.row.dag_id);
    }
    FlushRows();
    std::erase(dag.backfills, row.id);
    backfills.erase(row.id);
    return;
  }
  if (IsOver(row) || row.paused || dag.row.paused || dag.row.stale || backfill.asking ||
      backfill.dates.empty())
    return;
  if (backfill.live() >= row.max_active_runs || backfills.contains(row.after)) return;
  const auto first = backfill.dates.rbegin();
  const auto last = first + static_cast<std::ptrdiff_t>(std::min(backfill.dates.size(), kAskedAtOnce) - 1);
  const auto [from, to] = std::minmax(first->logical_date, last->logical_date);
  backfill.asking = true;
  backfill.meanwhile.clear();
  Emit(NeedDates{row.id, row.dag_id, from, to});
}

void Engine::State::OnDatesLoaded(const DatesLoaded& event) {
  const auto found = backfills.find(event.backfill);
  if (found == backfills.end()) return;
  LiveBackfill& backfill = found->second;
  if (!backfill.asking) return;  // the answer to a question of before a restart
  if (!event.runs.ok()) {
    AskAgainLater(backfill);
    return;
  }
  backfill.asking = false;
  woken.insert(backfill.row.dag_id);
  const bool held = backfill.row.paused || backfill.row.cancelled;
  while (!held && !backfill.dates.empty()) {
    if (backfill.live() >= backfill.row.max_active_runs) return;
    const RunDates date = backfill.dates.back();
    // The dates may be others by now.
    if (date.logical_date < event.from || date.logical_date > event.to) return;
    if (!DealWith(backfill, date, *event.runs)) return;
  }
}

bool Engine::State::DealWith(LiveBackfill& backfill, const RunDates& date, const std::vector<Run>& stored) {
  LiveDag& dag = dags.find(backfill.row.dag_id)->second;
  DateDecision decision = Decide(backfill.row.reprocess, date.logical_date, stored);
  if (backfill.meanwhile.contains(date.logical_date)) decision.action = DateAction::kLeave;
  const std::string run_id =
      decision.action == DateAction::kRunAgain ? decision.run_id : "backfill__" + FormatTs(date.logical_date);
  if (FindRun(dag.row.dag_id, run_id) != nullptr) decision.action = DateAction::kLeave;
  if (decision.action == DateAction::kLeave) {
    DateDone(backfill, false);
    return true;
  }
  if (decision.action == DateAction::kRunAgain) {
    std::vector<WaitingCommand>& waiting = needs[{dag.row.dag_id, run_id}];
    if (waiting.empty()) Emit(Need{dag.row.dag_id, run_id});
    waiting.push_back({0, {}, backfill.row.id});
    backfill.asking = true;
    return false;
  }
  Run row;
  row.key = RunKey{next_run_key++};
  row.dag_id = dag.row.dag_id;
  row.run_id = run_id;
  row.type = RunType::kBackfill;
  row.version = dag.row.version;
  row.max_retries = dag.dag->max_dag_retries;
  row.logical_date = date.logical_date;
  row.interval_start = date.interval_start;
  row.interval_end = date.interval_end;
  row.run_after = date.run_after;
  row.queued_at = now.wall;
  row.conf = backfill.row.conf;
  row.triggered_by = backfill.row.user;
  row.backfill = backfill.row.id;
  GiveKey(dag, date, row);
  Touch(AddRun(dag, std::move(row), dag.dag));
  DateDone(backfill, true);
  return true;
}

void Engine::State::RunAgain(std::int64_t id, const Status& loaded, LiveRun* run) {
  const auto found = backfills.find(id);
  if (found == backfills.end()) return;
  LiveBackfill& backfill = found->second;
  if (!loaded.ok() && loaded.code() != Code::kNotFound) {
    AskAgainLater(backfill);
    return;
  }
  backfill.asking = false;
  woken.insert(backfill.row.dag_id);
  // Deleted, or not wanted any more: the next question decides anew.
  if (run == nullptr || backfill.row.paused || backfill.row.cancelled || backfill.dates.empty() ||
      run->row.logical_date != backfill.dates.back().logical_date)
    return;
  if (!IsTerminal(run->row.state)) {
    DateDone(backfill, false);
    return;
  }
  run->row.type = RunType::kBackfill;
  run->row.backfill = id;
  run->backfill = &backfill;
  run->row.conf = backfill.row.conf;
  run->row.triggered_by = backfill.row.user;
  Rerun(*run, backfill.row.latest_version, backfill.row.user);
  DateDone(backfill, true);
}

void Engine::State::DateDone(LiveBackfill& backfill, bool made) {
  backfill.row.cursor = backfill.dates.back().logical_date;
  ++(made ? backfill.row.made : backfill.row.skipped);
  backfill.dates.pop_back();
  Touch(backfill);
}

void Engine::State::AskAgainLater(const LiveBackfill& backfill) {
  // It counts as asking until then: a store that is slow is not asked in a circle.
  timers.Add({now.boot + kStorePause, TimerKind::kBackfill, {}, {RunKey{backfill.row.id}, 0}, 0, {}});
}

}  // namespace millrace::engine
