#include <algorithm>

#include "core/model/json.h"
#include "dagctl/commands.h"

namespace millrace::dagctl {
namespace {

constexpr const char* kAssets = "/api/v2/assets";

// "etl.load, other.load"
Value Users(const Value& dataset, std::string_view member) {
  std::string text;
  if (const Value* list = dataset.Find(member); list != nullptr && list->is_list()) {
    for (const Value& use : list->as_list()) {
      const std::string task = Text(use, "task_id");
      text += (text.empty() ? "" : ", ") + Text(use, "dag_id") + (task.empty() ? "" : "." + task);
    }
  }
  return text;
}

// "daily_files, other": of maps with a name, or of texts.
Value Names(const Value& row, std::string_view member) {
  std::string text;
  if (const Value* list = row.Find(member); list != nullptr && list->is_list()) {
    for (const Value& one : list->as_list())
      text += (text.empty() ? "" : ", ") + (one.is_string() ? one.as_string() : Text(one, "name"));
  }
  return text;
}

// "sensor_file by report, failed: connection is not defined"
Value Watches(const Value& dataset) {
  std::string text;
  if (const Value* list = dataset.Find("watchers"); list != nullptr && list->is_list()) {
    for (const Value& one : list->as_list()) {
      const std::string failure = Text(one, "failure");
      text += (text.empty() ? "" : "; ") + Text(one, "name") + " by " + Text(one, "dag_id") +
              (failure.empty() ? "" : ", failed: " + failure);
    }
  }
  return text;
}

Value WithUsers(Value dataset) {
  const Value* last = dataset.Find("last_asset_event");
  Value updated = last != nullptr && last->is_map() ? Value(Text(*last, "timestamp")) : Value();
  for (const char* member : {"scheduled_dags", "producing_tasks", "consuming_tasks"})
    dataset.Set(member, Users(dataset, member));
  dataset.Set("aliases", Names(dataset, "aliases"));
  dataset.Set("watchers", Watches(dataset));
  dataset.Set("last_event", std::move(updated));
  return dataset;
}

const std::vector<Field> kDatasetFields = {{"id", "ID"},
                                           {"name", "DATASET"},
                                           {"uri", "URI"},
                                           {"group", "GROUP"},
                                           {"producing_tasks", "MADE BY"},
                                           {"consuming_tasks", "READ BY"},
                                           {"scheduled_dags", "STARTS"},
                                           {"aliases", "ALIASES"},
                                           {"watchers", "WATCHED"},
                                           {"last_event", "UPDATED"}};
const std::vector<Field> kEventFields = {{"id", "ID"},
                                         {"timestamp", "TIME"},
                                         {"name", "DATASET"},
                                         {"source_dag_id", "DAG"},
                                         {"source_run_id", "RUN"},
                                         {"source_task_id", "TASK"},
                                         {"partition_key", "PARTITION"},
                                         {"source_aliases", "ALIASES"},
                                         {"extra", "EXTRA"}};

// "3 of 7", or "3 of 7, 5 are enough"; null where keys are not rolled up.
Value Arrived(const Value& row) {
  if (row.Find("window_count") == nullptr) return Value();
  const auto count = [&row](std::string_view member) { return static_cast<std::int64_t>(Number(row, member)); };
  const std::string text = std::to_string(count("received_count")) + " of " + std::to_string(count("window_count"));
  const std::int64_t needed = count("required_count");
  if (needed == count("window_count")) return text;
  return text + ", " + std::to_string(needed) + (needed == 1 ? " is enough" : " are enough");
}

// "2024-03-14, 2024-03-15 and 12 more"
Value Missing(const Value& row) {
  if (row.Find("missing_keys") == nullptr) return Value();
  const Value::List keys = ListIn(row, "missing_keys");
  std::string text;
  for (const Value& key : keys) text += (text.empty() ? "" : ", ") + (key.is_string() ? key.as_string() : "");
  const std::int64_t more =
      static_cast<std::int64_t>(Number(row, "missing_count")) - static_cast<std::int64_t>(keys.size());
  return more > 0 ? text + " and " + std::to_string(more) + " more" : text;
}

}  // namespace

StatusOr<Value> FindDataset(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(
      const Value::List found,
      context.client.All(kAssets, "assets", {{"name_pattern", name}, {"only_active", "false"}}, 10'000));
  const auto dataset =
      std::find_if(found.begin(), found.end(), [&](const Value& one) { return Text(one, "name") == name; });
  if (dataset == found.end()) return NotFound("no DAG names a dataset '" + name + "'");
  return *dataset;
}

Status ListDatasets(Context& context, const std::string& dag_id) {
  QueryParameters query = {{"order_by", "name"}};
  if (!dag_id.empty()) query.emplace_back("dag_ids", dag_id);
  ASSIGN_OR_RETURN(const Value::List datasets, context.client.All(kAssets, "assets", query, 10'000));
  Value::List rows;
  for (const Value& dataset : datasets) rows.push_back(WithUsers(dataset));
  context.output.Rows(kDatasetFields, rows);
  return OkStatus();
}

Status ListDatasetEvents(Context& context, const std::string& name, int limit) {
  QueryParameters query = {{"order_by", "-timestamp"}};
  if (!name.empty()) {
    ASSIGN_OR_RETURN(const Value dataset, FindDataset(context, name));
    query.emplace_back("asset_id", ToJson(*dataset.Find("id")));
  }
  ASSIGN_OR_RETURN(Value::List events,
                   context.client.All(std::string(kAssets) + "/events", "asset_events", query,
                                      static_cast<std::size_t>(std::max(limit, 1))));
  for (Value& event : events) event.Set("source_aliases", Names(event, "source_aliases"));
  context.output.Rows(kEventFields, events);
  return OkStatus();
}

Status ListDatasetAliases(Context& context) {
  ASSIGN_OR_RETURN(Value::List aliases, context.client.All(std::string(kAssets) + "/aliases", "asset_aliases",
                                                           {{"order_by", "name"}}, 10'000));
  for (Value& alias : aliases) {
    alias = WithUsers(std::move(alias));
    alias.Set("assets", Names(alias, "assets"));
  }
  context.output.Rows({{"id", "ID"},
                       {"name", "ALIAS"},
                       {"group", "GROUP"},
                       {"assets", "DATASETS"},
                       {"producing_tasks", "FILLED BY"},
                       {"scheduled_dags", "STARTS"}},
                      aliases);
  return OkStatus();
}

Status ShowDataset(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(const Value dataset, FindDataset(context, name));
  context.output.Rows(kDatasetFields, {WithUsers(dataset)});
  return OkStatus();
}

Status MaterializeDataset(Context& context, const std::string& name, const TriggerOptions& options, bool& failed) {
  ASSIGN_OR_RETURN(const Value dataset, FindDataset(context, name));
  const std::string path = std::string(kAssets) + "/" + ToJson(*dataset.Find("id")) + "/materialize";
  return StartRun(context, path, options, failed);
}

Status UpdateDataset(Context& context, const std::string& name, const std::string& extra,
                     const std::string& partition_key) {
  const StatusOr<Value> value = ParseJson(extra);
  if (!value.ok() || !value->is_map()) return InvalidArgument("--extra must be a JSON object");
  ASSIGN_OR_RETURN(const Value dataset, FindDataset(context, name));
  Value body = Value::Map{{"asset_id", *dataset.Find("id")}, {"extra", *value}};
  if (!partition_key.empty()) body.Set("partition_key", partition_key);
  ASSIGN_OR_RETURN(const Value event, context.client.Post(std::string(kAssets) + "/events", body));
  context.output.Rows(kEventFields, {event});
  return OkStatus();
}

Status ListQueuedDatasetEvents(Context& context, const std::string& dag_id) {
  StatusOr<Value> queued = context.client.Get(DagPath(dag_id) + "/assets/queuedEvents");
  Value::List rows;
  if (queued.ok()) {
    for (Value row : queued->Find("queued_events")->as_list()) {
      ASSIGN_OR_RETURN(const Value dataset,
                       context.client.Get(std::string(kAssets) + "/" + ToJson(*row.Find("asset_id"))));
      row.Set("name", Text(dataset, "name"));
      row.Set("arrived", Arrived(row));
      row.Set("missing", Missing(row));
      rows.push_back(std::move(row));
    }
  } else if (queued.status().code() != Code::kNotFound ||
             queued.status().message().find("Queue") == std::string::npos) {
    return queued.status();  // no such DAG, or no answer
  }
  context.output.Rows({{"dag_id", "DAG"},
                       {"name", "DATASET"},
                       {"partition_key", "PARTITION"},
                       {"arrived", "ARRIVED"},
                       {"missing", "MISSING"},
                       {"created_at", "SINCE"}},
                      rows);
  return OkStatus();
}

Status ShowDeadlines(Context& context, const std::string& dag_id, const std::string& run_id) {
  const std::string path = RunPath(dag_id, run_id);
  ASSIGN_OR_RETURN(
      const Value answer,
      context.client.Get("/millrace/v1" + path.substr(std::string_view("/api/v2").size()) + "/deadlines"));
  const Value* deadlines = answer.Find("deadlines");
  context.output.Rows({{"reference", "REFERENCE"},
                       {"interval_seconds", "INTERVAL"},
                       {"due_at", "DUE"},
                       {"missed", "MISSED"},
                       {"missed_at", "MISSED AT"}},
                      deadlines != nullptr && deadlines->is_list() ? deadlines->as_list() : Value::List());
  return OkStatus();
}

}  // namespace millrace::dagctl
