// Running mapreduce task instances. jobs::Job decides what is to be done; here its stage tasks get attempts:
// fences, slots, leases, and the news of how they ended. Starting one writes nothing: after a restart the
// workers tell what they still hold, and a job goes on when all workers of before have come back or are given
// up.
#include "core/model/jobs_dag.h"
#include "scheduler/engine/render.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

// Before what a job's shuffles told of their keys, where the store keeps results for later runs.
constexpr std::string_view kSketches = "sketches:";
constexpr Duration kJobTick = std::chrono::seconds(1);
// A report is as large as its job has tasks: that it is not written with the end of each keeps a job of thousands cheap.
constexpr Duration kReportEvery = std::chrono::milliseconds(200);

jobs::Cluster ClusterOf(const std::map<SessionId, Session>& sessions) {
  jobs::Cluster cluster;
  for (const auto& [id, session] : sessions) {
    if (!session.connected || session.draining) continue;
    ++cluster.workers;
    const WorkerOffer& offer = session.row.offer;
    cluster.slots += offer.slots;
    const std::int64_t slot = offer.memory_bytes / offer.slots;
    if (slot > 0 && (cluster.slot_bytes == 0 || slot < cluster.slot_bytes)) cluster.slot_bytes = slot;
  }
  return cluster;
}

}  // namespace

void Engine::State::StartJob(LiveRun& run, Instance& instance) {
  const Task& task = TaskOf(run, instance);
  TaskInstance& row = instance.row;
  StartTry(instance);
  row.fence = {term, ++fence_counter};
  row.session = {};
  row.worker.clear();
  SetState(run, instance, TaskState::kRunning);
  row.started_at = now.wall;
  Tell(run, instance, CallbackCause::kExecute);
  StatusOr<Assignment> assignment = MakeAssignment(run, instance);
  if (!assignment.ok()) {
    Fail(run, instance, {Outcome::kFailFinal, std::nullopt, assignment.status().message(), "", {}, {}, {}},
         false);
    return;
  }
  LiveJob& job = jobs[row.key];
  job.key = {row.key, row.try_number};
  job.with = std::move(assignment->with);
  job.order = OrderOf(run.row.type, MinusWeight(task, instance));
  job.job = std::make_unique<jobs::Job>(job.key, job.with, ClusterOf(sessions));
  if (task.execution_timeout > Duration(0)) {
    timers.Add({now.boot + task.execution_timeout, TimerKind::kJobTimeout, {}, row.key, row.try_number, {}});
  }
  TickLater(job);
  if (run.row.dag_id != kJobsDag) Emit(NeedCached{row.key, SketchKey(run, row)});
  Do(job, job.job->Begin({}, now.wall));
}

std::string Engine::State::SketchKey(const LiveRun& run, const TaskInstance& row) {
  return std::string(kSketches) + run.row.dag_id + "/" + run.dag->tasks[static_cast<std::size_t>(row.task())].id;
}

bool Engine::State::OnSketches(const CachedLoaded& event) {
  if (!event.key.starts_with(kSketches)) return false;
  const auto found = jobs.find(event.instance);
  if (found == jobs.end() || found->second.job == nullptr || !event.result.ok()) return true;
  for (const XComValue& value : event.result->xcoms) found->second.job->Know(value.json);
  return true;
}

void Engine::State::KeepSketches(TaskInstanceKey key, std::string sketches) {
  const LiveRun& run = *FindRun(key.run);
  if (sketches.empty() || run.row.dag_id == kJobsDag) return;
  const TaskInstance& row = FindInstance(key)->row;
  CachedResult kept;
  kept.key = SketchKey(run, row);
  kept.dag_id = run.row.dag_id;
  kept.task_id = run.dag->tasks[static_cast<std::size_t>(row.task())].id;
  kept.run_id = run.row.run_id;
  kept.map_index = row.map_index;
  kept.made_at = now.wall;
  kept.xcoms.push_back({"sketches", std::move(sketches)});
  out->batch.cached.push_back(std::move(kept));
}

