#include "worker/quality/checks.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "core/model/json.h"

namespace millrace::quality {
namespace {

using sql::QuoteName;
using sql::QuoteText;

std::string Number(double value) {
  char text[64];
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    std::snprintf(text, sizeof text, "%.0f", value);
  } else {
    std::snprintf(text, sizeof text, "%.6g", value);
  }
  return text;
}

std::string Literal(const Value& value) {
  if (value.is_string()) return QuoteText(value.as_string());
  if (value.is_null()) return "NULL";
  return ToJson(value);
}

std::string Join(const std::vector<std::string>& parts, std::string_view between) {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += between;
    joined += part;
  }
  return joined;
}

std::vector<std::string> Quoted(const std::vector<std::string>& columns) {
  std::vector<std::string> quoted;
  for (const std::string& column : columns) quoted.push_back(QuoteName(column));
  return quoted;
}

std::string Between(const std::string& expression, const CheckSpec& check) {
  std::vector<std::string> bad;
  if (!check.min.is_null()) bad.push_back(expression + " < " + Literal(check.min));
  if (!check.max.is_null()) bad.push_back(expression + " > " + Literal(check.max));
  return bad.empty() ? "false" : "(" + Join(bad, " OR ") + ")";
}

std::string Looked(const CheckSpec& check, const CheckTarget& target) {
  return target.relation + (check.filter.empty() ? "" : " WHERE (" + check.filter + ")");
}

StatusOr<double> Measure(sql::Connection& connection, const std::string& select) {
  ASSIGN_OR_RETURN(const sql::Result result, connection.Run("SELECT CAST((" + select + ") AS DOUBLE)"));
  if (result.row_count() == 0 || result.IsNull(0, 0)) return std::nan("");
  return result.Real(0, 0);
}

// One check under way: what the check types below fill in.
class Judge {
 public:
  Judge(sql::Connection& connection, const CheckTarget& target, const CheckSpec& check)
      : connection_(connection), target_(target), check_(check) {
    outcome_.name = check.name;
    outcome_.type = std::string(ToString(check.type));
    outcome_.severity = check.severity;
    outcome_.sample = Value(Value::List());
  }

  StatusOr<CheckOutcome> Run() {
    const Status status = Dispatch();
    if (status.code() == Code::kCancelled || status.code() == Code::kResourceExhausted) return status;
    if (!status.ok()) {
      outcome_.passed = false;
      outcome_.message = "could not run: " + status.message().substr(0, status.message().find('\n'));
    }
    return outcome_;
  }

 private:
  Status Dispatch() {
    switch (check_.type) {
      case CheckType::kSchema: return Schema();
      case CheckType::kSql: return FailingSelect(check_.sql);
      case CheckType::kValue: return FirstRow();
      case CheckType::kRowCount: return Bounded("SELECT count(*) FROM " + Looked(check_, target_), "rows");
      case CheckType::kNullRate:
        return Bounded("SELECT avg(CASE WHEN " + QuoteName(check_.columns.at(0)) + " IS NULL THEN 1.0 ELSE 0.0 END) FROM " +
                           Looked(check_, target_),
                       "of the rows are NULL");
      case CheckType::kAggregate: return Bounded("SELECT " + Aggregate() + " FROM " + Looked(check_, target_), "");
      case CheckType::kFreshness: return Freshness();
      default: return Rows();
    }
  }

  std::string Aggregate() const {
    const std::string column = QuoteName(check_.columns.at(0));
    if (check_.aggregate == "count_distinct") return "count(DISTINCT " + column + ")";
    return check_.aggregate + "(" + column + ")";
  }

  Status Bounded(const std::string& select, const std::string& unit) {
    ASSIGN_OR_RETURN(outcome_.value, Measure(connection_, select));
    for (const Bound& bound : check_.bounds) {
      if (!std::isnan(outcome_.value) && Holds(outcome_.value, bound)) continue;
      outcome_.passed = false;
      outcome_.message = (std::isnan(outcome_.value) ? std::string("no value") : Number(outcome_.value)) +
                         (unit.empty() ? "" : " " + unit) + ", must be " + std::string(ToString(bound.comparison)) + " " +
                         Number(bound.value);
    }
    if (std::isnan(outcome_.value)) outcome_.value = 0;
    return OkStatus();
  }

