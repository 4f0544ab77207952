// Backfills: Airflow's routes, in Airflow's form; under /millrace/v1 the same with progress and with the DAGs
// downstream.
#include <algorithm>

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

Value::Map WireBackfill(const Backfill& row) {
  const StatusOr<Value> conf = ParseJson(row.conf);
  return {{"id", row.id},
          {"dag_id", row.dag_id},
          {"dag_display_name", row.dag_id},
          {"from_date", FormatTime(row.from)},
          {"to_date", FormatTime(row.to)},
          {"dag_run_conf", conf.ok() ? *conf : Value(Value::Map())},
          {"is_paused", row.paused},
          {"reprocess_behavior", ToString(row.reprocess)},
          {"max_active_runs", row.max_active_runs},
          {"created_at", FormatTime(row.created_at)},
          {"updated_at", FormatTime(row.updated_at)},
          {"completed_at", WireTime(row.completed_at)}};
}

const char* StateOf(const Backfill& row) {
  if (row.cancelled) return "cancelled";
  if (row.completed_at) return "completed";
  return row.paused ? "paused" : "running";
}

// `runs`: its runs by state; those of dates that it left alone are not its own.
Value WireProgress(const Backfill& row, const std::vector<std::int64_t>& runs) {
  Value::Map wire = WireBackfill(row);
  Value::Map by_state;
  for (const RunState state :
       {RunState::kQueued, RunState::kRunning, RunState::kSuccess, RunState::kFailed}) {
    const auto index = static_cast<std::size_t>(state);
    by_state.emplace_back(std::string(ToString(state)), index < runs.size() ? runs[index] : 0);
  }
  wire.insert(wire.end(), {{"state", StateOf(row)},
                           {"run_backwards", row.run_backwards},
                           {"run_on_latest_version", row.latest_version},
                           {"user", row.user},
                           {"after", row.after == 0 ? Value() : Value(row.after)},
                           {"dates", row.dates},
                           {"dates_run", row.made},
                           {"dates_left_alone", row.skipped},
                           {"dates_left", row.dates - row.made - row.skipped},
                           {"runs", std::move(by_state)}});
  return wire;
}

StatusOr<Value> Progress(Context& context, const Backfill& row) {
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> runs, context.readers.backfills.CountRuns(row.id));
  return WireProgress(row, runs);
}

StatusOr<Backfill> Find(Context& context, const Call& call) {
  const std::string_view id = call.request.Param("backfill_id");
  if (id.empty() || id.size() > 15 || id.find_first_not_of("0123456789") != std::string_view::npos)
    return NotFound("Backfill not found: " + std::string(id));
  StatusOr<Backfill> row = context.readers.backfills.GetBackfill(std::stoll(std::string(id)));
  if (row.ok() && !call.scope.Sees(row->dag_id)) row = NotFound("none");
  if (row.ok() || row.status().code() != Code::kNotFound) return row;
  return NotFound("Backfill not found: " + std::string(id));
}

