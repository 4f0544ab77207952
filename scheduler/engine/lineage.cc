#include "scheduler/engine/lineage.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/engine/callback.h"

namespace millrace::engine {
namespace {

constexpr const char* kProducer = "urn:millrace:scheduler:" MILLRACE_VERSION;
constexpr const char* kSchema = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
constexpr std::array<const char*, 4> kEvents = {"START", "COMPLETE", "FAIL", "ABORT"};
// A text that is longer stays where it is written: part of a statement is none.
constexpr std::size_t kMaxText = 16 * 1024;
constexpr Duration kTimeout = std::chrono::seconds(60);

// `type`: "1-0-1/NominalTimeRunFacet".
Value Facet(std::string_view type, Value::Map members) {
  const std::string name(type.substr(type.find('/') + 1));
  members.insert(members.begin(),
                 {{"_producer", kProducer},
                  {"_schemaURL", "https://openlineage.io/spec/facets/" + std::string(type) + ".json#/$defs/" + name}});
  return members;
}

std::string RunUuid(const std::string& name_space, const Run& run) {
  return UuidOf("run " + name_space + " " + run.dag_id + " " + run.run_id + " " +
                std::to_string(ToMicros(run.started_at.value_or(WallTime{}))));
}

// The number of the try is not enough: one that is lost with its worker begins again under the same.
std::string AttemptUuid(const std::string& name_space, const Run& run, const Task& task,
                        const TaskInstance& instance) {
  return UuidOf("attempt " + RunUuid(name_space, run) + " " + task.id + " " + std::to_string(instance.map_index) + " " +
                ToString(instance.fence));
}

Value JobOf(const std::string& name_space, const std::string& name) {
  return Value::Map{{"namespace", name_space}, {"name", name}};
}

Value::Map RunFacets(const Run& run, const LineageFacts& facts, const char* language) {
  Value::Map facets;
  facets.emplace_back("processing_engine",
                      Facet("1-1-1/ProcessingEngineRunFacet", {{"version", MILLRACE_VERSION}, {"name", "Millrace"}}));
  if (const auto start = run.interval_start ? run.interval_start : run.logical_date) {
    Value::Map times = {{"nominalStartTime", FormatTime(*start)}};
    if (run.interval_end) times.emplace_back("nominalEndTime", FormatTime(*run.interval_end));
    facets.emplace_back("nominalTime", Facet("1-0-1/NominalTimeRunFacet", std::move(times)));
  }
  if (facts.event == LineageEvent::kFail || facts.event == LineageEvent::kAbort) {
    facets.emplace_back("errorMessage", Facet("1-0-1/ErrorMessageRunFacet",
                                              {{"message", facts.message}, {"programmingLanguage", language}}));
  }
  return facets;
}

Value::Map JobFacets(const char* type, const std::string& owner, const std::string& doc) {
  Value::Map facets;
  facets.emplace_back(
      "jobType", Facet("2-0-3/JobTypeJobFacet",
                       {{"processingType", "BATCH"}, {"integration", "MILLRACE"}, {"jobType", type}}));
  if (!owner.empty()) {
    facets.emplace_back("ownership", Facet("1-0-1/OwnershipJobFacet",
                                           {{"owners", Value::List{Value::Map{{"name", owner}}}}}));
  }
  if (!doc.empty() && doc.size() <= kMaxText)
    facets.emplace_back("documentation", Facet("1-0-1/DocumentationJobFacet", {{"description", doc}}));
  return facets;
}

// As it is written: what was rendered may hold what a connection or a variable keeps.
std::string StatementOf(const Task& task) {
  const Value* sql = task.with.Find("sql");
  if (sql == nullptr) return "";
  if (sql->is_string()) return sql->as_string();
  if (!sql->is_list()) return "";
  std::string all;
  for (const Value& one : sql->as_list()) {
    if (!all.empty()) all += ";\n";
    all += TextOf(&one);
  }
  return all;
}

const char* LanguageOf(const Task& task) {
  if (task.kind == "python" || task.kind == "sensor_python") return "python";
  if (task.kind == "shell" || task.kind == "sensor_shell") return "shell";
  return task.with.Find("sql") != nullptr || task.kind == "mapreduce" ? "sql" : "unknown";
}

// How much a load, an extract or a mapreduce has written; null: its result does not say.
Value StatisticsOf(const Value& result) {
  Value::Map counts;
  for (const auto& [from, to] : {std::pair("rows", "rowCount"), std::pair("bytes", "size"), std::pair("files", "fileCount")}) {
    const Value* count = result.Find(from);
    if (count != nullptr && count->is_int()) counts.emplace_back(to, *count);
  }
  const bool written = result.Find("rows") != nullptr || result.Find("bytes") != nullptr;
  if (counts.empty() || !written) return {};
  return Facet("1-0-2/OutputStatisticsOutputDatasetFacet", std::move(counts));
}

// What the checks of a `check` task found; null: none was made.
Value AssertionsOf(const Value& result) {
  const Value* checks = result.Find("checks");
  if (checks == nullptr || !checks->is_list()) return {};
  Value::List assertions;
  for (const Value& check : checks->as_list()) {
    const Value* passed = check.Find("passed");
    if (passed == nullptr || !passed->is_bool()) continue;
    assertions.emplace_back(Value::Map{{"assertion", TextOf(check, "type", "check")},
                                       {"success", *passed},
                                       {"name", TextOf(check, "check")},
                                       {"severity", TextOf(check, "severity")}});
  }
  if (assertions.empty()) return {};
  return Facet("1-0-1/DataQualityAssertionsDatasetFacet", {{"assertions", std::move(assertions)}});
}

// `facets`: of the only dataset, where there is but one: what a result says of several is said of none of them.
Value Datasets(const std::string& name_space, const Dag& dag, const std::vector<std::string>& names,
               const char* facets_of, const char* facet_name, const Value& facet) {
  Value::List list;
  for (const std::string& name : names) {
    const auto known = std::find_if(dag.datasets.begin(), dag.datasets.end(),
                                    [&](const Dataset& dataset) { return dataset.name == name; });
    const LineageName told =
        known == dag.datasets.end() ? LineageName{name_space, name} : LineageNameOf(*known, name_space);
    Value::Map dataset = {{"namespace", told.name_space}, {"name", told.name}, {"facets", Value::Map{}}};
    Value::Map facets;
    if (names.size() == 1 && !facet.is_null()) facets.emplace_back(facet_name, facet);
    dataset.emplace_back(facets_of, std::move(facets));
    list.emplace_back(std::move(dataset));
  }
  return list;
}

Value RunEvent(const LineageFacts& facts, const std::string& run_id, Value::Map run_facets, Value job,
            Value::Map job_facets, Value inputs, Value outputs) {
  job.Set("facets", std::move(job_facets));
  return Value::Map{{"eventTime", FormatTime(facts.at)},
                    {"eventType", kEvents[static_cast<std::size_t>(facts.event)]},
                    {"producer", kProducer},
                    {"schemaURL", kSchema},
                    {"run", Value::Map{{"runId", run_id}, {"facets", std::move(run_facets)}}},
                    {"job", std::move(job)},
                    {"inputs", std::move(inputs)},
                    {"outputs", std::move(outputs)}};
}

// Where tables live, and the port that is meant when the URI says none.
struct TableScheme {
  std::string_view scheme;
  std::string_view told;
  std::string_view port;
};
constexpr std::array kTables = {
    TableScheme{"postgres", "postgres", "5432"}, TableScheme{"postgresql", "postgres", "5432"},
    TableScheme{"mysql", "mysql", "3306"},       TableScheme{"mssql", "mssql", "1433"},
    TableScheme{"redshift", "redshift", "5439"}, TableScheme{"trino", "trino", "8080"},
    TableScheme{"oracle", "oracle", "1521"},     TableScheme{"snowflake", "snowflake", ""}};

// Of these, the authority is a bucket, or a container at an account.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kObjects = {{{"s3", "s3"},
                                                                                    {"s3a", "s3"},
                                                                                    {"s3n", "s3"},
                                                                                    {"gs", "gs"},
                                                                                    {"gcs", "gs"},
                                                                                    {"abfs", "abfss"},
                                                                                    {"abfss", "abfss"},
                                                                                    {"wasb", "wasbs"},
                                                                                    {"wasbs", "wasbs"}}};

