// State stores on the wire, of task instances and of datasets (Airflow's assets): seen, set and removed by hand.
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

std::string StateKeyOf(const Call& call) { return std::string(call.request.Param("key")); }

Value ShownState(const std::string& json) {
  StatusOr<Value> value = ParseJson(json);
  return value.ok() ? *std::move(value) : Value(json);
}

Value WireTaskState(const TaskStateRow& row) {
  return Value::Map{{"key", row.key},
                    {"value", ShownState(row.json)},
                    {"updated_at", FormatTime(row.at)},
                    {"expires_at", WireTime(row.expires_at)}};
}

Value WireDatasetState(const DatasetStateRow& row, const Scope& scope) {
  const bool by_task = !row.dag_id.empty();
  // A dataset is everybody's; a task that has written of it may be of a team that they are no member of.
  const bool told = by_task && scope.Sees(row.dag_id);
  const auto of_task = [told](Value value) { return told ? std::move(value) : Value(); };
  return Value::Map{{"key", row.key},
                    {"value", ShownState(row.json)},
                    {"updated_at", FormatTime(row.at)},
                    {"last_updated_by", Value::Map{{"kind", by_task ? "task" : "api"},
                                                   {"dag_id", of_task(row.dag_id)},
                                                   {"run_id", of_task(row.run_id)},
                                                   {"task_id", of_task(row.task_id)},
                                                   {"map_index", of_task(row.map_index)}}}};
}

http::Response NoContent() {
  http::Response response;
  response.status = 204;
  return response;
}

// `value` of a body, as it is kept.
std::string ReadStateValue(BodyInput& body, bool given) {
  const Value value = body.Any("value");
  const std::string json = ToJson(value);
  if (!given) {
    body.issues().Add("body", "value", "missing", "Field required");
  } else if (const Status status = CheckStateValue(json); !status.ok()) {
    body.issues().Add("body", "value", "value_error", "Value error, " + status.message());
  }
  return json;
}

// What a member is, null also when it is said so; none when it is not there.
std::optional<Value> MemberOf(const Call& call, std::string_view name) {
  const StatusOr<Value> body = ParseJson(call.request.body);
  const Value* member = body.ok() ? body->Find(name) : nullptr;
  return member == nullptr ? std::nullopt : std::optional<Value>(*member);
}

std::int32_t StateMapIndex(QueryInput& query) {
  return static_cast<std::int32_t>(query.Int("map_index", -1, -1, 1'000'000));
}

Status WriteStates(Context& context, const Call& call, std::vector<Record> records, const char* action,
                   const std::string& object) {
  RETURN_IF_ERROR(context.Run(WriteRecords{std::move(records)}).status());
  context.Audit(call.who.user, action, object);
  return OkStatus();
}

std::string NameOfInstance(const Call& call) { return DagOf(call) + "/" + RunOf(call) + "/" + TaskOf(call); }

http::Response ListTaskStates(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  const std::int32_t map_index = StateMapIndex(query);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  ASSIGN_OR_ANSWER(const auto listing,
                   context.readers.states.ListTaskStates(at.key, page, context.clock.now().wall));
  Value::List wire;
  for (const TaskStateRow& row : listing.rows) wire.push_back(WireTaskState(row));
  return JsonAnswer(Value::Map{{"task_state_store", std::move(wire)}, {"total_entries", listing.total}});
}

http::Response GetTaskState(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::int32_t map_index = StateMapIndex(query);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  ASSIGN_OR_ANSWER(const TaskStateRow row, context.readers.states.GetTaskState(at.key, StateKeyOf(call),
                                                                               context.clock.now().wall));
  return JsonAnswer(WireTaskState(row));
}

http::Response SetTaskState(Context& context, const Call& call) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  const std::int32_t map_index = StateMapIndex(query);
  TaskStateRow row;
  row.key = StateKeyOf(call);
  row.json = ReadStateValue(body, MemberOf(call, "value").has_value());
  row.at = context.clock.now().wall;
  const Value expiry = MemberOf(call, "expires_at").value_or(Value("default"));
  if (expiry.is_string() && expiry.as_string() == "default") {
    (void)body.Any("expires_at");
    row.expires_at = row.at + kStateRetention;
  } else if (expiry.is_string() && expiry.as_string().empty()) {
    (void)body.Any("expires_at");
    body.issues().Add("body", "expires_at", "datetime_parsing", "Input should be a time, \"default\" or null", expiry);
  } else {
    row.expires_at = body.Time("expires_at");  // null: never
  }
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(CheckStateKey(row.key));
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  row.instance = at.key;
  ANSWER_IF_ERROR(WriteStates(context, call, {TaskStateRecord{row}}, "set_task_state",
                              NameOfInstance(call) + "/" + row.key));
  return NoContent();
}

http::Response ChangeTaskState(Context& context, const Call& call) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  const std::int32_t map_index = StateMapIndex(query);
  const std::string json = ReadStateValue(body, MemberOf(call, "value").has_value());
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  const WallTime now = context.clock.now().wall;
  ASSIGN_OR_ANSWER(TaskStateRow row, context.readers.states.GetTaskState(at.key, StateKeyOf(call), now));
  row.json = json;
  row.at = now;
  ANSWER_IF_ERROR(WriteStates(context, call, {TaskStateRecord{row}}, "set_task_state",
                              NameOfInstance(call) + "/" + row.key));
  return JsonAnswer(Value());
}

