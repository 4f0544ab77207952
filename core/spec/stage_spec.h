// What a mapreduce job consists of, as its author writes it: steps, shuffles, and the general form `stages:`,
// of which map, aggregate and reduce are a short form (mapreduce_spec.h translates it). Read by DAG
// validation and by the worker's plan attempt. Pure; any thread.
//
// Deliberately not here: what the stages' SQL means, which of them become one task, how many tasks they get.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"
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

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct AggregateSpec {
  std::vector<std::string> by;
  TextPairs select;  // output column -> aggregate expression
};

struct ShuffleSpec {
  std::vector<std::string> by;  // keys when there is no `aggregate`
  // Of a stage with several inputs: input -> its keys, where they are called otherwise there.
  std::vector<std::pair<std::string, std::vector<std::string>>> by_input;
  int partitions = 0;  // 0: auto
  int salt = -1;       // -1: auto, 0: none
  bool cut = true;     // auto; false: none
  bool empty() const { return by.empty() && by_input.empty(); }
};

struct JoinSpec {
  std::string left;  // inputs or earlier stages
  std::string right;
  TextPairs on;                   // left column -> right column
  std::string type = "inner";     // left, right, full, semi, anti
  std::string strategy = "auto";  // broadcast, shuffle
  std::string select;             // "": all columns, keys of one name once
};

struct WindowSpec {
  std::vector<std::string> by;
  std::vector<std::string> order_by;
  TextPairs select;  // added column -> window function
};

// Where rows become files: the job's result, or what a stage writes beside it.
struct OutputSpec {
  std::string path;
  std::string format = "parquet";  // parquet, csv, jsonl, text
  std::vector<std::string> partition_by;
  std::int64_t file_bytes = 0;  // about how large a file may become; 0: as large as its task makes it
};

// A stage's rows are kept for later jobs that say the same key.
struct CacheSpec {
  std::string key;
  std::int64_t ttl_seconds = 0;
};

// Exactly one of code, map, aggregate, join, window, union_all, distinct and order_by says what it does; in the
// short form also combine with merge, or a shuffle alone.
struct StageSpec {
  std::string name;  // its rows are read by it
  Position where;
  std::vector<std::string> inputs;     // of the job, or earlier stages
  std::vector<std::string> broadcast;  // those of them that each task reads whole
  CodeSpec code;
  std::optional<AggregateSpec> aggregate;
  std::optional<JoinSpec> join;
  std::optional<WindowSpec> window;
  bool union_all = false;
  bool distinct = false;
  std::vector<std::string> order_by;  // as in SQL: "total DESC NULLS LAST"
  std::int64_t limit = -1;            // with order_by: only the first so many
  CodeSpec map;        // native: rows as lines to pairs, which are shuffled by their keys
  CodeSpec combine;    // with a native map, native too: pairs to fewer pairs
  CodeSpec partition;  // a library's partitioner, instead of the hash of the key
  CodeSpec reduce;     // native: sorted pairs to rows; empty: the pairs are the rows
  TextPairs columns;   // of a native stage's rows, which are lines with TABs; name -> type
  CodeSpec merge;
  ShuffleSpec shuffle;
  std::optional<OutputSpec> output;  // its rows are published, too
  std::optional<CacheSpec> cache;
};

// `stages:` of a job with these inputs. What could be read is returned along with the problems.
std::vector<StageSpec> ReadStages(const Value& with, const std::vector<std::string>& inputs,
                                  std::vector<Problem>& problems);
const std::vector<FieldSpec>& StageFields();

// An output, the job's or a stage's; `what` opens the messages.
const std::vector<FieldSpec>& OutputFields();
OutputSpec ReadOutput(const Value& value, const std::string& what, std::vector<Problem>& problems);

// Parts that the short form has, too.
CodeSpec ReadCode(const Value& map, std::string_view name, std::vector<Problem>& problems);
std::optional<AggregateSpec> ReadAggregate(const Value& map, std::vector<Problem>& problems);
ShuffleSpec ReadShuffle(const Value& map, std::vector<Problem>& problems);
// Rows at all, if there is a limit; -1 when there is none.
std::int64_t ReadLimit(const Value& map, std::vector<Problem>& problems);

// Members of `map`; empty when they are not there or something else.
std::string MemberText(const Value& map, std::string_view name);
std::vector<std::string> MemberList(const Value& map, std::string_view name);
TextPairs MemberPairs(const Value& map, std::string_view name);

// A name that SQL can read rows by.
bool IsSqlName(std::string_view name);

}  // namespace millrace
