#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class AssetRoutesTest : public ApiTest {
 protected:
  AssetRoutesTest() {
    store::DatasetEntry orders;
    orders.id = 7;
    orders.dataset = {"orders", "s3://lake/orders", "raw", Value(Value::Map{{"owner", "ana"}})};
    orders.created_at = orders.updated_at = kStart;
    orders.uses = {{"report", "", DatasetRole::kScheduled, kStart},
                   {"daily_flights", "publish", DatasetRole::kProducing, kStart}};
    DatasetEvent event;
    event.id = 3;
    event.dataset = "orders";
    event.at = kStart;
    event.dag_id = "daily_flights";
    event.run_id = "manual__2";
    event.task_id = "publish";
    orders.last = event;
    orders.aliases = {{4, {"daily_files", "raw"}}};
    orders.watches = {{2, "report", "arrivals", "sensor_file", kStart, std::nullopt, "no worker"}};
    rows_.datasets = {orders};
    rows_.dataset_aliases = {
        {4, {"daily_files", "raw"}, {{"report", "", DatasetRole::kScheduled, kStart}}, {"orders"}}};
    event.aliases = {"daily_files"};
    rows_.dataset_events = {{event, 7, orders.dataset, {rows_.runs[0]}}};
    rows_.queued = {{"daily_flights", 7, "orders", 3, kStart}, {"daily_flights", 7, "orders", 4, kStart}};
  }

  CommandReply Decide(const Command& command) override {
    if (const auto* add = std::get_if<AddDatasetEvent>(&command)) {
      CommandResult result;
      result.dataset_event =
          DatasetEvent{.id = 9, .dataset = add->dataset, .at = kStart, .extra = add->extra, .partition_key = add->partition_key};
      return result;
    }
    return ApiTest::Decide(command);
  }
};

TEST_F(AssetRoutesTest, AnAssetSaysWhoMakesItAndWhomItStarts) {
  Start();
  const Answered list = Get("/api/v2/assets?name_pattern=ord%25&order_by=-name");
  ASSERT_EQ(list.status, 200) << list.text;
  EXPECT_EQ(list.At("total_entries"), Value(1));
  const Answered one = Get("/api/v2/assets/7");
  ASSERT_EQ(one.status, 200) << one.text;
  EXPECT_EQ(one.body, list.At("assets.0"));
  EXPECT_EQ(one.At("uri"), Value("s3://lake/orders"));
  EXPECT_EQ(one.At("extra.owner"), Value("ana"));
  EXPECT_EQ(one.At("scheduled_dags.0.dag_id"), Value("report"));
  EXPECT_EQ(one.At("producing_tasks.0.task_id"), Value("publish"));
  EXPECT_EQ(one.At("last_asset_event.id"), Value(3));
  EXPECT_EQ(Get("/api/v2/assets/8").status, 404);
  EXPECT_EQ(Get("/api/v2/assets/orders").status, 404);
  EXPECT_EQ(Get("/api/v2/assets?order_by=colour").status, 422);
  EXPECT_EQ(one.At("aliases.0.name"), Value("daily_files"));
  EXPECT_EQ(one.At("watchers.0.name"), Value("arrivals"));
  EXPECT_EQ(one.At("watchers.0.trigger_id"), Value(2));
  EXPECT_EQ(one.At("watchers.0.failure"), Value("no worker"));
}

TEST_F(AssetRoutesTest, AnAliasSaysWhatItStandsForAndWhomItStarts) {
  Start();
  const Answered list = Get("/api/v2/assets/aliases?name_pattern=daily%25&order_by=-name");
  ASSERT_EQ(list.status, 200) << list.text;
  EXPECT_EQ(list.At("total_entries"), Value(1));
  const Answered one = Get("/api/v2/assets/aliases/4");
  ASSERT_EQ(one.status, 200) << one.text;
  EXPECT_EQ(one.body, list.At("asset_aliases.0"));
  EXPECT_EQ(one.At("group"), Value("raw"));
  EXPECT_EQ(one.At("assets.0"), Value("orders"));
  EXPECT_EQ(one.At("scheduled_dags.0.dag_id"), Value("report"));
  EXPECT_EQ(Get("/api/v2/assets/aliases?name_pattern=x%25").At("total_entries"), Value(0));
  EXPECT_EQ(Get("/api/v2/assets/aliases?order_by=uri").status, 422);
  EXPECT_EQ(Get("/api/v2/assets/aliases/5").status, 404);
  EXPECT_EQ(Get("/api/v2/assets/aliases/daily_files").status, 404);
}

