// Data-quality checks and contracts as authors write them. Read by DAG validation (problems with their
// places), by the worker's quality room (what to compute) and by `mapreduce` (checks on its output). Pure;
// any thread.
//
// Deliberately not here: how a check is computed, and YAML (core/model/yaml.h gives the Value of a contract
// file).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/value.h"
#include "core/spec/field.h"

namespace millrace {

enum class CheckType : std::uint8_t {
  kRowCount,  // row_count > 0
  kNotNull,   // not_null(a, b): a row fails when any of the columns is NULL
  kNullRate,  // null_rate(a) < 0.01
  kUnique,    // unique(a, b): every row of a repeated (a, b) after the first fails; NULLs are not compared
  kAcceptedValues,  // accepted_values(a, ['x', 'y']); NULL passes
  kRange,           // range(a, -100, 2000), both ends included; NULL passes
  kRegex,           // regex(a, '[A-Z]{3}'), of the whole value; NULL passes
  kLength,          // length(a, 3, 3), in characters; NULL passes
  kRelationships,   // relationships(origin, airports.iata); NULL passes
  kFreshness,       // freshness(a) < 24h: age of the newest value
  kAggregate,       // sum(a) < 5, avg, min, max, stddev, count, count_distinct
  kSchema,          // the columns and types of a contract
  kSql,  // {type: sql, sql: "SELECT ..."}: every row that it returns is a failing row; reads `input`
  kValue,  // {type: value, sql: "SELECT ...", min: 1}: the values of its first row hold; without a bound: are true
};

enum class Comparison : std::uint8_t { kLess, kLessEqual, kEqual, kNotEqual, kGreaterEqual, kGreater };

// `error` fails the task; `warn` is shown and kept.
enum class Severity : std::uint8_t { kError, kWarn };

struct Bound {
  Comparison comparison = Comparison::kGreater;
  double value = 0;
  friend bool operator==(const Bound&, const Bound&) = default;
};

struct CheckColumn {
  std::string name;
  std::string type;  // DuckDB's text, upper case; "": any
  bool nullable = true;
  friend bool operator==(const CheckColumn&, const CheckColumn&) = default;
};

struct CheckSpec {
  std::string name;  // what people see: `name:` or the check's own text, "null_rate(x) < 0.01"
  CheckType type = CheckType::kRowCount;
  std::vector<std::string> columns;  // unquoted
  std::vector<Bound> bounds;         // row_count, null_rate, aggregate, value: all must hold
  std::string aggregate;             // "sum", "avg", "min", "max", "stddev", "count", "count_distinct"
  std::vector<Value> values;         // accepted_values
  Value min, max;                    // range and length; null is open. value: a SELECT whose value is the bound
  Value equal_to;                    // value: text that it must be
  std::string pattern;               // regex
  std::string reference_input;       // relationships: the name of another input
  std::string reference_column;
  Duration max_age{0};              // freshness
  std::string sql;                  // sql, value
  std::vector<CheckColumn> schema;  // schema
  std::string filter;               // SQL condition: only these rows are looked at; "": all
  Severity severity = Severity::kError;
  // For checks of single rows: how many failing rows are still a success. 0 and 0: none.
  std::int64_t allowed_rows = 0;
  double allowed_share = 0;  // of the rows looked at, 0..1
  Position where;
};

struct ContractColumn {
  std::string name;
  std::string type;
  bool nullable = true;
  bool unique = false;
  std::string description;
};

// contracts/flights.yml
struct Contract {
  std::string name;
  std::string version;
  std::string owner;
  std::string description;
  Duration freshness{0};         // sla.freshness; 0: none
  std::string freshness_column;  // sla.column
  std::vector<ContractColumn> schema;
  std::vector<CheckSpec> quality;  // as written

  // Everything the contract asks for, as checks: the schema, not_null and unique of its columns, the SLA,
  // `quality`.
  std::vector<CheckSpec> Checks() const;
};

// One check: a string of the grammar above, or a map {type: ...} or {check: "...", severity: warn, threshold:
// 5%, ...}. Nothing is returned when a problem was added, or when `phase` is kWritten and the check still
// holds a template.
std::optional<CheckSpec> ParseCheck(const Value& check, SpecPhase phase, std::vector<Problem>& problems);
// A list of them.
std::vector<CheckSpec> ParseChecks(const Value& list, SpecPhase phase, std::vector<Problem>& problems);
Contract ParseContract(const Value& contract, std::vector<Problem>& problems);

// For the worker, which only meets rendered text: the problems become one INVALID_ARGUMENT.
StatusOr<std::vector<CheckSpec>> ParseRenderedChecks(const Value& list);
StatusOr<Contract> ParseRenderedContract(const Value& contract);

// What a `check` task asks for.
struct CheckTaskSpec {
  std::string input;       // a file, folder or pattern beneath the root; "": a table, or checks that name their own
  std::string connection;  // the database of `table`, and of what checks name; "": a DuckDB in memory
  std::string table;       // instead of input
  bool retry = false;      // a failed check is a failure like any other
  std::string contract;                                         // a file of the DAG; "": none
  std::vector<CheckSpec> checks;                                // inline ones
  std::vector<std::pair<std::string, std::string>> references;  // name -> path, for relationships
  std::string quarantine;                                       // where failing rows are written; "": nowhere
};
StatusOr<CheckTaskSpec> ParseCheckTask(const Value& with);

std::string_view ToString(CheckType type);
std::string_view ToString(Comparison comparison);  // "<", "<=", "=", "!=", ">=", ">"
std::string_view ToString(Severity severity);
bool Holds(double value, const Bound& bound);

}  // namespace millrace
