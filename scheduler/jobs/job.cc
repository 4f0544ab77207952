#include "scheduler/jobs/job.h"

#include <algorithm>
#include <utility>

#include "core/model/json.h"
#include "core/spec/mapreduce_spec.h"
#include "scheduler/jobs/plan_value.h"
#include "scheduler/jobs/progress.h"
#include "scheduler/jobs/rules/coalesce.h"
#include "scheduler/jobs/rules/fuse.h"
#include "scheduler/jobs/rules/spread.h"

namespace millrace::jobs {
namespace {

// A stage task fails its job when it has failed this often, or was lost this often beyond the first time.
constexpr std::int32_t kMaxFailures = 4;
constexpr std::int32_t kMaxLost = 10;
constexpr std::size_t kTimelineEntries = 1000;

const PlanResult* PlanOf(const StageTaskRow& row) { return std::get_if<PlanResult>(&row.result); }
const MapResult* MapOf(const StageTaskRow& row) { return std::get_if<MapResult>(&row.result); }
const ReduceResult* ReduceOf(const StageTaskRow& row) { return std::get_if<ReduceResult>(&row.result); }

// A success must bring what its stage is for; a worker that answers something else is at fault, not the data.
bool Fits(std::int32_t stage, const StageResult& result) {
  switch (stage) {
    case kPlanStage: return std::holds_alternative<PlanResult>(result);
    case kMapStage: return std::holds_alternative<MapResult>(result);
    case kReduceStage: return std::holds_alternative<ReduceResult>(result);
    default: return std::holds_alternative<PublishResult>(result);
  }
}

}  // namespace

struct Job::State {
  JobKey key;
  std::string with;
  Cluster cluster;
  JobPlan plan;
  JobDecisions decisions;
  std::vector<std::vector<Split>> dealt;  // splits by map task
  Progress progress;
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
    actions.start.push_back({.id = id, .work = std::move(work), .slots = slots});
  }

  void End(Actions& actions, Outcome outcome, std::string message, std::string result = "") {
    if (finished) return;
    finished = true;
    progress.state = outcome == Outcome::kSuccess ? "success" : "failed";
    for (auto& [id, task] : progress.tasks) {
      if (std::exchange(task.running, false)) actions.cancel.push_back(id);
    }
    actions.start.clear();
    actions.finish = Finish{.outcome = outcome, .message = std::move(message), .result = std::move(result)};
    actions.report_changed = true;
  }

  // ---- from stage to stage -------------------------------------------------------------------------------------------

  void StartPlan(Actions& actions) { Ask(actions, {kPlanStage, 0}, Wrap(PlanWork{})); }

  // The plan is there: decide once, keep it with the plan's row, go on.
  void Decide(Actions& actions) {
    for (const InputFacts& input : plan.inputs) {
      if (!input.reader_reason.empty()) progress.decisions.push_back({"read", input.name + " by DuckDB's reader", input.reader_reason});
    }
    const FuseChoice fuse = Fuse(plan, cluster.workers, cluster.slots);
    decisions.mode = fuse.fused ? "fused" : "distributed";
    progress.decisions.push_back(fuse.decision);
    if (!fuse.fused) {
      const SpreadChoice spread = Spread(plan, cluster.workers, cluster.slots);
      decisions.map_tasks = spread.map_tasks;
      decisions.partitions = spread.partitions;
      progress.decisions.push_back(spread.decision);
    }
    progress.plan = PlanValue(plan, decisions, fuse);
    KeepPlanRow(actions);
  }

  void KeepPlanRow(Actions& actions) {
    StageTaskRow& row = *Task({kPlanStage, 0}).winner;
    row.result = PlanResult{.plan = plan, .decisions = decisions};
    actions.winners.push_back(row);
  }

  bool fused() const { return decisions.mode == "fused"; }

