#include "worker/mapreduce/plan.h"

#include <algorithm>
#include <set>

#include "worker/lake/path.h"
#include "worker/mapreduce/aggregate.h"
#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/native.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

bool IsWide(const Column& column) { return column.type == "HUGEINT" || column.type == "UHUGEINT"; }

// SQL steps, one after the other; each sees the columns of the one before.
class Planner {
 public:
  Planner(const MapReduceSpec& spec, sql::Connection& connection, JobPlan& plan)
      : spec_(spec), connection_(connection), plan_(plan) {}

  Status Bind() {
    RETURN_IF_ERROR(BindMap());
    RETURN_IF_ERROR(spec_.aggregate ? BindAggregate() : BindAuthors());
    RETURN_IF_ERROR(CheckKeys(plan_.shuffled, "what crosses the shuffle"));
    return BindReduce();
  }

 private:
  Status BindMap() {
    std::vector<Column> in_reach;
    for (const InputFacts& input : plan_.inputs) {
      RETURN_IF_ERROR(connection_.CreateEmptyView(input.name, input.columns));
      in_reach.insert(in_reach.end(), input.columns.begin(), input.columns.end());
    }
    const std::string sql =
        spec_.map.sql.empty() ? "SELECT * FROM " + QuoteName(plan_.inputs.front().name) : spec_.map.sql;
    ASSIGN_OR_RETURN(const BoundSelect map, BindSelect(connection_, "map", sql, in_reach));
    plan_.map.sql = map.text;
    RETURN_IF_ERROR(CheckJoins());
    mapped_ = map.columns;
    plan_.keys = spec_.keys();
    RETURN_IF_ERROR(connection_.CreateEmptyView(kMapped, mapped_));
    return CheckKeys(mapped_, "the map's columns");
  }

  // Broadcasting the side whose rows are kept would keep them once a task. Where we chose the side, we may have chosen wrong.
  Status CheckJoins() const {
    if (spec_.mode == JobMode::kFused || !HasOneSidedJoin(plan_.map.sql)) return OkStatus();
    for (std::size_t i = 0; i < spec_.inputs.size(); ++i) {
      if (!plan_.inputs[i].broadcast || spec_.inputs[i].read == ReadMode::kBroadcast) continue;
      return InvalidArgument("map: with an outer or anti join it must be said which input each task reads whole: add read: broadcast to '" +
                             spec_.inputs[i].name + "' or to another input whose unmatched rows the join does not keep");
    }
    return OkStatus();
  }

  Status CheckKeys(const std::vector<Column>& columns, const std::string& what) const {
    std::string names;
    for (const Column& column : columns) names += (names.empty() ? "" : ", ") + column.name;
    for (const std::string& key : plan_.keys) {
      const auto named = [&](const Column& column) { return column.name == key; };
      if (std::none_of(columns.begin(), columns.end(), named)) {
        return InvalidArgument(std::string(spec_.aggregate ? "aggregate" : "shuffle") + ": by: '" + key + "' is not among " + what +
                               " (" + names + ")");
      }
    }
    return OkStatus();
  }

  Status BindAggregate() {
    const AggregateSpec& aggregate = *spec_.aggregate;
    ASSIGN_OR_RETURN(const BoundSelect plain, BindSelect(connection_, "aggregate", PlainAggregate(aggregate, kMapped), mapped_));
    const AggregatePlan derived = PlanAggregate(aggregate, plain.columns, kMapped, kStates);
    plan_.combine.sql = derived.combine;
    plan_.merge.sql = derived.merge;
    plan_.shuffled = mapped_;
    if (!derived.combine.empty()) {
      ASSIGN_OR_RETURN(plan_.shuffled, connection_.Describe(derived.combine));
    }
    RETURN_IF_ERROR(connection_.CreateEmptyView(kStates, plan_.shuffled));
    ASSIGN_OR_RETURN(reduced_, connection_.Describe(derived.merge));
    return OkStatus();
  }

  Status BindAuthors() {
    plan_.shuffled = mapped_;
    if (!spec_.combine.sql.empty()) {
      ASSIGN_OR_RETURN(const BoundSelect combine, BindSelect(connection_, "combine", spec_.combine.sql, mapped_));
      plan_.combine.sql = combine.text;
      plan_.shuffled = combine.columns;
    }
    reduced_ = plan_.shuffled;
    if (spec_.merge.sql.empty()) return OkStatus();
    RETURN_IF_ERROR(connection_.CreateEmptyView(kShuffled, plan_.shuffled));
    ASSIGN_OR_RETURN(const BoundSelect merge, BindSelect(connection_, "merge", spec_.merge.sql, plan_.shuffled));
    if (merge.columns != plan_.shuffled) {
      return InvalidArgument("merge: its columns and their types must be those of combine: states in, states out");
    }
    plan_.merge.sql = merge.text;
    return OkStatus();
  }

  Status BindReduce() {
    RETURN_IF_ERROR(connection_.CreateEmptyView(kShuffled, reduced_));
    plan_.output = reduced_;
    if (!spec_.reduce.sql.empty()) {
      ASSIGN_OR_RETURN(const BoundSelect reduce, BindSelect(connection_, "reduce", spec_.reduce.sql, reduced_));
      plan_.reduce.sql = reduce.text;
      plan_.output = reduce.columns;
    }
    return OkStatus();
  }

  const MapReduceSpec& spec_;
  sql::Connection& connection_;
  JobPlan& plan_;
  std::vector<Column> mapped_;
  std::vector<Column> reduced_;  // `shuffled`, as reduce sees it
};

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
    for (const char* taken : {kMapped, kStates}) {
      if (input.name == taken) return InvalidArgument("inputs: '" + input.name + "' is taken; give the input another name");
    }
    ASSIGN_OR_RETURN(InputFacts facts, FindInput(connection, site.root, input));
    plan.inputs.push_back(std::move(facts));
  }
  RETURN_IF_ERROR(DecideBroadcast(spec.inputs, plan.inputs));
  const bool native = spec.map.native();
  if (!native && (spec.combine.native() || spec.merge.native() || spec.reduce.native())) {
    return InvalidArgument("map: must be a command or a library too, when another step is one");
  }
  if (native) {
    RETURN_IF_ERROR(PlanNative(site, plan));
  } else {
    RETURN_IF_ERROR(Planner(spec, connection, plan).Bind());
  }
  if (native && !spec.reduce.sql.empty()) {
    RETURN_IF_ERROR(connection.CreateEmptyView(kShuffled, plan.shuffled));
    ASSIGN_OR_RETURN(const BoundSelect reduce, BindSelect(connection, "reduce", spec.reduce.sql, plan.shuffled));
    plan.reduce.sql = reduce.text;
    plan.output = reduce.columns;
  }
  plan.partitions = spec.shuffle.partitions;
  if (spec.mode == JobMode::kFused) plan.mode = "fused";
  if (spec.mode == JobMode::kDistributed) plan.mode = "distributed";
  plan.output = WrittenColumns(std::move(plan.output));
  RETURN_IF_ERROR(CheckOutput(site, plan));
  if (spec.output.format == "text") plan.output.assign(1, Column{"line", "VARCHAR"});
  for (const InputFacts& input : plan.inputs) {
    if (input.broadcast) continue;
    ASSIGN_OR_RETURN(std::vector<Split> splits, FindSplits(connection, input, native));
    plan.splits.insert(plan.splits.end(), splits.begin(), splits.end());
  }
  for (const Split& split : plan.splits) plan.input_bytes += split.bytes;
  return plan;
}

}  // namespace millrace::mapreduce
