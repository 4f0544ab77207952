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
                  .start = WallFromMicros(5), .end = std::nullopt, .catchup = true};
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

TEST(CodecTest, EachKindOfStageResultComesBack) {
  MapResult map;
  map.output = {.map_index = 2, .fence = {3, 4}, .session = SessionId{5}, .shuffle_address = "h:1",
                .shuffle_socket = "/s", .host_identity = "m"};
  map.partitions = {{10, 1}, {0, 0}};
  map.digest = "d";
  for (const StageResult& result :
       {StageResult(), StageResult(PlanResult{.plan = {.keys = {"k"}, .partitions = 8}}), StageResult(map),
        StageResult(ReduceResult{.files = {{"p", 1, 2, "c"}}, .lost_maps = {7}}), StageResult(PublishResult{.path = "out"})}) {
    StatusOr<StageResult> back = DecodeStageResult(EncodeStageResult(result));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, result);
  }
}

}  // namespace
}  // namespace millrace
