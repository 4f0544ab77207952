#include "tests/scenarios/command_lines.h"

namespace millrace::test {
namespace {

TriggerRun TriggerOf(const Line& line, WallTime now) {
  TriggerRun trigger;
  trigger.dag_id = line.Word(1);
  trigger.run_id = line.Word(2);
  trigger.conf = line.Word(3).empty() ? "{}" : line.After(3);
  trigger.logical_date = now;
  trigger.user = "ana";
  trigger.partition_key = line.Option("partition");
  return trigger;
}

ClearTasks ClearOf(const Line& line) {
  ClearTasks clear;
  clear.dag_id = line.Word(1);
  clear.run_id = line.Word(2);
  if (line.Word(3) != "*") clear.task_ids = Names(line.Word(3));
  clear.upstream = line.Has("upstream");
  clear.downstream = !line.Has("alone");
  clear.only_failed = line.Has("only_failed");
  clear.dry_run = line.Has("dry_run");
  clear.user = "ana";
  clear.map_index = std::stoi(line.Option("map_index", "-1"));
  clear.latest_version = line.Has("newest");
  clear.only_running = line.Has("only_running");
  clear.only_skipped = line.Has("only_skipped");
  clear.reopen = !line.Has("keep_run");
  clear.refresh_cache = line.Has("refresh");
  clear.prevent_running = line.Has("prevent_running");
  clear.only_new = line.Has("only_new");
  return clear;
}

MarkTask MarkOf(const Line& line) {
  MarkTask mark;
  mark.dag_id = line.Word(1);
  mark.run_id = line.Word(2);
  mark.task_id = line.Word(3);
  mark.state = TaskStateFromString(line.Word(4)).value();
  mark.user = "ana";
  mark.map_index = std::stoi(line.Option("map_index", "-1"));
  mark.upstream = line.Has("upstream");
  mark.downstream = line.Has("downstream");
  mark.dry_run = line.Has("dry_run");
  return mark;
}

CreateBackfill BackfillOf(const Line& line) {
  CreateBackfill create;
  create.backfill.dag_id = line.Word(1);
  create.backfill.from = Time(line.Word(2));
  create.backfill.to = Time(line.Word(3));
  create.backfill.reprocess = ReprocessFromString(line.Option("reprocess", "none")).value();
  create.backfill.run_backwards = line.Has("backwards");
  create.backfill.latest_version = !line.Has("original");
  create.backfill.max_active_runs = std::stoi(line.Option("max_active_runs", "10"));
  create.backfill.user = "ana";
  create.include_downstream = line.Has("downstream");
  create.dry_run = line.Has("dry_run");
  return create;
}

AnswerApproval AnswerOf(const Line& line) {
  AnswerApproval answer;
  answer.dag_id = line.Word(1);
  answer.run_id = line.Word(2);
  answer.task_id = line.Word(3);
  answer.chosen_options = Names(line.Word(4));
  if (line.Word(5).starts_with("{")) answer.params_input = line.After(5);
  answer.map_index = std::stoi(line.Option("map_index", "-1"));
  answer.user = line.Option("by", "ana");
  return answer;
}

}  // namespace

std::optional<Command> CommandOf(const Line& line, const EngineDriver& driver) {
  const std::string what = line.Word(0);
  const std::string name = line.Word(1);
  const std::string run = line.Word(2);
  if (what == "pause" || what == "unpause") return SetPaused{name, what == "pause", "ana"};
  if (what == "trigger") return TriggerOf(line, driver.now().wall);
  if (what == "cancel") return CancelRun{name, run, "ana"};
  if (what == "clear") return ClearOf(line);
  if (what == "dataset") return AddDatasetEvent{name, run.empty() ? "{}" : line.Rest(2), "ana", line.Option("partition")};
  if (what == "forget") return ClearDatasetQueue{name, run, "ana"};
  if (what == "mark") return MarkOf(line);
  if (what == "backfill") return BackfillOf(line);
  for (const auto& [word, action] : {std::pair("pause_backfill", BackfillAction::kPause),
                                     std::pair("resume_backfill", BackfillAction::kUnpause),
                                     std::pair("cancel_backfill", BackfillAction::kCancel)}) {
    if (what == word) return ChangeBackfill{std::stoi(name), action, "ana"};
  }
  if (what == "answer") return AnswerOf(line);
  if (what == "pause_task" || what == "unpause_task") return SetTaskPaused{name, run, what == "pause_task", "ana"};
  if (what == "mark_run") return MarkRun{name, run, RunStateFromString(line.Word(3)).value(), "ana"};
  if (what == "delete_task") {
    return DeleteTaskInstance{name, run, line.Word(3), std::stoi(line.Option("map_index", "-1")), "ana"};
  }
  if (what == "retry") return RetryNotification{driver.rows.notifications.at(std::stoi(name)), "ana"};
  if (what == "delete_run") return DeleteRun{name, run, "ana"};
  if (what == "delete_dag") return DeleteDag{name, "ana"};
  if (what == "set_pool")
    return SetPool{{name, std::stoi(run), "", line.Has("include_deferred"), false, line.Option("team")}, false};
  if (what == "delete_pool") return SetPool{{name, 0, "", false, true}, false};
  return std::nullopt;
}

}  // namespace millrace::test