http::Response DeleteTaskState(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::int32_t map_index = StateMapIndex(query);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Located at,
                   context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  TaskStateRow row;
  row.instance = at.key;
  row.key = StateKeyOf(call);
  row.deleted = true;
  ANSWER_IF_ERROR(WriteStates(context, call, {TaskStateRecord{row}}, "delete_task_state",
                              NameOfInstance(call) + "/" + row.key));
  return NoContent();
}

http::Response ClearTaskStates(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::int32_t map_index = StateMapIndex(query);
  const bool all = query.Bool("all_map_indices").value_or(false);
  if (auto problems = query.Problems()) return *problems;
  std::vector<Record> records;
  const auto forget = [&records](const TaskInstanceKey& key) {
    TaskStateRow row;
    row.instance = key;
    row.deleted = true;
    records.emplace_back(TaskStateRecord{std::move(row)});
  };
  if (all) {
    ASSIGN_OR_ANSWER(const Located at, context.Locate(DagOf(call), RunOf(call), TaskOf(call)));
    ASSIGN_OR_ANSWER(const std::vector<TaskInstance> instances, context.InstancesOf(at));
    for (const TaskInstance& instance : instances) forget(instance.key);
  } else {
    ASSIGN_OR_ANSWER(const Located at,
                     context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
    forget(at.key);
  }
  ANSWER_IF_ERROR(WriteStates(context, call, std::move(records), "clear_task_state", NameOfInstance(call)));
  return NoContent();
}

// Of the asset that the path names; NOT_FOUND.
StatusOr<std::string> StateDatasetOf(Context& context, const Call& call) {
  const std::string id(call.request.Param("asset_id"));
  const bool is_number = !id.empty() && id.size() < 18 && id.find_first_not_of("0123456789") == std::string::npos;
  ASSIGN_OR_RETURN(const store::DatasetEntry entry,
                   context.readers.datasets.GetDataset(is_number ? std::stoll(id) : 0));
  return entry.dataset.name;
}

http::Response ListDatasetStates(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const std::string dataset, StateDatasetOf(context, call));
  ASSIGN_OR_ANSWER(const auto listing, context.readers.states.ListDatasetStates(dataset, page));
  Value::List wire;
  for (const DatasetStateRow& row : listing.rows) wire.push_back(WireDatasetState(row, call.scope));
  return JsonAnswer(Value::Map{{"asset_state_store", std::move(wire)}, {"total_entries", listing.total}});
}

http::Response GetDatasetState(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const std::string dataset, StateDatasetOf(context, call));
  ASSIGN_OR_ANSWER(const DatasetStateRow row, context.readers.states.GetDatasetState(dataset, StateKeyOf(call)));
  return JsonAnswer(WireDatasetState(row, call.scope));
}

http::Response SetDatasetState(Context& context, const Call& call) {
  BodyInput body(call.request);
  DatasetStateRow row;
  row.key = StateKeyOf(call);
  row.json = ReadStateValue(body, MemberOf(call, "value").has_value());
  row.at = context.clock.now().wall;
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(CheckStateKey(row.key));
  ASSIGN_OR_ANSWER(row.dataset, StateDatasetOf(context, call));
  ANSWER_IF_ERROR(
      WriteStates(context, call, {DatasetStateRecord{row}}, "set_asset_state", row.dataset + "/" + row.key));
  return NoContent();
}

// Of one key, or of all.
http::Response ForgetDatasetState(Context& context, const Call& call) {
  DatasetStateRow row;
  ASSIGN_OR_ANSWER(row.dataset, StateDatasetOf(context, call));
  row.key = StateKeyOf(call);
  row.deleted = true;
  const bool all = row.key.empty();
  ANSWER_IF_ERROR(WriteStates(context, call, {DatasetStateRecord{row}}, all ? "clear_asset_state" : "delete_asset_state",
                              all ? row.dataset : row.dataset + "/" + row.key));
  return NoContent();
}

}  // namespace

void AddStateStoreRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, int status,
                       std::string_view summary, http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), status, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  constexpr std::string_view kOfTask =
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store";
  constexpr std::string_view kKeyOfTask =
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/state-store/{key:path}";
  constexpr std::string_view kOfDataset = "/api/v2/assets/{asset_id}/state-store";
  constexpr std::string_view kKeyOfDataset = "/api/v2/assets/{asset_id}/state-store/{key:path}";
  add("GET", kOfTask, Verb::kRead, 200, "What a task instance keeps for its retries", ListTaskStates);
  add("DELETE", kOfTask, Verb::kWrite, 204, "Forget all of it", ClearTaskStates);
  add("GET", kKeyOfTask, Verb::kRead, 200, "One value that a task instance keeps", GetTaskState);
  add("PUT", kKeyOfTask, Verb::kWrite, 204, "Set a value of a task instance's state store", SetTaskState);
  add("PATCH", kKeyOfTask, Verb::kWrite, 200, "Change a value, not when it expires", ChangeTaskState);
  add("DELETE", kKeyOfTask, Verb::kWrite, 204, "Forget one value", DeleteTaskState);
  add("GET", kOfDataset, Filtered(Verb::kRead), 200, "What a dataset keeps for its tasks", ListDatasetStates);
  add("DELETE", kOfDataset, Filtered(Verb::kWrite), 204, "Forget all of it", ForgetDatasetState);
  add("GET", kKeyOfDataset, Filtered(Verb::kRead), 200, "One value that a dataset keeps", GetDatasetState);
  add("PUT", kKeyOfDataset, Filtered(Verb::kWrite), 204, "Set a value of a dataset's state store", SetDatasetState);
  add("DELETE", kKeyOfDataset, Filtered(Verb::kWrite), 204, "Forget one value", ForgetDatasetState);
}

}  // namespace millrace::api
