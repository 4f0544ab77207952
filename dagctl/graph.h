// DAGs as graphs: one as Graphviz text, and which DAGs start or hold up which others. The first part is pure;
// the Show functions write what commands print. Called by the command line; one thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "dagctl/output.h"

namespace millrace::dagctl {

struct Context;

// Tasks as boxes, task groups as frames, labels at their edges.
std::string DotOf(const Dag& dag);

// One DAG, or one of its tasks, acts on another.
struct Dependency {
  std::string kind;  // dataset: its update starts a run; trigger: a task does; sensor: a task waits for it
  std::string from, from_task;
  std::string dataset;
  std::string to, to_task;
};
// In the order of the DAGs. A dataset that no DAG makes comes from "".
std::vector<Dependency> DependenciesOf(const std::vector<DagPtr>& dags);
std::string DotOf(const std::vector<Dependency>& dependencies);

// Graphviz text; edges as rows in the formats for programs.
void ShowGraph(Output& output, const Dag& dag);
// Rows; Graphviz text with `dot`.
void ShowDependencies(Output& output, const std::vector<DagPtr>& dags, bool dot);

}  // namespace millrace::dagctl
