// A named credential in the clear, and the forms in which it is written: a URI or JSON (MILLRACE_CONN_<NAME>, the
// command line), a URI (what a worker is handed), a map (what templates see as conn.name). Pure; any thread. Where
// it is kept, and who may see it, is scheduler/auth's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/value.h"

namespace millrace {

struct Connection {
  std::string id;
  std::string type;  // "postgres", "http", "duckdb": the URI's scheme
  std::string description;
  std::string host;  // of a database that is a file (duckdb, sqlite): its path
  std::string login;
  std::string password;
  std::string schema;  // the database within the host
  std::optional<std::int32_t> port;
  std::string extra;  // JSON object, or ""
  std::string team = {};  // whose tasks alone may use it; "": everybody's
  friend bool operator==(const Connection&, const Connection&) = default;
};

// "postgresql://user:password@host:5432/base?sslmode=require", "duckdb:warehouse.duckdb", or a JSON object of
// conn_type, host, ... The message of an error never repeats the text: it may hold a password.
StatusOr<Connection> ParseConnection(const std::string& id, std::string_view text);

// Members of extra become options; one that is no plain value is written as __extra__, whole.
std::string ConnectionUri(const Connection& connection);

// conn_id, conn_type, description, host, login, password, schema, port, extra; null where there is none.
Value ConnectionValue(const Connection& connection);

// What of it must not be shown, as ConnectionValue has it.
std::vector<std::string> SecretsOfConnection(const Value& connection);
Value MaskedConnection(const Value& connection);

}  // namespace millrace
