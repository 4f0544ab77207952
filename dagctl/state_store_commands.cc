#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <iterator>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "dagctl/state_stores.h"

namespace millrace::dagctl {
namespace {

constexpr std::size_t kMostStates = 10'000;

const std::vector<Field> kTaskStateFields = {
    {"key", "KEY"}, {"value", "VALUE"}, {"updated_at", "UPDATED"}, {"expires_at", "EXPIRES"}};
const std::vector<Field> kDatasetStateFields = {
    {"key", "KEY"}, {"value", "VALUE"}, {"updated_at", "UPDATED"}, {"updated_by", "BY"}};

const std::vector<Field>& StateFields(const StateStoreOptions& options) {
  return options.dataset.empty() ? kTaskStateFields : kDatasetStateFields;
}

struct StorePlace {
  std::string path;
  QueryParameters query;
};

StatusOr<StorePlace> PlaceOf(Context& context, const StateStoreOptions& options) {
  if (!options.dataset.empty()) {
    ASSIGN_OR_RETURN(const Value dataset, FindDataset(context, options.dataset));
    return StorePlace{"/api/v2/assets/" + ToJson(*dataset.Find("id")) + "/state-store", {}};
  }
  const TaskName name = ParseTaskName(options.task_id);
  StorePlace place{TaskPath(options.dag_id, options.run_id, name.id) + "/state-store", {}};
  if (!name.map_index.empty()) place.query = {{"map_index", name.map_index}};
  return place;
}

// Slashes of a key part its path, as the API has it.
StatusOr<StorePlace> PlaceOfKey(Context& context, const StateStoreOptions& options) {
  ASSIGN_OR_RETURN(StorePlace place, PlaceOf(context, options));
  for (std::size_t begin = 0; begin <= options.key.size();) {
    const std::size_t end = std::min(options.key.find('/', begin), options.key.size());
    place.path += "/" + Segment(options.key.substr(begin, end - begin));
    begin = end + 1;
  }
  return place;
}

// "etl.load[3] in manual__1", or "api".
Value ShownWriter(Value row) {
  const Value* by = row.Find("last_updated_by");
  if (by == nullptr || !by->is_map()) return row;
  std::string writer = Text(*by, "kind");
  if (writer == "task") {
    writer = Text(*by, "dag_id") + "." + Text(*by, "task_id");
    const Value* index = by->Find("map_index");
    if (index != nullptr && index->is_int() && index->as_int() >= 0)
      writer += "[" + std::to_string(index->as_int()) + "]";
    writer += " in " + Text(*by, "run_id");
  }
  row.Set("updated_by", writer);
  return row;
}

Value JsonOrText(const std::string& word) {
  StatusOr<Value> value = ParseJson(word);
  return value.ok() ? *std::move(value) : Value(word);
}

}  // namespace

Status ListState(Context& context, const StateStoreOptions& options) {
  ASSIGN_OR_RETURN(const StorePlace place, PlaceOf(context, options));
  const char* member = options.dataset.empty() ? "task_state_store" : "asset_state_store";
  ASSIGN_OR_RETURN(Value::List rows, context.client.All(place.path, member, place.query, kMostStates));
  for (Value& row : rows) row = ShownWriter(std::move(row));
  context.output.Rows(StateFields(options), rows);
  return OkStatus();
}

Status GetState(Context& context, const StateStoreOptions& options) {
  ASSIGN_OR_RETURN(const StorePlace place, PlaceOfKey(context, options));
  StatusOr<Value> found = context.client.Get(place.path, place.query);
  if (options.otherwise && found.status().code() == Code::kNotFound)
    found = Value(Value::Map{{"key", options.key}, {"value", JsonOrText(*options.otherwise)}});
  ASSIGN_OR_RETURN(const Value row, std::move(found));
  const Value* value = row.Find("value");
  if (context.output.format() == Format::kTable && value != nullptr) {
    context.output.Say(value->is_string() ? value->as_string() : ToJson(*value));
  } else {
    context.output.Rows(StateFields(options), {ShownWriter(row)});
  }
  return OkStatus();
}

Status SetState(Context& context, const StateStoreOptions& options, std::istream& input, WallTime now) {
  std::string word = options.value;
  if (word == "-") {
    word.assign(std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>());
    while (!word.empty() && (word.back() == '\n' || word.back() == '\r')) word.pop_back();
  }
  Value body = Value::Map{{"value", JsonOrText(word)}};
  if (options.retention == "never") {
    body.Set("expires_at", Value());
  } else if (!options.retention.empty()) {
    ASSIGN_OR_RETURN(const Duration retention, ParseDuration(options.retention));
    if (retention <= Duration(0)) return InvalidArgument("--retention must be longer than nothing");
    body.Set("expires_at", FormatTime(now + retention));
  }
  ASSIGN_OR_RETURN(const StorePlace place, PlaceOfKey(context, options));
  RETURN_IF_ERROR(context.client.Put(place.path, body, place.query).status());
  context.output.Say("set " + options.key);
  return OkStatus();
}

Status DeleteState(Context& context, const StateStoreOptions& options) {
  ASSIGN_OR_RETURN(const StorePlace place, PlaceOfKey(context, options));
  RETURN_IF_ERROR(context.client.Delete(place.path, place.query).status());
  context.output.Say("deleted " + options.key);
  return OkStatus();
}

Status ClearState(Context& context, const StateStoreOptions& options) {
  ASSIGN_OR_RETURN(StorePlace place, PlaceOf(context, options));
  if (options.every_index) place.query = {{"all_map_indices", "true"}};
  RETURN_IF_ERROR(context.client.Delete(place.path, place.query).status());
  context.output.Say("cleared");
  return OkStatus();
}

void AddStateStore(CommandTree& tree, CLI::App& group, StateStoreOptions& options, bool of_datasets) {
  CLI::App* stores = group.add_subcommand(
      "state-store", of_datasets ? "what a dataset keeps for its tasks: list, get, set, delete, clear"
                                 : "what a task instance keeps for its retries: list, get, set, delete, clear");
  stores->require_subcommand(1);
  stores->fallthrough();
  const auto add = [&](const char* name, const char* help, CommandTree::Ask ask) {
    CLI::App* command = tree.Add(*stores, name, help, std::move(ask));
    if (of_datasets) {
      command->add_option("dataset", options.dataset)->required();
    } else {
      command->add_option("dag", options.dag_id)->required();
      command->add_option("run", options.run_id)->required();
      command->add_option("task", options.task_id, "of a mapped one: task[3]")->required();
    }
    return command;
  };
  const auto keyed = [&](CLI::App* command) {
    command->add_option("key", options.key)->required();
    return command;
  };
  add("list", "all of it", [&options](Context& c, bool&) { return ListState(c, options); });
  keyed(add("get", "one value", [&options](Context& c, bool&) { return GetState(c, options); }))
      ->add_option("-d,--default", options.otherwise, "when there is none");
  CLI::App* set = keyed(add("set", "keeps a value", [&tree, &options](Context& c, bool&) {
    return SetState(c, options, std::cin, tree.clock().now().wall);
  }));
  set->add_option("value", options.value, "JSON, or text; - for what comes on standard input")->required();
  if (!of_datasets)
    set->add_option("--retention", options.retention, "how long it is kept, as 6h or never; 30 days when left out");
  keyed(add("delete", "forgets one", [&options](Context& c, bool&) { return DeleteState(c, options); }));
  CLI::App* clear = add("clear", "forgets all", [&options](Context& c, bool&) { return ClearState(c, options); });
  if (!of_datasets)
    clear->add_flag("--all-map-indices", options.every_index, "of every instance of a mapped task");
}

}  // namespace millrace::dagctl
