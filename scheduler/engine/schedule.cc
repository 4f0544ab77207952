// DAGs and their versions, and the runs that timetables make.
#include "core/calendar/format.h"
#include "core/model/bundle_file.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

std::optional<Cursor> CursorOf(const DagRow& row) {
  if (!row.cursor) return std::nullopt;
  return Cursor{row.cursor_logical_date.value_or(*row.cursor), *row.cursor};
}

// Manual when the schedule cannot be read: dagbag refuses those files, so this is an old row at most.
Timetable TimetableOf(const Dag& dag, const ZoneDatabase& zones) {
  StatusOr<Timetable> timetable = Timetable::Of(dag.schedule, zones);
  return timetable.ok() ? std::move(timetable).value() : Timetable();
}

// How much later than its timetable says a run starts: the same for a DAG and a date on every machine, and
// spread evenly (FNV-1a, finished as in MurmurHash3).
Duration JitterOf(const Dag& dag, const RunDates& dates) {
  if (dag.schedule.jitter <= Duration(0)) return Duration(0);
  std::uint64_t hash = 14695981039346656037U;
  const auto add = [&hash](std::uint64_t byte) { hash = (hash ^ byte) * 1099511628211U; };
  for (const char c : dag.id) add(static_cast<unsigned char>(c));
  auto date = static_cast<std::uint64_t>(ToMicros(dates.run_after));
  for (int i = 0; i < 8; ++i, date >>= 8) add(date & 255U);
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdU;
  hash ^= hash >> 33;
  return Duration(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(dag.schedule.jitter.count())));
}

// What moved to another bundle does the same, and yet its versions must say where each came from.
bool IsSameVersion(const Dag& a, const Dag& b) { return a.hash == b.hash && BundleOr(a.bundle) == BundleOr(b.bundle); }

}  // namespace

void Engine::State::OnDagLoaded(const DagLoaded& event) {
  const std::string& id = event.dag->id;
  const auto found = dags.find(id);
  if (found != dags.end() && !found->second.row.deleted && IsSameVersion(*found->second.dag, *event.dag)) {
    LiveDag& dag = found->second;
    // The same, so one copy is enough: what the store held is dropped for the one that dagbag keeps anyway.
    const auto stored = versions.find({id, dag.row.version});
    if (stored != versions.end()) stored->second = event.dag;
    dag.dag = event.dag;
    if (!dag.row.stale) return;
    dag.row.stale = false;
    Touch(dag);
    woken.insert(id);
    return;
  }
  LiveDag& dag = dags[id];
  if (found == dags.end() || dag.row.deleted) {
    dag.row.dag_id = id;
    dag.row.paused = event.dag->paused_upon_creation;
    dag.row.deleted = false;
  } else {
    versions[{id, dag.row.version}] = dag.dag;
  }
  dag.row.stale = false;
  ++dag.row.version;
  out->batch.dag_versions.push_back({id, dag.row.version, now.wall, event.dag});
  UseVersion(dag, event.dag);
  for (const std::int64_t backfill : dag.backfills) ListDates(dag, backfills.find(backfill)->second);
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
  SetWatches(dag);
}

void Engine::State::UseVersion(LiveDag& dag, DagPtr version) {
  dag.dag = std::move(version);
  dag.row.team = dag.dag->team;
  dag.timetable = TimetableOf(*dag.dag, zones);
  Subscribe(dag);
}

std::optional<RunDates> Engine::State::NextDates(const LiveDag& dag) const {
  if (dag.row.stale) return std::nullopt;
  const Schedule& schedule = dag.dag->schedule;
  ScheduleWindow window{schedule.start, schedule.end, schedule.catchup};
  // Its time passed while the clock jumped, not because anything was late.
  if (dag.fires_once && window.catchup == Catchup::kNone) window.catchup = Catchup::kLast;
  // A run that still waits for its jitter is not missed.
  return dag.timetable.Next(CursorOf(dag.row), window, now.wall - schedule.jitter);
}

std::vector<RunKey> Engine::State::UnfinishedOfSchedule(const LiveDag& dag) const {
  std::vector<RunKey> keys;
  for (const auto& [id, key] : dag.runs) {
    const Run& run = runs.find(key)->second.row;
    if (IsOfSchedule(run.type) && !IsTerminal(run.state)) keys.push_back(key);
  }
  return keys;
}