std::optional<http::Response> ReadCreate(Context& context, const Call& call, bool ours, CreateBackfill* create) {
  BodyInput body(call.request);
  Backfill& row = create->backfill;
  row.user = call.who.user;
  row.dag_id = body.String("dag_id");
  if (row.dag_id.empty()) body.issues().Add("body", "dag_id", "missing", "Field required");
  for (const auto& [name, target] : {std::pair("from_date", &row.from), std::pair("to_date", &row.to)}) {
    const std::optional<WallTime> time = body.Time(name);
    if (time) *target = *time;
    if (!body.Has(name)) body.issues().Add("body", name, "missing", "Field required");
  }
  row.run_backwards = body.Bool("run_backwards", false);
  row.latest_version = body.Bool("run_on_latest_version", true);
  if (ours) create->include_downstream = body.Bool("include_downstream", false);
  if (const std::string text = body.String("reprocess_behavior"); !text.empty()) {
    const auto reprocess = ReprocessFromString(text);
    if (!reprocess)
      body.issues().Add("body", "reprocess_behavior", "enum",
                        "Input should be 'failed', 'completed' or 'none'", text);
    row.reprocess = reprocess.value_or(Reprocess::kNone);
  }
  const Value most = body.Any("max_active_runs");
  if (most.is_int() && most.as_int() >= 1 && most.as_int() <= 1000) {
    row.max_active_runs = static_cast<std::int32_t>(most.as_int());
  } else if (!most.is_null()) {
    body.issues().Add("body", "max_active_runs", "int_type", "Input should be a number from 1 to 1000", most);
  }
  const Value conf = body.Any("dag_run_conf");
  if (conf.is_map()) {
    row.conf = ToJson(conf);
  } else if (!conf.is_null()) {
    body.issues().Add("body", "dag_run_conf", "dict_type", "Input should be an object", conf);
  }
  if (auto problems = body.Problems()) return problems;
  if (call.scope.sees_all()) return std::nullopt;
  const Status there = context.readers.dags.GetDag(row.dag_id).status();
  if (there.code() == Code::kNotFound || !call.scope.Sees(row.dag_id))
    return ErrorAnswer(NotFound("DAG not found: " + row.dag_id));
  return there.ok() ? std::nullopt : std::optional(ErrorAnswer(there));
}

// Whether the DAGs downstream that it would run too are all theirs to run. Which is not, is not told.
Status CheckDownstream(Context& context, const Call& call, CreateBackfill create) {
  if (call.scope.sees_all() || !create.include_downstream) return OkStatus();
  create.dry_run = true;
  ASSIGN_OR_RETURN(const CommandResult result, context.Run(std::move(create)));
  for (const Backfill& row : result.downstream) {
    if (!call.scope.Sees(row.dag_id))
      return PermissionDenied("A DAG downstream belongs to a team that you are no member of; leave out "
                              "include_downstream, or ask an admin");
  }
  return OkStatus();
}

http::Response Create(Context& context, const Call& call) {
  CreateBackfill create;
  if (auto problems = ReadCreate(context, call, false, &create)) return *problems;
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(create)));
  if (!result.backfill) return ErrorAnswer(Internal("a backfill was made and not told"));
  context.Audit(call.who.user, "backfill", result.backfill->dag_id);
  return JsonAnswer(WireBackfill(*result.backfill));
}

http::Response DryRun(Context& context, const Call& call) {
  CreateBackfill create;
  create.dry_run = true;
  if (auto problems = ReadCreate(context, call, false, &create)) return *problems;
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(create)));
  Value::List dates;
  const bool partitioned = result.partitions.size() == result.dates.size();
  for (std::size_t i = 0; i < result.dates.size(); ++i) {
    dates.emplace_back(Value::Map{
        {"logical_date", FormatTime(result.dates[i])},
        {"partition_key", partitioned ? Value(result.partitions[i].first) : Value()},
        {"partition_date", partitioned ? Value(FormatTime(result.partitions[i].second)) : Value()}});
  }
  return JsonAnswer(WireWholeList("backfills", std::move(dates)));
}

// Ours: all that are made, or would be, and the dates of the first.
http::Response CreateAll(Context& context, const Call& call, bool dry_run) {
  CreateBackfill create;
  create.dry_run = dry_run;
  if (auto problems = ReadCreate(context, call, true, &create)) return *problems;
  ANSWER_IF_ERROR(CheckDownstream(context, call, create));
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(create)));
  Value::List made;
  if (result.backfill) made.push_back(WireProgress(*result.backfill, {}));
  for (const Backfill& row : result.downstream) made.push_back(WireProgress(row, {}));
  Value::List dates;
  for (const WallTime date : result.dates) dates.emplace_back(FormatTime(date));
  if (!dry_run && result.backfill) context.Audit(call.who.user, "backfill", result.backfill->dag_id);
  return JsonAnswer(Value::Map{{"backfills", std::move(made)}, {"dates", std::move(dates)}});
}