void Engine::State::TickLater(const LiveJob& job) {
  timers.Add({now.boot + kJobTick, TimerKind::kJobTick, {}, job.key.instance, job.key.try_number, {}});
}

void Engine::State::OnJobTick(const Timer& timer) {
  const auto found = jobs.find(timer.instance);
  if (found == jobs.end() || found->second.key.try_number != timer.try_number) return;
  LiveJob& job = found->second;
  TickLater(job);
  if (job.job == nullptr) return;
  if (job.report_due) WriteReport(job, false);
  std::vector<jobs::Underway> underway;
  for (const auto& [id, stage] : job.tasks) {
    if (id.copy == 0 && stage.fence) underway.push_back({id, now.boot - attempts.find(*stage.fence)->second.placed_at});
  }
  if (!underway.empty()) Do(job, job.job->OnTick(underway));
}

// No other worker has room for it: better not at all than to wait before everything else.
void Engine::State::GiveUpCopy(LiveJob& job, jobs::StageTaskId id) {
  waiting_stages.erase(KeyOf(job, id));
  job.tasks.erase(id);
  Report report;
  report.ended = true;
  report.outcome = Outcome::kLost;
  Do(job, job.job->OnEnded(id, report, {}, "", now.wall));
}

void Engine::State::Do(LiveJob& job, jobs::Actions actions) {
  for (StageTaskRow& winner : actions.winners) out->batch.stage_tasks.push_back(std::move(winner));
  for (const jobs::StageTaskId& id : actions.cancel) DropStage(job, id, "no longer needed by its job");
  for (jobs::Start& start : actions.start) {
    const jobs::StageTaskId id = start.id;
    if (id.stage == jobs::kPublishStage) {
      job.state = "publishing";
    } else if (id.stage != jobs::kPlanStage) {
      job.state = "running";
    }
    StageRun& stage = job.tasks[id];
    stage.start = std::move(start);
    if (id.copy != 0) stage.start.work = job.tasks.at({id.stage, id.index}).start.work;
    if (stage.fence) continue;
    if (const auto adopted = job.adopted.find(id); adopted != job.adopted.end()) {
      stage.fence = adopted->second;
      attempts.find(adopted->second)->second.work = stage.start.work;
      job.adopted.erase(adopted);
      continue;
    }
    waiting_stages.emplace(KeyOf(job, id), std::pair(job.key.instance, id));
  }
  if (!actions.finish) {
    job.report_due = job.report_due || actions.report_changed;
    if (job.report_due && (job.reported_at == BootTime{} || now.boot - job.reported_at >= kReportEvery)) WriteReport(job, false);
    return;
  }
  jobs::Finish finish = std::move(*actions.finish);
  const TaskInstanceKey key = job.key.instance;
  KeepSketches(key, std::move(finish.sketches));
  EndJob(key, "its job is over", finish.outcome == Outcome::kSuccess ? "success" : "failed");
  OnEnded(*FindRun(key.run), *FindInstance(key),
          {finish.outcome, std::nullopt, finish.message, finish.result, {}, {}, now.wall});
}

void Engine::State::OnStageEnded(Fence fence, const Report& report) {
  const LiveAttempt attempt = attempts.find(fence)->second;
  const Session& session = *FindSession(attempt.session);
  LiveJob& job = jobs.find(attempt.instance)->second;
  Vacate(fence);
  if (job.job == nullptr) {
    job.adopted.erase(*attempt.stage);
    job.early.push_back({*attempt.stage, report, attempt.session, session.row.offer.name});
    return;
  }
  job.tasks.find(*attempt.stage)->second.fence.reset();
  Do(job, job.job->OnEnded(*attempt.stage, report, attempt.session, session.row.offer.name, now.wall));
}

void Engine::State::OnDroppedEnded(const LiveAttempt& attempt, const Report& report) {
  const auto found = jobs.find(attempt.instance);
  if (!attempt.stage || found == jobs.end() || found->second.job == nullptr) return;
  if (found->second.key.try_number != attempt.try_number) return;
  const Session* session = FindSession(attempt.session);
  found->second.job->OnDroppedEnded(*attempt.stage, report, session == nullptr ? "" : session->row.offer.name);
  found->second.report_due = true;
}

