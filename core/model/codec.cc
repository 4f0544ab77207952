#include "core/model/codec.h"

#include <type_traits>

#include "core/model/json.h"

namespace millrace {
namespace {

// Each struct lists its members once, in Describe(); Writer and Reader walk the same list.
class Writer;
class Reader;

template <typename T>
void Write(const T& in, Value& out);
template <typename T>
void Read(const Value& in, T& out);

class Writer {
 public:
  explicit Writer(Value& out) : out_(out) { out_ = Value(Value::Map()); }
  template <typename T>
  void operator()(const char* name, const T& member) {
    Value value;
    Write(member, value);
    out_.as_map().emplace_back(name, std::move(value));
  }

 private:
  Value& out_;
};

class Reader {
 public:
  explicit Reader(const Value& in) : in_(in) {}
  template <typename T>
  void operator()(const char* name, T& member) {
    if (const Value* value = in_.Find(name)) Read(*value, member);
  }

 private:
  const Value& in_;
};

template <typename T, typename Struct>
concept Is = std::is_same_v<std::remove_const_t<T>, Struct>;

template <typename V, Is<Position> T>
void Describe(V& v, T& x) {
  v("line", x.line);
  v("column", x.column);
}
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
}

template <typename V, Is<Fragment> T>
void Describe(V& v, T& x) {
  v("sql", x.sql);
  v("command", x.command);
  v("library", x.library);
}

template <typename V, Is<JobPlan> T>
void Describe(V& v, T& x) {
  v("inputs", x.inputs);
  v("splits", x.splits);
  v("map", x.map);
  v("combine", x.combine);
  v("merge", x.merge);
  v("reduce", x.reduce);
  v("keys", x.keys);
  v("shuffled", x.shuffled);
  v("output", x.output);
  v("partitions", x.partitions);
  v("mode", x.mode);
  v("input_bytes", x.input_bytes);
}

template <typename V, Is<MapOutput> T>
void Describe(V& v, T& x) {
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
}

template <typename V, Is<PartitionSize> T>
void Describe(V& v, T& x) {
  v("bytes", x.bytes);
  v("rows", x.rows);
}

template <typename V, Is<JobDecisions> T>
void Describe(V& v, T& x) {
  v("mode", x.mode);
  v("partitions", x.partitions);
  v("map_tasks", x.map_tasks);
  v("reduce_begins", x.reduce_begins);
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
}

template <typename V, Is<ReduceResult> T>
void Describe(V& v, T& x) {
  v("files", x.files);
  v("check_state", x.check_state);
  v("input_rows", x.input_rows);
  v("local_bytes", x.local_bytes);
  v("fetched_bytes", x.fetched_bytes);
  v("lost_maps", x.lost_maps);
}

template <typename V, Is<PublishResult> T>
void Describe(V& v, T& x) {
  v("path", x.path);
  v("files", x.files);
  v("checks", x.checks);
}

template <typename V, Is<WorkerOffer> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("hostname", x.hostname);
  v("slots", x.slots);
  v("labels", x.labels);
  v("version", x.version);
  v("shuffle_address", x.shuffle_address);
  v("shuffle_socket", x.shuffle_socket);
  v("host_identity", x.host_identity);
  v("engine_version", x.engine_version);
  v("pid", x.pid);
}

template <typename V, Is<Problem> T>
void Describe(V& v, T& x) {
  v("file", x.file);
  v("where", x.where);
  v("message", x.message);
  v("suggestion", x.suggestion);
}

template <typename V, Is<RetryRule> T>
void Describe(V& v, T& x) {
  v("exit_codes", x.exit_codes);
  v("error_classes", x.error_classes);
  v("match", x.match);
  v("retry", x.retry);
  v("delay", x.delay);
}

template <typename V, Is<RetryPolicy> T>
void Describe(V& v, T& x) {
  v("retries", x.retries);
  v("delay", x.delay);
  v("multiplier", x.multiplier);
  v("max_delay", x.max_delay);
  v("jitter", x.jitter);
  v("rules", x.rules);
}

template <typename V, Is<XComRef> T>
void Describe(V& v, T& x) {
  v("task", x.task);
  v("key", x.key);
}

template <typename V, Is<Expansion> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("values", x.values);
}

template <typename V, Is<TaskGroup> T>
void Describe(V& v, T& x) {
  v("id", x.id);
  v("tooltip", x.tooltip);
  v("parent", x.parent);
  v("expand", x.expand);
  v("zip", x.zip);
}

template <typename V, Is<EdgeLabel> T>
void Describe(V& v, T& x) {
  v("from", x.from);
  v("to", x.to);
  v("text", x.text);
}

