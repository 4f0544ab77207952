// DAGs and their versions, and the runs that timetables make.
#include "core/calendar/format.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

// How many runs of one DAG's timetable may stand queued: a catch-up over years must not fill memory.
constexpr std::int32_t kQueuedByTimetable = 16;

ScheduleWindow WindowOf(const Schedule& schedule) { return {schedule.start, schedule.end, schedule.catchup}; }

std::optional<Cursor> CursorOf(const DagRow& row) {
  if (!row.cursor) return std::nullopt;
  return Cursor{row.cursor_logical_date.value_or(*row.cursor), *row.cursor};
}

// Manual when the schedule is none, or cannot be read: dagbag refuses those files, so this is an old row at
// most.
Timetable TimetableOf(const Dag& dag, const ZoneDatabase& zones) {
  const Schedule& schedule = dag.schedule;
  if (schedule.kind == ScheduleKind::kNone) return {};
  const StatusOr<const Zone*> zone = zones.Find(schedule.timezone);
  if (!zone.ok()) return {};
  const auto meaning = schedule.kind == ScheduleKind::kCronInterval ? Timetable::Meaning::kScheduleInterval
                                                                    : Timetable::Meaning::kSchedule;
  const std::string& text = schedule.kind == ScheduleKind::kOnce ? "@once" : schedule.expression;
  StatusOr<Timetable> timetable = Timetable::Parse(text, meaning, **zone);
  return timetable.ok() ? std::move(timetable).value() : Timetable();
}

}  // namespace

void Engine::State::OnDagLoaded(const DagLoaded& event) {
  const std::string& id = event.dag->id;
  const auto found = dags.find(id);
  if (found != dags.end() && found->second.dag->hash == event.dag->hash) {
    LiveDag& dag = found->second;
    if (!dag.row.stale) return;
    dag.row.stale = false;
    Touch(dag);
    woken.insert(id);
    return;
  }
  LiveDag& dag = dags[id];
  if (found == dags.end()) {
    dag.row.dag_id = id;
    dag.row.paused = event.dag->paused_upon_creation;
  } else {
    versions[{id, dag.row.version}] = dag.dag;
  }
  dag.row.stale = false;
  ++dag.row.version;
  out->batch.dag_versions.push_back({id, dag.row.version, now.wall, event.dag});
  UseVersion(dag, event.dag);
  Touch(dag);
  woken.insert(id);
}

void Engine::State::OnDagGone(const DagGone& event) {
  const auto found = dags.find(event.dag_id);
  if (found == dags.end() || found->second.row.stale) return;
  LiveDag& dag = found->second;
  dag.row.stale = true;
  Touch(dag);
  FireTimetable(dag);
}

void Engine::State::UseVersion(LiveDag& dag, DagPtr version) {
  dag.dag = std::move(version);
  dag.timetable = TimetableOf(*dag.dag, zones);
}

void Engine::State::FireTimetable(LiveDag& dag) {
  if (dag.fires_at) fires.erase({*dag.fires_at, dag.row.dag_id});
  dag.fires_at.reset();
  const ScheduleWindow window = WindowOf(dag.dag->schedule);
  std::optional<RunDates> next;
  while (true) {
    next = dag.row.stale ? std::nullopt : dag.timetable.Next(CursorOf(dag.row), window, now.wall);
    if (!next || next->run_after > now.wall || dag.row.paused ||
        dag.queued_by_timetable >= kQueuedByTimetable)
      break;
    Run row;
    row.key = RunKey{next_run_key++};
    row.dag_id = dag.row.dag_id;
    row.run_id = "scheduled__" + FormatTs(next->logical_date);
    row.version = dag.row.version;
    row.logical_date = next->logical_date;
    row.interval_start = next->interval_start;
    row.interval_end = next->interval_end;
    row.run_after = next->run_after;
    row.queued_at = now.wall;
    row.triggered_by = "timetable";
    dag.row.cursor = next->run_after;
    dag.row.cursor_logical_date = next->logical_date;
    Touch(dag);
    Touch(AddRun(dag, std::move(row), dag.dag));
  }
  const std::optional<WallTime> next_date = next ? std::optional(next->logical_date) : std::nullopt;
  const std::optional<WallTime> next_after = next ? std::optional(next->run_after) : std::nullopt;
  if (dag.row.next_logical_date != next_date || dag.row.next_run_after != next_after) {
    dag.row.next_logical_date = next_date;
    dag.row.next_run_after = next_after;
    Touch(dag);
  }
  // A run that is due but finds no room is asked for again when a run starts or ends.
  if (!next || dag.row.paused || next->run_after <= now.wall) return;
  dag.fires_at = next->run_after;
  fires.emplace(next->run_after, dag.row.dag_id);
}

void Engine::State::FireDue() {
  for (auto due = fires.begin(); due != fires.end() && due->first <= now.wall; ++due)
    woken.insert(due->second);
}

void Engine::State::WakeDags() {
  while (!woken.empty()) {
    LiveDag& dag = dags.find(*woken.begin())->second;
    woken.erase(woken.begin());
    std::size_t queued = 0;
    do {
      FireTimetable(dag);
      queued = dag.queued.size();
      StartRuns(dag);
    } while (dag.queued.size() < queued);
  }
}

}  // namespace millrace::engine
