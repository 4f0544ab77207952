#include "dagctl/exchange.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>
#include <utility>

#include "core/model/connection.h"
#include "core/model/json.h"
#include "core/model/problem_line.h"
#include "core/model/secret_text.h"
#include "core/model/yaml.h"

namespace millrace::dagctl {
namespace {

constexpr std::size_t kPortion = 500;  // of one request, which may name each twice

std::string TextOf(std::istream& stream) {
  return std::string((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
}

// What became of a bulk change: how many were made or changed.
StatusOr<std::size_t> OutcomeOf(const Value& answer) {
  std::size_t count = 0;
  for (const char* action : {"create", "update"}) {
    const Value* done = answer.Find(action);
    if (done == nullptr) continue;
    if (const Value::List errors = ListIn(*done, "errors"); !errors.empty())
      return InvalidArgument(Text(errors.front(), "error"));
    count += ListIn(*done, "success").size();
  }
  return count;
}

bool HasMask(const Value& value) {
  if (value.is_string()) return value.as_string().find(kSecretMask) != std::string::npos;
  if (value.is_list()) return std::any_of(value.as_list().begin(), value.as_list().end(), HasMask);
  return value.is_map() && std::any_of(value.as_map().begin(), value.as_map().end(),
                                       [](const Value::Member& member) { return HasMask(member.second); });
}

// Of a connection: a URI, or an object of its parts. The parts that a request takes.
StatusOr<Value> EntityOf(const std::string& id, const Value& written) {
  Value::Map entity = {{"connection_id", id}};
  if (written.is_string()) {
    ASSIGN_OR_RETURN(const Connection connection, ParseConnection(id, written.as_string()));
    const Value members = ConnectionValue(connection);
    for (const auto& [name, value] : members.as_map()) {
      if (name != "conn_id" && !value.is_null()) entity.emplace_back(name, value);
    }
    return Value(std::move(entity));
  }
  if (!written.is_map()) return InvalidArgument("connection " + id + " is neither a URI nor an object");
  for (const auto& [name, value] : written.as_map()) {
    if (value.is_null() || name == "conn_id" || name == "connection_id") continue;
    const bool is_text = name != "extra" || value.is_string();
    entity.emplace_back(name, is_text ? value : Value(ToJson(value)));
  }
  return Value(std::move(entity));
}

}  // namespace

StatusOr<Value> ReadMap(const std::string& file, std::istream& input) {
  std::string text;
  if (file == "-") {
    text = TextOf(input);
  } else {
    std::ifstream stream(file);
    if (!stream) return NotFound("cannot be read: " + file);
    text = TextOf(stream);
  }
  StatusOr<Value> json = ParseJson(text);
  if (json.ok() && json->is_map()) return json;
  YamlText yaml = json.ok() ? YamlText{} : ParseYaml(text);
  if (yaml.problems.empty() && yaml.documents.size() == 1 && yaml.documents.front().is_map())
    return std::move(yaml.documents.front());
  // Nothing of the text is repeated: it may hold a password.
  const std::string what = file + " is no object of names in JSON or YAML";
  if (yaml.problems.empty()) return InvalidArgument(what);
  const Position where = yaml.problems.front().where;
  return InvalidArgument(what + ": line " + std::to_string(where.line) + ", column " +
                         std::to_string(where.column));
}

Status WriteMap(Output& output, const std::string& file, const Value& map, const std::string& what) {
  const std::string text = ToPrettyJson(map) + "\n";
  if (file == "-") {
    output.stream() << text;
    return OkStatus();
  }
  std::ofstream stream(file);
  stream << text;
  stream.close();
  if (!stream) return Internal("cannot be written: " + file);
  output.Say("exported " + std::to_string(map.as_map().size()) + " " + what + " to " + file);
  return OkStatus();
}

StatusOr<std::size_t> MakeMany(Context& context, const std::string& path, const Value::List& entities,
                               const std::string& on_existence) {
  const bool lay_over = on_existence == "lay_over";
  std::size_t made = 0;
  for (std::size_t from = 0; from < entities.size(); from += kPortion) {
    const auto begin = entities.begin() + static_cast<std::ptrdiff_t>(from);
    const auto end = begin + static_cast<std::ptrdiff_t>(std::min(kPortion, entities.size() - from));
    const Value::List portion(begin, end);
    Value::List actions;
    if (lay_over) {
      actions.emplace_back(
          Value::Map{{"action", "update"}, {"entities", portion}, {"action_on_non_existence", "skip"}});
    }
    actions.emplace_back(Value::Map{{"action", "create"},
                                    {"entities", portion},
                                    {"action_on_existence", lay_over ? "skip" : on_existence}});
    const Value body = Value::Map{{"actions", std::move(actions)}};
    ASSIGN_OR_RETURN(const Value answer, context.client.Patch(path, body));
    ASSIGN_OR_RETURN(const std::size_t done, OutcomeOf(answer));
    made += done;
  }
  return made;
}

Status ExportPools(Context& context, const std::string& file) {
  ASSIGN_OR_RETURN(const Value::List rows, context.client.All("/api/v2/pools", "pools", {}, kMostRows));
  Value all{Value::Map()};
  for (const Value& row : rows) {
    Value pool{Value::Map()};
    for (const char* member : {"slots", "description", "include_deferred"}) {
      if (const Value* value = row.Find(member); value != nullptr) pool.Set(member, *value);
    }
    if (const std::string team = Text(row, "team_name"); !team.empty()) pool.Set("team_name", team);
    all.Set(Text(row, "name"), std::move(pool));
  }
  return WriteMap(context.output, file, all, "pools");
}

Status ImportPools(Context& context, const ImportOptions& options, std::istream& input) {
  ASSIGN_OR_RETURN(const Value all, ReadMap(options.file, input));
  Value::List entities;
  for (const auto& [name, written] : all.as_map()) {
    if (!written.is_map()) return InvalidArgument("pool " + name + " is no object with its slots");
    Value entity = Value::Map{{"name", name}};
    for (const auto& [member, value] : written.as_map()) {
      if (!value.is_null()) entity.Set(member, value);
    }
    entities.push_back(std::move(entity));
  }
  ASSIGN_OR_RETURN(const std::size_t count,
                   MakeMany(context, "/api/v2/pools", entities, options.on_existence));
  context.output.Say("imported " + std::to_string(count) + " pools");
  return OkStatus();
}

Status ExportConnections(Context& context, const std::string& file) {
  ASSIGN_OR_RETURN(const Value::List rows,
                   context.client.All("/api/v2/connections", "connections", {}, kMostRows));
  Value all{Value::Map()};
  std::string secret;
  for (const Value& row : rows) {
    const std::string id = Text(row, "connection_id");
    Value connection{Value::Map()};
    bool left_out = false;
    for (const char* member :
         {"conn_type", "description", "host", "login", "password", "schema", "port", "extra", "team_name"}) {
      const Value* value = row.Find(member);
      if (value == nullptr || value->is_null()) continue;
      left_out = left_out || HasMask(*value);
      if (!HasMask(*value)) connection.Set(member, *value);
    }
    if (left_out) secret += (secret.empty() ? "" : ", ") + id;
    all.Set(id, std::move(connection));
  }
  RETURN_IF_ERROR(WriteMap(context.output, file, all, "connections"));
  if (secret.empty()) return OkStatus();
  return FailedPrecondition("exported without what is secret, which the scheduler never shows: of " + secret);
}

Status ImportConnections(Context& context, const ImportOptions& options, std::istream& input) {
  ASSIGN_OR_RETURN(const Value all, ReadMap(options.file, input));
  Value::List entities;
  for (const auto& [id, written] : all.as_map()) {
    ASSIGN_OR_RETURN(Value entity, EntityOf(id, written));
    entities.push_back(std::move(entity));
  }
  ASSIGN_OR_RETURN(const std::size_t count,
                   MakeMany(context, "/api/v2/connections", entities,
                            options.on_existence == "overwrite" ? "lay_over" : options.on_existence));
  context.output.Say("imported " + std::to_string(count) + " connections");
  return OkStatus();
}

}  // namespace millrace::dagctl
