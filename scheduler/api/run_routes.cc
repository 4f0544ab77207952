// Runs: list, get, trigger, mark, delete and wait.
#include <algorithm>
#include <memory>

#include "core/calendar/format.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/cursor.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/run_filters.h"
#include "scheduler/api/run_names.h"
#include "scheduler/api/trigger_body.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

http::Response AnswerRun(Context& context, const Call& call, const Run& run) {
  return JsonAnswer(WireRun(run, context.Version(run.dag_id, run.version), call.scope));
}

std::optional<RunType> RunTypeFromWire(const std::string& text) {
  for (const RunType type : {RunType::kScheduled, RunType::kManual, RunType::kBackfill,
                             RunType::kAssetTriggered, RunType::kOperatorTriggered}) {
    if (text == ToString(type)) return type;
  }
  return std::nullopt;
}

// The order's name, as cursors know it.
std::string ReadOrder(QueryInput& query, store::RunFilter* filter) {
  std::string name = "id";
  for (const std::string& order : query.Strings("order_by")) {
    name = order;
    SetRunOrder(order, "query", query.issues(), filter);
  }
  return name;
}

store::PageCursor CursorOf(const Run& run, store::RunOrder order) {
  store::PageCursor cursor;
  cursor.key = ToInt(run.key);
  const auto value = [&]() -> std::optional<WallTime> {
    switch (order) {
      case store::RunOrder::kRunAfter:
        return run.run_after;
      case store::RunOrder::kLogicalDate:
        return run.logical_date;
      case store::RunOrder::kStartDate:
        return run.started_at;
      case store::RunOrder::kEndDate:
        return run.ended_at;
      case store::RunOrder::kKey:
        break;
    }
    return std::nullopt;
  }();
  if (value) cursor.value = ToMicros(*value);
  return cursor;
}

http::Response ListRuns(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::RunFilter filter;
  filter.page = query.Paging(true);
  if (DagOf(call) != "~") filter.dag_id = DagOf(call);
  filter.teams = call.scope.teams();
  for (const std::string& state : query.Strings("state")) {
    if (const auto known = RunStateFromString(state)) {
      filter.states.push_back(*known);
    } else {
      query.issues().Add("query", "state", "enum", "State is queued, running, success or failed", state);
    }
  }
  for (const std::string& type : query.Strings("run_type")) {
    if (const auto known = RunTypeFromWire(type)) {
      filter.types.push_back(*known);
    } else {
      query.issues().Add("query", "run_type", "enum", "Run type is scheduled, manual or backfill", type);
    }
  }
  query.Range("logical_date", &filter.logical_date_from, &filter.logical_date_to);
  query.Range("run_after", &filter.run_after_from, &filter.run_after_to);
  filter.run_id_pattern = query.Pattern("run_id_pattern");
  filter.partition_key_pattern = query.Pattern("partition_key_pattern");
  const std::string order = ReadOrder(query, &filter);
  const CursorPage cursor = ReadCursor(query, order);
  if (auto problems = query.Problems()) return *problems;
  if (!filter.dag_id.empty()) ANSWER_IF_ERROR(context.readers.dags.GetDag(filter.dag_id).status());
  if (cursor.asked) ++filter.page.limit;
  filter.cursor = cursor.at;
  ASSIGN_OR_ANSWER(auto listing, context.readers.runs.ListRuns(filter));
  const Beyond beyond = cursor.asked ? TrimToPage(listing.rows, filter.page.limit - 1, cursor) : Beyond();
  Value::List runs;
  for (const Run& run : listing.rows)
    runs.push_back(WireRun(run, context.Version(run.dag_id, run.version), call.scope));
  Value wire = WireList("dag_runs", std::move(runs), listing);
  if (cursor.asked)
    AddCursors(wire, order, listing.rows, beyond,
               [&](const Run& run) { return CursorOf(run, filter.order); });
  return JsonAnswer(wire);
}

http::Response GetRun(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Run run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
  return AnswerRun(context, call, run);
}

http::Response Trigger(Context& context, RunNames& names, const Call& call) {
  BodyInput body(call.request);
  TriggerRun trigger = ReadTrigger(body);
  trigger.dag_id = DagOf(call);
  trigger.user = call.who.user;
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(context.readers.dags.GetDag(trigger.dag_id).status());
  if (trigger.run_id.empty() && !trigger.logical_date) trigger.run_id = names.Next("manual");
  const std::string dag_id = trigger.dag_id;
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(trigger)));
  if (!result.run) return ErrorAnswer(Internal("a trigger made no run"));
  context.Audit(call.who.user, "trigger", dag_id + "/" + result.run->run_id);
  return AnswerRun(context, call, *result.run);
}

