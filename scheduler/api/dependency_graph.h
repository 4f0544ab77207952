// The graph of all DAGs, datasets, aliases and watches: who makes, reads and is started by what. Edges lead the way that
// data and runs go, so that what lies behind a node is what it leads to. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/model/value.h"
#include "scheduler/store/dependencies.h"

namespace millrace::api {

struct DependencyEdge {
  std::string source, target;  // ids of nodes
  std::string kind;
  std::vector<std::string> tasks = {};      // of the DAG that acts, or that waits
  std::vector<std::string> waits_for = {};  // tasks of the other DAG; none: its run
};

enum class Reach : std::uint8_t { kBoth, kUpstream, kDownstream };

class DependencyGraph {
 public:
  explicit DependencyGraph(const store::DependencyRows& rows);

  // Leaves what leads to the node, what it leads to, or both, and the node itself; false, and nothing is changed, when
  // there is no such node.
  bool Keep(const std::string& node, Reach reach);
  // Takes out the DAGs that have to do with no other; their number.
  std::int64_t DropLoneDags();
  // {nodes, edges}: nodes by id, edges by their ends.
  Value Wire() const;

 private:
  void AddUse(const store::DependencyRows::Use& one);
  void AddReferences(const store::DependencyRows::DagStanding& dag);
  // One between two nodes for each kind, however many tasks are behind it.
  DependencyEdge& Edge(const std::string& source, const std::string& target, const std::string& kind);

  std::map<std::string, Value> nodes_;
  std::map<std::string, DependencyEdge> edges_;
};

}  // namespace millrace::api