// "/db/schema/table": "db.schema.table".
std::string Dotted(std::string_view path) {
  std::string name(path.substr(std::min(path.find_first_not_of('/'), path.size())));
  std::replace(name.begin(), name.end(), '/', '.');
  return name;
}

struct UriParts {
  std::string scheme;     // in lower case
  std::string authority;  // with user and password
  std::string path;       // with its slash, without the last one
};

std::optional<UriParts> PartsOf(const std::string& uri) {
  const std::size_t end = uri.find("://");
  if (end == std::string::npos || end == 0) return std::nullopt;
  UriParts parts;
  parts.scheme = uri.substr(0, end);
  for (char& c : parts.scheme) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string rest = uri.substr(end + 3, uri.find_first_of("?#", end + 3) - (end + 3));
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  parts.authority = rest.substr(0, slash);
  parts.path = rest.substr(slash);
  while (parts.path.size() > 1 && parts.path.ends_with('/')) parts.path.pop_back();
  return parts;
}

std::string WithoutUser(const std::string& authority) {
  const std::size_t at = authority.rfind('@');
  return at == std::string::npos ? authority : authority.substr(at + 1);
}

}  // namespace

LineageName LineageNameOf(const Dataset& dataset, const std::string& name_space) {
  const std::optional<UriParts> uri = PartsOf(dataset.uri);
  if (!uri) return {name_space, dataset.name};
  const std::string bare = uri->path.size() > 1 ? uri->path.substr(1) : "/";
  for (const auto& [scheme, told] : kObjects) {
    if (uri->scheme == scheme) return {std::string(told) + "://" + uri->authority, bare};
  }
  const std::string host = WithoutUser(uri->authority);
  if (uri->scheme == "bigquery") return {"bigquery", host + "." + Dotted(uri->path)};
  const auto table = std::find_if(kTables.begin(), kTables.end(),
                                  [&](const TableScheme& one) { return one.scheme == uri->scheme; });
  if (table != kTables.end()) {
    const std::string name = Dotted(uri->path);
    if (host.empty() || name.empty()) return {name_space, dataset.name};
    const bool has_port = host.find(':', host.find(']') == std::string::npos ? 0 : host.find(']')) != std::string::npos;
    const std::string port = has_port || table->port.empty() ? "" : ":" + std::string(table->port);
    return {std::string(table->told) + "://" + host + port, name};
  }
  const std::string place = host.empty() ? uri->scheme : uri->scheme + "://" + host;
  const bool files = uri->scheme == "file" || uri->scheme == "hdfs" || host.empty();
  return {place, files ? uri->path : bare};
}