  // Starts whatever the job's state allows and has not been started.
  void Advance(Actions& actions) {
    if (finished) return;
    if (!Task({kPlanStage, 0}).winner) return StartPlan(actions);
    if (explain) return End(actions, Outcome::kSuccess, "", ToJson(Value::Map{{"mode", decisions.mode}, {"explained", true}}));
    if (progress.state == "planning") progress.state = "running";
    if (fused()) {
      const std::int32_t slots = std::max(1, cluster.slots / std::max(cluster.workers, 1));
      Ask(actions, {kReduceStage, 0}, Wrap(FusedWork{.plan = plan}), slots);
    } else if (!StartMaps(actions)) {
      return;
    } else {
      StartReduces(actions);
    }
    if (AllReduced()) StartPublish(actions);
  }

  // True when every map task has a winner.
  bool StartMaps(Actions& actions) {
    if (dealt.empty()) dealt = Deal(plan.splits, decisions.map_tasks);
    bool complete = true;
    for (std::int32_t i = 0; i < decisions.map_tasks; ++i) {
      const StageTaskId id{kMapStage, i};
      if (Task(id).winner) continue;
      complete = false;
      if (Task(id).running) continue;
      Ask(actions, id,
          Wrap(MapWork{.stage = kMapStage,
                       .map_index = i,
                       .partitions = decisions.partitions,
                       .splits = dealt[static_cast<std::size_t>(i)],
                       .inputs = plan.inputs,
                       .map = plan.map,
                       .combine = plan.combine,
                       .keys = plan.keys}));
    }
    return complete;
  }

  void StartReduces(Actions& actions) {
    SumPartitions();
    if (decisions.reduce_begins.empty()) {
      const CoalesceChoice choice = Coalesce(progress.partitions, plan.partitions > 0, cluster.slots);
      decisions.reduce_begins = choice.begins;
      progress.decisions.push_back(choice.decision);
      KeepPlanRow(actions);
    }
    std::vector<MapOutput> sources;
    for (std::int32_t i = 0; i < decisions.map_tasks; ++i) sources.push_back(MapOf(*Task({kMapStage, i}).winner)->output);
    std::vector<InputFacts> broadcast;
    for (const InputFacts& input : plan.inputs) {
      if (input.broadcast) broadcast.push_back(input);
    }
    for (std::size_t i = 0; i < decisions.reduce_begins.size(); ++i) {
      const StageTaskId id{kReduceStage, static_cast<std::int32_t>(i)};
      if (Task(id).running || Task(id).winner) continue;
      const bool last = i + 1 == decisions.reduce_begins.size();
      Ask(actions, id,
          Wrap(ReduceWork{.stage = kReduceStage,
                          .reduce_index = id.index,
                          .partition_begin = decisions.reduce_begins[i],
                          .partition_end = last ? decisions.partitions : decisions.reduce_begins[i + 1],
                          .sources = sources,
                          .inputs = broadcast,
                          .shuffled = plan.shuffled,
                          .merge = plan.merge,
                          .reduce = plan.reduce}));
    }
  }

  void SumPartitions() {
    progress.partitions.assign(static_cast<std::size_t>(decisions.partitions), {});
    for (std::int32_t i = 0; i < decisions.map_tasks; ++i) {
      const MapResult& map = *MapOf(*Task({kMapStage, i}).winner);
      for (std::size_t p = 0; p < std::min(map.partitions.size(), progress.partitions.size()); ++p) {
        progress.partitions[p].bytes += map.partitions[p].bytes;
        progress.partitions[p].rows += map.partitions[p].rows;
      }
    }
  }

  std::size_t ReduceTasks() const { return fused() ? 1 : decisions.reduce_begins.size(); }

  bool AllReduced() {
    if (ReduceTasks() == 0) return false;
    for (std::size_t i = 0; i < ReduceTasks(); ++i) {
      if (!Task({kReduceStage, static_cast<std::int32_t>(i)}).winner) return false;
    }
    return true;
  }

