#include "core/model/json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace millrace {
namespace {

using Json = nlohmann::ordered_json;

// Builds a Value while the text is read, so that depth is refused before it costs stack.
class JsonBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return Put(Value()); }
  bool boolean(bool value) override { return Put(Value(value)); }
  bool number_integer(number_integer_t value) override { return Put(Value(static_cast<std::int64_t>(value))); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return Put(Value(static_cast<double>(value)));
    }
    return Put(Value(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return Put(Value(value)); }
  bool string(string_t& value) override { return Put(Value(std::move(value))); }
  bool binary(binary_t&) override { return Fail("binary values are not JSON"); }
  bool start_object(std::size_t) override { return Open(Value(Value::Map())); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(Value(Value::List())); }
  bool end_array() override { return Close(); }
  bool key(string_t& value) override {
    if (!open_.back().keys.insert(value).second) return Fail("duplicate key: " + value);
    open_.back().key = std::move(value);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    std::string text = error.what();
    const std::size_t bracket = text.find("] ");
    if (bracket != std::string::npos) text = text.substr(bracket + 2);
    return Fail("not valid JSON at byte " + std::to_string(position) + ": " + text);
  }

  StatusOr<Value> Take() {
    if (!error_.empty()) return InvalidArgument(error_);
    return std::move(root_);
  }

 private:
  struct Level {
    Value value;
    std::string key;  // the member being read, when value is a map
    std::set<std::string> keys = {};
  };

  bool Fail(std::string message) {
    error_ = std::move(message);
    return false;
  }
  bool Open(Value value) {
    if (open_.size() >= kMaxJsonDepth) {
      return Fail("JSON is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool Close() {
    Value done = std::move(open_.back().value);
    open_.pop_back();
    return Put(std::move(done));
  }
  bool Put(Value value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Level& level = open_.back(); level.value.is_list()) {
      level.value.as_list().push_back(std::move(value));
    } else {
      level.value.as_map().emplace_back(std::move(level.key), std::move(value));
    }
    return true;
  }

  std::vector<Level> open_;
  Value root_;
  std::string error_;
};

Json ToLibrary(const Value& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_int()) return value.as_int();
  if (value.is_double()) return std::isfinite(value.as_double()) ? Json(value.as_double()) : Json(nullptr);
  if (value.is_string()) return value.as_string();
  if (value.is_list()) {
    Json list = Json::array();
    for (const Value& item : value.as_list()) list.push_back(ToLibrary(item));
    return list;
  }
  if (value.is_map()) {
    Json map = Json::object();
    for (const auto& [key, member] : value.as_map()) map[key] = ToLibrary(member);
    return map;
  }
  return nullptr;
}

}  // namespace

StatusOr<Value> ParseJson(std::string_view text) {
  JsonBuilder builder;
  Json::sax_parse(text, &builder);
  return builder.Take();
}

std::string ToJson(const Value& value) {
  return ToLibrary(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ToPrettyJson(const Value& value) {
  return ToLibrary(value).dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace millrace
