#include "worker/mapreduce/inputs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "worker/lake/path.h"
#include "worker/mapreduce/csv_input.h"
#include "worker/mapreduce/site.h"
#include "worker/readers/boundaries.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteName;
using sql::QuoteText;

constexpr std::int64_t kMaxSplits = 10'000;
constexpr std::int64_t kLineSplits = 32;  // of an input, when its size allows
constexpr std::int64_t kMinLineSplit = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLineSplit = std::int64_t{64} << 20;
constexpr std::int64_t kFewRecordSplits = 16;  // finding where a record begins may take reading 2 MB
constexpr std::int64_t kRecordSplit = std::int64_t{8} << 20;

std::string TextList(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() == 1 ? "" : ", ") + QuoteText(text);
  return list + "]";
}

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

// A line a row; nothing in it is special, so the delimiter is a byte that text does not have.
const Reader kTextReader{"read_csv",
                         ", columns={'line': 'VARCHAR'}, delim=E'\\x01', quote='', escape='', header=false, auto_detect=false, "
                         "hive_partitioning=false, max_line_size=67108864"};

// DuckDB's reader with the plan's types and dialect; for an input whose columns are not known yet, as DuckDB guesses them.
Reader ReaderOf(const InputSpec& spec, const InputFacts& input) {
  if (input.format == "parquet") return {"read_parquet", ""};
  if (input.format == "text") return kTextReader;
  std::vector<Column> columns = input.columns;
  if (columns.empty()) {
    for (const auto& [name, type] : spec.columns) columns.push_back({name, type});
  }
  const std::string types = columns.empty() ? "" : ", columns=" + TypeStruct(columns);
  if (input.format == "csv") return {"read_csv", PinnedCsvOptions(input) + types};
  return {"read_json", ", format='newline_delimited', hive_partitioning=false" + types};
}

