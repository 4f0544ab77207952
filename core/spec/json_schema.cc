#include "core/spec/json_schema.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <regex>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/field.h"

namespace millrace {
namespace {

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxPattern = 1000;
const std::vector<std::string> kTypes = {"string", "integer", "number", "boolean", "array", "object", "null"};

bool HasType(const Value& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer")
    return value.is_int() || (value.is_double() && std::trunc(value.as_double()) == value.as_double());
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "array") return value.is_list();
  if (type == "object") return value.is_map();
  return type == "null" && value.is_null();
}

// In JSON 1 and 1.0 are one number.
bool Same(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return a.as_double() == b.as_double();
  return a == b;
}

std::string Listed(const Value::List& values) {
  std::string text;
  for (const Value& value : values) text += (text.empty() ? "" : ", ") + ToJson(value);
  return text;
}

std::int64_t Characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

// Matched without backtracking: what a user hands in can cost no more than its length times the pattern's.
std::optional<std::regex> PatternOf(const std::string& text) {
  if (text.size() > kMaxPattern) return std::nullopt;
  try {
#ifdef __GLIBCXX__
    return std::regex(text, std::regex::ECMAScript | std::regex_constants::__polynomial);
#else
    return std::regex(text, std::regex::ECMAScript);
#endif
  } catch (const std::regex_error&) {
    return std::nullopt;
  }
}

bool Matches(const std::string& value, const std::string& pattern) {
  const std::optional<std::regex> regex = PatternOf(pattern);
  return !regex || std::regex_search(value, *regex);
}

bool IsTimeOfDay(const std::string& text) {
  return Matches(text,
                 "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]+)?)?(Z|[+-][0-9][0-9]:[0-9][0-9])?$");
}

bool HasFormat(const std::string& text, const std::string& format) {
  if (format == "date") return text.size() == 10 && ParseTimeUtc(text).ok();
  if (format == "date-time") return text.size() > 10 && ParseTimeUtc(text).ok();
  if (format == "time") return IsTimeOfDay(text);
  if (format == "email") return Matches(text, "^[^@ ]+@[^@ ]+\\.[^@ .]+$");
  if (format == "uri") return Matches(text, "^[A-Za-z][A-Za-z0-9+.-]*:[^ ]+$");
  if (format == "uuid") return Matches(text, "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$");
  return true;
}

class Checker {
 public:
  std::vector<std::string> problems;

  void Check(const Value& value, const Value& schema, const std::string& place, int depth = 0) {
    if (schema.is_bool() && !schema.as_bool()) return Say(place, "must not be there");
    if (!schema.is_map() || depth > kMaxDepth) return;
    if (!CheckType(value, schema, place)) return;
    CheckWords(value, schema, place);
    if (value.is_number()) CheckNumber(value.as_double(), schema, place);
    if (value.is_string()) CheckText(value.as_string(), schema, place);
    if (value.is_list()) CheckList(value.as_list(), schema, place, depth);
    if (value.is_map()) CheckMap(value, schema, place, depth);
    CheckCombined(value, schema, place, depth);
  }

 private:
  void Say(const std::string& place, const std::string& what) {
    problems.push_back(place.empty() ? what : place + " " + what);
  }

  bool CheckType(const Value& value, const Value& schema, const std::string& place) {
    const Value* type = schema.Find("type");
    if (type == nullptr) return true;
    const Value::List types = type->is_list() ? type->as_list() : Value::List{*type};
    std::string names;
    for (const Value& name : types) {
      if (!name.is_string() || HasType(value, name.as_string())) return true;
      names += (names.empty() ? "" : " or ") + name.as_string();
    }
    if (value.is_null()) {
      Say(place, "needs a value (" + names + ")");
    } else {
      Say(place, "must be of type " + names + ", not " + std::string(value.TypeName()));
    }
    return false;
  }

