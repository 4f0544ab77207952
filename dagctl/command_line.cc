#include "dagctl/command_line.h"

#include <poll.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <map>
#include <thread>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/dag_fields.h"
#include "core/spec/docs_page.h"
#include "dagctl/commands.h"
#include "dagctl/credential_line.h"
#include "dagctl/jobs.h"
#include "dagctl/login.h"
#include "dagctl/offline.h"
#include "dagctl/operations.h"
#include "dagctl/simulate.h"
#include "dagctl/up.h"

namespace millrace::dagctl {
namespace {

void Wait(Duration duration) {
  (void)poll(nullptr, 0, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()));
}

int ExitStatus(const Status& status) {
  if (status.ok()) return kOk;
  std::cerr << "dagctl: " << status.message() << '\n';
  if (status.code() == Code::kCancelled) return kStopped;
  return status.code() == Code::kUnavailable || status.code() == Code::kUnauthenticated ? kNoScheduler : kProblem;
}

// What every command that asks a scheduler has.
struct Asker {
  Login login;
  std::string token_file;
  std::string state = "millrace-state";
  Format format = Format::kTable;
};

// The arguments of all commands; CLI11 writes into it, the chosen command reads its own.
struct Arguments {
  std::string dag, run, task, pattern, tag, run_state, dataset;
  std::string extra = "{}";
  int limit = 25;
  TriggerOptions trigger;
  LogOptions logs;
  ClearOptions clear;
  ClusterOptions up{.state = "", .dags = "dags", .root = ".", .webui = "", .port = 8080};
  JobOptions job{.slots = std::max(1, static_cast<int>(std::thread::hardware_concurrency()))};
  std::vector<std::string> files;
  std::string folder;
  NextOptions next;
  RenderOptions render;
  SimulateOptions simulate;
  BackfillOptions backfill;
  std::int64_t backfill_id = 0;
  NotificationOptions notifications;
  std::int64_t notification = 0;
  MarkOptions mark;
  AnswerOptions answer;
  bool answered = false;
  ClearRunOptions clear_run;
  PoolOptions pool;
  AuditOptions audit;
  VariableOptions variable;
  ConnectionOptions connection;
  CleanOptions clean;
  std::string backup;
  int from_version = 0, to_version = 0;
};

class CommandLine {
 public:
  CommandLine(const Clock& clock, const ZoneDatabase& zones, bool terminal)
      : clock_(clock), zones_(zones), terminal_(terminal), app_("Millrace from the command line") {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_option("--url", asker_.login.url, "the scheduler's address, http://host:port")->envname("MILLRACE_URL");
    app_.add_option("--token-file", asker_.token_file, "a file with the token to ask with");
    app_.add_option("--token", asker_.login.token, "the token itself; better in the environment")->envname("MILLRACE_TOKEN");
    app_.add_option("--state", asker_.state, "the state folder of a scheduler on this machine")->envname("MILLRACE_STATE")->capture_default_str();
    app_.add_option("-o,--output", asker_.format, "table, json, yaml or plain")
        ->transform(CLI::CheckedTransformer(std::map<std::string, Format>{
            {"table", Format::kTable}, {"json", Format::kJson}, {"yaml", Format::kYaml}, {"plain", Format::kPlain}}));
    AddDags();
    AddSimulate();
    AddDatasets();
    AddRuns();
    AddTasks();
    AddBackfills();
    AddPools();
    AddAudit();
    AddCredentials();
    AddNotifications();
    AddStore();
    AddRest();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kOk : kUsage;
    }
    return chosen_();
  }

 private:
  using Ask = std::function<Status(Context&, bool& failed)>;

  // A command that asks the scheduler.
  CLI::App* Add(CLI::App& group, const char* name, const char* help, Ask ask) {
    CLI::App* command = group.add_subcommand(name, help);
    command->fallthrough();
    command->callback([this, ask = std::move(ask)] { chosen_ = [this, ask] { return Talk(ask); }; });
    return command;
  }

