#include <CLI/CLI.hpp>
#include <memory>
#include <tuple>

#include "core/calendar/format.h"
#include "dagctl/command_lines.h"
#include "dagctl/commands.h"
#include "dagctl/offline.h"
#include "dagctl/operations.h"
#include "dagctl/state_stores.h"

namespace millrace::dagctl {
namespace {

struct TaskArguments {
  std::string dag, run, task;
  LogOptions logs;
  TrialOptions trial;
  ClearOptions clear;
  RenderOptions render;
  MarkOptions mark;
  AnswerOptions answer;
  bool answered = false;
  StateStoreOptions states;
};

// `tasks`.
class TaskLine {
 public:
  explicit TaskLine(CommandTree& tree) : tree_(tree) { AddTasks(); }

 private:
  void AddTasks() {
    CLI::App& tasks = tree_.Group(
        "tasks", "task instances: list, state, logs, why, clear, mark, pause, unpause, render, test, approvals, approve, reject, answer, state-store");
    AddRender(tasks);
    AddApprovals(tasks);
    AddStateStore(tree_, tasks, in_.states, false);
    CLI::App* test = tasks.add_subcommand(
        "test", "runs one without what it needs, as dags test does; exit status 3 when it fails");
    test->add_option("dag", in_.trial.dag, "a DAG file, or the id of a DAG in the DAG folder")->required();
    test->add_option("task", in_.trial.task)->required();
    AddTrial(tree_, in_.trial, test);
    AddRun(in_.dag, in_.run,
           tree_.Add(tasks, "state", "of one, and of each instance when it is mapped",
                     [this](Context& c, bool&) { return ShowTaskState(c, in_.dag, in_.run, in_.task); }))
        ->add_option("task", in_.task)
        ->required();
    CLI::App* list = tree_.Add(tasks, "list", "a run's task instances; without a run the DAG's tasks",
                               [this](Context& c, bool&) {
                                 return in_.run.empty() ? ListDagTasks(c, in_.dag)
                                                        : ListTasks(c, in_.dag, in_.run);
                               });
    list->alias("states-for-dag-run");
    list->add_option("dag", in_.dag)->required();
    list->add_option("run", in_.run);
    CLI::App* logs = tree_.Add(tasks, "logs", "what it wrote", [this](Context& c, bool&) {
      in_.logs.dag_id = in_.dag, in_.logs.run_id = in_.run, in_.logs.task_id = in_.task;
      return TaskLogs(c, in_.logs);
    });
    AddRun(in_.dag, in_.run, logs)->add_option("task", in_.task)->required();
    logs->add_option("--try", in_.logs.try_number, "which try; the newest when left out");
    logs->add_flag("-f,--follow", in_.logs.follow, "until it has ended");
    CLI::App* why =
        AddRun(in_.dag, in_.run,
               tree_.Add(tasks, "why", "what it waits for, or how and by whom it ended",
                         [this](Context& c, bool&) { return TaskWhy(c, in_.dag, in_.run, in_.task); }));
    why->alias("failed-deps");
    why->add_option("task", in_.task)->required();
    for (const bool paused : {true, false}) {
      CLI::App* pause = tree_.Add(
          tasks, paused ? "pause" : "unpause",
          paused ? "its instances wait, in every run; what runs goes on" : "they go on",
          [this, paused](Context& c, bool&) { return SetTaskPaused(c, in_.dag, in_.task, paused); });
      pause->add_option("dag", in_.dag)->required();
      pause->add_option("task", in_.task, "or a task group: all of its tasks")->required();
    }
    CLI::App* clear = tree_.Add(tasks, "clear", "runs them again", [this](Context& c, bool&) {
      in_.clear.dag_id = in_.dag, in_.clear.run_id = in_.run;
      return ClearTasks(c, in_.clear);
    });
    clear->add_option("dag", in_.dag)->required();
    clear->add_option("run", in_.run, "which; when left out, or ~: all of a range of dates");
    clear->add_option("tasks", in_.clear.task_ids, "which, task groups among them; all when left out");
    AddClear(in_.clear, clear);
    CLI::App* mark = AddRun(
        in_.dag, in_.run, tree_.Add(tasks, "mark", "sets their state by hand", [this](Context& c, bool&) {
          in_.mark.dag_id = in_.dag, in_.mark.run_id = in_.run, in_.mark.task_id = in_.task;
          return MarkTask(c, in_.mark);
        }));
    mark->add_option("task", in_.task, "or a task group: all of its tasks")->required();
    mark->add_option("state", in_.mark.state)
        ->required()
        ->check(CLI::IsMember({"success", "failed", "skipped"}));
    mark->add_flag("--upstream", in_.mark.upstream, "and of what it depends on");
    mark->add_flag("--downstream", in_.mark.downstream, "and of what depends on it");
    mark->add_flag("--past", in_.mark.past, "and in the runs before, by logical date");
    mark->add_flag("--future", in_.mark.future, "and in the runs after");
    mark->add_flag("--dry-run", in_.mark.dry_run, "only says which");
  }