  void CheckWords(const Value& value, const Value& schema, const std::string& place) {
    const auto same = [&](const Value& other) { return Same(value, other); };
    const Value* allowed = schema.Find("enum");
    if (allowed != nullptr && allowed->is_list() &&
        std::none_of(allowed->as_list().begin(), allowed->as_list().end(), same))
      Say(place, "must be one of " + Listed(allowed->as_list()));
    if (const Value* only = schema.Find("const"); only != nullptr && !same(*only))
      Say(place, "must be " + ToJson(*only));
  }

  void CheckNumber(double number, const Value& schema, const std::string& place) {
    const auto bound = [&](const char* word, const char* text, auto fits) {
      const Value* limit = schema.Find(word);
      if (limit != nullptr && limit->is_number() && !fits(limit->as_double()))
        Say(place, text + ToJson(*limit));
    };
    bound("minimum", "must be at least ", [&](double limit) { return number >= limit; });
    bound("maximum", "must be at most ", [&](double limit) { return number <= limit; });
    bound("exclusiveMinimum", "must be more than ", [&](double limit) { return number > limit; });
    bound("exclusiveMaximum", "must be less than ", [&](double limit) { return number < limit; });
    bound("multipleOf", "must be a multiple of ", [&](double limit) {
      const double times = number / limit;
      return limit <= 0 || std::abs(times - std::round(times)) < 1e-9;
    });
  }

  void CheckSize(std::int64_t size, const Value& schema, const std::string& place, const char* least_word,
                 const char* most_word, const char* of) {
    const Value* least = schema.Find(least_word);
    const Value* most = schema.Find(most_word);
    if (least != nullptr && least->is_int() && size < least->as_int())
      Say(place, "must have at least " + ToJson(*least) + of);
    if (most != nullptr && most->is_int() && size > most->as_int())
      Say(place, "must have at most " + ToJson(*most) + of);
  }

  void CheckText(const std::string& text, const Value& schema, const std::string& place) {
    CheckSize(Characters(text), schema, place, "minLength", "maxLength", " characters");
    const Value* pattern = schema.Find("pattern");
    if (pattern != nullptr && pattern->is_string() && !Matches(text, pattern->as_string()))
      Say(place, "must match the pattern " + pattern->as_string());
    const Value* format = schema.Find("format");
    if (format != nullptr && format->is_string() && !HasFormat(text, format->as_string()))
      Say(place, "must be a " + format->as_string());
  }

  void CheckList(const Value::List& list, const Value& schema, const std::string& place, int depth) {
    CheckSize(static_cast<std::int64_t>(list.size()), schema, place, "minItems", "maxItems", " items");
    const Value* unique = schema.Find("uniqueItems");
    if (unique != nullptr && unique->is_bool() && unique->as_bool()) {
      for (auto at = list.begin(); at != list.end(); ++at) {
        if (std::none_of(list.begin(), at, [&](const Value& other) { return Same(*at, other); })) continue;
        Say(place, "has an item twice: " + ToJson(*at));
        break;
      }
    }
    const Value* items = schema.Find("items");
    if (items == nullptr) return;
    for (std::size_t i = 0; i < list.size(); ++i)
      Check(list[i], *items, place + "[" + std::to_string(i) + "]", depth + 1);
  }

  void CheckMap(const Value& map, const Value& schema, const std::string& place, int depth) {
    const std::string prefix = place.empty() ? "" : place + ".";
    if (const Value* required = schema.Find("required"); required != nullptr && required->is_list()) {
      for (const Value& name : required->as_list()) {
        if (name.is_string() && map.Find(name.as_string()) == nullptr)
          Say(prefix + name.as_string(), "is missing");
      }
    }
    const Value* properties = schema.Find("properties");
    const Value* others = schema.Find("additionalProperties");
    for (const auto& [name, member] : map.as_map()) {
      const Value* property = properties == nullptr ? nullptr : properties->Find(name);
      if (property == nullptr) property = others;
      if (property != nullptr) Check(member, *property, prefix + name, depth + 1);
    }
  }