  CLI::App& Group(const char* name, const char* help) {
    CLI::App* group = app_.add_subcommand(name, help);
    group->require_subcommand(1);
    group->fallthrough();
    return *group;
  }

  // UNAVAILABLE: there is no scheduler to ask.
  StatusOr<Login> WhoAsks() {
    if (!asker_.token_file.empty()) {
      ASSIGN_OR_RETURN(asker_.login.token, ReadLine(asker_.token_file));
    }
    StatusOr<Login> login = FindLogin(asker_.login, asker_.state);
    return login.ok() ? login : Unavailable(login.status().message());
  }

  int Talk(const Ask& ask) {
    const StatusOr<Login> login = WhoAsks();
    if (!login.ok()) return ExitStatus(login.status());
    RestClient client(login->url, login->token);
    Output output(std::cout, asker_.format, terminal_);
    Context context{client, output, &Wait};
    bool failed = false;
    const int status = ExitStatus(ask(context, failed));
    return status == kOk && failed ? kRunFailed : status;
  }

  void AddDags() {
    CLI::App& dags =
        Group("dags", "DAGs: list, show, validate, trigger, pause, next-execution, versions, diff, delete");
    AddOffline(dags);
    AddVersions(dags);
    CLI::App* list = Add(dags, "list", "all DAGs", [this](Context& c, bool&) { return ListDags(c, in_.pattern, in_.tag); });
    list->add_option("--pattern", in_.pattern, "ids like this, % stands for anything");
    list->add_option("--tag", in_.tag, "with this tag");
    Add(dags, "show", "one DAG and its tasks", [this](Context& c, bool&) { return ShowDag(c, in_.dag); })
        ->add_option("dag", in_.dag)->required();
    CLI::App* trigger = Add(dags, "trigger", "starts a run", [this](Context& c, bool& failed) { return Trigger(c, in_.trigger, failed); });
    trigger->add_option("dag", in_.trigger.dag_id)->required();
    trigger->add_option("--conf", in_.trigger.conf, "parameters, a JSON object");
    trigger->add_option("--logical-date", in_.trigger.logical_date, "2001-03-01, or RFC 3339");
    trigger->add_option("--run-id", in_.trigger.run_id, "the run's id; made from the date when left out");
    trigger->add_option("--note", in_.trigger.note, "a note that the run keeps");
    trigger->add_flag("--wait", in_.trigger.wait, "shows progress; exit status 3 when the run fails");
    for (const bool paused : {true, false}) {
      Add(dags, paused ? "pause" : "unpause", paused ? "no new runs by schedule" : "runs by schedule again",
          [this, paused](Context& c, bool&) { return SetPaused(c, in_.dag, paused); })
          ->add_option("dag", in_.dag)->required();
    }
  }