// The columns with their pinned types; a cast to the type that is there already costs nothing.
std::string SelectList(const InputFacts& input) {
  std::string list;
  for (const Column& column : input.columns) {
    const std::string name = QuoteName(column.name);
    if (!list.empty()) list += ", ";
    if (input.format == "text") {
      list += "coalesce(" + name + ", '') AS " + name;
    } else {
      list += "CAST(" + name + " AS " + column.type + ") AS " + name;
    }
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
    if (split.end == 0) {
      whole.push_back(split.path);
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

Status Unreadable(const Status& status) {
  if (status.code() != Code::kInvalidArgument) return status;
  return FailedPrecondition(status.message());  // the data is wrong, not what the author wrote
}

StatusOr<std::int64_t> TotalBytes(const std::vector<std::string>& paths) {
  std::int64_t total = 0;
  for (const std::string& path : paths) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (error) return ErrnoStatus(error.value(), path);
    total += static_cast<std::int64_t>(size);
  }
  return total;
}

const InputSpec* SpecOf(const MapReduceSpec& spec, const std::string& name) {
  for (const InputSpec& input : spec.inputs) {
    if (input.name == name) return &input;
  }
  return nullptr;
}

struct RowGroup {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
};

StatusOr<std::vector<Split>> RowGroupSplits(sql::Connection& connection, const InputFacts& input) {
  // A row a column; put together here, because a query that groups and sorts costs more than all else of a small plan.
  ASSIGN_OR_RETURN(const sql::Result columns,
                   connection.Run("SELECT file_name, row_group_id, row_group_num_rows, total_compressed_size FROM parquet_metadata(" +
                                  TextList(input.paths) + ")"));
  std::map<std::pair<std::string, std::int64_t>, RowGroup> groups;
  for (std::uint64_t i = 0; i < columns.row_count(); ++i) {
    RowGroup& group = groups[{std::string(columns.Text(0, i)), columns.Integer(1, i)}];
    group.rows = columns.Integer(2, i);
    group.bytes += columns.Integer(3, i);
  }
  const auto count = static_cast<std::int64_t>(groups.size());
  const std::int64_t together = std::max<std::int64_t>(1, (count + kMaxSplits - 1) / kMaxSplits);
  std::vector<Split> splits;
  std::int64_t in_last = 0;
  for (const auto& [place, group] : groups) {
    const std::string& path = place.first;
    const bool same_file = !splits.empty() && splits.back().path == path;
    if (same_file && in_last < together) {
      splits.back().end += group.rows;
      splits.back().bytes += group.bytes;
      ++in_last;
      continue;
    }
    const std::int64_t begin = same_file ? splits.back().end : 0;
    splits.push_back({input.name, path, begin, begin + group.rows, group.bytes});
    in_last = 1;
  }
  return splits;
}

std::int64_t SplitBytes(const InputFacts& input) {
  const std::int64_t least = input.bytes / kMaxSplits + 1;
  return std::max(least, std::clamp(input.bytes / kLineSplits, kMinLineSplit, kMaxLineSplit));
}

// Of whole records, for our reader.
StatusOr<std::vector<readers::Piece>> RecordPieces(const InputFacts& input) {
  const readers::Dialect dialect = ReaderDialect(input);
  const std::int64_t least = std::min(kRecordSplit, input.bytes / kFewRecordSplits);
  const auto size = static_cast<std::uint64_t>(std::max(SplitBytes(input), least));
  std::vector<readers::Piece> pieces;
  for (const std::string& path : input.paths) {
    ASSIGN_OR_RETURN(const std::vector<readers::Piece> cut, readers::CutFile(dialect, path, size));
    pieces.insert(pieces.end(), cut.begin(), cut.end());
  }
  return pieces;
}

StatusOr<std::vector<Split>> RecordSplits(const InputFacts& input) {
  ASSIGN_OR_RETURN(const std::vector<readers::Piece> pieces, RecordPieces(input));
  std::vector<Split> splits;
  for (const readers::Piece& piece : pieces) {
    const auto begin = static_cast<std::int64_t>(piece.begin);
    const auto end = static_cast<std::int64_t>(piece.end);
    splits.push_back({input.name, piece.path, begin, end, end - begin});
  }
  return splits;
}

std::vector<Split> LineSplits(const InputFacts& input, const std::map<std::string, std::int64_t>& sizes) {
  std::vector<Split> splits;
  const std::int64_t size = SplitBytes(input);
  for (const auto& [path, bytes] : sizes) {
    for (std::int64_t begin = 0; begin < bytes; begin += size) {
      const std::int64_t end = std::min(begin + size, bytes);
      splits.push_back({input.name, path, begin, end, end - begin});
    }
  }
  return splits;
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

StatusOr<InputFacts> FindInput(sql::Connection& connection, const std::string& root, const InputSpec& spec) {
  const std::string context = "input '" + spec.name + "'";
  InputFacts input;
  input.name = spec.name;
  StatusOr<std::vector<std::string>> paths = lake::InputFiles(root, spec.path);
  if (!paths.ok()) return paths.status().WithContext(context);
  input.paths = *std::move(paths);
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
  } else {
    StatusOr<std::vector<Column>> columns = connection.Describe("FROM " + ReaderOf(spec, input).From(input.paths));
    if (!columns.ok()) return Unreadable(columns.status()).WithContext(context);
    input.columns = *std::move(columns);
  }
  if (input.format == "parquet") {
    StatusOr<sql::Result> rows =
        connection.Run("SELECT coalesce(sum(num_rows), 0)::BIGINT FROM parquet_file_metadata(" + TextList(input.paths) + ")");
    if (!rows.ok()) return Unreadable(rows.status()).WithContext(context);
    input.rows = rows->Integer(0, 0);
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

StatusOr<std::vector<Split>> FindSplits(sql::Connection& connection, const InputFacts& input, bool by_lines) {
  if (!by_lines && input.format == "parquet") {
    StatusOr<std::vector<Split>> splits = RowGroupSplits(connection, input);
    if (!splits.ok()) return Unreadable(splits.status()).WithContext("input '" + input.name + "'");
    // No rows at all: the files are read all the same, so that the job has a map task.
    if (!splits->empty()) return splits;
  }
  if (!by_lines && input.own_reader) return RecordSplits(input);
  std::map<std::string, std::int64_t> sizes;
  for (const std::string& path : input.paths) {
    ASSIGN_OR_RETURN(sizes[path], TotalBytes({path}));
  }
  if (by_lines) return LineSplits(input, sizes);
  std::vector<Split> splits;
  for (const auto& [path, bytes] : sizes) splits.push_back({input.name, path, 0, 0, bytes});
  return splits;
}

Status CreateInputView(sql::Connection& connection, const InputSpec& spec, const InputFacts& input, const std::vector<Split>& splits,
                       InputViews& views) {
  const std::string context = "input '" + input.name + "'";
  if (!input.own_reader) {
    const std::string select = DuckDbSelect(input, ReaderOf(spec, input), splits);
    return CreateView(connection, input.name, select).WithContext(context);
  }
  std::vector<readers::Piece> pieces;
  for (const Split& split : splits) {
    pieces.push_back({split.path, static_cast<std::uint64_t>(split.begin), static_cast<std::uint64_t>(split.end)});
  }
  if (splits.empty()) {
    ASSIGN_OR_RETURN(pieces, RecordPieces(input));
  }
  StatusOr<std::unique_ptr<sql::FileInput>> view =
      sql::OpenFileInput(connection, input.name, input.columns, ReaderDialect(input), std::move(pieces));
  if (!view.ok()) return view.status().WithContext(context);
  views.push_back(*std::move(view));
  return OkStatus();
}

StatusOr<InputViews> CreateInputViews(sql::Connection& connection, const MapReduceSpec& spec, const std::vector<InputFacts>& inputs,
                                      const std::vector<Split>& splits) {
  InputViews views;
  for (const InputFacts& input : inputs) {
    const InputSpec* written = SpecOf(spec, input.name);
    if (written == nullptr) return Internal("the plan has an input that the job does not name: " + input.name);
    std::vector<Split> mine;
    for (const Split& split : splits) {
      if (split.input == input.name) mine.push_back(split);
    }
    if (!input.broadcast && mine.empty()) {
      RETURN_IF_ERROR(connection.CreateEmptyView(input.name, input.columns));
    } else {
      RETURN_IF_ERROR(CreateInputView(connection, *written, input, input.broadcast ? std::vector<Split>{} : mine, views));
    }
  }
  return views;
}

}  // namespace millrace::mapreduce
