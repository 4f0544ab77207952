// Workers: joining, leases, draining, and what is lost with them.
//
// One lease a session, on the boot clock. A worker that comes back with its session keeps its attempts: those
// it never received are sent again under the same fence. A worker process that starts anew has a new session;
// what the old one held is lost.
#include <algorithm>

#include "scheduler/engine/state.h"

namespace millrace::engine {

void Engine::State::OnJoined(const WorkerJoined& event) {
  Welcome welcome;
  welcome.stream = event.stream;
  welcome.term = term;
  if (event.offer.slots < 1) {
    welcome.refused = "a worker needs at least one slot";
    Emit(std::move(welcome));
    return;
  }
  std::vector<Effect> after;
  Session* session = FindSession(event.resumed);
  if (session == nullptr) {
    for (const auto& [id, other] : sessions) {
      if (other.row.offer.name != event.offer.name ||
          other.row.offer.host_identity != event.offer.host_identity)
        continue;
      // One process that dials again never had its answer; another process is another worker.
      if (other.connected && other.row.offer.pid != event.offer.pid) {
        welcome.refused =
            "a worker named " + event.offer.name + " is connected from this host; give this one another name";
        Emit(std::move(welcome));
        return;
      }
      // Its process is gone: the new one has killed what it left behind.
      const SessionId gone = id;
      End(gone, "worker " + event.offer.name + " started anew");
      break;
    }
    const SessionId id{next_session++};
    session = &sessions[id];
    session->row.session = id;
    session->row.joined_at = now.wall;
    session->settled = true;
    welcome.kill = event.inventory;
    timers.Add({now.boot + options.lease, TimerKind::kLease, id, {}, 0, {}});
  }
  session->row.offer = event.offer;
  session->stream = event.stream;
  session->connected = true;
  session->draining = false;
  session->lease_until = now.boot + options.lease;
  session->last_heartbeat = now.wall;
  welcome.session = session->row.session;
  if (event.resumed == session->row.session) Rejoin(*session, event, welcome, after);
  welcome.acknowledged = session->next_report == 0 ? 0 : session->next_report - 1;
  out->batch.sessions.push_back(session->row);
  Emit(std::move(welcome));
  for (Effect& effect : after) Emit(std::move(effect));
  Relist(*session);
  if (!std::exchange(session->settled, true)) BeginLoadedJobs();
}

void Engine::State::Rejoin(Session& session, const WorkerJoined& event, Welcome& welcome,
                           std::vector<Effect>& after) {
  for (const StageAttempt& stage : event.stages) Adopt(session, stage);
  for (const Report& report : event.reports) OnReport(session, report);
  const std::set<Fence> alive(event.inventory.begin(), event.inventory.end());
  for (const Fence& fence : alive) {
    const auto found = attempts.find(fence);
    if (found != attempts.end() && found->second.wanted) continue;
    // The worker kills it and tells nothing more of it.
    welcome.kill.push_back(fence);
    if (found != attempts.end()) OnLost(fence, "", false);
  }
  std::vector<Fence> absent;
  std::set_difference(session.attempts.begin(), session.attempts.end(), alive.begin(), alive.end(),
                      std::back_inserter(absent));
  for (const Fence& fence : absent) {
    LiveAttempt& attempt = attempts.find(fence)->second;
    if (attempt.notification != 0) {
      OnLost(fence, "worker " + session.row.offer.name + " does not have it", attempt.started);
      continue;
    }
    LiveRun* run = FindRun(attempt.instance.run);
    if (!attempt.wanted || run == nullptr) {
      OnLost(fence, "", false);
    } else if (attempt.started) {
      OnLost(fence, "worker " + session.row.offer.name + " no longer has it", attempt.slots > 0);
    } else if (attempt.stage) {
      LiveJob& job = jobs.find(attempt.instance)->second;
      after.push_back(Assign{session.row.session,
                             MakeStageAssignment(*run, *FindInstance(attempt.instance), job,
                                                 job.tasks.find(*attempt.stage)->second.start, fence)});
    } else {
      const Instance& instance = *FindInstance(attempt.instance);
      if (ReadsValues(TaskOf(*run, instance)) && instance.values == nullptr) {
        OnLost(fence, "what its templates read is to be read again", false);
        continue;
      }
      // It rendered before, so it renders now: the run and its version have not changed.
      StatusOr<Assignment> again = MakeAssignment(*run, instance);
      if (again.ok()) after.push_back(Assign{session.row.session, std::move(again).value()});
    }
  }
  for (const JobKey& job : std::exchange(session.ended_jobs, {}))
    after.push_back(JobEnded{session.row.session, job});
}

void Engine::State::OnHeartbeat(const Heartbeat& event) {
  Session* session = FindSession(event.session);
  if (session == nullptr) {
    Emit(EndSession{event.session, "its lease has expired"});
    return;
  }
  session->lease_until =
      std::max(session->lease_until, std::min(event.received_at, now.boot) + options.lease);
  session->last_heartbeat = now.wall;
  Emit(HeartbeatAck{event.session, event.sent_at});
}

void Engine::State::OnDisconnected(const WorkerDisconnected& event) {
  for (auto& [id, session] : sessions) {
    // A stream that ended before its Welcome names no session.
    const bool meant = event.stream == 0 ? id == event.session : session.stream == event.stream;
    if (!meant || !session.connected) continue;
    session.connected = false;
    Relist(session);
  }
}

void Engine::State::OnDraining(const WorkerDraining& event) {
  Session* session = FindSession(event.session);
  if (session == nullptr) return;
  if (event.left) {
    End(event.session, "worker " + session->row.offer.name + " has left");
    return;
  }
  session->draining = true;
  Relist(*session);
}

void Engine::State::OnStalled(const LoopStalled& event) {
  for (auto& [id, session] : sessions) session.lease_until += event.by;
}

void Engine::State::End(SessionId id, const std::string& reason) {
  Session& session = sessions.find(id)->second;
  session.row.ended_at = now.wall;
  session.row.end_reason = reason;
  session.connected = false;
  Relist(session);
  out->batch.sessions.push_back(session.row);
  Emit(EndSession{id, reason});
  TellJobs(id);
  const std::vector<Fence> lost(session.attempts.begin(), session.attempts.end());
  // A sensor has lost nothing: another worker looks from now on.
  for (const Fence& fence : lost) OnLost(fence, reason, attempts.find(fence)->second.slots > 0);
  const bool settles = !session.settled;
  sessions.erase(id);
  if (settles) BeginLoadedJobs();
}

void Engine::State::OnTimer(const Timer& timer) {
  switch (timer.kind) {
    case TimerKind::kLease: {
      const Session* session = FindSession(timer.session);
      if (session == nullptr) return;
      if (session->lease_until > now.boot) {
        timers.Add({session->lease_until, TimerKind::kLease, timer.session, {}, 0, {}});
        return;
      }
      End(timer.session, "worker " + session->row.offer.name + " was not heard of for too long");
      return;
    }
    case TimerKind::kRetry: {
      LiveRun* run = FindRun(timer.instance.run);
      Instance* instance = FindInstance(timer.instance);
      if (instance == nullptr || instance->row.try_number != timer.try_number) return;
      const TaskState state = instance->row.state;
      if (state == TaskState::kUpForRetry || state == TaskState::kUpForReschedule) OnRetryDue(*run, *instance);
      return;
    }
    case TimerKind::kBackfill: {
      const auto found = backfills.find(ToInt(timer.instance.run));
      if (found == backfills.end()) return;
      found->second.asking = false;
      woken.insert(found->second.row.dag_id);
      return;
    }
    case TimerKind::kDelivery:
      OnDeliveryDue(ToInt(timer.instance.run));
      return;
    case TimerKind::kWatch:
      OnWatchDue(timer.fence);
      return;
    case TimerKind::kBackstop: {
      const auto found = attempts.find(timer.fence);
      if (found == attempts.end() || !found->second.wanted) return;
      if (found->second.notification != 0) {
        OnDeliveryStuck(timer.fence);
        return;
      }
      LiveRun& run = *FindRun(found->second.instance.run);
      Instance& instance = *FindInstance(found->second.instance);
      Unwant(run, instance, "timed out, and its worker did not end it");
      Fail(run, instance,
           {Outcome::kFailed, std::nullopt, "timed out, and its worker did not end it", "", {}, {}, now.wall},
           true);
      return;
    }
    case TimerKind::kWaitOver: {
      LiveRun* run = FindRun(timer.instance.run);
      Instance* instance = FindInstance(timer.instance);
      if (instance == nullptr || instance->row.state != TaskState::kDeferred) return;
      if (instance->row.try_number == timer.try_number) OnWaitOver(*run, *instance);
      return;
    }
    case TimerKind::kAskRuns: {
      const auto wait = waits.find(timer.instance);
      if (wait == waits.end() || !wait->second.date) return;
      Emit(NeedRuns{timer.instance, wait->second.target.dag_id, *wait->second.date});
      return;
    }
    case TimerKind::kRunTimeout:
      if (LiveRun* run = FindRun(timer.instance.run); run != nullptr) OnRunTimeout(*run);
      return;
    case TimerKind::kRunRetry:
      if (LiveRun* run = FindRun(timer.instance.run); run != nullptr && run->row.retries == timer.try_number)
        RetryNow(*run);
      return;
    case TimerKind::kAskAgain: {
      LiveRun* run = FindRun(timer.instance.run);
      if (run == nullptr) return;
      if (timer.instance.index < 0) {
        LookBack(*run);
      } else if (lookups.contains(timer.instance)) {
        AskForTarget(timer.instance);
      } else if (Instance* instance = FindInstance(timer.instance); instance->asked) {
        if (instance->row.state == TaskState::kScheduled) {
          Park(*run, *instance);
        } else if (instance->values == nullptr) {
          Ask(*run, *instance);
        }
      }
      return;
    }
    case TimerKind::kDeferred:
      OnAwaitedTooLong(timer);
      return;
    case TimerKind::kJobTick:
      OnJobTick(timer);
      return;
    case TimerKind::kJobTimeout: {
      LiveRun* run = FindRun(timer.instance.run);
      Instance* instance = FindInstance(timer.instance);
      const auto job = jobs.find(timer.instance);
      if (instance == nullptr || job == jobs.end() || job->second.key.try_number != timer.try_number) return;
      EndJob(timer.instance, "timed out", "failed");
      Fail(*run, *instance, {Outcome::kFailed, std::nullopt, "timed out", "", {}, {}, now.wall}, true);
      return;
    }
  }
}

}  // namespace millrace::engine
