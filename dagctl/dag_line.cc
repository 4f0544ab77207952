#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "core/model/json.h"
#include "core/spec/dag_fields.h"
#include "core/spec/docs_page.h"
#include "dagctl/command_lines.h"
#include "dagctl/commands.h"
#include "dagctl/graph.h"
#include "dagctl/offline.h"
#include "dagctl/operations.h"
#include "dagctl/simulate.h"

namespace millrace::dagctl {
namespace {

struct DagArguments {
  std::string dag, pattern, tag, date, file;
  bool favorites = false, dot = false;
  ListRunsOptions runs;
  ClearOptions clear;
  std::vector<std::string> ids;
  TrialOptions trial;
  TriggerOptions trigger;
  std::vector<std::string> files;
  std::string folder;
  NextOptions next;
  SimulateOptions simulate;
  int from_version = 0, to_version = 0;
};

// `dags` and `simulate`.
class DagLine {
 public:
  explicit DagLine(CommandTree& tree) : tree_(tree) {
    AddDags();
    AddSimulate();
  }

 private:
  void AddDags() {
    CLI::App& dags = tree_.Group(
        "dags",
        "DAGs: list, show, details, state, graph, dependencies, import-errors, validate, test, report, trigger, clear, "
        "pause, favorite, next-execution, versions, diff, reparse, delete");
    CLI::App* list = tree_.Add(dags, "list", "all DAGs", [this](Context& c, bool&) {
      return ListDags(c, in_.pattern, in_.tag, in_.favorites);
    });
    list->add_option("--pattern", in_.pattern, "ids like this, % stands for anything");
    list->add_option("--tag", in_.tag, "with this tag");
    list->add_flag("--favorites", in_.favorites, "your favorites");
    tree_
        .Add(dags, "show", "one DAG and its tasks", [this](Context& c, bool&) { return ShowDag(c, in_.dag); })
        ->add_option("dag", in_.dag)
        ->required();
    CLI::App* trigger = tree_.Add(dags, "trigger", "starts a run", [this](Context& c, bool& failed) {
      return Trigger(c, in_.trigger, failed);
    });
    trigger->add_option("dag", in_.trigger.dag_id)->required();
    AddTrigger(in_.trigger, trigger);
    for (const bool paused : {true, false}) {
      CLI::App* pause = tree_.Add(dags, paused ? "pause" : "unpause",
                                  paused ? "no new runs by schedule" : "runs by schedule again",
                                  [this, paused](Context& c, bool&) { return SetPaused(c, in_.dag, paused); });
      pause->add_option("dag", in_.dag)->required();
      AddYes(pause);
    }
    for (const bool favorite : {true, false}) {
      tree_
          .Add(dags, favorite ? "favorite" : "unfavorite",
               favorite ? "marks it as one of yours" : "takes that mark away",
               [this, favorite](Context& c, bool&) { return SetFavorite(c, in_.dag, favorite); })
          ->add_option("dag", in_.dag)
          ->required();
    }
    AddLooks(dags);
    AddOffline(dags);
    AddGraphs(dags);
    AddVersions(dags);
  }

  // What needs no scheduler.
  void AddOffline(CLI::App& dags) {
    CLI::App* validate =
        dags.add_subcommand("validate", "every problem of DAG files; exit status 1 when there is one");
    validate->fallthrough();
    validate->add_option("files", in_.files, "DAG files, or folders of them")->required();
    validate->add_option("--dags", in_.folder,
                         "the DAG folder, where contracts and scripts lie; the file's own when left out");
    tree_.Choose(*validate, [this] {
      bool found = false;
      const int status = tree_.Show(
          [&](Output& output) { return Validate(output, in_.files, in_.folder, tree_.zones(), found); });
      return status == kOk && found ? kProblem : status;
    });
    CLI::App* test = dags.add_subcommand(
        "test", "runs it once, on a scheduler and a worker that are started for it; exit status 3 when it fails");
    test->add_option("dag", in_.trial.dag, "a DAG file, or the id of a DAG in the DAG folder")->required();
    AddTrial(tree_, in_.trial, test);
    CLI::App* report = dags.add_subcommand("report", "how long DAG files take to read, and what they define");
    report->fallthrough();
    report->add_option("files", in_.files, "DAG files, or folders of them")->required();
    tree_.Choose(*report, [this] {
      return tree_.Show(
          [this](Output& output) { return ReportFiles(output, in_.files, tree_.zones(), tree_.clock()); });
    });
    tree_.Choose(*dags.add_subcommand("schema", "the JSON Schema of DAG files, for editors"), [] {
      std::cout << ToPrettyJson(JsonSchema()) << '\n';
      return kOk;
    });
    tree_.Choose(*dags.add_subcommand(
                     "fields", "every field of DAG files and of task kinds, as the page docs/task_kinds.md"),
                 [] {
                   std::cout << FieldsPage();
                   return kOk;
                 });
    CLI::App* next = dags.add_subcommand("next-execution",
                                         "the next runs of its schedule, with both ends of their intervals");
    next->fallthrough();
    next->add_option("dag", in_.next.dag_id)->required();
    next->add_option("--file", in_.next.file, "a DAG file; without it the scheduler is asked");
    next->add_option("--count,-n,--num-executions", in_.next.count, "how many")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    next->add_option("--after", in_.next.after, "2001-03-01, or RFC 3339; now when left out");
    tree_.Choose(*next, [this] {
      const CommandTree::Ask ask = [this](Context& context, bool&) -> Status {
        ASSIGN_OR_RETURN(const Value source,
                         context.client.Get("/api/v2/dagSources/" + Segment(in_.next.dag_id)));
        ASSIGN_OR_RETURN(const DagPtr dag,
                         DagOfText(Text(source, "content"), in_.next.dag_id, tree_.zones()));
        return ShowNext(context.output, *dag, in_.next, tree_.zones(), tree_.clock().now().wall);
      };
      return in_.next.file.empty() ? tree_.Talk(ask)
                                   : tree_.Show([this](Output& output) { return NextOfFile(output); });
    });
  }

