#include "scheduler/jobs/progress.h"

#include <algorithm>
#include <map>

namespace millrace::jobs {
namespace {

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSuccess: return "success";
    case Outcome::kFailed:
    case Outcome::kFailFinal: return "failed";
    case Outcome::kSkipped: return "skipped";
    case Outcome::kKilled: return "killed";
    case Outcome::kLost: return "lost";
    case Outcome::kNotYet: return "waiting";
  }
  return "failed";
}

struct StageTotals {
  std::int64_t tasks = 0, running = 0, done = 0, attempts = 0, failures = 0, lost = 0;
  std::int64_t input_rows = 0, output_rows = 0, output_bytes = 0, spilled_bytes = 0, local_bytes = 0, fetched_bytes = 0;
  std::int64_t bad_rows = 0, started_at = 0, ended_at = 0;
  std::vector<std::int64_t> task_bytes;  // that each read of shuffles
  std::map<std::string, std::int64_t> counters;
};

// Files of the output, and what else an attempt wrote.
void AddFiles(StageTotals& totals, const std::vector<OutputFile>& files) {
  for (const OutputFile& file : files) {
    if (file.output.empty()) {
      totals.output_rows += file.rows;
      totals.output_bytes += file.bytes;
    } else if (file.output.starts_with(kBadRowsOf)) {
      totals.bad_rows += file.rows;
    }
  }
}

void AddCounters(StageTotals& totals, const std::vector<Counter>& counters) {
  for (const Counter& counter : counters) totals.counters[counter.name] += counter.total;
}

void AddResult(StageTotals& totals, const StageResult& result) {
  if (const auto* map = std::get_if<MapResult>(&result)) {
    totals.input_rows += map->input_rows;
    totals.task_bytes.push_back(map->input_bytes);
    totals.spilled_bytes += map->spilled_bytes;
    totals.local_bytes += map->local_bytes;
    totals.fetched_bytes += map->fetched_bytes;
    for (const PartitionSize& partition : map->partitions) {
      totals.output_rows += partition.rows;
      totals.output_bytes += partition.bytes;
    }
    AddFiles(totals, map->files);
    AddCounters(totals, map->counters);
  } else if (const auto* reduce = std::get_if<ReduceResult>(&result)) {
    totals.input_rows += reduce->input_rows;
    totals.task_bytes.push_back(reduce->input_bytes);
    totals.local_bytes += reduce->local_bytes;
    totals.fetched_bytes += reduce->fetched_bytes;
    AddFiles(totals, reduce->files);
    AddCounters(totals, reduce->counters);
  } else if (const auto* publish = std::get_if<PublishResult>(&result)) {
    AddFiles(totals, publish->files);
  }
}

Value StageValue(const std::string& name, StageTotals totals) {
  Value value = Value::Map{{"stage", name},       {"tasks", totals.tasks},
                           {"running", totals.running},       {"done", totals.done},
                           {"attempts", totals.attempts},     {"failed_attempts", totals.failures},
                           {"lost_attempts", totals.lost},    {"input_rows", totals.input_rows},
                           {"output_rows", totals.output_rows}, {"output_bytes", totals.output_bytes},
                           {"spilled_bytes", totals.spilled_bytes}, {"local_bytes", totals.local_bytes},
                           {"fetched_bytes", totals.fetched_bytes}, {"bad_rows", totals.bad_rows}};
  if (!totals.task_bytes.empty()) {
    std::sort(totals.task_bytes.begin(), totals.task_bytes.end());
    value.Set("median_task_bytes", totals.task_bytes[totals.task_bytes.size() / 2]);
    value.Set("largest_task_bytes", totals.task_bytes.back());
  }
  if (!totals.counters.empty()) {
    Value counters = Value::Map{};
    for (const auto& [counter, total] : totals.counters) counters.Set(counter, total);
    value.Set("counters", std::move(counters));
  }
  if (totals.ended_at != 0) value.Set("duration_ms", (totals.ended_at - totals.started_at) / 1000);
  return value;
}

// What is published, once it is.
Value OutputValue(const Progress& progress) {
  const auto found = progress.tasks.find({kPublishStage, 0});
  if (found == progress.tasks.end() || !found->second.winner) return {};
  const auto* publish = std::get_if<PublishResult>(&found->second.winner->result);
  if (publish == nullptr) return {};
  Value::List files;
  for (const OutputFile& file : publish->files) {
    files.push_back(Value::Map{{"path", file.path}, {"rows", file.rows}, {"bytes", file.bytes}});
  }
  Value::List beside;
  for (const PublishedSide& side : publish->sides) {
    beside.push_back(Value::Map{
        {"name", side.name}, {"path", side.path}, {"files", side.files}, {"rows", side.rows}, {"bytes", side.bytes}});
  }
  return Value::Map{{"path", publish->path}, {"files", std::move(files)}, {"beside", std::move(beside)}};
}

