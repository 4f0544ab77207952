// Connection URIs, as MILLRACE_CONN_<NAME> holds them: "duckdb:warehouse.duckdb" (beneath the worker's root),
// "duckdb:///srv/warehouse.duckdb", "sqlite:...", "postgresql://user:password@host:5432/base?sslmode=require". Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace millrace::connect {

struct Uri {
  std::string scheme;  // lower case
  std::string user;
  std::string password;
  std::string host;
  int port = 0;      // 0: the scheme's own
  std::string path;  // of a file: absolute with a leading '/', otherwise relative to the worker's root
  std::map<std::string, std::string> options;
};

// Percent-encoding is undone. The message of an error never repeats the text: it may hold a password.
StatusOr<Uri> ParseUri(std::string_view text);

}  // namespace millrace::connect
