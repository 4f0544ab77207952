// Watches of datasets: a sensor that looks on a worker, of no run, whose end means that what it saw has
// changed: an event of the dataset. It is told what was seen last and looks on while it sees the same, so
// that a state that stays is told once, whatever starts anew. Between a change and the next look its
// poke_interval passes. It looks while the DAG that defines it is neither paused nor gone.
#include <algorithm>

#include "core/model/json.h"
#include "core/spec/sensor.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr Duration kLookTimeout = std::chrono::minutes(5);  // of one look
constexpr Duration kLookGrace = std::chrono::seconds(2);
constexpr Duration kAfterFailure = std::chrono::seconds(30);  // at least

const Dataset* Watched(const Dag& dag, const std::string& name) {
  const auto found = std::find_if(dag.datasets.begin(), dag.datasets.end(), [&](const Dataset& dataset) {
    return dataset.watch.has_value() && dataset.name == name;
  });
  return found == dag.datasets.end() ? nullptr : &*found;
}

}  // namespace

void Engine::State::SetWatches(const LiveDag& dag) {
  const std::string& id = dag.row.dag_id;
  const bool looks = !dag.row.paused && !dag.row.stale;
  for (auto at = watches.lower_bound({id, ""}); at != watches.end() && at->first.first == id;) {
    LiveWatch& watch = at->second;
    const bool defined = Watched(*dag.dag, at->first.second) != nullptr;
    if (watch.version != 0 && (!looks || !defined || watch.version != dag.row.version)) {
      to_watch.erase(at->first);
      StopWatch(watch);
    }
    at = defined && !dag.row.deleted ? std::next(at) : watches.erase(at);
  }
  if (!looks) return;
  for (const Dataset& dataset : dag.dag->datasets) {
    if (!dataset.watch) continue;
    const WatchKey key{id, dataset.name};
    LiveWatch& watch = watches[key];
    if (std::exchange(watch.version, dag.row.version) == 0) to_watch.insert(key);
  }
}

void Engine::State::StopWatch(LiveWatch& watch) {
  watch.version = 0;
  const auto attempt = watch.looking ? attempts.find(watch.fence) : attempts.end();
  watch.looking = false;
  if (attempt == attempts.end()) return;
  attempt->second.wanted = false;
  Emit(CancelAttempt{attempt->second.session, watch.fence, "its DAG is paused, changed or gone"});
}

void Engine::State::PlaceWatches() {
  while (!to_watch.empty() && !sensor_workers.empty()) {
    const WatchKey key = *to_watch.begin();
    to_watch.erase(to_watch.begin());
    LiveWatch& live = watches.find(key)->second;
    const Dag& dag = *dags.find(key.first)->second.dag;
    const millrace::Watch& watch = *Watched(dag, key.second)->watch;
    Session& session = sessions.find(sensor_workers.begin()->second)->second;
    LiveAttempt attempt;
    attempt.slots = 0;
    attempt.watches = true;
    Assignment assignment;
    live.fence = assignment.fence = Occupy(session, std::move(attempt));
    live.looking = true;
    assignment.dag_id = dag.id;
    assignment.task_id = key.second;
    assignment.kind = watch.kind;
    Value with = watch.with;
    with.Set("seen", live.seen);
    assignment.with = ToJson(with);
    assignment.context = ToJson(Value(Value::Map{{"dag_id", dag.id}, {"dataset", key.second}}));
    assignment.environment = {{"MILLRACE_DAG_ID", dag.id},
                              {"MILLRACE_DATASET", key.second},
                              {"MILLRACE_FENCE", ToString(live.fence)}};
    assignment.connections = watch.connections;
    assignment.team = dag.team;
    assignment.files = watch.files;
    assignment.dag_hash = dag.hash;
    assignment.timeout = kLookTimeout;
    assignment.kill_grace = kLookGrace;
    assignment.slots = 0;
    Emit(Assign{session.row.session, std::move(assignment)});
  }
}

std::map<WatchKey, LiveWatch>::iterator Engine::State::FindWatch(Fence fence) {
  return std::find_if(watches.begin(), watches.end(),
                      [fence](const auto& one) { return one.second.fence == fence; });
}

void Engine::State::OnWatchReport(const Report& report) {
  if (!report.ended) return;
  if (report.outcome == Outcome::kNotYet || report.outcome == Outcome::kLost) {
    OnWatchLost(report.fence);
    return;
  }
  Vacate(report.fence);
  const auto found = FindWatch(report.fence);
  if (found == watches.end() || !found->second.looking) return;
  const auto& [key, live] = *found;
  found->second.looking = false;
  const millrace::Watch& watch = *Watched(*dags.find(key.first)->second.dag, key.second)->watch;
  Duration rest = SensorPolicyOf(watch.with).poke_interval;
  const StatusOr<Value> told = ParseJson(report.result.empty() ? "null" : report.result);
  if (report.outcome == Outcome::kSuccess && told.ok() && told->is_map()) {
    Seen(found->second, key, watch, *told);
  } else {
    rest = std::max(rest, kAfterFailure);
    const std::string failure = report.message.empty() ? "the look failed" : report.message;
    if (live.failure != failure) Keep(found->second, key, live.seen, failure);
  }
  timers.Add({now.boot + rest, TimerKind::kWatch, {}, {}, 0, report.fence});
}

// `told`: {seen, result}.
void Engine::State::Seen(LiveWatch& live, const WatchKey& key, const millrace::Watch& watch, const Value& told) {
  const std::string digest = TextOf(told, "seen");
  if (digest == live.seen && live.failure.empty()) return;
  const bool changed = digest != live.seen;
  Keep(live, key, digest, "");
  if (!changed || digest.empty()) return;  // that nothing is there any more is no update
  const Value* result = told.Find("result");
  DatasetEvent event;
  event.dataset = key.second;
  event.extra = ToJson(Value(Value::Map{
      {"from_trigger", true}, {"watcher", watch.name}, {"payload", result != nullptr ? *result : Value()}}));
  AddEvent(std::move(event));
}

void Engine::State::Keep(LiveWatch& live, const WatchKey& key, std::string digest, std::string failure) {
  if (digest != live.seen) live.seen_at = now.wall;
  live.seen = std::move(digest);
  live.failure = std::move(failure);
  out->batch.watches.push_back({key.first, key.second, live.seen, live.seen_at, live.failure});
}

// It has lost nothing: another worker looks from now on.
void Engine::State::OnWatchLost(Fence fence) {
  Vacate(fence);
  const auto found = FindWatch(fence);
  if (found == watches.end() || !std::exchange(found->second.looking, false)) return;
  to_watch.insert(found->first);
}

void Engine::State::OnWatchDue(Fence fence) {
  const auto found = FindWatch(fence);
  if (found != watches.end() && found->second.version != 0 && !found->second.looking)
    to_watch.insert(found->first);
}

}  // namespace millrace::engine
