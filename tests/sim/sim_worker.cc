#include "tests/sim/sim_worker.h"

#include <algorithm>
#include <utility>

namespace millrace::sim {
namespace {

// What it tells of a callback takes no slot either.
bool IsSensor(const Assignment& assignment) {
  return assignment.slots == 0 && assignment.instance.index != kNotificationLog;
}

}  // namespace

SimWorker::SimWorker(std::string name, int slots, std::uint64_t seed, Timeline& timeline, WorkerNet& net)
    : name_(std::move(name)), slots_(slots), random_(seed), timeline_(timeline), net_(net) {}

void SimWorker::Later(Duration delay, std::function<void()> what) {
  timeline_.After(delay, [this, process = process_, what = std::move(what)] { Do(process, what); });
}

void SimWorker::Do(std::uint64_t process, const std::function<void()>& what) {
  if (process != process_) return;
  if (frozen()) {
    timeline_.At(frozen_until_, [this, process, what] { Do(process, what); });
    return;
  }
  what();
}

void SimWorker::Boot() {
  ++process_;
  WorkerOffer offer;
  offer.name = name_;
  offer.slots = slots_;
  offer.host_identity = "host of " + name_;
  offer.pid = static_cast<std::int64_t>(process_);
  session_.emplace(offer);
  welcomed_ = false;
  draining_ = false;
  work_.clear();
  order_.clear();
  Later(std::chrono::milliseconds(10), [this] { Dial(); });
  WatchLease();
}

void SimWorker::Die() {
  Note("dies");
  net_.HangUp(*this);
  ++process_;
  work_.clear();
  order_.clear();
  timeline_.After(random_.Between(std::chrono::milliseconds(100), std::chrono::seconds(40)),
                  [this, process = process_] {
                    if (process == process_) Boot();
                  });
}

void SimWorker::Freeze(Duration length) {
  Note("freezes");
  frozen_until_ = std::max(frozen_until_, timeline_.now().boot + length);
}

void SimWorker::Drain() {
  if (!welcomed_ || draining_) return;
  Note("drains");
  draining_ = true;
  net_.Send(*this, WorkerDraining{session_->id(), false});
  // What has not begun is handed back, and sensors.
  for (const Fence fence : std::deque<Fence>(order_)) {
    const bool sensor = IsSensor(work_.at(fence).assignment);
    if (sensor || !work_.at(fence).running) Kill(fence, sensor ? Outcome::kNotYet : Outcome::kLost, "drained");
  }
  Later(std::chrono::minutes(1), [this] {
    if (welcomed_ && work_.empty()) net_.Send(*this, WorkerDraining{session_->id(), true});
    Die();
  });
}

void SimWorker::Dial() {
  if (stream != 0) return;
  welcomed_ = false;
  net_.Dial(*this, session_->Join(timeline_.now().boot));
}

void SimWorker::OnStreamEnded() {
  welcomed_ = false;
  stream = 0;
  Later(random_.Between(std::chrono::milliseconds(50), std::chrono::seconds(4)), [this] { Dial(); });
}

void SimWorker::OnMessage(const Effect& effect) {
  if (frozen()) {
    timeline_.At(frozen_until_, [this, process = process_, from = stream, effect] {
      if (process == process_ && from == stream) OnMessage(effect);
    });
    return;
  }
  if (const auto* welcome = std::get_if<Welcome>(&effect)) {
    Welcomed(*welcome);
  } else if (const auto* assign = std::get_if<Assign>(&effect)) {
    Assigned(assign->assignment);
  } else if (const auto* cancel = std::get_if<CancelAttempt>(&effect)) {
    const auto found = work_.find(cancel->fence);
    if (found == work_.end()) return;
    found->second.stopping = true;
    Later(random_.Between(Duration(0), std::chrono::seconds(3)),
          [this, fence = cancel->fence, reason = cancel->reason] { Kill(fence, Outcome::kKilled, reason); });
  } else if (const auto* beat = std::get_if<HeartbeatAck>(&effect)) {
    session_->lease().Acknowledged(BootFromMicros(beat->sent_at));
    StartNext();
  } else if (const auto* ack = std::get_if<AckReports>(&effect)) {
    session_->Acknowledged(ack->sequence);
    Flush();
  } else if (std::holds_alternative<EndSession>(effect)) {
    for (const Fence& fence : session_->End()) {
      work_.erase(fence);
      std::erase(order_, fence);
    }
    net_.HangUp(*this);
    OnStreamEnded();
  }
}

void SimWorker::Welcomed(const Welcome& welcome) {
  if (!welcome.refused.empty()) {
    net_.HangUp(*this);
    OnStreamEnded();
    return;
  }
  for (const Fence& fence : session_->Welcomed(welcome, agent::LeaseTerms{})) {
    work_.erase(fence);
    std::erase(order_, fence);
  }
  if (!std::exchange(welcomed_, true)) Beat();
  if (draining_) net_.Send(*this, WorkerDraining{session_->id(), false});
  StartNext();
  Flush();
}

void SimWorker::Assigned(const Assignment& assignment) {
  if (!session_->Add(assignment.fence, assignment.stage.get())) return;
  work_[assignment.fence] = {assignment};
  order_.push_back(assignment.fence);
  if (draining_) {
    Kill(assignment.fence, Outcome::kLost, "drained");
    return;
  }
  StartNext();
}

void SimWorker::StartNext() {
  if (session_->lease().RunnersExpired(timeline_.now().boot)) return;
  int busy = 0;
  for (const auto& [fence, work] : work_) busy += work.running ? work.assignment.slots : 0;
  bool full = false;
  for (const Fence fence : std::deque<Fence>(order_)) {
    Work& work = work_.at(fence);
    if (work.running || work.stopping) continue;
    // Sensors take no slot.
    full = full || busy + work.assignment.slots > slots_;
    if (full && work.assignment.slots > 0) continue;
    busy += work.assignment.slots;
    net_.Started(*this, work.assignment);
    work.running = true;
    Note("starts " + ToString(fence));
    Report report;
    report.fence = fence;
    report.started_at = timeline_.now().wall;
    Tell(std::move(report));
    const bool is_short = work.assignment.kind == "empty";
    Later(is_short ? random_.Between(Duration(100), std::chrono::milliseconds(5))
                   : random_.Between(std::chrono::milliseconds(100), std::chrono::seconds(25)),
          [this, fence] { Finish(fence); });
  }
}

void SimWorker::Finish(Fence fence) {
  const auto found = work_.find(fence);
  if (found == work_.end() || !found->second.running) return;
  Report report;
  report.fence = fence;
  report.ended = true;
  report.outcome = found->second.assignment.stage ? Outcome::kSuccess : Draw();
  if (found->second.assignment.instance.index == kNotificationLog) {
    // Told, and perhaps not heard to be.
    net_.Told(found->second.assignment);
    if (report.outcome != Outcome::kSuccess) report.outcome = Outcome::kFailed;
  }
  report.message = "done";
  report.started_at = report.ended_at = timeline_.now().wall;
  if (found->second.assignment.stage) report.stage = ResultOf(found->second.assignment);
  if (found->second.assignment.task_id == "list") {
    report.result = "[1, 2";
    for (std::uint64_t i = 0; i < fence.counter % 3; ++i) report.result += ", 3";
    report.result += "]";
  } else {
    report.result = std::to_string(fence.counter);
  }
  if (report.outcome == Outcome::kSuccess) net_.Succeeded(fence);
  Note("ends " + ToString(fence));
  work_.erase(found);
  std::erase(order_, fence);
  Tell(std::move(report));
  StartNext();
}

void SimWorker::Kill(Fence fence, Outcome outcome, const std::string& message) {
  const auto found = work_.find(fence);
  if (found == work_.end()) return;
  work_.erase(found);
  std::erase(order_, fence);
  Note("kills " + ToString(fence));
  Report report;
  report.fence = fence;
  report.ended = true;
  report.outcome = outcome;
  report.message = message;
  Tell(std::move(report));
  StartNext();
}

void SimWorker::Tell(Report report) {
  session_->Add(std::move(report));
  Flush();
}

void SimWorker::Flush() {
  if (!welcomed_) return;
  while (true) {
    std::vector<Report> reports = session_->TakeReports(64);
    if (reports.empty()) return;
    net_.Send(*this, Reported{session_->id(), std::move(reports)});
  }
}

void SimWorker::Beat() {
  if (!welcomed_) return;
  const BootTime now = timeline_.now().boot;
  session_->lease().Sent(now);
  net_.Send(*this, Heartbeat{session_->id(), {}, ToMicros(now)});
  Later(agent::LeaseTerms{}.heartbeat, [this, from = stream] {
    if (from == stream) Beat();
  });
}

// The runners' own deadline: it needs no agent.
void SimWorker::WatchLease() {
  Later(std::chrono::seconds(1), [this] {
    if (session_->lease().RunnersExpired(timeline_.now().boot)) {
      for (const Fence fence : std::deque<Fence>(order_)) {
        if (!work_.contains(fence)) continue;
        const bool sensor = IsSensor(work_.at(fence).assignment);
        Kill(fence, sensor ? Outcome::kNotYet : Outcome::kLost, "lease expired");
      }
    }
    WatchLease();
  });
}

std::set<Fence> SimWorker::Running(TaskInstanceKey key) const {
  std::set<Fence> running;
  for (const auto& [fence, work] : work_) {
    if (work.assignment.instance == key && work.running && !work.stopping && !work.assignment.stage)
      running.insert(fence);
  }
  return running;
}

Outcome SimWorker::Draw() {
  if (behaves_) return Outcome::kSuccess;
  const int drawn = random_.Below(100);
  if (drawn < 12) return Outcome::kFailed;
  if (drawn < 14) return Outcome::kFailFinal;
  if (drawn < 17) return Outcome::kSkipped;
  return Outcome::kSuccess;
}

StageResult SimWorker::ResultOf(const Assignment& assignment) const {
  const StageWork& stage = *assignment.stage;
  if (std::holds_alternative<PlanWork>(stage.work)) {
    // Join two inputs, then aggregate: rows, small -> joined -> totals.
    PlanResult result;
    result.plan.mode = "distributed";
    result.plan.stages = {
        {.name = "rows", .inputs = {"rows"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 3},
        {.name = "small", .inputs = {"small"}, .exchange = Exchange::kHash, .keys = {"k"}, .partitions = 3},
        {.name = "joined",
         .reads = {{.view = "rows", .stage = 0}, {.view = "small", .stage = 1}},
         .exchange = Exchange::kHash,
         .keys = {"g"},
         .partitions = 2},
        {.name = "totals", .reads = {{.view = "joined", .stage = 2}}},
    };
    for (int i = 0; i < 4; ++i) {
      result.plan.splits.push_back({i < 3 ? "rows" : "small", "in/" + std::to_string(i), 0, 0, 1000});
      result.plan.input_bytes += 1000;
    }
    return result;
  }
  if (const auto* task = std::get_if<StageTaskWork>(&stage.work); task != nullptr && task->plan.exchange != Exchange::kFiles) {
    MapResult result;
    result.output.map_index = task->index;
    result.output.fence = assignment.fence;
    result.output.session = session_->id();
    result.partitions.assign(static_cast<std::size_t>(task->partitions), {10, 1});
    result.digest = "d" + std::to_string(task->stage) + "." + std::to_string(task->index);
    return result;
  }
  if (const auto* publish = std::get_if<PublishWork>(&stage.work)) {
    PublishResult result;
    result.path = "out/";
    result.files = publish->files;
    return result;
  }
  ReduceResult result;
  result.files = {{"part-" + ToString(assignment.fence), 5, 2, ""}};
  return result;
}

}  // namespace millrace::sim
