// Commands: each is refused whole or done whole. One about a run that is not in memory waits for it (Need,
// Loaded); so does a trigger, which must know that its run id is free.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/selection.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/params.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

std::string RunIdOf(const TriggerRun& command, WallTime now) {
  if (!command.run_id.empty()) return command.run_id;
  return "manual__" + FormatTs(command.logical_date.value_or(now));
}

// DAG and run of a command on a run.
std::pair<std::string, std::string> RunOf(const Command& command) {
  return std::visit(
      [](const auto& c) -> std::pair<std::string, std::string> {
        if constexpr (requires { c.run_id; }) {
          return {c.dag_id, c.run_id};
        } else {
          return {};
        }
      },
      command);
}

bool ChangesTasks(const Command& command) {
  if (const auto* clear = std::get_if<ClearTasks>(&command)) return !clear->dry_run;
  if (const auto* mark = std::get_if<MarkTask>(&command)) return !mark->dry_run;
  return std::holds_alternative<MarkRun>(command);
}

}  // namespace

void Engine::State::OnCommand(const CommandReceived& event) {
  if (const auto* records = std::get_if<WriteRecords>(&event.command)) {
    out->batch.records.insert(out->batch.records.end(), records->records.begin(), records->records.end());
    Answer(event.reply, CommandResult{});
    return;
  }
  if (const auto* dataset = std::get_if<AddDatasetEvent>(&event.command)) {
    Answer(event.reply, OnDatasetEvent(*dataset));
    return;
  }
  if (const auto* queue = std::get_if<ClearDatasetQueue>(&event.command)) {
    Answer(event.reply, ClearQueue(*queue));
    return;
  }
  if (const auto* pause = std::get_if<SetPaused>(&event.command)) {
    Answer(event.reply, Pause(*pause));
    return;
  }
  if (const auto* pause = std::get_if<SetTaskPaused>(&event.command)) {
    Answer(event.reply, Pause(*pause));
    return;
  }
  if (const auto* create = std::get_if<CreateBackfill>(&event.command)) {
    Answer(event.reply, Create(*create));
    return;
  }
  if (const auto* change = std::get_if<ChangeBackfill>(&event.command)) {
    Answer(event.reply, Change(*change));
    return;
  }
  if (const auto* clean = std::get_if<DeleteRuns>(&event.command)) {
    Answer(event.reply, Delete(*clean));
    return;
  }
  if (const auto* gone = std::get_if<DeleteDag>(&event.command)) {
    Answer(event.reply, Delete(*gone));
    return;
  }
  if (const auto* retry = std::get_if<RetryNotification>(&event.command)) {
    Answer(event.reply, Retry(*retry));
    return;
  }
  if (const auto* pool = std::get_if<SetPool>(&event.command)) {
    Answer(event.reply, Set(*pool));
    return;
  }
  if (const auto* test = std::get_if<TestConnection>(&event.command)) {
    Test(event.reply, *test);
    return;
  }
  Command command = event.command;
  auto* trigger = std::get_if<TriggerRun>(&command);
  if (trigger != nullptr) {
    if (const Status status = CheckTrigger(*trigger); !status.ok()) {
      Answer(event.reply, status);
      return;
    }
    trigger->run_id = RunIdOf(*trigger, now.wall);
  }
  const auto [dag_id, run_id] = RunOf(command);
  const bool brings_dag = trigger != nullptr && trigger->job != nullptr;
  if (const auto dag = dags.find(dag_id); !brings_dag && (dag == dags.end() || dag->second.row.deleted)) {
    Answer(event.reply, NotFound("DAG not found: " + dag_id));
    return;
  }
  if (LiveRun* run = FindRun(dag_id, run_id); run != nullptr) {
    Answer(event.reply,
           trigger == nullptr
               ? OnRun(command, *run)
               : CommandReply(AlreadyExists("DAG " + dag_id + " has a run " + run_id + " already")));
    // Whoever clears or marks what waits for its retry does not want to wait for it.
    if (run = FindRun(dag_id, run_id); run != nullptr && ChangesTasks(command)) RetryNow(*run);
    return;
  }
  std::vector<WaitingCommand>& waiting = needs[{dag_id, run_id}];
  if (waiting.empty()) Emit(Need{dag_id, run_id});
  waiting.push_back({event.reply, std::move(command), 0});
}

