#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr const char* kRun = "/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances";
constexpr const char* kMapped = "/api/v2/dags/mapped/dagRuns/m/taskInstances";

class XComRoutesTest : public ApiTest {
 protected:
  // Beside the flights: a DAG whose task `load` is mapped over two values, with a task behind it.
  XComRoutesTest() {
    Dag dag;
    dag.id = "mapped";
    dag.hash = std::string(32, 'a');
    Task load{.id = "load", .kind = "shell"};
    load.expand = {{"n", Value(Value::List{1, 2})}};
    load.downstream = {1};
    Task report{.id = "report", .kind = "shell"};
    report.upstream = {0};
    report.group = 0;
    dag.groups = {{.id = "end", .tooltip = "What is told"}};
    dag.labels = {{0, 1, "all loaded"}};
    dag.tasks = {load, report};
    const auto version = std::make_shared<const Dag>(dag);
    rows_.dags[dag.id] = {DagRow{.dag_id = dag.id, .version = 1}, version, kStart};
    rows_.versions.push_back({dag.id, 1, kStart, version});
    AddRun(7, "m", RunState::kRunning, RunType::kManual);
    rows_.runs.back().dag_id = "mapped";
    for (const std::int32_t index : {0, 1, 2}) AddInstance(7, index, TaskState::kSuccess);
    for (const std::int32_t index : {0, 2}) {
      TaskInstance& row = rows_.instances[{RunKey{7}, index}];
      row.map_index = index / 2;
      row.mapped_task = 0;
    }
    inbox_.on_records = [this](const WriteRecords& write) { Write(write); };
    Put({{RunKey{2}, 0}, "return_value", R"({"rows": 3})"});
    Put({{RunKey{2}, 0}, "path", R"("lake/a")"});
    Put({{RunKey{7}, 2}, "return_value", "20"});
  }
  void Put(XComRow row) {
    row.at = kStart;
    rows_.xcoms[{row.instance, row.key}] = row;
  }
  void Write(const WriteRecords& write) {
    const std::lock_guard lock(rows_.mutex);
    for (const Record& record : write.records) {
      const auto* xcom = std::get_if<XComRecord>(&record);
      if (xcom == nullptr) continue;
      const XComKey key{xcom->row.instance, xcom->row.key};
      if (xcom->row.deleted) {
        rows_.xcoms.erase(key);
      } else {
        rows_.xcoms[key] = xcom->row;
      }
    }
  }
};

TEST_F(XComRoutesTest, AreListedByTaskAndRunAndShownWithTheirValue) {
  Start();
  const Answered all = Get(std::string(kRun) + "/extract/xcomEntries");
  ASSERT_EQ(all.status, 200) << all.text;
  EXPECT_EQ(all.At("total_entries"), Value(2));
  EXPECT_EQ(all.At("xcom_entries.0.key"), Value("path"));
  EXPECT_EQ(all.At("xcom_entries.0.task_id"), Value("extract"));
  EXPECT_EQ(all.At("xcom_entries.0.run_id"), Value("manual__2"));
  EXPECT_EQ(all.At("xcom_entries.0.map_index"), Value(-1));
  EXPECT_EQ(Get(std::string(kRun) + "/~/xcomEntries?limit=1&offset=1").At("xcom_entries.0.key"),
            Value("return_value"));
  EXPECT_EQ(Get(std::string(kRun) + "/delays/xcomEntries").At("total_entries"), Value(0));
  EXPECT_EQ(Get(std::string(kRun) + "/nosuch/xcomEntries").status, 404);
  const Answered one = Get(std::string(kRun) + "/extract/xcomEntries/return_value");
  EXPECT_EQ(one.At("value.rows"), Value(3));
  EXPECT_EQ(Get(std::string(kRun) + "/extract/xcomEntries/return_value?stringify=true").At("value"),
            Value(R"({"rows": 3})"));
  EXPECT_EQ(Get(std::string(kRun) + "/extract/xcomEntries/nothing").status, 404);
}

