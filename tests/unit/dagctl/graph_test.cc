#include "dagctl/graph.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/dag_builder.h"

namespace millrace::dagctl {
namespace {

using test::DagBuilder;

DagPtr Grouped() {
  DagBuilder builder("etl");
  builder.Add("start").Add("stage.a", {"start"}, [](Task& task) { task.group = 0; });
  builder.Add("stage.inner.b", {"stage.a"}, [](Task& task) { task.group = 1; });
  builder.Add("end", {"stage.inner.b"}, [](Task& task) { task.trigger_rule = TriggerRule::kAllDone; });
  return builder
      .With([](Dag& dag) {
        dag.groups.push_back({.id = "stage", .tooltip = "", .expand = {}});
        dag.groups.push_back({.id = "stage.inner", .tooltip = "", .parent = 0, .expand = {}});
        dag.labels.push_back({0, 1, "say \"go\""});
      })
      .Build();
}

TEST(GraphTest, ADagIsGraphvizTextWithItsGroupsAndLabels) {
  EXPECT_EQ(DotOf(*Grouped()), R"dot(digraph "etl" {
  rankdir=LR;
  node [shape=box, style=rounded, fontname=Helvetica];
  edge [fontname=Helvetica, fontsize=10];
  "start" [label="start\nempty"];
  "end" [label="end\nempty\nall_done"];
  subgraph "cluster_stage" {
    label="stage";
    "stage.a" [label="stage.a\nempty"];
    subgraph "cluster_stage.inner" {
      label="stage.inner";
      "stage.inner.b" [label="stage.inner.b\nempty"];
    }
  }
  "start" -> "stage.a" [label="say \"go\""];
  "stage.a" -> "stage.inner.b";
  "stage.inner.b" -> "end";
}
)dot");
}

TEST(GraphTest, ForProgramsADagIsItsEdges) {
  std::ostringstream stream;
  Output output(stream, Format::kPlain, false);
  ShowGraph(output, *Grouped());
  EXPECT_EQ(stream.str(), "start\tstage.a\tsay \"go\"\nstage.a\tstage.inner.b\t\nstage.inner.b\tend\t\n");
}

TEST(GraphTest, DatasetsTriggersAndSensorsLeadFromDagToDag) {
  DagBuilder writer("writer");
  writer.Add("w", {}, [](Task& task) {
    task.outlets = {"orders"};
    task.outlet_aliases = {"files"};
  });
  writer.Add("go", {}, [](Task& task) {
    task.kind = "trigger_dag";
    task.with = Value::Map{{"dag", "child"}};
  });
  DagBuilder reader("reader");
  reader.Add("wait", {}, [](Task& task) {
    task.kind = "sensor_external_task";
    task.with = Value::Map{{"external_dag_id", "writer"}, {"external_task_ids", Value::List{"w", "go"}}};
  });
  reader.Add("whole", {}, [](Task& task) {
    task.kind = "sensor_external_task";
    task.with = Value::Map{{"external_dag_id", "child"}};
  });
  reader.With([](Dag& dag) {
    DatasetCondition both;
    both.op = DatasetCondition::Op::kAll;
    for (const char* name : {"orders", "users"}) {
      DatasetCondition one;
      one.dataset = name;
      both.parts.push_back(one);
    }
    both.parts.push_back({DatasetCondition::Op::kAlias, "files", {}});
    dag.schedule.datasets = both;
  });
  const std::vector<DagPtr> dags = {writer.Build(), reader.Build()};
  std::ostringstream stream;
  Output output(stream, Format::kPlain, false);
  ShowDependencies(output, dags, false);
  EXPECT_EQ(stream.str(),
            "trigger\twriter\tgo\t\tchild\t\n"
            "dataset\twriter\tw\torders\treader\t\n"
            "dataset\t\t\tusers\treader\t\n"
            "dataset\twriter\tw\talias files\treader\t\n"
            "sensor\twriter\tw\t\treader\twait\n"
            "sensor\twriter\tgo\t\treader\twait\n"
            "sensor\tchild\t\t\treader\twhole\n");
  const std::string dot = DotOf(DependenciesOf(dags));
  EXPECT_NE(dot.find("\"writer\" -> \"dataset:orders\";"), std::string::npos) << dot;
  EXPECT_NE(dot.find("\"dataset:users\" -> \"reader\";"), std::string::npos) << dot;
  // Two of its tasks wait for it: one line.
  const std::string waits = "\"writer\" -> \"reader\" [label=\"sensor\", style=dashed];";
  EXPECT_EQ(dot.find(waits), dot.rfind(waits)) << dot;
}

}  // namespace
}  // namespace millrace::dagctl
