#include "worker/mapreduce/inputs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "worker/lake/path.h"
#include "worker/mapreduce/csv_input.h"
#include "worker/mapreduce/json_input.h"
#include "worker/mapreduce/site.h"
#include "worker/readers/boundaries.h"
#include "worker/readers/byte_stream.h"
#include "worker/readers/path_columns.h"

namespace millrace::mapreduce {
namespace {

using sql::FoldCase;
using sql::QuoteName;
using sql::QuoteText;

// {'name': 'TYPE', ...}, as read_csv and read_json take it.
std::string TypeStruct(const std::vector<Column>& columns) {
  std::string list = "{";
  for (const Column& column : columns) {
    list += (list.size() == 1 ? "" : ", ") + QuoteText(column.name) + ": " + QuoteText(column.type);
  }
  return list + "}";
}

// SQL text that reads files: FROM what, with the options between the list of paths and the closing parenthesis.
struct Reader {
  std::string function;
  std::string options;

  std::string From(const std::vector<std::string>& paths, const std::string& more = "") const {
    return function + "(" + TextList(paths) + options + more + ")";
  }
};

// DuckDB's reader with the plan's types and dialect; for an input whose columns are not known yet, as DuckDB guesses them.
Reader ReaderOf(const InputSpec& spec, const InputFacts& input) {
  const auto in_file = [&](const Column& column) {
    return std::find(input.path_columns.begin(), input.path_columns.end(), column.name) == input.path_columns.end();
  };
  std::vector<Column> columns;
  std::vector<Column> folders;
  for (const Column& column : input.columns) (in_file(column) ? columns : folders).push_back(column);
  const std::string hive =
      folders.empty() ? ", hive_partitioning=false" : ", hive_partitioning=true, hive_types=" + TypeStruct(folders);
  if (input.format == "parquet") return {"read_parquet", hive};
  if (columns.empty()) {
    for (const auto& [name, type] : spec.columns) columns.push_back({name, type});
  }
  const std::string types = columns.empty() ? "" : ", columns=" + TypeStruct(columns);
  if (input.format == "csv") return {"read_csv", PinnedCsvOptions(input) + hive + types};
  return {"read_json", ", format='newline_delimited'" + hive + types};
}

// The columns with their pinned types; a cast to the type that is there already costs nothing.
std::string SelectList(const InputFacts& input) {
  std::string list;
  for (const Column& column : input.columns) {
    const std::string name = QuoteName(column.name);
    if (!list.empty()) list += ", ";
    list += "CAST(" + name + " AS " + column.type + ") AS " + name;
  }
  return list;
}

// Of those that are ranges of rows.
std::int64_t RowsOf(const std::vector<Split>& splits) {
  std::int64_t rows = 0;
  for (const Split& split : splits) rows += split.end - split.begin;
  return rows;
}

// Whole files, or these splits of them.
std::string DuckDbSelect(const InputFacts& input, const Reader& reader, const std::vector<Split>& splits) {
  const std::string select = "SELECT " + SelectList(input) + " FROM ";
  std::vector<std::string> whole;
  std::vector<Split> ranges;  // neighbours joined
  // To number rows and look at every number is for nothing where all of them are wanted, as in a fused task.
  const bool every_row = splits.empty() || RowsOf(splits) == input.rows;
  if (every_row) whole = input.paths;
  for (const Split& split : every_row ? std::vector<Split>{} : splits) {
    if (split.end == 0 || split.files > 1) {
      const std::vector<std::string> paths = PathsOf(input, split);
      whole.insert(whole.end(), paths.begin(), paths.end());
    } else if (!ranges.empty() && ranges.back().path == split.path && ranges.back().end == split.begin) {
      ranges.back().end = split.end;
    } else {
      ranges.push_back(split);
    }
  }
  std::string sql;
  if (!whole.empty()) sql = select + reader.From(whole);
  for (const Split& range : ranges) {
    if (!sql.empty()) sql += "\nUNION ALL ";
    sql += select + reader.From({range.path}, ", file_row_number=true") + " WHERE file_row_number >= " +
           std::to_string(range.begin) + " AND file_row_number < " + std::to_string(range.end);
  }
  return sql;
}

const InputSpec* SpecOf(const MapReduceSpec& spec, const std::string& name) {
  for (const InputSpec& input : spec.inputs) {
    if (input.name == name) return &input;
  }
  return nullptr;
}

// Folder names beneath the root that all paths have, in their order; none when they differ.
std::vector<std::string> FolderNames(const std::string& root, const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const bool beneath = paths[i].starts_with(root);
    std::vector<std::string> mine;
    for (const readers::PathValue& value : readers::PathValuesOf(std::string_view(paths[i]).substr(beneath ? root.size() : 0))) {
      mine.push_back(value.name);
    }
    if (i == 0) names = mine;
    if (mine.empty() || mine != names) return {};
  }
  return names;
}

// DATE, TIMESTAMP or BIGINT where all values are that; text otherwise.
StatusOr<std::string> FolderType(sql::Connection& connection, const std::vector<std::string>& paths, const std::string& name) {
  std::set<std::string> values;
  for (const std::string& path : paths) {
    for (const readers::PathValue& value : readers::PathValuesOf(path)) {
      if (value.name == name && value.value) values.insert(*value.value);
    }
  }
  if (values.empty()) return std::string("VARCHAR");
  const std::string from = " FROM (SELECT unnest(" + TextList({values.begin(), values.end()}) + ") AS v)";
  for (const char* type : {"DATE", "TIMESTAMP", "BIGINT"}) {
    ASSIGN_OR_RETURN(const sql::Result fits,
                     connection.Run(std::string("SELECT bool_and(TRY_CAST(v AS ") + type + ") IS NOT NULL)::INTEGER" + from));
    if (fits.Integer(0, 0) == 1) return std::string(type);
  }
  return std::string("VARCHAR");
}

// Adds the columns that folders name. What a file has itself, counts.
Status FindPathColumns(sql::Connection& connection, const std::string& root, const InputSpec& spec, InputFacts& input) {
  std::set<std::string> taken;
  for (const Column& column : input.columns) taken.insert(FoldCase(column.name));
  for (const std::string& name : FolderNames(root, input.paths)) {
    if (!taken.insert(FoldCase(name)).second) continue;
    const auto pinned = std::find_if(spec.columns.begin(), spec.columns.end(), [&](const auto& column) { return column.first == name; });
    std::string type;
    if (pinned != spec.columns.end()) {
      ASSIGN_OR_RETURN(const std::vector<Column> described, connection.Describe("SELECT CAST(NULL AS " + pinned->second + ") AS v"));
      type = described.front().type;
    } else {
      ASSIGN_OR_RETURN(type, FolderType(connection, input.paths, name));
    }
    input.columns.push_back({name, type});
    input.path_columns.push_back(name);
  }
  return OkStatus();
}

// Without the columns that folders name, which the files do not have.
InputSpec InFiles(const std::string& root, const InputSpec& spec, const std::vector<std::string>& paths) {
  InputSpec own = spec;
  const std::vector<std::string> names = spec.columns.empty() ? std::vector<std::string>{} : FolderNames(root, paths);
  std::erase_if(own.columns, [&](const auto& column) { return std::find(names.begin(), names.end(), column.first) != names.end(); });
  return own;
}

// How much work an input is, as far as its size tells: Parquet is compressed, and its rows take some times its bytes.
std::int64_t WeightOf(const InputFacts& input) { return input.format == "parquet" ? input.bytes * 5 : input.bytes; }

}  // namespace