void Engine::State::OnStageLost(Fence fence, const std::string& why, bool counts) {
  const LiveAttempt attempt = attempts.find(fence)->second;
  const Session* session = FindSession(attempt.session);
  const std::string worker = session == nullptr ? "" : session->row.offer.name;
  Vacate(fence);
  Report report;
  report.fence = fence;
  report.ended = true;
  report.outcome = Outcome::kLost;
  report.message = "lost: " + why;
  report.started_at = attempt.placed_at == BootTime{} ? now.wall : now.wall - (now.boot - attempt.placed_at);
  report.ended_at = now.wall;
  if (!attempt.wanted) {
    OnDroppedEnded(attempt, report);
    return;
  }
  LiveJob& job = jobs.find(attempt.instance)->second;
  if (job.job == nullptr) {
    job.adopted.erase(*attempt.stage);
    return;
  }
  StageRun& stage = job.tasks.find(*attempt.stage)->second;
  stage.fence.reset();
  if (counts) ++stage.lost;
  const LiveRun& run = *FindRun(attempt.instance.run);
  const bool gives_up =
      stage.lost > options.max_lost ||
      (counts && TaskOf(run, *FindInstance(attempt.instance)).on_worker_lost == OnWorkerLost::kFail);
  if (gives_up) report.outcome = Outcome::kFailFinal;
  Do(job, job.job->OnEnded(*attempt.stage, report, attempt.session, worker, now.wall));
}

void Engine::State::DropStage(LiveJob& job, jobs::StageTaskId id, const std::string& reason) {
  const auto found = job.tasks.find(id);
  if (found == job.tasks.end()) return;
  waiting_stages.erase(KeyOf(job, id));
  if (!found->second.fence) return;
  LiveAttempt& attempt = attempts.find(*found->second.fence)->second;
  attempt.wanted = false;
  Emit(CancelAttempt{attempt.session, *found->second.fence, reason});
  found->second.fence.reset();
}

void Engine::State::DropAdopted(LiveJob& job, const std::string& reason) {
  for (const auto& [id, fence] : std::exchange(job.adopted, {})) {
    LiveAttempt& attempt = attempts.find(fence)->second;
    attempt.wanted = false;
    Emit(CancelAttempt{attempt.session, fence, reason});
  }
}

void Engine::State::EndJob(TaskInstanceKey key, const std::string& reason, const std::string& state) {
  const auto found = jobs.find(key);
  if (found == jobs.end()) return;
  LiveJob& job = found->second;
  for (const auto& [id, stage] : job.tasks) DropStage(job, id, reason);
  DropAdopted(job, reason);
  job.state = state;
  if (job.job != nullptr) {
    job.job->Stop(state);
    WriteReport(job, true);
  }
  for (auto& [id, session] : sessions) {
    if (!job.loaded && !job.sessions.contains(id)) continue;
    if (session.connected) {
      Emit(JobEnded{id, job.key});
    } else {
      session.ended_jobs.push_back(job.key);
    }
  }
  jobs.erase(found);
}

void Engine::State::TellJobs(SessionId lost) {
  std::vector<TaskInstanceKey> concerned;
  for (const auto& [key, job] : jobs) {
    if (job.job != nullptr && job.sessions.contains(lost)) concerned.push_back(key);
  }
  for (const TaskInstanceKey& key : concerned) {
    LiveJob& job = jobs.find(key)->second;
    job.sessions.erase(lost);
    Do(job, job.job->OnSessionLost(lost, now.wall));
  }
}

