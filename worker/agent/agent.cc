#include "worker/agent/agent.h"

#include <algorithm>
#include <utility>

#include "platform/failpoint/failpoint.h"
#include "proto/convert/worker.h"
#include "worker/shuffle/host.h"

namespace millrace::agent {
namespace {

constexpr std::size_t kMaxLogBytes = 16U << 20;
constexpr std::size_t kReportsAMessage = 512;
constexpr std::chrono::milliseconds kTick{200};
constexpr int kSilentHeartbeats = 4;
constexpr std::chrono::seconds kFarewell{5};
// How long a start may wait for an end, so that a short attempt is one report and one commit of the
// scheduler.
constexpr std::chrono::milliseconds kStartPatience{50};

Report LostReport(const Fence& fence, std::string why, WallTime now) {
  Report report;
  report.fence = fence;
  report.ended = true;
  report.outcome = Outcome::kLost;
  report.message = std::move(why);
  report.started_at = report.ended_at = now;
  return report;
}

}  // namespace

Agent::Agent(AgentOptions options, const Clock& clock, LogSink& log, runner::Launcher& launcher,
             ShuffleHost& shuffle)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      shuffle_(shuffle),
      session_(options_.offer),
      logs_(options_.connect, log, kMaxLogBytes),
      pool_(options_.pool, clock, log, launcher, *this, shuffle),
      control_(options_.connect, log, *this) {}

Agent::~Agent() {
  control_.Stop();
  logs_.Stop();
}

int Agent::Run() {
  logs_.Start();
  control_.Start();
  bool clean = false;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kTick);
    }
    Tick();
    const std::lock_guard lock(mutex_);
    if (drain_ == Drain::kNo) continue;
    const BootTime now = clock_.now().boot;
    if (drain_ == Drain::kLeaving) {
      clean = session_over_;
      if (session_over_ || now >= drain_until_) break;
    } else if (session_.quiet() && (connected_ || session_.id() == SessionId{})) {
      if (session_.id() == SessionId{}) {  // it never joined, or its session is over: nobody is to be told
        clean = true;
        break;
      }
      drain_ = Drain::kLeaving;
      drain_until_ = now + kFarewell;
      outgoing_.notify_all();
    } else if (!connected_ && session_.attempts() == 0 && now >= session_.lease().RunnersUntil()) {
      break;  // nobody hears its reports, and what they tell will be run again
    }
  }
  logs_.Flush(kFarewell);
  control_.Stop();
  logs_.Stop();
  log_.Log(LogLevel::kInfo, clean ? "Worker has left" : "Worker has left without telling the scheduler");
  return clean ? 0 : 1;
}

void Agent::RequestDrain() {
  {
    const std::lock_guard lock(mutex_);
    const BootTime now = clock_.now().boot;
    if (drain_ == Drain::kNo) {
      log_.Log(LogLevel::kInfo, "Worker drains (attempts=" + std::to_string(session_.attempts()) + ")");
      drain_ = Drain::kRequested;
      drain_until_ = now + options_.drain_limit;
    } else {
      drain_until_ = std::min(drain_until_, now);
    }
  }
  outgoing_.notify_all();
  HandBackWaiting();
  changed_.notify_all();
}

void Agent::HandBackWaiting() {
  const std::vector<Fence> waiting = pool_.TakeWaiting();
  for (const Fence& fence : waiting)
    OnReport(LostReport(fence, "handed back: its worker drains", clock_.now().wall));
  pool_.HandBackSensors("handed back: its worker drains");
}

// Here and not where the message comes in, because it may take a while, and heartbeats are answered there.
void Agent::DropStaging() {
  std::vector<std::string> folders;
  {
    const std::lock_guard lock(mutex_);
    folders.swap(ended_folders_);
  }
  for (const std::string& folder : folders) options_.drop_staging(folder);
}

void Agent::Tick() {
  pool_.Tick();
  DropStaging();
  bool kill = false;
  std::string reason;
  {
    const std::lock_guard lock(mutex_);
    const BootTime now = clock_.now().boot;
    if (pool_open_ && !lease_over_ && session_.lease().RunnersExpired(now)) {
      lease_over_ = true;
      kill = session_.attempts() > 0;
      reason = "the worker's lease ran out";
      log_.Log(LogLevel::kWarning, "Lease over (attempts=" + std::to_string(session_.attempts()) + ")");
    }
    if (drain_ == Drain::kRequested && now >= drain_until_) {
      drain_ = Drain::kKilling;
      kill = true;
      reason = "handed back: its worker drains";
    }
  }
  if (kill) KillAllRunning(reason);
}

// The listener may wait for room in the log buffer: that must not keep a dead runner's end from being told.
void Agent::KillAllRunning(const std::string& reason) {
  logs_.Drop();
  pool_.KillAll(reason);
}