  // The values of the first row: within the bounds, or the text that is wanted, or, when nothing is wanted, true.
  Status FirstRow() {
    ASSIGN_OR_RETURN(const sql::SelectFacts select, connection_.CheckSelect(check_.sql));
    ASSIGN_OR_RETURN(const std::string text, connection_.JsonRows(select.text, 1));
    ASSIGN_OR_RETURN(const Value rows, ParseJson(text));
    if (!rows.is_list() || rows.as_list().empty()) return Reject("no row");
    ASSIGN_OR_RETURN(const std::vector<Bound> bounds, AllBounds());
    const Value& row = rows.as_list().front();
    const std::optional<double> first = row.as_map().empty() ? std::nullopt : NumberIn(row.as_map().front().second);
    outcome_.value = first.value_or(0);
    for (const auto& [name, value] : row.as_map()) {
      const std::string problem = WrongWith(value, bounds);
      if (problem.empty()) continue;
      outcome_.sample = Value(Value::List{row});
      return Reject((row.as_map().size() > 1 ? name + ": " : "") + problem);
    }
    return OkStatus();
  }

  Status Reject(std::string why) {
    outcome_.passed = false;
    outcome_.message = std::move(why);
    return OkStatus();
  }

  // Those that are written, and those that a SELECT gives.
  StatusOr<std::vector<Bound>> AllBounds() {
    std::vector<Bound> bounds = check_.bounds;
    for (const auto& [bound, comparison] :
         {std::pair{&check_.min, Comparison::kGreaterEqual}, std::pair{&check_.max, Comparison::kLessEqual}}) {
      if (!bound->is_string()) continue;
      ASSIGN_OR_RETURN(const sql::SelectFacts select, connection_.CheckSelect(bound->as_string()));
      ASSIGN_OR_RETURN(const double value, Measure(connection_, select.text));
      if (std::isnan(value)) return InvalidArgument("no value: " + bound->as_string());
      bounds.push_back({comparison, value});
    }
    return bounds;
  }

  std::string WrongWith(const Value& value, const std::vector<Bound>& bounds) const {
    const std::string shown = value.is_null() ? "no value" : value.is_string() ? value.as_string() : ToJson(value);
    if (check_.equal_to.is_string())
      return !value.is_null() && shown == check_.equal_to.as_string() ? "" : shown + ", must be " + check_.equal_to.as_string();
    if (bounds.empty()) return IsTrue(value) ? "" : shown + ", must be true";
    const std::optional<double> number = NumberIn(value);
    for (const Bound& bound : bounds) {
      if (!number || !Holds(*number, bound))
        return shown + ", must be " + std::string(ToString(bound.comparison)) + " " + Number(bound.value);
    }
    return "";
  }

  // As Python has it, in which Airflow's operators ask.
  static bool IsTrue(const Value& value) {
    if (value.is_bool()) return value.as_bool();
    if (value.is_number()) return value.as_double() != 0;
    return !value.is_null() && !(value.is_string() && value.as_string().empty());
  }

  static std::optional<double> NumberIn(const Value& value) {
    if (value.is_number()) return value.as_double();
    if (value.is_bool()) return value.as_bool() ? 1 : 0;
    if (!value.is_string()) return std::nullopt;
    const std::string& text = value.as_string();
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
  }

  Status Freshness() {
    ASSIGN_OR_RETURN(const double newest, Measure(connection_, "SELECT epoch(max(CAST(" + QuoteName(check_.columns.at(0)) +
                                                                   " AS TIMESTAMP))) FROM " + Looked(check_, target_)));
    const double allowed = static_cast<double>(check_.max_age.count()) / 1e6;
    if (std::isnan(newest)) {
      outcome_.passed = false;
      outcome_.message = "there is no value to be fresh";
      return OkStatus();
    }
    outcome_.value = static_cast<double>(ToMicros(target_.now)) / 1e6 - newest;
    outcome_.passed = outcome_.value <= allowed;
    if (!outcome_.passed) {
      outcome_.message = "the newest value is " + Number(outcome_.value) + " s old, at most " + Number(allowed) + " s allowed";
    }
    return OkStatus();
  }

  Status Schema() {
    std::vector<std::string> problems;
    for (const CheckColumn& wanted : check_.schema) {
      const Column* found = nullptr;
      for (const Column& column : target_.columns) {
        if (column.name == wanted.name) found = &column;
      }
      if (found == nullptr) {
        problems.push_back("column " + wanted.name + " is missing");
      } else if (!wanted.type.empty() && found->type != wanted.type) {
        problems.push_back("column " + wanted.name + " is " + found->type + ", not " + wanted.type);
      }
    }
    outcome_.value = static_cast<double>(problems.size());
    outcome_.passed = problems.empty();
    outcome_.message = Join(problems, "; ");
    return OkStatus();
  }

  // Checks of single rows.
  Status Rows() {
    ASSIGN_OR_RETURN(const double rows, Measure(connection_, "SELECT count(*) FROM " + Looked(check_, target_)));
    outcome_.rows = static_cast<std::int64_t>(rows);
    if (check_.type == CheckType::kUnique) {
      const std::string keys = Join(Quoted(check_.columns), ", ");
      return FailingSelect("SELECT * EXCLUDE (millrace_repeat) FROM (SELECT *, row_number() OVER (PARTITION BY " + keys +
                           ") AS millrace_repeat FROM " + target_.relation + " WHERE " +
                           Join(Quoted(check_.columns), " IS NOT NULL AND ") + " IS NOT NULL" +
                           (check_.filter.empty() ? "" : " AND (" + check_.filter + ")") + ") WHERE millrace_repeat > 1");
    }
    return FailingSelect("SELECT * FROM " + target_.relation + " WHERE " + FailingRow(check_, target_));
  }

