// Datasets on the wire: Airflow's assets, their events, and what waits for them. Deadlines of a run.
#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "core/calendar/partition_key.h"
#include "core/calendar/partition_window.h"
#include "core/model/json.h"
#include "core/spec/schedule_fields.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/trigger_body.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

// 0 when the path holds no number: no dataset, and no alias, has that id.
std::int64_t IdOf(const Call& call, std::string_view param) {
  const std::string text(call.request.Param(param));
  const bool is_number =
      !text.empty() && text.size() < 18 && text.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? std::stoll(text) : 0;
}

std::int64_t AssetOf(const Call& call) { return IdOf(call, "asset_id"); }

Value WireUse(const store::DatasetUse& use) {
  Value::Map wire = {{"dag_id", use.dag_id}};
  if (use.role != DatasetRole::kScheduled) wire.emplace_back("task_id", use.task_id);
  wire.emplace_back("created_at", WireTime(use.at));
  wire.emplace_back("updated_at", WireTime(use.at));
  return wire;
}

// scheduled_dags, producing_tasks and consuming_tasks.
void SetUses(const std::vector<store::DatasetUse>& uses, Value& wire) {
  for (const auto& [role, name] : {std::pair(DatasetRole::kScheduled, "scheduled_dags"),
                                   std::pair(DatasetRole::kProducing, "producing_tasks"),
                                   std::pair(DatasetRole::kConsuming, "consuming_tasks")}) {
    Value::List list;
    for (const store::DatasetUse& use : uses) {
      if (use.role == role) list.push_back(WireUse(use));
    }
    wire.Set(name, std::move(list));
  }
}

// Datasets are everybody's; who uses them and who made their updates is told of DAGs that they see whom it is told to.
void HideUses(const Scope& scope, std::vector<store::DatasetUse>& uses) {
  std::erase_if(uses, [&](const store::DatasetUse& use) { return !scope.Sees(use.dag_id); });
}

store::DatasetEntry SeenBy(store::DatasetEntry entry, const Scope& scope) {
  HideUses(scope, entry.uses);
  std::erase_if(entry.watches, [&](const store::DatasetWatchEntry& watch) { return !scope.Sees(watch.dag_id); });
  return entry;
}

store::DatasetAliasEntry SeenBy(store::DatasetAliasEntry entry, const Scope& scope) {
  HideUses(scope, entry.uses);
  return entry;
}

// That there was an update is told in any case: it may have made one of their runs.
store::DatasetEventEntry SeenBy(store::DatasetEventEntry entry, const Scope& scope) {
  std::erase_if(entry.made, [&](const Run& run) { return !scope.Sees(run.dag_id); });
  DatasetEvent& event = entry.event;
  if (event.dag_id.empty() || scope.Sees(event.dag_id)) return entry;
  event.dag_id.clear();
  event.run_id.clear();
  event.task_id.clear();
  event.map_index = -1;
  event.extra = "{}";
  event.aliases.clear();
  return entry;
}

// As Airflow has it in an asset.
Value WireAliasName(const store::DatasetAliasEntry& entry) {
  return Value::Map{{"id", entry.id}, {"name", entry.alias.name}, {"group", entry.alias.group}};
}

Value WireAlias(const store::DatasetAliasEntry& entry) {
  Value wire = WireAliasName(entry);
  wire.Set("assets", Value::List(entry.datasets.begin(), entry.datasets.end()));
  SetUses(entry.uses, wire);
  return wire;
}

// Airflow's watcher, and whose it is and how it stands.
Value WireWatch(const store::DatasetWatchEntry& watch) {
  return Value::Map{{"name", watch.name},
                    {"trigger_id", watch.id},
                    {"created_date", WireTime(watch.created_at)},
                    {"dag_id", watch.dag_id},
                    {"kind", watch.kind},
                    {"changed_at", WireTime(watch.seen_at)},
                    {"failure", TextOrNull(watch.failure)}};
}

Value WireAsset(const store::DatasetEntry& entry) {
  Value::List aliases, watchers;
  for (const store::DatasetWatchEntry& watch : entry.watches) watchers.push_back(WireWatch(watch));
  for (const store::DatasetAliasEntry& alias : entry.aliases) aliases.push_back(WireAliasName(alias));
  Value last;
  if (entry.last) last = Value::Map{{"id", entry.last->id}, {"timestamp", WireTime(entry.last->at)}};
  Value wire = Value::Map{{"id", entry.id},
                          {"name", entry.dataset.name},
                          {"uri", entry.dataset.uri},
                          {"group", entry.dataset.group},
                          {"extra", entry.dataset.extra},
                          {"created_at", WireTime(entry.created_at)},
                          {"updated_at", WireTime(entry.updated_at)}};
  SetUses(entry.uses, wire);
  wire.Set("aliases", std::move(aliases));
  wire.Set("watchers", std::move(watchers));
  wire.Set("last_asset_event", std::move(last));
  return wire;
}

