// Jobs that no DAG file holds: a job's file becomes a version of one DAG of all such jobs, with a run.
#include <memory>

#include "core/model/ids.h"
#include "core/model/problem_line.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/run_names.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr std::size_t kMaxName = 100;

// name -> text.
std::vector<std::pair<std::string, std::string>> Texts(BodyInput& body, std::string_view name) {
  std::vector<std::pair<std::string, std::string>> texts;
  const Value map = body.Any(name);
  if (map.is_null()) return texts;
  const bool is_map = map.is_map();
  bool fits = is_map;
  for (const auto& [key, value] : is_map ? map.as_map() : Value::Map()) {
    fits = fits && value.is_string();
    if (fits) texts.emplace_back(key, value.as_string());
  }
  if (!fits) body.issues().Add("body", name, "dict_type", "Input should be an object of strings", map);
  return texts;
}

// "jobs/delays by state.yaml": "delays_by_state".
std::string NameOf(std::string_view file) {
  file = file.substr(file.rfind('/') + 1);
  std::string name(file.substr(0, std::min(file.rfind('.'), kMaxName)));
  for (char& c : name) {
    if (!IsValidId(std::string_view(&c, 1)) && c != '.') c = '_';
  }
  return name;
}

http::Response RefuseJob(const std::vector<Problem>& problems) {
  Issues issues;
  for (const Problem& problem : problems) {
    issues.Add("body", "text", "value_error", ToLine(problem));
  }
  return issues.Answer();
}

http::Response RunJob(Context& context, RunNames& names, const JobLoader& load, const Call& call) {
  BodyInput body(call.request);
  JobFile job;
  job.file = body.String("file");
  job.text = body.String("text");
  job.inputs = Texts(body, "inputs");
  job.output = body.String("output");
  for (auto& [path, content] : Texts(body, "files")) job.files.push_back({path, content});
  job.explain = body.Bool("explain", false);
  TriggerRun trigger;
  trigger.logical_date = body.Time("logical_date");
  if (auto problems = body.Problems()) return *problems;
  if (job.file.empty()) job.file = "job";
  JobDag loaded = load(job);
  if (loaded.dag == nullptr) return RefuseJob(loaded.problems);
  trigger.dag_id = loaded.dag->id;
  if (!call.scope.Sees(trigger.dag_id)) return ErrorAnswer(NotFound("DAG not found: " + trigger.dag_id));
  trigger.run_id = names.Next((job.explain ? "explain__" : "job__") + NameOf(job.file));
  trigger.user = call.who.user;
  trigger.job = loaded.dag;
  const std::string task_id = loaded.dag->tasks.at(0).id;
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(trigger)));
  if (!result.run) return ErrorAnswer(Internal("a job made no run"));
  context.Audit(call.who.user, job.explain ? "explain_job" : "run_job",
                result.run->dag_id + "/" + result.run->run_id);
  return JsonAnswer(Value::Map{{"dag_id", result.run->dag_id},
                               {"dag_run_id", result.run->run_id},
                               {"task_id", task_id},
                               {"state", ToString(result.run->state)}});
}

}  // namespace

void AddJobRoutes(RouteTable& table, Context& context, const JobLoader& load) {
  auto names =
      std::make_shared<RunNames>(context.clock);  // shared by the copies that the router makes of the handler
  table.Add({"POST", "/millrace/v1/jobs", Needs(Filtered(Verb::kWrite), Resource::kDag), 200,
             "Run a mapreduce job that no DAG file holds, or explain it",
             [&context, names, load](const Call& call) { return RunJob(context, *names, load, call); }});
}

}  // namespace millrace::api
