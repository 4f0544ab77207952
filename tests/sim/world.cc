#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/support/dag_builder.h"

namespace millrace::sim {
namespace {

constexpr Duration kFaultyTime = std::chrono::minutes(4);
constexpr Duration kPatience =
    std::chrono::hours(3);  // for every run to end once nothing goes wrong any more
constexpr const char* kMapReduce =
    R"json({"inputs": {"rows": {"path": "in/"}}, "map": "SELECT k, v FROM rows",
  "aggregate": {"by": ["k"], "select": {"n": "count(*)"}}, "output": {"path": "out/"}})json";

// Values, mapping, branches and teardowns in one; what `list` leaves is a list of two to four numbers.
constexpr const char* kFlow = R"y(dag_id: flow
max_active_runs: 3
default_args:
  retries: 1
  retry_delay: 5s
  on_retry_callback: {notify: webhook, url: "http://hooks.example/retry"}
  on_failure_callback: {notify: webhook, url: "http://hooks.example/failure"}
on_success_callback: {notify: webhook, url: "http://hooks.example/success"}
on_failure_callback: {notify: webhook, url: "http://hooks.example/failure"}
tasks:
  - {id: create, uses: shell, setup: true, with: {command: create}}
  - {id: list, uses: shell, needs: [create], with: {command: list}}
  - group: part
    expand: {n: {$x: list}}
    tasks:
      - {id: load, uses: empty}
      - {id: check, uses: shell, needs: [load], max_active_tis_per_dagrun: 2, with: {command: "{{ map.n }}"}}
  - {id: sum, uses: shell, needs: [part], trigger_rule: all_done, with: {command: "sum {{ ti.xcom_pull('part.check') }}"}}
  - {id: pick, uses: branch, needs: [sum], with: {choose: [odd]}}
  - {id: odd, uses: empty, needs: [pick]}
  - {id: even, uses: empty, needs: [pick]}
  - {id: end, uses: shell, needs: [odd, even], trigger_rule: none_failed_min_one_success, with: {command: end}}
  - {id: drop, uses: shell, needs: [end], teardown: [create], with: {command: drop}}
)y";

// Runs that tasks make and wait for, and questions that people answer, or nobody.
constexpr const char* kAsks = R"y(dag_id: asks
max_active_runs: 3
default_args: {retries: 1, retry_delay: 5s}
tasks:
  - {id: go, uses: trigger_dag, with: {dag: chain, conf: {from: "{{ run_id }}"}}}
  - {id: both, uses: trigger_dag, execution_timeout: 2m, with: {dag: chain, wait_for_completion: true}, expand: {note: [one, two]}}
  - {id: ok, uses: approval, with: {subject: "{{ run_id }}?", response_timeout: 1m, defaults: [Approve]}}
  - {id: sure, uses: approval, execution_timeout: 90s, with: {subject: "Sure?"}}
  - {id: work, uses: shell, needs: [ok, go], with: {command: "work"}}
  - {id: end, uses: empty, needs: [both, work, sure], trigger_rule: all_done}
)y";

// Runs that share a result while it lasts, and one instance of a mapped task with another's values.
constexpr const char* kCached = R"y(dag_id: cached
max_active_runs: 2
default_args: {retries: 1, retry_delay: 5s}
tasks:
  - {id: read, uses: shell, cache: {expires: 1m}, with: {command: read}}
  - {id: each, uses: shell, needs: [read], cache: {inputs: ["{{ ti.xcom_pull('read') }}"]}, expand: {n: [1, 2, 1]}, with: {command: "{{ map.n }}"}}
  - {id: sum, uses: empty, needs: [each]}
)y";