Value WireEvent(const store::DatasetEventEntry& entry) {
  const DatasetEvent& event = entry.event;
  const StatusOr<Value> extra = ParseJson(event.extra);
  Value::List made;
  for (const Run& run : entry.made) {
    made.push_back(Value::Map{{"run_id", run.run_id},
                              {"dag_id", run.dag_id},
                              {"logical_date", WireTime(run.logical_date)},
                              {"start_date", WireTime(run.started_at.value_or(run.queued_at))},
                              {"end_date", WireTime(run.ended_at)},
                              {"state", ToString(run.state)},
                              {"data_interval_start", WireTime(run.interval_start)},
                              {"data_interval_end", WireTime(run.interval_end)},
                              {"partition_key", TextOrNull(run.partition_key)},
                              {"triggering", true}});
  }
  return Value::Map{{"id", event.id},
                    {"asset_id", entry.dataset_id},
                    {"uri", entry.dataset.uri},
                    {"name", entry.dataset.name},
                    {"group", entry.dataset.group},
                    {"extra", extra.ok() ? *extra : Value(Value::Map())},
                    {"source_dag_id", TextOrNull(event.dag_id)},
                    {"source_task_id", TextOrNull(event.task_id)},
                    {"source_run_id", TextOrNull(event.run_id)},
                    {"source_map_index", event.map_index},
                    {"source_aliases", Value::List(event.aliases.begin(), event.aliases.end())},
                    {"created_dagruns", std::move(made)},
                    {"timestamp", WireTime(event.at)},
                    {"partition_key", TextOrNull(event.partition_key)}};
}

constexpr std::size_t kMissingKeysShown = 10;

// The mapper of a dataset's keys, where they are rolled up.
std::optional<PartitionMapper> RollupOf(const std::map<std::string, DagPtr>& dags, const store::QueuedEvent& event) {
  const auto dag = dags.find(event.dag_id);
  if (dag == dags.end() || dag->second == nullptr || !dag->second->schedule.partitions) return std::nullopt;
  const PartitionMapper& mapper = MapperOf(*dag->second->schedule.partitions, event.dataset);
  return mapper.kind == PartitionMapper::Kind::kRollup ? std::optional(mapper) : std::nullopt;
}

// How many keys of a roll-up's window have come, and which not.
void SetProgress(const WindowProgress& progress, Value& wire) {
  const std::size_t shown = std::min(progress.missing.size(), kMissingKeysShown);
  const auto end = progress.missing.begin() + static_cast<std::ptrdiff_t>(shown);
  wire.Set("received_count", static_cast<std::int64_t>(progress.arrived.size()));
  wire.Set("window_count", static_cast<std::int64_t>(progress.arrived.size() + progress.missing.size()));
  wire.Set("required_count", static_cast<std::int64_t>(progress.needed));
  wire.Set("missing_keys", Value::List(progress.missing.begin(), end));
  wire.Set("missing_count", static_cast<std::int64_t>(progress.missing.size()));
}

// One a DAG, dataset and partition key, as of its first event: what Airflow keeps.
Value::List WireQueued(Context& context, const std::vector<store::QueuedEvent>& events) {
  std::map<std::string, DagPtr> dags;
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::string>> keys;
  for (const store::QueuedEvent& event : events) {
    keys[{event.dag_id, event.dataset, event.partition_key}].push_back(event.own_key);
    if (event.partition_key.empty() || dags.contains(event.dag_id)) continue;
    const StatusOr<store::DagEntry> entry = context.readers.dags.GetDag(event.dag_id);
    dags[event.dag_id] = entry.ok() ? entry->dag : nullptr;
  }
  Value::List wire;
  for (const store::QueuedEvent& event : events) {
    // The first of these: its group is then taken out.
    const auto group = keys.extract({event.dag_id, event.dataset, event.partition_key});
    if (group.empty()) continue;
    Value row = Value::Map{{"dag_id", event.dag_id},
                           {"dag_display_name", event.dag_id},
                           {"asset_id", event.dataset_id},
                           {"created_at", WireTime(event.at)},
                           {"partition_key", TextOrNull(event.partition_key)}};
    if (const std::optional<PartitionMapper> rollup = RollupOf(dags, event); rollup && context.zones != nullptr)
      SetProgress(ProgressOf(*rollup, group.mapped(), *context.zones), row);
    wire.push_back(std::move(row));
  }
  return wire;
}

