// The inputs of a job: found once by the plan attempt, read in the same way by every stage task. Columns, types, and how a CSV file
// is written, are pinned by the plan. The attempt's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/bad_rows.h"
#include "worker/mapreduce/site.h"
#include "worker/mapreduce/splits.h"
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

// What the views that our reader feeds read from: keep it until the last statement, and let it go before the connection.
struct InputViews {
  std::vector<std::unique_ptr<BadRowLog>> bad;  // outlive the views
  std::vector<std::unique_ptr<sql::FileInput>> files;
  std::vector<const sql::FileInput*> split;  // of those, what is not read whole by every task

  // That our reader gave of what is split, so far.
  std::int64_t rows() const;
  // What was skipped, as sealed files.
  StatusOr<std::vector<OutputFile>> WriteBadRows(const Site& site, const std::string& part) const;
};

// A temporary view of the input's name: of these splits of it; of whole files when there are none.
Status CreateInputView(sql::Connection& connection, const InputSpec& spec, const InputFacts& input, const std::vector<Split>& splits,
                       InputViews& views);
// All of them: broadcast ones whole, the others as far as `splits` say.
StatusOr<InputViews> CreateInputViews(sql::Connection& connection, const MapReduceSpec& spec, const std::vector<InputFacts>& inputs,
                                      const std::vector<Split>& splits);

// Rows of Parquet files, from what they say of themselves.
Status CountRows(sql::Connection& connection, InputFacts& input);

// parquet, csv, jsonl or text, from a file's name; "" when the name does not say.
std::string FormatOf(const std::string& path);

}  // namespace millrace::mapreduce
