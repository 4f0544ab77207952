#include "core/spec/check_spec.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <tuple>

#include "core/calendar/format.h"
#include "core/spec/check_grammar.h"

namespace millrace {
namespace {

struct CheckWord {
  std::string_view word;
  CheckType type;
  std::string_view example;
};

constexpr std::array kWords = {
    CheckWord{"row_count", CheckType::kRowCount, "row_count > 0"},
    CheckWord{"not_null", CheckType::kNotNull, "not_null(state)"},
    CheckWord{"null_rate", CheckType::kNullRate, "null_rate(state) < 0.01"},
    CheckWord{"unique", CheckType::kUnique, "unique(day, state)"},
    CheckWord{"accepted_values", CheckType::kAcceptedValues, "accepted_values(state, ['CA', 'NY'])"},
    CheckWord{"range", CheckType::kRange, "range(delay, -100, 2000)"},
    CheckWord{"regex", CheckType::kRegex, "regex(origin, '[A-Z]{3}')"},
    CheckWord{"length", CheckType::kLength, "length(origin, 3, 3)"},
    CheckWord{"relationships", CheckType::kRelationships, "relationships(origin, airports.iata)"},
    CheckWord{"freshness", CheckType::kFreshness, "freshness(updated_at) < 24h"},
    CheckWord{"sum", CheckType::kAggregate, "sum(delay) >= 0"},
    CheckWord{"avg", CheckType::kAggregate, "avg(delay) < 60"},
    CheckWord{"min", CheckType::kAggregate, "min(delay) >= -100"},
    CheckWord{"max", CheckType::kAggregate, "max(delay) < 2000"},
    CheckWord{"stddev", CheckType::kAggregate, "stddev(delay) < 100"},
    CheckWord{"count", CheckType::kAggregate, "count(delay) > 0"},
    CheckWord{"count_distinct", CheckType::kAggregate, "count_distinct(state) >= 50"},
    CheckWord{"schema", CheckType::kSchema, "{type: schema, columns: {day: DATE}}"},
    CheckWord{"sql", CheckType::kSql, "{type: sql, sql: \"SELECT * FROM input WHERE delay IS NULL\"}"},
    CheckWord{"value", CheckType::kValue, "{type: value, sql: \"SELECT count(*) FROM input\", min: 100}"},
};

const CheckWord* FindWord(std::string_view word) {
  const auto found =
      std::find_if(kWords.begin(), kWords.end(), [&](const CheckWord& entry) { return entry.word == word; });
  return found == kWords.end() ? nullptr : &*found;
}

std::string SuggestWord(std::string_view word) {
  std::vector<std::string> words;
  for (const CheckWord& entry : kWords) words.emplace_back(entry.word);
  std::string suggestion = DidYouMean(word, words);
  if (!suggestion.empty()) return suggestion;
  for (const std::string& known : words) suggestion += (suggestion.empty() ? "there are: " : ", ") + known;
  return suggestion;
}

std::string Example(const CheckWord& word) { return "for example: " + std::string(word.example); }

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::vector<std::string> StringsOf(const Value& value) {
  if (value.is_string()) return {value.as_string()};
  std::vector<std::string> strings;
  if (value.is_list()) {
    for (const Value& item : value.as_list()) {
      if (item.is_string()) strings.push_back(item.as_string());
    }
  }
  return strings;
}

bool HoldsTemplate(const Value& value) {
  if (value.is_string()) return HasTemplate(value.as_string());
  if (value.is_list()) return std::any_of(value.as_list().begin(), value.as_list().end(), HoldsTemplate);
  if (!value.is_map()) return false;
  return std::any_of(value.as_map().begin(), value.as_map().end(),
                     [](const Value::Member& member) { return HoldsTemplate(member.second); });
}

// Both forms are read into a CheckSpec, then what the type needs is looked at once.
class CheckReader {
 public:
  explicit CheckReader(std::vector<Problem>& problems) : problems_(problems) {}

