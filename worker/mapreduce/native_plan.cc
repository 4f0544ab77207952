#include <algorithm>

#include "worker/lake/path.h"
#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/library.h"
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/plan.h"

namespace millrace::mapreduce {
namespace {

Fragment FragmentOf(const CodeSpec& step) {
  return {.sql = "", .command = step.command, .library = step.library, .class_name = step.class_name};
}

Status CheckSteps(const Site& site, const JobPlan& plan) {
  const MapReduceSpec& spec = site.spec;
  if (plan.inputs.front().format == "parquet") {
    return InvalidArgument("map: a command or a library reads lines; input '" + plan.inputs.front().name + "' is Parquet");
  }
  if (!spec.combine.sql.empty()) return InvalidArgument("combine: must be a command or a library, as map is");
  if (!spec.merge.empty()) return InvalidArgument("merge: is for SQL; a command or a library has combine and reduce");
  if (spec.mode == JobMode::kFused) return InvalidArgument("mode: a command or a library is never fused");
  if (spec.reduce.sql.empty() && spec.output.format != "text" && spec.output.format != "parquet") {
    return InvalidArgument("output: bytes from a command or a library are written as text or parquet, not as " + spec.output.format);
  }
  if (spec.reduce.sql.empty() && !spec.output.partition_by.empty()) {
    return InvalidArgument("output: partition_by needs rows with columns: write 'reduce' as SQL");
  }
  return OkStatus();
}

}  // namespace

Status PlanNative(const Site& site, sql::Connection& connection, JobPlan& plan) {
  RETURN_IF_ERROR(CheckSteps(site, plan));
  const MapReduceSpec& spec = site.spec;
  StagePlan map{.name = "map", .inputs = {plan.inputs.front().name}};
  map.columns = {{"key", "BLOB"}, {"value", "BLOB"}};
  map.exchange = Exchange::kHash;
  map.keys = {"key"};
  map.partitions = spec.shuffle.partitions;
  map.steps.push_back({.name = "map", .view = "", .code = FragmentOf(spec.map)});
  if (!spec.combine.empty()) map.steps.push_back({.name = "combine", .view = "", .code = FragmentOf(spec.combine)});
  StagePlan reduce{.name = "reduce"};
  reduce.reads = {{.view = kShuffled, .stage = 0, .columns = map.columns}};
  reduce.columns = map.columns;
  reduce.result = kShuffled;
  reduce.cut.never = "native code sees all values of a key";
  if (spec.reduce.native()) reduce.steps.push_back({.name = "reduce", .view = "", .code = FragmentOf(spec.reduce)});
  if (!spec.reduce.sql.empty()) {
    RETURN_IF_ERROR(connection.CreateEmptyView(kShuffled, map.columns));
    ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection, "reduce", spec.reduce.sql, map.columns));
    reduce.steps.push_back({.name = "reduce", .view = "reduced", .code = {.sql = bound.text}});
    reduce.result = "reduced";
    reduce.columns = bound.columns;
  }
  plan.output = reduce.columns;
  plan.stages = {std::move(map), std::move(reduce)};
  return CheckLibraries(site, plan);
}

const Fragment* CodeOf(const StagePlan& plan, const char* step) {
  for (const Step& one : plan.steps) {
    if (one.name == step && (!one.code.command.empty() || !one.code.library.empty())) return &one.code;
  }
  return nullptr;
}

Status CheckLibraries(const Site& site, const JobPlan& plan) {
  for (const StagePlan& stage : plan.stages) {
    for (const Step& step : stage.steps) {
      if (step.code.library.empty()) continue;
      ASSIGN_OR_RETURN(const std::string path, lake::Beneath(site.root, step.code.library));
      ASSIGN_OR_RETURN(const std::shared_ptr<Library> library, Library::Load(path));
      const std::string& name = step.code.class_name;
      const Status found = step.name == "map"         ? library->MakeMapper(name).status()
                           : step.name == "combine"   ? library->MakeCombiner(name).status()
                           : step.name == "partition" ? library->MakePartitioner(name).status()
                                                      : library->MakeReducer(name).status();
      RETURN_IF_ERROR(found.WithContext(step.name));
    }
  }
  return OkStatus();
}

}  // namespace millrace::mapreduce
