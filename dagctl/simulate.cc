#include "dagctl/simulate.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/field.h"
#include "dagctl/simulation.h"

namespace millrace::dagctl {
namespace {

constexpr std::int32_t kEveryAttempt = 1'000'000;

// "TASK:VALUE", split at the first colon: task ids have none.
std::pair<std::string, std::string> Split(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

// Reads the options into a script for each task; every problem is kept.
class ScriptReader {
 public:
  ScriptReader(const Dag& dag, SimulationOptions& script) : dag_(dag), script_(script) {}

  Status Read(const SimulateOptions& options) {
    for (const std::string& text : options.fail) ReadFailure(text);
    for (const std::string& text : options.durations) ReadLength(text);
    for (const std::string& text : options.results) ReadResult(text);
    return problems_.empty() ? OkStatus() : InvalidArgument(problems_);
  }

 private:
  void ReadFailure(const std::string& text) {
    const auto [task, number] = Split(text);
    if (!Knows("--fail", task)) return;
    std::int32_t failures = kEveryAttempt;
    if (text.find(':') != std::string::npos) {
      const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), failures);
      if (error != std::errc() || end != number.data() + number.size() || failures < 1)
        return Add("--fail " + text + ": '" + number + "' is no attempt's number; " + task +
                   ":2 makes the second attempt fail, and the one before it");
    }
    std::int32_t& known = script_.tasks[task].failures;
    known = std::max(known, failures);
  }

  void ReadLength(const std::string& text) {
    const bool of_all = text.find(':') == std::string::npos;
    const auto [task, written] = of_all ? std::pair(std::string(), text) : Split(text);
    const StatusOr<Duration> length = ParseDuration(written);
    if (!length.ok()) return Add("--duration " + text + ": " + length.status().message());
    if (of_all) {
      script_.length = *length;
    } else if (Knows("--duration", task)) {
      script_.tasks[task].length = *length;
    }
  }

  void ReadResult(const std::string& text) {
    const auto [task, json] = Split(text);
    if (!Knows("--result", task)) return;
    const StatusOr<Value> value = ParseJson(json);
    if (!value.ok()) return Add("--result " + text + ": " + value.status().message());
    script_.tasks[task].results.push_back(json);
  }

  bool Knows(const std::string& option, const std::string& task) {
    if (dag_.FindTask(task) >= 0) return true;
    std::vector<std::string> ids;
    for (const Task& other : dag_.tasks) ids.push_back(other.id);
    const std::string meant = DidYouMean(task, ids);
    Add(option + ": DAG " + dag_.id + " has no task '" + task + "'" +
        (meant.empty() ? "" : " (" + meant + ")"));
    return false;
  }

  void Add(const std::string& problem) { problems_ += (problems_.empty() ? "" : "\n") + problem; }

