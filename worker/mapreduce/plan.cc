#include "worker/mapreduce/plan.h"

#include <algorithm>

#include "worker/lake/path.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/prune.h"
#include "worker/mapreduce/sample.h"
#include "worker/mapreduce/stage_cache.h"
#include "worker/mapreduce/stage_planner.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

bool IsWide(const Column& column) { return column.type == "HUGEINT" || column.type == "UHUGEINT"; }

Status CheckOutput(const Site& site, const JobPlan& plan) {
  RETURN_IF_ERROR(lake::Beneath(site.root, site.spec.output.path).status());
  for (const std::string& column : site.spec.output.partition_by) {
    const auto named = [&](const Column& output) { return output.name == column; };
    if (std::none_of(plan.output.begin(), plan.output.end(), named)) {
      return InvalidArgument("output: partition_by: '" + column + "' is not a column of the result");
    }
  }
  if (!site.spec.output.partition_by.empty() && site.spec.output.partition_by.size() >= plan.output.size()) {
    return InvalidArgument("output: partition_by names every column: nothing is left for the files");
  }
  if (!site.spec.output.partition_by.empty() && site.spec.output.format == "text") {
    return InvalidArgument("output: partition_by does not go with text");
  }
  for (const StagePlan& stage : plan.stages) {
    for (const SideOutput& side : stage.sides) {
      RETURN_IF_ERROR(lake::Beneath(site.root, side.path).status());
      const std::string what = "stage '" + side.name + "': output: partition_by ";
      for (const std::string& column : side.partition_by) {
        const auto named = [&](const Column& output) { return output.name == column; };
        if (std::none_of(side.columns.begin(), side.columns.end(), named)) return InvalidArgument(what + "'" + column + "' is not a column");
      }
      if (!side.partition_by.empty() && (side.partition_by.size() >= side.columns.size() || side.format == "text")) {
        return InvalidArgument(what + (side.format == "text" ? "does not go with text" : "names every column"));
      }
    }
  }
  return OkStatus();
}

}  // namespace

std::vector<Column> WrittenColumns(std::vector<Column> columns) {
  for (Column& column : columns) {
    if (IsWide(column)) column.type = "DECIMAL(38,0)";
  }
  return columns;
}

std::string WrittenSelect(const std::string& select, const std::vector<Column>& columns) {
  std::string replaced;
  for (const Column& column : columns) {
    if (!IsWide(column)) continue;
    const std::string name = QuoteName(column.name);
    replaced += (replaced.empty() ? "" : ", ") + ("CAST(" + name + " AS DECIMAL(38,0)) AS " + name);
  }
  if (replaced.empty()) return select;
  return "SELECT * REPLACE (" + replaced + ") FROM (\n" + select + "\n)";
}

StatusOr<JobPlan> MakePlan(const Site& site) {
  const MapReduceSpec& spec = site.spec;
  ASSIGN_OR_RETURN(const std::unique_ptr<Database> database, Database::Open(site));
  sql::Connection& connection = database->connection();
  JobPlan plan;
  for (const InputSpec& input : spec.inputs) {
    for (const char* taken : {kMapped, kStates, kMerged}) {
      if (input.name == taken) return InvalidArgument("inputs: '" + input.name + "' is taken; give the input another name");
    }
    ASSIGN_OR_RETURN(InputFacts facts, FindInput(connection, site.root, input));
    plan.inputs.push_back(std::move(facts));
  }
  const bool native = spec.map.native();
  ASSIGN_OR_RETURN(const sql::Result now, connection.Run("SELECT epoch_us(now())"));
  ASSIGN_OR_RETURN(const MapReduceSpec planned, UseCache(site, plan, WallFromMicros(now.Integer(0, 0))));
  if (!native && (spec.combine.native() || spec.merge.native() || spec.reduce.native())) {
    return InvalidArgument("map: must be a command or a library too, when another step is one");
  }
  RETURN_IF_ERROR(native ? PlanNative(site, connection, plan) : StagePlanner(planned, connection, plan).Plan());
  if (!native && HasNativeCode(planned)) {
    RETURN_IF_ERROR(CheckLibraries(site, plan));
    plan.fused.clear();  // a process a slot
  }
  if (!native) RETURN_IF_ERROR(PruneFiles(connection, planned, plan));
  plan.partitions = spec.shuffle.partitions;
  if (spec.mode == JobMode::kFused) plan.mode = "fused";
  if (spec.mode == JobMode::kDistributed) plan.mode = "distributed";
  plan.output = WrittenColumns(std::move(plan.output));
  RETURN_IF_ERROR(CheckOutput(site, plan));
  if (spec.output.format == "text") plan.output.assign(1, Column{"line", "VARCHAR"});
  for (InputFacts& input : plan.inputs) {
    const auto splits_it = [&](const StagePlan& stage) { return std::find(stage.inputs.begin(), stage.inputs.end(), input.name) != stage.inputs.end(); };
    input.broadcast = std::none_of(plan.stages.begin(), plan.stages.end(), splits_it);
    if (input.broadcast) continue;
    ASSIGN_OR_RETURN(std::vector<Split> splits, FindSplits(connection, input, native));
    plan.splits.insert(plan.splits.end(), splits.begin(), splits.end());
  }
  for (const Split& split : plan.splits) plan.input_bytes += split.bytes;
  if (!native && spec.mode != JobMode::kFused) RETURN_IF_ERROR(SampleKeys(site, plan));
  return plan;
}

}  // namespace millrace::mapreduce
