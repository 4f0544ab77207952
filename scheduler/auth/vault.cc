#include "scheduler/auth/vault.h"

#include <utility>

#include "core/model/json.h"
#include "core/model/secret_text.h"

namespace millrace::auth {
namespace {

std::string VariableName(const std::string& key) { return "variable " + key; }
std::string ConnectionName(const std::string& id) { return "connection " + id; }

// "": everybody's.
Status MayUse(const std::string& team, const std::string& owner, const std::string& what) {
  if (owner.empty() || owner == team) return OkStatus();
  return PermissionDenied(what + " belongs to team " + owner + ", and this DAG to " +
                          (team.empty() ? "none" : "team " + team));
}

}  // namespace

Vault::Vault(Keyring keyring, const char* const* environment, store::VariableReader& variables,
             store::ConnectionReader& connections)
    : keyring_(std::move(keyring)),
      given_(Connections::FromEnvironment(environment)),
      given_variables_(NamedInEnvironment(environment, "MILLRACE_VAR_")),
      variables_(variables),
      connections_(connections) {}

StatusOr<Value> Vault::FindFor(const std::string& team, const TemplateNeed& need) {
  if (need.kind == TemplateNeed::Kind::kConnection) {
    ASSIGN_OR_RETURN(const Connection connection, FindConnection(team, need.name));
    return ConnectionValue(connection);
  }
  if (need.kind != TemplateNeed::Kind::kVariable) return NotFound("not a variable or a connection");
  if (const auto given = given_variables_.find(LowerCase(need.name)); given != given_variables_.end())
    return Value(given->second);
  ASSIGN_OR_RETURN(const VariableRecord record, variables_.GetVariable(need.name));
  RETURN_IF_ERROR(MayUse(team, record.team, VariableName(need.name)));
  ASSIGN_OR_RETURN(std::string text, Open(record));
  return Value(std::move(text));
}

StatusOr<std::string> Vault::GetFor(const std::string& team, std::string_view name) const {
  StatusOr<std::string> given = given_.GetFor(team, name);
  if (given.ok() && !given->starts_with("{")) return given;
  StatusOr<Connection> connection = FindConnection(team, std::string(name));
  if (connection.ok()) return ConnectionUri(*connection);
  return connection.status().code() == Code::kNotFound ? given.status() : connection.status();
}

StatusOr<Connection> Vault::FindConnection(const std::string& team, const std::string& name) const {
  if (const StatusOr<std::string> given = given_.GetFor(team, name); given.ok())
    return ParseConnection(name, *given);
  ASSIGN_OR_RETURN(const ConnectionRecord record, connections_.GetConnection(name));
  RETURN_IF_ERROR(MayUse(team, record.team, ConnectionName(name)));
  return Open(record);
}

VariableRecord Vault::Seal(const std::string& key, const std::string& value,
                           const std::string& description) const {
  return {.key = key, .sealed = keyring_.Seal(value, VariableName(key)), .description = description};
}

StatusOr<std::string> Vault::Open(const VariableRecord& record) const {
  return keyring_.Unseal(record.sealed, VariableName(record.key));
}

ConnectionRecord Vault::Seal(const Connection& connection) const {
  const Value secret = Value::Map{{"password", connection.password}, {"extra", connection.extra}};
  return {.id = connection.id,
          .type = connection.type,
          .description = connection.description,
          .host = connection.host,
          .login = connection.login,
          .schema = connection.schema,
          .port = connection.port,
          .sealed = keyring_.Seal(ToJson(secret), ConnectionName(connection.id)),
          .team = connection.team};
}

StatusOr<Connection> Vault::Open(const ConnectionRecord& record) const {
  ASSIGN_OR_RETURN(const std::string text, keyring_.Unseal(record.sealed, ConnectionName(record.id)));
  ASSIGN_OR_RETURN(const Value secret, ParseJson(text));
  const auto member = [&secret](std::string_view name) {
    const Value* value = secret.Find(name);
    return value != nullptr && value->is_string() ? value->as_string() : std::string();
  };
  return Connection{.id = record.id,
                    .type = record.type,
                    .description = record.description,
                    .host = record.host,
                    .login = record.login,
                    .password = member("password"),
                    .schema = record.schema,
                    .port = record.port,
                    .extra = member("extra"),
                    .team = record.team};
}

std::string ShownVariable(const std::string& key, const std::string& text) {
  if (!IsSecretName(key) || text.empty()) return text;
  // So that var.json still has its members.
  const StatusOr<Value> parsed = ParseJson(text);
  const bool nested = parsed.ok() && (parsed->is_map() || parsed->is_list());
  return nested ? ToJson(MaskedValue(*parsed, true)) : std::string(kSecretMask);
}

StatusOr<Value> ShownValues::FindFor(const std::string& team, const TemplateNeed& need) {
  ASSIGN_OR_RETURN(const Value value, values_.FindFor(team, need));
  if (need.kind == TemplateNeed::Kind::kConnection) return MaskedConnection(value);
  return value.is_string() ? Value(ShownVariable(need.name, value.as_string())) : value;
}

}  // namespace millrace::auth