bool Engine::State::Adopt(Session& session, const StageAttempt& attempt) {
  const auto found = jobs.find(attempt.job.instance);
  if (found == jobs.end() || found->second.key != attempt.job || found->second.job != nullptr) return false;
  if (attempts.contains(attempt.fence)) return false;
  LiveJob& job = found->second;
  const jobs::StageTaskId id{attempt.stage, attempt.index};
  if (const auto other = job.adopted.find(id); other != job.adopted.end()) {
    if (other->second > attempt.fence) return false;
    LiveAttempt& older = attempts.find(other->second)->second;
    older.wanted = false;
    Emit(CancelAttempt{older.session, other->second, "a newer attempt of the same work is running"});
  }
  job.adopted[id] = attempt.fence;
  job.sessions.insert(session.row.session);
  LiveAttempt live;
  live.instance = attempt.job.instance;
  live.try_number = attempt.job.try_number;
  live.session = session.row.session;
  live.started = true;
  live.placed_at = now.boot;
  live.stage = id;
  session.used += live.slots;
  session.attempts.insert(attempt.fence);
  attempts.emplace(attempt.fence, std::move(live));
  Relist(session);
  return true;
}

void Engine::State::LoadJob(LiveRun& run, Instance& instance) {
  if (instance.row.state == TaskState::kRestarting) {
    FinishRestart(run, instance);
    return;
  }
  const Task& task = TaskOf(run, instance);
  LiveJob& job = jobs[instance.row.key];
  job.key = {instance.row.key, instance.row.try_number};
  job.order = OrderOf(run.row.type, MinusWeight(task, instance));
  job.loaded = true;
  TickLater(job);
  // It rendered when it started, with the same run and version.
  if (ReadsValues(task)) {
    job.unrendered = true;
    Ask(run, instance);
  } else if (StatusOr<Assignment> assignment = MakeAssignment(run, instance); assignment.ok()) {
    job.with = std::move(assignment->with);
  }
  if (task.execution_timeout > Duration(0)) {
    const WallTime started = instance.row.started_at.value_or(now.wall);
    const Duration left =
        std::clamp(started + task.execution_timeout - now.wall, Duration(0), task.execution_timeout);
    timers.Add({now.boot + left, TimerKind::kJobTimeout, {}, job.key.instance, job.key.try_number, {}});
  }
}

void Engine::State::BeginLoadedJobs() {
  for (const auto& [id, session] : sessions) {
    if (!session.settled) return;
  }
  std::vector<TaskInstanceKey> loaded;
  for (const auto& [key, job] : jobs) {
    if (job.job == nullptr && !job.unrendered) loaded.push_back(key);
  }
  for (const TaskInstanceKey& key : loaded) {
    LiveJob& job = jobs.find(key)->second;
    job.job = std::make_unique<jobs::Job>(job.key, job.with, ClusterOf(sessions));
    std::set<SessionId> gone;
    for (const StageTaskRow& row : job.durable) {
      (FindSession(row.session) == nullptr ? gone : job.sessions).insert(row.session);
    }
    const auto early = std::exchange(job.early, {});
    jobs::Actions actions = job.job->Begin(std::exchange(job.durable, {}), now.wall);
    // Their ends are here already.
    std::erase_if(actions.start, [&](const jobs::Start& start) {
      return std::any_of(early.begin(), early.end(), [&](const auto& end) { return end.id == start.id; });
    });
    Do(job, std::move(actions));
    for (const SessionId session : gone) {
      if (jobs.contains(key)) Do(job, job.job->OnSessionLost(session, now.wall));
    }
    for (const LiveJob::EarlyEnd& end : early) {
      if (jobs.contains(key))
        Do(job, job.job->OnEnded(end.id, end.report, end.session, end.worker, now.wall));
    }
    // What the job did not ask for again reads something that is gone, or is done already.
    if (const auto still = jobs.find(key); still != jobs.end())
      DropAdopted(still->second, "no longer needed by its job");
  }
}

void Engine::State::WriteReport(LiveJob& job, bool ended_now) {
  job.reported_at = now.boot;
  job.report_due = false;
  out->batch.jobs.push_back(
      {job.key, job.state, job.job->ReportJson(), ended_now ? std::optional(now.wall) : std::nullopt});
}

}  // namespace millrace::engine