  void AddRender(CLI::App& tasks) {
    CLI::App* render = tasks.add_subcommand("render", "a task's fields with their templates filled in");
    render->fallthrough();
    render->add_option("dag", in_.render.dag_id)->required();
    render->add_option("task", in_.render.task_id)->required();
    render
        ->add_option("date", in_.render.date,
                     "of the run: 2001-03-01 (its ds), or RFC 3339; or the id of a run")
        ->required();
    render->add_option("--file", in_.render.file, "a DAG file; without it the scheduler is asked");
    render->add_option("--conf", in_.render.conf, "parameters, a JSON object");
    render->add_option("--xcom", in_.render.xcoms, "TASK=JSON or TASK:KEY=JSON, as if that task had left it");
    render->add_option("--var", in_.render.variables, "NAME=TEXT, as if there were such a variable");
    render->add_option("--conn", in_.render.connections, "NAME=URI, as if there were such a connection");
    tree_.Choose(*render, [this] {
      const CommandTree::Ask ask = [this](Context& context, bool&) -> Status {
        if (!ParseTimeUtc(in_.render.date).ok()) return ShowGiven(context, in_.render);
        ASSIGN_OR_RETURN(const Value source,
                         context.client.Get("/api/v2/dagSources/" + Segment(in_.render.dag_id)));
        ASSIGN_OR_RETURN(const DagPtr dag,
                         DagOfText(Text(source, "content"), in_.render.dag_id, tree_.zones()));
        return ShowRendered(context.output, *dag, in_.render, tree_.zones());
      };
      return in_.render.file.empty() ? tree_.Talk(ask)
                                     : tree_.Show([this](Output& output) { return RenderOfFile(output); });
    });
  }

  Status RenderOfFile(Output& output) {
    ASSIGN_OR_RETURN(const DagPtr dag, DagOfFile(in_.render.file, in_.render.dag_id, tree_.zones()));
    return ShowRendered(output, *dag, in_.render, tree_.zones());
  }

  void AddApprovals(CLI::App& tasks) {
    CLI::App* list =
        tree_.Add(tasks, "approvals", "what waits for somebody's answer",
                  [this](Context& c, bool&) { return ListApprovals(c, in_.dag, in_.run, in_.answered); });
    list->add_option("dag", in_.dag, "of this DAG; of all when left out");
    list->add_option("run", in_.run, "of this run");
    list->add_flag("--all", in_.answered, "what was answered, or needs no answer any more, as well");
    for (const auto& [name, option, help] : {std::tuple("approve", "Approve", "lets it go on"),
                                             std::tuple("reject", "Reject", "skips what stands behind it"),
                                             std::tuple("answer", "", "chooses options, fills in values")}) {
      CLI::App* command =
          AddRun(in_.dag, in_.run,
                 tree_.Add(tasks, name, help, [this, option = std::string(option)](Context& c, bool&) {
                   in_.answer.dag_id = in_.dag, in_.answer.run_id = in_.run, in_.answer.task_id = in_.task;
                   if (!option.empty()) in_.answer.chosen = {option};
                   return AnswerApproval(c, in_.answer);
                 }));
      command->add_option("task", in_.task, "of a mapped one: task[3]")->required();
      if (*option == '\0') command->add_option("options", in_.answer.chosen)->required();
      command->add_option("--param", in_.answer.params, "NAME=VALUE; JSON, or text")->allow_extra_args(false);
    }
  }

  TaskArguments in_;
  CommandTree& tree_;
};

}  // namespace

void AddTaskCommands(CommandTree& tree) { tree.Keep(std::make_shared<TaskLine>(tree)); }

}  // namespace millrace::dagctl
