// DAGs: list, details, tasks, versions, source, tags, statistics, pausing and import errors.
#include <algorithm>
#include <map>
#include <set>

#include "core/model/bundle_file.h"
#include "core/model/selection.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr int kAllDags = 10'000;

StatusOr<AroundDags> Around(Context& context, const Call& call) {
  ASSIGN_OR_RETURN(const std::vector<ImportError> errors, context.readers.dags.ListImportErrors());
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, context.readers.dags.ListFavorites(call.who.user));
  AroundDags around;
  for (const ImportError& error : errors) around.files_in_trouble.insert(BundleFile(error.bundle, error.file));
  around.favorites.insert(ids.begin(), ids.end());
  return around;
}

store::DagFilter ReadFilter(QueryInput& query, const Call& call) {
  store::DagFilter filter;
  filter.user = call.who.user;
  filter.teams = call.scope.teams();
  filter.favorite = query.Bool("is_favorite");
  filter.page = query.Paging();
  filter.id_pattern = query.Pattern("dag_id_pattern");
  if (const std::string name = query.Pattern("dag_display_name_pattern"); !name.empty())
    filter.id_pattern = name;
  filter.tags = query.Strings("tags");
  const std::string mode = query.String("tags_match_mode");
  filter.all_tags = mode == "all";
  if (!mode.empty() && mode != "all" && mode != "any")
    query.issues().Add("query", "tags_match_mode", "value_error", "'any' or 'all'", mode);
  filter.bundle = query.String("bundle_name");
  filter.bundle_version = query.String("bundle_version");
  filter.paused = query.Bool("paused");
  filter.include_stale = !query.Bool("exclude_stale").value_or(true);
  for (const std::string& order : query.Strings("order_by")) {
    if (order == "-dag_id" || order == "-dag_display_name") {
      filter.descending = true;
    } else if (order != "dag_id" && order != "dag_display_name") {
      query.issues().Add("query", "order_by", "value_error", "Ordering is by dag_id or -dag_id", order);
    }
  }
  return filter;
}

http::Response AnswerList(Context& context, const Call& call,
                          const store::Listing<store::DagEntry>& listing) {
  ASSIGN_OR_ANSWER(const AroundDags around, Around(context, call));
  Value::List dags;
  for (const store::DagEntry& entry : listing.rows) dags.emplace_back(WireDag(entry, around));
  return JsonAnswer(WireList("dags", std::move(dags), listing));
}

http::Response ListDags(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::DagFilter filter = ReadFilter(query, call);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.dags.ListDags(filter));
  return AnswerList(context, call, listing);
}

http::Response GetDag(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const store::DagEntry entry,
                   context.readers.dags.GetDag(std::string(call.request.Param("dag_id"))));
  ASSIGN_OR_ANSWER(const AroundDags around, Around(context, call));
  return JsonAnswer(WireDag(entry, around));
}

http::Response GetDetails(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const store::DagEntry entry,
                   context.readers.dags.GetDag(std::string(call.request.Param("dag_id"))));
  ASSIGN_OR_ANSWER(const AroundDags around, Around(context, call));
  return JsonAnswer(WireDagDetails(entry, around, context.Version(entry.row.dag_id, entry.row.version)));
}

// Reads {"is_paused": ...}; update_mask may only name it.
std::optional<bool> ReadPaused(QueryInput& query, BodyInput& body) {
  for (const std::string& field : query.Strings("update_mask")) {
    if (field != "is_paused")
      query.issues().Add("query", "update_mask", "value_error", "Only is_paused can be changed", field);
  }
  return body.RequiredBool("is_paused");
}

Status Pause(Context& context, const Call& call, const std::string& dag_id, bool paused) {
  RETURN_IF_ERROR(context.Run(SetPaused{dag_id, paused, call.who.user}).status());
  context.Audit(call.who.user, paused ? "pause" : "unpause", dag_id);
  return OkStatus();
}

http::Response PatchDag(Context& context, const Call& call) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  const auto paused = ReadPaused(query, body);
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  const std::string dag_id(call.request.Param("dag_id"));
  ANSWER_IF_ERROR(context.readers.dags.GetDag(dag_id).status());
  ANSWER_IF_ERROR(Pause(context, call, dag_id, *paused));
  return GetDag(context, call);
}