Value LineageOfRun(const std::string& name_space, const Run& run, const Dag& dag, const LineageFacts& facts) {
  return RunEvent(facts, RunUuid(name_space, run), RunFacets(run, facts, "unknown"), JobOf(name_space, run.dag_id),
               JobFacets("DAG", dag.owner, dag.doc.empty() ? dag.description : dag.doc), Value::List{}, Value::List{});
}

Value LineageOfTask(const std::string& name_space, const Run& run, const Dag& dag, const Task& task,
                    const TaskInstance& instance, const LineageFacts& facts) {
  const Value parent_run = Value::Map{{"runId", RunUuid(name_space, run)}};
  const Value parent_job = JobOf(name_space, run.dag_id);
  Value::Map run_facets = RunFacets(run, facts, LanguageOf(task));
  run_facets.emplace_back("parent",
                          Facet("1-1-0/ParentRunFacet", {{"run", parent_run},
                                                         {"job", parent_job},
                                                         {"root", Value::Map{{"run", parent_run}, {"job", parent_job}}}}));
  Value::Map job_facets = JobFacets("TASK", task.owner, task.doc);
  if (const std::string sql = StatementOf(task); !sql.empty() && sql.size() <= kMaxText)
    job_facets.emplace_back("sql", Facet("1-0-1/SQLJobFacet", {{"query", sql}}));
  Value statistics;
  Value assertions;
  if (const StatusOr<Value> result = ParseJson(facts.result.empty() ? "null" : facts.result); result.ok()) {
    if (facts.event == LineageEvent::kComplete) statistics = StatisticsOf(*result);
    if (task.kind == "check") assertions = AssertionsOf(*result);
  }
  return RunEvent(facts, AttemptUuid(name_space, run, task, instance), std::move(run_facets),
               JobOf(name_space, run.dag_id + "." + task.id), std::move(job_facets),
               Datasets(name_space, dag, task.inlets, "inputFacets", "dataQualityAssertions", assertions),
               Datasets(name_space, dag, task.outlets, "outputFacets", "outputStatistics", statistics));
}

StatusOr<Delivery> LineageDelivery(const LineageOptions& options, const Value& event) {
  Value with = Value::Map{{"notify", "webhook"}};
  Delivery delivery;
  if (options.connection.empty()) {
    with.Set("url", options.url);
  } else {
    with.Set("connection", options.connection);
    delivery.connections.push_back(options.connection);
  }
  with.Set("body", event);
  delivery.with = ToJson(with);
  delivery.timeout = kTimeout;
  if (delivery.with.size() > kMaxDeliveryBytes) {
    return InvalidArgument("lineage: the event has " + std::to_string(delivery.with.size()) + " bytes; at most " +
                           std::to_string(kMaxDeliveryBytes) + " are told");
  }
  return delivery;
}

std::string LineageTarget(const LineageOptions& options) {
  Callback callback;
  callback.kind = "notify";
  callback.with.Set("notify", "lineage");
  if (options.connection.empty()) {
    callback.with.Set("url", options.url);
  } else {
    callback.with.Set("connection", options.connection);
  }
  return TargetOf(callback);
}

}  // namespace millrace::engine