template <typename V, Is<Task> T>
void Describe(V& v, T& x) {
  v("id", x.id);
  v("kind", x.kind);
  v("with", x.with);
  v("upstream", x.upstream);
  v("downstream", x.downstream);
  v("trigger_rule", x.trigger_rule);
  v("retry", x.retry);
  v("execution_timeout", x.execution_timeout);
  v("kill_grace", x.kill_grace);
  v("on_worker_lost", x.on_worker_lost);
  v("pool", x.pool);
  v("pool_slots", x.pool_slots);
  v("priority_weight", x.priority_weight);
  v("owner", x.owner);
  v("doc", x.doc);
  v("connections", x.connections);
  v("files", x.files);
  v("where", x.where);
  v("group", x.group);
  v("own_weight", x.own_weight);
  v("weight_rule", x.weight_rule);
  v("max_active_tis_per_dag", x.max_active_tis_per_dag);
  v("max_active_tis_per_dagrun", x.max_active_tis_per_dagrun);
  v("depends_on_past", x.depends_on_past);
  v("wait_for_downstream", x.wait_for_downstream);
  v("steering", x.steering);
  v("in_engine", x.in_engine);
  v("role", x.role);
  v("on_failure_fail_dagrun", x.on_failure_fail_dagrun);
  v("setups", x.setups);
  v("pulls", x.pulls);
  v("expand_pulls", x.expand_pulls);
  v("expand", x.expand);
  v("zip", x.zip);
  v("mapped_group", x.mapped_group);
}

template <typename V, Is<Schedule> T>
void Describe(V& v, T& x) {
  v("kind", x.kind);
  v("expression", x.expression);
  v("written", x.written);
  v("timezone", x.timezone);
  v("start", x.start);
  v("end", x.end);
  v("catchup", x.catchup);
}

template <typename V, Is<Param> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("type", x.type);
  v("default_value", x.default_value);
  v("schema", x.schema);
  v("description", x.description);
}

template <typename V, Is<DagFile> T>
void Describe(V& v, T& x) {
  v("path", x.path);
  v("content", x.content);
}

template <typename V, Is<Dag> T>
void Describe(V& v, T& x) {
  v("id", x.id);
  v("hash", x.hash);
  v("description", x.description);
  v("doc", x.doc);
  v("tags", x.tags);
  v("owner", x.owner);
  v("schedule", x.schedule);
  v("max_active_runs", x.max_active_runs);
  v("max_active_tasks", x.max_active_tasks);
  v("paused_upon_creation", x.paused_upon_creation);
  v("params", x.params);
  v("tasks", x.tasks);
  v("groups", x.groups);
  v("labels", x.labels);
  v("run_timeout", x.run_timeout);
  v("fail_fast", x.fail_fast);
  v("files", x.files);
  v("file", x.file);
  v("source", x.source);
}

template <typename T>
concept Described = requires(Writer& writer, const T& x) { Describe(writer, x); };

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <typename T>
void Write(const T& in, Value& out) {
  if constexpr (std::is_same_v<T, Value> || std::is_same_v<T, std::string> || std::is_same_v<T, bool> || std::is_same_v<T, double>) {
    out = in;
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    out = Value(static_cast<std::int64_t>(in));
  } else if constexpr (std::is_same_v<T, Duration>) {
    out = Value(static_cast<std::int64_t>(in.count()));
  } else if constexpr (std::is_same_v<T, WallTime>) {
    out = Value(ToMicros(in));
  } else if constexpr (IsOptional<T>::value) {
    if (in) Write(*in, out);
  } else if constexpr (IsVector<T>::value) {
    out = Value(Value::List());
    for (const auto& item : in) Write(item, out.as_list().emplace_back());
  } else {
    static_assert(Described<T>);
    Writer writer(out);
    Describe(writer, in);
  }
}

template <typename T>
void Read(const Value& in, T& out) {
  if constexpr (std::is_same_v<T, Value>) {
    out = in;
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (in.is_string()) out = in.as_string();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (in.is_bool()) out = in.as_bool();
  } else if constexpr (std::is_same_v<T, double>) {
    if (in.is_number()) out = in.as_double();
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    if (in.is_int()) out = static_cast<T>(in.as_int());
  } else if constexpr (std::is_same_v<T, Duration>) {
    if (in.is_int()) out = Duration(in.as_int());
  } else if constexpr (std::is_same_v<T, WallTime>) {
    if (in.is_int()) out = WallFromMicros(in.as_int());
  } else if constexpr (IsOptional<T>::value) {
    if (!in.is_null()) Read(in, out.emplace());
  } else if constexpr (IsVector<T>::value) {
    if (!in.is_list()) return;
    out.clear();
    for (const Value& item : in.as_list()) Read(item, out.emplace_back());
  } else {
    Reader reader(in);
    Describe(reader, out);
  }
}

template <typename T>
std::string Encode(const T& in) {
  Value value;
  Write(in, value);
  return ToJson(value);
}

template <typename T>
StatusOr<T> Decode(std::string_view text) {
  ASSIGN_OR_RETURN(Value value, ParseJson(text));
  T out;
  Read(value, out);
  return out;
}

}  // namespace

std::string EncodeDag(const Dag& dag) { return Encode(dag); }
StatusOr<Dag> DecodeDag(std::string_view text) { return Decode<Dag>(text); }
std::string EncodeWorkerOffer(const WorkerOffer& offer) { return Encode(offer); }
StatusOr<WorkerOffer> DecodeWorkerOffer(std::string_view text) { return Decode<WorkerOffer>(text); }
std::string EncodeProblems(const std::vector<Problem>& problems) { return Encode(problems); }
StatusOr<std::vector<Problem>> DecodeProblems(std::string_view text) { return Decode<std::vector<Problem>>(text); }

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
