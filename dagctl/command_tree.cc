#include "dagctl/command_tree.h"

#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <string_view>
#include <utility>

#include "core/spec/field.h"

namespace millrace::dagctl {
namespace {

void Wait(Duration duration) {
  (void)poll(nullptr, 0,
             static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
}

int ExitStatus(const Status& status) {
  if (status.ok()) return kOk;
  std::cerr << "dagctl: " << status.message() << '\n';
  if (status.code() == Code::kCancelled) return kStopped;
  return status.code() == Code::kUnavailable || status.code() == Code::kUnauthenticated ? kNoScheduler
                                                                                        : kProblem;
}

// As a number, which becomes the format.
std::string ReadFormat(std::string& word) {
  static const std::map<std::string, Format> formats = {
      {"table", Format::kTable}, {"json", Format::kJson}, {"yaml", Format::kYaml}, {"plain", Format::kPlain}};
  const auto found = formats.find(word);
  if (found == formats.end()) return "takes table, json, yaml or plain, not " + word;
  word = std::to_string(static_cast<int>(found->second));
  return "";
}

std::vector<std::string> OptionsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* at = &command; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

std::vector<const CLI::App*> Inner(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App*) { return true; });
}

// Airflow's, where its parts are others or there is nothing of the kind.
constexpr std::array kElsewhere = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"scheduler", "it is the program millrace-scheduler; dagctl up starts one with workers"},
    {"api-server", "millrace-scheduler serves the API and the dashboard"},
    {"webserver", "millrace-scheduler serves the API and the dashboard"},
    {"dag-processor", "millrace-scheduler reads the DAG files"},
    {"triggerer", "what is deferred waits in millrace-scheduler and beside the slots of workers"},
    {"celery", "workers are the program millrace-worker"},
    {"config", "the scheduler is set by flags and environment: millrace-scheduler --help"},
    {"info", "dagctl health tells how it is, dagctl --version which it is"},
    {"migrate", "a scheduler that starts brings its store up to date"},
    {"providers", "task kinds are built in: dagctl dags fields lists them"},
    {"plugins", "there are none"},
    {"stability", "a version is the DAG's content: reading a file again makes none"},
});

std::vector<std::string> CommandsOf(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* inner : Inner(command)) {
    names.push_back(inner->get_name());
    for (const std::string& alias : inner->get_aliases()) names.push_back(alias);
  }
  return names;
}

}  // namespace

CommandTree::CommandTree(const Clock& clock, const ZoneDatabase& zones, bool terminal)
    : clock_(clock),
      zones_(zones),
      terminal_(terminal),
      app_(std::make_unique<CLI::App>("Millrace from the command line")) {
  app_->require_subcommand(1);
  app_->fallthrough();
  app_->set_version_flag("--version", "dagctl " MILLRACE_VERSION);
  app_->add_option("--url", login_.url, "the scheduler's address, http://host:port")->envname("MILLRACE_URL");
  app_->add_option("--token-file", token_file_, "a file with the token to ask with");
  app_->add_option("--token", login_.token, "the token itself; better in the environment")
      ->envname("MILLRACE_TOKEN");
  app_->add_option("--state", state_, "the state folder of a scheduler on this machine")
      ->envname("MILLRACE_STATE")
      ->capture_default_str();
  app_->add_option("-o,--output", format_, "how rows are shown; table when left out")
      ->type_name("table|json|yaml|plain")
      ->transform(CLI::Validator(&ReadFormat, ""));
  app_->footer(
      "With every command: -o table|json|yaml|plain, --url, --state, --token-file (dagctl --help).\n"
      "Exit status: 0 done, 1 refused or not found, 2 the command line itself, 3 the run failed, 4 no "
      "scheduler.");
}

CommandTree::~CommandTree() = default;

CLI::App& CommandTree::Group(const char* name, const char* help) {
  CLI::App* group = app_->add_subcommand(name, help);
  group->require_subcommand(1);
  group->fallthrough();
  return *group;
}

CLI::App* CommandTree::Add(CLI::App& group, const char* name, const char* help, Ask ask) {
  CLI::App* command = group.add_subcommand(name, help);
  command->fallthrough();
  Choose(*command, [this, ask = std::move(ask)] { return Talk(ask); });
  return command;
}

void CommandTree::Choose(CLI::App& command, std::function<int()> run) {
  command.callback([this, run = std::move(run)] { chosen_ = run; });
}

int CommandTree::Talk(const Ask& ask) {
  const StatusOr<Login> login = WhoAsks();
  if (!login.ok()) return ExitStatus(login.status());
  RestClient client(login->url, login->token);
  bool failed = false;
  const int status = Show([&](Output& output) {
    Context context{client, output, &Wait};
    return ask(context, failed);
  });
  return status == kOk && failed ? kRunFailed : status;
}

int CommandTree::Show(const std::function<Status(Output&)>& show) {
  Output output(std::cout, format_, terminal_);
  return ExitStatus(show(output));
}

StatusOr<Login> CommandTree::WhoAsks() {
  if (!token_file_.empty()) {
    ASSIGN_OR_RETURN(login_.token, ReadLine(token_file_));
  }
  StatusOr<Login> login = FindLogin(login_, state_);
  return login.ok() ? login : Unavailable(login.status().message());
}

