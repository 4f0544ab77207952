#include "core/model/connection.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/url_text.h"
#include "core/model/json.h"
#include "core/model/secret_text.h"

namespace millrace {
namespace {

constexpr std::string_view kWholeExtra = "__extra__";

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string Decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded = text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 && HexDigit(text[i + 2]) >= 0;
    plain += coded ? static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return plain;
}

bool IsFile(std::string_view type) { return type == "duckdb" || type == "sqlite"; }

StatusOr<std::int32_t> PortOf(std::string_view text) {
  std::int32_t port = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || end.ptr != text.data() + text.size() || port < 1 || port > 65535)
    return InvalidArgument("its port is not a number from 1 to 65535");
  return port;
}

Status ReadAuthority(std::string_view text, Connection& connection) {
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view account = text.substr(0, at);
    const std::size_t colon = account.find(':');
    connection.login = Decoded(account.substr(0, colon));
    if (colon != std::string_view::npos) connection.password = Decoded(account.substr(colon + 1));
    text.remove_prefix(at + 1);
  }
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    ASSIGN_OR_RETURN(connection.port, PortOf(text.substr(colon + 1)));
    text = text.substr(0, colon);
  }
  connection.host = Decoded(text);
  return OkStatus();
}

void ReadOptions(std::string_view text, Connection& connection) {
  Value extra{Value::Map()};
  while (!text.empty()) {
    const std::string_view option = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(option.size() + 1, text.size()));
    const std::size_t equals = std::min(option.find('='), option.size());
    const std::string name = Decoded(option.substr(0, equals));
    const std::string value = Decoded(option.substr(std::min(equals + 1, option.size())));
    if (name == kWholeExtra) {
      connection.extra = value;
      return;
    }
    if (!name.empty()) extra.Set(name, Value(value));
  }
  if (!extra.as_map().empty()) connection.extra = ToJson(extra);
}

StatusOr<Connection> ParseUriForm(const std::string& id, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return InvalidArgument("it is neither JSON nor a URI such as postgresql://user:password@host:5432/base");
  Connection connection;
  connection.id = id;
  for (const char c : text.substr(0, colon))
    connection.type += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  std::string_view rest = text.substr(colon + 1);
  if (const std::size_t question = rest.find('?'); question != std::string_view::npos) {
    ReadOptions(rest.substr(question + 1), connection);
    rest = rest.substr(0, question);
  }
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    RETURN_IF_ERROR(ReadAuthority(rest.substr(0, slash), connection));
    rest.remove_prefix(slash);
  }
  if (IsFile(connection.type)) {
    connection.host += Decoded(rest);
  } else {
    if (rest.starts_with("/")) rest.remove_prefix(1);
    connection.schema = Decoded(rest);
  }
  return connection;
}

StatusOr<Connection> ParseJsonForm(const std::string& id, std::string_view text) {
  StatusOr<Value> value = ParseJson(text);
  if (!value.ok() || !value->is_map()) return InvalidArgument("it begins with '{' and is no JSON object");
  Connection connection;
  connection.id = id;
  for (const auto& [name, member] : value->as_map()) {
    if (member.is_null()) continue;
    std::string* place = name == "conn_type"     ? &connection.type
                         : name == "description" ? &connection.description
                         : name == "host"        ? &connection.host
                         : name == "login"       ? &connection.login
                         : name == "password"    ? &connection.password
                         : name == "schema"      ? &connection.schema
                         : name == "extra"       ? &connection.extra
                                                 : nullptr;
    if (name == "port") {
      ASSIGN_OR_RETURN(connection.port, PortOf(member.is_string() ? member.as_string() : ToJson(member)));
    } else if (name == "conn_id" || name == "connection_id") {
      continue;
    } else if (place == nullptr) {
      return InvalidArgument("it has a member '" + name +
                             "'; there are conn_type, description, host, login, password, schema, port and extra");
    } else {
      *place = member.is_string() ? member.as_string() : ToJson(member);
    }
  }
  if (connection.type.empty()) return InvalidArgument("it has no conn_type");
  return connection;
}