TEST_F(XComRoutesTest, AreSetChangedAndRemovedByHand) {
  Start();
  const std::string entries = std::string(kRun) + "/delays/xcomEntries";
  const Answered made = Do("POST", entries, R"({"key": "n", "value": [1, 2]})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(Do("POST", entries, R"({"key": "n", "value": 1})").status, 409);
  EXPECT_EQ(Do("POST", entries, R"({"key": "", "value": 1})").status, 422);
  EXPECT_EQ(Do("PATCH", entries + "/n", R"({"value": {"a": null}})").status, 200);
  EXPECT_EQ(ToJson(Get(entries + "/n").At("value")), R"({"a":null})");
  EXPECT_EQ(Do("PATCH", entries + "/n", R"({"value": ")" + std::string(50'000, 'x') + "\"}").status, 400);
  EXPECT_EQ(Do("DELETE", entries + "/n", "").status, 204);
  EXPECT_EQ(Get(entries + "/n").status, 404);
  EXPECT_EQ(Ask("DELETE", entries + "/n", Token("viewer")).status, 403);
}

TEST_F(XComRoutesTest, TheGraphShowsGroupsAndLabels) {
  Start();
  const Answered graph = Get("/millrace/v1/dags/mapped/graph");
  ASSERT_EQ(graph.status, 200) << graph.text;
  EXPECT_EQ(graph.At("tasks.0.is_mapped"), Value(true));
  EXPECT_EQ(graph.At("tasks.1.group"), Value("end"));
  EXPECT_EQ(graph.At("groups.0.tooltip"), Value("What is told"));
  EXPECT_EQ(ToJson(graph.At("edges")), R"([{"from":"load","to":"report","label":"all loaded"}])");
}

TEST_F(XComRoutesTest, TheGridShowsAMappedTaskOnce) {
  rows_.instances[{RunKey{7}, 2}].state = TaskState::kFailed;
  Start();
  const Answered grid = Get("/millrace/v1/dags/mapped/grid");
  ASSERT_EQ(grid.status, 200) << grid.text;
  ASSERT_EQ(grid.At("task_instances").as_list().size(), 2u) << grid.text;
  EXPECT_EQ(grid.At("task_instances.0.state"), Value("failed"));
  EXPECT_EQ(grid.At("task_instances.0.instances"), Value(2));
  EXPECT_EQ(ToJson(grid.At("task_instances.0.states")), R"({"success":1,"failed":1})");
  EXPECT_EQ(grid.At("task_instances.1.state"), Value("success"));
}

TEST_F(XComRoutesTest, MappedInstancesAreNamedByTheirIndex) {
  Start();
  const Answered list = Get(std::string(kMapped) + "/load/listMapped");
  ASSERT_EQ(list.status, 200) << list.text;
  EXPECT_EQ(list.At("total_entries"), Value(2));
  EXPECT_EQ(list.At("task_instances.1.task_id"), Value("load"));
  EXPECT_EQ(list.At("task_instances.1.map_index"), Value(1));
  EXPECT_EQ(Get(std::string(kMapped) + "/load/1").At("map_index"), Value(1));
  EXPECT_EQ(Get(std::string(kMapped) + "/load/1/tries").At("task_instances.0.map_index"), Value(1));
  EXPECT_EQ(Get(std::string(kMapped) + "/load/2").status, 404);
  EXPECT_EQ(Get(std::string(kMapped) + "/load").At("detail"),
            Value("Task instance is mapped, add the map_index value to the URL"));
  EXPECT_EQ(Get(std::string(kMapped) + "/report").At("map_index"), Value(-1));
  EXPECT_EQ(Get(std::string(kMapped) + "/report/listMapped").status, 404);
  EXPECT_EQ(Get(std::string(kMapped) + "/load/xcomEntries/return_value?map_index=1").At("value"), Value(20));
  EXPECT_EQ(Get(std::string(kMapped) + "/load/xcomEntries/return_value?map_index=0").status, 404);
  EXPECT_EQ(Do("PATCH", std::string(kMapped) + "/load/1", R"({"new_state": "failed"})").status, 200);
  const std::vector<Command> commands = inbox_.commands();
  const auto mark = std::find_if(commands.begin(), commands.end(), [](const Command& command) {
    return std::holds_alternative<MarkTask>(command);
  });
  ASSERT_NE(mark, commands.end());
  EXPECT_EQ(std::get<MarkTask>(*mark).map_index, 1);
}

}  // namespace
}  // namespace millrace::api
