#include "core/spec/field.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"

namespace millrace {
namespace {

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string OneOf(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

std::string_view Wanted(FieldType type) {
  switch (type) {
    case FieldType::kAny:
      return "a value";
    case FieldType::kString:
      return "a string";
    case FieldType::kInteger:
      return "an integer";
    case FieldType::kNumber:
      return "a number";
    case FieldType::kBoolean:
      return "true or false";
    case FieldType::kDuration:
      return "a duration such as 90s, 5m, 1h30m or PT5M";
    case FieldType::kTime:
      return "a date or a time such as 2001-03-01 or 2001-03-01T02:00:00Z";
    case FieldType::kChoice:
      return "a word";
    case FieldType::kStringList:
      return "a list of strings";
    case FieldType::kStringMap:
      return "a map of names to strings";
    case FieldType::kMap:
      return "a map";
    case FieldType::kMapOfMaps:
      return "a map of names to maps";
    case FieldType::kListOfMaps:
      return "a list of maps";
    case FieldType::kList:
      return "a list";
  }
  return "a value";
}

// A scalar that YAML may have read as a number or a boolean although text was meant.
bool IsScalarText(const Value& value) { return value.is_string() || value.is_number() || value.is_bool(); }

Value AsText(const Value& value) {
  if (!value.is_number() && !value.is_bool()) return value;
  Value text(ToJson(value));
  text.At(value.position()).KeyAt(value.key_position());
  return text;
}

template <typename Change>
Value WithEach(const Value& value, Change change) {
  Value changed = value;
  if (changed.is_list()) {
    for (Value& item : changed.as_list()) item = change(item);
  } else if (changed.is_map()) {
    for (auto& [name, member] : changed.as_map()) member = change(member);
  }
  return changed;
}

Value NormalizedField(const Value& value, const FieldSpec& field) {
  const auto members = [&](const Value& item) {
    return item.is_map() ? Normalized(item, field.members) : item;
  };
  switch (field.type) {
    case FieldType::kString:
      return AsText(value);
    case FieldType::kStringList:
    case FieldType::kStringMap:
      return value.is_list() || value.is_map() ? WithEach(value, AsText) : AsText(value);
    case FieldType::kMap:
      return field.members.empty() ? value : members(value);
    case FieldType::kMapOfMaps:
    case FieldType::kListOfMaps:
      return WithEach(value, members);
    default:
      return value;
  }
}

class FieldChecker {
 public:
  FieldChecker(std::string_view what, std::vector<Problem>& problems) : what_(what), problems_(problems) {}

  void CheckMembers(const Value& map, const std::vector<FieldSpec>& fields) {
    std::vector<std::string> names;
    for (const FieldSpec& field : fields) names.push_back(field.name);
    for (const auto& [key, value] : map.as_map()) {
      const auto found = std::find(names.begin(), names.end(), key);
      if (found == names.end()) {
        std::string suggestion = DidYouMean(key, names);
        if (suggestion.empty()) suggestion = names.empty() ? "it takes no fields" : "it has: " + OneOf(names);
        AddProblem(problems_, value.key_position(), what_ + ": unknown field " + Quoted(key),
                   std::move(suggestion));
        continue;
      }
      CheckValue(value, fields[static_cast<std::size_t>(found - names.begin())]);
    }
    for (const FieldSpec& field : fields) {
      if (field.required && map.Find(field.name) == nullptr) {
        AddProblem(problems_, map.position(), what_ + ": field " + Quoted(field.name) + " is missing",
                   field.doc.empty() ? "" : field.name + ": " + field.doc);
      }
    }
  }

 private:
  void Wrong(const Value& value, const FieldSpec& field, std::string_view wanted) {
    AddProblem(
        problems_, value.position(),
        what_ + ": " + Quoted(field.name) + " must be " + std::string(wanted) + ", not " + Shown(value));
  }

  static std::string Shown(const Value& value) {
    if (value.is_string()) return Quoted(value.as_string().substr(0, 60));
    if (value.is_null()) return "nothing";
    if (value.is_int()) return std::to_string(value.as_int());
    return "a " + std::string(value.TypeName());
  }

  void CheckValue(const Value& value, const FieldSpec& field) {
    const bool may_be_template = field.use == FieldUse::kTemplate || field.use == FieldUse::kShellTemplate;
    if (may_be_template && value.is_string() && HasTemplate(value.as_string())) return;
    if (may_be_template && PulledFrom(value)) return;
    // "No value" is the same as leaving the field out, unless it is needed.
    if (value.is_null() && !field.required && field.type != FieldType::kAny) return;
    switch (field.type) {
      case FieldType::kAny:
        return;
      case FieldType::kString:
        if (!IsScalarText(value)) return Wrong(value, field, Wanted(field.type));
        if (field.required && value.is_string() && value.as_string().empty()) {
          AddProblem(problems_, value.position(), what_ + ": " + Quoted(field.name) + " is empty");
        }
        return;
      case FieldType::kInteger:
        return CheckInteger(value, field);
      case FieldType::kNumber:
        if (!value.is_number()) Wrong(value, field, Wanted(field.type));
        return;
      case FieldType::kBoolean:
        if (!value.is_bool()) Wrong(value, field, Wanted(field.type));
        return;
      case FieldType::kDuration:
        if (!IsLength(value)) Wrong(value, field, Wanted(field.type));
        return;
      case FieldType::kTime:
        if (!value.is_string()) Wrong(value, field, Wanted(field.type));
        return;
      case FieldType::kChoice:
        return CheckChoice(value, field);
      case FieldType::kStringList:
        return CheckStringList(value, field);
      case FieldType::kStringMap:
        return CheckStringMap(value, field);
      case FieldType::kMap:
        return CheckMap(value, field);
      case FieldType::kMapOfMaps:
        if (!value.is_map()) return Wrong(value, field, Wanted(field.type));
        for (const auto& [name, member] : value.as_map()) Within(name, field.name, member, field);
        return;
      case FieldType::kListOfMaps:
        if (!value.is_list()) return Wrong(value, field, Wanted(field.type));
        for (const Value& item : value.as_list()) Within("", field.name, item, field);
        return;
      case FieldType::kList:
        if (!value.is_list()) Wrong(value, field, Wanted(field.type));
        return;
    }
  }

  void CheckInteger(const Value& value, const FieldSpec& field) {
    if (!value.is_int()) return Wrong(value, field, Wanted(field.type));
    if (value.as_int() >= field.min && value.as_int() <= field.max) return;
    std::string wanted = "at least " + std::to_string(field.min);
    if (field.max != INT64_MAX) wanted = std::to_string(field.min) + " to " + std::to_string(field.max);
    Wrong(value, field, wanted);
  }

  void CheckChoice(const Value& value, const FieldSpec& field) {
    if (!value.is_string()) return Wrong(value, field, "one of " + OneOf(field.choices));
    if (std::find(field.choices.begin(), field.choices.end(), value.as_string()) != field.choices.end())
      return;
    AddProblem(problems_, value.position(),
               what_ + ": " + Quoted(field.name) + " must be one of " + OneOf(field.choices) + ", not " +
                   Shown(value),
               DidYouMean(value.as_string(), field.choices));
  }

  void CheckStringList(const Value& value, const FieldSpec& field) {
    if (IsScalarText(value)) return;
    if (!value.is_list()) return Wrong(value, field, Wanted(field.type));
    for (const Value& item : value.as_list()) {
      if (!IsScalarText(item) && !IsPulled(item, field)) return Wrong(item, field, Wanted(field.type));
    }
  }

  static bool IsPulled(const Value& item, const FieldSpec& field) {
    return field.use != FieldUse::kPlain && PulledFrom(item);
  }

  void CheckStringMap(const Value& value, const FieldSpec& field) {
    if (!value.is_map()) return Wrong(value, field, Wanted(field.type));
    for (const auto& [name, member] : value.as_map()) {
      if (!IsScalarText(member) && !IsPulled(member, field)) return Wrong(member, field, Wanted(field.type));
    }
  }

  void CheckMap(const Value& value, const FieldSpec& field) {
    if (!value.is_map()) return Wrong(value, field, Wanted(field.type));
    if (!field.members.empty()) Within("", field.name, value, field);
  }

  void Within(std::string_view name, std::string_view parent, const Value& value, const FieldSpec& field) {
    const std::string place =
        what_ + ", " + std::string(parent) + (name.empty() ? "" : "." + std::string(name));
    if (!value.is_map()) {
      AddProblem(problems_, value.position(), place + " must be a map, not " + Shown(value));
      return;
    }
    FieldChecker(place, problems_).CheckMembers(value, field.members);
  }

  std::string what_;
  std::vector<Problem>& problems_;
};

}  // namespace

bool HasTemplate(std::string_view text) {
  return text.find("{{") != text.npos || text.find("{%") != text.npos || text.find("{#") != text.npos;
}

std::optional<PulledXCom> PulledFrom(const Value& value) {
  if (!value.is_map() || value.as_map().size() != 1) return std::nullopt;
  const auto& [word, what] = value.as_map().front();
  if (word != "$x" && word != "$xcom") return std::nullopt;
  if (what.is_string()) return PulledXCom{what.as_string()};
  const Value* task = what.Find("task");
  const Value* key = what.Find("key");
  if (task == nullptr || !task->is_string()) return std::nullopt;
  PulledXCom xcom{task->as_string()};
  if (key != nullptr && key->is_string()) xcom.key = key->as_string();
  return xcom;
}

std::string PullText(const PulledXCom& xcom) {
  const auto quoted = [](const std::string& text) {
    std::string word = "'";
    for (const char c : text) {
      if (c == '\'' || c == '\\') word += '\\';
      word += c;
    }
    return word + "'";
  };
  return "{{ ti.xcom_pull(" + quoted(xcom.task) + ", key=" + quoted(xcom.key) + ") }}";
}

void AddProblem(std::vector<Problem>& problems, Position where, std::string message, std::string suggestion) {
  problems.push_back({"", where, std::move(message), std::move(suggestion)});
}

void CheckFields(const Value& map, const std::vector<FieldSpec>& fields, std::string_view what,
                 std::vector<Problem>& problems) {
  FieldChecker(what, problems).CheckMembers(map, fields);
}

Value Normalized(const Value& map, const std::vector<FieldSpec>& fields) {
  Value::Map normalized;
  for (const auto& [key, value] : map.as_map()) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& spec) { return spec.name == key; });
    if (value.is_null() && field != fields.end()) continue;
    normalized.emplace_back(key, field == fields.end() ? value : NormalizedField(value, *field));
  }
  Value result(std::move(normalized));
  result.At(map.position()).KeyAt(map.key_position());
  return result;
}

std::string Nearest(std::string_view name, const std::vector<std::string>& candidates) {
  // A word further away than a third of its letters was not meant.
  const std::size_t limit = std::max<std::size_t>(1, name.size() / 3);
  std::string best;
  std::size_t best_distance = limit + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(name.substr(0, 200), candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

bool IsLength(const Value& value) {
  constexpr Duration kLongest = std::chrono::hours(24 * 36'525);
  if (value.is_number()) {
    const double seconds = value.as_double();
    return seconds >= 0 && seconds <= std::chrono::duration<double>(kLongest).count();
  }
  if (!value.is_string()) return false;
  const StatusOr<Duration> length = ParseDuration(value.as_string());
  return length.ok() && *length <= kLongest;
}

std::string DidYouMean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string nearest = Nearest(name, candidates);
  return nearest.empty() ? "" : "did you mean " + Quoted(nearest) + "?";
}

Status ToStatus(const std::vector<Problem>& problems) {
  if (problems.empty()) return OkStatus();
  std::string text;
  for (const Problem& problem : problems) {
    text += (text.empty() ? "" : "; ") + problem.message;
    if (!problem.suggestion.empty()) text += " (" + problem.suggestion + ")";
  }
  return InvalidArgument(text);
}

}  // namespace millrace
