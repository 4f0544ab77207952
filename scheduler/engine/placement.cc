// Who gets a free slot: the best waiter by priority, then the older run, then its place in the DAG; on the
// worker with the most free slots. Short built-ins are also sent ahead of free slots (prefetch), so that a
// worker never waits for the next one.
#include <algorithm>

#include "core/model/secret_text.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

bool IsShort(const Task& task) { return task.kind == "empty"; }

}  // namespace

void Engine::State::Place() {
  Deliver();
  PlaceWatches();
  while (true) {
    if (!deferring_pools.empty()) ReserveWaiting();
    const bool instance_first =
        !open_pools.empty() &&
        (waiting_stages.empty() ||
         open_pools.begin()->first < LaneKey(std::get<0>(waiting_stages.begin()->first),
                                             std::get<1>(waiting_stages.begin()->first),
                                             std::get<2>(waiting_stages.begin()->first)));
    if (instance_first) {
      const auto& [priority, run_key, index] = open_pools.begin()->first;
      LiveRun& run = runs.find(run_key)->second;
      if (!PlaceInstance(run, run.at(index))) return;
    } else if (!waiting_stages.empty()) {
      const auto [instance, id] = waiting_stages.begin()->second;
      LiveJob& job = jobs.find(instance)->second;
      if (PlaceStage(job, job.tasks.find(id)->second)) continue;
      if (id.copy == 0) return;
      GiveUpCopy(job, id);
    } else {
      return;
    }
  }
}

Session* Engine::State::PickWorker(std::int32_t slots, bool prefetch, const LiveJob* job,
                                   jobs::StageTaskId stage) {
  if (free_workers.empty()) return nullptr;
  if (job == nullptr) {
    Session& best = sessions.find(free_workers.begin()->second)->second;
    const std::int32_t credit = prefetch ? best.row.offer.slots * options.prefetch_per_slot : 0;
    return best.row.offer.slots - best.used + credit >= slots ? &best : nullptr;
  }
  // The worker with the fewest attempts of this stage; among equals one that has a runner for the job already, with
  // DuckDB open and the inputs' footers read; then the one with the most free slots.
  std::map<SessionId, std::int32_t> busy;
  for (const auto& [id, task] : job->tasks) {
    if (id.stage == stage.stage && task.fence) ++busy[attempts.find(*task.fence)->second.session];
  }
  std::optional<SessionId> first;  // where a copy must not go
  if (stage.copy != 0) {
    if (const auto fence = job->tasks.at({stage.stage, stage.index}).fence) first = attempts.find(*fence)->second.session;
  }
  Session* best = nullptr;
  std::int32_t best_busy = 0;
  for (const auto& [free, id] : free_workers) {
    Session& session = sessions.find(id)->second;
    // A wish beyond the whole worker is cut down to it.
    if (-free < std::min(slots, session.row.offer.slots) || id == first) continue;
    const auto found = busy.find(id);
    const std::int32_t count = found == busy.end() ? 0 : found->second;
    const bool at_home = best != nullptr && count == best_busy && job->sessions.contains(id) &&
                         !job->sessions.contains(best->row.session);
    if (best == nullptr || count < best_busy || at_home) {
      best = &session;
      best_busy = count;
    }
  }
  return best;
}

void Engine::State::Relist(Session& session) {
  RelistCourier(session);
  const bool takes_work = session.connected && !session.draining;
  std::optional<std::int32_t> sensors;
  if (takes_work && session.sensors < kMostSensors) sensors = session.sensors;
  if (sensors != session.sensors_listed) {
    if (session.sensors_listed) sensor_workers.erase({*session.sensors_listed, session.row.session});
    if (sensors) sensor_workers.emplace(*sensors, session.row.session);
    session.sensors_listed = sensors;
    Pool& pool = FindPool(kSensorPool);
    pool.used = sensor_workers.empty() ? kNoLimit : 0;
    Relist(pool);
  }
  std::optional<std::int32_t> free;
  if (takes_work) free = -(session.row.offer.slots - session.used);
  if (free == session.listed) return;
  if (session.listed) free_workers.erase({*session.listed, session.row.session});
  if (free) free_workers.emplace(*free, session.row.session);
  session.listed = free;
}

void Engine::State::RelistCourier(Session& session) {
  std::optional<std::int32_t> takes;
  if (session.connected && !session.draining && session.delivering < kDeliveriesPerWorker)
    takes = session.delivering;
  if (takes == session.courier) return;
  if (session.courier) couriers.erase({*session.courier, session.row.session});
  if (takes) couriers.emplace(*takes, session.row.session);
  session.courier = takes;
}