  Status NextOfFile(Output& output) {
    ASSIGN_OR_RETURN(const DagPtr dag, DagOfFile(in_.next.file, in_.next.dag_id, tree_.zones()));
    return ShowNext(output, *dag, in_.next, tree_.zones(), tree_.clock().now().wall);
  }

  void AddLooks(CLI::App& dags) {
    tree_
        .Add(dags, "import-errors", "files that do not load, and why; exit status 1 when there is one",
             [](Context& c, bool&) { return ListImportErrors(c); })
        ->alias("list-import-errors");
    tree_
        .Add(dags, "details", "everything that is known of a DAG",
             [this](Context& c, bool&) { return ShowDetails(c, in_.dag); })
        ->add_option("dag", in_.dag)
        ->required();
    CLI::App* state = tree_.Add(dags, "state", "of its runs for a date",
                                [this](Context& c, bool&) { return ShowRunState(c, in_.dag, in_.date); });
    state->add_option("dag", in_.dag)->required();
    state->add_option("date", in_.date, "2001-03-01 (that day in UTC), or RFC 3339; or the id of a run")
        ->required();
    AddRunList(in_.runs, tree_.Add(dags, "list-runs", "the same as runs list",
                                   [this](Context& c, bool&) { return ListRuns(c, in_.runs); }));
    tree_.Add(dags, "list-jobs", "the scheduler and its workers, as Airflow tells them",
              [](Context& c, bool&) { return ListProcesses(c); });
    CLI::App* again = tree_.Add(dags, "reparse", "has DAG files read again, as they are whenever they change",
                                [this](Context& c, bool&) { return ReadAgain(c, in_.ids); });
    again->alias("reserialize");
    again->add_option("dags", in_.ids, "the files of these; all when left out");
    CLI::App* clear = tree_.Add(dags, "clear", "the same as tasks clear, of all tasks", [this](Context& c, bool&) {
      in_.clear.dag_id = in_.dag;
      return ClearTasks(c, in_.clear);
    });
    clear->add_option("dag", in_.dag)->required();
    clear->add_option("run,--run-id", in_.clear.run_id, "which; when left out, or ~: all of a range of dates");
    AddClear(in_.clear, clear);
  }

  void AddGraphs(CLI::App& dags) {
    CLI::App* graph = dags.add_subcommand("graph", "its tasks as Graphviz text: | dot -Tsvg > dag.svg");
    graph->fallthrough();
    graph->add_option("dag", in_.dag)->required();
    graph->add_option("--file", in_.file, "a DAG file; without it the scheduler is asked");
    tree_.Choose(*graph, [this] {
      const CommandTree::Ask ask = [this](Context& context, bool&) -> Status {
        ASSIGN_OR_RETURN(const Value source, context.client.Get("/api/v2/dagSources/" + Segment(in_.dag)));
        ASSIGN_OR_RETURN(const DagPtr dag, DagOfText(Text(source, "content"), in_.dag, tree_.zones()));
        ShowGraph(context.output, *dag);
        return OkStatus();
      };
      const auto of_file = [this](Output& output) -> Status {
        ASSIGN_OR_RETURN(const DagPtr dag, DagOfFile(in_.file, in_.dag, tree_.zones()));
        ShowGraph(output, *dag);
        return OkStatus();
      };
      return in_.file.empty() ? tree_.Talk(ask) : tree_.Show(of_file);
    });
    CLI::App* dependencies = dags.add_subcommand(
        "dependencies", "which DAGs start or hold up others: by datasets, trigger_dag, sensors");
    dependencies->alias("show-dependencies");
    dependencies->fallthrough();
    dependencies->add_option("files", in_.files,
                             "DAG files, or folders of them; without one the scheduler is asked");
    dependencies->add_flag("--dot", in_.dot, "as Graphviz text");
    tree_.Choose(*dependencies, [this] {
      const CommandTree::Ask ask = [this](Context& context, bool&) -> Status {
        ASSIGN_OR_RETURN(const std::vector<DagPtr> known, KnownDags(context));
        ShowDependencies(context.output, known, in_.dot);
        return OkStatus();
      };
      const auto of_files = [this](Output& output) -> Status {
        ASSIGN_OR_RETURN(const std::vector<DagPtr> defined, LoadFiles(in_.files, "", tree_.zones()));
        ShowDependencies(output, defined, in_.dot);
        return OkStatus();
      };
      return in_.files.empty() ? tree_.Talk(ask) : tree_.Show(of_files);
    });
  }

