#include "worker/mapreduce/splits.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "worker/mapreduce/csv_input.h"
#include "worker/readers/byte_stream.h"

namespace millrace::mapreduce {
namespace {

using sql::QuoteText;

constexpr std::int64_t kMaxSplits = 10'000;
constexpr std::int64_t kLineSplits = 32;  // of an input, when its size allows
constexpr std::int64_t kMinLineSplit = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLineSplit = std::int64_t{64} << 20;
constexpr std::int64_t kFewRecordSplits = 16;  // finding where a record begins may take reading 2 MB
constexpr std::int64_t kRecordSplit = std::int64_t{8} << 20;
constexpr std::int64_t kFewFiles = 256;  // more are packed, into about as many splits
constexpr std::int64_t kBytesToOpen = std::int64_t{64} << 10;  // what opening a file costs, as bytes read

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

// Small files side by side become one split, so that a job of very many has neither a task nor a line of the plan for each.
std::vector<Split> Packed(const InputFacts& input, std::vector<Split> splits) {
  if (static_cast<std::int64_t>(input.paths.size()) <= kFewFiles) return splits;
  std::int64_t weight = 0;
  for (const Split& split : splits) weight += split.bytes + kBytesToOpen;
  const std::int64_t share = weight / kFewFiles;
  std::map<std::string, std::size_t> place;
  for (std::size_t i = 0; i < input.paths.size(); ++i) place[input.paths[i]] = i;
  std::vector<Split> packed;
  std::int64_t last = 0;   // weight of the last one
  bool open = false;       // the last one may take more
  for (std::size_t i = 0; i < splits.size(); ++i) {
    const Split& split = splits[i];
    const bool alone = (i == 0 || splits[i - 1].path != split.path) && (i + 1 == splits.size() || splits[i + 1].path != split.path);
    const std::int64_t mine = split.bytes + kBytesToOpen;
    if (open && alone && last + mine <= share) {
      Split& into = packed.back();
      into.files = static_cast<std::int32_t>(place[split.path] - place[into.path]) + 1;
      into.end += split.end;  // rows, of Parquet; of others a pack is of whole files anyway
      into.bytes += split.bytes;
      last += mine;
      continue;
    }
    packed.push_back(split);
    last = mine;
    open = alone;
  }
  return packed;
}

StatusOr<std::vector<Split>> RecordSplits(const InputFacts& input) {
  ASSIGN_OR_RETURN(const std::vector<readers::Piece> pieces, RecordPieces(input));
  std::vector<Split> splits;
  for (const readers::Piece& piece : pieces) {
    const auto begin = static_cast<std::int64_t>(piece.begin);
    const auto end = static_cast<std::int64_t>(piece.end);
    splits.push_back({input.name, piece.path, begin, end, end - begin});
  }
  return Packed(input, std::move(splits));
}

std::vector<Split> LineSplits(const InputFacts& input, const std::map<std::string, std::int64_t>& sizes) {
  std::vector<Split> splits;
  const std::int64_t size = SplitBytes(input);
  for (const auto& [path, bytes] : sizes) {
    if (readers::CompressionOf(path) != readers::Compression::kNone) {
      splits.push_back({input.name, path, 0, 0, bytes});
      continue;
    }
    for (std::int64_t begin = 0; begin < bytes; begin += size) {
      const std::int64_t end = std::min(begin + size, bytes);
      splits.push_back({input.name, path, begin, end, end - begin});
    }
  }
  return Packed(input, std::move(splits));
}

}  // namespace

std::string TextList(const std::vector<std::string>& texts) {
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() == 1 ? "" : ", ") + QuoteText(text);
  return list + "]";
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

// For our reader: a pack is its files.
std::vector<readers::Piece> PiecesOf(const InputFacts& input, const std::vector<Split>& splits) {
  std::vector<readers::Piece> pieces;
  for (const Split& split : splits) {
    if (split.files == 1 && split.end != 0) {
      pieces.push_back({split.path, static_cast<std::uint64_t>(split.begin), static_cast<std::uint64_t>(split.end)});
      continue;
    }
    for (const std::string& path : PathsOf(input, split)) {
      std::error_code error;  // of a file that is gone: opening it says so
      const std::uintmax_t size = std::filesystem::file_size(path, error);
      if (error || size != 0) pieces.push_back({path, 0, error ? 1 : size});
    }
  }
  return pieces;
}

std::vector<std::string> PathsOf(const InputFacts& input, const Split& split) {
  if (split.files <= 1) return {split.path};
  const auto first = std::find(input.paths.begin(), input.paths.end(), split.path);
  const auto last = first + std::min<std::ptrdiff_t>(split.files, input.paths.end() - first);
  return {first, last};
}

StatusOr<std::vector<Split>> FindSplits(sql::Connection& connection, const InputFacts& input, bool by_lines) {
  if (!by_lines && input.format == "parquet") {
    StatusOr<std::vector<Split>> splits = RowGroupSplits(connection, input);
    if (!splits.ok()) return Unreadable(splits.status()).WithContext("input '" + input.name + "'");
    // No rows at all: the files are read all the same, so that the job has a map task.
    if (!splits->empty()) return Packed(input, *std::move(splits));
  }
  if (!by_lines && input.own_reader) return RecordSplits(input);
  std::map<std::string, std::int64_t> sizes;
  for (const std::string& path : input.paths) {
    ASSIGN_OR_RETURN(sizes[path], TotalBytes({path}));
  }
  if (by_lines) return LineSplits(input, sizes);
  std::vector<Split> splits;
  for (const auto& [path, bytes] : sizes) splits.push_back({input.name, path, 0, 0, bytes});
  return Packed(input, std::move(splits));
}

}  // namespace millrace::mapreduce
