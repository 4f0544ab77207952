// What a `mapreduce` job's attempts are told and what they answer: the contract between scheduler/jobs, which decides, and
// worker/mapreduce, which works. Plain values; proto/convert puts them on the wire.
//
//   plan (one)  ->  the tasks of each stage, in the order of their shuffles  ->  publish (one)
//
// A stage reads splits of inputs, or shuffles of earlier stages, and writes a shuffle, or the output's files. The short form
// (map, aggregate, reduce) is two stages of that. A fused job has no shuffle: its one stage task does all of it by itself.
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

// A piece of an input: a byte range (text formats) or a range of rows (Parquet, on row-group edges). end 0 means whole. Many small
// files are one split: `files` of the input's paths, whole, beginning with `path`.
struct Split {
  std::string input;  // its name in `inputs`
  std::string path;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t bytes = 0;  // estimated work
  std::int32_t files = 1;
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
  std::vector<std::string> path_columns;  // of `columns`: those whose values are folders of the path ("day=2001-01-01/")
  std::int32_t pruned_files = 0;          // that no stage can want rows of; not in `paths`
  friend bool operator==(const InputFacts&, const InputFacts&) = default;
};

// SQL, or user code.
struct Fragment {
  std::string sql;                   // one SELECT; reads inputs, and the views of earlier steps, by name
  std::vector<std::string> command;  // Hadoop-Streaming style, instead of sql
  std::string library;               // a shared object with native classes, instead of both
  std::string class_name;            // of the library; "": its only one for the step
  friend bool operator==(const Fragment&, const Fragment&) = default;
};

// What a stage task does with rows, one after the other. Each step is a view that later ones may read.
struct Step {
  std::string name;  // what it is to the author: map, combine, merge, reduce, join, ...
  std::string view;
  Fragment code;
  bool kept = false;  // its rows are computed once, as several steps read them
  friend bool operator==(const Step&, const Step&) = default;
};

// Rows of an earlier stage, as a stage reads them. Reads of one group are read together, partition by partition; a stage task
// has partitions of one group, and the reads of the others are empty there.
struct StageRead {
  std::string view;
  std::int32_t stage = 0;
  std::vector<Column> columns;
  std::int32_t group = 0;
  bool broadcast = false;  // every task reads all of it
  friend bool operator==(const StageRead&, const StageRead&) = default;
};

// Where a stage's rows go.
enum class Exchange : std::uint8_t {
  kFiles,   // the output
  kHash,    // partitions by the hash of keys
  kScatter, // partitions in turn; where `order` is given, a sample of its values goes along
  kRange,   // partitions by ranges of `order`, as that sample divides them
};

// Joins two of the stage's reads; which one may be broadcast instead of shuffled is decided by their sizes.
struct StageJoin {
  std::string type;      // inner, left, right, full, semi, anti; "": the stage joins nothing
  std::string strategy;  // auto, broadcast, shuffle
  std::string left;      // views
  std::string right;
  friend bool operator==(const StageJoin&, const StageJoin&) = default;
};

// How a partition that came out hot may be divided among several tasks.
struct StageCut {
  // Of reads: one of them may be divided while the others of its group are read whole by each task. None: it never is.
  std::vector<std::string> views;
  std::vector<Step> partial;  // of an aggregation: from the divided read's rows to such rows again, which then are merged
  std::string never;          // why there are no views, for the job report
  std::int64_t bytes = 0;     // more than this is hot; 0: that is ours to decide
  friend bool operator==(const StageCut&, const StageCut&) = default;
};

// A key that many of a shuffle's rows have.
struct HeavyKey {
  std::uint64_t hash = 0;
  std::int64_t bytes = 0;  // of its rows, about
  std::string text;        // for people
  friend bool operator==(const HeavyKey&, const HeavyKey&) = default;
};

// What a stage that shuffles by keys may do for keys of which it is known beforehand that they are heavy.
struct StageSalt {
  int partitions = 0;           // to spread such a key over; -1: as many as it takes, 0: never
  std::vector<HeavyKey> heavy;  // that a sample of its rows showed
  std::int64_t sampled_bytes = 0;
  friend bool operator==(const StageSalt&, const StageSalt&) = default;
};

// Rows of a stage that are written as files too, beside where the stage's own go.
struct SideOutput {
  std::string name;  // what its files say they are of
  std::string view;
  std::vector<Column> columns;
  std::string path;  // beneath the root
  std::string format;
  std::vector<std::string> partition_by;
  std::int64_t file_bytes = 0;
  bool cached = false;  // kept for later jobs, and dropped when room is needed
  friend bool operator==(const SideOutput&, const SideOutput&) = default;
};

// A stage whose rows are kept for later jobs.
struct CachedStage {
  std::string stage;
  std::string path;        // beneath the root
  bool hit = false;        // they were there, so that nothing is computed
  std::int64_t bytes = 0;  // of a hit
  std::int64_t age_seconds = 0;
  friend bool operator==(const CachedStage&, const CachedStage&) = default;
};

