// Joins of the stage planner: both sides closed by their keys, as DuckDB compares them.
#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/stage_planner.h"
#include "worker/mapreduce/stage_sql.h"

namespace millrace::mapreduce {

StatusOr<StagePlanner::Rows> StagePlanner::PlanJoin(const StageSpec& stage) {
  const JoinSpec& join = *stage.join;
  std::vector<std::string> left_names;
  std::vector<std::string> right_names;
  for (const auto& [left, right] : join.on) {
    left_names.push_back(left);
    right_names.push_back(right);
  }
  ASSIGN_OR_RETURN(std::vector<KeyColumn> left_keys, KeysOf(stage, left_names, join.left));
  ASSIGN_OR_RETURN(std::vector<KeyColumn> right_keys, KeysOf(stage, right_names, join.right));
  RETURN_IF_ERROR(Agree(stage, join.left, left_keys, join.right, right_keys));
  ASSIGN_OR_RETURN(const std::vector<Column> left_columns, ColumnsOf(join.left));
  ASSIGN_OR_RETURN(const std::vector<Column> right_columns, ColumnsOf(join.right));
  StatusOr<std::string> sql = JoinSql(join, left_keys, right_keys, left_columns, right_columns);
  if (!sql.ok()) return sql.status().WithContext(What(stage));
  std::vector<Column> in_reach = left_columns;
  in_reach.insert(in_reach.end(), right_columns.begin(), right_columns.end());
  ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection_, What(stage), *sql, in_reach));

  // A row without a key meets no other: it is dropped before the shuffle where the join drops it.
  const bool keeps_left = join.type == "left" || join.type == "full" || join.type == "anti";
  const bool keeps_right = join.type == "right" || join.type == "full";
  Rows rows;
  const auto add = [&](const std::string& name, const std::vector<KeyColumn>& keys, bool kept) -> Status {
    ASSIGN_OR_RETURN(Rows side, Take(name));
    const Rows facts = side;
    const std::int32_t number = CloseByKeys(std::move(side), keys, stage.shuffle.partitions, kept, !kept);
    AddRead(rows, number, name, 0, false, facts.columns, facts.collations);
    return OkStatus();
  };
  RETURN_IF_ERROR(add(join.left, left_keys, keeps_left));
  RETURN_IF_ERROR(add(join.right, right_keys, keeps_right));
  rows.stage.join = {join.type, join.strategy, rows.stage.reads[0].view, rows.stage.reads[1].view};
  MayDivideJoin(rows, stage);
  AddStep(rows, stage.name, stage.name, bound.text);
  RETURN_IF_ERROR(Define(rows, stage, bound.text, bound.columns));
  return rows;
}

}  // namespace millrace::mapreduce
