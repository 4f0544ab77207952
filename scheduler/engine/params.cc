#include "scheduler/engine/params.h"

#include "core/model/json.h"
#include "core/spec/json_schema.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kMaxConfBytes = 64 * 1024;

// What was written as a plain default is no schema, even when it is a map.
Value SchemaOf(const Param& param) {
  const bool schema = param.schema.Find("type") != nullptr || param.schema.Find("default") != nullptr;
  if (schema || param.type.empty()) return schema ? param.schema : Value();
  return Value(Value::Map{{"type", Value(param.type)}});
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
    for (const std::string& problem : CheckValue(*params.Find(param.name), SchemaOf(param)))
      problems += (problems.empty() ? "" : "; ") + std::string("param ") + param.name + " " + problem;
  }
  if (!problems.empty()) return InvalidArgument(problems);
  return params;
}

}  // namespace millrace::engine
