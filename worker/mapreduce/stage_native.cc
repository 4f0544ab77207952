// Stages of the planner in native code, and what is written beside: rows become lines, lines pairs, pairs cross a shuffle and become
// rows again.
#include "worker/mapreduce/native.h"
#include "worker/mapreduce/stage_planner.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;

const std::vector<Column> kPairColumns = {{"key", "BLOB"}, {"value", "BLOB"}};

Fragment NativeOf(const CodeSpec& step, std::string sql = "") {
  return {.sql = std::move(sql), .command = step.command, .library = step.library, .class_name = step.class_name};
}

// A row as a line: its columns parted by TAB; TABs and line ends within them are spaces.
std::string LineSql(const std::vector<Column>& columns, const std::string& view) {
  std::string line;
  for (const Column& column : columns) {
    const std::string name = QuoteName(column.name);
    const std::string text = column.type == "BLOB"      ? "decode(" + name + ", 'replace')"
                             : column.type == "VARCHAR" ? name
                                                        : "CAST(" + name + " AS VARCHAR)";
    line += (line.empty() ? "" : " || E'\\t' || ") + ("coalesce(translate(" + text + ", E'\\t\\n\\r', '   '), '')");
  }
  return "SELECT " + line + " AS line FROM " + QuoteName(view);
}

// A line as the row that the author says it is: a part a column; a part that is empty is NULL where the column is no text.
std::string RowSql(const std::vector<Column>& columns, const std::string& pairs) {
  std::string list;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string part = "coalesce(parts[" + std::to_string(i + 1) + "], '')";
    if (!list.empty()) list += ", ";
    list += columns[i].type == "VARCHAR" ? part : "CAST(nullif(" + part + ", '') AS " + columns[i].type + ")";
    list += " AS " + QuoteName(columns[i].name);
  }
  return "SELECT " + list + " FROM (SELECT string_split(decode(key, 'replace') || E'\\t' || decode(value, 'replace'), E'\\t') AS parts FROM " + QuoteName(pairs) + ")";
}

}  // namespace

void StagePlanner::AddSides(const StageSpec& stage, Rows& rows) {
  const std::size_t before = rows.stage.sides.size();
  if (stage.output) {
    rows.stage.sides.push_back({.name = stage.name,
                                .view = stage.name,
                                .columns = rows.columns,
                                .path = stage.output->path,
                                .format = stage.output->format,
                                .partition_by = stage.output->partition_by,
                                .file_bytes = stage.output->file_bytes});
  }
  for (const CachedStage& cached : plan_.cached) {
    if (cached.stage != stage.name || cached.hit) continue;
    rows.stage.sides.push_back({.name = "cache of " + stage.name,
                                .view = stage.name,
                                .columns = rows.columns,
                                .path = cached.path,
                                .format = "parquet",
                                .partition_by = {},
                                .cached = true});
  }
  if (rows.stage.sides.size() == before || readers_[stage.name] == 0) return;
  // Computed once for both.
  for (std::vector<Step>* steps : {&rows.stage.steps, &plan_.fused}) {
    for (Step& step : *steps) step.kept = step.kept || step.view == stage.name;
  }
}

StatusOr<StagePlanner::Rows> StagePlanner::PlanNative(const StageSpec& stage) {
  const std::string& input = stage.inputs.front();
  ASSIGN_OR_RETURN(Rows side, Take(input));
  // Lines of text files need not go through SQL.
  const bool raw = IsInput(input) && Input(input).format == "text" && Input(input).path_columns.empty();
  const std::string pairs = stage.name + ".pairs";
  side.stage.steps.push_back({.name = "map", .view = pairs, .code = NativeOf(stage.map, raw ? "" : LineSql(side.columns, side.view))});
  if (!stage.combine.empty()) side.stage.steps.push_back({.name = "combine", .view = "", .code = NativeOf(stage.combine)});
  if (!stage.partition.empty()) side.stage.steps.push_back({.name = "partition", .view = "", .code = NativeOf(stage.partition)});
  if (side.stage.name == input) side.stage.name = stage.name + ".map";
  side.view = pairs;
  side.columns = kPairColumns;
  side.collations.clear();
  const Rows facts = side;
  Rows rows = Read(CloseByKeys(std::move(side), {{.column = "key", .cast = "", .collation = ""}}, stage.shuffle.partitions, false, false),
                   pairs, facts);
  std::string reduced = pairs;
  if (!stage.reduce.empty()) {
    reduced = stage.name + ".reduced";
    rows.stage.steps.push_back({.name = "reduce", .view = reduced, .code = NativeOf(stage.reduce)});
  }
  MayDivide(rows, stage, "", "native code sees all values of a key");
  std::vector<Column> columns;
  for (const auto& [name, type] : stage.columns) columns.push_back({name, type});
  if (columns.empty()) columns = {{"key", "VARCHAR"}, {"value", "VARCHAR"}};
  RETURN_IF_ERROR(connection_.CreateEmptyView(reduced, kPairColumns));
  const std::string sql = RowSql(columns, reduced);
  StatusOr<std::vector<Column>> made = connection_.Describe(sql);
  if (!made.ok()) return made.status().WithContext(What(stage) + ": columns");
  AddStep(rows, stage.name, stage.name, sql);
  RETURN_IF_ERROR(Define(rows, stage, sql, *std::move(made)));
  return rows;
}

}  // namespace millrace::mapreduce
