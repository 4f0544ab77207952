// When a DAG runs: what dagbag reads from `schedule` and its neighbours, what core/calendar makes a timetable
// of, and what the engine asks about datasets and deadlines. Plain values, part of a DAG version.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/boxed.h"
#include "core/base/clock.h"
#include "core/model/value.h"

namespace millrace {

// What makes runs besides people (docs: README, "schedule and schedule_interval").
enum class ScheduleKind : std::uint8_t {
  kNone,  // manual runs only, or datasets only
  kOnce,
  kCronTrigger,   // `schedule`, a cron or a fixed interval: Airflow 3, logical date = fire time
  kCronInterval,  // `schedule_interval`: Airflow 2, the run covers the interval that just ended
  kMultipleCron,  // at the times of any of `crons`
  kEvents,        // at the times listed in `events`
  kContinuous,    // the next run as soon as the one before it is over
};

// Which of the dates that were missed still get their run.
enum class Catchup : std::uint8_t {
  kLast,  // the newest: Airflow's catchup=False
  kNone,  // none that is more than five minutes late
  kAll,   // every one
};

// What happens when a run is due while an earlier one of the schedule's is not over.
enum class Overlap : std::uint8_t {
  kQueue,        // it waits for max_active_runs
  kSkip,         // it is left out; datasets' events wait for the end
  kCancelOther,  // the earlier ones are cancelled
  kAllowAll,     // it starts whatever max_active_runs says
};

// A tree over datasets' names: whether it holds depends on which of them had an event.
struct DatasetCondition {
  enum class Op : std::uint8_t { kDataset, kAll, kAny, kAlias };
  Op op = Op::kDataset;
  std::string dataset;                  // of a leaf; of kAlias the alias
  std::vector<DatasetCondition> parts;  // of all and any
};

// "a and (b or c)", for people.
std::string ConditionText(const DatasetCondition& condition);

// The datasets of its leaves, each once, sorted; and the aliases.
std::vector<std::string> NamesIn(const DatasetCondition& condition);
std::vector<std::string> AliasesIn(const DatasetCondition& condition);

// The datasets that tasks have attached to each alias so far.
using AttachedDatasets = std::map<std::string, std::set<std::string>, std::less<>>;
// The same condition over datasets alone: an alias is any of those that are attached to it.
DatasetCondition Resolved(const DatasetCondition& condition, const AttachedDatasets& attached);
// Whether it holds when just these (sorted) have had an event.
bool Holds(const DatasetCondition& condition, const std::vector<std::string>& updated);

// The keys that make up one period, or one set (Airflow's windows): of a roll-up those that its run waits for, of a
// fan-out those that one update counts for.
struct PartitionWindow {
  enum class Kind : std::uint8_t {
    kHour,     // its minutes
    kDay,      // its hours: 23 or 25 where clocks change
    kWeek,     // its days
    kMonth,    // its days
    kQuarter,  // its months
    kYear,     // its months
    kSegment,  // `segments`
  };
  Kind kind = Kind::kDay;
  bool is_backward = false;  // a fan-out's: the period ends with the update's, instead of beginning with it
  std::vector<std::string> segments;
};

// How the partition key of a dataset's event becomes the key of the run that it counts for (Airflow's partition
// mappers; core/calendar/partition_key.h).
struct PartitionMapper {
  enum class Kind : std::uint8_t {
    kIdentity,
    kHour,  // from here to kYear: the start of the one that the key's time lies in
    kDay,
    kWeek,
    kMonth,
    kQuarter,
    kYear,
    kProduct,  // each part of the key by a mapper of its own
    kAllowed,  // the same key, which must be one of these
    kFixed,    // the same run for whatever key
    kChain,    // one mapper after the other
    kRollup,   // one mapper; the run waits for every key of a window
    kFanOut,   // one update counts for every key of a window
  };
  Kind kind = Kind::kIdentity;
  std::string timezone = "UTC";  // in which times are read, cut and written
  std::string input_format;      // strptime's
  std::string output_format;     // strftime's; {quarter} stands for 1 to 4
  std::int32_t start = 0;        // kWeek: the day it begins with, Monday 0; kMonth: the day, 1 to 28
  std::string delimiter = "|";   // kProduct
  // Of kProduct and kChain theirs; of kRollup the one that gives the run's key; of kFanOut that one, which gives the
  // period, and the one that writes the keys.
  std::vector<PartitionMapper> parts;
  std::vector<std::string> allowed;
  std::string fixed;                      // kFixed
  std::optional<PartitionWindow> window;  // kRollup, kFanOut
  std::int32_t minimum = 0;   // kRollup: so many keys are enough, or all but so many when negative; 0: all
  std::int32_t max_keys = 0;  // kChain, kFanOut: an update that counts for more counts for none; 0: 1,000
};

struct DatasetMapper {
  std::string dataset;
  PartitionMapper mapper;
};

// What gives a schedule's runs their partition keys: a cron's fires, or the keys of the datasets' events.
struct Partitioning {
  std::string key_format;         // strftime's, of a fire; "" for datasets
  std::int32_t run_offset = 0;    // so many fires later (earlier when negative) is the date of a run's partition
  PartitionMapper mapper;         // of all datasets but
  std::vector<DatasetMapper> mappers;  // these
};

struct Schedule {
  ScheduleKind kind = ScheduleKind::kNone;
  std::string expression;  // the cron text, presets already expanded, or a fixed interval
  std::string written;     // as the author wrote it, on one line
  std::string timezone = "UTC";
  std::optional<WallTime> start;
  std::optional<WallTime> end;
  Catchup catchup = Catchup::kLast;
  std::vector<std::string> crons;  // kMultipleCron
  Duration data_interval{0};       // kCronTrigger, kMultipleCron: a run covers so much before its fire
  std::optional<Duration> run_immediately;  // without start_date: a fire not longer ago still gets its run
  std::vector<WallTime> events;             // kEvents, ascending
  bool restrict_to_events = false;          // a manual run's interval is an event's, too
  Overlap overlap = Overlap::kQueue;
  Duration jitter{0};  // a run starts later by up to this; by how much follows from DAG and date
  Boxed<DatasetCondition> datasets;
  // Its runs have partition keys. With datasets the condition must hold over the events of one key.
  Boxed<Partitioning> partitions;
};

// What is looked at from time to time without a task: a change is an event of its dataset (Airflow's asset
// watcher).
struct Watch {
  std::string kind;  // of core/spec: a sensor that workers look for
  std::string name;  // the kind when left out
  Value with;        // its fields, poke_interval among them; no templates, since there is no run
  std::vector<std::string> connections;
  std::vector<std::string> files;
};

// A named input or output of tasks, as the author describes it (Airflow's asset).
struct Dataset {
  std::string name;
  std::string uri;  // the name when left out
  std::string group = "asset";
  Value extra;  // a map, or null
  std::optional<Watch> watch = {};
};
// Printable ASCII, at most 1,500 characters, as in Airflow.
bool IsDatasetName(std::string_view name);

// A name for datasets that only become known when a task runs (Airflow's asset alias).
struct DatasetAlias {
  std::string name;
  std::string group = "asset";
};

// How a DAG uses a dataset.
enum class DatasetRole : std::uint8_t { kScheduled, kProducing, kConsuming };

enum class DeadlineReference : std::uint8_t { kQueuedAt, kLogicalDate, kFixed, kAverageRuntime };

// A moment by which a run should be over. Missing it changes nothing about the run: somebody is told.
struct Deadline {
  DeadlineReference reference = DeadlineReference::kQueuedAt;
  WallTime fixed{};      // kFixed
  Duration interval{0};  // after the reference; may be negative
  int max_runs = 10;     // kAverageRuntime: of so many successful runs
  int min_runs = 10;     // and with fewer there is no deadline
  Value callback;        // who is told, as written
  std::vector<std::int32_t> callbacks;  // the same, in Dag::callbacks
};

}  // namespace millrace