TEST_F(AssetRoutesTest, EventsTellTheirSourceAndTheRunsThatTheyMade) {
  Start();
  const Answered events = Get("/api/v2/assets/events?asset_id=7&source_dag_id=daily_flights");
  ASSERT_EQ(events.status, 200) << events.text;
  EXPECT_EQ(events.At("asset_events.0.asset_id"), Value(7));
  EXPECT_EQ(events.At("asset_events.0.source_task_id"), Value("publish"));
  EXPECT_EQ(events.At("asset_events.0.source_aliases.0"), Value("daily_files"));
  EXPECT_EQ(events.At("asset_events.0.created_dagruns.0.run_id"),
            Value("scheduled__2001-03-01T07:00:00+00:00"));
  EXPECT_EQ(Get("/api/v2/assets/events?asset_id=x").status, 422);
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/manual__2/upstreamAssetEvents").status, 200);
}

TEST_F(AssetRoutesTest, SomebodyMaySayThatAnAssetWasUpdated) {
  Start();
  const Answered event = Do("POST", "/api/v2/assets/events", R"({"asset_id": 7, "extra": {"rows": 5}})");
  ASSERT_EQ(event.status, 200) << event.text;
  EXPECT_EQ(event.At("name"), Value("orders"));
  EXPECT_EQ(event.At("extra.rows"), Value(5));
  EXPECT_EQ(event.At("extra.from_rest_api"), Value(true));
  EXPECT_TRUE(event.At("source_dag_id").is_null());
  EXPECT_EQ(Do("POST", "/api/v2/assets/events", R"({"asset_id": 8})").status, 404);
  EXPECT_EQ(Do("POST", "/api/v2/assets/events", R"({"asset_id": "7", "extra": [1]})").status, 422);
}

TEST_F(AssetRoutesTest, QueuedEventsAreOneADagAndAssetAndCanBeForgotten) {
  Start();
  const Answered queued = Get("/api/v2/dags/daily_flights/assets/queuedEvents");
  ASSERT_EQ(queued.status, 200) << queued.text;
  EXPECT_EQ(queued.At("total_entries"), Value(1));
  EXPECT_EQ(queued.At("queued_events.0.asset_id"), Value(7));
  EXPECT_EQ(Get("/api/v2/assets/7/queuedEvents").At("queued_events.0.dag_id"), Value("daily_flights"));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/assets/7/queuedEvents").At("asset_id"), Value(7));
  EXPECT_EQ(Get("/api/v2/dags/nothing/assets/queuedEvents").status, 404);
  EXPECT_EQ(Do("DELETE", "/api/v2/dags/daily_flights/assets/queuedEvents", "").status, 204);
  const std::vector<Command> commands = inbox_.commands();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(std::get<ClearDatasetQueue>(commands[0]).dataset, "orders");
}

TEST_F(AssetRoutesTest, EventsAndWhatWaitsTellTheirPartitionKeys) {
  rows_.dataset_events[0].event.partition_key = "2001-03-01T05:00:00";
  rows_.dataset_events[0].made[0].partition_key = "2001-03-01";
  rows_.queued[0].partition_key = rows_.queued[1].partition_key = "2001-03-01";
  rows_.queued.push_back({"daily_flights", 7, "orders", 5, kStart, "2001-03-02"});
  Start();
  const Answered events = Get("/api/v2/assets/events");
  EXPECT_EQ(events.At("asset_events.0.partition_key"), Value("2001-03-01T05:00:00"));
  EXPECT_EQ(events.At("asset_events.0.created_dagruns.0.partition_key"), Value("2001-03-01"));
  const Answered queued = Get("/api/v2/dags/daily_flights/assets/queuedEvents");
  EXPECT_EQ(queued.At("total_entries"), Value(2));
  EXPECT_EQ(queued.At("queued_events.0.partition_key"), Value("2001-03-01"));
  EXPECT_EQ(queued.At("queued_events.1.partition_key"), Value("2001-03-02"));
  const Answered event = Do("POST", "/api/v2/assets/events", R"({"asset_id": 7, "partition_key": "us"})");
  ASSERT_EQ(event.status, 200) << event.text;
  EXPECT_EQ(event.At("partition_key"), Value("us"));
  EXPECT_EQ(Do("POST", "/api/v2/assets/events", R"({"asset_id": 7, "partition_key": ["us"]})").status, 422);
}

