// The OpenAPI document, made from the route table: what is served is what is described.
#include <map>

#include "core/model/json.h"
#include "scheduler/api/handlers.h"

namespace millrace::api {
namespace {

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// As the document has names: "{key}", also of one that takes the rest of the path.
std::string PlainPattern(std::string_view pattern) {
  std::string plain(pattern);
  if (const std::size_t rest = plain.find(":path}"); rest != std::string::npos) plain.erase(rest, 5);
  return plain;
}

Value Parameters(std::string_view pattern) {
  Value::List parameters;
  for (std::size_t open = pattern.find('{'); open != std::string_view::npos;
       open = pattern.find('{', open + 1)) {
    parameters.emplace_back(Value::Map{{"name", pattern.substr(open + 1, pattern.find('}', open) - open - 1)},
                                       {"in", "path"},
                                       {"required", true},
                                       {"schema", Value::Map{{"type", "string"}}}});
  }
  return parameters;
}

Value Operation(const Route& route) {
  Value::Map responses = {{std::to_string(route.success), Value::Map{{"description", "Success"}}},
                          {"422", Value::Map{{"description", "What is wrong with the request, as a list"}}}};
  Value::Map operation = {{"summary", route.summary}, {"parameters", Parameters(PlainPattern(route.pattern))}};
  if (route.access.open) {
    operation.emplace_back("security", Value::List());
  } else {
    responses.emplace_back("401", Value::Map{{"description", "No valid token"}});
    responses.emplace_back("403", Value::Map{{"description", "The role may not do this"}});
    operation.emplace_back("x-millrace-access", Value::Map{{"verb", ToString(route.access.verb)},
                                                           {"resource", ToString(route.access.resource)}});
  }
  operation.emplace_back("responses", std::move(responses));
  return operation;
}

}  // namespace

std::string OpenApiDocument(const RouteTable& table, const std::string& version) {
  std::map<std::string, Value::Map> paths;
  for (const Route& route : table.routes()) {
    paths[PlainPattern(route.pattern)].emplace_back(Lower(route.method), Operation(route));
  }
  Value::Map path_map;
  for (auto& [pattern, operations] : paths) path_map.emplace_back(pattern, std::move(operations));
  return ToPrettyJson(
      Value::Map{{"openapi", "3.1.0"},
                 {"info", Value::Map{{"title", "Millrace"}, {"version", version}}},
                 {"security", Value::List{Value::Map{{"bearer", Value::List()}}}},
                 {"components",
                  Value::Map{{"securitySchemes",
                              Value::Map{{"bearer", Value::Map{{"type", "http"}, {"scheme", "bearer"}}}}}}},
                 {"paths", std::move(path_map)}});
}

}  // namespace millrace::api