http::Response PatchRun(Context& context, const Call& call) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  for (const std::string& field : query.Strings("update_mask")) {
    if (field != "state" && field != "note")
      query.issues().Add("query", "update_mask", "value_error", "Only state and note can be changed", field);
  }
  const std::string state = body.String("state");
  const bool noted = body.Has("note");
  const std::string note = body.Note();
  if (state != "failed" && state != "success" && state != "queued" && !(state.empty() && noted)) {
    body.issues().Add("body", "state", "enum", "Input should be 'failed', 'success' or 'queued'", state);
  }
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Run run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
  if (state.empty()) {
    // Only a note.
  } else if (state != "queued") {
    const RunState ending = state == "failed" ? RunState::kFailed : RunState::kSuccess;
    ANSWER_IF_ERROR(context.Run(MarkRun{run.dag_id, run.run_id, ending, call.who.user}).status());
  } else {
    ClearTasks clear;
    clear.dag_id = run.dag_id;
    clear.run_id = run.run_id;
    clear.user = call.who.user;
    ANSWER_IF_ERROR(context.Run(std::move(clear)).status());
  }
  if (!state.empty()) context.Audit(call.who.user, "set_run_" + state, run.dag_id + "/" + run.run_id);
  if (noted) {
    ANSWER_IF_ERROR(context.Run(NoteRun{run.dag_id, run.run_id, note, call.who.user}).status());
    context.Audit(call.who.user, "note_run", run.dag_id + "/" + run.run_id);
  }
  return GetRun(context, call);
}

http::Response DeleteRun(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Run run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
  ANSWER_IF_ERROR(context.Run(millrace::DeleteRun{run.dag_id, run.run_id, call.who.user}).status());
  ANSWER_IF_ERROR(context.upkeep.logs.RemoveLogs(run.key));
  context.Audit(call.who.user, "delete_run", run.dag_id + "/" + run.run_id);
  http::Response response;
  response.status = 204;
  return response;
}

http::Response Wait(Context& context, LiveEvents& live, const Call& call) {
  QueryInput query(call.request);
  const auto interval = query.Number("interval");
  if (interval && !(*interval > 0))
    query.issues().Add("query", "interval", "greater_than", "Input should be greater than 0");
  const std::vector<std::string> results = query.Strings("result");
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Run run, context.readers.runs.GetRun(DagOf(call), RunOf(call)));
  Waiter waiter;
  waiter.run = run.key;
  waiter.lines = Wants(call.request, "application/x-ndjson");
  if (!results.empty()) {
    ASSIGN_OR_ANSWER(const DagPtr dag, context.DagOf(run));
    for (const std::string& task : results) {
      std::int32_t index = dag->FindTask(task);
      if (index < 0) return http::ErrorResponse(404, "Task not found: " + task);
      if (run.former_tasks) {
        ASSIGN_OR_ANSWER(const Located at, context.LocateInstance(run.dag_id, run.run_id, task, -1));
        index = at.key.index;
      }
      waiter.results.emplace_back(task, index);
    }
  }
  http::Response response;
  response.headers.emplace_back("Content-Type", waiter.lines ? "application/x-ndjson" : "application/json");
  response.stream = [&live, waiter](http::StreamSink& sink, http::StreamId id) {
    live.Wait(sink, id, waiter);
  };
  return response;
}

}  // namespace

void AddRunRoutes(RouteTable& table, Context& context, LiveEvents& live) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), 200, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/dags/{dag_id}/dagRuns", Filtered(Verb::kRead), "List runs; ~ for those of every DAG", ListRuns);
  auto names =
      std::make_shared<RunNames>(context.clock);  // shared by the copies that the router makes of the handler
  table.Add({"POST", "/api/v2/dags/{dag_id}/dagRuns", Needs(Verb::kWrite, Resource::kDag), 200,
             "Trigger a run",
             [&context, names](const Call& call) { return Trigger(context, *names, call); }});
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", Verb::kRead, "One run", GetRun);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", Verb::kWrite,
      "Cancel (failed), mark or run again", PatchRun);
  table.Add({"DELETE", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}", Needs(Verb::kDelete, Resource::kDag),
             204, "Delete a run that has ended",
             [&context](const Call& call) { return DeleteRun(context, call); }});
  table.Add({"GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/wait", Needs(Verb::kRead, Resource::kDag),
             200, "Wait until a run has ended", [&](const Call& call) { return Wait(context, live, call); }});
}

}  // namespace millrace::api
