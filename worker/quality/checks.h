// Data-quality checks over a relation that a DuckDB connection can read: one number each, and a sample of failing rows. The
// check task and a job's publish attempt call it, on their own thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/value.h"
#include "core/spec/check_spec.h"
#include "worker/sql/instance.h"

namespace millrace::quality {

inline constexpr int kSampleRows = 10;

struct CheckOutcome {
  std::string name;
  std::string type;
  Severity severity = Severity::kError;
  bool passed = true;
  double value = 0;               // what was measured: rows, a rate, an aggregate, an age in seconds
  std::int64_t failing_rows = 0;  // of checks of single rows
  std::int64_t rows = 0;          // looked at
  std::string message;            // why it failed
  Value sample;                   // up to kSampleRows failing rows, a list of maps
};

struct CheckTarget {
  std::string relation;  // as SQL reads it: a view's quoted name
  std::vector<Column> columns;
  WallTime now{};        // freshness is measured against it
};

// Runs every check; a check that cannot run (an unknown column) is a failed outcome with the reason. Inputs that relationships
// name must be readable views of the connection. An error means that nothing could be judged (cancelled, no memory).
StatusOr<std::vector<CheckOutcome>> RunChecks(sql::Connection& connection, const CheckTarget& target,
                                              const std::vector<CheckSpec>& checks);

// The condition under which a row of the relation fails a check of single rows, as SQL; "" for the other checks. Used for the
// quarantine of bad rows.
std::string FailingRow(const CheckSpec& check, const CheckTarget& target);

// True when no check of severity `error` failed.
bool Passed(const std::vector<CheckOutcome>& outcomes);

// For the manifest, the task's result and the API.
Value ToValue(const std::vector<CheckOutcome>& outcomes);
// For the log: a line a check, with the failing rows below it.
std::string ToText(const std::vector<CheckOutcome>& outcomes);

}  // namespace millrace::quality