std::string FormatOf(const std::string& path) {
  std::filesystem::path file(path);
  if (const std::string last = file.extension().string(); last == ".gz" || last == ".zst") file = file.stem();
  static const std::map<std::string, std::string, std::less<>> kFormats = {
      {".parquet", "parquet"}, {".csv", "csv"},   {".tsv", "csv"},   {".jsonl", "jsonl"},
      {".ndjson", "jsonl"},    {".json", "jsonl"}, {".txt", "text"}, {".text", "text"},
      {".log", "text"},
  };
  const auto found = kFormats.find(file.extension().string());
  return found == kFormats.end() ? "" : found->second;
}

Status CountRows(sql::Connection& connection, InputFacts& input) {
  ASSIGN_OR_RETURN(const sql::Result rows,
                   connection.Run("SELECT coalesce(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata(" + TextList(input.paths) + ")"));
  input.rows = rows.Integer(0, 0);
  return OkStatus();
}

StatusOr<InputFacts> FindInput(sql::Connection& connection, const std::string& root, const InputSpec& written) {
  const std::string context = "input '" + written.name + "'";
  InputFacts input;
  input.name = written.name;
  StatusOr<std::vector<std::string>> paths = lake::InputFiles(root, written.path);
  if (!paths.ok()) return paths.status().WithContext(context);
  input.paths = *std::move(paths);
  const InputSpec spec = InFiles(root, written, input.paths);
  input.format = spec.format.empty() ? FormatOf(input.paths.front()) : spec.format;
  if (input.format.empty()) {
    return InvalidArgument(context + ": the name " + input.paths.front() +
                           " does not tell the format; add format: parquet, csv, jsonl or text");
  }
  ASSIGN_OR_RETURN(input.bytes, TotalBytes(input.paths));
  if (input.format == "text") {
    FindText(input);
  } else if (input.format == "csv") {
    if (const Status found = FindCsv(connection, spec, input); !found.ok()) return Unreadable(found).WithContext(context);
  } else if (input.format == "jsonl") {
    if (const Status found = FindJsonLines(connection, spec, input); !found.ok()) return Unreadable(found).WithContext(context);
  } else {
    StatusOr<std::vector<Column>> columns = connection.Describe("FROM " + ReaderOf(spec, input).From(input.paths));
    if (!columns.ok()) return Unreadable(columns.status()).WithContext(context);
    input.columns = *std::move(columns);
  }
  if (const Status found = FindPathColumns(connection, root, written, input); !found.ok()) return Unreadable(found).WithContext(context);
  if (input.format == "parquet") {
    if (const Status counted = CountRows(connection, input); !counted.ok()) return Unreadable(counted).WithContext(context);
  }
  return input;
}

