#include "scheduler/api/dependency_graph.h"

#include <algorithm>
#include <set>
#include <utility>

#include "core/model/state.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

std::string DagNode(const std::string& id) { return "dag:" + id; }
std::string DatasetNode(const std::string& name) { return "dataset:" + name; }
std::string AliasNode(const std::string& name) { return "alias:" + name; }

void AddOnce(const std::string& text, std::vector<std::string>& list) {
  if (!text.empty() && std::find(list.begin(), list.end(), text) == list.end()) list.push_back(text);
}

Value WireDagNode(const store::DependencyRows::DagStanding& dag) {
  return Value::Map{{"id", DagNode(dag.dag_id)},
                    {"kind", "dag"},
                    {"label", dag.dag_id},
                    {"is_missing", false},
                    {"is_paused", dag.paused},
                    {"last_run_id", TextOrNull(dag.last_run_id)},
                    {"last_run_state", dag.last_state ? Value(ToString(*dag.last_state)) : Value()}};
}

// That others name and nobody has defined.
Value WireMissingDag(const std::string& id) {
  return Value::Map{{"id", DagNode(id)},   {"kind", "dag"},         {"label", id},
                    {"is_missing", true},  {"is_paused", false},    {"last_run_id", Value()},
                    {"last_run_state", Value()}};
}

Value WireDatasetNode(const store::DependencyRows::DatasetStanding& dataset) {
  return Value::Map{{"id", DatasetNode(dataset.name)}, {"kind", "dataset"},
                    {"label", dataset.name},           {"asset_id", dataset.id},
                    {"uri", dataset.uri},              {"group", dataset.group},
                    {"updated_at", WireTime(dataset.updated_at)}};
}

Value WireAliasNode(const store::DatasetAliasEntry& entry) {
  return Value::Map{{"id", AliasNode(entry.alias.name)},
                    {"kind", "alias"},
                    {"label", entry.alias.name},
                    {"asset_alias_id", entry.id},
                    {"group", entry.alias.group}};
}

Value WireWatchNode(const std::string& id, const store::DatasetWatchEntry& watch) {
  return Value::Map{{"id", id},
                    {"kind", "watch"},
                    {"label", watch.name},
                    {"dag_id", watch.dag_id},
                    {"task_kind", watch.kind},
                    {"changed_at", WireTime(watch.seen_at)},
                    {"failure", TextOrNull(watch.failure)}};
}

// What can be reached from a node along edges, and itself.
void Follow(const std::multimap<std::string, std::string>& next, const std::string& from, std::set<std::string>& found) {
  std::vector<std::string> open = {from};
  std::set<std::string> seen = {from};
  while (!open.empty()) {
    const std::string at = std::move(open.back());
    open.pop_back();
    const auto [begin, end] = next.equal_range(at);
    for (auto one = begin; one != end; ++one) {
      if (seen.insert(one->second).second) open.push_back(one->second);
    }
  }
  found.merge(seen);
}

}  // namespace

DependencyGraph::DependencyGraph(const store::DependencyRows& rows) {
  for (const auto& dag : rows.dags) nodes_.emplace(DagNode(dag.dag_id), WireDagNode(dag));
  // Only those that some DAG which is there has to do with.
  std::set<std::string> datasets, aliases;
  for (const auto& one : rows.uses) (one.of_alias ? aliases : datasets).insert(one.name);
  for (const auto& one : rows.watches) datasets.insert(one.dataset);
  for (const auto& one : rows.attached) {
    if (aliases.contains(one.alias)) datasets.insert(one.dataset);
    if (datasets.contains(one.dataset)) aliases.insert(one.alias);
  }
  for (const auto& dataset : rows.datasets) {
    if (datasets.contains(dataset.name)) nodes_.emplace(DatasetNode(dataset.name), WireDatasetNode(dataset));
  }
  for (const auto& entry : rows.aliases) {
    if (aliases.contains(entry.alias.name)) nodes_.emplace(AliasNode(entry.alias.name), WireAliasNode(entry));
  }
  for (const auto& [dataset, watch] : rows.watches) {
    const std::string id = "watch:" + std::to_string(watch.id);
    nodes_.emplace(id, WireWatchNode(id, watch));
    Edge(id, DatasetNode(dataset), "watches");
  }
  for (const auto& one : rows.attached) Edge(AliasNode(one.alias), DatasetNode(one.dataset), "attaches");
  for (const auto& one : rows.uses) AddUse(one);
  for (const auto& dag : rows.dags) AddReferences(dag);
  std::erase_if(edges_, [this](const auto& edge) {
    return !nodes_.contains(edge.second.source) || !nodes_.contains(edge.second.target);
  });
}