Value SkewValue(const Skew& skew) {
  constexpr std::size_t kShown = 100;
  Value::List hot;
  std::int64_t tasks = 0;
  std::int64_t replicated = 0;
  for (const HotPartition& partition : skew.cut.hot) {
    tasks += partition.tasks();
    replicated += partition.replicated_bytes;
    if (hot.size() == kShown) continue;
    hot.push_back(Value::Map{{"partition", std::int64_t{partition.partition}},
                             {"rows", partition.size.rows},
                             {"bytes", partition.size.bytes},
                             {"tasks", partition.tasks()},
                             {"pieces", static_cast<std::int64_t>(partition.points.size() + 1)},
                             {"other_pieces", static_cast<std::int64_t>(partition.other_points.size() + 1)}});
  }
  Value::List keys;
  for (const HeavyKey& key : skew.keys) keys.push_back(Value::Map{{"key", key.text}, {"bytes", key.bytes}});
  return Value::Map{{"stage", skew.stage},
                    {"usual_bytes", skew.cut.usual_bytes},
                    {"largest_bytes", skew.cut.largest_bytes},
                    {"largest_task_bytes", skew.cut.hot.empty() ? skew.cut.largest_bytes : skew.cut.largest_task_bytes},
                    {"hot_partitions", static_cast<std::int64_t>(skew.cut.hot.size())},
                    {"tasks", tasks},
                    {"replicated_bytes", replicated},
                    {"hot", std::move(hot)},
                    {"keys", std::move(keys)}};
}

}  // namespace

std::string Progress::NameOf(std::int32_t stage) const {
  if (stage == kPlanStage) return "plan";
  if (stage == kFusedStage) return "fused";
  if (stage >= 0 && static_cast<std::size_t>(stage) < stages.size()) return stages[static_cast<std::size_t>(stage)];
  return "publish";
}

Value ReportValue(const JobKey& key, const JobDecisions& decisions, const Progress& progress) {
  std::map<std::int32_t, StageTotals> stages;
  for (const auto& [id, task] : progress.tasks) {
    StageTotals& totals = stages[id.stage];
    ++totals.tasks;
    totals.running += task.running ? 1 : 0;
    totals.attempts += task.tries;
    totals.failures += task.failures;
    totals.lost += task.lost;
    if (!task.winner) continue;
    ++totals.done;
    AddResult(totals, task.winner->result);
    const std::int64_t started = ToMicros(task.winner->started_at);
    totals.started_at = totals.started_at == 0 ? started : std::min(totals.started_at, started);
    totals.ended_at = std::max(totals.ended_at, ToMicros(task.winner->ended_at));
  }
  Value::List stage_list;
  for (const auto& [stage, totals] : stages) stage_list.push_back(StageValue(progress.NameOf(stage), totals));
  Value::List decision_list;
  for (const Decision& decision : progress.decisions) {
    decision_list.push_back(Value::Map{{"rule", decision.rule}, {"what", decision.what}, {"why", decision.why}});
  }
  Value::List partition_list;
  for (const PartitionSize& partition : progress.partitions) {
    partition_list.push_back(Value::Map{{"rows", partition.rows}, {"bytes", partition.bytes}});
  }
  Value::List skew_list;
  for (const Skew& skew : progress.skew) skew_list.push_back(SkewValue(skew));
  Value::List timeline;
  for (const TimelineEntry& entry : progress.timeline) {
    timeline.push_back(Value::Map{{"stage", progress.NameOf(entry.id.stage)},
                                  {"index", std::int64_t{entry.id.index}},
                                  {"worker", entry.worker},
                                  {"started_at", ToMicros(entry.started_at)},
                                  {"ended_at", ToMicros(entry.ended_at)},
                                  {"outcome", OutcomeName(entry.outcome)},
                                  {"message", entry.message}});
  }
  return Value::Map{{"run", ToInt(key.instance.run)},
                    {"try_number", std::int64_t{key.try_number}},
                    {"state", progress.state},
                    {"mode", decisions.mode},
                    {"plan", progress.plan},
                    {"stages", std::move(stage_list)},
                    {"partitions", std::move(partition_list)},
                    {"decisions", std::move(decision_list)},
                    {"skew", std::move(skew_list)},
                    {"output", OutputValue(progress)},
                    {"timeline", std::move(timeline)},
                    {"timeline_dropped", progress.timeline_dropped}};
}

}  // namespace millrace::jobs