http::Response PatchDags(Context& context, const Call& call) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  const auto paused = ReadPaused(query, body);
  store::DagFilter filter = ReadFilter(query, call);
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(auto listing, context.readers.dags.ListDags(filter));
  for (const store::DagEntry& entry : listing.rows)
    ANSWER_IF_ERROR(Pause(context, call, entry.row.dag_id, *paused));
  for (store::DagEntry& entry : listing.rows) entry.row.paused = *paused;
  return AnswerList(context, call, listing);
}

http::Response ListTasks(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::string order = query.String("order_by");
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const store::DagEntry entry,
                   context.readers.dags.GetDag(std::string(call.request.Param("dag_id"))));
  const DagPtr& dag = entry.dag;
  std::vector<const Task*> tasks;
  for (const Task& task : dag->tasks) tasks.push_back(&task);
  if (order == "task_id" || order == "-task_id") {
    std::sort(tasks.begin(), tasks.end(), [](const Task* a, const Task* b) { return a->id < b->id; });
    if (order == "-task_id") std::reverse(tasks.begin(), tasks.end());
  }
  Value::List wire;
  for (const Task* task : tasks) wire.push_back(WireTask(*dag, *task, entry.row));
  return JsonAnswer(WireWholeList("tasks", std::move(wire)));
}

http::Response GetTask(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const store::DagEntry entry,
                   context.readers.dags.GetDag(std::string(call.request.Param("dag_id"))));
  const std::int32_t index = entry.dag->FindTask(call.request.Param("task_id"));
  if (index < 0) return http::ErrorResponse(404, "Task not found");
  return JsonAnswer(WireTask(*entry.dag, entry.dag->tasks[static_cast<std::size_t>(index)], entry.row));
}

// A task, or a group: then all of its tasks.
http::Response PatchTask(Context& context, const Call& call) {
  QueryInput query(call.request);
  BodyInput body(call.request);
  const auto paused = ReadPaused(query, body);
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  const std::string dag_id(call.request.Param("dag_id"));
  const std::string task_id(call.request.Param("task_id"));
  ANSWER_IF_ERROR(context.readers.dags.GetDag(dag_id).status());
  ANSWER_IF_ERROR(context.Run(SetTaskPaused{dag_id, task_id, *paused, call.who.user}).status());
  context.Audit(call.who.user, *paused ? "pause_task" : "unpause_task", dag_id + "/" + task_id);
  ASSIGN_OR_ANSWER(const store::DagEntry entry, context.readers.dags.GetDag(dag_id));
  Value::List tasks;
  for (const Task& task : entry.dag->tasks) {
    const auto index = static_cast<std::int32_t>(&task - entry.dag->tasks.data());
    if (Names(*entry.dag, {task_id}, index)) tasks.push_back(WireTask(*entry.dag, task, entry.row));
  }
  return JsonAnswer(WireWholeList("tasks", std::move(tasks)));
}

http::Response ListVersions(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  const std::int64_t number = query.Int("version_number", 0, 1, 1'000'000'000);
  for (const std::string& order : query.Strings("order_by")) {
    if (order != "version_number" && order != "id") {
      query.issues().Add("query", "order_by", "value_error", "Ordering is by version_number", order);
    }
  }
  if (auto problems = query.Problems()) return *problems;
  const std::string dag_id(call.request.Param("dag_id"));
  ANSWER_IF_ERROR(context.readers.dags.GetDag(dag_id).status());
  ASSIGN_OR_ANSWER(std::vector<DagVersionRow> rows, context.readers.dags.ListVersions(dag_id));
  if (number > 0) std::erase_if(rows, [&](const DagVersionRow& row) { return row.version != number; });
  store::Listing<DagVersionRow> listing;
  listing.total = static_cast<std::int64_t>(rows.size());
  Value::List wire;
  for (std::size_t i = static_cast<std::size_t>(page.offset);
       i < rows.size() && wire.size() < static_cast<std::size_t>(page.limit); ++i) {
    wire.push_back(WireDagVersion(rows[i]));
  }
  return JsonAnswer(WireList("dag_versions", std::move(wire), listing));
}

StatusOr<std::int32_t> VersionNumber(std::string_view text) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return NotFound("DAG version not found: " + std::string(text));
  }
  return std::stoi(std::string(text));
}