  std::optional<CheckSpec> Read(const Value& value) {
    const std::size_t before = problems_.size();
    check_.where = value.position();
    if (value.is_string()) {
      ReadText(value.as_string(), value.position());
    } else if (value.is_map()) {
      ReadMap(value);
    } else {
      AddProblem(problems_, value.position(),
                 "a check must be text or a map, not a " + std::string(value.TypeName()),
                 "for example: row_count > 0");
    }
    if (problems_.size() == before) CheckNeeds();
    if (problems_.size() != before) return std::nullopt;
    return std::move(check_);
  }

 private:
  void Fail(std::string message, std::string suggestion) {
    AddProblem(problems_, check_.where, "check '" + check_.name + "': " + std::move(message),
               std::move(suggestion));
  }

  void ReadText(const std::string& text, Position where) {
    if (check_.name.empty()) check_.name = text;
    check_.where = where;
    StatusOr<CheckText> read = ReadCheckText(text);
    if (!read.ok()) {
      // [unique(a, b)] is two items for YAML.
      const bool torn =
          std::count(text.begin(), text.end(), '(') != std::count(text.begin(), text.end(), ')');
      return Fail(read.status().message(),
                  torn ? "inside [ ] a check that holds a comma needs quotes: \"unique(a, b)\"" : "");
    }
    word_ = FindWord(read->function);
    if (word_ == nullptr) return Fail("unknown check '" + read->function + "'", SuggestWord(read->function));
    check_.type = word_->type;
    ReadArguments(*read);
    ReadComparison(*read);
  }

  void ReadArguments(const CheckText& text) {
    std::vector<Value> literals;
    for (const CheckArgument& argument : text.arguments) {
      if (!argument.column) {
        literals.push_back(argument.literal);
      } else if (check_.type == CheckType::kRelationships && !argument.qualifier.empty()) {
        check_.reference_input = argument.qualifier;
        check_.reference_column = argument.name;
      } else if (!argument.qualifier.empty()) {
        return Fail("'" + argument.qualifier + "." + argument.name + "' is not a column of the input",
                    Example(*word_));
      } else {
        check_.columns.push_back(argument.name);
      }
    }
    TakeLiterals(std::move(literals));
  }

  void TakeLiterals(std::vector<Value> literals) {
    switch (check_.type) {
      case CheckType::kAcceptedValues:
        check_.values =
            literals.size() == 1 && literals[0].is_list() ? literals[0].as_list() : std::move(literals);
        return;
      case CheckType::kRange:
      case CheckType::kLength:
        if (literals.size() != 2) return Fail("needs the lowest and the highest value", Example(*word_));
        check_.min = std::move(literals[0]);
        check_.max = std::move(literals[1]);
        return;
      case CheckType::kRegex:
        if (literals.size() != 1 || !literals[0].is_string())
          return Fail("needs a pattern in quotes", Example(*word_));
        check_.pattern = literals[0].as_string();
        return;
      default:
        if (!literals.empty()) Fail("takes columns only", Example(*word_));
    }
  }

  void ReadComparison(const CheckText& text) {
    if (!text.comparison.has_value()) return;
    if (check_.type == CheckType::kFreshness) {
      const StatusOr<Duration> age = ParseDuration(text.number);
      const bool younger =
          *text.comparison == Comparison::kLess || *text.comparison == Comparison::kLessEqual;
      if (!younger || !age.ok())
        return Fail("freshness is compared with '<' and a duration", Example(*word_));
      check_.max_age = *age;
      return;
    }
    const std::optional<double> number = ReadCheckNumber(text.number);
    if (!number.has_value()) return Fail("'" + text.number + "' is not a number", Example(*word_));
    check_.bounds.push_back({*text.comparison, *number});
  }