int CommandTree::Run(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return Refuse(error);
  }
  return chosen_();
}

int CommandTree::Refuse(const CLI::ParseError& error) const {
  if (error.get_exit_code() == 0) return app_->exit(error);
  const CLI::App* at = app_.get();
  std::string path = "dagctl";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().back();
    path += " " + at->get_name();
  }
  std::string text = error.what();
  if (const std::vector<std::string> unknown = app_->remaining(true); !unknown.empty()) {
    const bool option = unknown.front().starts_with("-");
    text = option               ? path + " has no option " + unknown.front()
           : Inner(*at).empty() ? path + " takes no more: " + unknown.front()
                                : path + " has no command " + unknown.front();
    const auto elsewhere = std::find_if(kElsewhere.begin(), kElsewhere.end(),
                                        [&](const auto& known) { return known.first == unknown.front(); });
    const std::string meant = elsewhere != kElsewhere.end() && !Inner(*at).empty()
                                  ? std::string(elsewhere->second)
                                  : DidYouMean(unknown.front(), option ? OptionsOf(*at) : CommandsOf(*at));
    if (!meant.empty()) text += "; " + meant;
  }
  std::cerr << "dagctl: " << text << "\n" << path << " --help lists what there is\n";
  return kUsage;
}

void AddYes(CLI::App* command) {
  command->add_flag("-y,--yes")->description("nothing is asked anyhow; for scripts that say it");
}

void AddClear(ClearOptions& options, CLI::App* command) {
  command->add_flag("-u,--upstream", options.upstream, "and what they depend on");
  command->add_flag("-d,--downstream", options.downstream, "and what depends on them");
  command->add_flag("-f,--only-failed", options.only_failed, "of these only failed ones");
  command->add_flag("-r,--only-running", options.only_running, "of these only running ones");
  command->add_flag("--only-skipped", options.only_skipped, "of these only skipped ones");
  command->add_flag("--prevent-running", options.prevent_running, "nothing, when one of them is running");
  command->add_option("--note", options.note, "is left at each");
  command->add_flag("--past", options.past, "and in the runs before, by logical date");
  command->add_flag("--future", options.future, "and in the runs after");
  command->add_option("-s,--from,--start-date", options.from,
                      "without a run: in all runs from this logical date on, 2001-03-01 or RFC 3339");
  command->add_option("-e,--to,--end-date", options.to, "to this one");
  command->add_flag("--refresh-cache", options.refresh_cache,
                    "forgets what the tasks have cached, so that they do run");
  command->add_flag("--keep-task-state", options.keep_state,
                    "they go on from what their state stores hold, instead of starting over");
  command->add_flag("--newest-version", options.newest_version,
                    "whole runs, on the newest version of the DAG");
  command->add_flag("--keep-run", options.keep_run, "a run that has ended stays so for now");
  command->add_flag("--dry-run", options.dry_run, "only says which");
  AddYes(command);
}

void AddTrial(CommandTree& tree, TrialOptions& options, CLI::App* command) {
  command->fallthrough();
  command->add_option("date", options.date, "its logical date: 2001-03-01, or RFC 3339; now when left out");
  command->add_option("-c,--conf", options.conf, "parameters, a JSON object");
  command->add_option("--dag-id", options.dag_id, "which, of a file that defines several");
  command->add_option(
      "--dags", options.folder,
      "the DAG folder, where contracts and scripts lie; the file's own, or dags, when left out");
  command->add_option("--root", options.root, "where relative data paths lie")->capture_default_str();
  command->add_option("--slots", options.slots, "tasks at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  tree.Choose(*command, [&tree, &options] {
    bool failed = false;
    const int status = tree.Show(
        [&](Output& output) { return TryDag(options, output, tree.clock(), tree.zones(), failed); });
    return status == kOk && failed ? kRunFailed : status;
  });
}

void AddTrigger(TriggerOptions& options, CLI::App* command) {
  command->add_option("-c,--conf", options.conf, "parameters, a JSON object");
  command->add_option("-l,--logical-date", options.logical_date, "2001-03-01, or RFC 3339");
  command->add_option("-r,--run-id", options.run_id, "the run's id; made from the date when left out");
  command->add_option("--note", options.note, "a note that the run keeps");
  command->add_option("--partition-key", options.partition_key, "of the part of the data that it is about");
  command->add_flag("--wait", options.wait, "shows progress; exit status 3 when the run fails");
}

void AddRunList(ListRunsOptions& options, CLI::App* command) {
  command->add_option("dag,--dag-id", options.dag_id, "of this DAG; all when left out");
  command->add_option("--run-state,--with-state", options.state, "queued, running, success or failed");
  command->add_option("--from,--start-date", options.from,
                      "from this logical date on: 2001-03-01, or RFC 3339");
  command->add_option("--to,--end-date", options.to, "to this one");
  command->add_option("--partition-key", options.partition_key, "that contain this, or a pattern with %");
  command->add_option("--limit", options.limit, "at most so many")->capture_default_str();
  command->add_flag("--no-backfill", options.no_backfill, "without those of backfills");
}

CLI::App* AddRun(std::string& dag, std::string& run, CLI::App* command) {
  command->add_option("dag", dag)->required();
  command->add_option("run", run)->required();
  return command;
}

}  // namespace millrace::dagctl
