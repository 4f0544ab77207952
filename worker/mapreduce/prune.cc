#include "worker/mapreduce/prune.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "worker/mapreduce/bind.h"
#include "worker/mapreduce/inputs.h"
#include "worker/mapreduce/site.h"
#include "worker/mapreduce/stage_sql.h"
#include "worker/readers/path_columns.h"
#include "worker/sql/file_scan.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;
using sql::QuoteText;

constexpr std::size_t kMaxFolders = 5000;  // a millisecond each
constexpr const char* kProbed = "millrace.probed";

using Values = std::vector<std::optional<std::string>>;  // of the input's path columns

Values ValuesOf(const InputFacts& input, const std::string& path) {
  const std::vector<readers::PathValue> all = readers::PathValuesOf(path);
  Values values;
  for (const std::string& name : input.path_columns) {
    const auto found = std::find_if(all.rbegin(), all.rend(), [&](const readers::PathValue& value) { return value.name == name; });
    values.push_back(found == all.rend() ? std::nullopt : found->value);
  }
  return values;
}

bool Reads(const StageSpec& stage, const std::string& input) {
  return std::find(stage.inputs.begin(), stage.inputs.end(), input) != stage.inputs.end();
}

// A view of the input's name: its rows are not known, but their folder's values are.
Status ProbeFolder(sql::Connection& connection, const InputFacts& input, const Values* values) {
  std::string list;
  for (const Column& column : input.columns) {
    const auto found = std::find(input.path_columns.begin(), input.path_columns.end(), column.name);
    const std::string name = QuoteName(column.name);
    if (!list.empty()) list += ", ";
    if (values == nullptr || found == input.path_columns.end()) {
      list += name;
      continue;
    }
    const std::optional<std::string>& value = (*values)[static_cast<std::size_t>(found - input.path_columns.begin())];
    list += "CAST(" + (value ? QuoteText(*value) : "NULL") + " AS " + column.type + ") AS " + name;
  }
  return CreateView(connection, input.name, "SELECT " + list + " FROM " + QuoteName(kProbed));
}

// How often the optimised statement reads what is probed.
StatusOr<std::size_t> ReadsLeft(sql::Connection& connection, const std::string& select) {
  ASSIGN_OR_RETURN(const sql::Result plan, connection.Run("EXPLAIN (FORMAT json) " + select));
  std::size_t reads = 0;
  for (std::uint64_t row = 0; row < plan.row_count(); ++row) {
    const std::string_view text = plan.Text(1, row);
    for (std::size_t at = text.find(sql::kProbeMark); at != std::string_view::npos; at = text.find(sql::kProbeMark, at + 1)) ++reads;
  }
  return reads;
}

// The stages' SELECTs that read the input; nothing when one of them may not be looked at folder by folder, or none names a folder.
StatusOr<std::vector<std::string>> SelectsOf(sql::Connection& connection, const std::vector<StageSpec>& stages, const InputFacts& input) {
  std::vector<std::string> selects;
  bool any_condition = false;
  for (const StageSpec& stage : stages) {
    if (!Reads(stage, input.name)) continue;
    const bool narrow = !stage.code.sql.empty() && stage.shuffle.empty() && stage.combine.empty();
    if (!narrow) return std::vector<std::string>{};
    ASSIGN_OR_RETURN(const BoundSelect bound, BindSelect(connection, "stage '" + stage.name + "'", stage.code.sql, input.columns));
    ASSIGN_OR_RETURN(const std::string together, NeedsRowsTogether(connection, bound.text, bound.functions));
    if (!together.empty()) return std::vector<std::string>{};
    for (const std::string& name : input.path_columns) {
      any_condition = any_condition || bound.text.find(name) != std::string::npos;
    }
    selects.push_back(bound.text);
  }
  if (!any_condition) selects.clear();
  return selects;
}

Status PruneOne(sql::Connection& connection, const std::vector<std::string>& selects, InputFacts& input) {
  std::map<Values, std::vector<std::string>> folders;
  for (const std::string& path : input.paths) folders[ValuesOf(input, path)].push_back(path);
  if (folders.size() > kMaxFolders) return OkStatus();
  RETURN_IF_ERROR(ProbeFolder(connection, input, nullptr));
  for (const std::string& select : selects) {
    ASSIGN_OR_RETURN(const std::size_t reads, ReadsLeft(connection, select));
    if (reads != 1) return OkStatus();  // joined with itself, say: then folders meet
  }
  std::vector<std::string> kept;
  for (const auto& [values, paths] : folders) {
    RETURN_IF_ERROR(ProbeFolder(connection, input, &values));
    bool wanted = false;
    for (std::size_t i = 0; !wanted && i < selects.size(); ++i) {
      const StatusOr<std::size_t> reads = ReadsLeft(connection, selects[i]);
      wanted = !reads.ok() || *reads != 0;  // what cannot be said of a folder is found out when it is read
    }
    if (wanted) kept.insert(kept.end(), paths.begin(), paths.end());
  }
  if (kept.size() == input.paths.size()) return OkStatus();
  if (kept.empty()) kept.push_back(input.paths.front());  // a job reads something
  std::sort(kept.begin(), kept.end());
  input.pruned_files = static_cast<std::int32_t>(input.paths.size() - kept.size());
  input.paths = std::move(kept);
  input.bytes = 0;
  for (const std::string& path : input.paths) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return ErrnoStatus(error.value(), path);
    input.bytes += static_cast<std::int64_t>(size);
  }
  return input.format == "parquet" ? CountRows(connection, input) : OkStatus();
}

}  // namespace

Status PruneFiles(sql::Connection& connection, const MapReduceSpec& spec, JobPlan& plan) {
  const auto in_folders = [](const InputFacts& input) { return !input.path_columns.empty(); };
  if (std::none_of(plan.inputs.begin(), plan.inputs.end(), in_folders)) return OkStatus();
  const std::vector<StageSpec> stages = StagesOf(spec);
  // Nothing must be known of the other inputs either: beside an empty one, nobody would read this one.
  std::vector<std::unique_ptr<sql::FileInput>> unknown;
  for (const InputFacts& input : plan.inputs) {
    ASSIGN_OR_RETURN(auto view, sql::OpenFileInput(connection, input.name, input.columns, {.dialect = readers::Dialect::Lines()}, {}));
    unknown.push_back(std::move(view));
  }
  for (InputFacts& input : plan.inputs) {
    if (!in_folders(input)) continue;
    ASSIGN_OR_RETURN(const std::vector<std::string> selects, SelectsOf(connection, stages, input));
    if (selects.empty()) continue;
    ASSIGN_OR_RETURN(const auto probed,
                     sql::OpenFileInput(connection, kProbed, input.columns, {.dialect = readers::Dialect::Lines(), .probe = true}, {}));
    RETURN_IF_ERROR(PruneOne(connection, selects, input));
    ASSIGN_OR_RETURN(auto view, sql::OpenFileInput(connection, input.name, input.columns, {.dialect = readers::Dialect::Lines()}, {}));
    unknown.push_back(std::move(view));
  }
  return OkStatus();
}

}  // namespace millrace::mapreduce