void Engine::State::OnLoaded(const Loaded& event) {
  auto waiting = needs.extract({event.dag_id, event.run_id});
  if (waiting.empty()) return;
  const auto dag = dags.find(event.dag_id);
  if (event.image.ok() && event.image->dag != nullptr && FindRun(event.dag_id, event.run_id) == nullptr) {
    LiveRun& run = AddRun(dag->second, event.image->run, event.image->dag);
    for (const DatasetEvent& made_by : event.image->events)
      run.events.push_back(std::make_shared<const DatasetEvent>(made_by));
    LoadInstances(run, event.image->task_instances);
    ResumeInstances(run);
  }
  for (const WaitingCommand& command : waiting.mapped()) {
    LiveRun* run = FindRun(event.dag_id, event.run_id);
    if (command.trigger) {
      OnTargetLoaded(*command.trigger, event);
      continue;
    }
    if (command.backfill != 0) {
      RunAgain(command.backfill, event.image.status(), run);
      continue;
    }
    if (const auto* trigger = std::get_if<TriggerRun>(&command.command)) {
      if (run != nullptr) {
        Answer(command.reply,
               AlreadyExists("DAG " + event.dag_id + " has a run " + event.run_id + " already"));
      } else if (!event.image.ok() && event.image.status().code() != Code::kNotFound) {
        Answer(command.reply, event.image.status());
      } else {
        Answer(command.reply, Trigger(*trigger));
      }
    } else if (run != nullptr) {
      Answer(command.reply, OnRun(command.command, *run));
    } else if (!event.image.ok() && event.image.status().code() != Code::kNotFound) {
      Answer(command.reply, event.image.status());
    } else {
      Answer(command.reply, NotFound("DAG " + event.dag_id + " has no run " + event.run_id));
    }
  }
  // Nothing opened it again: it goes as it came.
  if (LiveRun* run = FindRun(event.dag_id, event.run_id); run != nullptr && IsTerminal(run->row.state)) {
    TellDownstream();
    Evict(*run);
  }
}

Status Engine::State::CheckTrigger(const TriggerRun& command) const {
  const auto dag = dags.find(command.dag_id);
  if (command.job == nullptr) {
    if (dag == dags.end() || dag->second.row.deleted) return NotFound("DAG not found: " + command.dag_id);
    if (dag->second.row.stale)
      return FailedPrecondition("the file of DAG " + command.dag_id + " is gone; put it back to run it");
  }
  if (!command.run_id.empty() && !IsValidRunId(command.run_id)) {
    return InvalidArgument("run id must be 1 to 250 of A-Z a-z 0-9 _ . - : + : " + command.run_id);
  }
  if (command.run_id.starts_with("scheduled__") || command.run_id.starts_with("backfill__")) {
    return InvalidArgument("run ids that start with scheduled__ or backfill__ are the scheduler's own: " +
                           command.run_id);
  }
  RETURN_IF_ERROR(CheckPartitionKey(command.partition_key));
  return MergeParams(command.job != nullptr ? *command.job : *dag->second.dag, command.conf).status();
}

CommandReply Engine::State::Trigger(const TriggerRun& command) {
  // Checked again: the DAG may have changed while the store was asked.
  RETURN_IF_ERROR(CheckTrigger(command));
  // In one event with its run, so that no other job's version comes between.
  if (command.job != nullptr) OnDagLoaded({command.job});
  LiveDag& dag = dags.find(command.dag_id)->second;
  Run row;
  row.key = RunKey{next_run_key++};
  row.dag_id = command.dag_id;
  row.run_id = command.run_id;
  row.type = command.by ? RunType::kOperatorTriggered : RunType::kManual;
  row.triggering_task = command.by;
  row.version = dag.row.version;
  row.max_retries = dag.dag->max_dag_retries;
  row.logical_date = command.logical_date;
  row.run_after = now.wall;
  if (command.logical_date) {
    const RunDates dates = dag.timetable.ForManual(*command.logical_date);
    row.interval_start = dates.interval_start;
    row.interval_end = dates.interval_end;
  }
  row.queued_at = now.wall;
  row.conf = command.conf.empty() ? "{}" : command.conf;
  row.triggered_by = command.user;
  row.note = command.note;
  row.partition_key = command.partition_key;
  LiveRun& run = AddRun(dag, std::move(row), dag.dag);
  SetDeadlines(run);
  Touch(run);
  woken.insert(command.dag_id);
  CommandResult result;
  result.run = run.row;
  return result;
}