  // What needs no scheduler.
  void AddOffline(CLI::App& dags) {
    CLI::App* validate = dags.add_subcommand("validate", "every problem of DAG files; exit status 1 when there is one");
    validate->fallthrough();
    validate->add_option("files", in_.files, "DAG files, or folders of them")->required();
    validate->add_option("--dags", in_.folder, "the DAG folder, where contracts and scripts lie; the file's own when left out");
    validate->callback([this] {
      chosen_ = [this] {
        Output output(std::cout, asker_.format, terminal_);
        bool found = false;
        const int status = ExitStatus(Validate(output, in_.files, in_.folder, zones_, found));
        return status == kOk && found ? kProblem : status;
      };
    });
    dags.add_subcommand("schema", "the JSON Schema of DAG files, for editors")->callback([this] {
      chosen_ = [] {
        std::cout << ToPrettyJson(JsonSchema()) << '\n';
        return kOk;
      };
    });
    dags.add_subcommand("fields", "every field of DAG files and of task kinds, as the page docs/task_kinds.md")->callback([this] {
      chosen_ = [] {
        std::cout << FieldsPage();
        return kOk;
      };
    });
    CLI::App* next = dags.add_subcommand("next-execution", "the next runs of its schedule, with both ends of their intervals");
    next->fallthrough();
    next->add_option("dag", in_.next.dag_id)->required();
    next->add_option("--file", in_.next.file, "a DAG file; without it the scheduler is asked");
    next->add_option("--count", in_.next.count, "how many")->capture_default_str()->check(CLI::Range(1, 10'000));
    next->add_option("--after", in_.next.after, "2001-03-01, or RFC 3339; now when left out");
    next->callback([this] {
      const Ask ask = [this](Context& context, bool&) -> Status {
        ASSIGN_OR_RETURN(const Value source, context.client.Get("/api/v2/dagSources/" + Segment(in_.next.dag_id)));
        ASSIGN_OR_RETURN(const DagPtr dag, DagOfText(Text(source, "content"), in_.next.dag_id, zones_));
        return ShowNext(context.output, *dag, in_.next, zones_, clock_.now().wall);
      };
      chosen_ = [this, ask] { return in_.next.file.empty() ? Talk(ask) : ExitStatus(NextOfFile()); };
    });
  }

  Status NextOfFile() {
    Output output(std::cout, asker_.format, terminal_);
    ASSIGN_OR_RETURN(const DagPtr dag, DagOfFile(in_.next.file, in_.next.dag_id, zones_));
    return ShowNext(output, *dag, in_.next, zones_, clock_.now().wall);
  }

  void AddSimulate() {
    CLI::App* simulate = app_.add_subcommand("simulate", "the calendar of a DAG in the real engine, a row a run, in seconds");
    simulate->fallthrough();
    SimulateOptions& in = in_.simulate;
    simulate->add_option("dag", in.dag_id)->required();
    simulate->add_option("--file", in.file, "a DAG file; without it the scheduler is asked");
    simulate->add_option("--days", in.days, "how many")->capture_default_str()->check(CLI::Range(1, 36'600));
    simulate->add_option("--from,--start", in.from, "2001-03-01, or RFC 3339; start_date, or today, when left out");
    simulate->add_option("--fail", in.fail, "TASK:2 makes its attempts fail up to the second, TASK all of them")->allow_extra_args(false);
    simulate->add_option("--duration", in.durations, "TASK:30m is how long its attempts take, 30m how long all others do")->allow_extra_args(false);
    simulate->add_option("--result", in.results, "TASK:JSON is what it returns, for branches and expand")->allow_extra_args(false);
    simulate->add_flag("--tasks", in.tasks, "each run's task instances, in JSON and YAML");
    simulate->callback([this] {
      const Ask ask = [this](Context& context, bool&) -> Status {
        ASSIGN_OR_RETURN(const Value source, context.client.Get("/api/v2/dagSources/" + Segment(in_.simulate.dag_id)));
        ASSIGN_OR_RETURN(const DagPtr dag, DagOfText(Text(source, "content"), in_.simulate.dag_id, zones_));
        return Simulate(context.output, {dag}, in_.simulate, zones_, clock_.now().wall);
      };
      chosen_ = [this, ask] { return in_.simulate.file.empty() ? Talk(ask) : ExitStatus(SimulateFile()); };
    });
  }

  Status SimulateFile() {
    Output output(std::cout, asker_.format, terminal_);
    ASSIGN_OR_RETURN(const std::vector<DagPtr> dags, DagsOfFile(in_.simulate.file, in_.simulate.dag_id, zones_));
    return Simulate(output, dags, in_.simulate, zones_, clock_.now().wall);
  }

  void AddDatasets() {
    CLI::App& datasets = Group("datasets", "datasets: list, events, queued, update");
    Add(datasets, "list", "who makes and reads them, whom they start", [this](Context& c, bool&) { return ListDatasets(c, in_.dag); })
        ->add_option("--dag", in_.dag, "of this DAG; all when left out");
    CLI::App* events = Add(datasets, "events", "updates, newest first", [this](Context& c, bool&) { return ListDatasetEvents(c, in_.dataset, in_.limit); });
    events->add_option("dataset", in_.dataset, "of this one; of all when left out");
    events->add_option("--limit", in_.limit, "at most so many")->capture_default_str();
    Add(datasets, "queued", "updates that a DAG has not used yet", [this](Context& c, bool&) { return ListQueuedDatasetEvents(c, in_.dag); })
        ->add_option("dag", in_.dag)->required();
    CLI::App* update = Add(datasets, "update", "says that it was updated: what waits for it runs", [this](Context& c, bool&) {
      return UpdateDataset(c, in_.dataset, in_.extra);
    });
    update->add_option("dataset", in_.dataset)->required();
    update->add_option("--extra", in_.extra, "a JSON object that the event keeps");
  }

  void AddRuns() {
    CLI::App& runs = Group("runs", "runs: list, show, watch, deadlines, cancel, clear, mark, delete");
    CLI::App* list = Add(runs, "list", "runs, newest first", [this](Context& c, bool&) { return ListRuns(c, in_.dag, in_.run_state, in_.limit); });
    list->add_option("dag", in_.dag, "of this DAG; all when left out");
    list->add_option("--run-state", in_.run_state, "queued, running, success or failed");
    list->add_option("--limit", in_.limit, "at most so many")->capture_default_str();
    AddRun(Add(runs, "show", "one run and its task instances", [this](Context& c, bool&) { return ShowRun(c, in_.dag, in_.run); }));
    AddRun(Add(runs, "watch", "progress until it ends; exit status 3 when it fails",
               [this](Context& c, bool& failed) { return WatchRun(c, in_.dag, in_.run, failed); }));
    AddRun(Add(runs, "deadlines", "when it should be over, and whether that was missed",
               [this](Context& c, bool&) { return ShowDeadlines(c, in_.dag, in_.run); }));
    AddRun(Add(runs, "cancel", "ends it as failed; its tasks are killed", [this](Context& c, bool&) { return CancelRun(c, in_.dag, in_.run); }));
    AddRun(Add(runs, "mark", "ends it as success or failed",
               [this](Context& c, bool&) { return MarkRun(c, in_.dag, in_.run, in_.mark.state); }))
        ->add_option("state", in_.mark.state)
        ->required()
        ->check(CLI::IsMember({"success", "failed"}));
    AddRun(Add(runs, "delete", "forgets an ended run, its logs and values",
               [this](Context& c, bool&) { return DeleteRun(c, in_.dag, in_.run); }));
    CLI::App* clear = AddRun(Add(runs, "clear", "runs it again", [this](Context& c, bool&) {
      in_.clear_run.dag_id = in_.dag, in_.clear_run.run_id = in_.run;
      return ClearRun(c, in_.clear_run);
    }));
    clear->add_flag("--only-failed", in_.clear_run.only_failed, "only what failed");
    clear->add_flag("--newest-version", in_.clear_run.newest_version,
                    "all of it, on the newest version of the DAG");
    clear->add_flag("--dry-run", in_.clear_run.dry_run, "only says what");
  }

  void AddVersions(CLI::App& dags) {
    Add(dags, "versions", "the versions of a DAG",
        [this](Context& c, bool&) { return ListVersions(c, in_.dag); })
        ->add_option("dag", in_.dag)
        ->required();
    CLI::App* diff = Add(dags, "diff", "what changed between two versions", [this](Context& c, bool&) {
      return DiffVersions(c, in_.dag, in_.from_version, in_.to_version);
    });
    diff->add_option("dag", in_.dag)->required();
    diff->add_option("--from", in_.from_version, "a version's number; the one before the other when left out")
        ->check(CLI::PositiveNumber);
    diff->add_option("--to", in_.to_version, "a version's number; the newest when left out")
        ->check(CLI::PositiveNumber);
    Add(dags, "delete", "forgets a DAG and all of its runs",
        [this](Context& c, bool&) { return DeleteDag(c, in_.dag); })
        ->add_option("dag", in_.dag)
        ->required();
  }

  void AddBackfills() {
    CLI::App& group =
        Group("backfill", "runs for the dates of a range: create, list, show, watch, pause, resume, cancel");
    CLI::App* create =
        Add(group, "create", "a few runs at a time, below live runs", [this](Context& c, bool& failed) {
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
    Add(group, "list", "backfills, newest first", [this](Context& c, bool&) {
      return ListBackfills(c, in_.dag);
    })->add_option("dag", in_.dag, "of this DAG; all when left out");
    const auto one = [this](CLI::App* command) {
      command->add_option("id", in_.backfill_id)->required()->check(CLI::PositiveNumber);
    };
    one(Add(group, "show", "one and its progress",
            [this](Context& c, bool&) { return ShowBackfill(c, in_.backfill_id); }));
    one(Add(group, "watch", "progress until it has completed; exit status 3 when a run failed",
            [this](Context& c, bool& failed) { return WatchBackfill(c, in_.backfill_id, failed); }));
    one(Add(group, "pause", "makes and starts no more runs",
            [this](Context& c, bool&) { return ChangeBackfill(c, in_.backfill_id, "pause"); }));
    one(Add(group, "resume", "goes on",
            [this](Context& c, bool&) { return ChangeBackfill(c, in_.backfill_id, "unpause"); }));
    one(Add(group, "cancel", "makes no more runs, for good",
            [this](Context& c, bool&) { return ChangeBackfill(c, in_.backfill_id, "cancel"); }));
  }

  void AddNotifications() {
    CLI::App& group = Group("notifications", "what callbacks told: list, show, retry");
    NotificationOptions& in = in_.notifications;
    CLI::App* list = Add(group, "list", "newest first", [&in](Context& c, bool&) { return ListNotifications(c, in); });
    list->add_option("dag", in.dag_id, "of this DAG; all when left out");
    list->add_option("--run", in.run_id, "of this run of it");
    list->add_option("--state", in.state, "pending, running, delivered, failed or suppressed");
    list->add_option("--limit", in.limit)->check(CLI::Range(1, 10'000))->capture_default_str();
    const auto one = [this](CLI::App* command) { command->add_option("id", in_.notification)->required(); };
    one(Add(group, "show", "one, its message (-o json) and its log",
            [this](Context& c, bool&) { return ShowNotification(c, in_.notification); }));
    one(Add(group, "retry", "delivers one again that was given up",
            [this](Context& c, bool&) { return RetryNotification(c, in_.notification); }));
  }

  void AddPools() {
    CLI::App& pools = Group("pools", "named limits across DAGs: list, set, delete");
    Add(pools, "list", "all, with what is taken of them", [](Context& c, bool&) { return ListPools(c); });
    CLI::App* set =
        Add(pools, "set", "makes or changes one", [this](Context& c, bool&) { return SetPool(c, in_.pool); });
    set->add_option("name", in_.pool.name)->required();
    set->add_option("slots", in_.pool.slots, "-1 for no limit")->required()->check(CLI::Range(-1, 1'000'000));
    set->add_option("description", in_.pool.description);
    set->add_flag("--include-deferred", in_.pool.include_deferred, "deferred tasks count as well");
    Add(pools, "delete", "its tasks wait until there is one of that name again",
        [this](Context& c, bool&) { return DeletePool(c, in_.pool.name); })
        ->add_option("name", in_.pool.name)
        ->required();
  }

  void AddAudit() {
    CLI::App* list = Add(Group("audit", "who did what: list"), "list", "what users and the scheduler did, newest first",
                         [this](Context& c, bool&) { return ListAudit(c, in_.audit, clock_.now().wall); });
    list->add_option("dag", in_.audit.dag_id, "to this DAG, its runs and tasks; everything when left out");
    list->add_option("--user", in_.audit.user);
    list->add_option("--action", in_.audit.action, "trigger, pause, login, ...");
    list->add_option("--after", in_.audit.after, "2h (ago), 2001-03-01, or RFC 3339");
    list->add_option("--limit", in_.audit.limit)->capture_default_str();
  }

  void AddCredentials() {
    AddCredentialCommands(
        Group("variables", "named values: list, get, set, delete, import, export"),
        Group("connections", "named credentials: list, get, add, delete"), in_.variable, in_.connection,
        [this](CLI::App& group, const char* name, const char* help, Ask ask) { return Add(group, name, help, std::move(ask)); });
  }

  void AddStore() {
    CLI::App& db = Group("db", "what the scheduler keeps: clean, backup, restore");
    CLI::App* clean = Add(db, "clean", "deletes runs that ended long ago, with their logs and values",
                          [this](Context& c, bool&) { return CleanStore(c, in_.clean, clock_.now().wall); });
    clean
        ->add_option("--before,--clean-before-timestamp", in_.clean.before,
                     "30d (ago), 2001-03-01, or RFC 3339")
        ->required();
    clean->add_option("--dag", in_.clean.dag_ids, "only of these DAGs");
    clean->add_flag("--dry-run", in_.clean.dry_run, "only says how many");
    Add(db, "backup", "copies database and logs while the scheduler runs, to STATE/backups/NAME",
        [this](Context& c, bool&) { return BackUp(c, in_.backup); })
        ->add_option("--name", in_.backup, "made from the time when left out");
    CLI::App* restore = db.add_subcommand(
        "restore", "makes the state folder (--state) of a backup's; the scheduler must not run");
    restore->fallthrough();
    restore->add_option("backup", in_.backup, "the backup's folder")->required();
    restore->callback([this] {
      chosen_ = [this] {
        Output output(std::cout, asker_.format, terminal_);
        return ExitStatus(Restore(output, in_.backup, asker_.state, clock_.now().wall));
      };
    });
  }

  CLI::App* AddRun(CLI::App* command) {
    command->add_option("dag", in_.dag)->required();
    command->add_option("run", in_.run)->required();
    return command;
  }

  void AddRender(CLI::App& tasks) {
    CLI::App* render = tasks.add_subcommand("render", "a task's fields with their templates filled in");
    render->fallthrough();
    render->add_option("dag", in_.render.dag_id)->required();
    render->add_option("task", in_.render.task_id)->required();
    render->add_option("date", in_.render.date, "of the run: 2001-03-01 (its ds), or RFC 3339; or the id of a run")->required();
    render->add_option("--file", in_.render.file, "a DAG file; without it the scheduler is asked");
    render->add_option("--conf", in_.render.conf, "parameters, a JSON object");
    render->add_option("--xcom", in_.render.xcoms, "TASK=JSON or TASK:KEY=JSON, as if that task had left it");
    render->add_option("--var", in_.render.variables, "NAME=TEXT, as if there were such a variable");
    render->callback([this] {
      const Ask ask = [this](Context& context, bool&) -> Status {
        if (!ParseTimeUtc(in_.render.date).ok()) return ShowGiven(context, in_.render);
        ASSIGN_OR_RETURN(const Value source, context.client.Get("/api/v2/dagSources/" + Segment(in_.render.dag_id)));
        ASSIGN_OR_RETURN(const DagPtr dag, DagOfText(Text(source, "content"), in_.render.dag_id, zones_));
        return ShowRendered(context.output, *dag, in_.render, zones_);
      };
      chosen_ = [this, ask] { return in_.render.file.empty() ? Talk(ask) : ExitStatus(RenderOfFile()); };
    });
  }

  Status RenderOfFile() {
    Output output(std::cout, asker_.format, terminal_);
    ASSIGN_OR_RETURN(const DagPtr dag, DagOfFile(in_.render.file, in_.render.dag_id, zones_));
    return ShowRendered(output, *dag, in_.render, zones_);
  }

  void AddApprovals(CLI::App& tasks) {
    CLI::App* list = Add(tasks, "approvals", "what waits for somebody's answer",
                         [this](Context& c, bool&) { return ListApprovals(c, in_.dag, in_.run, in_.answered); });
    list->add_option("dag", in_.dag, "of this DAG; of all when left out");
    list->add_option("run", in_.run, "of this run");
    list->add_flag("--all", in_.answered, "what was answered, or needs no answer any more, as well");
    for (const auto& [name, option, help] :
         {std::tuple("approve", "Approve", "lets it go on"), std::tuple("reject", "Reject", "skips what stands behind it"),
          std::tuple("answer", "", "chooses options, fills in values")}) {
      CLI::App* command = AddRun(Add(tasks, name, help, [this, option = std::string(option)](Context& c, bool&) {
        in_.answer.dag_id = in_.dag, in_.answer.run_id = in_.run, in_.answer.task_id = in_.task;
        if (!option.empty()) in_.answer.chosen = {option};
        return AnswerApproval(c, in_.answer);
      }));
      command->add_option("task", in_.task, "of a mapped one: task[3]")->required();
      if (*option == '\0') command->add_option("options", in_.answer.chosen)->required();
      command->add_option("--param", in_.answer.params, "NAME=VALUE; JSON, or text")->allow_extra_args(false);
    }
  }

  void AddTasks() {
    CLI::App& tasks = Group("tasks", "task instances: list, logs, why, clear, mark, render, approvals, approve, reject, answer");
    AddRender(tasks);
    AddApprovals(tasks);
    AddRun(Add(tasks, "list", "a run's task instances", [this](Context& c, bool&) { return ListTasks(c, in_.dag, in_.run); }));
    CLI::App* logs = Add(tasks, "logs", "what it wrote", [this](Context& c, bool&) {
      in_.logs.dag_id = in_.dag, in_.logs.run_id = in_.run, in_.logs.task_id = in_.task;
      return TaskLogs(c, in_.logs);
    });
    AddRun(logs)->add_option("task", in_.task)->required();
    logs->add_option("--try", in_.logs.try_number, "which try; the newest when left out");
    logs->add_flag("-f,--follow", in_.logs.follow, "until it has ended");
    CLI::App* why = AddRun(Add(tasks, "why", "what it waits for, or how and by whom it ended",
                               [this](Context& c, bool&) { return TaskWhy(c, in_.dag, in_.run, in_.task); }));
    why->add_option("task", in_.task)->required();
    CLI::App* clear = Add(tasks, "clear", "runs them again", [this](Context& c, bool&) {
      in_.clear.dag_id = in_.dag, in_.clear.run_id = in_.run;
      return ClearTasks(c, in_.clear);
    });
    AddRun(clear)->add_option("tasks", in_.clear.task_ids, "which; all when left out");
    clear->add_flag("--upstream", in_.clear.upstream, "and what they depend on");
    clear->add_flag("--downstream", in_.clear.downstream, "and what depends on them");
    clear->add_flag("--only-failed", in_.clear.only_failed, "of these only failed ones");
    clear->add_flag("--only-running", in_.clear.only_running, "of these only running ones");
    clear->add_option("--note", in_.clear.note, "is left at each");
    clear->add_flag("--past", in_.clear.past, "and in the runs before, by logical date");
    clear->add_flag("--future", in_.clear.future, "and in the runs after");
    clear->add_option("--from", in_.clear.from, "with ~ for the run: in all runs from this logical date on");
    clear->add_option("--to", in_.clear.to, "to this one");
    clear->add_flag("--refresh-cache", in_.clear.refresh_cache,
                    "forgets what the tasks have cached, so that they do run");
    clear->add_flag("--newest-version", in_.clear.newest_version,
                    "whole runs, on the newest version of the DAG");
    clear->add_flag("--keep-run", in_.clear.keep_run, "a run that has ended stays so for now");
    clear->add_flag("--dry-run", in_.clear.dry_run, "only says which");
    CLI::App* mark = AddRun(Add(tasks, "mark", "sets their state by hand", [this](Context& c, bool&) {
      in_.mark.dag_id = in_.dag, in_.mark.run_id = in_.run, in_.mark.task_id = in_.task;
      return MarkTask(c, in_.mark);
    }));
    mark->add_option("task", in_.task)->required();
    mark->add_option("state", in_.mark.state)
        ->required()
        ->check(CLI::IsMember({"success", "failed", "skipped"}));
    mark->add_flag("--upstream", in_.mark.upstream, "and of what it depends on");
    mark->add_flag("--downstream", in_.mark.downstream, "and of what depends on it");
    mark->add_flag("--past", in_.mark.past, "and in the runs before, by logical date");
    mark->add_flag("--future", in_.mark.future, "and in the runs after");
    mark->add_flag("--dry-run", in_.mark.dry_run, "only says which");
  }

  void AddJob(CLI::App& jobs, const char* name, const char* help, bool explain) {
    JobOptions& job = in_.job;
    CLI::App* command = jobs.add_subcommand(name, help);
    command->fallthrough();
    command->add_option("file", job.file, "YAML or JSON: what a mapreduce task has in `with`")->required();
    command->add_option("--input", job.inputs, "name=path, instead of the file's; may be repeated")->take_all();
    command->add_option("--output", job.output, "where to publish, instead of the file's");
    command->add_option("--logical-date", job.logical_date, "for {{ ds }} and the like: 2001-03-01, or RFC 3339");
    CLI::Option* local = command->add_flag("--local", job.local, "on a scheduler and workers that are started for it");
    command->add_option("--workers", job.workers, "of --local: how many")->capture_default_str()->check(CLI::Range(1, 64))->needs(local);
    command->add_option("--slots", job.slots, "of --local: tasks at once, of each")->capture_default_str()->check(CLI::Range(1, 256))->needs(local);
    command->callback([this, explain] {
      chosen_ = [this, explain] {
        in_.job.explain = explain;
        Output output(std::cout, asker_.format, terminal_);
        bool failed = false;
        const int status = ExitStatus(RunJob(in_.job, output, [this] { return WhoAsks(); }, clock_, zones_, failed));
        return failed ? kRunFailed : status;
      };
    });
  }

  void AddRest() {
    CLI::App& jobs = Group("jobs", "mapreduce jobs");
    AddRun(Add(jobs, "show", "stages, partitions, decisions", [this](Context& c, bool&) { return ShowJob(c, in_.dag, in_.run, in_.task); }))
        ->add_option("task", in_.task)->required();
    AddJob(jobs, "run", "runs a job from a file, without a DAG; exit status 3 when it fails", false);
    AddJob(jobs, "explain", "what a job would do: inputs, stages, fused or distributed, and why", true);
    CLI::App& workers = Group("workers", "workers");
    Add(workers, "list", "who is there", [](Context& c, bool&) { return ListWorkers(c); });
    CLI::App* up = app_.add_subcommand("up", "a scheduler and workers on this machine, until Ctrl-C");
    up->add_option("--dags", in_.up.dags, "the DAG folder")->capture_default_str();
    up->add_option("--root", in_.up.root, "where relative data paths lie")->capture_default_str();
    up->add_option("--webui", in_.up.webui, "folder of the built dashboard");
    up->add_option("--workers", in_.up.workers, "how many")->capture_default_str()->check(CLI::Range(0, 64));
    up->add_option("--slots", in_.up.slots, "tasks at once, of each")->capture_default_str()->check(CLI::Range(1, 256));
    up->add_option("--port", in_.up.port, "of the dashboard and the API; 0 for any free one")->capture_default_str()->check(CLI::Range(0, 65535));
    up->fallthrough();
    up->callback([this] {
      chosen_ = [this] {
        in_.up.state = asker_.state;
        return ExitStatus(Up(in_.up, clock_));
      };
    });
  }

  const Clock& clock_;
  const ZoneDatabase& zones_;
  const bool terminal_;
  CLI::App app_;
  Asker asker_;
  Arguments in_;
  bool latest_version_ = true;
  std::function<int()> chosen_;
};

}  // namespace

int Run(int argc, char** argv, const Clock& clock, const ZoneDatabase& zones, bool terminal) {
  return CommandLine(clock, zones, terminal).Run(argc, argv);
}

}  // namespace millrace::dagctl
