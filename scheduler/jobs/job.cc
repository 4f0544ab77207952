#include "scheduler/jobs/job.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/model/json.h"
#include "core/spec/mapreduce_spec.h"
#include "scheduler/jobs/choices.h"
#include "scheduler/jobs/plan_value.h"
#include "scheduler/jobs/progress.h"
#include "scheduler/jobs/rules/fuse.h"
#include "scheduler/jobs/rules/spread.h"
#include "scheduler/jobs/second_tries.h"
#include "scheduler/jobs/sketches.h"
#include "scheduler/jobs/stage_graph.h"

namespace millrace::jobs {
namespace {

// A stage task fails its job when it has failed this often, or was lost this often beyond the first time.
constexpr std::int32_t kMaxFailures = 4;
constexpr std::int32_t kMaxLost = 10;
constexpr std::size_t kTimelineEntries = 1000;

const PlanResult* PlanOf(const StageTaskRow& row) { return std::get_if<PlanResult>(&row.result); }
const MapResult* MapOf(const StageTaskRow& row) { return std::get_if<MapResult>(&row.result); }
const ReduceResult* ReduceOf(const StageTaskRow& row) { return std::get_if<ReduceResult>(&row.result); }

}  // namespace

struct Job::State {
  JobKey key;
  std::string with;
  Cluster cluster;
  JobPlan plan;
  JobDecisions decisions;
  Progress progress;
  StageGraph graph{plan, decisions, progress};
  Sketches earlier;
  Choices choices{graph, progress, cluster, earlier};
  DealtSplits dealt;
  SecondTries second_tries{graph, progress, dealt};
  std::set<SessionId> gone;  // what lay there is lost
  bool decided = false;      // something that the plan's row has to keep
  bool explain = false;  // the plan is all that is wanted
  bool finished = false;

  std::string Folder() const {
    return "job-" + std::to_string(ToInt(key.instance.run)) + "-" + std::to_string(key.instance.index) + "-" +
           std::to_string(key.try_number);
  }

  template <typename Work>
  std::shared_ptr<const StageWork> Wrap(Work work) const {
    return std::make_shared<const StageWork>(StageWork{.job = key, .folder = Folder(), .work = std::move(work)});
  }

  StageTask& Task(StageTaskId id) { return progress.tasks[id]; }

  void Ask(Actions& actions, StageTaskId id, std::shared_ptr<const StageWork> work, std::int32_t slots = 1) {
    StageTask& task = Task(id);
    if (task.running || task.winner) return;
    task.running = true;
    ++task.tries;
    actions.start.push_back({.id = id, .work = std::move(work), .slots = std::max(slots, task.slots)});
  }

  void End(Actions& actions, Outcome outcome, std::string message, std::string result = "") {
    if (finished) return;
    finished = true;
    progress.state = outcome == Outcome::kSuccess ? "success" : "failed";
    for (auto& [id, task] : progress.tasks) CancelTask(actions, id, task);
    actions.start.clear();
    actions.finish = Finish{.outcome = outcome, .message = std::move(message), .result = std::move(result), .sketches = ""};
    if (outcome == Outcome::kSuccess && !fused() && !explain) actions.finish->sketches = SketchesText(graph);
    actions.report_changed = true;
  }

  // ---- from stage to stage -------------------------------------------------------------------------------------------

  void StartPlan(Actions& actions) { Ask(actions, {kPlanStage, 0}, Wrap(PlanWork{})); }

  // The plan is there: decide once, keep it with the plan's row, go on.
  void Decide() {
    for (const InputFacts& input : plan.inputs) {
      if (!input.reader_reason.empty()) progress.decisions.push_back({"read", input.name + " by DuckDB's reader", input.reader_reason});
    }
    const FuseChoice fuse = Fuse(plan, cluster.workers, cluster.slots, cluster.slot_bytes);
    decisions.mode = fuse.fused ? "fused" : "distributed";
    decisions.stages.resize(plan.stages.size());
    progress.decisions.push_back(fuse.decision);
    decided = true;
    Name();
    if (!fuse.fused) choices.DecideAhead();
    progress.plan = PlanValue(plan, decisions, fuse);
  }

  void Name() {
    progress.stages.clear();
    for (const StagePlan& stage : plan.stages) progress.stages.push_back(stage.name);
  }

  void KeepPlanRow(Actions& actions) {
    if (const bool chosen = choices.TakeChanged(); !std::exchange(decided, false) && !chosen) return;
    StageTaskRow& row = *Task({kPlanStage, 0}).winner;
    row.result = PlanResult{.plan = plan, .decisions = decisions};
    actions.winners.push_back(row);
  }

