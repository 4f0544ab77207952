// One graph of all datasets: what Airflow's dashboard draws from /ui/dependencies, for ours and for scripts.
#include <optional>
#include <string>
#include <utility>

#include "scheduler/api/answer.h"
#include "scheduler/api/dependency_graph.h"
#include "scheduler/api/input.h"
#include "scheduler/api/view_handlers.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

// What stands before the colon of a node's id.
bool IsNodeId(const std::string& text) {
  for (const std::string_view kind : {"dag:", "dataset:", "alias:", "watch:"}) {
    if (text.starts_with(kind) && text.size() > kind.size()) return true;
  }
  return false;
}

Reach ReadReach(QueryInput& query) {
  const std::string direction = query.String("direction");
  if (direction.empty() || direction == "both") return Reach::kBoth;
  if (direction == "upstream") return Reach::kUpstream;
  if (direction != "downstream")
    query.issues().Add("query", "direction", "value_error", "It is both, upstream or downstream", direction);
  return Reach::kDownstream;
}

// Datasets are everybody's, the DAGs are not. One that is not told is where another names it as one that is not there.
void HideDags(const Scope& scope, store::DependencyRows& rows) {
  std::erase_if(rows.dags, [&](const auto& dag) { return !scope.Sees(dag.dag_id); });
  std::erase_if(rows.uses, [&](const auto& one) { return !scope.Sees(one.use.dag_id); });
  std::erase_if(rows.watches, [&](const auto& one) { return !scope.Sees(one.watch.dag_id); });
}

// All of it, or what is upstream or downstream of one node. A DAG that has to do with no other is only counted, unless it
// is the one that was asked for.
http::Response GetDependencies(store::DependencyReader& dependencies, const Call& call) {
  QueryInput query(call.request);
  const std::string node = query.String("node");
  const bool has_direction = query.Has("direction");
  const Reach reach = ReadReach(query);
  if (!node.empty() && !IsNodeId(node)) {
    query.issues().Add("query", "node", "value_error",
                       "A node is named by its kind and its name: dag:etl, dataset:orders, alias:daily_files, watch:7", node);
  }
  if (node.empty() && has_direction)
    query.issues().Add("query", "direction", "value_error", "A direction is seen from a node: say which, node=dag:etl", "");
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(store::DependencyRows rows, dependencies.ReadDependencies());
  HideDags(call.scope, rows);
  DependencyGraph graph(rows);
  if (!node.empty() && !graph.Keep(node, reach))
    return http::ErrorResponse(404, "Nothing is called " + node + " in the graph of all datasets");
  const std::int64_t lone = node.empty() ? graph.DropLoneDags() : 0;
  Value wire = graph.Wire();
  wire.Set("lone_dags", lone);
  return JsonAnswer(wire);
}

}  // namespace

void AddDependencyRoutes(RouteTable& table, store::DependencyReader& dependencies) {
  table.Add({"GET", "/millrace/v1/dependencies", Needs(Filtered(Verb::kRead), Resource::kDag), 200,
             "DAGs, datasets, aliases and watches as one graph",
             [&dependencies](const Call& call) { return GetDependencies(dependencies, call); }});
}

}  // namespace millrace::api
