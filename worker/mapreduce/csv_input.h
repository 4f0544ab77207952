// CSV inputs: how their files are written, found once by the plan attempt with DuckDB's sniffer and pinned, and who reads them. Ours
// (worker/readers) reads RFC 4180 with any delimiter; what it does not do, DuckDB's read_csv does with the same pinned facts. The
// attempt's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/readers/bad_records.h"
#include "worker/readers/dialect.h"
#include "worker/sql/file_scan.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// Of a file of which only a piece is looked at: more than DuckDB's own sample of 20,480 usual rows.
constexpr std::uint64_t kSampledBytes = std::uint64_t{2} << 20;

// Fills in columns, dialect and reader of an input whose paths are known.
Status FindCsv(sql::Connection& connection, const InputSpec& spec, InputFacts& input);

// The same of text, whose lines have no dialect.
void FindText(InputFacts& input);

// For inputs that are read by our reader, JSON Lines too.
readers::Dialect ReaderDialect(const InputFacts& input);
sql::FileReading ReadingOf(const InputFacts& input, readers::BadRecords* bad);

// read_csv's options for what is pinned, with nothing left to guess; begins with a comma.
std::string PinnedCsvOptions(const InputFacts& input);

}  // namespace millrace::mapreduce