CommandReply Engine::State::Pause(const SetPaused& command) {
  const auto found = dags.find(command.dag_id);
  if (found == dags.end() || found->second.row.deleted) return NotFound("DAG not found: " + command.dag_id);
  LiveDag& dag = found->second;
  if (dag.row.paused == command.paused) return CommandResult{};
  dag.row.paused = command.paused;
  Touch(dag);
  woken.insert(command.dag_id);
  for (const auto& [id, key] : dag.runs) RelistRun(runs.find(key)->second);
  return CommandResult{};
}

CommandReply Engine::State::Pause(const SetTaskPaused& command) {
  const auto found = dags.find(command.dag_id);
  if (found == dags.end() || found->second.row.deleted) return NotFound("DAG not found: " + command.dag_id);
  LiveDag& dag = found->second;
  std::vector<std::string>& paused = dag.row.paused_tasks;
  std::vector<std::string> ids;
  for (const Task& task : dag.dag->tasks) {
    const auto index = static_cast<std::int32_t>(&task - dag.dag->tasks.data());
    if (Names(*dag.dag, {command.task_id}, index)) ids.push_back(task.id);
  }
  // One that the DAG no longer has may still be let go.
  if (ids.empty() && !command.paused && std::binary_search(paused.begin(), paused.end(), command.task_id))
    ids.push_back(command.task_id);
  if (ids.empty()) return NotFound("DAG " + command.dag_id + " has no task " + command.task_id);
  for (const std::string& id : ids) {
    const auto at = std::lower_bound(paused.begin(), paused.end(), id);
    const bool is = at != paused.end() && *at == id;
    if (is == command.paused) continue;
    is ? void(paused.erase(at)) : void(paused.insert(at, id));
    Touch(dag);
    for (const auto& [run_id, key] : dag.runs) {
      LiveRun& run = runs.find(key)->second;
      const std::int32_t task = run.dag->FindTask(id);
      if (task < 0) continue;
      EachOf(run, task, [&](Instance& instance) {
        if (instance.row.state != TaskState::kScheduled) return;
        // What it had been let into goes to others meanwhile.
        Unpark(run, instance);
        Leave(run, instance);
        Unreserve(run, instance);
        if (!lookups.contains(instance.row.key)) Park(run, instance);
      });
    }
  }
  return CommandResult{};
}

CommandReply Engine::State::Delete(const DeleteDag& command) {
  const auto found = dags.find(command.dag_id);
  if (found == dags.end() || found->second.row.deleted) return NotFound("DAG not found: " + command.dag_id);
  LiveDag& dag = found->second;
  const bool asked = std::any_of(needs.begin(), needs.end(),
                                 [&](const auto& need) { return need.first.first == command.dag_id; });
  // A run that ended in this very batch is not in the store yet, whence it would have to go.
  const bool fresh = std::any_of(out->batch.runs.begin(), out->batch.runs.end(),
                                 [&](const Run& run) { return run.dag_id == command.dag_id; });
  if (!dag.runs.empty() || !dag.backfills.empty() || asked || fresh) {
    return FailedPrecondition("DAG " + command.dag_id +
                              " has runs or a backfill under way: cancel them, or wait for their end, first");
  }
  // Its row stays, hidden: versions must be counted on when it comes back.
  DagRow row;
  row.dag_id = command.dag_id;
  row.version = dag.row.version;
  row.stale = true;
  row.deleted = true;
  dag.row = std::move(row);
  Touch(dag);
  FireTimetable(dag);
  SetWatches(dag);
  dag.dataset_events.clear();
  out->batch.deleted_dags.push_back(command.dag_id);
  return CommandResult{};
}

CommandReply Engine::State::OnRun(const Command& command, LiveRun& run) {
  if (const auto* cancel = std::get_if<CancelRun>(&command)) return Cancel(*cancel, run);
  if (const auto* clear = std::get_if<ClearTasks>(&command)) return Clear(*clear, run);
  if (const auto* mark = std::get_if<MarkRun>(&command)) return Mark(*mark, run);
  if (std::holds_alternative<DeleteRun>(command)) return Delete(run);
  if (const auto* answer = std::get_if<AnswerApproval>(&command)) return Answered(*answer, run);
  if (const auto* note = std::get_if<NoteRun>(&command)) return Note(*note, run);
  if (const auto* gone = std::get_if<DeleteTaskInstance>(&command)) return Delete(*gone, run);
  return Mark(std::get<MarkTask>(command), run);
}

}  // namespace millrace::engine
