// A DAG version: what dagbag makes of a file, immutable from then on, shared between threads as
// std::shared_ptr<const Dag>. Task order is topological; edges are indices into `tasks`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/boxed.h"
#include "core/base/clock.h"
#include "core/model/notification.h"
#include "core/model/schedule.h"
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
  kAllDoneSetupSuccess,  // of a teardown: all done, and a setup of it succeeded; no author writes it
};

// What to do about a failure of a certain kind; the first rule that fits decides.
struct RetryRule {
  std::vector<std::int32_t> exit_codes;    // none: any
  std::vector<std::string> error_classes;  // names of exceptions, "ValueError"; none: any
  std::string match;                       // part of the failure's message; "": any
  bool retry = true;                       // false: it fails at once
  bool reschedule = false;                 // tried again without using a retry, until one of these is reached:
  int max_reschedules = 0;                 // how often within one try; 0: as often as it takes
  Duration reschedule_timeout{0};          // how long after the try's first start; 0: however long it takes
  std::optional<Duration> delay;           // instead of the policy's
};

// How often and when a failed attempt is followed by another. Attempts lost with their worker do not count.
struct RetryPolicy {
  int retries = 0;
  Duration delay = std::chrono::minutes(5);
  double multiplier = 1.0;  // delay * multiplier^(n-1) before the n-th retry
  Duration max_delay = std::chrono::hours(24);
  double jitter = 0;  // part of the delay, 0 to 1, by which it is lengthened or shortened at most
  std::vector<RetryRule> rules;
};

enum class OnWorkerLost : std::uint8_t { kRetry, kFail };

// How a task's end decides which tasks behind it run.
enum class Steering : std::uint8_t {
  kNone,
  kBranch,        // its result names those that do: an id, a list of ids, or null for none
  kShortCircuit,  // its result is true, or nothing behind it runs
  kLatestOnly,    // nothing behind it runs in a run that is not the DAG's latest
};

// How many tasks count into a task's priority: those behind it, those before it, or itself alone.
enum class WeightRule : std::uint8_t { kDownstream, kUpstream, kAbsolute };

// A setup prepares what the tasks up to its teardown use; a teardown runs whenever a setup of it succeeded.
enum class TaskRole : std::uint8_t { kWork, kSetup, kTeardown };

// An XCom that the templates of a task read.
struct XComRef {
  std::int32_t task = 0;
  std::string key = "return_value";
  friend auto operator<=>(const XComRef&, const XComRef&) = default;
};

// What an earlier success of the task with the same inputs left may stand for running it again.
struct CachePolicy {
  Duration expires{0};  // 0: never
  Value key;            // a template; null: the rendered fields and the files that they name
  Value::List inputs;   // templates of what counts besides
};

// Whether a task is to run at all, asked when it is ready; if not, it is skipped.
struct RunCondition {
  Value condition;      // a template, whose text is true or false
  std::string message;  // the reason it is skipped with; "": tells the condition
};

// A task, or the tasks of a group, runs again, one iteration after the other, until a condition holds: what each
// returns is the next one's loop.previous.
struct LoopPolicy {
  Value until;             // a template over loop.result, asked after each iteration; null: max_iterations of them
  int max_iterations = 1;  // reached while `until` does not hold: the task, or the gate, fails
  Duration delay{0};       // between them
};

