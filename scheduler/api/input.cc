#include "scheduler/api/input.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "core/calendar/format.h"
#include "core/model/ids.h"
#include "core/model/json.h"

namespace millrace::api {
namespace {

constexpr int kDefaultLimit = 50;
constexpr int kMaxLimit = 100;
constexpr int kMaxReach = 10'000;
constexpr const char* kExtra = "Extra inputs are not permitted";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "+0000", "-0530", or nothing.
bool EndsWithShortOffset(std::string_view text) {
  if (text.size() < 6) return false;
  const std::string_view tail = text.substr(text.size() - 5);
  return (tail[0] == '+' || tail[0] == '-') && IsDigit(tail[1]) && IsDigit(tail[2]) && IsDigit(tail[3]) &&
         IsDigit(tail[4]);
}

bool HasOffset(std::string_view text) {
  const std::size_t time = text.find(':');
  return time == std::string_view::npos || text.find_first_of("+-Zz", time) != std::string_view::npos;
}

}  // namespace

StatusOr<WallTime> ParseWireTime(std::string_view text) {
  std::string normal(text);
  // An unescaped "+" of the offset arrives as a blank.
  if (const std::size_t blank = normal.rfind(' '); blank != std::string::npos && blank > 11)
    normal[blank] = '+';
  if (normal.find(':') != std::string::npos && EndsWithShortOffset(normal))
    normal.insert(normal.size() - 2, ":");
  if (!HasOffset(normal)) normal += 'Z';
  return ParseTimeUtc(normal);
}

std::string QueryInput::String(std::string_view name) {
  known_.emplace(name);
  return std::string(request_.Query(name));
}

std::vector<std::string> QueryInput::Strings(std::string_view name) {
  known_.emplace(name);
  return request_.QueryAll(name);
}

std::optional<bool> QueryInput::Bool(std::string_view name) {
  const std::string text = String(name);
  if (text.empty()) return std::nullopt;
  if (text == "true" || text == "True" || text == "1") return true;
  if (text == "false" || text == "False" || text == "0") return false;
  issues_.Add("query", name, "bool_parsing", "Input should be a valid boolean", text);
  return std::nullopt;
}

std::int64_t QueryInput::Int(std::string_view name, std::int64_t fallback, std::int64_t min,
                             std::int64_t max) {
  const std::string text = String(name);
  if (text.empty()) return fallback;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < min || number > max) {
    issues_.Add("query", name, "int_parsing",
                "Input should be an integer from " + std::to_string(min) + " to " + std::to_string(max),
                text);
    return fallback;
  }
  return number;
}

std::optional<double> QueryInput::Number(std::string_view name) {
  const std::string text = String(name);
  if (text.empty()) return std::nullopt;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (*end == '\0') return number;
  issues_.Add("query", name, "float_parsing", "Input should be a valid number", text);
  return std::nullopt;
}

std::optional<WallTime> QueryInput::Time(std::string_view name) {
  const std::string text = String(name);
  if (text.empty()) return std::nullopt;
  const auto time = ParseWireTime(text);
  if (time.ok()) return *time;
  issues_.Add("query", name, "datetime_parsing", time.status().message(), text);
  return std::nullopt;
}

void QueryInput::Range(std::string_view name, std::optional<WallTime>* from, std::optional<WallTime>* to) {
  const std::string base(name);
  if (const auto time = Time(base + "_gte")) *from = time;
  if (const auto time = Time(base + "_gt")) *from = *time + Duration(1);
  if (const auto time = Time(base + "_lte")) *to = time;
  if (const auto time = Time(base + "_lt")) *to = *time - Duration(1);
}

bool QueryInput::Has(std::string_view name) const {
  return std::any_of(request_.query.begin(), request_.query.end(), [&](const auto& one) { return one.first == name; });
}

