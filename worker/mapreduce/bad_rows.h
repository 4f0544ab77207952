// Records that could not be read, as long as an input's author lets them be skipped: kept by the attempt that met them, written to
// its staging folder as JSON Lines, and made one file a job when it is published. A record that several tasks read (an input that
// each reads whole, say) counts once. BadRowLog: any thread; the rest: the attempt's thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/job.h"
#include "core/spec/mapreduce_spec.h"
#include "worker/mapreduce/site.h"
#include "worker/readers/bad_records.h"

namespace millrace::mapreduce {

class BadRowLog final : public readers::BadRecords {
 public:
  BadRowLog(std::string input, std::int64_t limit) : input_(std::move(input)), limit_(limit) {}
  Status Skip(const std::string& path, std::uint64_t offset, std::string_view record, const std::string& reason) override;

  const std::string& input() const { return input_; }
  std::int64_t count() const;
  // A line each: {"input", "path", "offset", "reason", "text"}, in the order of the files.
  std::string Lines() const;

 private:
  struct Row {
    std::string reason;
    std::string text;  // at most kMaxText bytes of it
  };
  const std::string input_;
  const std::int64_t limit_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::uint64_t>, Row> rows_;  // by path and offset
};

// The log's rows as a sealed file in staging, named after the part; nothing when there are none.
StatusOr<std::vector<OutputFile>> WriteBadRows(const Site& site, const BadRowLog& log, const std::string& part);

// What all tasks of a job skipped of an input: one sealed file of distinct rows, or none. INVALID_ARGUMENT when they are more
// than the input allows.
StatusOr<std::vector<OutputFile>> MergeBadRows(sql::Connection& connection, const Site& site, const InputSpec& input,
                                               const std::vector<OutputFile>& files);

}  // namespace millrace::mapreduce