  void StartPublish(Actions& actions) {
    PublishWork work{.output = plan.output};
    for (std::size_t i = 0; i < ReduceTasks(); ++i) {
      const ReduceResult& reduce = *ReduceOf(*Task({kReduceStage, static_cast<std::int32_t>(i)}).winner);
      work.files.insert(work.files.end(), reduce.files.begin(), reduce.files.end());
      work.check_states.push_back(reduce.check_state);
    }
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
    task.winner = std::move(row);
    if (id.stage == kPlanStage) {
      plan = PlanOf(*task.winner)->plan;
      Decide(actions);
      return;
    }
    actions.winners.push_back(*task.winner);
    if (differs && !Publishing()) RevokeReduces(actions, "map " + std::to_string(id.index) + " was made again and its rows differ");
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

  // What was read of an output that differs now must not stand.
  void RevokeReduces(Actions& actions, const std::string& why) {
    for (auto& [id, task] : progress.tasks) {
      if (id.stage != kReduceStage) continue;
      if (std::exchange(task.running, false)) actions.cancel.push_back(id);
      if (!task.winner) continue;
      task.winner->revoked = true;
      actions.winners.push_back(*std::exchange(task.winner, std::nullopt));
    }
    progress.decisions.push_back({"lost", "reduce tasks run again", why});
  }

  // A map output that can no longer be read: make it again before any reduce task that has not ended.
  void LoseMap(Actions& actions, std::int32_t index) {
    StageTask& task = Task({kMapStage, index});
    if (!task.winner) return;
    task.last_digest = MapOf(*task.winner)->digest;
    ++task.lost;
    task.winner->revoked = true;
    actions.winners.push_back(*std::exchange(task.winner, std::nullopt));
    for (auto& [id, reduce] : progress.tasks) {
      if (id.stage == kReduceStage && std::exchange(reduce.running, false)) actions.cancel.push_back(id);
    }
    progress.decisions.push_back({"lost", "map " + std::to_string(index) + " runs again", "its output is gone with its worker"});
    if (task.lost > kMaxLost) {
      End(actions, Outcome::kFailed, "the output of map " + std::to_string(index) + " was lost " + std::to_string(task.lost) + " times");
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

  void Failed(Actions& actions, StageTaskId id, const Report& report) {
    StageTask& task = Task(id);
    if (const auto* reduce = std::get_if<ReduceResult>(&report.stage); reduce != nullptr && !reduce->lost_maps.empty()) {
      for (std::int32_t map : reduce->lost_maps) LoseMap(actions, map);
      return;
    }
    const std::string name = std::string(StageName(id.stage)) + " " + std::to_string(id.index);
    if (report.outcome == Outcome::kLost) {
      if (++task.lost > kMaxLost) End(actions, Outcome::kFailed, name + " was lost with its worker " + std::to_string(task.lost) + " times");
      return;
    }
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
  for (StageTaskRow& row : durable) {
    if (row.revoked || !Fits(row.stage, row.result)) continue;
    if (const PlanResult* plan = PlanOf(row)) {
      state_->plan = plan->plan;
      state_->decisions = plan->decisions;
      // The mode stays as it was decided; the estimates are of the workers that are there now.
      state_->progress.plan = PlanValue(state_->plan, state_->decisions, Fuse(state_->plan, state_->cluster.workers, state_->cluster.slots));
    }
    StageTask& task = state_->Task({row.stage, row.index});
    ++task.tries;
    task.winner = std::move(row);
  }
  state_->Advance(actions);
  return actions;
}

Actions Job::OnEnded(StageTaskId id, const Report& report, SessionId session, const std::string& worker, WallTime) {
  Actions actions;
  if (state_->finished) return actions;
  StageTask& task = state_->Task(id);
  if (!std::exchange(task.running, false)) return actions;  // cancelled, or already chosen
  actions.report_changed = true;
  state_->Remember(id, report, worker);
  Report judged = report;
  if (report.outcome == Outcome::kSuccess && !Fits(id.stage, report.stage)) {
    judged.outcome = Outcome::kFailed;
    judged.message = "the worker " + worker + " answered a " + std::string(StageName(id.stage)) + " task with something else";
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

Actions Job::OnSessionLost(SessionId session, WallTime) {
  Actions actions;
  if (state_->finished || state_->fused() || state_->Publishing() || state_->AllReduced()) return actions;
  for (auto& [id, task] : state_->progress.tasks) {
    if (id.stage == kMapStage && task.winner && task.winner->session == session) state_->LoseMap(actions, id.index);
  }
  if (!actions.winners.empty()) actions.report_changed = true;
  state_->Advance(actions);
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