  bool Fits(const Value& value, const Value& schema, int depth) {
    Checker alone;
    alone.Check(value, schema, "", depth + 1);
    return alone.problems.empty();
  }

  void CheckCombined(const Value& value, const Value& schema, const std::string& place, int depth) {
    const auto among = [&](const char* word) { return schema.Find(word); };
    const auto fitting = [&](const Value& schemas) {
      return std::count_if(schemas.as_list().begin(), schemas.as_list().end(),
                           [&](const Value& one) { return Fits(value, one, depth); });
    };
    if (const Value* any = among("anyOf"); any != nullptr && any->is_list() && fitting(*any) == 0)
      Say(place, "fits none of its schemas (anyOf)");
    if (const Value* one = among("oneOf"); one != nullptr && one->is_list() && fitting(*one) != 1)
      Say(place, "must fit exactly one of its schemas (oneOf)");
    if (const Value* all = among("allOf"); all != nullptr && all->is_list()) {
      for (const Value& part : all->as_list()) Check(value, part, place, depth + 1);
    }
    if (const Value* not_this = among("not"); not_this != nullptr && Fits(value, *not_this, depth))
      Say(place, "must not fit its schema 'not'");
  }
};

void CheckSchemaAt(const Value& schema, std::string_view what, int depth, std::vector<Problem>& problems) {
  if (!schema.is_map() || depth > kMaxDepth) return;
  const auto say = [&](const Value& where, const std::string& message, const std::string& suggestion = "") {
    AddProblem(problems, where.position(), std::string(what) + ": " + message, suggestion);
  };
  if (const Value* type = schema.Find("type")) {
    for (const Value& name : type->is_list() ? type->as_list() : Value::List{*type}) {
      const std::string word = name.is_string() ? name.as_string() : ToJson(name);
      if (std::find(kTypes.begin(), kTypes.end(), word) == kTypes.end())
        say(name.position().line > 0 ? name : *type, "unknown type '" + word + "'", DidYouMean(word, kTypes));
    }
  }
  const Value* pattern = schema.Find("pattern");
  if (pattern != nullptr && !(pattern->is_string() && PatternOf(pattern->as_string())))
    say(*pattern, "'pattern' is no regular expression of at most 1,000 characters without references back");
  for (const char* word : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}) {
    const Value* bound = schema.Find(word);
    if (bound != nullptr && !bound->is_number()) say(*bound, std::string("'") + word + "' must be a number");
  }
  for (const char* word : {"minLength", "maxLength", "minItems", "maxItems"}) {
    const Value* bound = schema.Find(word);
    if (bound != nullptr && !(bound->is_int() && bound->as_int() >= 0))
      say(*bound, std::string("'") + word + "' must be an integer of at least 0");
  }
  for (const char* word : {"enum", "required", "anyOf", "oneOf", "allOf"}) {
    const Value* list = schema.Find(word);
    if (list != nullptr && !list->is_list()) say(*list, std::string("'") + word + "' must be a list");
  }
  for (const char* word : {"items", "additionalProperties", "not"}) {
    if (const Value* inner = schema.Find(word)) CheckSchemaAt(*inner, what, depth + 1, problems);
  }
  for (const char* word : {"anyOf", "oneOf", "allOf"}) {
    const Value* list = schema.Find(word);
    if (list == nullptr || !list->is_list()) continue;
    for (const Value& inner : list->as_list()) CheckSchemaAt(inner, what, depth + 1, problems);
  }
  if (const Value* properties = schema.Find("properties"); properties != nullptr && properties->is_map()) {
    for (const auto& [name, inner] : properties->as_map()) CheckSchemaAt(inner, what, depth + 1, problems);
  }
}

}  // namespace

std::vector<std::string> CheckValue(const Value& value, const Value& schema) {
  Checker checker;
  checker.Check(value, schema, "");
  return std::move(checker.problems);
}

void CheckSchema(const Value& schema, std::string_view what, std::vector<Problem>& problems) {
  CheckSchemaAt(schema, what, 0, problems);
}

}  // namespace millrace
