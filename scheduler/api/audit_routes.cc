// The audit log, as Airflow's event log: who did what, when and to what.
#include <charconv>
#include <map>

#include "core/calendar/format.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

// "DAG/RUN/TASK", or less; nothing unless there is such a DAG: objects are pools and users, too.
class ObjectReader {
 public:
  explicit ObjectReader(Context& context) : context_(context) {}

  std::vector<std::string> PartsOf(const std::string& object) {
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= object.size();) {
      const std::size_t slash = std::min(object.find('/', from), object.size());
      parts.push_back(object.substr(from, slash - from));
      from = slash + 1;
    }
    const auto [known, is_new] = is_dag_.try_emplace(parts[0]);
    if (is_new) known->second = context_.readers.dags.GetDag(parts[0]).ok();
    return known->second ? parts : std::vector<std::string>();
  }

 private:
  Context& context_;
  std::map<std::string, bool> is_dag_;
};

Value WireEntry(const store::AuditEntry& entry, ObjectReader& objects) {
  const AuditRecord& record = entry.record;
  const std::vector<std::string> parts = objects.PartsOf(record.object);
  const auto part = [&parts](std::size_t at) { return at < parts.size() ? Value(parts[at]) : Value(); };
  return Value::Map{
      {"event_log_id", entry.id},
      {"when", FormatTime(record.at)},
      {"event", record.action},
      {"owner", record.user},
      {"object", record.object},
      {"extra", record.detail.empty() || record.detail == "{}" ? Value() : Value(record.detail)},
      {"dag_id", part(0)},
      {"dag_display_name", part(0)},
      {"run_id", part(1)},
      {"task_id", part(2)},
      {"task_display_name", part(2)},
      {"map_index", Value()},
      {"try_number", Value()},
      {"logical_date", Value()}};
}

void ReadObject(QueryInput& query, store::AuditFilter* filter) {
  const std::string dag_id = query.String("dag_id");
  const std::string run_id = query.String("run_id");
  const std::string task_id = query.String("task_id");
  filter->object = dag_id;
  if (!run_id.empty()) filter->object += "/" + run_id;
  if (!task_id.empty()) filter->object += "/" + task_id;
  if ((dag_id.empty() && !run_id.empty()) || (run_id.empty() && !task_id.empty())) {
    query.issues().Add("query", dag_id.empty() ? "run_id" : "task_id", "value_error",
                       "A run is named together with its DAG, a task together with its run");
  }
}

http::Response List(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::AuditFilter filter;
  filter.page = query.Paging();
  filter.user = query.String("owner");
  filter.action = query.String("event");
  filter.excluded = query.Strings("excluded_events");
  filter.after = query.Time("after");
  filter.before = query.Time("before");
  ReadObject(query, &filter);
  for (const std::string& order : query.Strings("order_by")) {
    filter.descending = order.starts_with("-");
    if (const std::string name = order.substr(filter.descending ? 1 : 0); name != "id" && name != "when")
      query.issues().Add("query", "order_by", "value_error", "Events come in the order of their times",
                         order);
  }
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.audit.ListAudit(filter));
  ObjectReader objects(context);
  Value::List wire;
  for (const store::AuditEntry& entry : listing.rows) wire.push_back(WireEntry(entry, objects));
  return JsonAnswer(WireList("event_logs", std::move(wire), listing));
}

http::Response Get(Context& context, const Call& call) {
  const std::string_view text = call.request.Param("event_log_id");
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    return http::ErrorResponse(404, "Event log not found: " + std::string(text));
  ASSIGN_OR_ANSWER(const store::AuditEntry entry, context.readers.audit.GetAudit(id));
  ObjectReader objects(context);
  return JsonAnswer(WireEntry(entry, objects));
}

}  // namespace

void AddAuditRoutes(RouteTable& table, Context& context) {
  table.Add({"GET", "/api/v2/eventLogs", Needs(Verb::kRead, Resource::kAudit), 200,
             "Who did what, the newest first", [&context](const Call& call) { return List(context, call); }});
  table.Add({"GET", "/api/v2/eventLogs/{event_log_id}", Needs(Verb::kRead, Resource::kAudit), 200,
             "One entry of the audit log", [&context](const Call& call) { return Get(context, call); }});
}

}  // namespace millrace::api