  Status FailingSelect(const std::string& select) {
    ASSIGN_OR_RETURN(const double failing, Measure(connection_, "SELECT count(*) FROM (" + select + ")"));
    outcome_.failing_rows = static_cast<std::int64_t>(failing);
    outcome_.value = failing;
    const double share = outcome_.rows > 0 ? failing / static_cast<double>(outcome_.rows) : 0;
    outcome_.passed = outcome_.failing_rows == 0 || outcome_.failing_rows <= check_.allowed_rows ||
                      (check_.allowed_share > 0 && share <= check_.allowed_share);
    if (outcome_.failing_rows == 0) return OkStatus();
    if (!outcome_.passed) outcome_.message = Number(failing) + " of " + Number(static_cast<double>(outcome_.rows)) + " rows fail";
    ASSIGN_OR_RETURN(const std::string rows, connection_.JsonRows(select, kSampleRows));
    if (StatusOr<Value> sample = ParseJson(rows); sample.ok()) outcome_.sample = *std::move(sample);
    return OkStatus();
  }

  sql::Connection& connection_;
  const CheckTarget& target_;
  const CheckSpec& check_;
  CheckOutcome outcome_;
};

}  // namespace

std::string FailingRow(const CheckSpec& check, const CheckTarget&) {
  std::string condition;
  const std::string column = check.columns.empty() ? "" : QuoteName(check.columns[0]);
  switch (check.type) {
    case CheckType::kNotNull: condition = "(" + Join(Quoted(check.columns), " IS NULL OR ") + " IS NULL)"; break;
    case CheckType::kAcceptedValues: {
      std::vector<std::string> values;
      for (const Value& value : check.values) values.push_back(Literal(value));
      condition = column + " IS NOT NULL AND " + column + " NOT IN (" + Join(values, ", ") + ")";
      break;
    }
    case CheckType::kRange: condition = Between(column, check); break;
    case CheckType::kLength: condition = Between("length(" + column + ")", check); break;
    case CheckType::kRegex: condition = "NOT regexp_full_match(" + column + ", " + QuoteText(check.pattern) + ")"; break;
    case CheckType::kRelationships:
      condition = column + " IS NOT NULL AND " + column + " NOT IN (SELECT " + QuoteName(check.reference_column) + " FROM " +
                  QuoteName(check.reference_input) + " WHERE " + QuoteName(check.reference_column) + " IS NOT NULL)";
      break;
    default: return "";
  }
  return check.filter.empty() ? condition : "(" + check.filter + ") AND (" + condition + ")";
}

StatusOr<std::vector<CheckOutcome>> RunChecks(sql::Connection& connection, const CheckTarget& target,
                                              const std::vector<CheckSpec>& checks) {
  std::vector<CheckOutcome> outcomes;
  for (const CheckSpec& check : checks) {
    ASSIGN_OR_RETURN(CheckOutcome outcome, Judge(connection, target, check).Run());
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

bool Passed(const std::vector<CheckOutcome>& outcomes) {
  for (const CheckOutcome& outcome : outcomes) {
    if (!outcome.passed && outcome.severity == Severity::kError) return false;
  }
  return true;
}

Value ToValue(const std::vector<CheckOutcome>& outcomes) {
  Value::List list;
  for (const CheckOutcome& outcome : outcomes) {
    list.push_back(Value::Map{{"check", outcome.name},
                              {"type", outcome.type},
                              {"severity", ToString(outcome.severity)},
                              {"passed", outcome.passed},
                              {"value", outcome.value},
                              {"failing_rows", outcome.failing_rows},
                              {"rows", outcome.rows},
                              {"message", outcome.message},
                              {"sample", outcome.sample}});
  }
  return list;
}

std::string ToText(const std::vector<CheckOutcome>& outcomes) {
  std::string text;
  for (const CheckOutcome& outcome : outcomes) {
    const char* word = outcome.passed ? "passed" : outcome.severity == Severity::kWarn ? "WARNING" : "FAILED";
    text += std::string("check ") + word + ": " + outcome.name;
    if (!outcome.message.empty()) text += " (" + outcome.message + ")";
    text += "\n";
    if (!outcome.sample.is_list()) continue;
    for (const Value& row : outcome.sample.as_list()) text += "  failing row: " + ToJson(row) + "\n";
  }
  return text;
}

}  // namespace millrace::quality
