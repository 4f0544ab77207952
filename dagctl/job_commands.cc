// Jobs: run, explain, show.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <ostream>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "dagctl/cluster.h"
#include "dagctl/commands.h"
#include "dagctl/jobs.h"

namespace millrace::dagctl {
namespace {

constexpr Duration kFirstLook = std::chrono::milliseconds(2);
constexpr Duration kLongestLook = std::chrono::milliseconds(200);

std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Value Whole(const Value& map, std::string_view member) {
  const Value* value = map.Find(member);
  return value == nullptr ? Value() : *value;
}

std::int64_t Sum(const Value& map, std::string_view list, std::string_view member) {
  std::int64_t sum = 0;
  for (const Value& item : ListIn(map, list)) sum += static_cast<std::int64_t>(Number(item, member));
  return sum;
}

std::string JobPath(const Value& sent) {
  return "/millrace/v1/jobs/" + Segment(Text(sent, "dag_id")) + "/" + Segment(Text(sent, "dag_run_id")) +
         "/" + Segment(Text(sent, "task_id"));
}

std::string PathOfRun(const Value& sent) { return RunPath(Text(sent, "dag_id"), Text(sent, "dag_run_id")); }

StatusOr<Value> Send(RestClient& client, const JobFile& job, const std::string& logical_date) {
  Value inputs = Value(Value::Map());
  for (const auto& [name, path] : job.inputs) inputs.Set(name, path);
  Value files = Value(Value::Map());
  for (const DagFile& file : job.files) files.Set(file.path, file.content);
  Value body = Value::Map{{"file", job.file},     {"text", job.text},          {"inputs", std::move(inputs)},
                          {"output", job.output}, {"files", std::move(files)}, {"explain", job.explain}};
  if (!logical_date.empty()) body.Set("logical_date", logical_date);
  return client.Post("/millrace/v1/jobs", body);
}

// "map 3/8, reduce 0/4"
std::string Stages(RestClient& client, const Value& sent) {
  const StatusOr<Value> job = client.Get(JobPath(sent));
  std::string text;
  for (const Value& stage : job.ok() ? ListIn(Whole(*job, "report"), "stages") : Value::List()) {
    text += (text.empty() ? "" : ", ") + Text(stage, "stage") + " " +
            std::to_string(static_cast<int>(Number(stage, "done"))) + "/" +
            std::to_string(static_cast<int>(Number(stage, "tasks")));
  }
  return text.empty() ? "waiting" : text;
}

// The run, when it has ended.
StatusOr<Value> AwaitEnd(RestClient& client, Output& output, const Value& sent, const Pass& pass) {
  const bool draw = output.colour() && output.format() == Format::kTable;
  for (Duration look = kFirstLook;; look = std::min(kLongestLook, look + look / 4)) {
    ASSIGN_OR_RETURN(const Value run, client.Get(PathOfRun(sent)));
    const std::string state = Text(run, "state");
    if (draw) output.stream() << "\r\x1b[K";
    if (state == "success" || state == "failed") return run;
    if (draw && look == kLongestLook) output.stream() << Stages(client, sent) << std::flush;
    if (const Status passed = pass(look); !passed.ok()) {
      (void)client.Patch(PathOfRun(sent), Value::Map{{"state", "failed"}});  // nobody wants it any more
      return passed;
    }
  }
}

// From submission to published output.
Value Millis(const Value& run, const Value& job) {
  const StatusOr<WallTime> from = ParseTimeUtc(Text(run, "queued_at"));
  const StatusOr<WallTime> to = ParseTimeUtc(Text(job, "ended_at"));
  if (!from.ok() || !to.ok()) return {};
  return static_cast<double>((*to - *from).count()) / 1000;
}

// docs/jobs.md says which members there are.
Value Result(const Value& sent, const Value& run, const Value& task, const Value& job) {
  const Value report = Whole(job, "report");
  const Value published = Whole(report, "output");
  const std::string note = OneLine(Text(task, "note"));
  const bool failed = Text(run, "state") != "success";
  return Value::Map{{"dag_id", Whole(sent, "dag_id")},
                    {"dag_run_id", Whole(sent, "dag_run_id")},
                    {"task_id", Whole(sent, "task_id")},
                    {"state", Whole(run, "state")},
                    {"reason", !failed ? Value() : Value(note.empty() ? "it was ended by hand" : note)},
                    {"mode", Whole(report, "mode")},
                    {"duration_ms", failed ? Value() : Millis(run, job)},
                    {"path", Whole(published, "path")},
                    {"rows", Sum(published, "files", "rows")},
                    {"bytes", Sum(published, "files", "bytes")},
                    {"files", Value(ListIn(published, "files"))},
                    {"report", report}};
}

std::string Seconds(const Value& map, std::string_view member) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", Number(map, member));
  return text;
}

void ShowDecisions(Output& output, const Value& report) {
  if (const Value plan = Whole(report, "plan"); plan.is_map()) {
    output.Say("estimates: " + Seconds(plan, "fused_seconds") + " fused, " + Seconds(plan, "distributed_seconds") +
               " distributed");
  }
  for (const Value& decision : ListIn(report, "decisions")) {
    output.Say(Text(decision, "rule") + ": " + Text(decision, "what") + " (" + Text(decision, "why") + ")");
  }
}

void Show(Output& output, const Value& result, bool explain) {
  if (output.format() == Format::kJson || output.format() == Format::kYaml) return output.Objects({result});
  if (output.format() == Format::kPlain) {
    return output.Rows(
        {{"state", ""}, {"mode", ""}, {"duration_ms", ""}, {"rows", ""}, {"bytes", ""}, {"path", ""}},
        {result});
  }
  if (explain) return ShowPlan(output, Whole(result, "report"));
  output.Rows({{"state", "STATE"},
               {"mode", "MODE"},
               {"duration_ms", "MS"},
               {"rows", "ROWS"},
               {"bytes", "BYTES"},
               {"path", "PATH"}},
              {result});
  output.Say("");
  ShowReport(output, Whole(result, "report"));
}

Status Ask(RestClient& client, Output& output, const JobFile& job, const std::string& logical_date,
           const Pass& pass, bool& failed) {
  ASSIGN_OR_RETURN(const Value sent, Send(client, job, logical_date));
  ASSIGN_OR_RETURN(const Value run, AwaitEnd(client, output, sent, pass));
  ASSIGN_OR_RETURN(const Value task, client.Get(TaskPath(Text(sent, "dag_id"), Text(sent, "dag_run_id"),
                                                         Text(sent, "task_id"))));
  const StatusOr<Value> ended = client.Get(JobPath(sent));
  if (!ended.ok() && ended.status().code() != Code::kNotFound) return ended.status();  // none: it never began
  const Value result = Result(sent, run, task, ended.ok() ? *ended : Value());
  failed = Text(run, "state") != "success";
  if (!failed || output.format() != Format::kTable) Show(output, result, job.explain);
  return failed ? Aborted("the job has failed: " + Text(result, "reason")) : OkStatus();
}

}  // namespace

