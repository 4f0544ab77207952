// The outbox of callbacks: what was told, what waits, what failed; and trying again by hand.
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

constexpr std::int64_t kMostLog = 1 << 20;

Value::Map WireNotification(const Notification& row) {
  return {{"id", row.id},
          {"event", ToString(row.cause)},
          {"dag_id", row.dag_id},
          {"dag_run_id", row.run_id},
          {"task_id", row.task_id.empty() ? Value() : Value(row.task_id)},
          {"map_index", row.map_index},
          {"try_number", row.try_number},
          {"kind", row.kind},
          {"target", row.target},
          {"state", ToString(row.state)},
          {"attempts", row.attempts},
          {"created_at", FormatTime(row.created_at)},
          {"due_at", WireTime(row.due_at)},
          {"ended_at", WireTime(row.ended_at)},
          {"reason", row.reason},
          {"count", row.count},
          {"worker", row.worker},
          {"idempotency_key", IdempotencyKey(row)}};
}

StatusOr<Notification> Find(Context& context, const Call& call) {
  const std::string_view id = call.request.Param("notification_id");
  if (id.empty() || id.size() > 15 || id.find_first_not_of("0123456789") != std::string_view::npos)
    return NotFound("Notification not found: " + std::string(id));
  StatusOr<Notification> row = context.readers.notifications.GetNotification(std::stoll(std::string(id)));
  if (row.ok() && !call.scope.Sees(row->dag_id)) row = NotFound("none");
  if (row.ok() || row.status().code() != Code::kNotFound) return row;
  return NotFound("Notification not found: " + std::string(id));
}

http::Response List(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::NotificationFilter filter;
  filter.page = query.Paging();
  filter.dag_id = query.String("dag_id");
  filter.teams = call.scope.teams();
  const std::string run_id = query.String("dag_run_id");
  filter.task_id = query.String("task_id");
  if (const std::string state = query.String("state"); !state.empty()) {
    filter.state = NotificationStateFromString(state);
    if (!filter.state)
      query.issues().Add("query", "state", "enum",
                         "Input should be 'pending', 'running', 'delivered', 'failed' or 'suppressed'",
                         state);
  }
  for (const std::string& order : query.Strings("order_by")) {
    filter.descending = order == "-id";
    if (order != "id" && order != "-id")
      query.issues().Add("query", "order_by", "value_error", "Ordering is by id or -id", order);
  }
  if (!run_id.empty() && filter.dag_id.empty())
    query.issues().Add("query", "dag_id", "missing", "Field required with dag_run_id");
  if (auto problems = query.Problems()) return *problems;
  if (!run_id.empty()) {
    const StatusOr<Run> run = context.readers.runs.GetRun(filter.dag_id, run_id);
    if (!call.scope.Sees(filter.dag_id) || run.status().code() == Code::kNotFound)
      return ErrorAnswer(NotFound("Run not found: " + filter.dag_id + " " + run_id));
    ANSWER_IF_ERROR(run.status());
    filter.run = run->key;
  }
  ASSIGN_OR_ANSWER(const auto listing, context.readers.notifications.ListNotifications(filter));
  Value::List wire;
  for (const Notification& row : listing.rows) wire.emplace_back(WireNotification(row));
  return JsonAnswer(WireList("notifications", std::move(wire), listing));
}

// With what it says and what its tries wrote.
http::Response Get(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Notification row, Find(context, call));
  Value::Map wire = WireNotification(row);
  const StatusOr<Value> message = ParseJson(row.delivery.with);
  wire.emplace_back("message", message.ok() ? *message : Value());
  const TaskInstanceKey place{row.run, kNotificationLog};
  ASSIGN_OR_ANSWER(
      const store::LogSlice log,
      context.readers.logs.Read(place, static_cast<std::int32_t>(row.id & INT32_MAX), 0, kMostLog));
  wire.emplace_back("log", log.data);
  return JsonAnswer(std::move(wire));
}

http::Response Retry(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Notification row, Find(context, call));
  ANSWER_IF_ERROR(context.Run(RetryNotification{row, call.who.user}).status());
  context.Audit(call.who.user, "retry_notification",
                row.dag_id + "/" + row.run_id + "/" + std::to_string(row.id));
  ASSIGN_OR_ANSWER(const Notification now, Find(context, call));
  return JsonAnswer(WireNotification(now));
}

}  // namespace

void AddNotificationRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), 200, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/millrace/v1/notifications", Filtered(Verb::kRead), "What callbacks told, newest first", List);
  add("GET", "/millrace/v1/notifications/{notification_id}", Filtered(Verb::kRead),
      "One notification with its message and its log", Get);
  add("POST", "/millrace/v1/notifications/{notification_id}/retry", Filtered(Verb::kWrite),
      "Deliver one again that was given up", Retry);
}

}  // namespace millrace::api