  void ReadMap(const Value& map) {
    static const std::vector<FieldSpec> kFields = {
        {.name = "check", .type = FieldType::kString},
        {.name = "type", .type = FieldType::kString},
        {.name = "name", .type = FieldType::kString},
        {.name = "column", .type = FieldType::kString},
        {.name = "columns", .type = FieldType::kAny},
        {.name = "min", .type = FieldType::kAny},
        {.name = "max", .type = FieldType::kAny},
        {.name = "equal_to", .type = FieldType::kAny},
        {.name = "greater_than", .type = FieldType::kAny},
        {.name = "less_than", .type = FieldType::kAny},
        {.name = "tolerance", .type = FieldType::kNumber},
        {.name = "values", .type = FieldType::kList},
        {.name = "pattern", .type = FieldType::kString},
        {.name = "references", .type = FieldType::kString},
        {.name = "max_age", .type = FieldType::kDuration},
        {.name = "sql", .type = FieldType::kString},
        {.name = "filter", .type = FieldType::kString},
        {.name = "severity", .type = FieldType::kChoice, .choices = {"error", "warn"}},
        {.name = "threshold", .type = FieldType::kAny},
    };
    const std::size_t before = problems_.size();
    CheckFields(map, kFields, "check", problems_);
    if (problems_.size() != before) return;
    check_.name = TextOf(map, "name");
    const Value* text = map.Find("check");
    const Value* type = map.Find("type");
    if ((text != nullptr) == (type != nullptr)) {
      return AddProblem(problems_, map.position(), "a check needs either 'check' (its text) or 'type'",
                        "{check: \"row_count > 0\", severity: warn}");
    }
    if (text != nullptr && text->is_string()) {
      ReadText(text->as_string(), text->position());
    } else if (type != nullptr && type->is_string()) {
      ReadType(map, *type);
    }
    check_.filter = TextOf(map, "filter");
    check_.severity = TextOf(map, "severity") == "warn" ? Severity::kWarn : Severity::kError;
    if (const Value* threshold = map.Find("threshold")) ReadThreshold(*threshold);
  }

  void ReadType(const Value& map, const Value& type) {
    word_ = FindWord(type.as_string());
    if (word_ == nullptr) {
      return AddProblem(problems_, type.position(), "unknown check '" + type.as_string() + "'",
                        SuggestWord(type.as_string()));
    }
    check_.type = word_->type;
    const Value* columns = map.Find("columns");
    if (check_.type == CheckType::kSchema) {
      if (columns != nullptr && columns->is_map()) {
        for (const auto& [name, text] : columns->as_map()) {
          check_.schema.push_back({name, text.is_string() ? Upper(text.as_string()) : "", true});
        }
      }
    } else if (columns != nullptr) {
      check_.columns = StringsOf(*columns);
    }
    if (const std::string column = TextOf(map, "column"); !column.empty()) check_.columns.push_back(column);
    if (const Value* values = map.Find("values")) check_.values = values->as_list();
    check_.pattern = TextOf(map, "pattern");
    check_.sql = TextOf(map, "sql");
    if (const std::string references = TextOf(map, "references"); !references.empty()) {
      const std::size_t dot = references.find('.');
      check_.reference_input = references.substr(0, dot);
      check_.reference_column = dot == std::string::npos ? "" : references.substr(dot + 1);
    }
    ReadMapBounds(map);
    if (check_.name.empty()) check_.name = NameOf();
  }

  void ReadMapBounds(const Value& map) {
    if (const Value* age = map.Find("max_age")) {
      const StatusOr<Duration> parsed =
          ParseDuration(age->is_string() ? age->as_string() : std::to_string(age->as_int()));
      if (parsed.ok()) check_.max_age = *parsed;
    }
    const Value* min = map.Find("min");
    const Value* max = map.Find("max");
    if (check_.type == CheckType::kRange || check_.type == CheckType::kLength) {
      if (min != nullptr) check_.min = *min;
      if (max != nullptr) check_.max = *max;
      return;
    }
    if (check_.type == CheckType::kValue) return ReadValueBounds(map);
    for (const auto& [value, comparison] :
         {std::pair{min, Comparison::kGreaterEqual}, std::pair{max, Comparison::kLessEqual}}) {
      if (value == nullptr) continue;
      if (!value->is_number()) {
        AddProblem(problems_, value->position(),
                   "'min' and 'max' of a " + std::string(word_->word) + " check must be numbers");
      } else {
        check_.bounds.push_back({comparison, value->as_double()});
      }
    }
  }

  // A number, also as text, as templates give it.
  static std::optional<double> NumberIn(const Value& value) {
    if (value.is_number()) return value.as_double();
    return value.is_string() && !value.as_string().ends_with('%') ? ReadCheckNumber(value.as_string())
                                                                    : std::nullopt;
  }