  bool fused() const { return decisions.mode == "fused"; }

  // Starts whatever the job's state allows and has not been started.
  void Advance(Actions& actions) {
    if (finished) return;
    if (!Task({kPlanStage, 0}).winner) return StartPlan(actions);
    if (explain) {
      KeepPlanRow(actions);
      return End(actions, Outcome::kSuccess, "", ToJson(Value::Map{{"mode", decisions.mode}, {"explained", true}}));
    }
    if (progress.state == "planning") progress.state = "running";
    if (fused()) {
      const std::int32_t slots = std::max(1, cluster.slots / std::max(cluster.workers, 1));
      Ask(actions, {kFusedStage, 0}, Wrap(FusedWork{.plan = plan}), slots);
    } else if (!Publishing()) {
      DropGone(actions);
      if (finished) return;
      const std::set<std::int32_t> held = choices.DecideJoins();
      for (std::int32_t i = 0; i < graph.count(); ++i) {  // a stage that this adds comes after the others
        if (!graph.absorbed(i) && !held.contains(i) && graph.Ready(i)) StartStage(actions, i);
      }
    }
    KeepPlanRow(actions);
    if (Done()) StartPublish(actions);
  }

  void StartStage(Actions& actions, std::int32_t i) {
    if (graph.decided(i).tasks.empty()) {
      if (choices.Divide(i)) return Name();
      choices.DecideTasks(i);
    }
    if (i == graph.last()) SumPartitions();
    const std::vector<TaskShare>& tasks = graph.decided(i).tasks;
    const auto dealt_to = std::count_if(tasks.begin(), tasks.end(), [](const TaskShare& share) { return share.group < 0; });
    if (dealt_to > 0 && !dealt.contains(i)) dealt[i] = Deal(graph.Splits(i), static_cast<std::int32_t>(dealt_to));
    std::optional<StageTaskWork> common;  // by all tasks
    auto known = progress.tasks.lower_bound({i, 0});  // every end of a task comes by here, and there may be thousands
    for (std::size_t k = 0; k < tasks.size(); ++k) {
      const StageTaskId id{i, static_cast<std::int32_t>(k)};
      while (known != progress.tasks.end() && known->first < id) ++known;
      if (known != progress.tasks.end() && known->first == id && (known->second.running || known->second.winner)) continue;
      if (!common) common = graph.WorkOf(i);
      StageTaskWork work = *common;
      work.index = id.index;
      if (tasks[k].group < 0) work.splits = dealt[i][static_cast<std::size_t>(tasks[k].begin)];
      graph.Narrow(work, tasks[k]);
      Ask(actions, id, Wrap(std::move(work)));
    }
  }

  void SumPartitions() {
    progress.partitions.clear();
    // The first task of a group begins with its first partition; several do that is cut.
    std::set<std::int32_t> seen;
    for (const TaskShare& share : graph.decided(graph.last()).tasks) {
      if (share.group >= 0 && share.begin == 0 && seen.insert(share.group).second) {
        for (const PartitionSize& size : graph.Partitions(graph.last(), share.group)) progress.partitions.push_back(size);
      }
    }
  }

  // The stage whose tasks write the output's files, and how many those are.
  std::int32_t LastStage() const { return fused() ? kFusedStage : graph.last(); }
  std::size_t LastTasks() const { return fused() ? 1 : graph.decided(graph.last()).tasks.size(); }

  bool Done() {
    if (!fused()) {
      for (std::int32_t i = 0; i < graph.last(); ++i) {
        if (!graph.absorbed(i) && graph.plan(i).exchange == Exchange::kFiles && !graph.Complete(i)) return false;
      }
      return graph.Complete(graph.last());
    }
    const auto found = progress.tasks.find({kFusedStage, 0});
    return found != progress.tasks.end() && found->second.winner;
  }

  void StartPublish(Actions& actions) {
    PublishWork work{.output = plan.output};
    for (std::size_t i = 0; i < LastTasks(); ++i) {
      const ReduceResult& reduce = *ReduceOf(*Task({LastStage(), static_cast<std::int32_t>(i)}).winner);
      work.files.insert(work.files.end(), reduce.files.begin(), reduce.files.end());
      work.check_states.push_back(reduce.check_state);
    }
    for (const auto& [id, task] : progress.tasks) {
      const MapResult* map = task.winner ? MapOf(*task.winner) : nullptr;
      if (map != nullptr) work.files.insert(work.files.end(), map->files.begin(), map->files.end());
      // A stage that writes nothing but what is beside the output.
      const ReduceResult* reduce = task.winner && id.stage < LastStage() ? ReduceOf(*task.winner) : nullptr;
      if (reduce != nullptr) work.files.insert(work.files.end(), reduce->files.begin(), reduce->files.end());
    }
    for (const StagePlan& stage : plan.stages) work.sides.insert(work.sides.end(), stage.sides.begin(), stage.sides.end());
    progress.state = "publishing";
    Ask(actions, {kPublishStage, 0}, Wrap(std::move(work)));
  }