// name_pattern, or name_prefix_pattern as one.
std::string PatternOf(QueryInput& query, const std::string& field) {
  const std::string pattern = query.Pattern(field + "_pattern");
  const std::string prefix = query.String(field + "_prefix_pattern");
  return pattern.empty() && !prefix.empty() ? prefix + "%" : pattern;
}

bool ReadOrder(QueryInput& query, const std::set<std::string>& allowed, std::string* field) {
  bool descending = false;
  for (std::string order : query.Strings("order_by")) {
    descending = order.starts_with("-");
    if (descending) order.erase(0, 1);
    if (!allowed.contains(order)) {
      std::string known;
      for (const std::string& one : allowed) known += (known.empty() ? "" : ", ") + one;
      query.issues().Add("query", "order_by", "value_error", "Ordering is by " + known, order);
    }
    if (field != nullptr) *field = order;
  }
  return descending;
}

http::Response ListAssets(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::DatasetFilter filter;
  filter.page = query.Paging();
  filter.name_pattern = PatternOf(query, "name");
  filter.uri_pattern = PatternOf(query, "uri");
  filter.dag_ids = query.Strings("dag_ids");
  filter.only_active = query.Bool("only_active").value_or(true);
  std::string field;
  filter.descending = ReadOrder(query, {"id", "name", "uri", "created_at", "updated_at"}, &field);
  filter.by_name = field == "name" || field == "uri";
  if (auto problems = query.Problems()) return *problems;
  // Which datasets a DAG uses is not told of one that they do not see: as if it was not there.
  const bool by_dag = !filter.dag_ids.empty();
  std::erase_if(filter.dag_ids, [&](const std::string& dag) { return !call.scope.Sees(dag); });
  if (by_dag && filter.dag_ids.empty()) return JsonAnswer(WireWholeList("assets", {}));
  ASSIGN_OR_ANSWER(const auto listing, context.readers.datasets.ListDatasets(filter));
  Value::List assets;
  for (const store::DatasetEntry& entry : listing.rows) assets.push_back(WireAsset(SeenBy(entry, call.scope)));
  return JsonAnswer(WireList("assets", std::move(assets), listing));
}

http::Response GetAsset(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const store::DatasetEntry entry, context.readers.datasets.GetDataset(AssetOf(call)));
  return JsonAnswer(WireAsset(SeenBy(entry, call.scope)));
}

http::Response AnswerEvents(Context& context, const Call& call, const store::DatasetEventFilter& filter) {
  ASSIGN_OR_ANSWER(const auto listing, context.readers.datasets.ListEvents(filter));
  Value::List events;
  for (const store::DatasetEventEntry& entry : listing.rows) events.push_back(WireEvent(SeenBy(entry, call.scope)));
  return JsonAnswer(WireList("asset_events", std::move(events), listing));
}

http::Response ListEvents(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::DatasetEventFilter filter;
  filter.page = query.Paging();
  if (!query.String("asset_id").empty())
    filter.dataset = query.Int("asset_id", 0, 1, std::numeric_limits<std::int64_t>::max());
  filter.dag_id = query.String("source_dag_id");
  filter.task_id = query.String("source_task_id");
  filter.run_id = query.String("source_run_id");
  if (!query.String("source_map_index").empty())
    filter.map_index = query.Int("source_map_index", -1, -1, std::numeric_limits<std::int32_t>::max());
  filter.name_pattern = PatternOf(query, "name");
  query.Range("timestamp", &filter.from, &filter.to);
  filter.descending = ReadOrder(query, {"id", "timestamp"}, nullptr);
  if (auto problems = query.Problems()) return *problems;
  // Asked for by what is not told of them, they would tell it.
  const bool by_source =
      !filter.dag_id.empty() || !filter.run_id.empty() || !filter.task_id.empty() || filter.map_index;
  if (by_source) filter.teams = call.scope.teams();
  return AnswerEvents(context, call, filter);
}

http::Response UpstreamEvents(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Run run,
                   context.readers.runs.GetRun(DagOf(call), std::string(call.request.Param("dag_run_id"))));
  store::DatasetEventFilter filter;
  filter.made = run.key;
  filter.page.limit = 1000;
  return AnswerEvents(context, call, filter);
}

