#include "worker/mapreduce/stage_planner.h"

#include <algorithm>
#include <set>

#include "worker/mapreduce/aggregate.h"
#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/plan.h"
#include "worker/mapreduce/site.h"
#include "worker/mapreduce/stage_sql.h"

namespace millrace::mapreduce {

using sql::QuoteName;

Status StagePlanner::Plan() {
  const std::vector<StageSpec> stages = StagesOf(spec_);
  for (const InputFacts& input : plan_.inputs) {
    RETURN_IF_ERROR(connection_.CreateEmptyView(input.name, input.columns));
    columns_[input.name] = input.columns;
  }
  for (const StageSpec& stage : stages) {
    for (const std::string& name : stage.inputs) ++readers_[name];
    const std::vector<std::string> words = BareWords(stage.code.sql);
    collated_ = collated_ || std::find(words.begin(), words.end(), "collate") != words.end();
  }
  for (const StageSpec& stage : stages) RETURN_IF_ERROR(PlanOne(stage));
  Rows last = std::move(open_.at(stages.back().name));
  plan_.output = last.columns;
  plan_.ordered = last.stage.ordered;
  Close(std::move(last), Exchange::kFiles);
  RETURN_IF_ERROR(CheckNames());
  if (spec_.stages.empty()) {
    // As everybody calls them.
    plan_.stages.back().name = "reduce";
    if (plan_.stages.back().reads.empty() || plan_.stages.size() > 1) plan_.stages.front().name = "map";
  }
  return OkStatus();
}

// A task reads its rows by names: none may mean two things there.
Status StagePlanner::CheckNames() const {
  for (const StagePlan& stage : plan_.stages) {
    std::set<std::string> names;
    const auto twice = [&](const std::string& name) { return !names.insert(name).second; };
    std::string found;
    for (const std::string& name : stage.inputs) found = twice(name) ? name : found;
    for (const std::string& name : stage.broadcast) found = twice(name) ? name : found;
    for (const StageRead& read : stage.reads) found = twice(read.view) ? read.view : found;
    if (!found.empty()) {
      return InvalidArgument(
          "stage '" + stage.name + "': one task would read '" + found +
          "' both in parts and whole: make one of them a stage of its own (sql: SELECT * FROM " + found +
          ")");
    }
  }
  return OkStatus();
}

Status StagePlanner::PlanOne(const StageSpec& stage) {
  StatusOr<Rows> rows = !stage.map.empty()        ? PlanNative(stage)
                        : stage.aggregate         ? PlanAggregation(stage)
                        : stage.join              ? PlanJoin(stage)
                        : stage.window            ? PlanWindow(stage)
                        : stage.union_all         ? PlanUnion(stage)
                        : stage.distinct          ? PlanDistinct(stage)
                        : !stage.order_by.empty() ? PlanSort(stage)
                        : !stage.combine.empty()  ? PlanAuthorsStates(stage)
                        : !stage.shuffle.empty()  ? PlanShuffledSql(stage)
                                                  : PlanSql(stage);
  if (!rows.ok()) return rows.status();
  AddSides(stage, *rows);
  if (stage.output && readers_[stage.name] == 0) {  // read by nobody: its tasks write nothing else
    rows->columns.clear();
    Close(*std::move(rows), Exchange::kFiles);
    return OkStatus();
  }
  open_.emplace(stage.name, *std::move(rows));
  return OkStatus();
}

std::string StagePlanner::Label(const std::string& name) const {
  if (!spec_.stages.empty()) return name;
  return name == "mapped" ? "map" : name == "shuffled" ? "merge" : name == "reduced" ? "reduce" : "sort";
}

std::string StagePlanner::What(const StageSpec& stage) const {
  if (!spec_.stages.empty()) return "stage '" + stage.name + "'";
  if (stage.name == "shuffled") return spec_.aggregate ? "aggregate" : "shuffle";
  return Label(stage.name);
}

bool StagePlanner::IsInput(const std::string& name) const {
  return std::any_of(plan_.inputs.begin(), plan_.inputs.end(),
                     [&](const InputFacts& input) { return input.name == name; });
}

const InputFacts& StagePlanner::Input(const std::string& name) const {
  return *std::find_if(plan_.inputs.begin(), plan_.inputs.end(),
                       [&](const InputFacts& input) { return input.name == name; });
}

const InputSpec& StagePlanner::Written(const std::string& name) const {
  return *std::find_if(spec_.inputs.begin(), spec_.inputs.end(),
                       [&](const InputSpec& input) { return input.name == name; });
}

StatusOr<StagePlanner::Rows> StagePlanner::Take(const std::string& name) {
  if (IsInput(name))
    return Rows{.stage = {.name = name, .inputs = {name}}, .view = name, .columns = Input(name).columns};
  if (readers_[name] == 1) {
    Rows rows = std::move(open_.at(name));
    open_.erase(name);
    return rows;
  }
  // Several stages read it: its rows are computed and written once.
  if (!written_.contains(name)) {
    Rows rows = std::move(open_.at(name));
    open_.erase(name);
    Rows facts = rows;
    const std::int32_t stage = Close(std::move(rows), Exchange::kScatter);
    written_.emplace(name, std::pair(stage, std::move(facts)));
  }
  const auto& [stage, rows] = written_.at(name);
  return Read(stage, name, rows);
}

void StagePlanner::AddStep(Rows& rows, const std::string& label, const std::string& view,
                           const std::string& sql) const {
  rows.stage.steps.push_back({.name = label, .view = view, .code = {.sql = sql}});
  rows.view = view;
}

std::int32_t StagePlanner::Close(Rows rows, Exchange exchange) {
  StagePlan stage = std::move(rows.stage);
  std::string name = stage.name;
  for (int i = 2; std::any_of(plan_.stages.begin(), plan_.stages.end(),
                              [&](const StagePlan& other) { return other.name == name; });
       ++i)
    name = stage.name + "." + std::to_string(i);
  stage.name = name;
  stage.result = rows.view;
  stage.columns = rows.columns;
  stage.exchange = exchange;
  plan_.stages.push_back(std::move(stage));
  return static_cast<std::int32_t>(plan_.stages.size()) - 1;
}

std::int32_t StagePlanner::CloseByKeys(Rows rows, const std::vector<KeyColumn>& keys, int partitions,
                                       bool keep_nulls, bool drop_nulls) {
  for (const KeyColumn& key : keys) rows.stage.keys.push_back(key.column);
  rows.stage.hash = HashSql(keys, rows.columns, keep_nulls);
  if (drop_nulls) rows.stage.filter = NoNullSql(keys);
  rows.stage.partitions = partitions;
  return Close(std::move(rows), Exchange::kHash);
}

void StagePlanner::AddRead(Rows& rows, std::int32_t stage, const std::string& view, int group, bool broadcast,
                           const std::vector<Column>& columns,
                           const std::map<std::string, std::string>& collations) const {
  // What crosses a shuffle has no collation; the rows get it back.
  const std::string raw = collations.empty() ? view : view + ".raw";
  rows.stage.reads.push_back(
      {.view = raw, .stage = stage, .columns = columns, .group = group, .broadcast = broadcast});
  if (!collations.empty())
    rows.stage.steps.push_back({.name = "", .view = view, .code = {.sql = CollateSql(raw, collations)}});
}

StagePlanner::Rows StagePlanner::Read(std::int32_t stage, const std::string& view, const Rows& as) {
  Rows rows{.stage = {.name = view}, .view = view, .columns = as.columns, .collations = as.collations};
  AddRead(rows, stage, view, 0, false, as.columns, as.collations);
  return rows;
}

void StagePlanner::DefineStep(const std::string& label, const std::string& view, const std::string& sql,
                              bool kept) {
  plan_.fused.push_back({.name = label, .view = view, .code = {.sql = sql}, .kept = kept});
}

Status StagePlanner::Define(Rows& rows, const StageSpec& stage, const std::string& sql,
                            std::vector<Column> columns) {
  RETURN_IF_ERROR(CreateView(connection_, stage.name, sql).WithContext(What(stage)));
  DefineStep(Label(stage.name), stage.name, sql, readers_[stage.name] > 1);
  columns_[stage.name] = columns;
  rows.columns = std::move(columns);
  ASSIGN_OR_RETURN(rows.collations, CollationsOf(stage.name));
  rows.stage.name = stage.name;
  return OkStatus();
}

StatusOr<std::vector<Column>> StagePlanner::ColumnsOf(const std::string& view) {
  if (const auto known = columns_.find(view); known != columns_.end()) return known->second;
  return connection_.Describe("FROM " + QuoteName(view));
}

StatusOr<std::map<std::string, std::string>> StagePlanner::CollationsOf(const std::string& view) {
  if (!collated_) return std::map<std::string, std::string>{};
  return FindCollations(connection_, view);
}

Status StagePlanner::CheckKeys(const StageSpec& stage, const std::vector<std::string>& keys,
                               const std::string& input) {
  ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(input));
  std::string names;
  for (const Column& column : columns) names += (names.empty() ? "" : ", ") + column.name;
  for (const std::string& key : keys) {
    const auto named = [&](const Column& column) { return column.name == key; };
    if (std::any_of(columns.begin(), columns.end(), named)) continue;
    const std::string which = spec_.stages.empty()
                                  ? (input == "mapped" ? "the map's columns" : "what crosses the shuffle")
                                  : "the columns of '" + input + "'";
    return InvalidArgument(What(stage) + (stage.join ? ": on: '" : ": by: '") + key + "' is not among " +
                           which + " (" + names + ")");
  }
  return OkStatus();
}