// One name of `expand` and where its values come from: a list, a map (its members as {key, value}), or text,
// which is a template of one of them.
struct Expansion {
  std::string name;  // "": each item is a map of names to values
  Value values;
};

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
  std::vector<std::string> outlets;      // datasets that its success updates
  std::vector<std::string> inlets;       // datasets that it reads: shown, not waited for
  std::vector<std::string> outlet_aliases;  // what each stands for its result says: outlet_events
  std::vector<std::string> inlet_aliases;
  Position where;

  std::int32_t group = -1;  // the innermost, in Dag::groups
  // `priority_weight` is what counts; this is the author's number, before the rule added others.
  int own_weight = 1;
  WeightRule weight_rule = WeightRule::kDownstream;
  Boxed<Value> weight;  // a template of each instance's priority, instead of a rule; none: `priority_weight` is every one's
  int max_active_tis_per_dag = 0;     // 0: no limit
  int max_active_tis_per_dagrun = 0;  // 0: no limit
  bool depends_on_past = false;
  bool wait_for_downstream = false;
  Steering steering = Steering::kNone;
  bool in_engine = false;  // the engine runs it itself: no worker, no slot
  bool sensor = false;     // waits, as deferred, and holds no slot: on a worker, or (in_engine) in the engine
  TaskRole role = TaskRole::kWork;
  bool on_failure_fail_dagrun = false;  // of a teardown
  std::vector<std::int32_t> setups;     // whose scope it lies in; of a teardown: its own
  std::vector<XComRef> pulls;           // what its templates read
  std::vector<XComRef> expand_pulls;    // what its own `expand`, or its group's, reads
  std::vector<Expansion> expand;        // not empty: one instance for each combination
  bool zip = false;                // the first of each, the second of each, ... instead of every combination
  bool zip_fills = false;          // shorter lists go on with `zip_fill`
  Value zip_fill;
  std::int32_t mapped_group = -1;  // in Dag::groups: the one whose `expand` gives it its instances
  std::vector<std::int32_t> callbacks;  // in Dag::callbacks
  std::vector<LookupRef> lookups;  // what its templates read besides XComs
  std::vector<LookupRef> expand_lookups;  // what its own `expand`, or its group's, reads besides XComs
  Boxed<CachePolicy> cache;
  Boxed<RunCondition> run_if;
  Boxed<RunCondition> skip_if;
  Boxed<LoopPolicy> loop;  // its own; of a gate its group's
  std::int32_t loop_gate = -1;     // in Dag::tasks: the gate of the group around it that loops; of a gate itself
  Boxed<Value> map_index_template;  // of what an instance of a mapped task is called; none: its number alone

  bool mapped() const { return !expand.empty() || mapped_group >= 0; }
};

// The kind of the last task of a group that loops, which nobody writes: it asks `until`, and what needs the group waits
// for it. The id ends as Airflow's does.
inline constexpr std::string_view kLoopGate = "loop_gate";
inline constexpr std::string_view kLoopGateId = "__loop_gate";
inline bool IsLoopGate(const Task& task) { return task.kind == kLoopGate; }

// Tasks that belong together; their ids begin with its id.
struct TaskGroup {
  std::string id;  // whole: "outer.inner"
  std::string tooltip;
  std::int32_t parent = -1;
  std::vector<Expansion> expand;
  bool zip = false;
  bool zip_fills = false;  // as of a task
  Value zip_fill;
};

// A word at a dependency.
struct EdgeLabel {
  std::int32_t from = 0;
  std::int32_t to = 0;
  std::string text;
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
  std::vector<Deadline> deadlines;
  std::vector<Dataset> datasets;  // that the schedule and the tasks name
  std::vector<DatasetAlias> aliases;  // the same
  int max_active_runs = 16;
  int max_active_tasks = 16;
  bool paused_upon_creation = false;
  int max_consecutive_failed_runs = 0;  // so many failures one after the other pause the DAG; 0: never
  std::vector<Param> params;
  std::vector<Task> tasks;
  std::vector<TaskGroup> groups;  // parents first
  std::vector<EdgeLabel> labels;
  Duration run_timeout{0};  // 0: none
  int max_dag_retries = 0;  // how often a run that failed is tried again by itself
  Duration dag_retry_delay = std::chrono::minutes(5);
  bool dag_retry_all = false;  // with all of its tasks, not only with what failed and what stands behind that
  bool fail_fast = false;   // the first failure ends the run
  std::vector<Callback> callbacks;           // of tasks, of the run and of deadlines, each once
  std::vector<std::int32_t> run_callbacks;   // of these, those about the run
  std::vector<DagFile> files;
  std::string team;    // that its bundle belongs to; "": everybody's
  std::string bundle;  // where its file comes from: a name of scheduler/dagbag's
  std::string bundle_version;  // of a bundle that has versions, as git's commits, the one in which this was first seen
  std::string file;    // relative to the folder of its bundle
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
  std::string bundle = {};  // "": dags-folder
};

std::string_view ToString(TriggerRule rule);
std::optional<TriggerRule> TriggerRuleFromString(std::string_view text);

}  // namespace millrace