Fence Engine::State::Occupy(Session& session, LiveAttempt attempt) {
  const Fence fence{term, ++fence_counter};
  attempt.session = session.row.session;
  session.used += attempt.slots;
  session.sensors += attempt.slots == 0 && attempt.notification == 0 ? 1 : 0;
  if (attempt.notification != 0) ++session.delivering;
  session.attempts.insert(fence);
  attempts.emplace(fence, std::move(attempt));
  Relist(session);
  return fence;
}

void Engine::State::Vacate(Fence fence) {
  const auto found = attempts.find(fence);
  if (Session* session = FindSession(found->second.session); session != nullptr) {
    session->used -= found->second.slots;
    session->sensors -= found->second.slots == 0 && found->second.notification == 0 ? 1 : 0;
    if (found->second.notification != 0) --session->delivering;
    session->attempts.erase(fence);
    Relist(*session);
  }
  attempts.erase(found);
}

void Engine::State::StartTry(Instance& instance) {
  TaskInstance& row = instance.row;
  ++row.try_number;
  row.queued_at = now.wall;
  row.started_at.reset();
  row.ended_at.reset();
  row.reason.clear();
  row.skips.clear();
  // In the row: its success is kept also when the scheduler has started anew meanwhile.
  row.cache_key = instance.values == nullptr ? "" : instance.values->cache_key;
  // What an earlier try left must not be taken for this one's.
  if (row.try_number > 1) out->batch.xcoms.push_back({row.key, "", "", true, now.wall});
}

bool Engine::State::PlaceInstance(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  if (task.in_engine) {
    RunInEngine(run, instance);
    return true;
  }
  if (task.sensor) return PlaceSensor(run, instance);
  if (IsJob(task)) {
    if (free_workers.empty()) return false;
    StartJob(run, instance);
    return true;
  }
  Session* session = PickWorker(1, IsShort(task), nullptr, {});
  if (session == nullptr) return false;
  StartTry(instance);
  LiveAttempt attempt;
  attempt.instance = instance.row.key;
  attempt.try_number = instance.row.try_number;
  instance.row.fence = Occupy(*session, attempt);
  instance.row.session = session->row.session;
  instance.row.worker = session->row.offer.name;
  SetState(run, instance, TaskState::kQueued);
  StatusOr<Assignment> assignment = MakeAssignment(run, instance);
  if (!assignment.ok()) {
    Vacate(instance.row.fence);
    Fail(run, instance, {Outcome::kFailFinal, std::nullopt, assignment.status().message(), "", {}, {}, {}},
         false);
    return true;
  }
  Emit(Assign{session->row.session, std::move(assignment).value()});
  return true;
}

bool Engine::State::PlaceStage(LiveJob& job, StageRun& stage) {
  const jobs::Start& start = stage.start;
  Session* session = PickWorker(start.slots, false, &job, start.id);
  if (session == nullptr) return false;
  LiveRun& run = *FindRun(job.key.instance.run);
  const Instance& instance = *FindInstance(job.key.instance);
  LiveAttempt attempt;
  attempt.instance = job.key.instance;
  attempt.try_number = job.key.try_number;
  attempt.slots = std::min(start.slots, session->row.offer.slots);
  attempt.placed_at = now.boot;
  attempt.stage = start.id;
  attempt.work = start.work;
  waiting_stages.erase(KeyOf(job, start.id));
  stage.fence = Occupy(*session, attempt);
  job.sessions.insert(session->row.session);
  Assignment assignment = MakeStageAssignment(run, instance, job, start, *stage.fence);
  assignment.slots = attempt.slots;
  Emit(Assign{session->row.session, std::move(assignment)});
  return true;
}

StatusOr<Assignment> Engine::State::MakeAssignment(const LiveRun& run, const Instance& instance) const {
  TemplateAnswers values = AnswersOf(run, instance);
  const Task& task = TaskOf(run, instance);
  TaskInstance copy;
  StatusOr<Assignment> assignment = Render(run.row, *run.dag, task, RowWithLoop(run, instance, copy),
                                           instance.row.fence, &values, EventsOf(run));
  if (assignment.ok() && Polls(task)) assignment->slots = 0;
  std::vector<std::string> secrets = SecretsOf(instance.values.get());
  if (secrets.empty()) return assignment;
  if (!assignment.ok()) return Status(assignment.status().code(), MaskedText(assignment.status().message(), secrets));
  assignment->secrets = std::move(secrets);
  return assignment;
}

Assignment Engine::State::MakeStageAssignment(const LiveRun& run, const Instance& instance,
                                              const LiveJob& job, const jobs::Start& start,
                                              Fence fence) const {
  Assignment assignment = Frame(run.row, *run.dag, TaskOf(run, instance), instance.row, fence);
  assignment.with = job.with;
  assignment.secrets = SecretsOf(instance.values.get());
  assignment.stage = start.work;
  assignment.slots = start.slots;
  assignment.timeout = Duration(0);  // the job as a whole has one, which the engine keeps
  return assignment;
}

}  // namespace millrace::engine