StatusOr<std::vector<KeyColumn>> StagePlanner::KeysOf(const StageSpec& stage,
                                                      const std::vector<std::string>& keys,
                                                      const std::string& input) {
  RETURN_IF_ERROR(CheckKeys(stage, keys, input));
  ASSIGN_OR_RETURN(auto collations, CollationsOf(input));
  std::vector<KeyColumn> found;
  for (const std::string& key : keys)
    found.push_back({.column = key, .cast = "", .collation = collations[key]});
  return found;
}

Status StagePlanner::Agree(const StageSpec& stage, const std::string& left, std::vector<KeyColumn>& left_keys,
                           const std::string& right, std::vector<KeyColumn>& right_keys) {
  ASSIGN_OR_RETURN(const std::vector<Column> left_columns, ColumnsOf(left));
  ASSIGN_OR_RETURN(const std::vector<Column> right_columns, ColumnsOf(right));
  const auto type_of = [](const std::vector<Column>& columns, const std::string& name) {
    return std::find_if(columns.begin(), columns.end(),
                        [&](const Column& column) { return column.name == name; })
        ->type;
  };
  for (std::size_t i = 0; i < left_keys.size(); ++i) {
    KeyColumn& a = left_keys[i];
    KeyColumn& b = right_keys[i];
    const std::string a_type = a.cast.empty() ? type_of(left_columns, a.column) : a.cast;
    const std::string b_type = type_of(right_columns, b.column);
    if (a.collation.empty()) a.collation = b.collation;
    if (b.collation.empty()) b.collation = a.collation;
    if (a_type == b_type) continue;
    const StatusOr<std::string> common = ComparisonType(connection_, a_type, b_type);
    if (!common.ok()) {
      return InvalidArgument(What(stage) + ": '" + a.column + "' of " + left + " is " + a_type + " and '" +
                             b.column + "' of " + right + " is " + b_type +
                             ", which cannot be compared: cast one of them in a stage before");
    }
    if (a_type != *common) a.cast = *common;
    if (b_type != *common) b.cast = *common;
  }
  return OkStatus();
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanShuffledSql(const StageSpec& stage) {
  const auto listed = [&](const std::string& name) {
    return std::find(stage.broadcast.begin(), stage.broadcast.end(), name) != stage.broadcast.end();
  };
  std::vector<std::string> names;
  std::vector<std::vector<KeyColumn>> keys;
  for (const std::string& name : stage.inputs) {
    if (listed(name)) continue;
    std::vector<std::string> by = stage.shuffle.by;
    for (const auto& [input, own] : stage.shuffle.by_input) {
      if (input == name) by = own;
    }
    if (by.empty()) return InvalidArgument(What(stage) + ": shuffle: by: says nothing of '" + name + "'");
    ASSIGN_OR_RETURN(std::vector<KeyColumn> own, KeysOf(stage, by, name));
    names.push_back(name);
    keys.push_back(std::move(own));
  }
  // All to the type of the first, which grows on the way; then once more, now that it is known.
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 1; i < names.size(); ++i)
      RETURN_IF_ERROR(Agree(stage, names[0], keys[0], names[i], keys[i]));
  }
  const std::string sql =
      stage.code.empty() ? "SELECT * FROM " + QuoteName(stage.inputs.front()) : stage.code.sql;
  std::vector<Column> in_reach;
  for (const std::string& name : stage.inputs) {
    ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(name));
    in_reach.insert(in_reach.end(), columns.begin(), columns.end());
  }
  ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection_, What(stage), sql, in_reach));
  Rows rows;
  for (std::size_t i = 0; i < names.size(); ++i) {
    ASSIGN_OR_RETURN(Rows side, Take(names[i]));
    const Rows facts = side;
    AddRead(rows, CloseByKeys(std::move(side), keys[i], stage.shuffle.partitions, false, false), names[i], 0,
            false, facts.columns, facts.collations);
  }
  for (const std::string& name : stage.broadcast) {
    if (IsInput(name)) {
      rows.stage.broadcast.push_back(name);
      continue;
    }
    ASSIGN_OR_RETURN(Rows small, Take(name));
    const Rows facts = small;
    AddRead(rows, CloseByKeys(std::move(small), {}, 0, false, false), name, 0, true, facts.columns,
            facts.collations);
  }
  RETURN_IF_ERROR(CheckTables(stage, bound.tables, rows));
  AddStep(rows, Label(stage.name), stage.name, bound.text);
  RETURN_IF_ERROR(Define(rows, stage, bound.text, bound.columns));
  MayDivide(rows, stage, "", "its SQL sees all rows of a key");
  return rows;
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanAuthorsStates(const StageSpec& stage) {
  const std::string& input = stage.inputs.front();
  ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(input));
  RETURN_IF_ERROR(CheckKeys(stage, stage.shuffle.by, input));
  ASSIGN_OR_RETURN(const BoundSelect combine, BindSelect(connection_, "combine", stage.combine.sql, columns));
  RETURN_IF_ERROR(CreateView(connection_, kStates, combine.text));
  ASSIGN_OR_RETURN(const std::vector<KeyColumn> keys, KeysOf(stage, stage.shuffle.by, kStates));
  DefineStep("combine", kStates, combine.text, false);
  ASSIGN_OR_RETURN(Rows side, Take(input));
  AddStep(side, "combine", kStates, combine.text);
  side.columns = combine.columns;
  ASSIGN_OR_RETURN(side.collations, CollationsOf(kStates));
  const Rows facts = side;
  Rows rows =
      Read(CloseByKeys(std::move(side), keys, stage.shuffle.partitions, false, false), kStates, facts);
  const std::string states = "FROM " + QuoteName(kStates);
  AddStep(rows, "", stage.name, states);
  if (stage.merge.empty()) {
    RETURN_IF_ERROR(Define(rows, stage, states, combine.columns));
    MayDivide(rows, stage, "", "there is no merge, so that reduce has to see all states of a key");
    return rows;
  }
  // The author's merge reads `shuffled`, which a view of that name cannot do of itself.
  RETURN_IF_ERROR(CreateView(connection_, stage.name, states));
  ASSIGN_OR_RETURN(const BoundSelect merge,
                   BindSelect(connection_, "merge", stage.merge.sql, combine.columns));
  if (merge.columns != combine.columns) {
    return InvalidArgument(
        "merge: its columns and their types must be those of combine: states in, states out");
  }
  DefineStep("", stage.name, states, false);
  DefineStep("merge", kMerged, merge.text, true);
  rows.stage.steps.push_back({.name = "merge", .view = kMerged, .code = {.sql = merge.text}, .kept = true});
  RETURN_IF_ERROR(connection_.CreateEmptyView(kMerged, merge.columns));
  const std::string merged = "FROM " + QuoteName(kMerged);
  AddStep(rows, "", stage.name, merged);
  RETURN_IF_ERROR(Define(rows, stage, merged, merge.columns));
  plan_.fused.back().name = "";
  MayDivide(rows, stage, merge.text, "");
  // merge reads `shuffled`.
  if (!rows.stage.cut.partial.empty())
    rows.stage.cut.partial.insert(rows.stage.cut.partial.end() - 1, {.name = "", .view = stage.name, .code = {.sql = states}});
  return rows;
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanAggregation(const StageSpec& stage) {
  const AggregateSpec& aggregate = *stage.aggregate;
  const std::string& input = stage.inputs.front();
  ASSIGN_OR_RETURN(const std::vector<KeyColumn> keys, KeysOf(stage, aggregate.by, input));
  ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(input));
  const std::string what = spec_.stages.empty() ? "aggregate" : What(stage);
  const std::string sql = PlainAggregate(aggregate, QuoteName(input));
  ASSIGN_OR_RETURN(const BoundSelect plain, BindSelect(connection_, what, sql, columns));
  const std::string states = spec_.stages.empty() ? kStates : stage.name + ".states";
  const AggregatePlan derived = PlanAggregate(connection_, aggregate, plain.columns, QuoteName(input), states);
  ASSIGN_OR_RETURN(Rows side, Take(input));
  if (!derived.combine.empty()) {
    AddStep(side, "combine", states, derived.combine);
    ASSIGN_OR_RETURN(side.columns, ColumnsOf(states));
    ASSIGN_OR_RETURN(side.collations, CollationsOf(states));
  }
  const Rows facts = side;
  Rows rows = Read(CloseByKeys(std::move(side), keys, stage.shuffle.partitions, false, false), states, facts);
  AddStep(rows, spec_.stages.empty() ? "merge" : stage.name, stage.name, derived.merge);
  RETURN_IF_ERROR(Define(rows, stage, sql, plain.columns));
  MayDivide(rows, stage, derived.partial, "its functions cannot be computed from states");
  return rows;
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanWindow(const StageSpec& stage) {
  const std::string& input = stage.inputs.front();
  ASSIGN_OR_RETURN(const std::vector<KeyColumn> keys, KeysOf(stage, stage.window->by, input));
  ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(input));
  ASSIGN_OR_RETURN(const BoundSelect bound,
                   BindSelect(connection_, What(stage), WindowSql(*stage.window, input), columns));
  ASSIGN_OR_RETURN(Rows side, Take(input));
  const Rows facts = side;
  Rows rows = Read(CloseByKeys(std::move(side), keys, stage.shuffle.partitions, false, false), input, facts);
  AddStep(rows, stage.name, stage.name, bound.text);
  RETURN_IF_ERROR(Define(rows, stage, bound.text, bound.columns));
  MayDivide(rows, stage, "", "a window sees all rows of a key");
  return rows;
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanDistinct(const StageSpec& stage) {
  const std::string& input = stage.inputs.front();
  ASSIGN_OR_RETURN(Rows side, Take(input));
  std::vector<std::string> names;
  for (const Column& column : side.columns) names.push_back(column.name);
  ASSIGN_OR_RETURN(const std::vector<KeyColumn> keys, KeysOf(stage, names, input));
  const std::string states = stage.name + ".states";
  AddStep(side, "combine", states, "SELECT DISTINCT * FROM " + QuoteName(input));
  const Rows facts = side;
  Rows rows = Read(CloseByKeys(std::move(side), keys, stage.shuffle.partitions, false, false), states, facts);
  AddStep(rows, stage.name, stage.name, "SELECT DISTINCT * FROM " + QuoteName(states));
  RETURN_IF_ERROR(Define(rows, stage, "SELECT DISTINCT * FROM " + QuoteName(input), rows.columns));
  MayDivide(rows, stage, "SELECT DISTINCT * FROM " + QuoteName(states), "");
  return rows;
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanUnion(const StageSpec& stage) {
  std::string sql;
  for (const std::string& name : stage.inputs)
    sql += (sql.empty() ? "FROM " : " UNION ALL FROM ") + QuoteName(name);
  ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection_, What(stage), sql, {}));
  Rows rows;
  int groups = 0;
  // A task has a part of one side, and the others are empty there. That holds for parts of inputs, and for
  // rows as they were written; what else is done to an empty side might make rows of nothing.
  for (const std::string& name : stage.inputs) {
    ASSIGN_OR_RETURN(Rows side, Take(name));
    const auto clashes = [&](const std::vector<std::string>& a, const std::vector<std::string>& b) {
      return std::any_of(a.begin(), a.end(), [&](const std::string& input) {
        return std::find(b.begin(), b.end(), input) != b.end();
      });
    };
    const bool flows = side.stage.reads.empty() && !clashes(side.stage.inputs, rows.stage.broadcast) &&
                       !clashes(side.stage.broadcast, rows.stage.inputs);
    if (!flows) {
      const Rows facts = side;
      const bool as_written =
          side.stage.reads.size() == 1 && side.stage.steps.empty() && side.stage.inputs.empty();
      const std::int32_t number =
          as_written ? side.stage.reads.front().stage : Close(std::move(side), Exchange::kScatter);
      AddRead(rows, number, name, groups++, false, facts.columns, facts.collations);
      continue;
    }
    for (const std::string& input : side.stage.inputs) {
      if (!clashes({input}, rows.stage.inputs)) rows.stage.inputs.push_back(input);
    }
    for (const std::string& input : side.stage.broadcast) {
      if (!clashes({input}, rows.stage.broadcast)) rows.stage.broadcast.push_back(input);
    }
    rows.stage.steps.insert(rows.stage.steps.end(), side.stage.steps.begin(), side.stage.steps.end());
    rows.stage.sides.insert(rows.stage.sides.end(), side.stage.sides.begin(), side.stage.sides.end());
  }
  AddStep(rows, stage.name, stage.name, bound.text);
  RETURN_IF_ERROR(Define(rows, stage, bound.text, bound.columns));
  return rows;
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanSort(const StageSpec& stage) {
  const std::string& input = stage.inputs.front();
  const std::string sorted = "SELECT * FROM " + QuoteName(input) + OrderSql(stage.order_by, stage.limit);
  ASSIGN_OR_RETURN(const std::vector<Column> columns, ColumnsOf(input));
  ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection_, What(stage), sorted, columns));
  const bool is_last = readers_[stage.name] == 0;
  if (stage.limit < 0 && !is_last) {
    return InvalidArgument(What(stage) +
                           ": later stages would not keep its order: sort in the last stage, or add a limit");
  }
  ASSIGN_OR_RETURN(Rows side, Take(input));
  Rows rows;
  if (stage.limit >= 0) {
    // The first of each task, and of those the first.
    const std::string first = stage.name + ".first";
    AddStep(side, "combine", first, bound.text);
    const Rows facts = side;
    rows = Read(CloseByKeys(std::move(side), {}, 0, false, false), first, facts);
    AddStep(rows, Label(stage.name), stage.name,
            "SELECT * FROM " + QuoteName(first) + OrderSql(stage.order_by, stage.limit));
  } else {
    ASSIGN_OR_RETURN(auto collations, CollationsOf(input));
    ASSIGN_OR_RETURN(const std::string order,
                     SortKeySql(connection_, What(stage), stage.order_by, input, collations));
    side.stage.order = order;
    Rows facts = side;
    facts.stage = {};
    Rows sampled = Read(Close(std::move(side), Exchange::kScatter), input, facts);
    sampled.stage.name = stage.name + ".ranges";
    sampled.stage.order = order;
    sampled.stage.partitions = stage.shuffle.partitions;
    rows = Read(Close(std::move(sampled), Exchange::kRange), input, facts);
    AddStep(rows, Label(stage.name), stage.name, sorted);
    MayDivide(rows, stage, "", "a range is sorted as a whole");
  }
  RETURN_IF_ERROR(Define(rows, stage, bound.text, bound.columns));
  rows.stage.ordered = is_last;
  return rows;
}

}  // namespace millrace::mapreduce
