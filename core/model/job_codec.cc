#include <type_traits>

#include "core/model/codec.h"
#include "core/model/json.h"
#include "core/model/members.h"

// What jobs leave: the other half of codec.h.
namespace millrace {
namespace codec {

template <typename V, Is<Fence> T>
void Describe(V& v, T& x) {
  v("term", x.term);
  v("counter", x.counter);
}

template <typename V, Is<TaskInstanceKey> T>
void Describe(V& v, T& x) {
  v("run", x.run);
  v("index", x.index);
}

template <typename V, Is<JobKey> T>
void Describe(V& v, T& x) {
  v("instance", x.instance);
  v("try_number", x.try_number);
}

template <typename V, Is<Column> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("type", x.type);
}

template <typename V, Is<Split> T>
void Describe(V& v, T& x) {
  v("input", x.input);
  v("path", x.path);
  v("begin", x.begin);
  v("end", x.end);
  v("bytes", x.bytes);
  v("files", x.files);
}

template <typename V, Is<CsvDialect> T>
void Describe(V& v, T& x) {
  v("delimiter", x.delimiter);
  v("quote", x.quote);
  v("escape", x.escape);
  v("comment", x.comment);
  v("date_format", x.date_format);
  v("timestamp_format", x.timestamp_format);
  v("null_text", x.null_text);
  v("skip", x.skip);
  v("header", x.header);
}

template <typename V, Is<InputFacts> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("format", x.format);
  v("broadcast", x.broadcast);
  v("columns", x.columns);
  v("paths", x.paths);
  v("bytes", x.bytes);
  v("rows", x.rows);
  v("csv", x.csv);
  v("own_reader", x.own_reader);
  v("reader_reason", x.reader_reason);
  v("path_columns", x.path_columns);
  v("pruned_files", x.pruned_files);
}

template <typename V, Is<Fragment> T>
void Describe(V& v, T& x) {
  v("sql", x.sql);
  v("command", x.command);
  v("library", x.library);
  v("class_name", x.class_name);
}

template <typename V, Is<Step> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("view", x.view);
  v("code", x.code);
  v("kept", x.kept);
}

template <typename V, Is<StageRead> T>
void Describe(V& v, T& x) {
  v("view", x.view);
  v("stage", x.stage);
  v("columns", x.columns);
  v("group", x.group);
  v("broadcast", x.broadcast);
}

template <typename V, Is<StageJoin> T>
void Describe(V& v, T& x) {
  v("type", x.type);
  v("strategy", x.strategy);
  v("left", x.left);
  v("right", x.right);
}

template <typename V, Is<StageCut> T>
void Describe(V& v, T& x) {
  v("views", x.views);
  v("partial", x.partial);
  v("never", x.never);
  v("bytes", x.bytes);
}

template <typename V, Is<HeavyKey> T>
void Describe(V& v, T& x) {
  v("hash", x.hash);
  v("bytes", x.bytes);
  v("text", x.text);
}

template <typename V, Is<StageSalt> T>
void Describe(V& v, T& x) {
  v("partitions", x.partitions);
  v("heavy", x.heavy);
  v("sampled_bytes", x.sampled_bytes);
}

template <typename V, Is<SaltedKey> T>
void Describe(V& v, T& x) {
  v("hash", x.hash);
  v("first", x.first);
  v("count", x.count);
}

template <typename V, Is<SideOutput> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("view", x.view);
  v("columns", x.columns);
  v("path", x.path);
  v("format", x.format);
  v("partition_by", x.partition_by);
  v("file_bytes", x.file_bytes);
  v("cached", x.cached);
}

template <typename V, Is<CachedStage> T>
void Describe(V& v, T& x) {
  v("stage", x.stage);
  v("path", x.path);
  v("hit", x.hit);
  v("bytes", x.bytes);
  v("age_seconds", x.age_seconds);
}

template <typename V, Is<StagePlan> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("inputs", x.inputs);
  v("broadcast", x.broadcast);
  v("reads", x.reads);
  v("steps", x.steps);
  v("result", x.result);
  v("columns", x.columns);
  v("exchange", x.exchange);
  v("keys", x.keys);
  v("hash", x.hash);
  v("filter", x.filter);
  v("order", x.order);
  v("partitions", x.partitions);
  v("ordered", x.ordered);
  v("join", x.join);
  v("cut", x.cut);
  v("salt", x.salt);
  v("sides", x.sides);
}

template <typename V, Is<JobPlan> T>
void Describe(V& v, T& x) {
  v("inputs", x.inputs);
  v("splits", x.splits);
  v("stages", x.stages);
  v("fused", x.fused);
  v("ordered", x.ordered);
  v("output", x.output);
  v("partitions", x.partitions);
  v("mode", x.mode);
  v("input_bytes", x.input_bytes);
  v("cached", x.cached);
}