bool Engine::State::MakeRoom(LiveDag& dag, const std::string& what) {
  const Overlap overlap = dag.dag->schedule.overlap;
  if (overlap != Overlap::kSkip && overlap != Overlap::kCancelOther) return true;
  const std::vector<RunKey> others = UnfinishedOfSchedule(dag);
  if (others.empty()) return true;
  if (overlap == Overlap::kSkip) return false;
  for (const RunKey key : others)
    Stop(runs.find(key)->second, "cancelled: " + what + " is due (overlap: cancel_other)");
  return true;
}

void Engine::State::FireTimetable(LiveDag& dag) {
  if (dag.fires_at) fires.erase({*dag.fires_at, dag.row.dag_id});
  dag.fires_at.reset();
  std::optional<RunDates> next;
  WallTime due{};
  while (true) {
    next = NextDates(dag);
    if (!next) break;
    due = next->run_after + JitterOf(*dag.dag, *next);
    if (due > now.wall || dag.row.paused || dag.queued_by_timetable >= kQueuedByTimetable) break;
    if (dag.timetable.is_continuous() && !UnfinishedOfSchedule(dag).empty()) break;
    dag.fires_once = false;
    MakeScheduledRun(dag, *next, due);
  }
  dag.fires_once = false;
  const auto show = [&dag, this](std::optional<WallTime>& shown, const std::optional<WallTime>& value) {
    if (shown == value) return;
    shown = value;
    Touch(dag);
  };
  show(dag.row.next_logical_date, next ? std::optional(next->logical_date) : std::nullopt);
  show(dag.row.next_run_after, next ? std::optional(due) : std::nullopt);
  show(dag.row.next_interval_start, next ? std::optional(next->interval_start) : std::nullopt);
  show(dag.row.next_interval_end, next ? std::optional(next->interval_end) : std::nullopt);
  // A run that is due but finds no room is asked for again when a run starts or ends.
  if (!next || dag.row.paused || due <= now.wall) return;
  dag.fires_at = due;
  fires.emplace(due, dag.row.dag_id);
}

void Engine::State::MakeScheduledRun(LiveDag& dag, const RunDates& dates, WallTime due) {
  dag.row.cursor = dates.run_after;
  dag.row.cursor_logical_date = dates.logical_date;
  Touch(dag);
  const std::string run_id = "scheduled__" + FormatTs(dates.logical_date);
  if (!MakeRoom(dag, run_id)) {
    out->batch.records.push_back(AuditRecord{
        now.wall, "scheduler", "run_skipped", dag.row.dag_id,
        "{\"run_id\":\"" + run_id + "\",\"reason\":\"an earlier run is not over (overlap: skip)\"}"});
    return;
  }
  Run row;
  row.key = RunKey{next_run_key++};
  row.dag_id = dag.row.dag_id;
  row.run_id = run_id;
  row.version = dag.row.version;
  row.max_retries = dag.dag->max_dag_retries;
  row.logical_date = dates.logical_date;
  row.interval_start = dates.interval_start;
  row.interval_end = dates.interval_end;
  row.run_after = due;
  row.queued_at = now.wall;
  row.triggered_by = "timetable";
  GiveKey(dag, dates, row);
  LiveRun& run = AddRun(dag, std::move(row), dag.dag);
  SetDeadlines(run);
  Touch(run);
}

void GiveKey(const LiveDag& dag, const RunDates& dates, Run& row) {
  std::optional<Partition> partition = dag.timetable.PartitionOf(dates);
  if (!partition) return;
  row.partition_key = std::move(partition->key);
  row.partition_date = partition->date;
}

void Engine::State::OnClockStepped() {
  for (auto due = fires.begin(); due != fires.end() && due->first <= now.wall; ++due)
    dags.find(due->second)->second.fires_once = true;
}

void Engine::State::FireDue() {
  for (auto due = fires.begin(); due != fires.end() && due->first <= now.wall; ++due)
    woken.insert(due->second);
}

void Engine::State::WakeDags() {
  while (!woken.empty()) {
    LiveDag& dag = dags.find(*woken.begin())->second;
    woken.erase(woken.begin());
    SetWatches(dag);
    std::size_t queued = 0;
    do {
      FireTimetable(dag);
      FireDatasets(dag);
      queued = dag.queued.size();
      StartRuns(dag);
      ProceedAll(dag);
    } while (dag.queued.size() < queued);
  }
}

}  // namespace millrace::engine
