// The groups of dagctl's command line: which commands there are, and what each takes. Each is used once, by
// Run in command_line.cc, and keeps what it parses into with the tree.
#pragma once

#include "dagctl/command_tree.h"

namespace millrace::dagctl {

void AddDagCommands(CommandTree& tree);
void AddRunCommands(CommandTree& tree);
void AddTaskCommands(CommandTree& tree);
void AddStoreCommands(CommandTree& tree);
void AddClusterCommands(CommandTree& tree);

}  // namespace millrace::dagctl
