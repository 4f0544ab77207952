// The command line of variables and connections: which commands there are, and what each takes. Used once, by
// the command line of all.
#pragma once

#include <functional>

#include "dagctl/credentials.h"

namespace CLI {
class App;
}

namespace millrace::dagctl {

// Adds a command that asks the scheduler to its group.
using AddAsking = std::function<CLI::App*(CLI::App& group, const char* name, const char* help,
                                          std::function<Status(Context&, bool& failed)> ask)>;

// The options outlive the command line; it writes into them.
void AddCredentialCommands(CLI::App& variables, CLI::App& connections, VariableOptions& variable,
                           ConnectionOptions& connection, const AddAsking& add);

}  // namespace millrace::dagctl
