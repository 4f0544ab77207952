#include "dagctl/graph.h"

#include <map>
#include <ostream>
#include <set>

#include "core/spec/dag_references.h"

namespace millrace::dagctl {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

const Task& TaskAt(const Dag& dag, std::int32_t index) { return dag.tasks[static_cast<std::size_t>(index)]; }

// "" where there is none.
std::string LabelOf(const Dag& dag, std::int32_t from, std::int32_t to) {
  for (const EdgeLabel& label : dag.labels) {
    if (label.from == from && label.to == to) return label.text;
  }
  return "";
}

std::string NodeLine(const Task& task) {
  std::string words = task.id + "\n" + task.kind + (task.mapped() ? " [ ]" : "");
  if (task.trigger_rule != TriggerRule::kAllSuccess) words += "\n" + std::string(ToString(task.trigger_rule));
  std::string line = Quoted(task.id) + " [label=" + Quoted(words);
  if (task.mapped()) line += ", peripheries=2";
  if (task.role != TaskRole::kWork) line += ", style=\"rounded,dashed\"";
  return line + "];\n";
}

// What lies directly in the group (-1: in none), frame by frame.
void AddGroup(const Dag& dag, std::int32_t group, const std::string& indent, std::string& text) {
  for (const Task& task : dag.tasks) {
    if (task.group == group) text += indent + NodeLine(task);
  }
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(dag.groups.size()); ++i) {
    const TaskGroup& inner = dag.groups[static_cast<std::size_t>(i)];
    if (inner.parent != group) continue;
    text += indent + "subgraph " + Quoted("cluster_" + inner.id) + " {\n" + indent +
            "  label=" + Quoted(inner.id) + ";\n";
    AddGroup(dag, i, indent + "  ", text);
    text += indent + "}\n";
  }
}

void AddTriggers(const Dag& dag, std::vector<Dependency>& found) {
  for (const DagReference& one : ReferencesOf(dag)) {
    if (one.kind == DagReference::Kind::kTriggers) {
      found.push_back({"trigger", dag.id, one.task_id, "", one.dag_id, ""});
      continue;
    }
    for (const std::string& task : one.waits_for)
      found.push_back({"sensor", one.dag_id, task, "", dag.id, one.task_id});
    if (one.waits_for.empty()) found.push_back({"sensor", one.dag_id, "", "", dag.id, one.task_id});  // its run
  }
}

}  // namespace

std::string DotOf(const Dag& dag) {
  std::string text = "digraph " + Quoted(dag.id) +
                     " {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=Helvetica];\n"
                     "  edge [fontname=Helvetica, fontsize=10];\n";
  AddGroup(dag, -1, "  ", text);
  for (std::int32_t from = 0; from < static_cast<std::int32_t>(dag.tasks.size()); ++from) {
    for (const std::int32_t to : TaskAt(dag, from).downstream) {
      text += "  " + Quoted(TaskAt(dag, from).id) + " -> " + Quoted(TaskAt(dag, to).id);
      if (const std::string label = LabelOf(dag, from, to); !label.empty())
        text += " [label=" + Quoted(label) + "]";
      text += ";\n";
    }
  }
  return text + "}\n";
}

std::vector<Dependency> DependenciesOf(const std::vector<DagPtr>& dags) {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> makers;  // of datasets
  for (const DagPtr& dag : dags) {
    for (const Task& task : dag->tasks) {
      for (const std::string& dataset : task.outlets) makers[dataset].emplace_back(dag->id, task.id);
      for (const std::string& alias : task.outlet_aliases)
        makers["alias " + alias].emplace_back(dag->id, task.id);
    }
  }
  std::vector<Dependency> found;
  for (const DagPtr& dag : dags) {
    if (dag->schedule.datasets) {
      std::vector<std::string> names = NamesIn(*dag->schedule.datasets);
      for (const std::string& alias : AliasesIn(*dag->schedule.datasets)) names.push_back("alias " + alias);
      for (const std::string& dataset : names) {
        const auto& by = makers[dataset];
        if (by.empty()) found.push_back({"dataset", "", "", dataset, dag->id, ""});
        for (const auto& [maker, task] : by) found.push_back({"dataset", maker, task, dataset, dag->id, ""});
      }
    }
    AddTriggers(*dag, found);
  }
  return found;
}

std::string DotOf(const std::vector<Dependency>& dependencies) {
  std::string text = "digraph dependencies {\n  rankdir=LR;\n  node [shape=box, fontname=Helvetica];\n";
  std::set<std::string> lines;  // each once, however many tasks are behind it
  for (const Dependency& one : dependencies) {
    const std::string to = Quoted(one.to);
    if (one.kind != "dataset") {
      lines.insert("  " + Quoted(one.from) + " -> " + to + " [label=" + Quoted(one.kind) +
                   (one.kind == "sensor" ? ", style=dashed];\n" : "];\n"));
      continue;
    }
    const std::string dataset = Quoted("dataset:" + one.dataset);
    lines.insert("  " + dataset + " [label=" + Quoted(one.dataset) + ", shape=cylinder];\n");
    if (!one.from.empty()) lines.insert("  " + Quoted(one.from) + " -> " + dataset + ";\n");
    lines.insert("  " + dataset + " -> " + to + ";\n");
  }
  for (const std::string& line : lines) text += line;
  return text + "}\n";
}

void ShowGraph(Output& output, const Dag& dag) {
  if (output.format() == Format::kTable) {
    output.stream() << DotOf(dag);
    return;
  }
  Value::List rows;
  for (std::int32_t from = 0; from < static_cast<std::int32_t>(dag.tasks.size()); ++from) {
    for (const std::int32_t to : TaskAt(dag, from).downstream) {
      rows.emplace_back(Value::Map{
          {"from", TaskAt(dag, from).id}, {"to", TaskAt(dag, to).id}, {"label", LabelOf(dag, from, to)}});
    }
  }
  output.Rows({{"from", "FROM"}, {"to", "TO"}, {"label", "LABEL"}}, rows);
}

void ShowDependencies(Output& output, const std::vector<DagPtr>& dags, bool dot) {
  const std::vector<Dependency> found = DependenciesOf(dags);
  if (dot) {
    output.stream() << DotOf(found);
    return;
  }
  Value::List rows;
  for (const Dependency& one : found) {
    rows.emplace_back(Value::Map{{"kind", one.kind},
                                 {"from_dag", one.from},
                                 {"from_task", one.from_task},
                                 {"dataset", one.dataset},
                                 {"to_dag", one.to},
                                 {"to_task", one.to_task}});
  }
  output.Rows({{"kind", "KIND"},
               {"from_dag", "FROM DAG"},
               {"from_task", "TASK"},
               {"dataset", "DATASET"},
               {"to_dag", "TO DAG"},
               {"to_task", "TASK"}},
              rows);
}

}  // namespace millrace::dagctl