http::Response PostEvent(Context& context, const Call& call) {
  BodyInput body(call.request);
  const Value id = body.Any("asset_id");
  if (!id.is_int()) body.issues().Add("body", "asset_id", "int_type", "Input should be a valid integer", id);
  Value extra = body.Any("extra");
  if (!extra.is_null() && !extra.is_map())
    body.issues().Add("body", "extra", "dict_type", "Input should be an object", extra);
  const std::string partition_key = body.PartitionKey();
  body.Unsupported("access_control");
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const store::DatasetEntry entry, context.readers.datasets.GetDataset(id.as_int()));
  if (extra.is_null()) extra = Value(Value::Map());
  extra.Set("from_rest_api", true);
  ASSIGN_OR_ANSWER(const CommandResult result,
                   context.Run(AddDatasetEvent{entry.dataset.name, ToJson(extra), call.who.user, partition_key}));
  if (!result.dataset_event) return ErrorAnswer(Internal("an event was not kept"));
  context.Audit(call.who.user, "dataset_event", entry.dataset.name);
  store::DatasetEventEntry event;
  event.event = *result.dataset_event;
  event.dataset_id = entry.id;
  event.dataset = entry.dataset;
  return JsonAnswer(WireEvent(SeenBy(event, call.scope)));
}

// Starts the one DAG that makes it: that has it as an outlet, or else one of whose aliases has come to stand for it.
// What the run shall be like, its body says, as that of a trigger does.
http::Response Materialize(Context& context, const Call& call) {
  BodyInput body(call.request);
  TriggerRun trigger = ReadTrigger(body);
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const store::DatasetEntry entry, context.readers.datasets.GetDataset(AssetOf(call)));
  std::set<std::string> makers, by_alias;
  for (const store::DatasetUse& use : entry.uses) {
    if (!call.scope.Sees(use.dag_id)) continue;
    if (use.role == DatasetRole::kProducing) (use.alias.empty() ? makers : by_alias).insert(use.dag_id);
  }
  if (makers.empty()) makers = std::move(by_alias);
  if (makers.empty()) return ErrorAnswer(NotFound("No DAG materializes asset: " + entry.dataset.name));
  if (makers.size() > 1)
    return http::ErrorResponse(409, "More than one DAG materializes asset: " + entry.dataset.name);
  trigger.dag_id = *makers.begin();
  if (trigger.run_id.empty() && !trigger.logical_date) trigger.logical_date = context.clock.now().wall;
  trigger.user = call.who.user;
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(trigger)));
  if (!result.run) return ErrorAnswer(Internal("a trigger made no run"));
  context.Audit(call.who.user, "trigger", result.run->dag_id + "/" + result.run->run_id);
  return JsonAnswer(WireRun(*result.run, context.Version(result.run->dag_id, result.run->version), call.scope));
}

bool IsOfAsset(const Call& call) { return !call.request.Param("asset_id").empty(); }

// Of the path's dag_id and asset_id, whichever it has, and older than `before`.
StatusOr<std::vector<store::QueuedEvent>> Queued(Context& context, const Call& call,
                                                 const std::optional<WallTime>& before) {
  if (!DagOf(call).empty()) RETURN_IF_ERROR(context.readers.dags.GetDag(DagOf(call)).status());
  const std::int64_t asset = IsOfAsset(call) ? AssetOf(call) : 0;
  if (IsOfAsset(call)) RETURN_IF_ERROR(context.readers.datasets.GetDataset(asset).status());
  ASSIGN_OR_RETURN(auto events, context.readers.datasets.ListQueued(DagOf(call), asset));
  std::erase_if(events, [&](const store::QueuedEvent& event) { return !call.scope.Sees(event.dag_id); });
  if (before) std::erase_if(events, [&](const store::QueuedEvent& event) { return event.at >= *before; });
  if (events.empty()) return NotFound("Queue event was not found");
  return events;
}

http::Response ShowQueued(Context& context, const Call& call) {
  QueryInput query(call.request);
  const std::optional<WallTime> before = query.Time("before");
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auto events, Queued(context, call, before));
  if (!DagOf(call).empty() && IsOfAsset(call)) return JsonAnswer(WireQueued(context, events).front());
  return JsonAnswer(WireWholeList("queued_events", WireQueued(context, events)));
}

// All of a dataset at once: `before` would leave some.
http::Response ForgetQueued(Context& context, const Call& call) {
  QueryInput query(call.request);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auto events, Queued(context, call, std::nullopt));
  std::set<std::pair<std::string, std::string>> pairs;
  for (const store::QueuedEvent& event : events) pairs.emplace(event.dag_id, event.dataset);
  for (const auto& [dag_id, dataset] : pairs) {
    const Status forgotten = context.Run(ClearDatasetQueue{dag_id, dataset, call.who.user}).status();
    if (forgotten.code() != Code::kNotFound) ANSWER_IF_ERROR(forgotten);  // used up meanwhile
    context.Audit(call.who.user, "forget_dataset_events", dag_id + "/" + dataset);
  }
  http::Response response;
  response.status = 204;
  return response;
}

