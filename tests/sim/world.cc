#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "platform/zones.h"
#include "tests/sim/dags.h"

namespace millrace::sim {
namespace {

constexpr Duration kPatience =
    std::chrono::hours(3);  // for every run to end once nothing goes wrong any more

engine::EngineOptions Options() {
  engine::EngineOptions options;
  options.pools = {{"small", 2}};
  return options;
}

}  // namespace

World::Scheduler::Scheduler(World& world)
    : inbox(world.timeline_),
      store(world.rows_),
      loop({world.timeline_, world.zones_, world, inbox, store, store, world, world}, Options()) {}

World::World(std::uint64_t seed, bool tells)
    : tells_(tells), random_(seed), faults_(random_), dags_(Dags()), invariants_(rows_) {
  for (int i = 0; i < 3; ++i) {
    workers_.push_back(std::make_unique<SimWorker>("w" + std::to_string(i + 1), 1 + random_.Below(4),
                                                   random_.Next(), timeline_, *this));
  }
}

World::~World() = default;

void World::Note(std::string_view what, std::string_view detail) {
  const auto mix = [this](std::string_view text) {
    for (const char c : text) trace_ = (trace_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  };
  mix(what);
  mix(detail);
  mix(std::to_string(ToMicros(timeline_.now().boot)));
  if (tells_) {
    const double seconds = static_cast<double>(ToMicros(timeline_.now().boot)) / 1e6 - 3600;
    std::printf("%10.4f %.*s %.*s\n", seconds, static_cast<int>(what.size()), what.data(),
                static_cast<int>(detail.size()), detail.data());
  }
}

void World::NoteEffect(const Effect& effect) {
  if (const auto* assign = std::get_if<Assign>(&effect)) {
    Note("assign", std::to_string(ToInt(assign->assignment.instance.run)) + "/" +
                       std::to_string(assign->assignment.instance.index) + " as " +
                       ToString(assign->assignment.fence) + " to session " +
                       std::to_string(ToInt(assign->session)));
  } else if (const auto* cancel = std::get_if<CancelAttempt>(&effect)) {
    Note("cancel", ToString(cancel->fence) + " " + cancel->reason);
  } else if (const auto* welcome = std::get_if<Welcome>(&effect)) {
    Note("welcome", "stream " + std::to_string(welcome->stream) + " session " +
                        std::to_string(ToInt(welcome->session)) + " " + welcome->refused);
  } else if (const auto* end = std::get_if<EndSession>(&effect)) {
    Note("end session", std::to_string(ToInt(end->session)) + " " + end->reason);
  } else if (const auto* ack = std::get_if<AckReports>(&effect)) {
    Note("ack", std::to_string(ToInt(ack->session)) + " to " + std::to_string(ack->sequence));
  }
}

void World::Run() {
  StartScheduler();
  for (const auto& worker : workers_) worker->Boot();
  ScheduleUsers();
  ScheduleFaults();
  const BootTime faulty = timeline_.now().boot + kFaultyTime;
  while (problems().empty() && timeline_.Step(faulty)) {
  }
  Heal();
  const BootTime end = timeline_.now().boot + kPatience;
  while (problems().empty() && !Quiet() && timeline_.Step(end)) {
  }
  if (problems().empty()) invariants_.Finished();
}

bool World::Quiet() const {
  if (scheduler_ == nullptr ||
      timeline_.now().wall < WallFromMicros(983'404'800'000'000) + std::chrono::minutes(7))
    return false;
  // A backfill has moments without a run: one has ended and the next date is still to be asked for.
  return std::all_of(rows_.runs.begin(), rows_.runs.end(),
                     [](const auto& run) { return IsTerminal(run.second.state); }) &&
         std::all_of(rows_.backfills.begin(), rows_.backfills.end(),
                     [](const auto& backfill) { return backfill.second.completed_at.has_value(); }) &&
         std::all_of(rows_.notifications.begin(), rows_.notifications.end(),
                     [](const auto& one) { return IsOver(one.second.state); });
}

// The scheduler's process.

void World::StartScheduler() {
  ++incarnation_;
  scheduler_ = std::make_unique<Scheduler>(*this);
  scheduler_->store.holds = true;
  scheduler_->store.on_refused = [this](const Status& status) { invariants_.Refused(status); };
  scheduler_->store.fault = [this](const Batch&) {
    if (healed_) return test::StoreFault::kNone;
    if (timeline_.now().boot < disk_full_until_) return test::StoreFault::kDiskFull;
    if (faults_.answers_lost && random_.Chance(3)) {
      return random_.Chance(50) ? test::StoreFault::kUnknownWritten : test::StoreFault::kUnknownLost;
    }
    if (faults_.store_breaks && random_.Chance(1)) {
      return random_.Chance(50) ? test::StoreFault::kBroken : test::StoreFault::kBrokenWritten;
    }
    return test::StoreFault::kNone;
  };
  MILLRACE_CHECK(scheduler_->loop.Start().ok());
  for (const DagPtr& dag : dags_) (void)scheduler_->inbox.Put(DagLoaded{dag});
  Wake(Duration(0));
}

void World::KillScheduler() {
  if (scheduler_ == nullptr) return;
  Note("scheduler dies", "");
  scheduler_->store.Crash(random_.Chance(50));
  scheduler_.reset();
  ++incarnation_;
  for (auto& [id, stream] : std::map<std::uint64_t, Stream>(streams_)) Break(id);
  timeline_.After(random_.Between(std::chrono::milliseconds(50), std::chrono::seconds(20)), [this] {
    if (scheduler_ == nullptr) StartScheduler();
  });
}

void World::Wake(Duration delay) {
  timeline_.After(delay, [this, wake = ++wake_, incarnation = incarnation_] {
    if (wake == wake_ && incarnation == incarnation_) StepScheduler();
  });
}

void World::StepScheduler() {
  if (scheduler_ == nullptr) return;
  if (timeline_.now().boot < stalled_until_) {
    Wake(stalled_until_ - timeline_.now().boot);
    return;
  }
  const BootTime next = scheduler_->loop.Step();
  HoldStore();
  Wake(std::max(next - timeline_.now().boot, Duration(50)));
}

void World::HoldStore() {
  if (!scheduler_->store.pending() || std::exchange(scheduler_->finishing, true)) return;
  const bool slow = faults_.store_slow && !healed_ && random_.Chance(5);
  const Duration delay = slow ? random_.Between(std::chrono::seconds(1), std::chrono::seconds(40))
                              : random_.Between(std::chrono::microseconds(300), std::chrono::milliseconds(8));
  timeline_.After(delay, [this, incarnation = incarnation_] {
    if (incarnation != incarnation_ || scheduler_ == nullptr) return;
    scheduler_->finishing = false;
    scheduler_->store.Finish();
    Wake(Duration(0));
  });
}

void World::Committed(const std::shared_ptr<const Batch>& batch) {
  ++commits_;
  Note("commit", std::to_string(batch->sequence) + ":" + std::to_string(batch->transitions.size()));
  for (const Transition& t : batch->transitions) {
    Note("transition",
         std::to_string(ToInt(t.run)) + "/" + std::to_string(t.index) + ">" + std::to_string(t.to));
  }
  invariants_.Committed(*batch);
}

void World::Deliver(std::span<const Effect> effects) {
  for (const Effect& effect : effects) {
    NoteEffect(effect);
    std::uint64_t to = 0;
    if (const auto* welcome = std::get_if<Welcome>(&effect)) {
      to = welcome->stream;
      if (const auto found = streams_.find(to); found != streams_.end())
        found->second.session = welcome->session;
    } else {
      const SessionId session = std::visit(
          [](const auto& e) {
            if constexpr (requires { e.session; }) {
              return e.session;
            } else {
              return SessionId{};
            }
          },
          effect);
      for (const auto& [id, stream] : streams_) {
        if (stream.up && stream.session == session) to = id;
      }
    }
    const auto found = streams_.find(to);
    if (found == streams_.end() || !found->second.up) continue;
    Stream& stream = found->second;
    const int copies = faults_.duplicates && !healed_ && random_.Chance(10) ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      stream.to_worker = std::max(stream.to_worker, timeline_.now().boot + Latency());
      timeline_.At(stream.to_worker, [this, to, effect] {
        const auto still = streams_.find(to);
        if (still != streams_.end() && still->second.up && still->second.worker->stream == to) {
          still->second.worker->OnMessage(effect);
        }
      });
    }
  }
}

void World::Reset(const std::string& reason) {
  Note("reset", reason);
  for (auto& [id, stream] : std::map<std::uint64_t, Stream>(streams_)) Break(id);
}

// The network.

void World::Dial(SimWorker& worker, WorkerJoined join) {
  const std::uint64_t id = next_stream_++;
  streams_[id].worker = &worker;
  worker.stream = id;
  join.stream = id;
  Note("dial", worker.name());
  if (scheduler_ == nullptr || (timeline_.now().boot < worker.unreachable_until && !healed_)) {
    Break(id);
    return;
  }
  PutEvent(id, std::move(join));
}

void World::Send(SimWorker& worker, Event event) {
  if (worker.stream != 0) PutEvent(worker.stream, std::move(event));
}

void World::PutEvent(std::uint64_t id, Event event) {
  Stream& stream = streams_.at(id);
  const int copies =
      faults_.duplicates && !healed_ && random_.Chance(5) && !std::holds_alternative<WorkerJoined>(event) ? 2
                                                                                                          : 1;
  for (int i = 0; i < copies; ++i) {
    stream.to_scheduler = std::max(stream.to_scheduler, timeline_.now().boot + Latency());
    timeline_.At(stream.to_scheduler, [this, id, event, incarnation = incarnation_]() mutable {
      if (incarnation != incarnation_ || scheduler_ == nullptr) return;
      if (!streams_.at(id).up && !(faults_.late_messages && !std::holds_alternative<WorkerJoined>(event)))
        return;
      if (auto* beat = std::get_if<Heartbeat>(&event)) beat->received_at = timeline_.now().boot;
      const bool is_join = std::holds_alternative<WorkerJoined>(event);
      if (!scheduler_->inbox.Put(std::move(event)).ok()) {
        Break(id);
        return;
      }
      (void)is_join;
      Wake(Duration(0));
    });
  }
}

void World::HangUp(SimWorker& worker) {
  if (worker.stream == 0) return;
  const std::uint64_t id = worker.stream;
  worker.stream = 0;
  Break(id);
}

void World::Break(std::uint64_t id) {
  Stream& stream = streams_.at(id);
  if (!std::exchange(stream.up, false)) return;
  Note("break", std::to_string(id));
  if (stream.worker->stream == id) {
    timeline_.After(Latency(), [worker = stream.worker, id] {
      if (worker->stream == id) worker->OnStreamEnded();
    });
  }
  timeline_.After(random_.Between(std::chrono::milliseconds(1), std::chrono::seconds(2)),
                  [this, id, session = stream.session, incarnation = incarnation_] {
                    if (incarnation != incarnation_ || scheduler_ == nullptr) return;
                    (void)scheduler_->inbox.Put(WorkerDisconnected{session, id});
                    Wake(Duration(0));
                  });
}

void World::Started(const SimWorker& worker, const Assignment& assignment) {
  std::set<Fence> elsewhere;
  for (const auto& other : workers_) {
    if (other->frozen()) continue;
    for (const Fence& fence : other->Running(assignment.instance)) elsewhere.insert(fence);
  }
  if (assignment.stage != nullptr) elsewhere.clear();  // a job's stage tasks run side by side
  invariants_.Started(worker.name(), assignment, elsewhere);
}

// What goes wrong, and what people do.

void World::ScheduleFaults() {
  const auto often = [this](bool enabled, Duration mean, const std::function<void()>& what) {
    if (!enabled) return;
    BootTime at = timeline_.now().boot;
    while (true) {
      at += random_.Between(mean / 4, mean * 2);
      if (at > BootTime(std::chrono::hours(1)) + kFaultyTime) return;
      timeline_.At(at, what);
    }
  };
  const auto any = [this]() -> SimWorker& { return *workers_[static_cast<std::size_t>(random_.Below(3))]; };
  const auto seconds = [](int count) { return Duration(std::chrono::seconds(count)); };
  often(faults_.streams_break, seconds(15), [this, any] {
    if (const std::uint64_t stream = any().stream; stream != 0) Break(stream);
  });
  often(faults_.partitions, seconds(40), [this, any] {
    SimWorker& worker = any();
    worker.unreachable_until =
        timeline_.now().boot + random_.Between(std::chrono::seconds(5), std::chrono::seconds(60));
    if (worker.stream != 0) Break(worker.stream);
  });
  often(faults_.workers_die, seconds(50), [any] { any().Die(); });
  often(faults_.workers_freeze, seconds(60),
        [this, any] { any().Freeze(random_.Between(std::chrono::seconds(1), std::chrono::seconds(50))); });
  often(faults_.workers_drain, seconds(90), [any] { any().Drain(); });
  often(faults_.scheduler_dies, seconds(40), [this] { KillScheduler(); });
  often(faults_.scheduler_stalls, seconds(60), [this] {
    stalled_until_ =
        timeline_.now().boot + random_.Between(std::chrono::seconds(1), std::chrono::seconds(60));
  });
  often(faults_.disk_full, seconds(60), [this] {
    disk_full_until_ =
        timeline_.now().boot + random_.Between(std::chrono::seconds(1), std::chrono::seconds(50));
  });
}

void World::Submit(Command command) {
  if (scheduler_ == nullptr) return;
  (void)scheduler_->inbox.Submit(std::move(command), [this](CommandReply reply) {
    Note("reply", reply.ok() ? "ok" : reply.status().message());
    invariants_.Replied(reply);
  });
  Wake(Duration(0));
}

void World::Heal() {
  healed_ = true;
  stalled_until_ = {};
  disk_full_until_ = {};
  for (const auto& worker : workers_) worker->Behave();
  if (scheduler_ == nullptr) StartScheduler();
  // Only now and then, in case one of them is lost in a restart.
  for (int i = 0; i < 3; ++i) {
    timeline_.After(std::chrono::minutes(2) * i, [this] {
      for (const DagPtr& dag : dags_) Submit(SetPaused{dag->id, false, "ana"});
      for (const auto& [id, row] : rows_.dags) {
        for (const std::string& task : row.paused_tasks) Submit(SetTaskPaused{id, task, false, "ana"});
      }
      for (const auto& [id, backfill] : rows_.backfills)
        Submit(ChangeBackfill{id, BackfillAction::kUnpause, "ana"});
    });
  }
}

}  // namespace millrace::sim