std::string Options(const std::string& extra) {
  const StatusOr<Value> parsed = ParseJson(extra);
  if (!parsed.ok() || !parsed->is_map() || parsed->as_map().empty()) return "";
  std::string options;
  for (const auto& [name, value] : parsed->as_map()) {
    if (value.is_map() || value.is_list() || value.is_null())
      return "?" + std::string(kWholeExtra) + "=" + UrlEncoded(extra);
    options += (options.empty() ? "?" : "&") + UrlEncoded(name) + "=" +
               UrlEncoded(value.is_string() ? value.as_string() : ToJson(value));
  }
  return options;
}

Value TextOrNone(const std::string& text) { return text.empty() ? Value() : Value(text); }

}  // namespace

StatusOr<Connection> ParseConnection(const std::string& id, std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  StatusOr<Connection> connection = json ? ParseJsonForm(id, text) : ParseUriForm(id, text);
  if (!connection.ok()) return connection.status().WithContext("the connection '" + id + "'");
  return connection;
}

std::string ConnectionUri(const Connection& connection) {
  if (IsFile(connection.type)) {
    const std::string& path = connection.host.empty() ? connection.schema : connection.host;
    return connection.type + (path.starts_with("/") ? "://" : ":") + UrlEncoded(path, "-_.~/") +
           Options(connection.extra);
  }
  std::string scheme = connection.type;
  std::string host = connection.host;
  std::string schema = connection.schema;
  // As Airflow's http connections are written: the address with its scheme as the host, or the scheme as the schema.
  if (scheme == "http" || scheme == "https") {
    if (schema == "http" || schema == "https") scheme = std::exchange(schema, "");
    if (const std::size_t end = host.find("://"); end != std::string::npos) {
      scheme = host.substr(0, end);
      host.erase(0, end + 3);
    }
    while (host.ends_with('/')) host.pop_back();
  }
  std::string uri = scheme + "://";
  if (!connection.login.empty() || !connection.password.empty()) {
    uri += UrlEncoded(connection.login);
    if (!connection.password.empty()) uri += ":" + UrlEncoded(connection.password);
    uri += "@";
  }
  uri += UrlEncoded(host, "-_.~[]:/");
  if (connection.port) uri += ":" + std::to_string(*connection.port);
  if (!schema.empty()) uri += "/" + UrlEncoded(schema, "-_.~/");
  return uri + Options(connection.extra);
}

Value ConnectionValue(const Connection& connection) {
  return Value::Map{{"conn_id", connection.id},
                    {"conn_type", TextOrNone(connection.type)},
                    {"description", TextOrNone(connection.description)},
                    {"host", TextOrNone(connection.host)},
                    {"login", TextOrNone(connection.login)},
                    {"password", TextOrNone(connection.password)},
                    {"schema", TextOrNone(connection.schema)},
                    {"port", connection.port ? Value(std::int64_t{*connection.port}) : Value()},
                    {"extra", TextOrNone(connection.extra)}};
}

std::vector<std::string> SecretsOfConnection(const Value& connection) {
  std::vector<std::string> secrets;
  AddSecrets(connection, false, secrets);
  if (const Value* extra = connection.Find("extra"); extra != nullptr && extra->is_string()) {
    if (const StatusOr<Value> parsed = ParseJson(extra->as_string()); parsed.ok())
      AddSecrets(*parsed, false, secrets);
  }
  return secrets;
}

Value MaskedConnection(const Value& connection) {
  Value masked = MaskedValue(connection, false);
  if (const Value* extra = connection.Find("extra"); extra != nullptr && extra->is_string()) {
    const StatusOr<Value> parsed = ParseJson(extra->as_string());
    masked.Set("extra", parsed.ok() ? Value(ToJson(MaskedValue(*parsed, false))) : Value(kSecretMask));
  }
  return masked;
}

}  // namespace millrace
