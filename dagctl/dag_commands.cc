#include <set>

#include "core/model/json.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {
namespace {

const std::vector<Field> kDagFields = {{"dag_id", "DAG"},           {"is_paused", "PAUSED"},
                                       {"timetable_summary", "SCHEDULE"}, {"next_dagrun_run_after", "NEXT RUN"},
                                       {"tags", "TAGS"},            {"fileloc", "FILE"}};

// Tags come as objects; people and scripts want names.
Value WithTagNames(Value dag) {
  const Value* tags = dag.Find("tags");
  if (tags == nullptr || !tags->is_list()) return dag;
  Value::List names;
  for (const Value& tag : tags->as_list()) names.emplace_back(Text(tag, "name"));
  dag.Set("tags", Value(std::move(names)));
  return dag;
}

}  // namespace

std::string Text(const Value& row, std::string_view member) {
  const Value* value = row.Find(member);
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

double Number(const Value& row, std::string_view member) {
  const Value* value = row.Find(member);
  return value != nullptr && value->is_number() ? value->as_double() : 0;
}

Value::List ListIn(const Value& row, std::string_view member) {
  const Value* value = row.Find(member);
  return value != nullptr && value->is_list() ? value->as_list() : Value::List();
}

Status ListDags(Context& context, const std::string& pattern, const std::string& tag, bool favorites) {
  QueryParameters query;
  if (!pattern.empty()) query.emplace_back("dag_id_pattern", pattern);
  if (!tag.empty()) query.emplace_back("tags", tag);
  if (favorites) query.emplace_back("is_favorite", "true");
  ASSIGN_OR_RETURN(const Value::List dags, context.client.All("/api/v2/dags", "dags", query, 10'000));
  Value::List rows;
  for (const Value& dag : dags) rows.push_back(WithTagNames(dag));
  context.output.Rows(kDagFields, rows);
  ASSIGN_OR_RETURN(const Value::List errors, context.client.All("/api/v2/importErrors", "import_errors", {}, 100));
  for (const Value& error : errors) context.output.Say("\nimport error: " + Text(error, "stack_trace"));
  return OkStatus();
}

Status ShowDag(Context& context, const std::string& dag_id) {
  ASSIGN_OR_RETURN(const Value dag, context.client.Get(DagPath(dag_id) + "/details"));
  context.output.Rows(kDagFields, {WithTagNames(dag)});
  if (context.output.format() != Format::kTable) return OkStatus();
  context.output.Say("");
  return ListDagTasks(context, dag_id);
}

Status ListDagTasks(Context& context, const std::string& dag_id) {
  ASSIGN_OR_RETURN(const Value tasks, context.client.Get(DagPath(dag_id) + "/tasks"));
  context.output.Rows({{"task_id", "TASK"}, {"operator_name", "KIND"}, {"downstream_task_ids", "THEN"}, {"retries", "RETRIES"},
                       {"trigger_rule", "TRIGGER RULE"}, {"is_paused", "PAUSED"}},
                      ListIn(tasks, "tasks"));
  return OkStatus();
}

Status ReadAgain(Context& context, const std::vector<std::string>& dag_ids) {
  Value::List dags;
  for (const std::string& id : dag_ids) {
    ASSIGN_OR_RETURN(Value dag, context.client.Get(DagPath(id)));
    dags.push_back(std::move(dag));
  }
  if (dag_ids.empty()) {
    ASSIGN_OR_RETURN(dags, context.client.All("/api/v2/dags", "dags", {}, 10'000));
  }
  std::set<std::string> asked;
  for (const Value& dag : dags) {
    const std::string file = Text(dag, "file_token");
    if (file.empty() || !asked.insert(file).second) continue;
    RETURN_IF_ERROR(context.client.Put("/api/v2/parseDagFile/" + Segment(file)).status());
  }
  context.output.Rows({{"dag_id", "DAG"}, {"fileloc", "FILE"}}, dags);
  return OkStatus();
}

Status SetPaused(Context& context, const std::string& dag_id, bool paused) {
  ASSIGN_OR_RETURN(const Value dag, context.client.Patch(DagPath(dag_id), Value::Map{{"is_paused", paused}}));
  context.output.Rows({{"dag_id", "DAG"}, {"is_paused", "PAUSED"}}, {dag});
  return OkStatus();
}

Status SetFavorite(Context& context, const std::string& dag_id, bool favorite) {
  const std::string path = DagPath(dag_id) + (favorite ? "/favorite" : "/unfavorite");
  RETURN_IF_ERROR(context.client.Post(path, Value(Value::Map())).status());
  context.output.Rows({{"dag_id", "DAG"}, {"is_favorite", "FAVORITE"}},
                      {Value::Map{{"dag_id", dag_id}, {"is_favorite", favorite}}});
  return OkStatus();
}

Status StartRun(Context& context, const std::string& path, const TriggerOptions& options, bool& failed) {
  const StatusOr<Value> conf = ParseJson(options.conf);
  if (!conf.ok() || !conf->is_map()) {
    return InvalidArgument("--conf is not a JSON object" + (conf.ok() ? std::string() : ": " + conf.status().message()));
  }
  Value body = Value::Map{{"logical_date", Value()}, {"conf", *conf}};
  if (!options.logical_date.empty()) body.Set("logical_date", options.logical_date);
  if (!options.run_id.empty()) body.Set("dag_run_id", options.run_id);
  if (!options.note.empty()) body.Set("note", options.note);
  if (!options.partition_key.empty()) body.Set("partition_key", options.partition_key);
  ASSIGN_OR_RETURN(const Value run, context.client.Post(path, body));
  if (options.wait) return WatchRun(context, Text(run, "dag_id"), Text(run, "dag_run_id"), failed);
  context.output.Rows({{"dag_id", "DAG"}, {"dag_run_id", "RUN"}, {"state", "STATE"}, {"logical_date", "LOGICAL DATE"}}, {run});
  return OkStatus();
}

Status Trigger(Context& context, const TriggerOptions& options, bool& failed) {
  return StartRun(context, DagPath(options.dag_id) + "/dagRuns", options, failed);
}

}  // namespace millrace::dagctl
