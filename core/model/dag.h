// A DAG version: what dagbag makes of a file, immutable from then on, shared between threads as
// std::shared_ptr<const Dag>. Task order is topological; edges are indices into `tasks`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/model/value.h"

namespace millrace {

// Airflow's twelve; what an instance needs of its direct upstream before it may start.
enum class TriggerRule : std::uint8_t {
  kAllSuccess,
  kAllFailed,
  kAllDone,
  kAllDoneMinOneSuccess,
  kAllSkipped,
  kOneFailed,
  kOneSuccess,
  kOneDone,
  kNoneFailed,
  kNoneFailedMinOneSuccess,
  kNoneSkipped,
  kAlways,
};

// How often and when a failed attempt is followed by another. Attempts lost with their worker do not count.
struct RetryPolicy {
  int retries = 0;
  Duration delay = std::chrono::minutes(5);
  double multiplier = 1.0;  // delay * multiplier^(n-1) before the n-th retry
  Duration max_delay = std::chrono::hours(24);
};

enum class OnWorkerLost : std::uint8_t { kRetry, kFail };

struct Task {
  std::string id;
  std::string kind;  // a word of core/spec: "shell", "sql", "mapreduce"
  Value with;        // its fields, templates not yet rendered
  std::vector<std::int32_t> upstream;
  std::vector<std::int32_t> downstream;
  TriggerRule trigger_rule = TriggerRule::kAllSuccess;
  RetryPolicy retry;
  Duration execution_timeout{0};  // 0: none
  Duration kill_grace = std::chrono::seconds(10);
  OnWorkerLost on_worker_lost = OnWorkerLost::kRetry;
  std::string pool = "default_pool";
  int pool_slots = 1;
  int priority_weight = 1;
  std::string owner;
  std::string doc;
  std::vector<std::string> connections;  // names that `with` uses; the only ones an attempt is handed
  std::vector<std::string> files;        // contracts and scripts that `with` names, beneath the DAG folder
  Position where;
};

// Which meaning a cron expression has (docs: README, "schedule and schedule_interval").
enum class ScheduleKind : std::uint8_t {
  kNone,          // manual runs only
  kOnce,
  kCronTrigger,   // `schedule`: Airflow 3, logical date = fire time
  kCronInterval,  // `schedule_interval`: Airflow 2, the run covers the interval that just ended
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::kNone;
  std::string expression;  // the cron text, presets already expanded
  std::string written;     // as the author wrote it
  std::string timezone = "UTC";
  std::optional<WallTime> start;
  std::optional<WallTime> end;
  bool catchup = false;
};

// A parameter of a run: conf may override the default.
struct Param {
  std::string name;
  std::string type;  // JSON Schema's: string, integer, number, boolean, array, object; "" for any
  Value default_value;
  Value schema;  // the whole of what the author wrote, for trigger forms
  std::string description;
};

// A file that belongs to a version and travels with assignments that name it.
struct DagFile {
  std::string path;  // relative to the DAG folder
  std::string content;
};

struct Dag {
  std::string id;
  std::string hash;  // of everything below, hex: the version's identity
  std::string description;
  std::string doc;
  std::vector<std::string> tags;
  std::string owner;
  Schedule schedule;
  int max_active_runs = 16;
  int max_active_tasks = 16;
  bool paused_upon_creation = false;
  std::vector<Param> params;
  std::vector<Task> tasks;
  std::vector<DagFile> files;
  std::string file;    // relative to the DAG folder
  std::string source;  // the file's text, as the API's dagSources shows it

  // Index of a task, or -1.
  std::int32_t FindTask(std::string_view task_id) const;
};

using DagPtr = std::shared_ptr<const Dag>;

// Something wrong with a file, as `dagctl dags validate` and the dashboard show it.
struct Problem {
  std::string file;
  Position where;
  std::string message;
  std::string suggestion;  // "did you mean 'needs'?"; may be empty
  friend bool operator==(const Problem&, const Problem&) = default;
};

// A file's whole trouble; replaced or removed as the file changes.
struct ImportError {
  std::string file;
  WallTime at{};
  std::vector<Problem> problems;
};

std::string_view ToString(TriggerRule rule);
std::optional<TriggerRule> TriggerRuleFromString(std::string_view text);

}  // namespace millrace
