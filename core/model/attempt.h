// What a worker is asked to run and what it answers. The scheduler's promise about an attempt is its worker's lease; the
// attempt's identity is its fence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/model/ids.h"
#include "core/model/job.h"

namespace millrace {

struct Assignment {
  Fence fence;
  TaskInstanceKey instance;
  std::string dag_id;
  std::string run_id;
  std::string task_id;
  std::int32_t try_number = 1;
  std::string kind;  // of core/spec; for a job's attempts "mapreduce"
  std::string with;  // JSON, templates rendered
  std::string context;  // JSON object: dates, params, conf; only for kinds that ask for it
  // Quoted references in shell text point here (MILLRACE_V1=...), and the run's dates and ids (MILLRACE_DS=...).
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> connections;  // names; the gateway adds the values, which nothing else holds
  std::string team = {};                 // whose they may be besides everybody's: that of its DAG
  std::vector<std::string> files;        // of the DAG version; the gateway adds their content
  std::string dag_hash;                  // the version whose files they are
  Duration timeout{0};                   // 0: none
  Duration kill_grace{0};
  std::int32_t slots = 1;  // 0: of a sensor
  std::shared_ptr<const StageWork> stage;  // set for a job's attempts
  std::vector<std::string> secrets;  // in `with` and `environment`: no log or answer may show them
};

enum class Outcome : std::uint8_t {
  kSuccess,
  kFailed,     // retried by the task's policy
  kFailFinal,  // failed for a reason that a retry cannot mend (bad SQL, a failed check)
  kSkipped,
  kNotYet,     // a sensor has looked in vain so far: it looks again; told only when its worker hands it back
  kKilled,     // by cancel, timeout or drain; `message` says which
  kLost,       // never started, or its runner died with the agent's lease
};

// Which stage task an attempt works on: what a worker tells of its job attempts when it joins, because the store keeps
// nothing of them before they end.
struct StageAttempt {
  Fence fence;
  JobKey job;
  std::int32_t stage = 0;
  std::int32_t index = 0;
};

// A named value that an attempt leaves for others. `json` is any JSON text.
struct XComValue {
  std::string key;
  std::string json;
  friend bool operator==(const XComValue&, const XComValue&) = default;
};
// The key of what an attempt returned (Report::result), and the most bytes of a value, and of all of an attempt.
inline constexpr const char* kReturnValue = "return_value";
inline constexpr std::size_t kMaxXComBytes = 48 * 1024;

// The error class of an attempt that ended for want of memory: a stage task is tried again with more slots, and their memory.
inline constexpr const char* kOutOfMemory = "OutOfMemory";

// A worker's word about an attempt. Kept by the agent and sent again until acknowledged.
struct Report {
  std::uint64_t sequence = 0;  // within the session, from 1, without gaps
  Fence fence;
  bool ended = false;  // false: it started
  Outcome outcome = Outcome::kSuccess;
  std::optional<std::int32_t> exit_code;
  std::string message;  // one line for people
  std::string result;   // JSON that the task kind returns: rows, files, a report; at most 48 KiB
  std::string error_class;  // of an exception: "ValueError"; may be empty
  std::vector<XComValue> xcoms;  // pushed by name; with the result at most 48 KiB
  WallTime started_at{};
  WallTime ended_at{};
  StageResult stage;  // of a job's attempts
};

// What a worker says of itself when it joins.
struct WorkerOffer {
  std::string name;
  std::string hostname;
  std::int32_t slots = 1;
  std::vector<std::string> labels;
  std::string version;
  std::string shuffle_address;
  std::string shuffle_socket;
  std::string host_identity;
  std::string engine_version;  // DuckDB's version and the block format: one job never mixes them
  std::int64_t pid = 0;
  std::int64_t memory_bytes = 0;  // for all slots together; 0: not told
};

}  // namespace millrace