// Sensors of all sorts; those of other DAGs wait for runs that fail, are cleared and come late.
constexpr const char* kWaits = R"y(dag_id: waits
schedule_interval: "* * * * *"
start_date: 2001-02-28T23:57:00Z
end_date: 2001-03-01T00:03:00Z
catchup: true
max_active_runs: 3
tasks:
  - id: other
    uses: sensor_external_task
    with: {external_dag_id: minutely, external_task_id: b, failed_states: [failed, upstream_failed],
           skipped_states: [skipped], timeout: 20m, soft_fail: true}
  - id: before
    uses: sensor_external_task
    with: {external_dag_id: minutely, allowed_states: [success, failed], execution_delta: 1m, timeout: 15m, soft_fail: true}
  - {id: file, uses: sensor_file, retries: 1, retry_delay: 5s, with: {path: in/x, poke_interval: 5s, timeout: 10m}}
  - {id: pause, uses: sensor_time, needs: [file], trigger_rule: all_done, with: {wait: 20s}}
  - {id: end, uses: shell, needs: [other, before, pause], trigger_rule: all_done, with: {command: end}}
)y";

class NoFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return NotFound("no such file"); }
};

DagPtr FromFile(const char* text) {
  const platform::TzdbZones zones;
  dagbag::LoadResult loaded = dagbag::LoadDagFile("sim.yaml", text, NoFiles(), zones);
  for (const Problem& problem : loaded.problems) std::printf("sim.yaml: %s\n", problem.message.c_str());
  return loaded.dags.at(0);
}

std::vector<DagPtr> Dags() {
  const auto kind = [](const char* name, int retries) {
    return [=](Task& task) {
      task.kind = name;
      task.retry = {retries, std::chrono::seconds(5), 2.0, std::chrono::seconds(30)};
      task.execution_timeout = std::chrono::seconds(60);
    };
  };
  const auto small = [](Task& task) {
    task.kind = "shell";
    task.pool = "small";
    task.retry = {1, std::chrono::seconds(3), 1.0, std::chrono::seconds(30)};
  };
  const auto job = [](Task& task) {
    task.kind = "mapreduce";
    task.with = ParseJson(kMapReduce).value();
    task.retry.retries = 1;
    task.retry.delay = std::chrono::seconds(5);
  };
  std::vector<DagPtr> dags;
  dags.push_back(test::DagBuilder("chain")
                     .Add("a", {}, kind("shell", 2))
                     .Add("b", {"a"}, kind("empty", 1))
                     .Add("c", {"b"}, kind("shell", 0))
                     .With([](Dag& dag) { dag.max_active_runs = 2; })
                     .Build());
  dags.push_back(test::DagBuilder("diamond")
                     .Add("a", {}, small)
                     .Add("l", {"a"}, small)
                     .Add("r", {"a"}, small)
                     .Add("j", {"l", "r"}, [](Task& task) { task.trigger_rule = TriggerRule::kAllDone; })
                     .Build());
  test::DagBuilder wide("wide");
  for (int i = 0; i < 12; ++i) wide.Add("t" + std::to_string(i), {}, kind(i % 2 == 0 ? "empty" : "shell", 1));
  dags.push_back(wide.With([](Dag& dag) { dag.max_active_tasks = 5; }).Build());
  dags.push_back(test::DagBuilder("minutely")
                     .Add("a", {}, kind("shell", 1))
                     .Add("b", {"a"}, kind("empty", 0))
                     .With([](Dag& dag) {
                       dag.schedule.kind = ScheduleKind::kCronInterval;
                       dag.schedule.expression = dag.schedule.written = "* * * * *";
                       dag.schedule.start = WallFromMicros(983'404'800'000'000) - std::chrono::minutes(3);
                       dag.schedule.end = WallFromMicros(983'404'800'000'000) + std::chrono::minutes(5);
                       dag.schedule.catchup = Catchup::kAll;
                       dag.max_active_runs = 1;
                     })
                     .Build());
  dags.push_back(FromFile(kFlow));
  dags.push_back(FromFile(kAsks));
  dags.push_back(FromFile(kCached));
  dags.push_back(FromFile(kWaits));
  dags.push_back(
      test::DagBuilder("job").Add("count", {}, job).Add("after", {"count"}, kind("empty", 0)).Build());
  return dags;
}

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