void DependencyGraph::AddUse(const store::DependencyRows::Use& one) {
  const std::string what = one.of_alias ? AliasNode(one.name) : DatasetNode(one.name);
  const std::string dag = DagNode(one.use.dag_id);
  DependencyEdge& edge = one.use.role == DatasetRole::kProducing    ? Edge(dag, what, "produces")
                         : one.use.role == DatasetRole::kConsuming ? Edge(what, dag, "reads")
                                                                   : Edge(what, dag, "consumes");
  AddOnce(one.use.task_id, edge.tasks);
}

void DependencyGraph::AddReferences(const store::DependencyRows::DagStanding& dag) {
  for (const DagReference& one : dag.references) {
    // Which DAG a template means is known in a run.
    if (one.dag_id.empty() || one.dag_id.find("{{") != std::string::npos) continue;
    const std::string other = DagNode(one.dag_id);
    nodes_.try_emplace(other, WireMissingDag(one.dag_id));
    const bool triggers = one.kind == DagReference::Kind::kTriggers;
    DependencyEdge& edge =
        triggers ? Edge(DagNode(dag.dag_id), other, "triggers") : Edge(other, DagNode(dag.dag_id), "waits_for");
    AddOnce(one.task_id, edge.tasks);
    for (const std::string& task : one.waits_for) AddOnce(task, edge.waits_for);
  }
}

DependencyEdge& DependencyGraph::Edge(const std::string& source, const std::string& target, const std::string& kind) {
  return edges_.try_emplace(source + "\n" + target + "\n" + kind, DependencyEdge{source, target, kind}).first->second;
}

bool DependencyGraph::Keep(const std::string& node, Reach reach) {
  if (!nodes_.contains(node)) return false;
  std::multimap<std::string, std::string> after, before;
  for (const auto& [key, edge] : edges_) {
    after.emplace(edge.source, edge.target);
    before.emplace(edge.target, edge.source);
  }
  std::set<std::string> kept = {node};
  if (reach != Reach::kUpstream) Follow(after, node, kept);
  if (reach != Reach::kDownstream) Follow(before, node, kept);
  std::erase_if(nodes_, [&](const auto& one) { return !kept.contains(one.first); });
  std::erase_if(edges_, [&](const auto& one) {
    return !kept.contains(one.second.source) || !kept.contains(one.second.target);
  });
  return true;
}

std::int64_t DependencyGraph::DropLoneDags() {
  std::set<std::string> joined;
  for (const auto& [key, edge] : edges_) {
    joined.insert(edge.source);
    joined.insert(edge.target);
  }
  return static_cast<std::int64_t>(std::erase_if(
      nodes_, [&](const auto& one) { return one.first.starts_with("dag:") && !joined.contains(one.first); }));
}

Value DependencyGraph::Wire() const {
  Value::List nodes, edges;
  for (const auto& [id, node] : nodes_) nodes.push_back(node);
  for (const auto& [key, edge] : edges_) {
    edges.push_back(Value::Map{{"source", edge.source},
                               {"target", edge.target},
                               {"kind", edge.kind},
                               {"tasks", Value::List(edge.tasks.begin(), edge.tasks.end())},
                               {"waits_for", Value::List(edge.waits_for.begin(), edge.waits_for.end())}});
  }
  return Value::Map{{"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

}  // namespace millrace::api