template <typename V, Is<MapOutput> T>
void Describe(V& v, T& x) {
  v("stage", x.stage);
  v("map_index", x.map_index);
  v("fence", x.fence);
  v("session", x.session);
  v("shuffle_address", x.shuffle_address);
  v("shuffle_socket", x.shuffle_socket);
  v("host_identity", x.host_identity);
}

template <typename V, Is<OutputFile> T>
void Describe(V& v, T& x) {
  v("path", x.path);
  v("bytes", x.bytes);
  v("rows", x.rows);
  v("checksum", x.checksum);
  v("output", x.output);
}

template <typename V, Is<Counter> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("total", x.total);
}

template <typename V, Is<PublishedSide> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("path", x.path);
  v("files", x.files);
  v("rows", x.rows);
  v("bytes", x.bytes);
}

template <typename V, Is<PartitionSize> T>
void Describe(V& v, T& x) {
  v("bytes", x.bytes);
  v("rows", x.rows);
}

template <typename V, Is<CutPoint> T>
void Describe(V& v, T& x) {
  v("map", x.map);
  v("byte", x.byte);
}

template <typename V, Is<TaskShare> T>
void Describe(V& v, T& x) {
  v("group", x.group);
  v("begin", x.begin);
  v("end", x.end);
  v("cut_read", x.cut_read);
  v("from", x.from);
  v("to", x.to);
  v.Later("other_read", x, &TaskShare::other_read);
  v.Later("other_from", x, &TaskShare::other_from);
  v.Later("other_to", x, &TaskShare::other_to);
}

template <typename V, Is<StageDecisions> T>
void Describe(V& v, T& x) {
  v("absorbed", x.absorbed);
  v("joined", x.joined);
  v("partitions", x.partitions);
  v("tasks", x.tasks);
  v("bounds", x.bounds);
  v("salts", x.salts);
  v("salted_partitions", x.salted_partitions);
  v("replicates", x.replicates);
  v("divided_by", x.divided_by);
}

template <typename V, Is<JobDecisions> T>
void Describe(V& v, T& x) {
  v("mode", x.mode);
  v("stages", x.stages);
}

template <typename V, Is<LostOutput> T>
void Describe(V& v, T& x) {
  v("stage", x.stage);
  v("map_index", x.map_index);
}

template <typename V, Is<PlanResult> T>
void Describe(V& v, T& x) {
  v("plan", x.plan);
  v("decisions", x.decisions);
}

template <typename V, Is<MapResult> T>
void Describe(V& v, T& x) {
  v("output", x.output);
  v("partitions", x.partitions);
  v("digest", x.digest);
  v("input_rows", x.input_rows);
  v("spilled_bytes", x.spilled_bytes);
  v("local_bytes", x.local_bytes);
  v("fetched_bytes", x.fetched_bytes);
  v("sample", x.sample);
  v("order_digest", x.order_digest);
  v("input_bytes", x.input_bytes);
  v("heavy", x.heavy);
  v("files", x.files);
  v("counters", x.counters);
}

template <typename V, Is<ReduceResult> T>
void Describe(V& v, T& x) {
  v("files", x.files);
  v("check_state", x.check_state);
  v("input_rows", x.input_rows);
  v("local_bytes", x.local_bytes);
  v("fetched_bytes", x.fetched_bytes);
  v("lost_maps", x.lost_maps);
  v("input_bytes", x.input_bytes);
  v("counters", x.counters);
}

template <typename V, Is<PublishResult> T>
void Describe(V& v, T& x) {
  v("path", x.path);
  v("files", x.files);
  v("checks", x.checks);
  v("sides", x.sides);
}

}  // namespace codec

using codec::Read;
using codec::Write;

std::string EncodeStageResult(const StageResult& result) {
  Value value = Value(Value::Map());
  std::visit(
      [&value](const auto& alternative) {
        using T = std::decay_t<decltype(alternative)>;
        if constexpr (!std::is_same_v<T, std::monostate>) {
          Value inner;
          Write(alternative, inner);
          const char* name = std::is_same_v<T, PlanResult>     ? "plan"
                             : std::is_same_v<T, MapResult>    ? "map"
                             : std::is_same_v<T, ReduceResult> ? "reduce"
                                                               : "publish";
          value.Set(name, std::move(inner));
        }
      },
      result);
  return ToJson(value);
}

StatusOr<StageResult> DecodeStageResult(std::string_view text) {
  ASSIGN_OR_RETURN(const Value value, ParseJson(text));
  StageResult result;
  if (const Value* plan = value.Find("plan")) Read(*plan, result.emplace<PlanResult>());
  if (const Value* map = value.Find("map")) Read(*map, result.emplace<MapResult>());
  if (const Value* reduce = value.Find("reduce")) Read(*reduce, result.emplace<ReduceResult>());
  if (const Value* publish = value.Find("publish")) Read(*publish, result.emplace<PublishResult>());
  return result;
}

}  // namespace millrace
