#include "core/model/codec.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(CodecTest, ADagVersionComesBackWhole) {
  Dag dag;
  dag.id = "etl";
  dag.hash = "abc";
  dag.tags = {"a", "b"};
  dag.schedule = {.kind = ScheduleKind::kCronInterval, .expression = "0 2 * * *", .written = "@x", .timezone = "UTC",
                  .start = WallFromMicros(5), .end = std::nullopt, .catchup = Catchup::kAll};
  dag.params.push_back({.name = "n", .type = "integer", .default_value = 3, .schema = Value::Map{{"minimum", 1}}, .description = ""});
  Task task;
  task.id = "a";
  task.kind = "shell";
  task.with = Value::Map{{"command", "echo"}};
  task.downstream = {1};
  task.retry.multiplier = 2.0;
  task.execution_timeout = std::chrono::hours(2);
  task.where = {3, 5};
  dag.tasks = {task, task};
  dag.files.push_back({"contracts/a.yml", "x: 1"});
  StatusOr<Dag> back = DecodeDag(EncodeDag(dag));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(EncodeDag(*back), EncodeDag(dag));
  EXPECT_EQ(back->tasks[1].execution_timeout, std::chrono::hours(2));
  EXPECT_EQ(back->schedule.start, WallFromMicros(5));
  EXPECT_FALSE(back->schedule.end.has_value());
  EXPECT_EQ(back->tasks[0].where, (Position{3, 5}));
}

TEST(CodecTest, ADagThatUsesNothingNewIsWrittenAsItAlwaysWas) {
  // Its text's hash is the version's identity: a member that came later must not change it.
  Dag dag;
  dag.tasks.resize(1);
  const std::string text = EncodeDag(dag);
  EXPECT_EQ(text,
            R"({"id":"","hash":"","description":"","doc":"","tags":[],"owner":"","schedule":{"kind":0,"expression":"",)"
            R"("written":"","timezone":"UTC","start":null,"end":null,"catchup":false},"max_active_runs":16,)"
            R"("max_active_tasks":16,"paused_upon_creation":false,"params":[],"tasks":[{"id":"","kind":"","with":null,)"
            R"("upstream":[],"downstream":[],"trigger_rule":0,"retry":{"retries":0,"delay":300000000,"multiplier":1.0,)"
            R"("max_delay":86400000000},"execution_timeout":0,"kill_grace":10000000,"on_worker_lost":0,"pool":"default_pool",)"
            R"("pool_slots":1,"priority_weight":1,"owner":"","doc":"","connections":[],"files":[],"where":{"line":0,)"
            R"("column":0}}],"files":[],"file":"","source":""})");
  EXPECT_EQ(DecodeDag(R"({"schedule":{"catchup":true}})")->schedule.catchup, Catchup::kAll);
}

TEST(CodecTest, ASchedulesEveryMemberComesBack) {
  Dag dag;
  dag.schedule.kind = ScheduleKind::kMultipleCron;
  dag.schedule.catchup = Catchup::kNone;
  dag.schedule.crons = {"0 1 * * *", "0 2 * * *"};
  dag.schedule.run_immediately = Duration(5);
  dag.schedule.events = {WallFromMicros(7)};
  dag.schedule.overlap = Overlap::kCancelOther;
  dag.schedule.jitter = Duration(9);
  DatasetCondition leaf;
  leaf.dataset = "orders";
  dag.schedule.datasets = DatasetCondition{DatasetCondition::Op::kAny, "", {leaf, leaf}};
  dag.datasets.push_back({"orders", "s3://orders", "raw", Value(Value::Map{{"rows", 3}})});
  dag.datasets[0].watch = Watch{.kind = "sensor_file",
                                .name = "w",
                                .with = Value::Map{{"path", "x"}},
                                .connections = {"c"},
                                .files = {}};
  dag.aliases = {{"files", "raw"}};
  Deadline deadline;
  deadline.reference = DeadlineReference::kAverageRuntime;
  deadline.min_runs = 3;
  dag.deadlines.push_back(deadline);
  const StatusOr<Dag> back = DecodeDag(EncodeDag(dag));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(EncodeDag(*back), EncodeDag(dag));
  EXPECT_EQ(back->schedule.catchup, Catchup::kNone);
  EXPECT_EQ(back->schedule.datasets->parts[1].dataset, "orders");
  EXPECT_EQ(back->deadlines[0].min_runs, 3);
  EXPECT_EQ(back->datasets[0].watch->connections, std::vector<std::string>{"c"});
  EXPECT_EQ(back->aliases[0].group, "raw");
}

PlanResult SomePlan() {
  PlanResult result;
  StagePlan stage{.name = "joined", .inputs = {"rows"}, .broadcast = {"small"}};
  stage.reads = {{.view = "orders", .stage = 1, .columns = {{"k", "BIGINT"}}, .group = 2, .broadcast = true}};
  stage.steps = {{.name = "join", .view = "joined", .code = {.sql = "SELECT 1", .command = {"wc"}, .library = "l.so"}, .kept = true}};
  stage.result = "joined";
  stage.columns = {{"k", "BIGINT"}};
  stage.exchange = Exchange::kRange;
  stage.keys = {"k"};
  stage.hash = "hash(k)";
  stage.filter = "k IS NOT NULL";
  stage.order = "create_sort_key(k)";
  stage.partitions = 3;
  stage.ordered = true;
  stage.join = {.type = "left", .strategy = "auto", .left = "a", .right = "b"};
  stage.cut = {.views = {"orders"}, .partial = stage.steps, .never = "why not", .bytes = 4096};
  stage.salt = {.partitions = 4, .heavy = {{~std::uint64_t{0}, 12, "k=1"}}, .sampled_bytes = 400};
  result.plan = {.stages = {stage}, .fused = stage.steps, .ordered = true, .partitions = 8};
  result.decisions = {.mode = "distributed",
                      .stages = {{.absorbed = true, .partitions = 4, .tasks = {{.group = 1, .begin = 2, .end = 3, .cut_read = 0, .from = {1, 20}, .to = {2, 30}, .other_read = 1, .other_from = {3, 4}, .other_to = {5, 6}}}, .bounds = {"00"},
                                  .salts = {{~std::uint64_t{0}, 4, 2}}, .salted_partitions = 2, .replicates = true, .divided_by = 3}}};
  return result;
}

TEST(CodecTest, EachKindOfStageResultComesBack) {
  MapResult map;
  map.output = {.map_index = 2, .fence = {3, 4}, .session = SessionId{5}, .shuffle_address = "h:1",
                .shuffle_socket = "/s", .host_identity = "m"};
  map.partitions = {{10, 1}, {0, 0}};
  map.digest = "d";
  map.sample = {"00ff"};
  map.order_digest = "0af0";
  map.input_bytes = 77;
  map.heavy = {{~std::uint64_t{0}, 12, "k=1"}};
  for (const StageResult& result :
       {StageResult(), StageResult(SomePlan()), StageResult(map),
        StageResult(ReduceResult{.files = {{"p", 1, 2, "c"}}, .lost_maps = {{2, 7}}, .input_bytes = 77}), StageResult(PublishResult{.path = "out"})}) {
    StatusOr<StageResult> back = DecodeStageResult(EncodeStageResult(result));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, result);
  }
}

}  // namespace
}  // namespace millrace
