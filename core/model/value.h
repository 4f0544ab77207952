// A JSON-like tree: what DAG files, params, conf and results are made of. Maps keep the order they were written in. A node
// read from a file remembers its place, so that every later complaint can name line and column.
//
// Immutable by convention once a DAG version holds it. No IO: json.h turns it to text and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace millrace {

// 1-based; 0 means "not from a file".
struct Position {
  int line = 0;
  int column = 0;
  friend bool operator==(const Position&, const Position&) = default;
};

class Value {
 public:
  using List = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  using Map = std::vector<Member>;

  Value() = default;                                                        // null
  Value(bool value) : data_(value) {}                                       // NOLINT: implicit, for literals
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}             // NOLINT
  Value(std::int64_t value) : data_(value) {}                               // NOLINT
  Value(double value) : data_(value) {}                                     // NOLINT
  Value(std::string value) : data_(std::move(value)) {}                     // NOLINT
  Value(std::string_view value) : data_(std::string(value)) {}              // NOLINT
  Value(const char* value) : data_(std::string(value)) {}                   // NOLINT
  Value(List value) : data_(std::move(value)) {}                            // NOLINT
  Value(Map value) : data_(std::move(value)) {}                             // NOLINT

  bool is_null() const { return data_.index() == 0; }
  bool is_bool() const { return data_.index() == 1; }
  bool is_int() const { return data_.index() == 2; }
  bool is_double() const { return data_.index() == 3; }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return data_.index() == 4; }
  bool is_list() const { return data_.index() == 5; }
  bool is_map() const { return data_.index() == 6; }
  // "null", "boolean", "integer", "number", "string", "list", "map": for messages.
  std::string_view TypeName() const;

  bool as_bool() const { return std::get<bool>(data_); }
  std::int64_t as_int() const { return std::get<std::int64_t>(data_); }
  double as_double() const { return is_int() ? static_cast<double>(as_int()) : std::get<double>(data_); }
  const std::string& as_string() const { return std::get<std::string>(data_); }
  const List& as_list() const { return std::get<List>(data_); }
  List& as_list() { return std::get<List>(data_); }
  const Map& as_map() const { return std::get<Map>(data_); }
  Map& as_map() { return std::get<Map>(data_); }

  // The member of a map, or nullptr (also when this is no map).
  const Value* Find(std::string_view key) const;
  // Adds or replaces a member; a null value becomes a map first.
  void Set(std::string_view key, Value value);

  Position position() const { return position_; }
  Value& At(Position position) {
    position_ = position;
    return *this;
  }
  // Of a map's member: where its key stands; otherwise its own place.
  Position key_position() const { return key_position_.line > 0 ? key_position_ : position_; }
  Value& KeyAt(Position position) {
    key_position_ = position;
    return *this;
  }

  // Same data; places do not count.
  friend bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data_;
  Position position_;
  Position key_position_;
};

// The text that stands there; `otherwise` where there is none, or something that is no text.
std::string TextOf(const Value* value, std::string otherwise = "");
std::string TextOf(const Value& map, std::string_view name, std::string otherwise = "");

}  // namespace millrace