v1::Join Agent::OnUp() {
  const std::lock_guard lock(mutex_);
  v1::Join join;
  convert::ToWire(session_.Join(clock_.now().boot), &join);
  return join;
}

void Agent::OnDown(const Status&) {
  const std::lock_guard lock(mutex_);
  connected_ = false;
  changed_.notify_all();
}

void Agent::Wake() {
  { const std::lock_guard lock(mutex_); }  // whoever is about to wait has seen the flag, or waits already
  outgoing_.notify_all();
}

bool Agent::NextMessage(v1::WorkerMessage& message, const std::function<bool()>& stop) {
  message.Clear();
  std::unique_lock lock(mutex_);
  while (!stop()) {
    if (!connected_) {
      outgoing_.wait(lock);
      continue;
    }
    const BootTime now = clock_.now().boot;
    if (now >= session_.lease().NextHeartbeat()) {
      silent_heartbeats_ = std::exchange(heard_, false) ? 0 : silent_heartbeats_ + 1;
      if (silent_heartbeats_ > kSilentHeartbeats) {
        log_.Log(LogLevel::kWarning, "Scheduler is silent: dialling again");
        silent_heartbeats_ = 0;
        control_.Break();
        return false;
      }
      session_.lease().Sent(now);
      message.mutable_heartbeat()->set_sent_at(ToMicros(now));
      return true;
    }
    if (drain_ != Drain::kNo && !drain_told_) {
      drain_told_ = true;
      message.mutable_draining();
      return true;
    }
    if (report_at_ && now >= *report_at_) {
      const std::vector<Report> reports = session_.TakeReports(kReportsAMessage);
      for (const Report& report : reports) convert::ToWire(report, message.mutable_reports()->add_reports());
      if (!reports.empty()) return true;
      report_at_.reset();
    }
    if (const std::optional<StateRequest> question = session_.TakeQuestion()) {
      convert::ToWire(*question, message.mutable_state_request());
      return true;
    }
    if (drain_ == Drain::kLeaving && !left_told_) {
      left_told_ = true;
      message.mutable_draining()->set_left(true);
      return true;
    }
    const BootTime heartbeat = session_.lease().NextHeartbeat();
    outgoing_.wait_for(lock, (report_at_ ? std::min(*report_at_, heartbeat) : heartbeat) - now);
  }
  return false;
}

void Agent::OnMessage(v1::SchedulerMessage message) {
  {
    const std::lock_guard lock(mutex_);
    heard_ = true;
  }
  switch (message.message_case()) {
    case v1::SchedulerMessage::kWelcome:
      OnWelcome(message.welcome());
      break;
    case v1::SchedulerMessage::kHeartbeatAck: {
      const std::lock_guard lock(mutex_);
      session_.lease().Acknowledged(BootFromMicros(message.heartbeat_ack().sent_at()));
      lease_over_ = lease_over_ && session_.lease().RunnersExpired(clock_.now().boot);
      pool_.Renew(session_.lease().RunnersUntil());
      break;
    }
    case v1::SchedulerMessage::kAssignments:
      OnAssignments(*message.mutable_assignments());
      break;
    case v1::SchedulerMessage::kReportsAck: {
      const std::lock_guard lock(mutex_);
      if (session_.full()) {
        report_at_ = clock_.now().boot;
        outgoing_.notify_all();
      }
      session_.Acknowledged(message.reports_ack().sequence());
      Failpoint("agent.acknowledged");
      if (drain_ != Drain::kNo) changed_.notify_all();
      break;
    }
    case v1::SchedulerMessage::kCancel:
      pool_.Cancel(convert::FromWire(message.cancel().fence()), message.cancel().reason());
      break;
    case v1::SchedulerMessage::kJobEnded: {
      const JobKey job = convert::FromWire(message.job_ended().job());
      pool_.EndJob(job);
      const std::lock_guard lock(mutex_);
      if (auto folder = job_folders_.extract(job); !folder.empty()) {
        ended_folders_.push_back(std::move(folder.mapped()));
        changed_.notify_all();
      }
      break;
    }
    case v1::SchedulerMessage::kSessionEnd: {
      {
        const std::lock_guard lock(mutex_);
        log_.Log(drain_ == Drain::kLeaving ? LogLevel::kInfo : LogLevel::kWarning,
                 "Session ended by the scheduler (reason=" + message.session_end().reason() + ")");
        session_.End();
        job_folders_.clear();  // others go on with them
        session_over_ = true;
        connected_ = false;
      }
      KillAllRunning("its session is over");
      logs_.SetSession(SessionId{});
      control_.Break();
      changed_.notify_all();
      break;
    }
    case v1::SchedulerMessage::kStateAnswer: {
      const std::lock_guard lock(mutex_);
      const StateAnswer answer = convert::FromWire(message.state_answer());
      if (session_.Answered(answer)) pool_.Answer(answer);
      break;
    }
    case v1::SchedulerMessage::MESSAGE_NOT_SET:
      break;
  }
}