  bool Publishing() {
    const auto found = progress.tasks.find({kPublishStage, 0});
    return found != progress.tasks.end() && (found->second.running || found->second.winner);
  }

  // ---- what attempts bring -------------------------------------------------------------------------------------------

  void Chosen(Actions& actions, StageTaskId id, StageTaskRow row) {
    StageTask& task = Task(id);
    const MapResult* map = MapOf(row);
    const bool differs = map != nullptr && !task.last_digest.empty() && task.last_digest != map->digest;
    const bool reordered = map != nullptr && !task.last_order.empty() && task.last_order != map->order_digest;
    task.winner = std::move(row);
    if (id.stage == kPlanStage) {
      plan = PlanOf(*task.winner)->plan;
      Decide();
      return;
    }
    actions.winners.push_back(*task.winner);
    if (map != nullptr && !differs && reordered && !Publishing()) RevokeCuts(actions, id);
    if (differs && !Publishing()) {
      for (const std::int32_t reader : graph.Consumers(id.stage)) Revoke(actions, reader, NameOf(id) + " was made again and its rows differ");
    }
    if (id.stage == kPublishStage) {
      const auto& publish = std::get<PublishResult>(task.winner->result);
      std::int64_t rows = 0;
      std::int64_t bytes = 0;
      for (const OutputFile& file : publish.files) {
        rows += file.rows;
        bytes += file.bytes;
      }
      Value result = Value::Map{{"path", publish.path}, {"files", static_cast<std::int64_t>(publish.files.size())},
                                {"rows", rows}, {"bytes", bytes}, {"mode", decisions.mode}};
      if (StatusOr<Value> checks = ParseJson(publish.checks); checks.ok()) result.Set("checks", *std::move(checks));
      End(actions, Outcome::kSuccess, "", ToJson(result));
    }
  }

  std::string NameOf(StageTaskId id) const { return progress.NameOf(id.stage) + " " + std::to_string(id.index); }

  void Cancel(Actions& actions, std::int32_t stage) {
    for (auto task = progress.tasks.lower_bound({stage, 0}); task != progress.tasks.end() && task->first.stage == stage; ++task) {
      CancelTask(actions, task->first, task->second);
    }
  }

  static void CancelTask(Actions& actions, StageTaskId id, StageTask& task) {
    if (std::exchange(task.running, false)) actions.cancel.push_back(id);
    if (std::exchange(task.twice, false)) actions.cancel.push_back({id.stage, id.index, 1});
  }

  // The winner's output no longer counts; what is made instead will be compared with it.
  void Drop(Actions& actions, StageTask& task) {
    if (const MapResult* map = MapOf(*task.winner)) {
      task.last_digest = map->digest;
      task.last_order = map->order_digest;
    }
    task.winner->revoked = true;
    actions.winners.push_back(*std::exchange(task.winner, std::nullopt));
  }

  // What was read of an output that differs now must not stand.
  void Revoke(Actions& actions, std::int32_t stage, const std::string& why) {
    Cancel(actions, stage);
    for (auto task = progress.tasks.lower_bound({stage, 0}); task != progress.tasks.end() && task->first.stage == stage; ++task) {
      if (task->second.winner) Drop(actions, task->second);
    }
    // They go on when it is there again, or are revoked in their turn when it differs.
    for (const std::int32_t reader : graph.Consumers(stage)) Cancel(actions, reader);
    progress.decisions.push_back({"lost", progress.NameOf(stage) + " tasks run again", why});
  }

  // The same rows in other blocks: who read some of them, and who reads the rest now, would not have all between them.
  void RevokeCuts(Actions& actions, StageTaskId map) {
    for (const std::int32_t reader : graph.Consumers(map.stage)) {
      const std::vector<TaskShare>& shares = graph.decided(reader).tasks;
      bool any = false;
      for (std::size_t k = 0; k < shares.size(); ++k) {
        if (!graph.CutsMap(reader, shares[k], map.stage, map.index)) continue;
        const StageTaskId id{reader, static_cast<std::int32_t>(k)};
        StageTask& task = Task(id);
        CancelTask(actions, id, task);
        if (!task.winner) continue;
        Drop(actions, task);
        any = true;
      }
      if (!any) continue;
      for (const std::int32_t next : graph.Consumers(reader)) Cancel(actions, next);
      progress.decisions.push_back({"lost", progress.NameOf(reader) + " tasks that read cuts run again",
                                    NameOf(map) + " was made again and its blocks differ"});
    }
  }

