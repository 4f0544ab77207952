// Stages of the planner whose rows come one by one: they flow on within a task, beside what the task reads
// whole.
#include <algorithm>

#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/stage_planner.h"
#include "worker/mapreduce/stage_sql.h"

namespace millrace::mapreduce {

StatusOr<std::vector<std::string>> StagePlanner::BroadcastsOf(const StageSpec& stage,
                                                              std::string& chosen_by_size) {
  std::vector<std::string> whole = stage.broadcast;
  const auto listed = [&](const std::string& name) {
    return std::find(stage.broadcast.begin(), stage.broadcast.end(), name) != stage.broadcast.end();
  };
  std::vector<InputSpec> specs;
  std::vector<InputFacts> inputs;
  std::vector<std::string> flowing;
  for (const std::string& name : stage.inputs) {
    if (!IsInput(name)) {
      if (!listed(name)) flowing.push_back(name);
      continue;
    }
    specs.push_back(Written(name));
    inputs.push_back(Input(name));
    if (listed(name)) specs.back().read = ReadMode::kBroadcast;
  }
  const std::string advice =
      ": say shuffle: {by: [...]} to bring their rows together, or name in 'broadcast' which of them each "
      "task reads whole";
  if (flowing.size() > 1)
    return InvalidArgument(What(stage) + ": reads the stages " + flowing[0] + " and " + flowing[1] + advice);
  if (flowing.empty()) {
    RETURN_IF_ERROR(DecideBroadcast(specs, inputs));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!flowing.empty()) {
      inputs[i].broadcast = specs[i].read == ReadMode::kBroadcast ||
                            (specs[i].read == ReadMode::kAuto && inputs[i].bytes < kBroadcastBytes);
      if (!inputs[i].broadcast)
        return InvalidArgument(What(stage) + ": reads the stage " + flowing[0] + " and the input " +
                               inputs[i].name + advice);
    }
    if (!inputs[i].broadcast || listed(inputs[i].name)) continue;
    if (specs[i].read != ReadMode::kBroadcast) chosen_by_size = inputs[i].name;
    whole.push_back(inputs[i].name);
  }
  return whole;
}

Status StagePlanner::CheckTables(const StageSpec& stage, const std::vector<std::string>& tables,
                                 Rows& rows) const {
  for (const std::string& table : tables) {
    const bool listed = std::find(stage.inputs.begin(), stage.inputs.end(), table) != stage.inputs.end();
    if (listed || !(IsInput(table) || readers_.contains(table))) continue;
    if (std::find(whole_.begin(), whole_.end(), table) == whole_.end())
      return InvalidArgument(What(stage) + ": reads '" + table + "', which is not among its inputs");
    if (std::find(rows.stage.broadcast.begin(), rows.stage.broadcast.end(), table) ==
        rows.stage.broadcast.end())
      rows.stage.broadcast.push_back(table);
  }
  return OkStatus();
}

Status StagePlanner::CheckNarrow(const StageSpec& stage, const BoundSelect& bound,
                                 const std::string& chosen_by_size) const {
  // Broadcasting the side whose rows are kept would keep them once a task. Where we chose the side, we may
  // have chosen wrong.
  if (!chosen_by_size.empty() && spec_.mode != JobMode::kFused && HasOneSidedJoin(bound.text)) {
    return InvalidArgument(What(stage) +
                           ": with an outer or anti join it must be said which input each task reads whole: "
                           "add read: broadcast to '" +
                           chosen_by_size +
                           "' or to another input whose unmatched rows the join does not keep");
  }
  if (spec_.stages.empty()) return OkStatus();  // of the short form, map may see its task's rows together
  ASSIGN_OR_RETURN(const std::string together, NeedsRowsTogether(connection_, bound.text, bound.functions));
  if (together.empty()) return OkStatus();
  return InvalidArgument(What(stage) + ": '" + together +
                         "' needs rows together, but each task has a part of them: add shuffle: {by: [...]}, "
                         "or write it as aggregate, distinct, window or order_by");
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanSql(const StageSpec& stage) {
  std::string chosen_by_size;
  ASSIGN_OR_RETURN(const std::vector<std::string> whole, BroadcastsOf(stage, chosen_by_size));
  std::vector<Column> in_reach;
  for (const std::string& name : stage.inputs) {
    ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(name));
    in_reach.insert(in_reach.end(), columns.begin(), columns.end());
  }
  ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection_, What(stage), stage.code.sql, in_reach));
  RETURN_IF_ERROR(CheckNarrow(stage, bound, chosen_by_size));
  Rows rows;
  for (const std::string& name : stage.inputs) {
    if (std::find(whole.begin(), whole.end(), name) != whole.end()) continue;
    ASSIGN_OR_RETURN(rows, Take(name));
  }
  for (const std::string& name : whole) {
    if (IsInput(name)) {
      const bool split_too =
          std::find(rows.stage.inputs.begin(), rows.stage.inputs.end(), name) != rows.stage.inputs.end();
      if (split_too)
        return InvalidArgument(What(stage) + ": '" + name +
                               "' is read in parts by a stage before, which the same task does; give the "
                               "input twice under two names");
      rows.stage.broadcast.push_back(name);
      continue;
    }
    ASSIGN_OR_RETURN(Rows small, Take(name));
    const std::vector<Column> columns = small.columns;
    const auto collations = small.collations;
    const std::int32_t number = CloseByKeys(std::move(small), {}, 0, false, false);
    AddRead(rows, number, name, 0, true, columns, collations);
  }
  if (spec_.stages.empty() && stage.name == "mapped") whole_ = rows.stage.broadcast;
  RETURN_IF_ERROR(CheckTables(stage, bound.tables, rows));
  AddStep(rows, Label(stage.name), stage.name, bound.text);
  RETURN_IF_ERROR(Define(rows, stage, bound.text, bound.columns));
  return rows;
}

}  // namespace millrace::mapreduce