  StatusOr<std::vector<DagPtr>> KnownDags(Context& context) {
    ASSIGN_OR_RETURN(const Value::List rows, context.client.All("/api/v2/dags", "dags", {}, 10'000));
    std::vector<DagPtr> dags;
    for (const Value& row : rows) {
      const std::string id = Text(row, "dag_id");
      ASSIGN_OR_RETURN(const Value source, context.client.Get("/api/v2/dagSources/" + Segment(id)));
      StatusOr<DagPtr> dag = DagOfText(Text(source, "content"), id, tree_.zones());
      // A job's is no DAG file, and depends on nobody.
      if (dag.ok()) dags.push_back(std::move(*dag));
    }
    return dags;
  }

  void AddSimulate() {
    CLI::App* simulate = tree_.root().add_subcommand(
        "simulate", "the calendar of a DAG in the real engine, a row a run, in seconds");
    simulate->fallthrough();
    SimulateOptions& in = in_.simulate;
    simulate->add_option("dag", in.dag_id)->required();
    simulate->add_option("--file", in.file, "a DAG file; without it the scheduler is asked");
    simulate->add_option("--days", in.days, "how many")->capture_default_str()->check(CLI::Range(1, 36'600));
    simulate->add_option("--from,--start", in.from,
                         "2001-03-01, or RFC 3339; start_date, or today, when left out");
    simulate
        ->add_option("--fail", in.fail, "TASK:2 makes its attempts fail up to the second, TASK all of them")
        ->allow_extra_args(false);
    simulate
        ->add_option("--duration", in.durations,
                     "TASK:30m is how long its attempts take, 30m how long all others do")
        ->allow_extra_args(false);
    simulate->add_option("--result", in.results, "TASK:JSON is what it returns, for branches and expand; of a loop, one after the other")
        ->allow_extra_args(false);
    simulate->add_flag("--tasks", in.tasks, "each run's task instances, in JSON and YAML");
    tree_.Choose(*simulate, [this] {
      const CommandTree::Ask ask = [this](Context& context, bool&) -> Status {
        ASSIGN_OR_RETURN(const Value source,
                         context.client.Get("/api/v2/dagSources/" + Segment(in_.simulate.dag_id)));
        ASSIGN_OR_RETURN(const DagPtr dag,
                         DagOfText(Text(source, "content"), in_.simulate.dag_id, tree_.zones()));
        return Simulate(context.output, {dag}, in_.simulate, tree_.zones(), tree_.clock().now().wall);
      };
      return in_.simulate.file.empty() ? tree_.Talk(ask)
                                       : tree_.Show([this](Output& output) { return SimulateFile(output); });
    });
  }

  Status SimulateFile(Output& output) {
    ASSIGN_OR_RETURN(const std::vector<DagPtr> dags,
                     DagsOfFile(in_.simulate.file, in_.simulate.dag_id, tree_.zones()));
    return Simulate(output, dags, in_.simulate, tree_.zones(), tree_.clock().now().wall);
  }

  void AddVersions(CLI::App& dags) {
    tree_
        .Add(dags, "versions", "the versions of a DAG",
             [this](Context& c, bool&) { return ListVersions(c, in_.dag); })
        ->add_option("dag", in_.dag)
        ->required();
    CLI::App* diff = tree_.Add(dags, "diff", "what changed between two versions", [this](Context& c, bool&) {
      return DiffVersions(c, in_.dag, in_.from_version, in_.to_version);
    });
    diff->add_option("dag", in_.dag)->required();
    diff->add_option("--from", in_.from_version, "a version's number; the one before the other when left out")
        ->check(CLI::PositiveNumber);
    diff->add_option("--to", in_.to_version, "a version's number; the newest when left out")
        ->check(CLI::PositiveNumber);
    CLI::App* forget = tree_.Add(dags, "delete", "forgets a DAG and all of its runs",
                                 [this](Context& c, bool&) { return DeleteDag(c, in_.dag); });
    forget->add_option("dag", in_.dag)->required();
    AddYes(forget);
  }

  DagArguments in_;
  CommandTree& tree_;
};

}  // namespace

void AddDagCommands(CommandTree& tree) { tree.Keep(std::make_shared<DagLine>(tree)); }

}  // namespace millrace::dagctl
