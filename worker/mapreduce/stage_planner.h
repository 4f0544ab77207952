// From the stages that an author writes to those that run: rows flow on within a task as far as they can, and
// cross a shuffle where a stage needs them together. The plan attempt calls it; every step is bound against
// empty views of the inputs, so that what cannot run is found before anything does. One thread.
//
// Deliberately not here: native code (native_plan.cc), sizes, which side of a join is broadcast
// (scheduler/jobs decides).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/bind.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// Keys as they are compared: of both sides of a join, or of all inputs of a shuffle.
struct KeyColumn {
  std::string column;
  std::string cast;       // to this type; "": as it is
  std::string collation;  // "": none
};

class StagePlanner {
 public:
  // `plan` has its inputs; their empty views are made here.
  StagePlanner(const MapReduceSpec& spec, sql::Connection& connection, JobPlan& plan)
      : spec_(spec), connection_(connection), plan_(plan) {}
  // Fills in stages, fused, ordered and output.
  Status Plan();

 private:
  // Rows that are not written yet: where a task would get them from, and what it would do.
  struct Rows {
    StagePlan stage;
    std::string view;
    std::vector<Column> columns;
    std::map<std::string, std::string> collations;  // of columns
  };

  Status PlanOne(const StageSpec& stage);
  Status CheckNames() const;
  StatusOr<Rows> PlanSql(const StageSpec& stage);
  StatusOr<Rows> PlanShuffledSql(const StageSpec& stage);
  StatusOr<Rows> PlanAuthorsStates(const StageSpec& stage);
  StatusOr<Rows> PlanAggregation(const StageSpec& stage);
  StatusOr<Rows> PlanJoin(const StageSpec& stage);
  StatusOr<Rows> PlanWindow(const StageSpec& stage);
  StatusOr<Rows> PlanUnion(const StageSpec& stage);
  StatusOr<Rows> PlanDistinct(const StageSpec& stage);
  StatusOr<Rows> PlanSort(const StageSpec& stage);
  StatusOr<Rows> PlanNative(const StageSpec& stage);
  // A stage that is written as files, too: to its output, or to be kept for later jobs.
  void AddSides(const StageSpec& stage, Rows& rows);

  // "stage 'x'", or what the short form calls it.
  std::string What(const StageSpec& stage) const;
  std::string Label(const std::string& name) const;
  bool IsInput(const std::string& name) const;
  const InputFacts& Input(const std::string& name) const;
  const InputSpec& Written(const std::string& name) const;

  // The rows of an input or an earlier stage; a stage that several read is written first.
  StatusOr<Rows> Take(const std::string& name);
  // A step more for a task; `view` is its result.
  void AddStep(Rows& rows, const std::string& label, const std::string& view, const std::string& sql) const;
  // The rows become a stage; gives its number.
  std::int32_t Close(Rows rows, Exchange exchange);
  std::int32_t CloseByKeys(Rows rows, const std::vector<KeyColumn>& keys, int partitions, bool keep_nulls,
                           bool drop_nulls);
  // As a later task reads the rows of a stage.
  Rows Read(std::int32_t stage, const std::string& view, const Rows& as);
  // The rows of the only shuffle that a stage reads may be divided, as `sql` makes such rows of their view again; "": they may
  // not, for `why`.
  void MayDivide(Rows& rows, const StageSpec& stage, const std::string& sql, const std::string& why);
  void MayDivideJoin(Rows& rows, const StageSpec& stage);
  // What may be divided may also be spread before.
  void MaySalt(const Rows& rows, const StageSpec& stage);
  // Read, for a stage that has these columns and others.
  void AddRead(Rows& rows, std::int32_t stage, const std::string& view, int group, bool broadcast,
               const std::vector<Column>& columns,
               const std::map<std::string, std::string>& collations) const;
  // Names the rows for the steps after, here and when all is fused; looks up columns and collations.
  Status Define(Rows& rows, const StageSpec& stage, const std::string& sql, std::vector<Column> columns);
  void DefineStep(const std::string& label, const std::string& view, const std::string& sql, bool kept);
  Status CheckKeys(const StageSpec& stage, const std::vector<std::string>& keys, const std::string& input);
  StatusOr<std::vector<KeyColumn>> KeysOf(const StageSpec& stage, const std::vector<std::string>& keys,
                                          const std::string& input);
  // The types by which columns of two relations are compared, as DuckDB would.
  Status Agree(const StageSpec& stage, const std::string& left, std::vector<KeyColumn>& left_keys,
               const std::string& right, std::vector<KeyColumn>& right_keys);
  // Of an input, a stage, or a view that was made here.
  StatusOr<std::vector<Column>> ColumnsOf(const std::string& view);
  StatusOr<std::map<std::string, std::string>> CollationsOf(const std::string& view);
  Status CheckNarrow(const StageSpec& stage, const BoundSelect& bound,
                     const std::string& chosen_by_size) const;
  // What SQL names must be what its tasks have. Reduce of the short form may read what map had whole.
  Status CheckTables(const StageSpec& stage, const std::vector<std::string>& tables, Rows& rows) const;
  // `chosen_by_size`: the last one that the author has not named.
  StatusOr<std::vector<std::string>> BroadcastsOf(const StageSpec& stage, std::string& chosen_by_size);

  const MapReduceSpec& spec_;
  sql::Connection& connection_;
  JobPlan& plan_;
  std::map<std::string, std::vector<Column>> columns_;  // of inputs and stages
  std::map<std::string, int> readers_;
  std::map<std::string, Rows> open_;
  std::map<std::string, std::pair<std::int32_t, Rows>> written_;  // stage number, and what it wrote
  std::vector<std::string> whole_;                                // of the short form: what map reads whole
  bool collated_ = false;                                         // some SQL says COLLATE
};

}  // namespace millrace::mapreduce
