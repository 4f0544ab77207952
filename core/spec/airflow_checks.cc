#include "core/spec/airflow_checks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "core/model/json.h"
#include "core/spec/field.h"

namespace millrace {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// An aggregate of a column, $ in it.
constexpr std::array<Pair, 5> kColumnChecks = {{{"null_check", "count(*) - count($)"},
                                                {"distinct_check", "count(DISTINCT $)"},
                                                {"unique_check", "count($) - count(DISTINCT $)"},
                                                {"min", "min($)"},
                                                {"max", "max($)"}}};

// Airflow's comparison, and the field of a `value` check.
constexpr std::array<Pair, 5> kComparisons = {{{"equal_to", "equal_to"},
                                               {"greater_than", "greater_than"},
                                               {"geq_to", "min"},
                                               {"less_than", "less_than"},
                                               {"leq_to", "max"}}};

std::string SqlName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

template <typename List>
std::vector<std::string> FirstsOf(const List& pairs) {
  std::vector<std::string> names;
  for (const auto& pair : pairs) names.emplace_back(pair.first);
  return names;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "there are: " : ", ") + name;
  return text;
}

class Translation {
 public:
  Translation(std::string_view name, const Value& with, std::vector<Problem>& problems)
      : name_(name), with_(with), problems_(problems) {}

  Value Run() {
    if (name_ == "SQLColumnCheckOperator") {
      Columns();
    } else if (name_ == "SQLTableCheckOperator") {
      Statements();
    } else if (name_ == "SQLIntervalCheckOperator") {
      Intervals();
    } else {
      One();
    }
    Value native{Value::Map{}};
    native.At(with_.position()).KeyAt(with_.key_position());
    for (const auto& [key, value] : with_.as_map()) {
      if (std::find(used_.begin(), used_.end(), key) == used_.end()) native.Set(key, value);
    }
    // What they raise is a failure that is tried again, unless told otherwise.
    if (native.Find("retry_on_failure") == nullptr) native.Set("retry_on_failure", Value(true));
    native.Set("checks", std::move(Value(std::move(checks_)).At(with_.position())));
    return native;
  }

 private:
  const Value* Use(std::string_view name) {
    used_.emplace_back(name);
    return with_.Find(name);
  }

  const Value* Need(std::string_view name, std::string_view example) {
    const Value* value = Use(name);
    if (value == nullptr)
      Report(with_.position(), "'" + std::string(name) + "' is missing", std::string(example));
    return value;
  }

  void Report(Position where, const std::string& message, std::string suggestion) {
    AddProblem(problems_, where, std::string(name_) + ": " + message, std::move(suggestion));
  }

  void Unknown(const Value& value, const std::string& key, const std::string& what,
               const std::vector<std::string>& known) {
    std::string suggestion = DidYouMean(key, known);
    Report(value.key_position(), what + ": there is no '" + key + "'",
           suggestion.empty() ? Listed(known) : std::move(suggestion));
  }

  bool IsMap(const Value& value, const std::string& what, std::string_view example) {
    if (value.is_map()) return true;
    Report(value.position(), what + " must be a map, not a " + std::string(value.TypeName()),
           std::string(example));
    return false;
  }

  std::string Where(const Value* own) {
    std::string where = partition_.empty() ? "" : " WHERE (" + partition_ + ")";
    if (const std::string more = TextOf(own); !more.empty())
      where += (where.empty() ? " WHERE (" : " AND (") + more + ")";
    return where;
  }

  void Add(const Value& origin, std::string name, std::string sql, Value::Map more = {}) {
    Value check{Value::Map{{"type", "value"}, {"name", std::move(name)}, {"sql", std::move(sql)}}};
    for (auto& [key, value] : more) check.Set(key, std::move(value));
    checks_.push_back(std::move(check.At(origin.position()).KeyAt(origin.key_position())));
  }