  // A map output that can no longer be read: make it again before any task that reads it and has not ended.
  void LoseMap(Actions& actions, StageTaskId id) {
    StageTask& task = Task(id);
    if (!task.winner || MapOf(*task.winner) == nullptr) return;
    ++task.lost;
    Drop(actions, task);
    for (const std::int32_t reader : graph.Consumers(id.stage)) Cancel(actions, reader);
    progress.decisions.push_back({"lost", NameOf(id) + " runs again", "its output is gone with its worker"});
    if (task.lost > kMaxLost) {
      End(actions, Outcome::kFailed, "the output of " + NameOf(id) + " was lost " + std::to_string(task.lost) + " times");
    }
  }

  // What lay with workers that are gone, as far as somebody will still read it; from the end, as what is made again reads, too.
  void DropGone(Actions& actions) {
    if (gone.empty()) return;
    for (const std::int32_t i : graph.FromTheEnd()) {
      if (graph.absorbed(i) || graph.decided(i).tasks.empty() || !graph.Needed(i)) continue;
      for (std::size_t k = 0; k < graph.decided(i).tasks.size() && !finished; ++k) {
        const StageTaskId id{i, static_cast<std::int32_t>(k)};
        if (Task(id).winner && gone.contains(Task(id).winner->session)) LoseMap(actions, id);
      }
    }
  }

  void Remember(StageTaskId id, const Report& report, const std::string& worker) {
    if (progress.timeline.size() >= kTimelineEntries) {
      ++progress.timeline_dropped;
      return;
    }
    progress.timeline.push_back({.id = id, .worker = worker, .started_at = report.started_at, .ended_at = report.ended_at,
                                 .outcome = report.outcome, .message = report.message});
  }

  // Twice the slots, and their memory; false when it had all of a worker already. A fused task had: then the work is divided instead.
  bool GiveMore(StageTaskId id, StageTask& task) {
    if (id.stage == kFusedStage) return Distribute();
    const std::int32_t all = cluster.slots / std::max(cluster.workers, 1);
    if (task.slots >= all) return false;
    const std::int32_t had = std::exchange(task.slots, std::min(2 * task.slots, all));
    progress.decisions.push_back({"memory", NameOf(id) + " runs again with " + std::to_string(task.slots) + " slots and their memory",
                                  "out of memory with " + std::to_string(had)});
    return true;
  }

  bool Distribute() {
    if (plan.mode == "fused") return false;
    decisions.mode = "distributed";
    progress.decisions.push_back({"memory", "distributed instead of fused", "out of memory with all of a worker's"});
    decided = true;
    choices.DecideAhead();
    progress.plan = PlanValue(plan, decisions, Fuse(plan, cluster.workers, cluster.slots, cluster.slot_bytes));
    return true;
  }