http::Response ListAliases(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::DatasetAliasFilter filter;
  filter.page = query.Paging();
  filter.name_pattern = PatternOf(query, "name");
  std::string field;
  filter.descending = ReadOrder(query, {"id", "name"}, &field);
  filter.by_name = field == "name";
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auto listing, context.readers.datasets.ListAliases(filter));
  Value::List aliases;
  for (const store::DatasetAliasEntry& entry : listing.rows) aliases.push_back(WireAlias(SeenBy(entry, call.scope)));
  return JsonAnswer(WireList("asset_aliases", std::move(aliases), listing));
}

http::Response GetAlias(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const store::DatasetAliasEntry entry,
                   context.readers.datasets.GetAlias(IdOf(call, "asset_alias_id")));
  return JsonAnswer(WireAlias(SeenBy(entry, call.scope)));
}

http::Response ListDeadlines(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Run run,
                   context.readers.runs.GetRun(DagOf(call), std::string(call.request.Param("dag_run_id"))));
  ASSIGN_OR_ANSWER(const DagPtr dag, context.readers.dags.GetVersion(run.dag_id, run.version));
  ASSIGN_OR_ANSWER(const auto rows, context.readers.runs.ListDeadlines(run.key));
  Value::List deadlines;
  for (const DeadlineRow& row : rows) {
    const auto index = static_cast<std::size_t>(row.index);
    if (index >= dag->deadlines.size()) continue;
    const Deadline& deadline = dag->deadlines[index];
    deadlines.push_back(Value::Map{
        {"reference", DeadlineFields().front().choices[static_cast<std::size_t>(deadline.reference)]},
        {"interval_seconds", std::chrono::duration<double>(deadline.interval).count()},
        {"due_at", WireTime(row.due_at)},
        {"missed", row.missed_at.has_value()},
        {"missed_at", WireTime(row.missed_at)}});
  }
  return JsonAnswer(WireWholeList("deadlines", std::move(deadlines)));
}

}  // namespace

void AddAssetRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, int success,
                       std::string_view summary, http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), success, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/assets", Filtered(Verb::kRead), 200, "Datasets", ListAssets);
  add("GET", "/api/v2/assets/aliases", Filtered(Verb::kRead), 200, "Aliases of datasets", ListAliases);
  add("GET", "/api/v2/assets/aliases/{asset_alias_id}", Filtered(Verb::kRead), 200,
      "One alias, and the datasets that it stands for", GetAlias);
  add("GET", "/api/v2/assets/events", Filtered(Verb::kRead), 200, "Updates of datasets", ListEvents);
  add("POST", "/api/v2/assets/events", Filtered(Verb::kWrite), 200, "Say that a dataset was updated", PostEvent);
  add("GET", "/api/v2/assets/{asset_id}", Filtered(Verb::kRead), 200, "One dataset, and who makes and reads it",
      GetAsset);
  add("POST", "/api/v2/assets/{asset_id}/materialize", Filtered(Verb::kWrite), 200, "Start the DAG that makes it",
      Materialize);
  add("GET", "/api/v2/assets/{asset_id}/queuedEvents", Filtered(Verb::kRead), 200, "DAGs with unused updates of it",
      ShowQueued);
  add("DELETE", "/api/v2/assets/{asset_id}/queuedEvents", Filtered(Verb::kWrite), 204, "Forget them", ForgetQueued);
  add("GET", "/api/v2/dags/{dag_id}/assets/queuedEvents", Verb::kRead, 200,
      "Updates that a DAG has not used yet", ShowQueued);
  add("DELETE", "/api/v2/dags/{dag_id}/assets/queuedEvents", Verb::kWrite, 204, "Forget them", ForgetQueued);
  add("GET", "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", Verb::kRead, 200,
      "Whether a DAG has an unused update of a dataset", ShowQueued);
  add("DELETE", "/api/v2/dags/{dag_id}/assets/{asset_id}/queuedEvents", Verb::kWrite, 204, "Forget it",
      ForgetQueued);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/upstreamAssetEvents", Verb::kRead, 200,
      "The updates that made a run", UpstreamEvents);
  add("GET", "/millrace/v1/dags/{dag_id}/dagRuns/{dag_run_id}/deadlines", Verb::kRead, 200,
      "When a run should be over, and whether it was missed", ListDeadlines);
}

}  // namespace millrace::api