void Agent::OnWelcome(const v1::Welcome& wire) {
  const Welcome welcome = convert::FromWire(wire);
  const convert::Terms terms = convert::TermsFromWire(wire);
  if (!welcome.refused.empty() || terms.heartbeat <= Duration(0) || terms.lease <= terms.heartbeat) {
    log_.Log(LogLevel::kWarning, "Scheduler refuses this worker (reason=" + welcome.refused + ")");
    control_.Break();
    return;
  }
  if (const Status opened = shuffle_.Open(terms.shuffle_secret); !opened.ok()) {
    log_.Log(LogLevel::kError, "Shuffle cannot serve (error=" + opened.ToString() + ")");
  }
  std::vector<Fence> kill;
  bool renewed = false;
  bool first = false;
  BootTime until;
  {
    const std::lock_guard lock(mutex_);
    renewed = session_.id() != SessionId{} && session_.id() == welcome.session;
    kill = session_.Welcomed(welcome, {terms.heartbeat, terms.lease});
    if (!renewed) job_folders_.clear();
    scheduler_ = shuffle::SchedulerIdentity(terms.shuffle_secret);
    lease_over_ = false;
    first = !std::exchange(pool_open_, true);
    until = session_.lease().RunnersUntil();
    session_over_ = false;
    drain_told_ = false;
    left_told_ = false;
    heard_ = true;
    silent_heartbeats_ = 0;
  }
  log_.Log(LogLevel::kInfo, "Joined (session=" + std::to_string(ToInt(welcome.session)) +
                                ", term=" + std::to_string(welcome.term) + (renewed ? ", resumed)" : ")"));
  if (!renewed && !first) {
    KillAllRunning("its session is over");
  } else {
    for (const Fence& fence : kill) {
      logs_.End(fence);
      pool_.Cancel(fence, "no longer wanted");
    }
  }
  logs_.SetSession(welcome.session);
  if (first) {
    pool_.Open(terms.shuffle_secret, until);
  } else {
    pool_.Renew(until);
  }
  const std::lock_guard lock(mutex_);
  connected_ = true;
  report_at_ = clock_.now().boot;  // what the Join had no room for
  outgoing_.notify_all();
  changed_.notify_all();
}

void Agent::OnAssignments(v1::Assignments& assignments) {
  Failpoint("agent.assigned");
  std::vector<v1::Assignment> taken;
  for (v1::Assignment& assignment : *assignments.mutable_assignments()) {
    const Fence fence = convert::FromWire(assignment.fence());
    bool drains = false;
    {
      const std::lock_guard lock(mutex_);
      StageWork work;
      if (assignment.has_stage()) {
        // Another scheduler's jobs may have the same numbers, and workers with the same root.
        assignment.mutable_stage()->set_folder(scheduler_ + "-" + assignment.stage().folder());
        work = convert::FromWire(assignment.stage());
      }
      if (!session_.Add(fence, assignment.has_stage() ? &work : nullptr)) continue;
      if (assignment.has_stage()) job_folders_[work.job] = work.folder;
      drains = drain_ != Drain::kNo;
    }
    if (drains) {
      OnReport(LostReport(fence, "handed back: its worker drains", clock_.now().wall));
      continue;
    }
    logs_.Begin(fence, {RunKey{assignment.run()}, assignment.index()}, assignment.try_number());
    taken.push_back(std::move(assignment));
  }
  if (!taken.empty()) pool_.Start(std::move(taken));
}

void Agent::OnReport(Report report) {
  if (report.ended) logs_.End(report.fence);
  const std::lock_guard lock(mutex_);
  const bool ended = report.ended;
  session_.Add(std::move(report));
  const BootTime due = ended ? clock_.now().boot : clock_.now().boot + kStartPatience;
  if (!report_at_ || due < *report_at_) {
    report_at_ = due;
    outgoing_.notify_all();
  }
  if (ended && drain_ != Drain::kNo) changed_.notify_all();
}

void Agent::OnLog(const Fence& fence, std::string data) { logs_.Append(fence, std::move(data)); }

void Agent::OnStateRequest(StateRequest request) {
  StateAnswer refusal{SessionId{}, request.fence, request.id, false, "", ""};
  const std::lock_guard lock(mutex_);
  if (const Status asked = session_.Ask(std::move(request)); !asked.ok()) {
    refusal.error = asked.message();
    pool_.Answer(refusal);
    return;
  }
  outgoing_.notify_all();
}

}  // namespace millrace::agent