Status RunJob(const JobOptions& options, Output& output, const AskLogin& login, const Clock& clock,
              const ZoneDatabase& zones, bool& failed) {
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  if (error) return ErrnoStatus(error.value(), "the working folder");
  ASSIGN_OR_RETURN(const ReadJob read, ReadJobFile(options, folder, zones));
  const StopSignals signals;
  std::optional<LocalCluster> local;
  if (options.local) local.emplace(clock, signals);
  ASSIGN_OR_RETURN(const Login found,
                   local ? local->Start(read.root, options.workers, options.slots) : login());
  RestClient client(found.url, found.token);
  const Pass pass = [&](Duration duration) -> Status {
    if (signals.Asked(duration)) return Cancelled("stopped; the job is cancelled");
    return local ? local->children().CheckAlive() : OkStatus();
  };
  const Status asked = Ask(client, output, read.job, options.logical_date, pass, failed);
  if (local && asked.code() == Code::kCancelled) AwaitIdle(client, pass);
  return asked;
}

Status ShowJob(Context& context, const std::string& dag_id, const std::string& run_id,
               const std::string& task_id) {
  const Value named = Value::Map{{"dag_id", dag_id}, {"dag_run_id", run_id}, {"task_id", task_id}};
  ASSIGN_OR_RETURN(const Value answer, context.client.Get(JobPath(named)));
  const Value* report = answer.Find("report");
  if (report == nullptr || !report->is_map()) return Internal("the scheduler's answer has no report");
  if (context.output.format() == Format::kJson || context.output.format() == Format::kYaml) {
    context.output.Objects({*report});
    return OkStatus();
  }
  context.output.Say("state " + Text(answer, "state") + ", " + Text(*report, "mode"));
  context.output.Say("");
  ShowReport(context.output, *report);
  return OkStatus();
}