  // column_mapping: {delay: {null_check: {equal_to: 0}, max: {less_than: 2000, tolerance: 0.1}}}
  void Columns() {
    constexpr std::string_view kExample = "column_mapping: {delay: {null_check: {equal_to: 0}}}";
    partition_ = TextOf(Use("partition_clause"));
    const Value* none = Use("accept_none");
    const bool none_is_zero = none == nullptr || !none->is_bool() || none->as_bool();
    const Value* columns = Need("column_mapping", kExample);
    if (columns == nullptr || !IsMap(*columns, "'column_mapping'", kExample)) return;
    for (const auto& [column, checks] : columns->as_map()) {
      if (!IsMap(checks, "column '" + column + "'", kExample)) continue;
      for (const auto& [kind, check] : checks.as_map()) {
        const std::string what = column + "." + kind;
        const auto known = std::find_if(kColumnChecks.begin(), kColumnChecks.end(),
                                        [&, &kind = kind](const Pair& pair) { return pair.first == kind; });
        if (known == kColumnChecks.end()) {
          Unknown(check, kind, "column '" + column + "'", FirstsOf(kColumnChecks));
          continue;
        }
        if (!IsMap(check, what, "{equal_to: 0}")) continue;
        std::string aggregate(known->second);
        for (std::size_t at = 0; (at = aggregate.find('$', at)) != std::string::npos;
             at += SqlName(column).size())
          aggregate.replace(at, 1, SqlName(column));
        if (none_is_zero && (kind == "min" || kind == "max")) aggregate = "coalesce(" + aggregate + ", 0)";
        Add(check, what, "SELECT " + aggregate + " FROM input" + Where(check.Find("partition_clause")),
            Comparisons(check, what));
      }
    }
  }

  Value::Map Comparisons(const Value& check, const std::string& what) {
    Value::Map bounds;
    int compared = 0;
    for (const auto& [key, value] : check.as_map()) {
      if (key == "partition_clause") continue;
      const auto known = std::find_if(kComparisons.begin(), kComparisons.end(),
                                      [&, &key = key](const Pair& pair) { return pair.first == key; });
      if (known == kComparisons.end() && key != "tolerance") {
        std::vector<std::string> names = FirstsOf(kComparisons);
        names.insert(names.end(), {"tolerance", "partition_clause"});
        Unknown(value, key, what, names);
        ++compared;  // one is enough to be told of
        continue;
      }
      const bool number = value.is_number() || (value.is_string() && HasTemplate(value.as_string()));
      if (!number)
        Report(value.position(),
               what + "." + key + " must be a number, not a " + std::string(value.TypeName()), "");
      if (key != "tolerance") ++compared;
      bounds.emplace_back(key == "tolerance" ? "tolerance" : std::string(known->second),
                          number ? value : Value(0));
    }
    if (compared == 0)
      Report(check.position(), what + " compares with nothing",
             "equal_to, greater_than, geq_to, less_than or leq_to");
    return bounds;
  }

  // checks: {sums_up: {check_statement: "a + b = c"}}
  void Statements() {
    constexpr std::string_view kExample = "checks: {row_count: {check_statement: \"count(*) = 1000\"}}";
    partition_ = TextOf(Use("partition_clause"));
    const Value* checks = Need("checks", kExample);
    if (checks == nullptr || !IsMap(*checks, "'checks'", kExample)) return;
    for (const auto& [name, check] : checks->as_map()) {
      if (!IsMap(check, "check '" + name + "'", kExample)) continue;
      for (const auto& [key, value] : check.as_map()) {
        if (key != "check_statement" && key != "partition_clause")
          Unknown(value, key, "check '" + name + "'", {"check_statement", "partition_clause"});
      }
      const std::string statement = TextOf(check.Find("check_statement"));
      if (statement.empty()) {
        Report(check.position(), "check '" + name + "' has no check_statement", std::string(kExample));
        continue;
      }
      Add(check, name,
          "SELECT min(holds) FROM (SELECT CASE WHEN " + statement + " THEN 1 ELSE 0 END AS holds FROM input" +
              Where(check.Find("partition_clause")) + ")");
    }
  }