store::Page QueryInput::Paging(bool by_cursor) {
  store::Page page;
  page.limit = static_cast<int>(Int("limit", kDefaultLimit, 0, 1'000'000'000));
  if (page.limit == 0) page.limit = kDefaultLimit;
  if (page.limit > kMaxLimit) page.limit = kMaxLimit;
  page.offset = static_cast<int>(Int("offset", 0, 0, 1'000'000'000));
  if (by_cursor && Has("cursor")) page.offset = 0;
  if (page.offset + page.limit > kMaxReach) {
    refusal_ = http::ErrorResponse(
        400, by_cursor ? "offset and limit reach to entry 10000; for what lies beyond page by cursor: cursor= for the "
                         "first page, then next_cursor of the answer"
                       : "offset and limit reach to entry 10000; narrow the list with filters to see more");
  }
  return page;
}

std::string QueryInput::Pattern(std::string_view name) {
  std::string text = String(name);
  if (text.find('|') != std::string::npos) {
    issues_.Add("query", name, "value_error", "Alternatives with | are not supported; ask once for each",
                text);
  }
  if (text.empty() || text.find('%') != std::string::npos) return text;
  return "%" + text + "%";
}

std::optional<http::Response> QueryInput::Problems() {
  if (refusal_) return refusal_;
  for (const auto& [name, value] : request_.query) {
    if (known_.contains(name)) continue;
    issues_.Add("query", name, "extra_forbidden", "This query parameter is not supported", value);
  }
  if (issues_.empty()) return std::nullopt;
  return issues_.Answer();
}

BodyInput::BodyInput(const http::Request& request) {
  auto parsed = ParseJson(request.body.empty() ? "{}" : std::string_view(request.body));
  if (parsed.ok()) {
    Take(*parsed);
  } else {
    issues_.Add("body", "", "json_invalid", parsed.status().message());
  }
}

void BodyInput::Take(const Value& body) {
  readable_ = body.is_map();
  if (readable_) {
    body_ = body;
  } else {
    issues_.Add("body", "", "model_attributes_type", "Input should be a JSON object");
  }
}

const Value* BodyInput::Take(std::string_view name) {
  known_.emplace(name);
  const Value* value = body_.Find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string BodyInput::String(std::string_view name) {
  const Value* value = Take(name);
  if (value == nullptr) return {};
  if (value->is_string()) return value->as_string();
  issues_.Add("body", name, "string_type", "Input should be a valid string", *value);
  return {};
}

bool BodyInput::Bool(std::string_view name, bool fallback) {
  const Value* value = Take(name);
  if (value == nullptr) return fallback;
  if (value->is_bool()) return value->as_bool();
  issues_.Add("body", name, "bool_type", "Input should be a valid boolean", *value);
  return fallback;
}

std::optional<bool> BodyInput::RequiredBool(std::string_view name) {
  if (Take(name) == nullptr) {
    if (readable_) issues_.Add("body", name, "missing", "Field required");
    return std::nullopt;
  }
  return Bool(name, false);
}

std::optional<WallTime> BodyInput::Time(std::string_view name) {
  const std::string text = String(name);
  if (text.empty()) return std::nullopt;
  const auto time = ParseWireTime(text);
  if (time.ok()) return *time;
  issues_.Add("body", name, "datetime_parsing", time.status().message(), text);
  return std::nullopt;
}

Value BodyInput::Any(std::string_view name) {
  const Value* value = Take(name);
  return value == nullptr ? Value() : *value;
}

std::string BodyInput::Note() {
  constexpr std::size_t kMaxNote = 1000;
  std::string note = String("note");
  if (note.size() > kMaxNote) issues_.Add("body", "note", "string_too_long", "A note has at most 1000 characters");
  return note;
}

std::string BodyInput::PartitionKey() {
  std::string key = String("partition_key");
  if (!key.empty() && !IsValidPartitionKey(key)) {
    issues_.Add("body", "partition_key", "value_error",
                "A partition key has at most 250 bytes and no control characters", key);
  }
  return key;
}

void BodyInput::Unsupported(std::string_view name) {
  if (const Value* value = Take(name)) {
    issues_.Add("body", name, "value_error", "Not supported by this scheduler; leave it out", *value);
  }
}

void BodyInput::UnsupportedTrue(std::string_view name) {
  if (Bool(name, false))
    issues_.Add("body", name, "value_error", "Not supported by this scheduler; leave it out", true);
}

std::optional<http::Response> BodyInput::Problems() {
  if (readable_) {
    for (const auto& [name, value] : body_.as_map()) {
      if (!known_.contains(name)) issues_.Add("body", name, "extra_forbidden", kExtra, value);
    }
  }
  if (issues_.empty()) return std::nullopt;
  return issues_.Answer();
}

}  // namespace millrace::api
