// The `with` of a `mapreduce` task, typed. Read by DAG validation, by the worker's mapreduce room (plan and
// stage tasks) and by scheduler/jobs (partitions, mode). Pure; any thread.
//
// Deliberately not here: binding SQL, deriving combine/merge/reduce from `aggregate` (the plan attempt does
// both, with DuckDB).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/value.h"
#include "core/spec/check_spec.h"
#include "core/spec/field.h"

namespace millrace {

// One step: SQL, a Hadoop-Streaming command, or a class of a shared library. All empty: the step is not
// there.
struct CodeSpec {
  std::string sql;
  std::vector<std::string> command;  // argv; lines in, key TAB value out
  std::string library;               // path beneath the worker's root
  std::string class_name;            // "": the library's only class for this step
  bool empty() const { return sql.empty() && command.empty() && library.empty(); }
  bool native() const { return !command.empty() || !library.empty(); }
  friend bool operator==(const CodeSpec&, const CodeSpec&) = default;
};

enum class ReadMode : std::uint8_t { kAuto, kBroadcast, kSplit };

struct InputSpec {
  std::string name;    // SQL reads the input by it
  std::string path;    // file, folder or pattern beneath the worker's root
  std::string format;  // parquet, csv, jsonl, text; "": from the file names
  ReadMode read = ReadMode::kAuto;
  // csv only
  std::optional<bool> header;
  std::string delimiter;
  std::optional<std::string> null_text;
  std::vector<std::pair<std::string, std::string>> columns;  // name -> DuckDB type, when the author pins them
};

struct AggregateSpec {
  std::vector<std::string> by;
  std::vector<std::pair<std::string, std::string>> select;  // output column -> aggregate expression
};

struct ShuffleSpec {
  std::vector<std::string> by;  // keys when there is no `aggregate`
  int partitions = 0;           // 0: auto
  int salt = -1;                // -1: auto, 0: none
  bool cut = true;              // auto; false: none
};

struct OutputSpec {
  std::string path;
  std::string format = "parquet";  // parquet, csv, jsonl, text
  std::vector<std::string> partition_by;
};

enum class JobMode : std::uint8_t { kAuto, kFused, kDistributed };

struct MapReduceSpec {
  std::vector<InputSpec> inputs;
  CodeSpec map;  // empty: rows of the only input as they are
  std::optional<AggregateSpec> aggregate;
  CodeSpec combine;
  CodeSpec merge;
  CodeSpec reduce;  // empty: what the shuffle brings (merged, when there is an aggregate)
  ShuffleSpec shuffle;
  OutputSpec output;
  std::vector<CheckSpec> checks;
  JobMode mode = JobMode::kAuto;
  bool explain = false;            // only the plan is made
  std::vector<std::string> files;  // of the DAG; laid out in a command's working folder

  // aggregate.by or shuffle.by.
  const std::vector<std::string>& keys() const { return aggregate ? aggregate->by : shuffle.by; }
};

// Adds every problem, with its place in `with`. What could be read is returned all the same.
MapReduceSpec ParseMapReduce(const Value& with, SpecPhase phase, std::vector<Problem>& problems);

// For the worker and scheduler/jobs, after rendering: the problems become one INVALID_ARGUMENT.
StatusOr<MapReduceSpec> ParseRenderedMapReduce(const Value& with);

}  // namespace millrace