  // SQLCheckOperator, SQLValueCheckOperator, SQLThresholdCheckOperator: about the first row of a SELECT.
  void One() {
    const Value* sql = Need("sql", "sql: SELECT count(*) FROM flights");
    Value::Map more;
    if (name_ == "SQLValueCheckOperator") {
      const Value* wanted = Need("pass_value", "pass_value: 1000");
      if (wanted != nullptr) more.emplace_back("equal_to", *wanted);
      if (const Value* tolerance = Use("tolerance"); tolerance != nullptr && !tolerance->is_null())
        more.emplace_back("tolerance", *tolerance);
    } else if (name_ == "SQLThresholdCheckOperator") {
      for (const auto& [theirs, ours] : {Pair{"min_threshold", "min"}, Pair{"max_threshold", "max"}}) {
        const Value* bound = Need(theirs, std::string(theirs) + ": 10, or a SELECT that gives it");
        if (bound != nullptr) more.emplace_back(ours, *bound);
      }
    }
    if (sql == nullptr) return;
    if (!sql->is_string()) return Report(sql->position(), "'sql' must be one SELECT", "");
    Add(*sql, name_ == "SQLCheckOperator" ? "first row is true" : "first row", sql->as_string(),
        std::move(more));
  }

  // metrics_thresholds: {"count(*)": 1.5}: how far today's may be from that of days_back days ago.
  void Intervals() {
    constexpr std::string_view kExample = "metrics_thresholds: {\"count(*)\": 1.5}";
    const Value* metrics = Need("metrics_thresholds", kExample);
    const std::string column = TextOf(Use("date_filter_column"));
    const Value* back = Use("days_back");
    const Value* formula = Use("ratio_formula");
    const Value* zero = Use("ignore_zero");
    std::int64_t days = back != nullptr && back->is_int() ? back->as_int() : -7;
    if (days > 0) days = -days;
    const std::string ratio = TextOf(formula);
    if (!ratio.empty() && ratio != "max_over_min" && ratio != "relative_diff")
      Unknown(*formula, ratio, "'ratio_formula'", {"max_over_min", "relative_diff"});
    if (metrics == nullptr || !IsMap(*metrics, "'metrics_thresholds'", kExample)) return;
    const std::string far =
        ratio == "relative_diff" ? "abs(n.v - t.v) / t.v" : "greatest(n.v, t.v) / least(n.v, t.v)";
    const bool zero_passes = zero == nullptr || !zero->is_bool() || zero->as_bool();
    const std::string date = SqlName(column.empty() ? "ds" : column);
    for (const auto& [metric, threshold] : metrics->as_map()) {
      if (!threshold.is_number()) {
        Report(threshold.position(), "the threshold of '" + metric + "' must be a number",
               std::string(kExample));
        continue;
      }
      const auto of = [&, &metric = metric](const std::string& day) {
        return "(SELECT CAST(" + metric + " AS DOUBLE) AS v FROM input WHERE " + date + " = '" + day + "')";
      };
      Add(threshold, metric,
          "SELECT CASE WHEN n.v = 0 OR t.v = 0 THEN " + std::string(zero_passes ? "0" : "NULL") + " ELSE " +
              far + " END FROM " + of("{{ ds }}") + " n, " +
              of("{{ macros.ds_add(ds, " + std::to_string(days) + ") }}") + " t",
          {{"less_than", threshold}});
    }
  }

  const std::string_view name_;
  const Value& with_;
  std::vector<Problem>& problems_;
  std::string partition_;
  std::vector<std::string> used_;
  Value::List checks_;
};

}  // namespace

Value ChecksOf(std::string_view operator_name, const Value& with, std::vector<Problem>& problems) {
  return Translation(operator_name, with, problems).Run();
}

}  // namespace millrace