http::Response GetVersion(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const std::int32_t number, VersionNumber(call.request.Param("version_number")));
  const auto version = context.Version(std::string(call.request.Param("dag_id")), number);
  if (!version) return http::ErrorResponse(404, "DAG version not found");
  return JsonAnswer(WireDagVersion(*version));
}

http::Response GetSource(Context& context, const Call& call) {
  QueryInput query(call.request);
  std::int64_t number = query.Int("version_number", 0, 1, 1'000'000'000);
  if (auto problems = query.Problems()) return *problems;
  const std::string dag_id(call.request.Param("dag_id"));
  if (number == 0) {
    ASSIGN_OR_ANSWER(const store::DagEntry entry, context.readers.dags.GetDag(dag_id));
    number = entry.row.version;
  }
  ASSIGN_OR_ANSWER(const DagPtr dag,
                   context.readers.dags.GetVersion(dag_id, static_cast<std::int32_t>(number)));
  if (Wants(call.request, "text/plain")) return TextAnswer(dag->source);
  return JsonAnswer(Value::Map{{"content", dag->source},
                               {"dag_id", dag_id},
                               {"dag_display_name", dag_id},
                               {"version_number", number}});
}

http::Response ListTags(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  const std::string pattern = query.String("tag_name_pattern");
  const std::vector<std::string> order = query.Strings("order_by");
  if (auto problems = query.Problems()) return *problems;
  store::DagFilter filter;
  filter.teams = call.scope.teams();
  filter.page.limit = kAllDags;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.dags.ListDags(filter));
  std::set<std::string> names;
  std::string wanted = pattern;
  std::erase(wanted, '%');
  for (const store::DagEntry& entry : listing.rows) {
    for (const std::string& tag : entry.dag->tags) {
      if (tag.find(wanted) != std::string::npos) names.insert(tag);
    }
  }
  store::Listing<int> counted;
  counted.total = static_cast<std::int64_t>(names.size());
  Value::List tags;
  int skipped = 0;
  for (const std::string& name : names) {
    if (skipped++ < page.offset || static_cast<int>(tags.size()) >= page.limit) continue;
    tags.emplace_back(name);
  }
  return JsonAnswer(WireList("tags", std::move(tags), counted));
}

http::Response GetStats(Context& context, const Call& call) {
  QueryInput query(call.request);
  std::vector<std::string> ids = query.Strings("dag_ids");
  if (auto problems = query.Problems()) return *problems;
  if (ids.empty()) {
    store::DagFilter filter;
    filter.teams = call.scope.teams();
    filter.page.limit = 100;
    ASSIGN_OR_ANSWER(const auto listing, context.readers.dags.ListDags(filter));
    for (const store::DagEntry& entry : listing.rows) ids.push_back(entry.row.dag_id);
  }
  if (ids.size() > 100) return http::ErrorResponse(400, "At most 100 DAGs at once");
  Value::List dags;
  for (const std::string& id : ids) {
    Value::List states;
    for (const RunState state :
         {RunState::kQueued, RunState::kRunning, RunState::kSuccess, RunState::kFailed}) {
      store::RunFilter filter;
      filter.dag_id = id;
      filter.teams = call.scope.teams();
      filter.states = {state};
      filter.page.limit = 1;
      ASSIGN_OR_ANSWER(const auto runs, context.readers.runs.ListRuns(filter));
      states.emplace_back(Value::Map{{"state", ToString(state)}, {"count", runs.total}});
    }
    dags.emplace_back(Value::Map{{"dag_id", id}, {"dag_display_name", id}, {"stats", std::move(states)}});
  }
  return JsonAnswer(WireWholeList("dags", std::move(dags)));
}

