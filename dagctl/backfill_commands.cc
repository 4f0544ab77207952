#include <map>
#include <ostream>

#include "core/model/json.h"
#include "dagctl/operations.h"

namespace millrace::dagctl {
namespace {

const std::vector<Field> kBackfillFields = {{"id", "ID"},
                                            {"dag_id", "DAG"},
                                            {"state", "STATE"},
                                            {"from_date", "FROM"},
                                            {"to_date", "TO"},
                                            {"dates", "DATES"},
                                            {"dates_run", "RUN"},
                                            {"dates_left_alone", "LEFT ALONE"},
                                            {"dates_left", "TO DO"},
                                            {"running", "RUNNING"},
                                            {"success", "SUCCESS"},
                                            {"failed", "FAILED"},
                                            {"reprocess_behavior", "REPROCESS"}};

std::string BackfillPath(std::int64_t id) { return "/millrace/v1/backfills/" + std::to_string(id); }

// Its runs by state as members of their own.
Value WithRunCounts(Value backfill) {
  const Value* runs = backfill.Find("runs");
  if (runs == nullptr || !runs->is_map()) return backfill;
  const Value::Map counts = runs->as_map();
  for (const auto& [state, count] : counts) backfill.Set(state, count);
  return backfill;
}

Value::List ListOf(const Value& answer, std::string_view member) {
  const Value* list = answer.Find(member);
  return list != nullptr && list->is_list() ? list->as_list() : Value::List();
}

std::string Bar(const Value& backfill) {
  constexpr std::size_t kWidth = 24;
  const Value flat = WithRunCounts(backfill);
  const double ended = Number(flat, "success") + Number(flat, "failed") + Number(flat, "dates_left_alone");
  const double dates = Number(flat, "dates");
  const std::size_t filled =
      dates > 0 ? std::min(kWidth, static_cast<std::size_t>(kWidth * ended / dates)) : kWidth;
  return "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] " +
         std::to_string(static_cast<int>(ended)) + "/" + std::to_string(static_cast<int>(dates)) + "  " +
         std::to_string(static_cast<int>(Number(flat, "running"))) + " running, " +
         std::to_string(static_cast<int>(Number(flat, "failed"))) + " failed";
}

}  // namespace

Status CreateBackfill(Context& context, const BackfillOptions& options, bool& failed) {
  const StatusOr<Value> conf = ParseJson(options.conf);
  if (!conf.ok() || !conf->is_map()) {
    return InvalidArgument("--dag-run-conf is not a JSON object" +
                           (conf.ok() ? std::string() : ": " + conf.status().message()));
  }
  const Value body = Value::Map{{"dag_id", options.dag_id},
                                {"from_date", options.from},
                                {"to_date", options.to},
                                {"dag_run_conf", *conf},
                                {"run_backwards", options.run_backwards},
                                {"reprocess_behavior", options.reprocess},
                                {"max_active_runs", options.max_active_runs},
                                {"run_on_latest_version", !options.original_version},
                                {"include_downstream", options.downstream}};
  ASSIGN_OR_RETURN(const Value answer,
                   context.client.Post(
                       options.dry_run ? "/millrace/v1/backfills/dry_run" : "/millrace/v1/backfills", body));
  const Value::List made = ListOf(answer, "backfills");
  if (options.dry_run) {
    Value::List rows;
    for (const Value& date : ListOf(answer, "dates")) rows.emplace_back(Value::Map{{"logical_date", date}});
    context.output.Rows({{"logical_date", "LOGICAL DATE"}}, rows);
    for (const Value& one : made) {
      context.output.Say("would go over " + std::to_string(static_cast<int>(Number(one, "dates"))) +
                         " dates of " + Text(one, "dag_id"));
    }
    return OkStatus();
  }
  if (options.wait && !made.empty())
    return WatchBackfill(context, static_cast<std::int64_t>(Number(made.back(), "id")), failed);
  Value::List rows;
  for (const Value& one : made) rows.push_back(WithRunCounts(one));
  context.output.Rows(kBackfillFields, rows);
  return OkStatus();
}

Status ListBackfills(Context& context, const std::string& dag_id) {
  QueryParameters query = {{"order_by", "-id"}};
  if (!dag_id.empty()) query.emplace_back("dag_id", dag_id);
  ASSIGN_OR_RETURN(const Value::List backfills,
                   context.client.All("/millrace/v1/backfills", "backfills", query, 1000));
  Value::List rows;
  for (const Value& one : backfills) rows.push_back(WithRunCounts(one));
  context.output.Rows(kBackfillFields, rows);
  return OkStatus();
}

Status ShowBackfill(Context& context, std::int64_t id) {
  ASSIGN_OR_RETURN(const Value backfill, context.client.Get(BackfillPath(id)));
  context.output.Rows(kBackfillFields, {WithRunCounts(backfill)});
  return OkStatus();
}

Status WatchBackfill(Context& context, std::int64_t id, bool& failed) {
  const bool draw = context.output.colour() && context.output.format() == Format::kTable;
  while (true) {
    ASSIGN_OR_RETURN(const Value backfill, context.client.Get(BackfillPath(id)));
    if (draw) context.output.stream() << "\r\x1b[K" << Bar(backfill) << std::flush;
    const Value flat = WithRunCounts(backfill);
    const std::string state = Text(backfill, "state");
    const bool working = Number(flat, "queued") + Number(flat, "running") > 0;
    if ((state == "completed" || state == "cancelled") && !working) {
      if (draw) context.output.stream() << "\r\x1b[K";
      failed = Number(flat, "failed") > 0 || state == "cancelled";
      context.output.Rows(kBackfillFields, {flat});
      return OkStatus();
    }
    context.wait(kPoll);
  }
}

Status ChangeBackfill(Context& context, std::int64_t id, const std::string& action) {
  RETURN_IF_ERROR(context.client.Put("/api/v2/backfills/" + std::to_string(id) + "/" + action).status());
  return ShowBackfill(context, id);
}

}  // namespace millrace::dagctl
