// An input's files as pieces that tasks read. The plan attempt finds them; every task reads what they say. The attempt's thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "worker/readers/boundaries.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// The pieces of an input that is not broadcast. `by_lines`: native code reads it, so files are cut into byte ranges; else
// Parquet is cut on row-group edges, what our reader reads between records, and the rest stays whole. Of very many files those
// that are small are packed.
StatusOr<std::vector<Split>> FindSplits(sql::Connection& connection, const InputFacts& input, bool by_lines);

// The files of a split, when it is of whole files.
std::vector<std::string> PathsOf(const InputFacts& input, const Split& split);

// For our reader: of these splits, or of the whole input.
std::vector<readers::Piece> PiecesOf(const InputFacts& input, const std::vector<Split>& splits);
StatusOr<std::vector<readers::Piece>> RecordPieces(const InputFacts& input);

StatusOr<std::int64_t> TotalBytes(const std::vector<std::string>& paths);

// ['a', 'b'] in SQL.
std::string TextList(const std::vector<std::string>& texts);

// Of what DuckDB found in files: the data is wrong, not what the author wrote.
Status Unreadable(const Status& status);

}  // namespace millrace::mapreduce