void ShowReport(Output& output, const Value& report) {
  output.Rows({{"stage", "STAGE"},
               {"tasks", "TASKS"},
               {"done", "DONE"},
               {"attempts", "ATTEMPTS"},
               {"failed_attempts", "FAILED"},
               {"lost_attempts", "LOST"},
               {"input_rows", "ROWS IN"},
               {"output_rows", "ROWS OUT"},
               {"output_bytes", "BYTES OUT"},
               {"spilled_bytes", "SPILLED"},
               {"local_bytes", "LOCAL BYTES"},
               {"fetched_bytes", "FETCHED BYTES"},
               {"duration_ms", "MS"}},
              ListIn(report, "stages"));
  output.Say("");
  Value::List partitions = ListIn(report, "partitions");
  for (std::size_t i = 0; i < partitions.size(); ++i)
    partitions[i].Set("partition", static_cast<std::int64_t>(i));
  if (!partitions.empty() && output.format() == Format::kTable) {
    output.Rows({{"partition", "PARTITION"}, {"rows", "ROWS"}, {"bytes", "BYTES"}}, partitions);
    output.Say("");
  }
  ShowDecisions(output, report);
}

void ShowPlan(Output& output, const Value& report) {
  const Value plan = Whole(report, "plan");
  output.Rows({{"name", "INPUT"},
               {"read", "READ"},
               {"format", "FORMAT"},
               {"files", "FILES"},
               {"bytes", "BYTES"},
               {"rows", "ROWS"},
               {"splits", "SPLITS"}},
              ListIn(plan, "inputs"));
  output.Say("");
  Value::List stages = ListIn(plan, "stages");
  for (Value& stage : stages) {
    std::string columns;
    for (const Value& column : ListIn(stage, "writes")) {
      columns += (columns.empty() ? "" : ", ") + Text(column, "name") + " " + Text(column, "type");
    }
    stage.Set("columns", columns);
    std::string reads;
    for (const Value& name : ListIn(stage, "reads")) reads += (reads.empty() ? "" : ", ") + name.as_string();
    stage.Set("from", reads);
    // Neighbouring partitions that turn out small are one task's.
    if (const Value* most = stage.Find("at_most"); most != nullptr && most->is_bool() && most->as_bool())
      stage.Set("tasks", "at most " + std::to_string(static_cast<int>(Number(stage, "tasks"))));
  }
  output.Rows({{"stage", "STAGE"}, {"tasks", "TASKS"}, {"from", "READS"}, {"exchange", "TO"}, {"columns", "WRITES"}}, stages);
  for (const Value& stage : stages) {
    for (const Value& step : ListIn(stage, "steps")) {
      const Value code = Whole(step, "code");
      output.Say("\n" + Text(step, "step") + ":\n  " + (code.is_string() ? code.as_string() : ToJson(code)));
    }
  }
  output.Say("");
  ShowDecisions(output, report);
}

}  // namespace millrace::dagctl