Status DecideBroadcast(const std::vector<InputSpec>& specs, std::vector<InputFacts>& inputs) {
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (specs[i].read != ReadMode::kBroadcast) largest = std::max(largest, WeightOf(inputs[i]));
  }
  const bool any_split =
      std::any_of(specs.begin(), specs.end(), [](const InputSpec& spec) { return spec.read == ReadMode::kSplit; });
  std::vector<std::string> split;
  bool kept = any_split;  // of several equally large ones, the first is split
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool small = inputs[i].bytes < kBroadcastBytes;
    inputs[i].broadcast = specs[i].read == ReadMode::kBroadcast;
    if (specs[i].read == ReadMode::kAuto && small) {
      const bool is_largest = WeightOf(inputs[i]) == largest && !kept;
      inputs[i].broadcast = !is_largest;
      kept = kept || is_largest;
    }
    if (!inputs[i].broadcast) split.push_back(inputs[i].name);
  }
  if (split.size() == 1) return OkStatus();
  std::string names;
  for (const std::string& name : split) names += (names.empty() ? "" : ", ") + name;
  if (split.empty()) return InvalidArgument("every input is broadcast: nothing is left to split");
  return InvalidArgument("a job splits one input, but here are " + std::to_string(split.size()) + " (" + names +
                         "): say read: broadcast for all but the largest");
}

Status CreateInputView(sql::Connection& connection, const InputSpec& spec, const InputFacts& input, const std::vector<Split>& splits,
                       InputViews& views) {
  const std::string context = "input '" + input.name + "'";
  if (!input.own_reader) {
    const std::string select = DuckDbSelect(input, ReaderOf(spec, input), splits);
    return CreateView(connection, input.name, select).WithContext(context);
  }
  std::vector<readers::Piece> pieces = PiecesOf(input, splits);
  if (splits.empty()) {
    ASSIGN_OR_RETURN(pieces, RecordPieces(input));
  }
  BadRowLog* bad = nullptr;
  if (spec.bad_rows_limit > 0) {
    views.bad.push_back(std::make_unique<BadRowLog>(input.name, spec.bad_rows_limit));
    bad = views.bad.back().get();
  }
  StatusOr<std::unique_ptr<sql::FileInput>> view =
      sql::OpenFileInput(connection, input.name, input.columns, ReadingOf(input, bad), std::move(pieces));
  if (!view.ok()) return view.status().WithContext(context);
  views.files.push_back(*std::move(view));
  if (!input.broadcast) views.split.push_back(views.files.back().get());
  return OkStatus();
}

std::int64_t InputViews::rows() const {
  std::int64_t rows = 0;
  for (const sql::FileInput* file : split) rows += static_cast<std::int64_t>(file->rows());
  return rows;
}

StatusOr<std::vector<OutputFile>> InputViews::WriteBadRows(const Site& site, const std::string& part) const {
  std::vector<OutputFile> skipped;
  for (const std::unique_ptr<BadRowLog>& log : bad) {
    ASSIGN_OR_RETURN(const std::vector<OutputFile> written, mapreduce::WriteBadRows(site, *log, part));
    skipped.insert(skipped.end(), written.begin(), written.end());
  }
  return skipped;
}

StatusOr<InputViews> CreateInputViews(sql::Connection& connection, const MapReduceSpec& spec, const std::vector<InputFacts>& inputs,
                                      const std::vector<Split>& splits) {
  InputViews views;
  for (const InputFacts& input : inputs) {
    const InputSpec kept{.name = input.name};  // rows of a stage, kept by an earlier job
    const InputSpec* found = SpecOf(spec, input.name);
    const InputSpec& written = found == nullptr ? kept : *found;
    std::vector<Split> mine;
    for (const Split& split : splits) {
      if (split.input == input.name) mine.push_back(split);
    }
    if (!input.broadcast && mine.empty()) {
      RETURN_IF_ERROR(connection.CreateEmptyView(input.name, input.columns));
    } else {
      RETURN_IF_ERROR(CreateInputView(connection, written, input, input.broadcast ? std::vector<Split>{} : mine, views));
    }
  }
  return views;
}

}  // namespace millrace::mapreduce
