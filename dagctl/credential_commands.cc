#include <algorithm>
#include <iterator>
#include <ostream>
#include <utility>

#include "core/model/connection.h"
#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "dagctl/credentials.h"
#include "dagctl/exchange.h"

namespace millrace::dagctl {
namespace {

constexpr const char* kVariables = "/api/v2/variables";
constexpr const char* kConnections = "/api/v2/connections";

const std::vector<Field> kVariableFields = {
    {"key", "KEY"}, {"value", "VALUE"}, {"description", "DESCRIPTION"}, {"team_name", "TEAM", true}};
const std::vector<Field> kConnectionFields = {{"connection_id", "CONNECTION"},
                                              {"conn_type", "TYPE"},
                                              {"host", "HOST"},
                                              {"port", "PORT"},
                                              {"schema", "SCHEMA"},
                                              {"login", "LOGIN"},
                                              {"password", "PASSWORD"},
                                              {"extra", "EXTRA"},
                                              {"description", "DESCRIPTION"},
                                              {"team_name", "TEAM", true}};

std::string PathOf(const char* collection, const std::string& name) {
  return std::string(collection) + "/" + Segment(name);
}

QueryParameters Matching(const char* parameter, const std::string& pattern) {
  return pattern.empty() ? QueryParameters{} : QueryParameters{{parameter, pattern}};
}

std::string Line(std::istream& input) {
  std::string text((std::istreambuf_iterator<char>(input)), std::istreambuf_iterator<char>());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace

Status ListVariables(Context& context, const std::string& pattern) {
  ASSIGN_OR_RETURN(
      const Value::List rows,
      context.client.All(kVariables, "variables", Matching("variable_key_pattern", pattern), kMostRows));
  context.output.Rows(kVariableFields, rows);
  return OkStatus();
}

Status GetVariable(Context& context, const VariableOptions& options) {
  StatusOr<Value> found = context.client.Get(PathOf(kVariables, options.key));
  if (options.otherwise && found.status().code() == Code::kNotFound)
    found = Value(Value::Map{{"key", options.key}, {"value", *options.otherwise}});
  ASSIGN_OR_RETURN(const Value variable, std::move(found));
  if (context.output.format() == Format::kTable) {
    context.output.Say(Text(variable, "value"));
  } else {
    context.output.Rows(kVariableFields, {variable});
  }
  return OkStatus();
}

Status SetVariable(Context& context, const VariableOptions& options, std::istream& input) {
  Value body =
      Value::Map{{"key", options.key}, {"value", options.value == "-" ? Line(input) : options.value}};
  if (!options.description.empty()) body.Set("description", options.description);
  if (options.team) body.Set("team_name", *options.team);
  StatusOr<Value> variable = context.client.Patch(PathOf(kVariables, options.key), body);
  if (!variable.ok() && variable.status().code() == Code::kNotFound)
    variable = context.client.Post(kVariables, body);
  RETURN_IF_ERROR(variable.status());
  context.output.Rows(kVariableFields, {*variable});
  return OkStatus();
}

Status DeleteVariable(Context& context, const std::string& key) {
  RETURN_IF_ERROR(context.client.Delete(PathOf(kVariables, key)).status());
  context.output.Say("deleted variable " + key);
  return OkStatus();
}

Status ImportVariables(Context& context, const VariableOptions& options, std::istream& input) {
  ASSIGN_OR_RETURN(const Value all, ReadMap(options.file, input));
  Value::List entities;
  for (const auto& [key, written] : all.as_map()) {
    Value entity = Value::Map{{"key", key}};
    const Value* value = written.Find("value");
    const bool described =
        value != nullptr &&
        std::all_of(written.as_map().begin(), written.as_map().end(), [](const Value::Member& member) {
          return member.first == "value" || member.first == "description" || member.first == "team_name";
        });
    entity.Set("value", described ? *value : written);
    for (const char* member : {"description", "team_name"}) {
      if (described && written.Find(member) != nullptr) entity.Set(member, *written.Find(member));
    }
    entities.push_back(std::move(entity));
  }
  ASSIGN_OR_RETURN(const std::size_t count, MakeMany(context, kVariables, entities, options.on_existence));
  context.output.Say("imported " + std::to_string(count) + " variables");
  return OkStatus();
}

Status ExportVariables(Context& context, const std::string& file) {
  ASSIGN_OR_RETURN(const Value::List rows, context.client.All(kVariables, "variables", {}, kMostRows));
  Value all{Value::Map()};
  std::string secret;
  for (const Value& row : rows) {
    const std::string key = Text(row, "key");
    if (IsSecretName(key)) {
      secret += (secret.empty() ? "" : ", ") + key;
      continue;
    }
    const std::string description = Text(row, "description");
    const Value* value = row.Find("value");
    const Value plain = value == nullptr ? Value() : *value;
    const std::string team = Text(row, "team_name");
    Value told = description.empty() && team.empty() ? plain : Value(Value::Map{{"value", plain}});
    if (!description.empty()) told.Set("description", description);
    if (!team.empty()) told.Set("team_name", team);
    all.Set(key, std::move(told));
  }
  RETURN_IF_ERROR(WriteMap(context.output, file, all, "variables"));
  if (!secret.empty())
    return FailedPrecondition("left out, because they are secret and never shown: " + secret);
  return OkStatus();
}

Status ListConnections(Context& context, const std::string& pattern) {
  ASSIGN_OR_RETURN(
      const Value::List rows,
      context.client.All(kConnections, "connections", Matching("connection_id_pattern", pattern), kMostRows));
  context.output.Rows(kConnectionFields, rows);
  return OkStatus();
}

Status GetConnection(Context& context, const std::string& id) {
  ASSIGN_OR_RETURN(const Value connection, context.client.Get(PathOf(kConnections, id)));
  context.output.Rows(kConnectionFields, {connection});
  return OkStatus();
}

Status AddConnection(Context& context, const ConnectionOptions& options, std::istream& input) {
  Connection connection;
  const std::string uri = options.uri == "-" ? Line(input) : options.uri;
  if (!uri.empty()) {
    ASSIGN_OR_RETURN(connection, ParseConnection(options.id, uri));
  }
  const auto put = [](std::string& member, const std::string& said) {
    if (!said.empty()) member = said;
  };
  put(connection.type, options.type);
  put(connection.description, options.description);
  put(connection.host, options.host);
  put(connection.login, options.login);
  put(connection.password, options.password);
  put(connection.schema, options.schema);
  put(connection.extra, options.extra);
  if (options.port > 0) connection.port = options.port;
  if (connection.type.empty())
    return InvalidArgument(
        "say what it is: --uri postgresql://user:password@host/base, or --conn-type postgres");
  Value body = Value::Map{{"connection_id", options.id}};
  const Value members = ConnectionValue(connection);
  for (const auto& [name, value] : members.as_map()) {
    if (name != "conn_id" && !value.is_null()) body.Set(name, value);
  }
  if (options.team) body.Set("team_name", *options.team);
  StatusOr<Value> made = context.client.Post(kConnections, body);
  if (!made.ok() && made.status().code() == Code::kAlreadyExists && options.overwrite)
    made = context.client.Patch(PathOf(kConnections, options.id), body);
  RETURN_IF_ERROR(made.status());
  context.output.Rows(kConnectionFields, {*made});
  return OkStatus();
}

Status TestConnection(Context& context, const std::string& id) {
  const Value body = Value::Map{{"connection_id", id}};
  ASSIGN_OR_RETURN(const Value answer, context.client.Post(std::string(kConnections) + "/test", body));
  const Value* works = answer.Find("status");
  const std::string message = Text(answer, "message");
  if (works == nullptr || !works->is_bool() || !works->as_bool())
    return FailedPrecondition("connection " + id + " does not work: " + message);
  context.output.Say("connection " + id + " works: " + message);
  return OkStatus();
}

Status DeleteConnection(Context& context, const std::string& id) {
  RETURN_IF_ERROR(context.client.Delete(PathOf(kConnections, id)).status());
  context.output.Say("deleted connection " + id);
  return OkStatus();
}

}  // namespace millrace::dagctl
