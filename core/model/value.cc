#include "core/model/value.h"

#include <utility>

namespace millrace {

std::string_view Value::TypeName() const {
  switch (data_.index()) {
    case 0: return "null";
    case 1: return "boolean";
    case 2: return "integer";
    case 3: return "number";
    case 4: return "string";
    case 5: return "list";
    default: return "map";
  }
}

const Value* Value::Find(std::string_view key) const {
  if (!is_map()) return nullptr;
  for (const Member& member : as_map()) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

void Value::Set(std::string_view key, Value value) {
  if (is_null()) data_ = Map();
  for (Member& member : as_map()) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  as_map().emplace_back(std::string(key), std::move(value));
}

std::string TextOf(const Value* value, std::string otherwise) {
  return value != nullptr && value->is_string() ? value->as_string() : std::move(otherwise);
}

std::string TextOf(const Value& map, std::string_view name, std::string otherwise) {
  return TextOf(map.Find(name), std::move(otherwise));
}

}  // namespace millrace
