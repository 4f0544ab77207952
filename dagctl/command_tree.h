// What the command line's groups are made with: the options that all commands share, and how a command that
// was chosen is run. Made once, by Run in command_line.cc; one thread. It knows no command.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "dagctl/commands.h"
#include "dagctl/login.h"
#include "dagctl/trial.h"

namespace CLI {
class App;
class ParseError;
}

namespace millrace::dagctl {

class CommandTree {
 public:
  using Ask = std::function<Status(Context&, bool& failed)>;

  CommandTree(const Clock& clock, const ZoneDatabase& zones, bool terminal);
  ~CommandTree();

  CLI::App& root() { return *app_; }
  const Clock& clock() const { return clock_; }
  const ZoneDatabase& zones() const { return zones_; }
  // The state folder of a scheduler on this machine.
  const std::string& state() const { return state_; }

  CLI::App& Group(const char* name, const char* help);
  // A command that asks the scheduler.
  CLI::App* Add(CLI::App& group, const char* name, const char* help, Ask ask);
  // What a command does that is chosen; the exit status.
  void Choose(CLI::App& command, std::function<int()> run);
  // As long as there are commands.
  void Keep(std::shared_ptr<void> arguments) { kept_.push_back(std::move(arguments)); }

  // Asks the scheduler; the exit status.
  int Talk(const Ask& ask);
  // The same for what needs none.
  int Show(const std::function<Status(Output&)>& show);
  // UNAVAILABLE: there is no scheduler to ask.
  StatusOr<Login> WhoAsks();

  // Says what is wrong with the command line, or shows the help that was asked for.
  int Refuse(const CLI::ParseError& error) const;
  // Parses and runs what was chosen; the exit status.
  int Run(int argc, char** argv);

 private:
  const Clock& clock_;
  const ZoneDatabase& zones_;
  const bool terminal_;
  std::unique_ptr<CLI::App> app_;
  Login login_;
  std::string token_file_;
  std::string state_ = "millrace-state";
  Format format_ = Format::kTable;
  std::vector<std::shared_ptr<void>> kept_;
  std::function<int()> chosen_;
};

// What is tried on a cluster of its own: what `dags test` and `tasks test` share.
void AddTrial(CommandTree& tree, TrialOptions& options, CLI::App* command);
// Which DAG and, of it, what is cleared: what `tasks clear` and `dags clear` share.
void AddClear(ClearOptions& options, CLI::App* command);
// -y: nothing is asked here, which scripts that were written for Airflow do not know.
void AddYes(CLI::App* command);
// What a new run shall be like: what `dags trigger` and `datasets materialize` share.
void AddTrigger(TriggerOptions& options, CLI::App* command);
// Which runs are listed.
void AddRunList(ListRunsOptions& options, CLI::App* command);
// The run that a command is about, as its first two arguments.
CLI::App* AddRun(std::string& dag, std::string& run, CLI::App* command);

}  // namespace millrace::dagctl
