// Starting from what the store holds: the same place as if the engine had never stopped, with every lease
// fresh.
#include <algorithm>

#include "core/model/run_dag.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/trigger_rule.h"

namespace millrace::engine {

void Engine::State::Load(Image image) {
  term = image.term;
  next_run_key = image.next_run_key;
  next_session = image.next_session;
  for (AttachedDatasetRow& row : image.attached) attached[row.alias].insert(std::move(row.dataset));
  for (DatasetWatchRow& row : image.watches)
    watches[{row.dag_id, row.dataset}] = {std::move(row.seen), row.seen_at, std::move(row.failure)};
  std::map<std::pair<std::string, std::int32_t>, DagPtr> stored;
  for (DagVersionRow& row : image.dag_versions) stored[{row.dag_id, row.version}] = std::move(row.dag);
  for (DagRow& row : image.dags) {
    const auto version = stored.find({row.dag_id, row.version});
    if (version == stored.end()) continue;
    LiveDag& dag = dags[row.dag_id];
    dag.row = std::move(row);
    UseVersion(dag, version->second);
    woken.insert(dag.row.dag_id);
  }
  versions = std::move(stored);
  for (SessionRow& row : image.sessions) {
    Session& session = sessions[row.session];
    session.row = std::move(row);
    session.lease_until = now.boot + options.lease;
    session.last_heartbeat = now.wall;
    session.next_report = 0;
    timers.Add({session.lease_until, TimerKind::kLease, session.row.session, {}, 0, {}});
  }
  for (PoolRow& row : image.pools) {
    if (!row.team.empty()) pool_teams[row.name] = row.team;
    pool_rows[row.name] = std::move(row);
  }
  next_backfill = image.next_backfill;
  for (Backfill& row : image.backfills) {
    if (const auto dag = dags.find(row.dag_id); dag != dags.end()) AddBackfill(dag->second, std::move(row));
  }
  std::map<RunKey, std::vector<TaskInstance>> instances;
  for (TaskInstance& row : image.task_instances) instances[row.key.run].push_back(std::move(row));
  std::sort(image.runs.begin(), image.runs.end(), [](const Run& a, const Run& b) { return a.key < b.key; });
  std::vector<RunKey> loaded;
  for (Run& row : image.runs) {
    const auto dag = dags.find(row.dag_id);
    const auto version = versions.find({row.dag_id, row.version});
    if (dag == dags.end() || version == versions.end()) continue;
    const RunKey key = row.key;
    DagPtr tasks = DagOfRun(row, version->second);
    LiveRun& run = AddRun(dag->second, std::move(row), std::move(tasks));
    if (run.row.state == RunState::kRunning) LookBack(run);  // or nothing would hold its instances back
    LoadInstances(run, std::move(instances[key]));
    loaded.push_back(key);
    if (run.row.state == RunState::kRunning) {
      SetDeadline(run, run.row.started_at.value_or(now.wall));
      if (!run.complete()) creating.push_back(key);
    }
    perhaps_over.insert(key);
  }
  LoadNotifications(image);  // before anything is told
  // Limits reach across runs: what holds a place takes it before anything that waits for one.
  for (const RunKey key : loaded) ResumeInstances(runs.find(key)->second);
  LoadDatasets(image);
  for (const DeadlineRow& row : image.deadlines) {
    LiveRun* run = FindRun(row.run);
    if (run != nullptr && static_cast<std::size_t>(row.index) < run->dag->deadlines.size())
      AddDeadline(*run, row.index, row.due_at);
  }
  for (ApprovalRow& row : image.approvals) {
    const Instance* instance = FindInstance(row.instance);
    if (instance == nullptr || instance->row.state != TaskState::kDeferred) continue;
    if (instance->row.try_number == row.try_number) approvals[row.instance] = std::move(row);
  }
  for (StageTaskRow& row : image.stage_tasks) {
    const auto job = jobs.find(row.job.instance);
    if (job != jobs.end() && job->second.key == row.job) job->second.durable.push_back(std::move(row));
  }
  BeginLoadedJobs();
}

void Engine::State::LoadInstances(LiveRun& run, std::vector<TaskInstance> rows) {
  std::sort(rows.begin(), rows.end(),
            [](const TaskInstance& a, const TaskInstance& b) { return a.key < b.key; });
  for (TaskInstance& row : rows) {
    MILLRACE_CHECK(static_cast<std::size_t>(row.key.index) == run.instances.size());
    Instance& instance = run.instances.emplace_back();
    instance.row = std::move(row);
  }
  FindPlaces(run);
  if (run.counted > 0) {
    const auto added =
        static_cast<std::int64_t>(std::max(run.instances.size(), run.dag->tasks.size())) - run.counted;
    run.counted += added;
    active_instances += added;
  }
  for (Instance& instance : run.instances) {
    const TaskInstance& row = instance.row;
    const Task& task = TaskOf(run, instance);
    Recount(run, instance);
    if (!IsTerminal(row.state)) ++run.unfinished;
    if (HasAttempt(row.state)) {
      Hold(run, instance);
      Readmit(run, instance);
    }
    if (row.state == TaskState::kRunning) FindPool(PoolOf(task)).running += task.pool_slots;
    if (row.state == TaskState::kDeferred && MayDefer(task)) {
      Pool& pool = FindPool(task.pool);
      pool.deferred += task.pool_slots;
      if (pool.include_deferred) Reserve(run, instance);
    }
    if (row.state == TaskState::kDeferred && task.sensor) {
      ResumeWait(run, instance);
    } else if (row.state == TaskState::kUpForRetry || row.state == TaskState::kUpForReschedule) {
      // A due time is wall time; after a step of that clock nobody waits longer than the policy's longest
      // delay.
      const Duration left = row.due_at ? *row.due_at - now.wall : Duration(0);
      Duration longest = std::max(task.retry.max_delay, task.retry.delay);
      for (const RetryRule& rule : task.retry.rules) longest = std::max(longest, rule.delay.value_or(longest));
      if (task.loop) longest = std::max(longest, task.loop->delay);
      const Duration wait = std::clamp(left, Duration(0), longest);
      timers.Add({now.boot + wait, TimerKind::kRetry, {}, row.key, row.try_number, {}});
    } else if (row.state == TaskState::kDeferred) {
      ResumeAwaited(instance);
    } else if (HasAttempt(row.state) && IsJob(task)) {
      LoadJob(run, instance);
    } else if (HasAttempt(row.state)) {
      LiveAttempt attempt;
      attempt.instance = row.key;
      attempt.try_number = row.try_number;
      attempt.session = row.session;
      attempt.wanted = row.state != TaskState::kRestarting;
      attempt.started = row.state == TaskState::kRunning;
      attempts.emplace(row.fence, attempt);
      if (Session* session = FindSession(row.session); session != nullptr) {
        session->used += attempt.slots;
        session->attempts.insert(row.fence);
      }
      if (attempt.started && task.execution_timeout > Duration(0)) {
        const Duration limit = task.execution_timeout + task.kill_grace + options.lease;
        timers.Add({now.boot + limit, TimerKind::kBackstop, {}, {}, 0, row.fence});
      }
    }
  }
}

void Engine::State::FindPlaces(LiveRun& run) {
  for (const Instance& instance : run.instances) FindPlace(run, instance.row);
  for (auto& [task, indices] : run.mapped) {
    std::sort(indices.begin(), indices.end(), [&run = run](std::int32_t a, std::int32_t b) {
      return run.at(a).row.map_index < run.at(b).row.map_index;
    });
  }
}

void Engine::State::FindPlace(LiveRun& run, const TaskInstance& row) {
  const std::int32_t task = row.task();
  if (row.state == TaskState::kRemoved) {
    // Of a task that the version has no more there are no instances that anything could be done to.
    if (task >= OwnTasks(run.row, *run.dag)) run.mapped[task];
    if (row.map_index > 0) run.removed[{task, row.map_index}] = row.key.index;
    return;
  }
  if (row.map_index >= 0) run.mapped[task].push_back(row.key.index);
  if (row.map_index <= 0 && row.key.index != task) run.moved[task] = row.key.index;
}

void Engine::State::ResumeInstances(LiveRun& run) {
  std::vector<Fence> orphans;
  for (Instance& instance : run.instances) {
    const TaskInstance& row = instance.row;
    if (row.state == TaskState::kScheduled) Park(run, instance);
    const Task& task = TaskOf(run, instance);
    const bool attempted = (HasAttempt(row.state) && !IsJob(task)) ||
                           (row.state == TaskState::kDeferred && Polls(task));
    if (attempted && FindSession(row.session) == nullptr) orphans.push_back(row.fence);
  }
  for (const Fence& fence : orphans)
    OnLost(fence, "its worker is gone", attempts.find(fence)->second.slots > 0);
  for (std::size_t i = 0; i < run.instances.size(); ++i) Evaluate(run, run.instances[i]);
}

}  // namespace millrace::engine