http::Response List(Context& context, const Call& call, bool ours) {
  QueryInput query(call.request);
  store::BackfillFilter filter;
  filter.page = query.Paging();
  filter.dag_id = query.String("dag_id");
  filter.teams = call.scope.teams();
  if (filter.dag_id.empty() && !ours) query.issues().Add("query", "dag_id", "missing", "Field required");
  for (const std::string& order : query.Strings("order_by")) {
    filter.descending = order == "-id";
    if (order != "id" && order != "-id")
      query.issues().Add("query", "order_by", "value_error", "Ordering is by id or -id", order);
  }
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.backfills.ListBackfills(filter));
  Value::List wire;
  for (const Backfill& row : listing.rows) {
    if (ours) {
      ASSIGN_OR_ANSWER(Value progress, Progress(context, row));
      wire.push_back(std::move(progress));
    } else {
      wire.emplace_back(WireBackfill(row));
    }
  }
  return JsonAnswer(WireList("backfills", std::move(wire), listing));
}

http::Response Get(Context& context, const Call& call, bool ours) {
  ASSIGN_OR_ANSWER(const Backfill row, Find(context, call));
  if (!ours) return JsonAnswer(WireBackfill(row));
  ASSIGN_OR_ANSWER(const Value progress, Progress(context, row));
  return JsonAnswer(progress);
}

http::Response Change(Context& context, const Call& call, BackfillAction action, const char* audit) {
  ASSIGN_OR_ANSWER(const Backfill row, Find(context, call));
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(ChangeBackfill{row.id, action, call.who.user}));
  context.Audit(call.who.user, audit, row.dag_id + "/" + std::to_string(row.id));
  return JsonAnswer(WireBackfill(result.backfill.value_or(row)));
}

}  // namespace

void AddBackfillRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       std::function<http::Response(Context&, const Call&)> handler) {
    table.Add(
        {method, pattern, Needs(verb, Resource::kDag), 200, summary,
         [&context, handler = std::move(handler)](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/backfills", Filtered(Verb::kRead), "The backfills of a DAG",
      [](Context& c, const Call& call) { return List(c, call, false); });
  add("POST", "/api/v2/backfills", Filtered(Verb::kWrite), "Run a DAG for the dates of a range", Create);
  add("POST", "/api/v2/backfills/dry_run", Filtered(Verb::kWrite), "The dates that a backfill would go over", DryRun);
  add("GET", "/api/v2/backfills/{backfill_id}", Filtered(Verb::kRead), "One backfill",
      [](Context& c, const Call& call) { return Get(c, call, false); });
  add("PUT", "/api/v2/backfills/{backfill_id}/pause", Filtered(Verb::kWrite), "Make and start no more runs for now",
      [](Context& c, const Call& call) { return Change(c, call, BackfillAction::kPause, "pause_backfill"); });
  add("PUT", "/api/v2/backfills/{backfill_id}/unpause", Filtered(Verb::kWrite), "Go on",
      [](Context& c, const Call& call) {
        return Change(c, call, BackfillAction::kUnpause, "unpause_backfill");
      });
  add("PUT", "/api/v2/backfills/{backfill_id}/cancel", Filtered(Verb::kWrite), "End its queued runs and make no more",
      [](Context& c, const Call& call) {
        return Change(c, call, BackfillAction::kCancel, "cancel_backfill");
      });
  add("GET", "/millrace/v1/backfills", Filtered(Verb::kRead), "Backfills with their progress",
      [](Context& c, const Call& call) { return List(c, call, true); });
  add("POST", "/millrace/v1/backfills", Filtered(Verb::kWrite),
      "Run a DAG for the dates of a range, on request with the DAGs downstream",
      [](Context& c, const Call& call) { return CreateAll(c, call, false); });
  add("POST", "/millrace/v1/backfills/dry_run", Filtered(Verb::kWrite), "What would be made",
      [](Context& c, const Call& call) { return CreateAll(c, call, true); });
  add("GET", "/millrace/v1/backfills/{backfill_id}", Filtered(Verb::kRead), "One backfill with its progress",
      [](Context& c, const Call& call) { return Get(c, call, true); });
}

}  // namespace millrace::api
