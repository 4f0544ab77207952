#include "scheduler/api/bulk.h"

#include <algorithm>
#include <array>

#include "scheduler/api/answer.h"

namespace millrace::api {
namespace {

constexpr std::array<const char*, 3> kNames = {"create", "update", "delete"};
constexpr std::size_t kMostEntities = 1000;

std::string TextIn(const Value& map, const char* name, const char* otherwise) {
  const Value* value = map.Find(name);
  return value != nullptr && value->is_string() ? value->as_string() : otherwise;
}

}  // namespace

bool BulkAction::Masked(std::string_view field) const {
  return update_mask.empty() || std::find(update_mask.begin(), update_mask.end(), field) != update_mask.end();
}

std::vector<BulkAction> ReadBulk(BodyInput& body) {
  std::vector<BulkAction> actions;
  const Value written = body.Any("actions");
  if (!written.is_list()) {
    body.issues().Add("body", "actions", written.is_null() ? "missing" : "list_type",
                      "A list of actions is required", written);
    return actions;
  }
  std::size_t entities = 0;
  for (const Value& one : written.as_list()) {
    BulkAction action;
    const std::string name = TextIn(one, "action", "");
    const auto kind =
        std::find_if(kNames.begin(), kNames.end(), [&](const char* known) { return name == known; });
    const Value* list = one.Find("entities");
    if (kind == kNames.end() || list == nullptr || !list->is_list()) {
      body.issues().Add("body", "actions", "value_error",
                        "An action is {action: create, update or delete, entities: [...]}", one);
      continue;
    }
    action.kind = static_cast<BulkKind>(kind - kNames.begin());
    action.entities = list->as_list();
    entities += action.entities.size();
    action.on_existence = TextIn(one, "action_on_existence", "fail");
    action.on_non_existence = TextIn(one, "action_on_non_existence", "fail");
    if (const Value* mask = one.Find("update_mask"); mask != nullptr && mask->is_list()) {
      for (const Value& field : mask->as_list()) {
        if (field.is_string()) action.update_mask.push_back(field.as_string());
      }
    }
    const bool known = (action.on_existence == "fail" || action.on_existence == "skip" ||
                        action.on_existence == "overwrite") &&
                       (action.on_non_existence == "fail" || action.on_non_existence == "skip");
    if (!known) {
      body.issues().Add(
          "body", "actions", "enum",
          "action_on_existence is fail, skip or overwrite; action_on_non_existence is fail or skip", one);
    }
    actions.push_back(std::move(action));
  }
  if (entities > kMostEntities)
    body.issues().Add("body", "actions", "too_long", "At most 1000 entities in one request");
  return actions;
}

void BulkAnswer::Failed(BulkKind kind, const Status& status) {
  Failed(kind, status.message(), ErrorAnswer(status).status);
}

void BulkAnswer::Failed(BulkKind kind, const std::string& message, int status) {
  results_[kind].second.emplace_back(Value::Map{{"error", message}, {"status_code", status}});
}

Value BulkAnswer::Wire() const {
  Value wire{Value::Map()};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const auto found = results_.find(static_cast<BulkKind>(i));
    wire.Set(kNames[i], found == results_.end() ? Value()
                                                : Value(Value::Map{{"success", found->second.first},
                                                                   {"errors", found->second.second}}));
  }
  return wire;
}

}  // namespace millrace::api