  void ReadValueBounds(const Value& map) {
    const Value* tolerance = map.Find("tolerance");
    const double slack = tolerance != nullptr && tolerance->is_number() ? tolerance->as_double() : 0;
    if (slack < 0) return Fail("'tolerance' is a part of the bound, such as 0.1", Example(*word_));
    for (const auto& [name, comparison, sign] :
         {std::tuple{"min", Comparison::kGreaterEqual, -1}, std::tuple{"max", Comparison::kLessEqual, 1},
          std::tuple{"greater_than", Comparison::kGreater, -1}, std::tuple{"less_than", Comparison::kLess, 1},
          std::tuple{"equal_to", Comparison::kEqual, 0}}) {
      const Value* bound = map.Find(name);
      if (bound == nullptr || bound->is_null()) continue;
      const std::optional<double> number = NumberIn(*bound);
      const double room = std::abs(number.value_or(0)) * slack;
      if (number && sign == 0 && slack > 0) {
        check_.bounds.push_back({Comparison::kGreaterEqual, *number - room});
        check_.bounds.push_back({Comparison::kLessEqual, *number + room});
      } else if (number) {
        check_.bounds.push_back({comparison, *number + sign * room});
      } else if (bound->is_string() && sign == 0) {
        check_.equal_to = *bound;
      } else if (bound->is_string() && comparison == Comparison::kGreaterEqual) {
        check_.min = *bound;
      } else if (bound->is_string() && comparison == Comparison::kLessEqual) {
        check_.max = *bound;
      } else {
        Fail("'" + std::string(name) + "' must be a number", Example(*word_));
      }
    }
  }

  void ReadThreshold(const Value& threshold) {
    if (threshold.is_int() && threshold.as_int() >= 0) {
      check_.allowed_rows = threshold.as_int();
      return;
    }
    const std::optional<double> share =
        threshold.is_string() ? ReadCheckNumber(threshold.as_string()) : std::nullopt;
    if (threshold.is_string() && threshold.as_string().ends_with('%') && share && *share >= 0 &&
        *share <= 1) {
      check_.allowed_share = *share;
      return;
    }
    AddProblem(problems_, threshold.position(), "'threshold' must be a number of rows or a percentage",
               "threshold: 10, or threshold: 0.5%");
  }

  std::string NameOf() const {
    std::string name(word_->word);
    if (check_.columns.empty()) return name;
    name += "(";
    for (const std::string& column : check_.columns) name += (name.ends_with('(') ? "" : ", ") + column;
    return name + ")";
  }

  // What each type cannot do without.
  void CheckNeeds() {
    const std::size_t columns = check_.columns.size();
    switch (check_.type) {
      case CheckType::kRowCount:
        if (columns != 0 || check_.bounds.empty()) Fail("needs a bound and no column", Example(*word_));
        return;
      case CheckType::kNotNull:
      case CheckType::kUnique:
        if (columns == 0 || !check_.bounds.empty()) Fail("needs columns and no comparison", Example(*word_));
        return;
      case CheckType::kNullRate:
      case CheckType::kAggregate:
        if (columns != 1 || check_.bounds.empty())
          return Fail("needs one column and a comparison", Example(*word_));
        if (check_.type == CheckType::kAggregate) check_.aggregate = word_->word;
        return;
      case CheckType::kAcceptedValues:
        if (columns != 1 || check_.values.empty()) Fail("needs one column and the values", Example(*word_));
        return;
      case CheckType::kRange:
      case CheckType::kLength:
        if (columns != 1 || (check_.min.is_null() && check_.max.is_null()))
          Fail("needs one column and two values", Example(*word_));
        return;
      case CheckType::kRegex:
        if (columns != 1 || check_.pattern.empty()) Fail("needs one column and a pattern", Example(*word_));
        return;
      case CheckType::kRelationships:
        if (columns != 1 || check_.reference_column.empty())
          Fail("needs one column and input.column", Example(*word_));
        return;
      case CheckType::kFreshness:
        if (columns != 1 || check_.max_age <= Duration{0})
          Fail("needs one column and an age", Example(*word_));
        return;
      case CheckType::kSchema:
        if (check_.schema.empty()) Fail("needs columns: a map of names to types", Example(*word_));
        return;
      case CheckType::kSql:
      case CheckType::kValue:
        if (check_.sql.empty()) Fail("needs sql", Example(*word_));
        return;
    }
  }

