// `tasks state-store` and `datasets state-store`: what tasks keep for their retries, and datasets for their tasks.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "dagctl/command_tree.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {

// Of a task instance, or of a dataset.
struct StateStoreOptions {
  std::string dag_id, run_id, task_id;  // of a mapped task: load[3]
  std::string dataset;                  // "": of the task instance
  std::string key;
  std::string value;                     // JSON, or text; "-": standard input
  std::optional<std::string> otherwise;  // of get
  std::string retention;                 // of set, of a task instance: "6h", "never"; "": as the scheduler has it
  bool every_index = false;              // of clear: all instances of a mapped task
};

Status ListState(Context& context, const StateStoreOptions& options);
Status GetState(Context& context, const StateStoreOptions& options);
Status SetState(Context& context, const StateStoreOptions& options, std::istream& input, WallTime now);
Status DeleteState(Context& context, const StateStoreOptions& options);
Status ClearState(Context& context, const StateStoreOptions& options);

// The group `state-store` with its commands. `options` outlives the tree.
void AddStateStore(CommandTree& tree, CLI::App& group, StateStoreOptions& options, bool of_datasets);

}  // namespace millrace::dagctl