void World::ScheduleUsers() {
  const int count = 20 + random_.Below(20);
  for (int i = 0; i < count; ++i) {
    timeline_.After(random_.Between(Duration(0), kFaultyTime), [this] { CommandOfUser(); });
  }
}

void World::CommandOfUser() {
  const Dag& dag = *dags_[static_cast<std::size_t>(random_.Below(static_cast<int>(dags_.size())))];
  const std::string run = "r" + std::to_string(1 + random_.Below(next_run_));
  if (!faults_.users || random_.Chance(50)) {
    TriggerRun trigger;
    trigger.dag_id = dag.id;
    trigger.run_id = random_.Chance(10) ? run : "r" + std::to_string(next_run_++);
    Submit(trigger);
    return;
  }
  const std::string& task =
      dag.tasks[static_cast<std::size_t>(random_.Below(static_cast<int>(dag.tasks.size())))].id;
  // Whatever comes of it, attempts of that run may be stopping while others start.
  if (const millrace::Run* found = rows_.FindRun(dag.id, run); found != nullptr)
    invariants_.Touched(found->key);
  switch (random_.Below(11)) {
    case 0:
      Submit(CancelRun{dag.id, run, "ana"});
      break;
    case 1:
      Submit(ClearTasks{.dag_id = dag.id,
                        .run_id = run,
                        .task_ids = {task},
                        .only_failed = random_.Chance(50),
                        .user = "ana",
                        .refresh_cache = random_.Chance(20)});
      break;
    case 2:
      Submit(
          MarkTask{dag.id, run, task, random_.Chance(50) ? TaskState::kSuccess : TaskState::kFailed, "ana"});
      break;
    case 3:
      Submit(SetPaused{dag.id, true, "ana"});
      break;
    case 4:
      Submit(MarkRun{dag.id, run, random_.Chance(50) ? RunState::kSuccess : RunState::kFailed, "ana"});
      break;
    case 5:
      Submit(DeleteRun{dag.id, run, "ana"});
      break;
    case 6:
      Submit(BackfillOfUser());
      break;
    case 7:
      Submit(ChangeBackfill{1 + random_.Below(4), static_cast<BackfillAction>(random_.Below(3)), "ana"});
      break;
    case 8:
    case 9:
      AnswerOfUser();
      break;
    default:
      Submit(SetPaused{dag.id, false, "ana"});
      break;
  }
}

// To any question, also one that was answered, or is no longer asked.
void World::AnswerOfUser() {
  if (rows_.approvals.empty()) return;
  auto any = rows_.approvals.begin();
  std::advance(any, random_.Below(static_cast<int>(rows_.approvals.size())));
  const TaskInstance& instance = rows_.instances.at(any->first.first);
  const millrace::Run& run = rows_.runs.at(instance.key.run);
  const Dag& dag = *rows_.versions.at({run.dag_id, run.version}).dag;
  AnswerApproval answer;
  answer.dag_id = run.dag_id;
  answer.run_id = run.run_id;
  answer.task_id = dag.tasks[static_cast<std::size_t>(instance.task())].id;
  answer.chosen_options = {random_.Chance(60) ? "Approve" : "Reject"};
  answer.user = "ana";
  Submit(std::move(answer));
}

// Of the only DAG that has dates; its runs are run again whatever state they are in.
CreateBackfill World::BackfillOfUser() {
  CreateBackfill create;
  create.backfill.dag_id = "minutely";
  create.backfill.from = WallFromMicros(983'404'800'000'000) - std::chrono::minutes(6);
  create.backfill.to = create.backfill.from + std::chrono::minutes(random_.Below(9));
  create.backfill.reprocess = static_cast<Reprocess>(random_.Below(3));
  create.backfill.run_backwards = random_.Chance(30);
  create.backfill.max_active_runs = 1 + random_.Below(3);
  return create;
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
      for (const auto& [id, backfill] : rows_.backfills)
        Submit(ChangeBackfill{id, BackfillAction::kUnpause, "ana"});
    });
  }
}

}  // namespace millrace::sim