// Those of files in bundles of no team and of theirs. Whose the file of a bundle was that is no longer there nobody knows:
// it is for whom nothing is hidden from.
StatusOr<std::vector<ImportError>> ImportErrorsFor(Context& context, const Call& call) {
  ASSIGN_OR_RETURN(std::vector<ImportError> errors, context.readers.dags.ListImportErrors());
  if (!auth::TeamsSeenBy(call.who)) return errors;
  std::map<std::string, bool, std::less<>> seen;
  if (context.bundles != nullptr) {
    for (const BundleStanding& bundle : context.bundles->List())
      seen.emplace(bundle.name, auth::SeesTeam(call.who, bundle.team));
  }
  std::erase_if(errors, [&](const ImportError& error) {
    const auto bundle = seen.find(BundleOr(error.bundle));
    return bundle == seen.end() ? !call.scope.sees_all() : !bundle->second;
  });
  return errors;
}

http::Response ListImportErrors(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  const std::vector<std::string> order = query.Strings("order_by");
  const std::string pattern = query.String("filename_pattern");
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(std::vector<ImportError> errors, ImportErrorsFor(context, call));
  std::string wanted = pattern;
  std::erase(wanted, '%');
  std::erase_if(errors,
                [&](const ImportError& error) { return error.file.find(wanted) == std::string::npos; });
  store::Listing<ImportError> listing;
  listing.total = static_cast<std::int64_t>(errors.size());
  Value::List wire;
  for (std::size_t i = static_cast<std::size_t>(page.offset);
       i < errors.size() && wire.size() < static_cast<std::size_t>(page.limit); ++i) {
    wire.push_back(WireImportError(errors[i]));
  }
  return JsonAnswer(WireList("import_errors", std::move(wire), listing));
}

http::Response GetImportError(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const std::vector<ImportError> errors, ImportErrorsFor(context, call));
  for (const ImportError& error : errors) {
    if (std::to_string(ImportErrorId(error)) == call.request.Param("import_error_id")) {
      return JsonAnswer(WireImportError(error));
    }
  }
  return http::ErrorResponse(404, "Import error not found");
}

}  // namespace

void AddDagRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), 200, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/dags", Filtered(Verb::kRead), "List DAGs", ListDags);
  add("PATCH", "/api/v2/dags", Filtered(Verb::kWrite), "Pause or unpause the DAGs that match", PatchDags);
  add("GET", "/api/v2/dags/{dag_id}", Verb::kRead, "One DAG", GetDag);
  add("PATCH", "/api/v2/dags/{dag_id}", Verb::kWrite, "Pause or unpause a DAG", PatchDag);
  add("GET", "/api/v2/dags/{dag_id}/details", Verb::kRead, "One DAG with its schedule and parameters",
      GetDetails);
  add("GET", "/api/v2/dags/{dag_id}/tasks", Verb::kRead, "The tasks of a DAG", ListTasks);
  add("GET", "/api/v2/dags/{dag_id}/tasks/{task_id}", Verb::kRead, "One task", GetTask);
  add("PATCH", "/millrace/v1/dags/{dag_id}/tasks/{task_id}", Verb::kWrite,
      "Pause or unpause a task, or all tasks of a group", PatchTask);
  add("GET", "/api/v2/dags/{dag_id}/dagVersions", Verb::kRead, "The versions of a DAG", ListVersions);
  add("GET", "/api/v2/dags/{dag_id}/dagVersions/{version_number}", Verb::kRead, "One version of a DAG",
      GetVersion);
  add("GET", "/api/v2/dagSources/{dag_id}", Verb::kRead, "The text of a DAG's file", GetSource);
  add("GET", "/api/v2/dagTags", Filtered(Verb::kRead), "All tags", ListTags);
  add("GET", "/api/v2/dagStats", Filtered(Verb::kRead), "Runs of each DAG by state", GetStats);
  add("GET", "/api/v2/importErrors", Filtered(Verb::kRead), "DAG files with problems", ListImportErrors);
  add("GET", "/api/v2/importErrors/{import_error_id}", Filtered(Verb::kRead), "The problems of one DAG file",
      GetImportError);
}

}  // namespace millrace::api
