// Variables and connections from the command line. Values of connections can be set and are never shown; so
// are those of variables whose names say that they are secret.
#pragma once

#include <istream>
#include <optional>
#include <string>

#include "core/base/status.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {

struct VariableOptions {
  std::string key, value, description, pattern;
  std::optional<std::string> otherwise;  // of get
  std::optional<std::string> team;       // "": everybody's; none: as it is
  std::string file;  // "-": standard input or output
  std::string on_existence = "overwrite";
};
Status ListVariables(Context& context, const std::string& pattern);
Status GetVariable(Context& context, const VariableOptions& options);
// Makes or changes it. `value` "-": from `input`, without the line's end.
Status SetVariable(Context& context, const VariableOptions& options, std::istream& input);
Status DeleteVariable(Context& context, const std::string& key);
// A JSON object of keys and values, or of keys and {"value", "description", "team_name"}.
Status ImportVariables(Context& context, const VariableOptions& options, std::istream& input);
// Without those that are secret: they are named.
Status ExportVariables(Context& context, const std::string& file);

struct ConnectionOptions {
  std::string id, pattern;
  std::string uri;  // "-": from standard input
  std::string type, description, host, login, password, schema, extra;
  int port = 0;
  std::optional<std::string> team;  // as of a variable
  bool overwrite = false;
};
Status ListConnections(Context& context, const std::string& pattern);
Status GetConnection(Context& context, const std::string& id);
Status AddConnection(Context& context, const ConnectionOptions& options, std::istream& input);
// An error when it does not work.
Status TestConnection(Context& context, const std::string& id);
Status DeleteConnection(Context& context, const std::string& id);

}  // namespace millrace::dagctl
