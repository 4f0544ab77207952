// XComs on the wire: what task instances left, by name; set, changed and removed by hand.
#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kAllInstances = 10'000;
constexpr std::size_t kMaxKey = 512;

std::string KeyOf(const Call& call) { return std::string(call.request.Param("xcom_key")); }

Value::Map Wire(const XComRow& row, const Run& run, const std::string& task_id, std::int32_t map_index) {
  return {{"key", row.key},
          {"timestamp", FormatTime(row.at)},
          {"logical_date", WireTime(run.logical_date)},
          {"map_index", map_index},
          {"task_id", task_id},
          {"dag_id", run.dag_id},
          {"run_id", run.run_id},
          {"dag_display_name", run.dag_id},
          {"task_display_name", task_id},
          {"run_after", FormatTime(run.run_after)}};
}

// Airflow's stringify: the value's text instead of the value.
Value Shown(const XComRow& row, bool as_text) {
  StatusOr<Value> value = ParseJson(row.json);
  if (!value.ok()) return Value(row.json);
  return as_text && !value->is_string() ? Value(row.json) : std::move(*value);
}

std::int32_t MapIndex(QueryInput& query) {
  return static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
}

http::Response List(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  const std::string key = query.String("xcom_key");
  const bool one_instance = !query.String("map_index").empty();
  const std::int32_t map_index = MapIndex(query);
  for (const std::string& order : query.Strings("order_by")) {
    if (order != "id")
      query.issues().Add("query", "order_by", "value_error",
                         "XComs come in the order of their tasks and names", order);
  }
  if (auto problems = query.Problems()) return *problems;
  if (DagOf(call) == "~" || RunOf(call) == "~")
    return http::ErrorResponse(
        400, "XComs are listed for one run: name its DAG and the run; ~ may stand for the task");
  ASSIGN_OR_ANSWER(const Run run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
  ASSIGN_OR_ANSWER(const DagPtr dag, context.DagOf(run));
  store::TaskInstanceFilter filter;
  filter.runs = {run.key};
  filter.page.limit = kAllInstances;
  if (TaskOf(call) != "~") {
    filter.task = dag->FindTask(TaskOf(call));
    if (*filter.task < 0)
      return http::ErrorResponse(404, "Task not found in " + run.dag_id + ": " + TaskOf(call));
  }
  ASSIGN_OR_ANSWER(const auto instances, context.readers.task_instances.ListTaskInstances(filter));
  Value::List wire;
  std::int64_t total = 0;
  for (const TaskInstance& instance : instances.rows) {
    const auto task = static_cast<std::size_t>(instance.task());
    if (task >= dag->tasks.size() || (one_instance && instance.map_index != map_index)) continue;
    ASSIGN_OR_ANSWER(const auto rows, context.readers.xcoms.ListXComs(instance.key));
    for (const XComRow& row : rows) {
      if (!key.empty() && row.key != key) continue;
      if (total++ < page.offset || static_cast<std::int64_t>(wire.size()) >= page.limit) continue;
      wire.emplace_back(Wire(row, run, dag->tasks[task].id, instance.map_index));
    }
  }
  return JsonAnswer(Value::Map{{"xcom_entries", std::move(wire)}, {"total_entries", total}});
}

http::Response AnswerEntry(const XComRow& row, const Located& at, const Call& call, std::int32_t map_index,
                           bool as_text, int status) {
  Value::Map wire = Wire(row, at.run, TaskOf(call), map_index);
  wire.emplace_back("value", Shown(row, as_text));
  return JsonAnswer(std::move(wire), status);
}

http::Response Get(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::int32_t map_index = MapIndex(query);
  const bool as_text = query.Bool("stringify").value_or(false);
  query.Ignore("deserialize");
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  ASSIGN_OR_ANSWER(const XComRow row, context.readers.xcoms.GetXCom({at.key, KeyOf(call)}));
  return AnswerEntry(row, at, call, map_index, as_text, 200);
}

// The new row, or what is wrong with it.
StatusOr<XComRow> NewRow(Context& context, const Located& at, const std::string& key, const Value& value) {
  XComRow row{at.key, key, ToJson(value), false, context.clock.now().wall};
  if (row.json.size() > kMaxXComBytes) {
    return InvalidArgument("the value has " + std::to_string(row.json.size()) + " bytes, at most " +
                           std::to_string(kMaxXComBytes) + " are kept");
  }
  return row;
}

Status Write(Context& context, const Call& call, const XComRow& row, const char* action) {
  RETURN_IF_ERROR(context.Run(WriteRecords{{XComRecord{row}}}).status());
  context.Audit(call.who.user, action, DagOf(call) + "/" + RunOf(call) + "/" + TaskOf(call) + "/" + row.key);
  return OkStatus();
}

http::Response Create(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::string key = body.String("key");
  const Value value = body.Any("value");
  const Value index = body.Any("map_index");
  if (key.empty() || key.size() > kMaxKey)
    body.issues().Add("body", "key", "value_error", "A key has 1 to 512 bytes", key);
  if (!index.is_null() && !index.is_int())
    body.issues().Add("body", "map_index", "int_type", "Input should be a valid integer", index);
  if (auto problems = body.Problems()) return *problems;
  const std::int32_t map_index = index.is_int() ? static_cast<std::int32_t>(index.as_int()) : -1;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  if (context.readers.xcoms.GetXCom({at.key, key}).ok())
    return http::ErrorResponse(409, "The XCom with key: `" + key + "` exists already; PATCH changes it");
  ASSIGN_OR_ANSWER(const XComRow row, NewRow(context, at, key, value));
  ANSWER_IF_ERROR(Write(context, call, row, "create_xcom"));
  return AnswerEntry(row, at, call, map_index, false, 201);
}

http::Response Update(Context& context, const Call& call) {
  BodyInput body(call.request);
  const Value value = body.Any("value");
  const Value index = body.Any("map_index");
  if (!index.is_null() && !index.is_int())
    body.issues().Add("body", "map_index", "int_type", "Input should be a valid integer", index);
  if (auto problems = body.Problems()) return *problems;
  const std::int32_t map_index = index.is_int() ? static_cast<std::int32_t>(index.as_int()) : -1;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  ANSWER_IF_ERROR(context.readers.xcoms.GetXCom({at.key, KeyOf(call)}).status());
  ASSIGN_OR_ANSWER(const XComRow row, NewRow(context, at, KeyOf(call), value));
  ANSWER_IF_ERROR(Write(context, call, row, "update_xcom"));
  return AnswerEntry(row, at, call, map_index, false, 200);
}

http::Response Delete(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::int32_t map_index = MapIndex(query);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  ASSIGN_OR_ANSWER(XComRow row, context.readers.xcoms.GetXCom({at.key, KeyOf(call)}));
  row.deleted = true;
  ANSWER_IF_ERROR(Write(context, call, row, "delete_xcom"));
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void AddXComRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Verb verb, int status,
                       std::string_view summary, http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), status, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  constexpr std::string_view kEntries =
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries";
  constexpr std::string_view kEntry =
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/xcomEntries/{xcom_key}";
  add("GET", kEntries, Verb::kRead, 200, "What a task left, by name; ~ for every task of the run", List);
  add("POST", kEntries, Verb::kWrite, 201, "Set an XCom by hand", Create);
  add("GET", kEntry, Verb::kRead, 200, "One XCom with its value", Get);
  add("PATCH", kEntry, Verb::kWrite, 200, "Change an XCom's value", Update);
  add("DELETE", kEntry, Verb::kWrite, 204, "Remove an XCom", Delete);
}

}  // namespace millrace::api