  const Dag& dag_;
  SimulationOptions& script_;
  std::string problems_;
};

StatusOr<WallTime> StartOf(const Dag& dag, const SimulateOptions& options, const Zone& zone, WallTime now) {
  if (options.from.empty()) {
    if (dag.schedule.start) return *dag.schedule.start;
    return ParseTime(FormatTime(now, zone).substr(0, 10), zone);
  }
  const StatusOr<WallTime> from = ParseTime(options.from, zone);
  if (!from.ok()) return from.status().WithContext("--from");
  return *from;
}

// The same hour after so many days, also when clocks change between them.
WallTime DaysLater(WallTime start, int days, const Zone& zone) {
  const std::vector<WallTime> same_hour = zone.FromLocal(zone.ToLocal(start) + std::chrono::days(days));
  return same_hour.empty() ? start + std::chrono::days(days) : same_hour.front();
}

Value TimeOrNull(const std::optional<WallTime>& time) { return time ? Value(FormatTime(*time)) : Value(); }

Value Seconds(const std::optional<WallTime>& start, const std::optional<WallTime>& end) {
  if (!start || !end) return {};
  return std::chrono::duration<double>(*end - *start).count();
}

Value TasksOf(const SimulatedRun& run) {
  Value::List tasks;
  for (const SimulatedTask& task : run.tasks) {
    tasks.push_back(Value::Map{{"task_id", task.task_id},
                               {"map_index", task.map_index},
                               {"state", ToString(task.state)},
                               {"try_number", task.try_number},
                               {"started_at", TimeOrNull(task.started_at)},
                               {"ended_at", TimeOrNull(task.ended_at)}});
  }
  return tasks;
}

// How many task instances are in each state: {"success": 3, "failed": 1}; for people "3 success, 1 failed".
Value Summary(const SimulatedRun& run, bool for_people) {
  Value::Map counts;
  std::string text;
  for (std::size_t i = 0; i < run.states.size(); ++i) {
    if (run.states[i] == 0) continue;
    const std::string_view state = ToString(static_cast<TaskState>(i));
    counts.emplace_back(std::string(state), run.states[i]);
    text += (text.empty() ? "" : ", ") + std::to_string(run.states[i]) + " " + std::string(state);
  }
  if (for_people) return text;
  return counts;
}

Value RowOf(const SimulatedRun& simulated, bool for_people) {
  const Run& run = simulated.run;
  return Value::Map{{"dag_id", run.dag_id},
                    {"run_id", run.run_id},
                    {"run_type", ToString(run.type)},
                    {"logical_date", TimeOrNull(run.logical_date)},
                    {"partition_key", run.partition_key.empty() ? Value() : Value(run.partition_key)},
                    {"data_interval_start", TimeOrNull(run.interval_start)},
                    {"data_interval_end", TimeOrNull(run.interval_end)},
                    {"run_after", FormatTime(run.run_after)},
                    {"queued_at", FormatTime(run.queued_at)},
                    {"started_at", TimeOrNull(run.started_at)},
                    {"ended_at", TimeOrNull(run.ended_at)},
                    {"duration", Seconds(run.started_at, run.ended_at)},
                    {"state", ToString(run.state)},
                    {"attempts", simulated.attempts},
                    {"missed_deadlines", run.missed_deadlines},
                    {"tasks", Summary(simulated, for_people)},
                    {"task_instances", TasksOf(simulated)},
                    {"note", run.note}};
}

std::vector<Field> FieldsFor(const Dag& dag, const SimulateOptions& options, Format format) {
  if (format == Format::kTable && dag.schedule.partitions) {
    return {{"run_after", "RUN AFTER"}, {"partition_key", "PARTITION"}, {"started_at", "STARTED"},
            {"ended_at", "ENDED"},      {"state", "STATE"},             {"attempts", "ATTEMPTS"},
            {"tasks", "TASKS"}};
  }
  if (format == Format::kTable) {
    return {{"run_after", "RUN AFTER"},  {"logical_date", "LOGICAL DATE"}, {"data_interval_start", "FROM"},
            {"data_interval_end", "TO"}, {"started_at", "STARTED"},        {"ended_at", "ENDED"},
            {"state", "STATE"},          {"attempts", "ATTEMPTS"},         {"tasks", "TASKS"}};
  }
  std::vector<Field> fields;
  for (const char* name : {"dag_id", "run_id", "run_type", "logical_date", "partition_key", "data_interval_start",
                           "data_interval_end", "run_after", "queued_at", "started_at", "ended_at",
                           "duration", "state", "attempts", "missed_deadlines", "tasks", "note"})
    fields.push_back({name, ""});
  if (options.tasks) fields.push_back({"task_instances", ""});
  return fields;
}

void Conclude(Output& output, const std::vector<SimulatedRun>& runs, int skipped) {
  std::map<std::string, int> states;
  int missed = 0;
  for (const SimulatedRun& run : runs) {
    ++states[std::string(ToString(run.run.state))];
    missed += run.run.missed_deadlines;
  }
  std::string text = std::to_string(runs.size()) + " runs";
  for (const auto& [state, count] : states) text += ", " + std::to_string(count) + " " + state;
  if (skipped > 0)
    text += "; " + std::to_string(skipped) + " left out: an earlier one was not over (overlap: skip)";
  if (missed > 0) text += "; " + std::to_string(missed) + " deadlines missed";
  output.Say(text);
}

void Explain(Output& output, const Dag& dag, const SimulationOptions& script) {
  const Schedule& schedule = dag.schedule;
  std::string text =
      "DAG " + dag.id + " has no run from " + FormatTime(script.start) + " to " + FormatTime(script.end);
  if (schedule.datasets) {
    text += ": it runs when these are updated, which no DAG of the file does then: " +
            ConditionText(*schedule.datasets);
  } else if (schedule.kind == ScheduleKind::kNone) {
    text += ": it has no schedule";
  } else if (schedule.end && *schedule.end < script.start) {
    text += ": its end_date is " + FormatTime(*schedule.end);
  } else if (schedule.start && *schedule.start >= script.end) {
    text += ": its start_date is " + FormatTime(*schedule.start);
  }
  output.Say(text);
}

}  // namespace

Status Simulate(Output& output, const std::vector<DagPtr>& dags, const SimulateOptions& options,
                const ZoneDatabase& zones, WallTime now) {
  const auto found =
      std::find_if(dags.begin(), dags.end(), [&](const DagPtr& dag) { return dag->id == options.dag_id; });
  if (found == dags.end()) return NotFound("DAG not found: " + options.dag_id);
  const Dag& dag = **found;
  SimulationOptions script;
  script.dag_id = dag.id;
  RETURN_IF_ERROR(ScriptReader(dag, script).Read(options));
  ASSIGN_OR_RETURN(const Zone* zone, zones.Find(dag.schedule.timezone));
  ASSIGN_OR_RETURN(script.start, StartOf(dag, options, *zone, now));
  script.end = DaysLater(script.start, options.days, *zone);
  Simulation simulation(dags, script, zones);
  ASSIGN_OR_RETURN(const std::vector<SimulatedRun> runs, simulation.Play());
  const bool for_people = output.format() == Format::kTable;
  if (for_people && runs.empty()) {
    Explain(output, dag, script);
    return OkStatus();
  }
  Value::List rows;
  rows.reserve(runs.size());
  for (const SimulatedRun& run : runs) rows.push_back(RowOf(run, for_people));
  output.Rows(FieldsFor(dag, options, output.format()), rows);
  if (for_people) Conclude(output, runs, simulation.skipped());
  return OkStatus();
}

}  // namespace millrace::dagctl
