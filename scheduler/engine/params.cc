#include "scheduler/engine/params.h"

#include <algorithm>

#include "core/model/json.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kMaxConfBytes = 64 * 1024;

bool HasType(const Value& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_int();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_bool();
  if (type == "array") return value.is_list();
  if (type == "object") return value.is_map();
  if (type == "null") return value.is_null();
  return true;
}

// JSON Schema's type: one word or a list of them.
bool HasType(const Value& value, const Param& param) {
  const Value* types = param.schema.Find("type");
  if (types == nullptr || !types->is_list()) return param.type.empty() || HasType(value, param.type);
  return std::any_of(types->as_list().begin(), types->as_list().end(),
                     [&](const Value& type) { return type.is_string() && HasType(value, type.as_string()); });
}

// What is wrong with a value, or "".
std::string Problem(const Value& value, const Param& param) {
  if (!HasType(value, param)) {
    if (value.is_null()) return "needs a value (" + param.type + ")";
    return "must be of type " + param.type + ", not " + std::string(value.TypeName());
  }
  if (const Value* allowed = param.schema.Find("enum"); allowed != nullptr && allowed->is_list()) {
    const Value::List& list = allowed->as_list();
    if (std::find(list.begin(), list.end(), value) == list.end()) return "must be one of " + ToJson(*allowed);
  }
  if (value.is_number()) {
    const Value* least = param.schema.Find("minimum");
    const Value* most = param.schema.Find("maximum");
    if (least != nullptr && least->is_number() && value.as_double() < least->as_double()) {
      return "must be at least " + ToJson(*least);
    }
    if (most != nullptr && most->is_number() && value.as_double() > most->as_double()) {
      return "must be at most " + ToJson(*most);
    }
  }
  if (value.is_string()) {
    const auto size = static_cast<std::int64_t>(value.as_string().size());
    const Value* least = param.schema.Find("minLength");
    const Value* most = param.schema.Find("maxLength");
    if (least != nullptr && least->is_int() && size < least->as_int())
      return "must have at least " + ToJson(*least) + " characters";
    if (most != nullptr && most->is_int() && size > most->as_int())
      return "must have at most " + ToJson(*most) + " characters";
  }
  return "";
}

}  // namespace

StatusOr<Value> MergeParams(const Dag& dag, const std::string& conf) {
  if (conf.size() > kMaxConfBytes)
    return InvalidArgument("conf is too large: " + std::to_string(conf.size()) + " bytes, at most 65536");
  StatusOr<Value> parsed = ParseJson(conf.empty() ? "{}" : conf);
  if (!parsed.ok()) return parsed.status().WithContext("conf");
  if (!parsed->is_map())
    return InvalidArgument("conf must be a JSON object, not " + std::string(parsed->TypeName()));
  Value params{Value::Map()};
  for (const Param& param : dag.params) params.Set(param.name, param.default_value);
  for (const auto& [name, value] : parsed->as_map()) params.Set(name, value);
  std::string problems;
  for (const Param& param : dag.params) {
    const std::string problem = Problem(*params.Find(param.name), param);
    if (!problem.empty())
      problems += (problems.empty() ? "" : "; ") + std::string("param ") + param.name + " " + problem;
  }
  if (!problems.empty()) return InvalidArgument(problems);
  return params;
}

}  // namespace millrace::engine
