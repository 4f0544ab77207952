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
#include "core/spec/stage_spec.h"

namespace millrace {

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
  // Records that cannot be read: so many are skipped and written here, one more fails the job.
  std::int64_t bad_rows_limit = 0;
  std::string bad_rows_path;
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
  std::vector<std::string> order_by;
  std::int64_t limit = -1;
  std::vector<StageSpec> stages;  // the general form; then the steps above are empty
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

// The job's stages: `stages`, or what the short form means. `mapped` are its map's rows, `shuffled` what reduce reads, `reduced`
// and `sorted` what comes of them. Of a job of native code there are none.
std::vector<StageSpec> StagesOf(const MapReduceSpec& spec);

// Whether some step or stage is a command or a library.
bool HasNativeCode(const MapReduceSpec& spec);

// For the worker and scheduler/jobs, after rendering: the problems become one INVALID_ARGUMENT.
StatusOr<MapReduceSpec> ParseRenderedMapReduce(const Value& with);

}  // namespace millrace
