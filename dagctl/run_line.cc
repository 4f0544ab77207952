#include <CLI/CLI.hpp>
#include <memory>

#include "dagctl/command_lines.h"
#include "dagctl/commands.h"
#include "dagctl/operations.h"
#include "dagctl/state_stores.h"

namespace millrace::dagctl {
namespace {

struct RunArguments {
  std::string dag, run, dataset;
  ListRunsOptions runs;
  std::string extra = "{}";
  std::string partition_key;
  int limit = 25;
  TriggerOptions trigger;
  MarkOptions mark;
  ClearRunOptions clear_run;
  BackfillOptions backfill;
  std::int64_t backfill_id = 0;
  StateStoreOptions states;
};

// `runs`, `backfill` and `datasets`.
class RunLine {
 public:
  explicit RunLine(CommandTree& tree) : tree_(tree) {
    AddDatasets();
    AddRuns();
    AddPartitions();
    AddBackfills();
  }

 private:
  void AddRuns() {
    CLI::App& runs = tree_.Group("runs", "runs: list, show, watch, deadlines, cancel, clear, mark, delete");
    AddRunList(in_.runs, tree_.Add(runs, "list", "runs, newest first",
                                   [this](Context& c, bool&) { return ListRuns(c, in_.runs); }));
    AddRun(in_.dag, in_.run,
           tree_.Add(runs, "show", "one run and its task instances",
                     [this](Context& c, bool&) { return ShowRun(c, in_.dag, in_.run); }));
    AddRun(in_.dag, in_.run,
           tree_.Add(runs, "watch", "progress until it ends; exit status 3 when it fails",
                     [this](Context& c, bool& failed) { return WatchRun(c, in_.dag, in_.run, failed); }));
    AddRun(in_.dag, in_.run,
           tree_.Add(runs, "deadlines", "when it should be over, and whether that was missed",
                     [this](Context& c, bool&) { return ShowDeadlines(c, in_.dag, in_.run); }));
    AddRun(in_.dag, in_.run,
           tree_.Add(runs, "cancel", "ends it as failed; its tasks are killed",
                     [this](Context& c, bool&) { return CancelRun(c, in_.dag, in_.run); }));
    AddRun(in_.dag, in_.run,
           tree_.Add(runs, "mark", "ends it as success or failed",
                     [this](Context& c, bool&) { return MarkRun(c, in_.dag, in_.run, in_.mark.state); }))
        ->add_option("state", in_.mark.state)
        ->required()
        ->check(CLI::IsMember({"success", "failed"}));
    AddRun(in_.dag, in_.run,
           tree_.Add(runs, "delete", "forgets an ended run, its logs and values",
                     [this](Context& c, bool&) { return DeleteRun(c, in_.dag, in_.run); }));
    CLI::App* clear =
        AddRun(in_.dag, in_.run, tree_.Add(runs, "clear", "runs it again", [this](Context& c, bool&) {
          in_.clear_run.dag_id = in_.dag, in_.clear_run.run_id = in_.run;
          return ClearRun(c, in_.clear_run);
        }));
    AddClearFlags(clear);
  }

  void AddClearFlags(CLI::App* clear) {
    clear->add_flag("--only-failed", in_.clear_run.only_failed, "only what failed");
    clear->add_flag("--only-skipped", in_.clear_run.only_skipped, "only what was skipped");
    clear->add_flag("--only-new", in_.clear_run.only_new, "only what the newest version has got since");
    clear->add_flag("--newest-version", in_.clear_run.newest_version,
                    "all of it, on the newest version of the DAG");
    clear->add_flag("--dry-run", in_.clear_run.dry_run, "only says what");
  }

  void AddPartitions() {
    CLI::App& partitions = tree_.Group("partitions", "partitions: clear");
    CLI::App* clear = tree_.Add(partitions, "clear", "runs all runs of partitions again", [this](Context& c, bool&) {
      return ClearPartitions(c, in_.clear_run);
    });
    clear->add_option("dag,--dag-id", in_.clear_run.dag_id)->required();
    auto* of = clear->add_option_group("of", "which partitions");
    of->add_option("--partition-key", in_.clear_run.partition_key, "of this key");
    of->add_option("--from", in_.clear_run.partition_from, "from this partition date on: 2001-03-01, or RFC 3339");
    of->add_option("--to", in_.clear_run.partition_to, "to this one");
    of->require_option();
    AddClearFlags(clear);
  }