struct StagePlan {
  std::string name;  // unique in the job; what the author calls it, or map and reduce
  std::vector<std::string> inputs;     // of the job; its tasks deal their splits
  std::vector<std::string> broadcast;  // inputs that each task reads whole
  std::vector<StageRead> reads;
  std::vector<Step> steps;
  std::string result;  // the view whose rows are written
  std::vector<Column> columns;
  Exchange exchange = Exchange::kFiles;
  std::vector<std::string> keys;  // kHash: columns, for the report
  std::string hash;               // kHash: SQL over the columns; "": of the keys as they are
  std::string filter;             // a condition on what is written; only an optimisation: a reader would drop the other rows
  std::string order;              // SQL over the columns: bytes that sort as the rows do
  std::int32_t partitions = 0;    // of its shuffle, asked for by the author; 0: auto
  bool ordered = false;           // kFiles: the rows of each task are written in the order that its last step gives
  StageJoin join;
  StageCut cut;
  StageSalt salt;
  std::vector<SideOutput> sides;
  friend bool operator==(const StagePlan&, const StagePlan&) = default;
};

// The job, as the plan attempt bound it. Stages read only earlier ones; the last one writes the output.
struct JobPlan {
  std::vector<InputFacts> inputs;
  std::vector<Split> splits;  // of the inputs that stages split
  std::vector<StagePlan> stages;
  std::vector<Step> fused;  // the same without a shuffle; the last step's rows are the output
  bool ordered = false;     // fused: written in that order
  std::vector<Column> output;
  std::int32_t partitions = 0;  // asked for by the author; 0: auto
  std::string mode;             // "", "fused" or "distributed"
  std::int64_t input_bytes = 0;
  std::vector<CachedStage> cached;
  friend bool operator==(const JobPlan&, const JobPlan&) = default;
};

// Where the blocks are that a task of a shuffling stage (a map) has written.
struct MapOutput {
  std::int32_t stage = 0;
  std::int32_t map_index = 0;
  Fence fence;
  SessionId session{};
  std::string shuffle_address;  // gRPC, host:port
  std::string shuffle_socket;   // Unix socket, for readers on the same host
  std::string host_identity;    // machine id and boot id
  friend bool operator==(const MapOutput&, const MapOutput&) = default;
};

// Of OutputFile::output: records that could not be read, of the input whose name follows.
inline constexpr const char* kBadRowsOf = "bad rows of ";

struct OutputFile {
  std::string path;  // within the job's staging folder
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  std::string checksum;  // xxh3-128 of the bytes, hex
  std::string output;    // a side output's name; "": of the job's output
  friend bool operator==(const OutputFile&, const OutputFile&) = default;
};

struct PlanWork {
  friend bool operator==(const PlanWork&, const PlanWork&) = default;
};

// Of the blocks of one partition of one map output: those that begin in [begin, end).
struct ByteRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

// A neighbouring run of the partitions of one read, of every map.
struct TaskRead {
  std::string view;
  std::vector<Column> columns;
  std::int32_t partition_begin = 0;
  std::int32_t partition_end = 0;
  std::vector<MapOutput> sources;
  std::vector<ByteRange> cuts;  // of a hot partition: one a source; empty: all of it
  std::string hash;  // SQL over the columns: rows that belong together agree in it; "": all of them may
  friend bool operator==(const TaskRead&, const TaskRead&) = default;
};

// Rows with this key go to partitions [first, first + count): in turn, or each to all of them.
struct SaltedKey {
  std::uint64_t hash = 0;
  std::int32_t first = 0;
  std::int32_t count = 0;
  friend bool operator==(const SaltedKey&, const SaltedKey&) = default;
};

struct StageTaskWork {
  std::int32_t stage = 0;
  std::int32_t index = 0;
  StagePlan plan;                  // but for its reads
  std::vector<InputFacts> inputs;  // those that it names; `broadcast` as this stage reads them
  std::vector<Split> splits;
  std::vector<TaskRead> reads;
  std::int32_t partitions = 1;      // of the shuffle it writes
  std::vector<std::string> bounds;  // kRange: the least `order` of every partition but the first
  std::vector<SaltedKey> salts;     // kHash; their partitions come after those of the other keys
  std::int32_t salted_partitions = 0;  // how many of `partitions` those are
  bool replicates = false;             // rows with salted keys go to all of their partitions, not in turn
  friend bool operator==(const StageTaskWork&, const StageTaskWork&) = default;
};

struct FusedWork {
  JobPlan plan;
  friend bool operator==(const FusedWork&, const FusedWork&) = default;
};

struct PublishWork {
  std::vector<OutputFile> files;  // of the chosen attempts, in partition order
  std::vector<Column> output;
  std::vector<std::string> check_states;  // of the chosen attempts; mergeable, opaque to the scheduler
  std::vector<SideOutput> sides;          // of all stages
  friend bool operator==(const PublishWork&, const PublishWork&) = default;
};

