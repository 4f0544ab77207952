#include "scheduler/engine/outlet_events.h"

#include <algorithm>
#include <utility>

#include "core/model/ids.h"
#include "core/model/json.h"

namespace millrace::engine {
namespace {

bool IsOneOf(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the task said of its outlets, or null. What it merely returned counts only where there is an outlet.
StatusOr<Value> SaidBy(const Task& task, const std::string& result, const std::vector<XComValue>& xcoms) {
  for (const XComValue& xcom : xcoms) {
    if (xcom.key == kOutletEvents) return ParseJson(xcom.json);
  }
  const bool has_outlets = !task.outlets.empty() || !task.outlet_aliases.empty();
  if (!has_outlets || result.find(kOutletEvents) == std::string::npos) return Value();
  ASSIGN_OR_RETURN(const Value returned, ParseJson(result));
  const Value* said = returned.is_map() ? returned.Find(kOutletEvents) : nullptr;
  return said != nullptr ? *said : Value();
}

StatusOr<std::string> ExtraOf(const Value& event) {
  const Value* extra = event.Find("extra");
  if (extra == nullptr || extra->is_null()) return std::string("{}");
  if (!extra->is_map())
    return InvalidArgument("'extra' must be an object, not a " + std::string(extra->TypeName()));
  return ToJson(*extra);
}

// Each is an event: no task may flood the DAGs that wait for it.
constexpr std::size_t kMostPartitionKeys = 1000;

// One or several, each once.
StatusOr<std::vector<std::string>> PartitionKeysOf(const Value& event) {
  std::vector<std::string> keys;
  const Value* written = event.Find("partition_keys");
  if (written == nullptr || written->is_null()) return keys;
  for (const Value& key : written->is_list() ? written->as_list() : Value::List{*written}) {
    if (!key.is_string() || !IsValidPartitionKey(key.as_string())) {
      return InvalidArgument("'partition_keys' must be texts of 1 to 250 bytes without control characters, not " +
                             ToJson(key).substr(0, 200));
    }
    if (!IsOneOf(keys, key.as_string())) keys.push_back(key.as_string());
  }
  if (keys.size() <= kMostPartitionKeys) return keys;
  return InvalidArgument("'partition_keys' has " + std::to_string(keys.size()) + " keys; at most " +
                         std::to_string(kMostPartitionKeys) + " are allowed");
}

Status CheckMembers(const Value& map, const std::vector<std::string>& known) {
  for (const auto& [name, value] : map.as_map()) {
    if (IsOneOf(known, name)) continue;
    std::string all;
    for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
    return InvalidArgument("it has '" + name + "'; known are " + all);
  }
  return OkStatus();
}

// A name, or {name, uri, group, extra}.
StatusOr<Dataset> DatasetOf(const Value& written) {
  Dataset dataset;
  if (written.is_map()) {
    RETURN_IF_ERROR(CheckMembers(written, {"name", "uri", "group", "extra"}).WithContext("'dataset'"));
    for (const auto& [name, to] : {std::pair("name", &dataset.name), std::pair("uri", &dataset.uri),
                                   std::pair("group", &dataset.group)}) {
      if (const Value* value = written.Find(name); value != nullptr && value->is_string())
        *to = value->as_string();
    }
    if (const Value* extra = written.Find("extra"); extra != nullptr && extra->is_map())
      dataset.extra = *extra;
  } else if (written.is_string()) {
    dataset.name = written.as_string();
  }
  if (dataset.name.empty()) dataset.name = dataset.uri;
  if (dataset.uri.empty()) dataset.uri = dataset.name;
  if (!IsDatasetName(dataset.name)) {
    return InvalidArgument("'dataset' must be a name of printable ASCII, or {name, uri, group, extra}, not " +
                           ToJson(written).substr(0, 200));
  }
  return dataset;
}

// One of what an alias stands for: a dataset's name, or {dataset, extra, partition_keys}.
StatusOr<OutletEvent> AttachedOf(const Value& written) {
  OutletEvent event;
  if (!written.is_map()) {
    ASSIGN_OR_RETURN(event.dataset, DatasetOf(written));
    return event;
  }
  RETURN_IF_ERROR(CheckMembers(written, {"dataset", "extra", "partition_keys"}));
  const Value* dataset = written.Find("dataset");
  if (dataset == nullptr) return InvalidArgument("'dataset' is missing");
  ASSIGN_OR_RETURN(event.dataset, DatasetOf(*dataset));
  ASSIGN_OR_RETURN(event.extra, ExtraOf(written));
  ASSIGN_OR_RETURN(event.partition_keys, PartitionKeysOf(written));
  return event;
}

Status Attach(const std::string& alias, const Value& written, std::size_t own,
              std::vector<OutletEvent>& events) {
  for (const Value& item : written.is_list() ? written.as_list() : Value::List{written}) {
    ASSIGN_OR_RETURN(OutletEvent event, AttachedOf(item));
    const auto same = std::find_if(
        events.begin() + static_cast<std::ptrdiff_t>(own), events.end(), [&](const OutletEvent& other) {
          return other.dataset.name == event.dataset.name && other.extra == event.extra &&
                 other.partition_keys == event.partition_keys;
        });
    if (same == events.end()) {
      event.aliases = {alias};
      events.push_back(std::move(event));
    } else if (!IsOneOf(same->aliases, alias)) {
      same->aliases.push_back(alias);
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<OutletEvent>> OutletEventsOf(const Task& task, const std::string& result,
                                                  const std::vector<XComValue>& xcoms) {
  std::vector<OutletEvent> events;
  for (const std::string& name : task.outlets)
    events.push_back({{.name = name, .uri = name, .extra = {}}, "{}", {}});
  ASSIGN_OR_RETURN(const Value said, SaidBy(task, result, xcoms));
  if (said.is_null()) return events;
  if (!said.is_map()) {
    return InvalidArgument(std::string(kOutletEvents) + " must be an object by outlet, not a " +
                           std::string(said.TypeName()));
  }
  for (const auto& [name, written] : said.as_map()) {
    const std::string what = std::string(kOutletEvents) + ": '" + name + "'";
    const auto outlet = std::find(task.outlets.begin(), task.outlets.end(), name);
    if (outlet != task.outlets.end()) {
      if (!written.is_map()) return InvalidArgument(what + " must be an object with 'extra' or 'partition_keys'");
      RETURN_IF_ERROR(CheckMembers(written, {"extra", "partition_keys"}).WithContext(what));
      StatusOr<std::string> extra = ExtraOf(written);
      if (!extra.ok()) return extra.status().WithContext(what);
      StatusOr<std::vector<std::string>> keys = PartitionKeysOf(written);
      if (!keys.ok()) return keys.status().WithContext(what);
      OutletEvent& event = events[static_cast<std::size_t>(outlet - task.outlets.begin())];
      event.extra = std::move(extra).value();
      event.partition_keys = std::move(keys).value();
    } else if (IsOneOf(task.outlet_aliases, name)) {
      RETURN_IF_ERROR(Attach(name, written, task.outlets.size(), events).WithContext(what));
    } else {
      std::string known;
      for (const std::vector<std::string>* names : {&task.outlets, &task.outlet_aliases}) {
        for (const std::string& one : *names) known += (known.empty() ? "" : ", ") + one;
      }
      return InvalidArgument(what + " is none of the task's outlets" +
                             (known.empty() ? "; it has none" : ", which are " + known));
    }
  }
  return events;
}

}  // namespace millrace::engine
