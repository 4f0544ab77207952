// The graph of all datasets over HTTP.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// loader makes orders, and files by an alias; report is started by orders and triggers mail; audit reads orders and waits for
// two tasks of report; a watch of loader looks at inbox, which starts it. Nobody has to do with idle.
class DependencyRoutesTest : public ApiTest {
 protected:
  DependencyRoutesTest() {
    store::DependencyRows& rows = dependencies_.rows;
    DagReference mail{DagReference::Kind::kTriggers, "send", "mail", {}};
    DagReference waits{DagReference::Kind::kWaitsFor, "wait", "report", {"sum", "check"}};
    DagReference unknown{DagReference::Kind::kTriggers, "any", "{{ params.dag }}", {}};
    rows.dags = {{"audit", false, "", std::nullopt, {waits}},
                 {"idle"},
                 {"loader", true, "manual__1", RunState::kFailed, {unknown}},
                 {"report", false, "scheduled__1", RunState::kSuccess, {mail}}};
    rows.datasets = {{3, "files/1", "s3://files/1", "raw", kStart},
                     {2, "inbox", "inbox", "asset"},
                     {1, "orders", "s3://orders", "asset", kStart},
                     {4, "unused", "unused", "asset"}};
    rows.aliases = {{5, {"files", "raw"}}, {6, {"forgotten", ""}}};
    rows.uses = {Use("orders", "loader", "save", DatasetRole::kProducing), Use("orders", "loader", "save_more", DatasetRole::kProducing),
                 Use("files", "loader", "save", DatasetRole::kProducing, true), Use("inbox", "loader", "", DatasetRole::kScheduled),
                 Use("orders", "report", "", DatasetRole::kScheduled), Use("orders", "audit", "look", DatasetRole::kConsuming)};
    rows.attached = {{"files", "files/1"}, {"forgotten", "unused"}};
    rows.watches = {{"inbox", {9, "loader", "arrivals", "sensor_file", kStart, std::nullopt, "no worker"}}};
  }

  static store::DependencyRows::Use Use(const std::string& name, const std::string& dag, const std::string& task,
                                        DatasetRole role, bool of_alias = false) {
    return {name, of_alias, {dag, task, role, kStart}};
  }

  static std::vector<std::string> Nodes(const Answered& answered) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < answered.Count("nodes"); ++i)
      ids.push_back(answered.At("nodes." + std::to_string(i) + ".id").as_string());
    return ids;
  }
  static std::vector<std::string> Edges(const Answered& answered) {
    std::vector<std::string> told;
    for (std::size_t i = 0; i < answered.Count("edges"); ++i) {
      const std::string at = "edges." + std::to_string(i) + ".";
      told.push_back(answered.At(at + "source").as_string() + " " + answered.At(at + "kind").as_string() + " " +
                     answered.At(at + "target").as_string());
    }
    return told;
  }
};

TEST_F(DependencyRoutesTest, AllThatHasToDoWithEachOtherIsOneGraph) {
  Start();
  const Answered graph = Get("/millrace/v1/dependencies");
  ASSERT_EQ(graph.status, 200) << graph.text;
  EXPECT_THAT(Nodes(graph), ElementsAre("alias:files", "dag:audit", "dag:loader", "dag:mail", "dag:report", "dataset:files/1",
                                        "dataset:inbox", "dataset:orders", "watch:9"));
  EXPECT_THAT(Edges(graph),
              ElementsAre("alias:files attaches dataset:files/1", "dag:loader produces alias:files",
                          "dag:loader produces dataset:orders", "dag:report waits_for dag:audit", "dag:report triggers dag:mail",
                          "dataset:inbox consumes dag:loader", "dataset:orders reads dag:audit",
                          "dataset:orders consumes dag:report", "watch:9 watches dataset:inbox"));
  EXPECT_EQ(graph.At("lone_dags"), Value(1)) << "idle is counted and not drawn";
}

TEST_F(DependencyRoutesTest, NodesTellHowTheyStandAndEdgesByWhichTasks) {
  Start();
  const Answered graph = Get("/millrace/v1/dependencies");
  EXPECT_EQ(graph.At("nodes.0.asset_alias_id"), Value(5));
  EXPECT_EQ(graph.At("nodes.2.is_paused"), Value(true));
  EXPECT_EQ(graph.At("nodes.2.last_run_state"), Value("failed"));
  EXPECT_EQ(graph.At("nodes.2.last_run_id"), Value("manual__1"));
  EXPECT_TRUE(graph.At("nodes.1.last_run_state").is_null()) << "it never ran";
  EXPECT_EQ(graph.At("nodes.3.is_missing"), Value(true)) << "report triggers it, and nobody has defined it";
  EXPECT_EQ(graph.At("nodes.4.is_missing"), Value(false));
  EXPECT_EQ(graph.At("nodes.5.asset_id"), Value(3));
  EXPECT_FALSE(graph.At("nodes.5.updated_at").is_null());
  EXPECT_TRUE(graph.At("nodes.6.updated_at").is_null());
  EXPECT_EQ(graph.At("nodes.8.dag_id"), Value("loader"));
  EXPECT_EQ(graph.At("nodes.8.failure"), Value("no worker"));
  EXPECT_EQ(graph.At("edges.2.tasks"), Value(Value::List{"save", "save_more"})) << "one edge, two tasks";
  EXPECT_EQ(graph.At("edges.3.tasks"), Value(Value::List{"wait"}));
  EXPECT_EQ(graph.At("edges.3.waits_for"), Value(Value::List{"sum", "check"}));
}

TEST_F(DependencyRoutesTest, OfOneNodeWhatLeadsToItAndWhatItLeadsTo) {
  Start();
  const Answered both = Get("/millrace/v1/dependencies?node=dataset:orders");
  EXPECT_THAT(Nodes(both), ElementsAre("dag:audit", "dag:loader", "dag:mail", "dag:report", "dataset:inbox", "dataset:orders",
                                       "watch:9"))
      << "what else loader makes is neither";
  EXPECT_THAT(Nodes(Get("/millrace/v1/dependencies?node=dataset:orders&direction=upstream")),
              ElementsAre("dag:loader", "dataset:inbox", "dataset:orders", "watch:9"));
  EXPECT_THAT(Nodes(Get("/millrace/v1/dependencies?node=dag:report&direction=downstream")),
              ElementsAre("dag:audit", "dag:mail", "dag:report"));
  const Answered alone = Get("/millrace/v1/dependencies?node=dag:idle");
  EXPECT_THAT(Nodes(alone), ElementsAre("dag:idle")) << "who asks for it sees it";
  EXPECT_THAT(Edges(alone), IsEmpty());
}

TEST_F(DependencyRoutesTest, ACircleIsWalkedOnce) {
  dependencies_.rows.uses.push_back(Use("inbox", "report", "answer", DatasetRole::kProducing));
  Start();
  EXPECT_EQ(Nodes(Get("/millrace/v1/dependencies?node=dag:report")).size(), 9U);
}

TEST_F(DependencyRoutesTest, WhatIsAskedWronglyIsSaid) {
  Start();
  EXPECT_EQ(Get("/millrace/v1/dependencies?node=dag:nothing").status, 404);
  EXPECT_EQ(Get("/millrace/v1/dependencies?node=dataset:unused").status, 404) << "no DAG names it any more";
  const Answered wrong = Get("/millrace/v1/dependencies?node=orders&direction=sideways");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.Count("detail"), 2U) << wrong.text;
  EXPECT_EQ(Get("/millrace/v1/dependencies?direction=upstream").status, 422);
}

}  // namespace
}  // namespace millrace::api
