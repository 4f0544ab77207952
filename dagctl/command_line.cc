#include "dagctl/command_line.h"

#include "dagctl/command_lines.h"

namespace millrace::dagctl {

int RunCommandLine(int argc, char** argv, const Clock& clock, const ZoneDatabase& zones, bool terminal) {
  CommandTree tree(clock, zones, terminal);
  AddDagCommands(tree);
  AddRunCommands(tree);
  AddTaskCommands(tree);
  AddStoreCommands(tree);
  AddClusterCommands(tree);
  return tree.Run(argc, argv);
}

}  // namespace millrace::dagctl
