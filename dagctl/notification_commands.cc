#include "dagctl/operations.h"

namespace millrace::dagctl {
namespace {

const std::vector<Field> kFields = {{"id", "ID"},           {"event", "EVENT"},    {"dag_id", "DAG"},
                                    {"dag_run_id", "RUN"},  {"task_id", "TASK"},   {"state", "STATE"},
                                    {"target", "TARGET"},   {"attempts", "TRIES"}, {"created_at", "CREATED"},
                                    {"due_at", "NEXT TRY"}, {"reason", "WHY"}};

std::string NotificationPath(std::int64_t id) { return "/millrace/v1/notifications/" + std::to_string(id); }

}  // namespace

Status ListNotifications(Context& context, const NotificationOptions& options) {
  QueryParameters query;
  if (!options.dag_id.empty()) query.emplace_back("dag_id", options.dag_id);
  if (!options.run_id.empty()) query.emplace_back("dag_run_id", options.run_id);
  if (!options.state.empty()) query.emplace_back("state", options.state);
  ASSIGN_OR_RETURN(const Value::List rows,
                   context.client.All("/millrace/v1/notifications", "notifications", query,
                                      static_cast<std::size_t>(options.limit)));
  context.output.Rows(kFields, rows);
  return OkStatus();
}

Status ShowNotification(Context& context, std::int64_t id) {
  ASSIGN_OR_RETURN(const Value one, context.client.Get(NotificationPath(id)));
  context.output.Rows(kFields, {one});
  if (context.output.format() == Format::kTable && !Text(one, "log").empty())
    context.output.Say(Text(one, "log"));
  return OkStatus();
}

Status RetryNotification(Context& context, std::int64_t id) {
  ASSIGN_OR_RETURN(const Value one, context.client.Post(NotificationPath(id) + "/retry", Value(Value::Map{})));
  context.output.Rows(kFields, {one});
  return OkStatus();
}

}  // namespace millrace::dagctl
