#include "scheduler/dagbag/graph.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>
#include <boost/graph/topological_sort.hpp>
#include <map>
#include <string>
#include <utility>

#include "core/spec/field.h"

namespace millrace::dagbag {
namespace {

// An edge leads from a task to one that it needs.
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
using Vertex = boost::graph_traits<Graph>::vertex_descriptor;

std::map<std::string, std::size_t> IndexById(const std::vector<Task>& tasks) {
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < tasks.size(); ++i) index.emplace(tasks[i].id, i);
  return index;
}

Graph ReadEdges(const std::vector<Task>& tasks, const std::vector<std::vector<Value>>& needs,
                std::vector<Problem>& problems) {
  Graph graph(tasks.size());
  const std::map<std::string, std::size_t> index = IndexById(tasks);
  std::vector<std::string> ids;
  for (const Task& task : tasks) ids.push_back(task.id);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    std::vector<std::size_t> seen;
    for (const Value& need : needs[i]) {
      const auto found = index.find(need.as_string());
      const std::string what = "task '" + tasks[i].id + "'";
      if (found == index.end()) {
        AddProblem(problems, need.position(),
                   what + " needs '" + need.as_string() + "', which does not exist",
                   DidYouMean(need.as_string(), ids));
      } else if (std::find(seen.begin(), seen.end(), found->second) == seen.end()) {
        seen.push_back(found->second);
        boost::add_edge(i, found->second, graph);
      }
    }
  }
  return graph;
}

// The shortest way from `start` back to itself, along needs, within its component; front and back are
// `start`.
std::vector<Vertex> CycleThrough(const Graph& graph, Vertex start,
                                 const std::vector<std::size_t>& component) {
  std::vector<Vertex> parent(boost::num_vertices(graph), boost::graph_traits<Graph>::null_vertex());
  std::vector<Vertex> queue = {start};
  for (std::size_t head = 0; head < queue.size(); ++head) {
    for (auto [edge, end] = boost::out_edges(queue[head], graph); edge != end; ++edge) {
      const Vertex next = boost::target(*edge, graph);
      if (component[next] != component[start]) continue;
      if (next == start) {
        std::vector<Vertex> cycle = {start};
        for (Vertex at = queue[head]; at != start; at = parent[at]) cycle.push_back(at);
        cycle.push_back(start);
        return cycle;
      }
      if (parent[next] == boost::graph_traits<Graph>::null_vertex()) {
        parent[next] = queue[head];
        queue.push_back(next);
      }
    }
  }
  return {};
}

bool TellCycles(const Graph& graph, const std::vector<Task>& tasks,
                const std::vector<std::vector<Value>>& needs, std::vector<Problem>& problems) {
  if (tasks.empty()) return false;
  std::vector<std::size_t> component(tasks.size());
  boost::strong_components(
      graph, boost::make_iterator_property_map(component.begin(), boost::get(boost::vertex_index, graph)));
  std::vector<bool> told(tasks.size(), false);
  bool found = false;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (told[component[i]]) continue;
    // Walked along needs and collected backwards, so the names stand in the order in which work would flow.
    const std::vector<Vertex> cycle = CycleThrough(graph, i, component);
    if (cycle.empty()) continue;
    told[component[i]] = true;
    found = true;
    std::string names;
    for (const Vertex vertex : cycle) names += (names.empty() ? "" : " -> ") + tasks[vertex].id;
    const std::string& before = tasks[cycle[cycle.size() - 2]].id;
    const auto closes = std::find_if(needs[i].begin(), needs[i].end(),
                                     [&](const Value& need) { return need.as_string() == before; });
    AddProblem(problems, closes == needs[i].end() ? tasks[i].where : closes->position(),
               "tasks wait for each other: " + names, "remove one of these dependencies");
  }
  return found;
}

}  // namespace

void LinkTasks(std::vector<Task>& tasks, const std::vector<std::vector<Value>>& needs,
               std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  const Graph graph = ReadEdges(tasks, needs, problems);
  if (TellCycles(graph, tasks, needs, problems) || problems.size() != before) return;
  // What a task needs is put out before it; tasks are visited in the file's order.
  std::vector<Vertex> order;
  boost::topological_sort(graph, std::back_inserter(order));
  std::vector<std::int32_t> place(tasks.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::int32_t>(i);
  std::vector<Task> sorted(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i)
    sorted[static_cast<std::size_t>(place[i])] = std::move(tasks[i]);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (auto [edge, end] = boost::out_edges(order[i], graph); edge != end; ++edge) {
      const std::int32_t needed = place[boost::target(*edge, graph)];
      sorted[i].upstream.push_back(needed);
      sorted[static_cast<std::size_t>(needed)].downstream.push_back(static_cast<std::int32_t>(i));
    }
    std::sort(sorted[i].upstream.begin(), sorted[i].upstream.end());
  }
  tasks = std::move(sorted);
}

}  // namespace millrace::dagbag