  std::vector<Problem>& problems_;
  CheckSpec check_;
  const CheckWord* word_ = nullptr;
};

}  // namespace

std::optional<CheckSpec> ParseCheck(const Value& check, SpecPhase phase, std::vector<Problem>& problems) {
  if (phase == SpecPhase::kWritten && HoldsTemplate(check)) return std::nullopt;
  return CheckReader(problems).Read(check);
}

std::vector<CheckSpec> ParseChecks(const Value& list, SpecPhase phase, std::vector<Problem>& problems) {
  std::vector<CheckSpec> checks;
  if (!list.is_list()) {
    AddProblem(problems, list.position(), "'checks' must be a list", "checks: [row_count > 0]");
    return checks;
  }
  for (const Value& item : list.as_list()) {
    if (std::optional<CheckSpec> check = ParseCheck(item, phase, problems))
      checks.push_back(std::move(*check));
  }
  return checks;
}

StatusOr<std::vector<CheckSpec>> ParseRenderedChecks(const Value& list) {
  std::vector<Problem> problems;
  std::vector<CheckSpec> checks = ParseChecks(list, SpecPhase::kRendered, problems);
  RETURN_IF_ERROR(ToStatus(problems));
  return checks;
}

StatusOr<CheckTaskSpec> ParseCheckTask(const Value& with) {
  CheckTaskSpec spec;
  spec.input = TextOf(with, "input");
  spec.contract = TextOf(with, "contract");
  spec.quarantine = TextOf(with, "quarantine");
  spec.connection = TextOf(with, "connection");
  spec.table = TextOf(with, "table");
  if (const Value* retry = with.Find("retry_on_failure")) spec.retry = retry->is_bool() && retry->as_bool();
  if (const Value* references = with.Find("references"); references != nullptr && references->is_map()) {
    for (const auto& [name, path] : references->as_map()) {
      if (path.is_string()) spec.references.emplace_back(name, path.as_string());
    }
  }
  if (const Value* checks = with.Find("checks"); checks != nullptr && !checks->is_null()) {
    ASSIGN_OR_RETURN(spec.checks, ParseRenderedChecks(*checks));
  }
  if (spec.checks.empty() && spec.contract.empty())
    return InvalidArgument("nothing to check: 'contract' and 'checks' are both missing");
  const bool by_themselves =
      spec.contract.empty() && std::all_of(spec.checks.begin(), spec.checks.end(), [](const CheckSpec& check) {
        return check.type == CheckType::kValue || check.type == CheckType::kSql;
      });
  if (spec.input.empty() && spec.table.empty() && !by_themselves)
    return InvalidArgument("'input' is missing: a file, folder or pattern beneath the worker's root");
  return spec;
}

std::string_view ToString(CheckType type) {
  if (type == CheckType::kAggregate) return "aggregate";
  return std::find_if(kWords.begin(), kWords.end(), [&](const CheckWord& word) { return word.type == type; })
      ->word;
}

std::string_view ToString(Comparison comparison) {
  static constexpr std::array<std::string_view, 6> kSigns = {"<", "<=", "=", "!=", ">=", ">"};
  return kSigns[static_cast<std::size_t>(comparison)];
}

std::string_view ToString(Severity severity) { return severity == Severity::kWarn ? "warn" : "error"; }

bool Holds(double value, const Bound& bound) {
  switch (bound.comparison) {
    case Comparison::kLess:
      return value < bound.value;
    case Comparison::kLessEqual:
      return value <= bound.value;
    case Comparison::kEqual:
      return value == bound.value;
    case Comparison::kNotEqual:
      return value != bound.value;
    case Comparison::kGreaterEqual:
      return value >= bound.value;
    case Comparison::kGreater:
      return value > bound.value;
  }
  return false;
}

}  // namespace millrace
