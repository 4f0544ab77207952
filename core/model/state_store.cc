#include "core/model/state_store.h"

#include <algorithm>

#include "core/model/json.h"

namespace millrace {
namespace {

constexpr Duration kLongestRetention = std::chrono::hours(24 * 36'525);

}  // namespace

Status CheckStateKey(std::string_view key) {
  const bool plain =
      std::none_of(key.begin(), key.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  if (key.empty() || key.size() > kMaxStateKeyBytes || !plain) {
    return InvalidArgument("a key of a state store has 1 to " + std::to_string(kMaxStateKeyBytes) +
                           " bytes without control characters");
  }
  return OkStatus();
}

Status CheckStateValue(std::string_view json) {
  if (json.size() > kMaxStateValueBytes) {
    return InvalidArgument("the value has " + std::to_string(json.size()) + " bytes as JSON, at most " +
                           std::to_string(kMaxStateValueBytes) + " are kept: write a file and keep its path");
  }
  const StatusOr<Value> value = ParseJson(json);
  if (!value.ok()) return value.status().WithContext("the value is not JSON");
  if (value->is_null()) return InvalidArgument("the value cannot be null: delete the key instead");
  return OkStatus();
}

Status CheckStateRequest(const StateRequest& request) {
  if (request.op != StateOp::kClear) RETURN_IF_ERROR(CheckStateKey(request.key));
  if (request.op != StateOp::kSet) return OkStatus();
  if (request.retention < Duration(0) && request.retention != kForEver)
    return InvalidArgument("a retention is longer than nothing");
  if (request.retention > kLongestRetention)
    return InvalidArgument("a retention has at most 100 years: ask for none, and it is kept for ever");
  if (!request.dataset.empty() && request.retention != Duration(0))
    return InvalidArgument("what a dataset keeps has no retention: it stays until it is deleted");
  return CheckStateValue(request.json);
}

}  // namespace millrace