  void Failed(Actions& actions, StageTaskId id, const Report& report) {
    StageTask& task = Task(id);
    if (const auto* reduce = std::get_if<ReduceResult>(&report.stage); reduce != nullptr && !reduce->lost_maps.empty()) {
      for (const LostOutput& map : reduce->lost_maps) LoseMap(actions, {map.stage, map.map_index});
      return;
    }
    const std::string name = NameOf(id);
    if (report.outcome == Outcome::kLost) {
      if (++task.lost > kMaxLost) End(actions, Outcome::kFailed, name + " was lost with its worker " + std::to_string(task.lost) + " times");
      return;
    }
    if (report.error_class == kOutOfMemory && GiveMore(id, task)) return;
    ++task.failures;
    if (report.outcome == Outcome::kFailFinal || task.failures >= kMaxFailures) {
      End(actions, report.outcome == Outcome::kFailFinal ? Outcome::kFailFinal : Outcome::kFailed, name + ": " + report.message);
    }
  }
};

Job::Job(JobKey key, std::string with, Cluster cluster) : state_(std::make_unique<State>()) {
  state_->key = key;
  state_->with = std::move(with);
  state_->cluster = cluster;
}

Job::~Job() = default;

Actions Job::Begin(std::vector<StageTaskRow> durable, WallTime) {
  Actions actions;
  actions.report_changed = true;
  const StatusOr<Value> with = ParseJson(state_->with);
  const StatusOr<MapReduceSpec> spec = with.ok() ? ParseRenderedMapReduce(*with) : with.status();
  if (!spec.ok()) {
    state_->End(actions, Outcome::kFailFinal, spec.status().message());
    return actions;
  }
  state_->explain = spec->explain;
  for (const StageTaskRow& row : durable) {
    const PlanResult* plan = PlanOf(row);
    if (row.revoked || plan == nullptr || plan->plan.stages.empty()) continue;
    state_->plan = plan->plan;
    state_->decisions = plan->decisions;
    state_->decisions.stages.resize(state_->plan.stages.size());
    state_->Name();
    // The mode stays as it was decided; the estimates are of the workers that are there now.
    const Cluster& there = state_->cluster;
    state_->progress.plan = PlanValue(state_->plan, state_->decisions, Fuse(state_->plan, there.workers, there.slots, there.slot_bytes));
  }
  for (StageTaskRow& row : durable) {
    if (!state_->graph.Fits(row.stage, row.result)) continue;
    StageTask& task = state_->Task({row.stage, row.index});
    if (row.revoked) {
      if (const MapResult* map = MapOf(row)) {
        task.last_digest = map->digest;
        task.last_order = map->order_digest;
      }
      continue;
    }
    ++task.tries;
    task.winner = std::move(row);
  }
  state_->Advance(actions);
  return actions;
}

Actions Job::OnEnded(StageTaskId id, const Report& report, SessionId session, const std::string& worker, WallTime) {
  Actions actions;
  if (state_->finished) return actions;
  const bool copy = std::exchange(id.copy, 0) != 0;
  StageTask& task = state_->Task(id);
  if (copy) {
    if (worker.empty()) --task.tries;  // nobody had room for it
    if (!std::exchange(task.twice, false) || report.outcome != Outcome::kSuccess) return actions;  // the first goes on
    if (task.running) actions.cancel.push_back(id);
  } else if (task.running && report.outcome == Outcome::kSuccess && std::exchange(task.twice, false)) {
    actions.cancel.push_back({id.stage, id.index, 1});
  }
  if (!std::exchange(task.running, false)) return actions;  // cancelled, or already chosen
  actions.report_changed = true;
  state_->Remember(id, report, worker);
  Report judged = report;
  if (report.outcome == Outcome::kSuccess && !state_->graph.Fits(id.stage, report.stage)) {
    judged.outcome = Outcome::kFailed;
    judged.message = "the worker " + worker + " answered a " + state_->progress.NameOf(id.stage) + " task with something else";
  }
  if (judged.outcome == Outcome::kSuccess) {
    state_->Chosen(actions, id,
                   {.job = state_->key, .stage = id.stage, .index = id.index, .fence = report.fence, .session = session,
                    .started_at = report.started_at, .ended_at = report.ended_at, .worker = worker, .result = report.stage});
  } else {
    state_->Failed(actions, id, judged);
  }
  state_->Advance(actions);
  return actions;
}

void Job::OnDroppedEnded(StageTaskId id, const Report& report, const std::string& worker) {
  if (!state_->finished) state_->Remember(id, report, worker);
}

void Job::Know(std::string_view sketches) {
  if (!state_->Task({kPlanStage, 0}).winner) state_->earlier = ParseSketches(sketches);
}

Actions Job::OnTick(const std::vector<Underway>& underway) {
  Actions actions;
  if (state_->finished || state_->fused()) return actions;
  std::map<StageTaskId, Duration> elapsed;
  std::set<std::int32_t> stages;
  for (const Underway& one : underway) {
    if (one.id.stage < 0 || one.id.stage >= state_->graph.count()) continue;
    elapsed[one.id] = one.elapsed;
    stages.insert(one.id.stage);
  }
  for (const std::int32_t stage : stages) state_->second_tries.Start(actions, stage, elapsed);
  return actions;
}

Actions Job::OnSessionLost(SessionId session, WallTime) {
  Actions actions;
  if (state_->finished) return actions;
  state_->gone.insert(session);
  state_->Advance(actions);
  actions.report_changed = !actions.winners.empty();
  return actions;
}

void Job::Stop(std::string_view state) {
  if (std::exchange(state_->finished, true)) return;
  state_->progress.state = state;
  for (auto& [id, task] : state_->progress.tasks) task.running = false;
}

std::string Job::ReportJson() const {
  return ToJson(ReportValue(state_->key, state_->decisions, state_->progress));
}

}  // namespace millrace::jobs
