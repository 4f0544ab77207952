#include "dagctl/simulation.h"

#include <algorithm>

#include "core/calendar/timetable.h"
#include "core/model/json.h"
#include "core/spec/field.h"
#include "core/spec/sensor.h"
#include "core/template/template.h"

namespace millrace::dagctl {
namespace {

constexpr std::int32_t kSlots = 1'000'000;
constexpr std::size_t kMostRuns = 600'000;  // a year has fewer minutes
// What is not over when the last date has passed goes on, but not for ever.
constexpr Duration kLongestRest = std::chrono::hours(24 * 366);

engine::EngineOptions EngineOptionsFor(const std::map<std::string, DagPtr, std::less<>>& dags) {
  engine::EngineOptions options;
  options.lease = std::chrono::hours(24 * 366 * 100);  // nobody sends heartbeats
  std::set<std::string> pools;
  for (const auto& [id, dag] : dags) {
    for (const Task& task : dag->tasks) pools.insert(task.pool);
  }
  pools.erase("default_pool");
  for (const std::string& pool : pools) options.pools.emplace_back(pool, kSlots);
  return options;
}

bool LooksBack(const Dag& dag) {
  return std::any_of(dag.tasks.begin(), dag.tasks.end(), [](const Task& task) {
    return task.depends_on_past || task.wait_for_downstream || task.kind == "sensor_external_task";
  });
}

// How long it waits at most, and what it does then; not what it looks for.
Value PolicyOf(const Value& with) {
  Value policy(Value::Map{});
  for (const char* name : {"timeout", "soft_fail", "never_fail"}) {
    if (const Value* value = with.Find(name); value != nullptr) policy.Set(name, *value);
  }
  return policy;
}

}  // namespace

Simulation::Simulation(const std::vector<DagPtr>& dags, SimulationOptions options, const ZoneDatabase& zones)
    : options_(std::move(options)),
      zones_(zones),
      now_{options_.start, BootTime(std::chrono::hours(1))} {
  for (const DagPtr& dag : dags) dags_[dag->id] = dag;
  for (const DagPtr& dag : dags) {
    dags_[dag->id] = WithoutWork(*dag);
    looks_back_ = looks_back_ || LooksBack(*dag);
  }
  engine_ = std::make_unique<engine::Engine>(EngineOptionsFor(dags_), zones_);
}

// What waits for the clock does so here. What waits for a DAG that is not simulated has waited enough.
bool Simulation::StaysSensor(const Task& task) const {
  if (task.kind == "sensor_time") return true;
  if (task.kind != "sensor_external_task") return false;
  return dags_.contains(ExternalTargetOf(task.with).dag_id);
}

// Everything but what decides which tasks run, and when, becomes a task that does nothing.
DagPtr Simulation::WithoutWork(const Dag& dag) const {
  Dag copy = dag;
  copy.paused_upon_creation = false;
  const WallTime last = options_.end - Duration(1) + copy.schedule.data_interval;
  copy.schedule.end = copy.schedule.end ? std::min(*copy.schedule.end, last) : last;
  copy.files.clear();
  for (Task& task : copy.tasks) {
    task.map_index_template.reset();
    if (task.weight && !References(task.weight->as_string(), task.id).empty()) task.weight.reset();
    if (task.loop && !CanTellWhenDone(dag, task)) task.loop = LoopPolicy{};
    if (IsLoopGate(task)) continue;
    // What nobody can know here holds nothing back.
    for (Boxed<RunCondition>* condition : {&task.run_if, &task.skip_if}) {
      if (*condition && !References((*condition)->condition.as_string(), task.id).empty()) condition->reset();
    }
    const bool decides = task.in_engine && task.steering != Steering::kNone && task.kind != "approval";
    if (decides || Triggers(dag, task) || (task.sensor && StaysSensor(task))) continue;
    task.kind = "empty";
    task.in_engine = false;
    // A sensor that polls finds what it looks for when its length is over, unless it gives up before.
    task.with = task.sensor ? PolicyOf(task.with) : Value(Value::Map());
    task.connections.clear();
    task.files.clear();
    task.pulls.clear();
    task.lookups.clear();
    task.cache.reset();
  }
  return std::make_shared<const Dag>(std::move(copy));
}

const TaskScript* Simulation::ScriptOf(const Dag& dag, const Task& task) const {
  const auto script = options_.tasks.find(task.id);
  return dag.id == options_.dag_id && script != options_.tasks.end() ? &script->second : nullptr;
}

// Otherwise the first iteration is taken to return what the loop waits for.
bool Simulation::CanTellWhenDone(const Dag& dag, const Task& task) const {
  if (!task.loop->until.is_string()) return true;
  const std::string& until = task.loop->until.as_string();
  if (!References(until, task.id).empty()) return false;
  const Task& returns = IsLoopGate(task) ? dag.tasks[static_cast<std::size_t>(task.upstream.front())] : task;
  const TaskScript* script = ScriptOf(dag, returns);
  return (script != nullptr && !script->results.empty()) || until.find("result") == std::string::npos;
}

const std::string* Simulation::TargetOf(const Task& task) const {
  const Value* target = task.kind == "trigger_dag" ? task.with.Find("dag") : nullptr;
  if (target == nullptr || !target->is_string() || !dags_.contains(target->as_string())) return nullptr;
  return &target->as_string();
}

// The DAG that it triggers takes part, nothing but this file is needed to know its conf, and it does not come back
// to this DAG: here no time would pass between the rounds.
bool Simulation::Triggers(const Dag& dag, const Task& task) const {
  const std::string* target = TargetOf(task);
  const Value* conf = task.with.Find("conf");
  if (target == nullptr || (conf != nullptr && HasTemplate(ToJson(*conf)))) return false;
  std::set<std::string> seen = {*target};
  std::vector<std::string> todo = {*target};
  while (!todo.empty()) {
    const Dag& next = *dags_.find(todo.back())->second;
    todo.pop_back();
    for (const Task& other : next.tasks) {
      const std::string* further = TargetOf(other);
      if (further != nullptr && seen.insert(*further).second) todo.push_back(*further);
    }
  }
  return !seen.contains(dag.id);
}

// What is said; otherwise what lets everything behind it run: all ways of a branch, one instance of an
// expand.
std::string Simulation::ResultOf(const Dag& dag, const Task& task, const TaskInstanceKey& key) const {
  if (const TaskScript* script = ScriptOf(dag, task); script != nullptr && !script->results.empty()) {
    std::size_t iteration = 0;
    const auto row = instances_.find(key);
    if ((task.loop || task.loop_gate >= 0) && row != instances_.end() && !row->second.loop.empty()) {
      const StatusOr<Value> kept = ParseJson(row->second.loop);
      const Value* index = kept.ok() ? kept->Find("index") : nullptr;
      if (index != nullptr && index->is_int()) iteration = static_cast<std::size_t>(index->as_int());
    }
    return script->results[std::min(iteration, script->results.size() - 1)];
  }
  if (task.steering == Steering::kBranch) {
    Value::List all;
    for (const std::int32_t next : task.downstream)
      all.emplace_back(dag.tasks[static_cast<std::size_t>(next)].id);
    return ToJson(Value(std::move(all)));
  }
  if (task.steering != Steering::kNone) return "true";
  const std::int32_t index = dag.FindTask(task.id);
  for (const Task& other : dag.tasks) {
    for (const XComRef& pull : other.expand_pulls) {
      if (pull.task == index && pull.key == kReturnValue) return "[0]";
    }
  }
  return "";
}

// As if each DAG had had all its runs before the start.
Image Simulation::FirstImage() const {
  Image image;
  for (const auto& [id, dag] : dags_) {
    DagRow row;
    row.dag_id = id;
    row.version = 1;
    const StatusOr<Timetable> timetable = Timetable::Of(dag->schedule, zones_);
    if (timetable.ok()) {
      const ScheduleWindow window{dag->schedule.start, dag->schedule.end, dag->schedule.catchup};
      if (const std::optional<Cursor> cursor = timetable->LastBefore(options_.start, window)) {
        row.cursor = cursor->run_after;
        row.cursor_logical_date = cursor->logical_date;
      }
    }
    image.dags.push_back(std::move(row));
    image.dag_versions.push_back({id, 1, options_.start, dag});
  }
  return image;
}

StatusOr<std::vector<SimulatedRun>> Simulation::Play() {
  engine::Output output;
  engine_->Load(FirstImage(), now_, output);
  Take(output);
  WorkerJoined worker;
  worker.stream = 1;
  worker.offer.name = "perfect";
  worker.offer.slots = kSlots;
  Apply(worker);
  Apply(Tick{});
  Settle();
  while (Step()) {
    if (wanted_.size() > kMostRuns) {
      return ResourceExhausted("more than " + std::to_string(kMostRuns) +
                               " runs: take fewer days, or give its tasks a length");
    }
  }
  while (!unfinished_.empty()) Finish(Run(runs_.find(*unfinished_.begin())->second));
  std::vector<SimulatedRun> all;
  all.reserve(wanted_.size());
  for (auto& [key, run] : wanted_) all.push_back(std::move(run));
  return all;
}

bool Simulation::Step() {
  std::optional<BootTime> next = engine_->NextBootTimer();
  if (const std::optional<WallTime> wall = engine_->NextWallTimer()) {
    const BootTime at = now_.boot + (*wall - now_.wall);
    next = next ? std::min(*next, at) : at;
  }
  if (!running_.empty()) next = next ? std::min(*next, running_.begin()->first) : running_.begin()->first;
  if (!next) return false;
  const Duration step = std::max<Duration>(*next - now_.boot, Duration(0));
  if (now_.wall + step >= options_.end + kLongestRest) return false;
  now_.boot += step;
  now_.wall += step;
  Apply(Tick{});
  Settle();
  return true;
}

void Simulation::Settle() {
  while (true) {
    Reported reported;
    reported.session = session_;
    reported.reports = std::exchange(started_, {});
    while (!running_.empty() && running_.begin()->first <= now_.boot) {
      reported.reports.push_back(std::move(running_.begin()->second));
      running_.erase(running_.begin());
    }
    if (!reported.reports.empty()) {
      for (Report& report : reported.reports) report.sequence = ++sequence_;
      Apply(reported);
    } else if (engine_->HasBacklog()) {
      Apply(Tick{});
    } else {
      return;
    }
  }
}

void Simulation::Apply(const Event& event) {
  engine::Output output;
  engine_->Apply(event, now_, output);
  Take(output);
}

void Simulation::Take(const engine::Output& output) {
  Keep(output.batch);
  for (const Effect& effect : output.effects) Happen(effect);
}

void Simulation::Keep(const Batch& batch) {
  for (const TaskInstance& row : batch.task_instances) instances_.insert_or_assign(row.key, row);
  for (const XComRow& row : batch.xcoms) xcoms_[{row.instance, row.key}] = row;
  for (const Record& record : batch.records) {
    const auto* told = std::get_if<AuditRecord>(&record);
    if (told != nullptr && told->action == "run_skipped" && told->object == options_.dag_id) ++skipped_;
  }
  for (const Run& row : batch.runs) {
    runs_.insert_or_assign(row.key, row);
    if (looks_back_ && row.logical_date) by_date_.insert_or_assign({row.dag_id, *row.logical_date}, row.key);
    unfinished_.insert(row.key);
    if (IsTerminal(row.state)) Finish(row);
  }
}

void Simulation::Finish(const Run& run) {
  const bool wanted = run.dag_id == options_.dag_id;
  unfinished_.erase(run.key);
  SimulatedRun result;
  result.run = run;
  const auto first = instances_.lower_bound({run.key, 0});
  auto last = first;
  for (; last != instances_.end() && last->first.run == run.key; ++last) {
    const TaskInstance& row = last->second;
    if (!wanted || row.state == TaskState::kRemoved) continue;
    ++result.states[static_cast<std::size_t>(row.state)];
    result.attempts += row.try_number;
    const Task& task = dags_.find(run.dag_id)->second->tasks[static_cast<std::size_t>(row.task())];
    result.tasks.push_back({task.id, row.map_index, row.state, row.try_number, row.started_at, row.ended_at});
  }
  if (wanted) wanted_[run.key] = std::move(result);
  xcoms_.erase(xcoms_.lower_bound({{run.key, 0}, ""}),
               xcoms_.lower_bound({{RunKey{ToInt(run.key) + 1}, 0}, ""}));
  if (looks_back_) return;
  instances_.erase(first, last);
  runs_.erase(run.key);
}

RunImage Simulation::ImageOf(const Run& run) const {
  RunImage image;
  image.run = run;
  image.dag = dags_.find(run.dag_id)->second;
  for (auto at = instances_.lower_bound({run.key, 0}); at != instances_.end() && at->first.run == run.key; ++at)
    image.task_instances.push_back(at->second);
  return image;
}

// Before the start all went well.
std::vector<RunImage> Simulation::RunsOf(const NeedRuns& need) const {
  const auto found = by_date_.find({need.dag_id, need.date});
  if (found != by_date_.end()) return {ImageOf(runs_.find(found->second)->second)};
  const auto dag = dags_.find(need.dag_id);
  if (need.date >= options_.start || dag == dags_.end()) return {};
  RunImage image;
  image.run.dag_id = need.dag_id;
  image.run.state = RunState::kSuccess;
  image.dag = dag->second;
  for (std::size_t i = 0; i < dag->second->tasks.size(); ++i) {
    TaskInstance row;
    row.key = {RunKey{}, static_cast<std::int32_t>(i)};
    row.state = TaskState::kSuccess;
    image.task_instances.push_back(std::move(row));
  }
  return {image};
}

StatusOr<RunImage> Simulation::Previous(const NeedPrevious& need) const {
  auto previous = by_date_.lower_bound({need.dag_id, need.before});
  if (previous == by_date_.begin() || (--previous)->first.first != need.dag_id)
    return NotFound("no run is earlier");
  return ImageOf(runs_.find(previous->second)->second);
}

void Simulation::Happen(const Effect& effect) {
  if (const auto* welcome = std::get_if<Welcome>(&effect)) session_ = welcome->session;
  if (const auto* assign = std::get_if<Assign>(&effect)) Begin(*assign);
  if (const auto* cancel = std::get_if<CancelAttempt>(&effect)) Stop(*cancel);
  if (const auto* need = std::get_if<Need>(&effect))
    Apply(Loaded{need->dag_id, need->run_id, NotFound("no such run")});
  if (const auto* need = std::get_if<NeedXComs>(&effect)) {
    std::vector<XComRow> rows;
    for (const XComKey& key : need->keys) {
      if (const auto row = xcoms_.find(key); row != xcoms_.end()) rows.push_back(row->second);
    }
    std::vector<FoundValue> found;
    for (const LookupRef& ref : need->lookups) found.push_back({ref, NotFound("a simulation has none")});
    Apply(XComsLoaded{need->instance, std::move(rows), std::move(found)});
  }
  if (const auto* need = std::get_if<NeedPrevious>(&effect))
    Apply(PreviousLoaded{need->run, Previous(*need)});
  if (const auto* need = std::get_if<NeedRuns>(&effect)) Apply(RunsLoaded{need->instance, need->date, RunsOf(*need)});
}

void Simulation::Begin(const Assign& assign) {
  const Assignment& what = assign.assignment;
  if (what.instance.index == kNotificationLog) {  // of a callback: delivered at once
    Report delivered;
    delivered.fence = what.fence;
    delivered.ended = true;
    delivered.started_at = delivered.ended_at = now_.wall;
    running_.emplace(now_.boot, std::move(delivered));
    return;
  }
  if (ToInt(what.instance.run) == 0) return;  // a watch of a dataset: it never sees a change
  const Dag& dag = *dags_.find(what.dag_id)->second;
  const Task& task = dag.tasks[static_cast<std::size_t>(dag.FindTask(what.task_id))];
  const TaskScript* script = ScriptOf(dag, task);
  Duration length = script != nullptr && script->length ? *script->length : options_.length;
  Report report;
  report.fence = what.fence;
  report.started_at = now_.wall;
  started_.push_back(report);
  report.ended = true;
  if (script != nullptr && what.try_number <= script->failures) {
    report.outcome = Outcome::kFailed;
    report.message = "told to fail";
  } else {
    report.result = ResultOf(dag, task, what.instance);
  }
  if (what.timeout > Duration(0) && length > what.timeout) {
    length = what.timeout;
    report.outcome = Outcome::kKilled;
    report.message = "execution_timeout";
    report.result.clear();
  }
  report.ended_at = now_.wall + length;
  running_.emplace(now_.boot + length, std::move(report));
}

void Simulation::Stop(const CancelAttempt& cancel) {
  const auto found = std::find_if(running_.begin(), running_.end(),
                                  [&](const auto& entry) { return entry.second.fence == cancel.fence; });
  if (found == running_.end()) return;
  Report report = std::move(found->second);
  running_.erase(found);
  report.outcome = Outcome::kKilled;
  report.message = cancel.reason;
  report.result.clear();
  report.ended_at = now_.wall;
  running_.emplace(now_.boot, std::move(report));
}

}  // namespace millrace::dagctl
