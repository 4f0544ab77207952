// State stores: values that a task keeps beside its runs. That of a task instance is found again by its retries, that of a
// dataset by every task that reads or writes it. Rows as the store has them, and what a running attempt asks of them: a
// request is answered once it is durable, and may be asked again (set, delete and clear do the same a second time).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "core/model/ids.h"

namespace millrace {

// Airflow's bounds; and how many requests an attempt may have under way.
inline constexpr std::size_t kMaxStateKeyBytes = 512;
inline constexpr std::size_t kMaxStateValueBytes = 65'535;
inline constexpr std::size_t kMaxStateRequests = 16;
// How long a task instance's value is kept unless it says otherwise, counted from its last write.
inline constexpr Duration kStateRetention = std::chrono::hours(24 * 30);

struct TaskStateRow {
  TaskInstanceKey instance;
  std::string key;
  std::string json;  // any but null
  WallTime at{};
  std::optional<WallTime> expires_at = {};  // none: never
  bool deleted = false;                     // with an empty key: all of the instance
  friend bool operator==(const TaskStateRow&, const TaskStateRow&) = default;
};

struct DatasetStateRow {
  std::string dataset;
  std::string key;
  std::string json;  // any but null
  WallTime at{};
  // The task instance that wrote it; without a DAG somebody did by hand.
  std::string dag_id = {};
  std::string run_id = {};
  std::string task_id = {};
  std::int32_t map_index = -1;
  bool deleted = false;  // with an empty key: all of the dataset
  friend bool operator==(const DatasetStateRow&, const DatasetStateRow&) = default;
};

enum class StateOp : std::uint8_t { kGet, kSet, kDelete, kClear };

// StateRequest::retention: as long as the run is there.
inline constexpr Duration kForEver{-1};

// What an attempt asks, or asks for.
struct StateRequest {
  Fence fence;
  std::uint64_t id = 0;  // of the attempt
  StateOp op = StateOp::kGet;
  std::string dataset;  // "": of its own task instance
  std::string key;      // not of kClear
  std::string json;     // of kSet
  // Of kSet for a task instance; 0: kStateRetention. A length and no time, so that no worker's clock counts.
  Duration retention{0};
  friend bool operator==(const StateRequest&, const StateRequest&) = default;
};

// Durable when it leaves the scheduler.
struct StateAnswer {
  SessionId session{};
  Fence fence;
  std::uint64_t id = 0;
  bool found = false;  // of kGet
  std::string json;    // of kGet, when it was found
  std::string error;   // not empty: nothing was done, and why
  friend bool operator==(const StateAnswer&, const StateAnswer&) = default;
};

// INVALID_ARGUMENT says what is wrong with it.
Status CheckStateKey(std::string_view key);
Status CheckStateValue(std::string_view json);
// All that can be known without the attempt.
Status CheckStateRequest(const StateRequest& request);

}  // namespace millrace