// What one attempt of a job is for. `with` of the Assignment holds the rendered task fields.
struct StageWork {
  JobKey job;
  std::string folder;  // the job's private name beneath the worker's folders: unique, from integer keys
  std::variant<PlanWork, StageTaskWork, FusedWork, PublishWork> work;
  friend bool operator==(const StageWork&, const StageWork&) = default;
};

// Between the blocks that the maps of a read have written of one partition: bytes into those of one map.
struct CutPoint {
  std::int32_t map = 0;
  std::int64_t byte = 0;
  friend auto operator<=>(const CutPoint&, const CutPoint&) = default;
};

// A stage task's share: of the splits, or of the partitions of one group of reads.
struct TaskShare {
  std::int32_t group = -1;  // -1: splits
  std::int32_t begin = 0;
  std::int32_t end = 0;
  std::int32_t cut_read = -1;  // of this one of the stage's reads only the blocks in [from, to); -1: all of all
  CutPoint from;
  CutPoint to;
  std::int32_t other_read = -1;  // in a grid, the read that is cut as well: every piece of the one meets every piece of the other
  CutPoint other_from;
  CutPoint other_to;
  friend bool operator==(const TaskShare&, const TaskShare&) = default;
};

struct StageDecisions {
  bool absorbed = false;        // another stage does its work, so it has no tasks
  bool joined = false;          // how it joins is decided
  std::int32_t partitions = 0;  // of the shuffle it writes; 0: not decided yet
  std::vector<TaskShare> tasks;     // empty: not decided yet
  std::vector<std::string> bounds;  // of ranges, in hex
  std::vector<SaltedKey> salts;     // as in StageTaskWork
  std::int32_t salted_partitions = 0;
  bool replicates = false;
  std::int32_t divided_by = -1;  // the stage that makes states of its hot partitions; -1: there is none
  friend bool operator==(const StageDecisions&, const StageDecisions&) = default;
};

// What scheduler/jobs decided on the way; kept with the plan (whose stages decisions rewrite) so that a restart decides nothing
// twice. Never on the wire.
struct JobDecisions {
  std::string mode;  // "fused" or "distributed"; "": not decided yet
  std::vector<StageDecisions> stages;
  friend bool operator==(const JobDecisions&, const JobDecisions&) = default;
};

struct PlanResult {
  JobPlan plan;
  JobDecisions decisions;
  friend bool operator==(const PlanResult&, const PlanResult&) = default;
};

// What native code adds up: "group,name" and its total.
struct Counter {
  std::string name;
  std::int64_t total = 0;
  friend bool operator==(const Counter&, const Counter&) = default;
};

struct PartitionSize {
  std::int64_t bytes = 0;
  std::int64_t rows = 0;
  friend bool operator==(const PartitionSize&, const PartitionSize&) = default;
};

// What a task of a stage that shuffles answers.
struct MapResult {
  MapOutput output;
  std::vector<PartitionSize> partitions;
  std::string digest;  // folded row digests of all partitions: equal when a re-made map wrote the same rows
  std::int64_t input_rows = 0;
  std::int64_t spilled_bytes = 0;
  std::int64_t local_bytes = 0;     // read from blocks on the same host
  std::int64_t fetched_bytes = 0;   // read by gRPC
  std::vector<std::string> sample;  // kScatter: some values of `order`, in hex, sorted
  std::string order_digest;         // equal when its blocks are the same, too
  std::int64_t input_bytes = 0;     // of the shuffles that it read
  std::vector<HeavyKey> heavy;      // kHash: the heaviest first
  std::vector<OutputFile> files;    // of side outputs, and of bad rows; durable in staging
  std::vector<Counter> counters;
  friend bool operator==(const MapResult&, const MapResult&) = default;
};

struct LostOutput {
  std::int32_t stage = 0;
  std::int32_t map_index = 0;
  friend auto operator<=>(const LostOutput&, const LostOutput&) = default;
};

// What a task that writes the output's files answers, the fused one too; and every task that could not read its shuffles.
struct ReduceResult {
  std::vector<OutputFile> files;  // durable in staging: "Prepared"
  std::string check_state;
  std::int64_t input_rows = 0;
  std::int64_t local_bytes = 0;
  std::int64_t fetched_bytes = 0;
  // Map outputs that could not be read any more; not empty means the attempt failed for that reason alone.
  std::vector<LostOutput> lost_maps;
  std::int64_t input_bytes = 0;  // of the shuffles that it read
  std::vector<Counter> counters;
  friend bool operator==(const ReduceResult&, const ReduceResult&) = default;
};

// What became visible beside the output.
struct PublishedSide {
  std::string name;
  std::string path;
  std::int64_t files = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  friend bool operator==(const PublishedSide&, const PublishedSide&) = default;
};

struct PublishResult {
  std::string path;  // of the visible output
  std::vector<OutputFile> files;
  std::string checks;  // JSON: each check with value, outcome and a sample of failing rows
  std::vector<PublishedSide> sides;
  friend bool operator==(const PublishResult&, const PublishResult&) = default;
};

using StageResult = std::variant<std::monostate, PlanResult, MapResult, ReduceResult, PublishResult>;

}  // namespace millrace
