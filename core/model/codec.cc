#include "core/model/codec.h"

#include "core/model/json.h"
#include "core/model/members.h"

namespace millrace {
namespace codec {

template <typename V, Is<Position> T>
void Describe(V& v, T& x) {
  v("line", x.line);
  v("column", x.column);
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
  v("memory_bytes", x.memory_bytes);
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
  v.Later("reschedule", x, &RetryRule::reschedule);
  v.Later("max_reschedules", x, &RetryRule::max_reschedules);
  v.Later("reschedule_timeout", x, &RetryRule::reschedule_timeout);
}

template <typename V, Is<RetryPolicy> T>
void Describe(V& v, T& x) {
  v("retries", x.retries);
  v("delay", x.delay);
  v("multiplier", x.multiplier);
  v("max_delay", x.max_delay);
  v.Later("jitter", x, &RetryPolicy::jitter);
  v.Later("rules", x, &RetryPolicy::rules);
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
  v.Later("zip_fills", x, &TaskGroup::zip_fills);
  v.Later("zip_fill", x, &TaskGroup::zip_fill);
}

template <typename V, Is<EdgeLabel> T>
void Describe(V& v, T& x) {
  v("from", x.from);
  v("to", x.to);
  v("text", x.text);
}

template <typename V, Is<LookupRef> T>
void Describe(V& v, T& x) {
  v("kind", x.kind);
  v("name", x.name);
}

template <typename V, Is<RunCondition> T>
void Describe(V& v, T& x) {
  v("condition", x.condition);
  v("message", x.message);
}

template <typename V, Is<LoopPolicy> T>
void Describe(V& v, T& x) {
  v("until", x.until);
  v("max_iterations", x.max_iterations);
  v("delay", x.delay);
}

template <typename V, Is<CachePolicy> T>
void Describe(V& v, T& x) {
  v("expires", x.expires);
  v("key", x.key);
  v("inputs", x.inputs);
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
  v.Later("outlets", x, &Task::outlets);
  v.Later("inlets", x, &Task::inlets);
  v.Later("outlet_aliases", x, &Task::outlet_aliases);
  v.Later("inlet_aliases", x, &Task::inlet_aliases);
  v("where", x.where);
  v.Later("group", x, &Task::group);
  v.Later("own_weight", x, &Task::own_weight);
  v.Later("weight_rule", x, &Task::weight_rule);
  v.Later("max_active_tis_per_dag", x, &Task::max_active_tis_per_dag);
  v.Later("max_active_tis_per_dagrun", x, &Task::max_active_tis_per_dagrun);
  v.Later("depends_on_past", x, &Task::depends_on_past);
  v.Later("wait_for_downstream", x, &Task::wait_for_downstream);
  v.Later("steering", x, &Task::steering);
  v.Later("in_engine", x, &Task::in_engine);
  v.Later("sensor", x, &Task::sensor);
  v.Later("role", x, &Task::role);
  v.Later("on_failure_fail_dagrun", x, &Task::on_failure_fail_dagrun);
  v.Later("setups", x, &Task::setups);
  v.Later("pulls", x, &Task::pulls);
  v.Later("expand_pulls", x, &Task::expand_pulls);
  v.Later("expand", x, &Task::expand);
  v.Later("zip", x, &Task::zip);
  v.Later("zip_fills", x, &Task::zip_fills);
  v.Later("zip_fill", x, &Task::zip_fill);
  v.Later("mapped_group", x, &Task::mapped_group);
  v.Later("callbacks", x, &Task::callbacks);
  v.Later("lookups", x, &Task::lookups);
  v.Later("expand_lookups", x, &Task::expand_lookups);
  v.Later("cache", x, &Task::cache);
  v.Later("run_if", x, &Task::run_if);
  v.Later("skip_if", x, &Task::skip_if);
  v.Later("map_index_template", x, &Task::map_index_template);
  v.Later("weight", x, &Task::weight);
  v.Later("loop", x, &Task::loop);
  v.Later("loop_gate", x, &Task::loop_gate);
}

template <typename V, Is<DatasetCondition> T>
void Describe(V& v, T& x) {
  v("op", x.op);
  v("dataset", x.dataset);
  v("parts", x.parts);
}

template <typename V, Is<PartitionWindow> T>
void Describe(V& v, T& x) {
  v("kind", x.kind);
  v("is_backward", x.is_backward);
  v("segments", x.segments);
}

template <typename V, Is<PartitionMapper> T>
void Describe(V& v, T& x) {
  v("kind", x.kind);
  v("timezone", x.timezone);
  v("input_format", x.input_format);
  v("output_format", x.output_format);
  v("start", x.start);
  v("delimiter", x.delimiter);
  v("parts", x.parts);
  v("allowed", x.allowed);
  v.Later("fixed", x, &PartitionMapper::fixed);
  v.Later("window", x, &PartitionMapper::window);
  v.Later("minimum", x, &PartitionMapper::minimum);
  v.Later("max_keys", x, &PartitionMapper::max_keys);
}

template <typename V, Is<DatasetMapper> T>
void Describe(V& v, T& x) {
  v("dataset", x.dataset);
  v("mapper", x.mapper);
}

template <typename V, Is<Partitioning> T>
void Describe(V& v, T& x) {
  v("key_format", x.key_format);
  v("run_offset", x.run_offset);
  v("mapper", x.mapper);
  v("mappers", x.mappers);
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
  v.Later("crons", x, &Schedule::crons);
  v.Later("data_interval", x, &Schedule::data_interval);
  v.Later("run_immediately", x, &Schedule::run_immediately);
  v.Later("events", x, &Schedule::events);
  v.Later("restrict_to_events", x, &Schedule::restrict_to_events);
  v.Later("overlap", x, &Schedule::overlap);
  v.Later("jitter", x, &Schedule::jitter);
  v.Later("datasets", x, &Schedule::datasets);
  v.Later("partitions", x, &Schedule::partitions);
}

template <typename V, Is<Watch> T>
void Describe(V& v, T& x) {
  v("kind", x.kind);
  v("name", x.name);
  v("with", x.with);
  v("connections", x.connections);
  v("files", x.files);
}

template <typename V, Is<Dataset> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("uri", x.uri);
  v("group", x.group);
  v("extra", x.extra);
  v.Later("watch", x, &Dataset::watch);
}

template <typename V, Is<DatasetAlias> T>
void Describe(V& v, T& x) {
  v("name", x.name);
  v("group", x.group);
}

template <typename V, Is<Deadline> T>
void Describe(V& v, T& x) {
  v("reference", x.reference);
  v("fixed", x.fixed);
  v("interval", x.interval);
  v("max_runs", x.max_runs);
  v("min_runs", x.min_runs);
  v("callback", x.callback);
  v.Later("callbacks", x, &Deadline::callbacks);
}

template <typename V, Is<Callback> T>
void Describe(V& v, T& x) {
  v("on", x.on);
  v("kind", x.kind);
  v("with", x.with);
  v("timeout", x.timeout);
  v("connections", x.connections);
  v("files", x.files);
  v("where", x.where);
  v.Later("lookups", x, &Callback::lookups);
}

// A variable of an environment.
template <typename V, Is<std::pair<std::string, std::string>> T>
void Describe(V& v, T& x) {
  v("name", x.first);
  v("value", x.second);
}

template <typename V, Is<Delivery> T>
void Describe(V& v, T& x) {
  v("with", x.with);
  v("context", x.context);
  v("environment", x.environment);
  v("connections", x.connections);
  v("files", x.files);
  v("dag_hash", x.dag_hash);
  v("timeout", x.timeout);
  v.Later("lookups", x, &Delivery::lookups);
  v.Later("names", x, &Delivery::names);
  v.Later("place", x, &Delivery::place);
  v.Later("before", x, &Delivery::before);
  v.Later("team", x, &Delivery::team);
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
  v.Later("deadlines", x, &Dag::deadlines);
  v.Later("datasets", x, &Dag::datasets);
  v.Later("aliases", x, &Dag::aliases);
  v("max_active_runs", x.max_active_runs);
  v("max_active_tasks", x.max_active_tasks);
  v("paused_upon_creation", x.paused_upon_creation);
  v.Later("max_consecutive_failed_runs", x, &Dag::max_consecutive_failed_runs);
  v("params", x.params);
  v("tasks", x.tasks);
  v.Later("groups", x, &Dag::groups);
  v.Later("labels", x, &Dag::labels);
  v.Later("run_timeout", x, &Dag::run_timeout);
  v.Later("fail_fast", x, &Dag::fail_fast);
  v.Later("max_dag_retries", x, &Dag::max_dag_retries);
  v.Later("dag_retry_delay", x, &Dag::dag_retry_delay);
  v.Later("dag_retry_all", x, &Dag::dag_retry_all);
  v.Later("callbacks", x, &Dag::callbacks);
  v.Later("run_callbacks", x, &Dag::run_callbacks);
  v("files", x.files);
  v.Later("team", x, &Dag::team);
  v.Later("bundle", x, &Dag::bundle);
  v.Later("bundle_version", x, &Dag::bundle_version);
  v("file", x.file);
  v("source", x.source);
}

}  // namespace codec

using codec::Decode;
using codec::Encode;

std::string EncodeDelivery(const Delivery& delivery) { return Encode(delivery); }
StatusOr<Delivery> DecodeDelivery(std::string_view text) { return Decode<Delivery>(text); }

std::string EncodeDag(const Dag& dag) { return Encode(dag); }
StatusOr<Dag> DecodeDag(std::string_view text) { return Decode<Dag>(text); }
std::string EncodeWorkerOffer(const WorkerOffer& offer) { return Encode(offer); }
StatusOr<WorkerOffer> DecodeWorkerOffer(std::string_view text) { return Decode<WorkerOffer>(text); }
std::string EncodeProblems(const std::vector<Problem>& problems) { return Encode(problems); }
StatusOr<std::vector<Problem>> DecodeProblems(std::string_view text) { return Decode<std::vector<Problem>>(text); }

}  // namespace millrace
