// What a `mapreduce` job's attempts are told and what they answer: the contract between scheduler/jobs, which decides, and
// worker/mapreduce, which works. Plain values; proto/convert puts them on the wire.
//
//   plan (one)  ->  map stage tasks  ->  reduce stage tasks  ->  publish (one)
//
// A fused job has no shuffle: its one stage task maps, aggregates, reduces and writes the output file(s) by itself.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/model/ids.h"

namespace millrace {

// A job is what one try of a mapreduce task instance runs.
struct JobKey {
  TaskInstanceKey instance;
  std::int32_t try_number = 0;
  friend auto operator<=>(const JobKey&, const JobKey&) = default;
};

struct Column {
  std::string name;
  std::string type;  // DuckDB's text: "DECIMAL(18,2)"
  friend bool operator==(const Column&, const Column&) = default;
};

// A piece of an input: a byte range (text formats) or a range of rows (Parquet, on row-group edges). end 0 means whole.
struct Split {
  std::string input;  // its name in `inputs`
  std::string path;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t bytes = 0;  // estimated work
  friend bool operator==(const Split&, const Split&) = default;
};

// How CSV files are written: found once by the plan, from the first file and from what the author says. Empty texts: there is none.
struct CsvDialect {
  std::string delimiter;
  std::string quote;
  std::string escape;
  std::string comment;
  std::string date_format;  // strptime's; empty: ISO 8601
  std::string timestamp_format;
  std::string null_text;  // an empty field is NULL when this is empty
  std::int64_t skip = 0;  // lines before the header or the first record
  bool header = false;
  friend bool operator==(const CsvDialect&, const CsvDialect&) = default;
};

// An input as the plan found it, types pinned for the whole job.
struct InputFacts {
  std::string name;
  std::string format;  // parquet, csv, jsonl, text
  bool broadcast = false;
  std::vector<Column> columns;
  std::vector<std::string> paths;
  std::int64_t bytes = 0;
  std::int64_t rows = -1;  // -1: unknown
  CsvDialect csv;
  bool own_reader = false;  // worker/readers reads it, and splits begin and end between records; else DuckDB does
  std::string reader_reason;  // why DuckDB reads CSV or text, for the job report
  friend bool operator==(const InputFacts&, const InputFacts&) = default;
};

// SQL, or user code, of one side of a shuffle.
struct Fragment {
  std::string sql;                   // one SELECT; reads inputs by name, or `shuffled`
  std::vector<std::string> command;  // Hadoop-Streaming style, instead of sql
  std::string library;               // a shared object with native classes, instead of both
  friend bool operator==(const Fragment&, const Fragment&) = default;
};

// The stages, as the plan attempt bound them. combine and merge are empty when no partial aggregation applies.
struct JobPlan {
  std::vector<InputFacts> inputs;
  std::vector<Split> splits;  // of the inputs that are not broadcast
  Fragment map;
  Fragment combine;  // rows to states, at the map side
  Fragment merge;    // states to states
  Fragment reduce;   // states (or rows) to result
  std::vector<std::string> keys;  // shuffle keys: columns of what the map side writes
  std::vector<Column> shuffled;   // what crosses the shuffle
  std::vector<Column> output;
  std::int32_t partitions = 0;  // asked for by the author; 0: auto
  std::string mode;             // "", "fused" or "distributed"
  std::int64_t input_bytes = 0;
  friend bool operator==(const JobPlan&, const JobPlan&) = default;
};

// Where a finished map task's blocks are.
struct MapOutput {
  std::int32_t map_index = 0;
  Fence fence;
  SessionId session{};
  std::string shuffle_address;  // gRPC, host:port
  std::string shuffle_socket;   // Unix socket, for readers on the same host
  std::string host_identity;    // machine id and boot id
  friend bool operator==(const MapOutput&, const MapOutput&) = default;
};

struct OutputFile {
  std::string path;  // within the job's staging folder
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::string checksum;  // xxh3-128 of the bytes, hex
  friend bool operator==(const OutputFile&, const OutputFile&) = default;
};

struct PlanWork {
  friend bool operator==(const PlanWork&, const PlanWork&) = default;
};

struct MapWork {
  std::int32_t stage = 0;
  std::int32_t map_index = 0;
  std::int32_t partitions = 1;
  std::vector<Split> splits;
  std::vector<InputFacts> inputs;
  Fragment map;
  Fragment combine;
  std::vector<std::string> keys;
  friend bool operator==(const MapWork&, const MapWork&) = default;
};

// A reduce task takes a run of neighbouring partitions.
struct ReduceWork {
  std::int32_t stage = 0;
  std::int32_t reduce_index = 0;
  std::int32_t partition_begin = 0;
  std::int32_t partition_end = 0;
  std::vector<MapOutput> sources;
  std::vector<InputFacts> inputs;  // broadcast ones only
  std::vector<Column> shuffled;
  Fragment merge;
  Fragment reduce;
  friend bool operator==(const ReduceWork&, const ReduceWork&) = default;
};

struct FusedWork {
  JobPlan plan;
  friend bool operator==(const FusedWork&, const FusedWork&) = default;
};

struct PublishWork {
  std::vector<OutputFile> files;  // of the chosen attempts, in partition order
  std::vector<Column> output;
  std::vector<std::string> check_states;  // of the chosen attempts; mergeable, opaque to the scheduler
  friend bool operator==(const PublishWork&, const PublishWork&) = default;
};

// What one attempt of a job is for. `with` of the Assignment holds the rendered task fields.
struct StageWork {
  JobKey job;
  std::string folder;  // the job's private name beneath the worker's folders: unique, from integer keys
  std::variant<PlanWork, MapWork, ReduceWork, FusedWork, PublishWork> work;
  friend bool operator==(const StageWork&, const StageWork&) = default;
};

// What scheduler/jobs decided on the way; kept with the plan so that a restart decides nothing twice. Never on the wire.
struct JobDecisions {
  std::string mode;               // "fused" or "distributed"; "": not decided yet
  std::int32_t partitions = 0;
  std::int32_t map_tasks = 0;     // the splits, in order, are dealt to so many
  std::vector<std::int32_t> reduce_begins;  // first partition of each reduce task; empty before the barrier
  friend bool operator==(const JobDecisions&, const JobDecisions&) = default;
};

struct PlanResult {
  JobPlan plan;
  JobDecisions decisions;
  friend bool operator==(const PlanResult&, const PlanResult&) = default;
};

struct PartitionSize {
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  friend bool operator==(const PartitionSize&, const PartitionSize&) = default;
};

struct MapResult {
  MapOutput output;
  std::vector<PartitionSize> partitions;
  std::string digest;  // folded row digests of all partitions: equal when a re-made map wrote the same rows
  std::int64_t input_rows = 0;
  std::int64_t spilled_bytes = 0;
  friend bool operator==(const MapResult&, const MapResult&) = default;
};

// Also what a fused task answers.
struct ReduceResult {
  std::vector<OutputFile> files;  // durable in staging: "Prepared"
  std::string check_state;
  std::int64_t input_rows = 0;
  std::int64_t local_bytes = 0;    // read from blocks on the same host
  std::int64_t fetched_bytes = 0;  // read by gRPC
  // Map outputs that could not be read any more; not empty means the attempt failed for that reason alone.
  std::vector<std::int32_t> lost_maps;
  friend bool operator==(const ReduceResult&, const ReduceResult&) = default;
};

struct PublishResult {
  std::string path;  // of the visible output
  std::vector<OutputFile> files;
  std::string checks;  // JSON: each check with value, outcome and a sample of failing rows
  friend bool operator==(const PublishResult&, const PublishResult&) = default;
};

using StageResult = std::variant<std::monostate, PlanResult, MapResult, ReduceResult, PublishResult>;

}  // namespace millrace
