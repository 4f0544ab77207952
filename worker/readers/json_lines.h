// Lines that hold a JSON object each, to typed columns: the values of the wanted members, laid out as values.h does. One thread.
//
// A line is parsed by itself, by simdjson, so a bad one costs no other. What nobody wants is only looked at as far as it takes to
// find where it ends: text beside strings and numbers that are none go unseen there. Blank lines are no records; a member that is
// missing or null is NULL; of two with one name the first counts.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/readers/bad_records.h"
#include "worker/readers/record_reader.h"
#include "worker/readers/values.h"

namespace millrace::readers {

struct JsonColumn {
  std::string name;
  ValueType type;      // kText: strings as they mean, all else as it is written
  bool json = false;   // kText: any value as JSON text, strings in their quotes
  bool from_path = false;  // its value is a folder of the path, not in the file
  std::string called;  // in messages
};

class JsonLines {
 public:
  // With `bad`, lines that cannot be read go there, instead of being an error.
  JsonLines(std::vector<JsonColumn> wanted, BadRecords* bad);
  JsonLines(const JsonLines&) = delete;
  JsonLines& operator=(const JsonLines&) = delete;
  ~JsonLines();

  // Rows of the window's lines from `line` on, at most kMaxBatch; `line` moves behind them. The targets are as the wanted columns.
  // Texts lie in the window or here until the next call. FAILED_PRECONDITION for a line that is no JSON object or a value that
  // is not of its type, with the place.
  StatusOr<std::size_t> Read(const Window& window, std::size_t& line, OtherCast& other, std::vector<ColumnTarget>& targets);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace millrace::readers
