// The inputs of a job: found once by the plan attempt, read in the same way by every stage task. Columns, types, and how a CSV file
// is written, are pinned by the plan. The attempt's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/sql/file_scan.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

inline constexpr std::int64_t kBroadcastBytes = std::int64_t{32} << 20;

// Files, format, columns, bytes and rows (of Parquet) of one input. NOT_FOUND without files, INVALID_ARGUMENT for an unknown
// format, FAILED_PRECONDITION for files that cannot be read. `broadcast` is not decided yet.
StatusOr<InputFacts> FindInput(sql::Connection& connection, const std::string& root, const InputSpec& spec);

// Which inputs every stage task reads whole: those the author says, and small ones beside a larger one. INVALID_ARGUMENT when
// that leaves more or less than one to split.
Status DecideBroadcast(const std::vector<InputSpec>& specs, std::vector<InputFacts>& inputs);

// The pieces of an input that is not broadcast. `by_lines`: native code reads it, so files are cut into byte ranges; else
// Parquet is cut on row-group edges, what our reader reads between records, and the rest stays whole.
StatusOr<std::vector<Split>> FindSplits(sql::Connection& connection, const InputFacts& input, bool by_lines);

// What the views that our reader feeds read from: keep it until the last statement, and let it go before the connection.
using InputViews = std::vector<std::unique_ptr<sql::FileInput>>;

// A temporary view of the input's name: of these splits of it; of whole files when there are none.
Status CreateInputView(sql::Connection& connection, const InputSpec& spec, const InputFacts& input, const std::vector<Split>& splits,
                       InputViews& views);
// All of them: broadcast ones whole, the others as far as `splits` say.
StatusOr<InputViews> CreateInputViews(sql::Connection& connection, const MapReduceSpec& spec, const std::vector<InputFacts>& inputs,
                                      const std::vector<Split>& splits);

// parquet, csv, jsonl or text, from a file's name; "" when the name does not say.
std::string FormatOf(const std::string& path);

}  // namespace millrace::mapreduce