TEST_F(AssetRoutesTest, WhatWaitsForAWindowTellsHowMuchOfItHasComeAndWhatIsMissing) {
  Dag dag = *dag_;
  PartitionMapper weekly;
  weekly.kind = PartitionMapper::Kind::kWeek;
  PartitionMapper rollup;
  rollup.kind = PartitionMapper::Kind::kRollup;
  rollup.parts = {weekly};
  rollup.window = PartitionWindow{.kind = PartitionWindow::Kind::kWeek, .segments = {}};
  rollup.minimum = -1;
  dag.schedule.partitions.emplace();
  dag.schedule.partitions->mapper = rollup;
  rows_.dags["daily_flights"].dag = std::make_shared<const Dag>(dag);
  rows_.queued.clear();
  std::int64_t event = 3;
  for (const char* key : {"2001-03-05T00:00:00", "2001-03-07T00:00:00", "2001-03-05T02:00:00"})
    rows_.queued.push_back({"daily_flights", 7, "orders", event++, kStart, "2001-03-05 (W10)", key});
  Start();
  const Answered queued = Get("/api/v2/dags/daily_flights/assets/queuedEvents");
  ASSERT_EQ(queued.status, 200) << queued.text;
  EXPECT_EQ(queued.At("total_entries"), Value(1));
  EXPECT_EQ(queued.At("queued_events.0.partition_key"), Value("2001-03-05 (W10)"));
  EXPECT_EQ(queued.At("queued_events.0.received_count"), Value(2));
  EXPECT_EQ(queued.At("queued_events.0.window_count"), Value(7));
  EXPECT_EQ(queued.At("queued_events.0.required_count"), Value(6));
  EXPECT_EQ(queued.At("queued_events.0.missing_count"), Value(5));
  EXPECT_EQ(queued.Count("queued_events.0.missing_keys"), 5U);
  EXPECT_EQ(queued.At("queued_events.0.missing_keys.0"), Value("2001-03-06T00:00:00"));
}

TEST_F(AssetRoutesTest, ToMaterializeAnAssetIsToStartTheDagThatMakesIt) {
  Start();
  const Answered run = Do("POST", "/api/v2/assets/7/materialize", "");
  ASSERT_EQ(run.status, 200) << run.text;
  EXPECT_EQ(run.At("dag_id"), Value("daily_flights"));
}

TEST_F(AssetRoutesTest, WhatTheRunThatMakesAnAssetIsLikeItsBodySays) {
  Start();
  const Answered run = Do("POST", "/api/v2/assets/7/materialize",
                          R"({"dag_run_id": "again", "partition_key": "2001-03-01", "note": "late", "conf": {"a": 1}})");
  ASSERT_EQ(run.status, 200) << run.text;
  const auto trigger = std::get<TriggerRun>(inbox_.commands().back());
  EXPECT_EQ(trigger.dag_id, "daily_flights");
  EXPECT_EQ(trigger.run_id, "again");
  EXPECT_EQ(trigger.partition_key, "2001-03-01");
  EXPECT_EQ(trigger.note, "late");
  EXPECT_EQ(trigger.conf, R"({"a":1})");
  EXPECT_EQ(Do("POST", "/api/v2/assets/7/materialize", R"({"conf": 3, "partition": "us"})").status, 422);
}

TEST_F(AssetRoutesTest, ARunsDeadlinesAreShown) {
  Dag dag = *dag_;
  Deadline deadline;
  deadline.interval = std::chrono::hours(2);
  dag.deadlines = {deadline};
  rows_.versions[0].dag = std::make_shared<const Dag>(dag);
  rows_.deadlines[RunKey{2}] = {{RunKey{2}, 0, kStart, kStart, false}};
  Start();
  const Answered answer = Get("/millrace/v1/dags/daily_flights/dagRuns/manual__2/deadlines");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.At("deadlines.0.reference"), Value("queued_at"));
  EXPECT_EQ(answer.At("deadlines.0.interval_seconds"), Value(7200.0));
  EXPECT_EQ(answer.At("deadlines.0.missed"), Value(true));
}

}  // namespace
}  // namespace millrace::api