  void AddBackfills() {
    CLI::App& group = tree_.Group(
        "backfill", "runs for the dates of a range: create, list, show, watch, pause, resume, cancel");
    CLI::App* create =
        tree_.Add(group, "create", "a few runs at a time, below live runs", [this](Context& c, bool& failed) {
          in_.backfill.original_version = !latest_version_;
          return CreateBackfill(c, in_.backfill, failed);
        });
    BackfillOptions& in = in_.backfill;
    create->add_option("dag,--dag-id", in.dag_id)->required();
    create->add_option("--from-date,--start-date", in.from, "the first logical date: 2001-03-01, or RFC 3339")
        ->required();
    create->add_option("--to-date,--end-date", in.to, "the last one")->required();
    create
        ->add_option("--reprocess-behavior,--reprocessing-behavior", in.reprocess,
                     "which dates that have a run get it again")
        ->check(CLI::IsMember({"none", "failed", "completed"}))
        ->capture_default_str();
    create->add_option("--max-active-runs", in.max_active_runs, "its own limit, beside the DAG's")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000));
    create->add_option("--dag-run-conf", in.conf, "parameters of its runs, a JSON object");
    create->add_flag("--run-backwards", in.run_backwards, "the newest date first");
    create->add_flag("--run-on-latest-version,!--original-version", latest_version_,
                     "what a date that runs again runs on; the latest when left out");
    create->add_flag("--downstream", in.downstream, "then the same for each DAG that reads what it writes");
    create->add_flag("--dry-run", in.dry_run, "only says which dates");
    create->add_flag("--wait", in.wait, "shows progress; exit status 3 when a run fails");
    tree_
        .Add(group, "list", "backfills, newest first",
             [this](Context& c, bool&) { return ListBackfills(c, in_.dag); })
        ->add_option("dag", in_.dag, "of this DAG; all when left out");
    const auto one = [this](CLI::App* command) {
      command->add_option("id", in_.backfill_id)->required()->check(CLI::PositiveNumber);
    };
    one(tree_.Add(group, "show", "one and its progress",
                  [this](Context& c, bool&) { return ShowBackfill(c, in_.backfill_id); }));
    one(tree_.Add(group, "watch", "progress until it has completed; exit status 3 when a run failed",
                  [this](Context& c, bool& failed) { return WatchBackfill(c, in_.backfill_id, failed); }));
    one(tree_.Add(group, "pause", "makes and starts no more runs",
                  [this](Context& c, bool&) { return ChangeBackfill(c, in_.backfill_id, "pause"); }));
    one(tree_.Add(group, "resume", "goes on",
                  [this](Context& c, bool&) { return ChangeBackfill(c, in_.backfill_id, "unpause"); }));
    one(tree_.Add(group, "cancel", "makes no more runs, for good",
                  [this](Context& c, bool&) { return ChangeBackfill(c, in_.backfill_id, "cancel"); }));
  }

  void AddDatasets() {
    CLI::App& datasets =
        tree_.Group("datasets", "datasets: list, show, aliases, events, queued, update, materialize, state-store");
    datasets.alias("assets");
    AddStateStore(tree_, datasets, in_.states, true);
    const auto named = [this](CLI::App* command) { command->add_option("dataset", in_.dataset)->required(); };
    CLI::App* show = tree_.Add(datasets, "show", "one of them",
                               [this](Context& c, bool&) { return ShowDataset(c, in_.dataset); });
    show->alias("details");
    named(show);
    CLI::App* make = tree_.Add(datasets, "materialize", "starts the DAG that makes it", [this](Context& c, bool& failed) {
      return MaterializeDataset(c, in_.dataset, in_.trigger, failed);
    });
    named(make);
    AddTrigger(in_.trigger, make);
    tree_
        .Add(datasets, "list", "who makes and reads them, whom they start",
             [this](Context& c, bool&) { return ListDatasets(c, in_.dag); })
        ->add_option("--dag", in_.dag, "of this DAG; all when left out");
    tree_.Add(datasets, "aliases", "names for datasets that tasks name when they run",
              [](Context& c, bool&) { return ListDatasetAliases(c); });
    CLI::App* events = tree_.Add(datasets, "events", "updates, newest first", [this](Context& c, bool&) {
      return ListDatasetEvents(c, in_.dataset, in_.limit);
    });
    events->add_option("dataset", in_.dataset, "of this one; of all when left out");
    events->add_option("--limit", in_.limit, "at most so many")->capture_default_str();
    tree_
        .Add(datasets, "queued", "updates that a DAG has not used yet",
             [this](Context& c, bool&) { return ListQueuedDatasetEvents(c, in_.dag); })
        ->add_option("dag", in_.dag)
        ->required();
    CLI::App* update =
        tree_.Add(datasets, "update", "says that it was updated: what waits for it runs",
                  [this](Context& c, bool&) { return UpdateDataset(c, in_.dataset, in_.extra, in_.partition_key); });
    update->add_option("dataset", in_.dataset)->required();
    update->add_option("--extra", in_.extra, "a JSON object that the event keeps");
    update->add_option("--partition-key", in_.partition_key, "of the part of it that was updated");
  }

  RunArguments in_;
  bool latest_version_ = true;
  CommandTree& tree_;
};

}  // namespace

void AddRunCommands(CommandTree& tree) { tree.Keep(std::make_shared<RunLine>(tree)); }

}  // namespace millrace::dagctl
