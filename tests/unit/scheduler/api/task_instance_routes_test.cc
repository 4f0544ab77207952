#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr const char* kRun =
    "/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/taskInstances";
constexpr const char* kLive = "/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances";

class TaskInstanceRoutesTest : public ApiTest {};

TEST_F(TaskInstanceRoutesTest, AnInstanceHasEveryFieldThatClientsRequire) {
  Start();
  const Answered instance = Get(std::string(kRun) + "/delays");
  ASSERT_EQ(instance.status, 200) << instance.text;
  for (const char* field :
       {"id", "task_id", "dag_id", "dag_run_id", "map_index", "run_after", "try_number", "max_tries",
        "task_display_name", "dag_display_name", "pool", "pool_slots", "executor_config"}) {
    EXPECT_FALSE(instance.At(field).is_null()) << field;
  }
  EXPECT_EQ(instance.At("state"), Value("failed"));
  EXPECT_EQ(instance.At("note"), Value("exit status 1"));
  EXPECT_EQ(instance.At("operator"), Value("mapreduce"));
  EXPECT_EQ(instance.At("duration"), Value(3600.0));
  EXPECT_TRUE(Get(std::string(kLive) + "/publish").At("state").is_null());
  EXPECT_EQ(Get(std::string(kRun) + "/delays/-1").status, 200);
  EXPECT_EQ(Get(std::string(kRun) + "/delays/0").status, 404);
  EXPECT_EQ(Get(std::string(kRun) + "/nothing").status, 404);
}

TEST_F(TaskInstanceRoutesTest, AnInstanceThatBeganShowsTheFieldsThatItWasGiven) {
  const TaskInstanceKey extract{RunKey{1}, 0};
  rows_.xcoms[{extract, "rows"}] = {extract, "rows", "42", false, kStart};
  Status secret;
  render_ = [&secret](const millrace::Run& run, const Dag&, const TaskInstance& instance,
                      TemplateLookup& lookup) -> StatusOr<Value::List> {
    secret = lookup.Find({TemplateNeed::Kind::kConnection, "warehouse", "", std::nullopt}).status();
    ASSIGN_OR_RETURN(Value rows, lookup.Find({TemplateNeed::Kind::kXCom, "extract", "rows", std::nullopt}));
    return Value::List{Value::Map{{"field", "sql"}, {"value", run.run_id}},
                       Value::Map{{"field", "rows"}, {"value", std::move(rows)}},
                       Value::Map{{"field", "try"}, {"value", instance.try_number}}};
  };
  Start();
  const Answered instance = Get(std::string(kRun) + "/delays");
  EXPECT_EQ(instance.At("rendered_fields.sql"), Value("scheduled__2001-03-01T07:00:00+00:00"));
  EXPECT_EQ(instance.At("rendered_fields.rows"), Value(42));
  EXPECT_EQ(instance.At("rendered_fields.try"), Value(2));
  EXPECT_FALSE(secret.ok());
  // Not begun; and in this run the XCom is not there.
  EXPECT_EQ(Get(std::string(kRun) + "/publish").At("rendered_fields"), Value(Value::Map()));
  EXPECT_EQ(Get(std::string(kLive) + "/extract").At("rendered_fields"), Value(Value::Map()));
}

TEST_F(TaskInstanceRoutesTest, TildeMeansAnyDagOrRun) {
  Start();
  EXPECT_EQ(Get(kRun).At("total_entries"), Value(3));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/~/taskInstances").At("total_entries"), Value(6));
  EXPECT_EQ(Get("/api/v2/dags/~/dagRuns/~/taskInstances").At("total_entries"), Value(6));
  EXPECT_EQ(Get("/api/v2/dags/~/dagRuns/~/taskInstances?state=failed").At("task_instances.0.task_id"),
            Value("delays"));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/~/taskInstances?task_id=publish").Count("task_instances"),
            2U);
  EXPECT_EQ(Get(std::string(kLive) + "?state=none").Count("task_instances"), 2U);
  EXPECT_EQ(Get("/api/v2/dags/~/dagRuns/manual__2/taskInstances").status, 400);
  EXPECT_EQ(Get(std::string(kLive) + "?state=lost").status, 422);
}

TEST_F(TaskInstanceRoutesTest, TriesAreToldOnceEach) {
  Attempt first;
  first.instance = {RunKey{1}, 1};
  first.try_number = 1;
  first.state = TaskState::kFailed;
  first.reason = "worker lost";
  Attempt again = first;
  again.reason = "exit status 2";
  Attempt present = first;
  present.try_number = 2;
  rows_.attempts[first.instance] = {first, again, present};
  Start();
  const Answered tries = Get(std::string(kRun) + "/delays/tries");
  EXPECT_EQ(tries.At("total_entries"), Value(2));
  EXPECT_EQ(tries.At("task_instances.0.note"), Value("exit status 2"));
  EXPECT_EQ(tries.At("task_instances.1.note"), Value("exit status 1"));
  EXPECT_EQ(Get(std::string(kRun) + "/delays/tries/1").At("try_number"), Value(1));
  EXPECT_EQ(Get(std::string(kRun) + "/delays/tries/9").status, 404);
}

TEST_F(TaskInstanceRoutesTest, StatesAreSetByHand) {
  Start();
  const Answered answered = Do("PATCH", std::string(kLive) + "/extract", R"({"new_state": "skipped"})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.Count("task_instances"), 2U);  // that the scheduler says it has touched
  auto mark = std::get<MarkTask>(inbox_.commands().at(0));
  EXPECT_EQ(mark.task_id, "extract");
  EXPECT_EQ(mark.state, TaskState::kSkipped);
  EXPECT_EQ(mark.map_index, -1);
  EXPECT_FALSE(mark.dry_run);
  EXPECT_EQ(Do("PATCH", std::string(kLive) + "/extract/3/dry_run",
               R"({"new_state": "failed", "include_upstream": true, "include_downstream": true})")
                .status,
            200);
  mark = std::get<MarkTask>(inbox_.commands().at(1));
  EXPECT_TRUE(mark.dry_run);
  EXPECT_TRUE(mark.upstream);
  EXPECT_TRUE(mark.downstream);
  EXPECT_EQ(mark.map_index, 3);
  EXPECT_EQ(Do("PATCH", std::string(kLive) + "/extract", R"({"new_state": "running"})").status, 422);
  EXPECT_EQ(Do("PATCH", std::string(kLive) + "/extract/x", R"({"new_state": "failed"})").status, 404);
}

TEST_F(TaskInstanceRoutesTest, AGroupIsMarkedAndNotedAsATaskIs) {
  Dag grouped = *dag_;
  grouped.groups.push_back({.id = "load", .tooltip = "", .expand = {}});
  for (const std::size_t task : {1, 2}) grouped.tasks[task].group = 0;
  rows_.versions.push_back({grouped.id, 1, kStart, std::make_shared<const Dag>(grouped)});
  Start();
  const std::string path = "/api/v2/dags/daily_flights/dagRuns/manual__2/taskGroupInstances/";
  ASSERT_EQ(
      Do("PATCH", path + "load/dry_run", R"({"new_state": "skipped", "include_downstream": true})").status,
      200);
  const auto preview = std::get<MarkTask>(inbox_.commands().back());
  EXPECT_EQ(preview.task_id, "load");
  EXPECT_TRUE(preview.dry_run);
  EXPECT_TRUE(preview.downstream);
  ASSERT_EQ(Do("PATCH", path + "load", R"({"new_state": "failed"})").status, 200);
  EXPECT_FALSE(std::get<MarkTask>(inbox_.commands().back()).dry_run);
  const Answered noted = Do("PATCH", path + "load", R"({"note": "looked at"})");
  EXPECT_EQ(noted.Count("task_instances"), 2U) << noted.text;
  EXPECT_EQ(Do("PATCH", path + "nothing", R"({"new_state": "failed"})").status, 404);
  EXPECT_EQ(Do("PATCH", path + "load", R"({"new_state": "running"})").status, 422);
}

TEST_F(TaskInstanceRoutesTest, PastAndFutureReachTheRunsAroundEachTriedBeforeTheFirstIsDone) {
  AddRun(3, "scheduled__later", RunState::kSuccess, RunType::kScheduled);
  for (const std::int32_t index : {0, 1, 2}) AddInstance(3, index, TaskState::kSuccess);
  Start();
  const auto runs = [this](std::size_t from) {
    std::string names;
    const std::vector<Command> all = inbox_.commands();
    for (std::size_t i = from; i < all.size(); ++i) {
      const auto* mark = std::get_if<MarkTask>(&all[i]);
      const auto* clear = std::get_if<ClearTasks>(&all[i]);
      const bool dry_run = mark != nullptr ? mark->dry_run : clear->dry_run;
      names += (mark != nullptr ? mark->run_id : clear->run_id) + (dry_run ? "? " : " ");
    }
    return names;
  };
  EXPECT_EQ(Do("PATCH", std::string(kLive) + "/extract", R"({"new_state": "failed", "include_future": true})")
                .status,
            200);
  EXPECT_EQ(runs(0), "manual__2? scheduled__later? manual__2 scheduled__later ");
  const char* path = "/api/v2/dags/daily_flights/clearTaskInstances";
  EXPECT_EQ(Do("POST", path, R"({"dag_run_id": "manual__2", "include_past": true})").status, 200);
  EXPECT_EQ(runs(4), "scheduled__2001-03-01T07:00:00+00:00? manual__2? ");
  EXPECT_EQ(Do("POST", path, R"({"start_date": "2001-03-01T00:00:00Z", "end_date": "2031-03-01T00:00:00Z"})")
                .status,
            200);
  EXPECT_EQ(runs(6), "scheduled__2001-03-01T07:00:00+00:00? manual__2? scheduled__later? ");
  inbox_.answer = [](const Command& command) -> CommandReply {
    if (std::get<ClearTasks>(command).run_id == "scheduled__later") return FailedPrecondition("not now");
    return CommandResult{};
  };
  EXPECT_EQ(
      Do("POST", path, R"({"dag_run_id": "manual__2", "include_future": true, "dry_run": false})").status,
      409);
  EXPECT_EQ(runs(9), "manual__2? scheduled__later? ");
}

TEST_F(TaskInstanceRoutesTest, ClearingIsADryRunUnlessToldOtherwise) {
  Start();
  const char* path = "/api/v2/dags/daily_flights/clearTaskInstances";
  const std::string run = R"("dag_run_id": "scheduled__2001-03-01T07:00:00+00:00")";
  const Answered preview = Do(
      "POST", path, "{" + run + R"(, "task_ids": ["delays", ["publish", -1]], "include_downstream": true})");
  ASSERT_EQ(preview.status, 200) << preview.text;
  EXPECT_EQ(preview.At("total_entries"), Value(2));
  auto clear = std::get<ClearTasks>(inbox_.commands().at(0));
  EXPECT_TRUE(clear.dry_run);
  EXPECT_TRUE(clear.only_failed);
  EXPECT_TRUE(clear.downstream);
  EXPECT_EQ(clear.task_ids, (std::vector<std::string>{"delays", "publish"}));
  EXPECT_EQ(Do("POST", path, "{" + run + R"(, "dry_run": false, "only_failed": false})").status, 200);
  clear = std::get<ClearTasks>(inbox_.commands().at(1));
  EXPECT_FALSE(clear.dry_run);
  EXPECT_FALSE(clear.only_failed);
  EXPECT_FALSE(clear.downstream);
  EXPECT_EQ(Do("POST", path, R"({"task_ids": ["delays"]})").status, 422);
  EXPECT_EQ(Do("POST", path, "{" + run + R"(, "only_running": true, "only_failed": true})").status, 422);
  ASSERT_EQ(Do("POST", path, "{" + run + R"(, "only_running": true, "note": "again", "dry_run": false})").status, 200);
  const auto running = std::get<ClearTasks>(inbox_.commands().back());
  EXPECT_TRUE(running.only_running);
  EXPECT_FALSE(running.only_failed);
  EXPECT_EQ(running.note, "again");
  ASSERT_EQ(Do("POST", path, "{" + run + R"(, "only_skipped": true})").status, 200);
  const auto skipped = std::get<ClearTasks>(inbox_.commands().back());
  EXPECT_TRUE(skipped.only_skipped);
  EXPECT_FALSE(skipped.only_failed);
  EXPECT_EQ(Do("POST", path, "{" + run + R"(, "only_skipped": true, "only_failed": true})").status, 422);
  EXPECT_EQ(Do("POST", path, "{" + run + R"(, "only_skipped": true, "only_running": true})").status, 422);
  EXPECT_EQ(Do("POST", path, "{" + run + R"(, "end_date": "2001-03-01"})").status, 422);
  EXPECT_EQ(
      Do("POST", path,
         "{" + run +
             R"(, "task_ids": [["delays", 3]], "run_on_latest_version": true, "reset_dag_runs": false})")
          .status,
      200);
  clear = std::get<ClearTasks>(inbox_.commands().back());
  EXPECT_EQ(clear.map_index, 3);
  EXPECT_TRUE(clear.latest_version);
  EXPECT_FALSE(clear.reopen);

  // What runs holds nothing back from a preview.
  ASSERT_EQ(Do("POST", path, "{" + run + R"(, "prevent_running_task": true})").status, 200);
  EXPECT_FALSE(std::get<ClearTasks>(inbox_.commands().back()).prevent_running);
  ASSERT_EQ(Do("POST", path, "{" + run + R"(, "prevent_running_task": true, "dry_run": false})").status, 200);
  EXPECT_TRUE(std::get<ClearTasks>(inbox_.commands().back()).prevent_running);

  const std::string whole = "/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/clear";
  EXPECT_EQ(Do("POST", whole, "{}").Count("task_instances"), 2U);
  EXPECT_EQ(Do("POST", whole, R"({"dry_run": false})").At("state"), Value("failed"));
  const Answered added = Do("POST", whole, R"({"only_new": true})");
  EXPECT_EQ(added.Count("task_instances"), 1U) << added.text;
  EXPECT_EQ(added.At("task_instances.0.task_id"), Value("audit"));
  EXPECT_EQ(Do("POST", whole, R"({"only_new": true, "only_failed": true})").status, 422);
  EXPECT_EQ(Do("POST", whole, R"({"only_new": true, "only_skipped": true})").status, 422);
}

TEST_F(TaskInstanceRoutesTest, InstancesThatStandElsewhereThanTheirTasksAreFoundByName) {
  // The run had `old` where `delays` stands, and was given the version without running again.
  rows_.runs[0].former_tasks = {"old"};
  for (auto& [key, row] : rows_.instances) {
    if (key == TaskInstanceKey{RunKey{1}, 1}) {
      row.mapped_task = 3;
      row.state = TaskState::kRemoved;
    } else if (key == TaskInstanceKey{RunKey{1}, 2}) {
      row.mapped_task = 1;
      row.reason = "moved";
    }
  }
  Start();
  const Answered moved = Get(std::string(kRun) + "/delays");
  ASSERT_EQ(moved.status, 200) << moved.text;
  EXPECT_EQ(moved.At("note"), Value("moved"));
  EXPECT_EQ(moved.At("task_id"), Value("delays"));
  const Answered gone = Get(std::string(kRun) + "/old");
  ASSERT_EQ(gone.status, 200) << gone.text;
  EXPECT_EQ(gone.At("state"), Value("removed"));
  const Answered all = Get(kRun);
  EXPECT_EQ(all.At("task_instances.1.task_id"), Value("old"));
  EXPECT_EQ(all.At("task_instances.2.task_id"), Value("delays"));
  EXPECT_EQ(Get(std::string(kRun) + "/delays/0").status, 404);
  EXPECT_EQ(Get(std::string(kRun) + "?task_id=delays").At("task_instances.0.note"), Value("moved"));
}

TEST_F(TaskInstanceRoutesTest, LogsComeInPiecesThatEndWithALine) {
  rows_.logs[{{RunKey{2}, 0}, 2}] = "first\nsecond\nhal";
  Start();
  const std::string path = std::string(kLive) + "/extract/logs/2";
  const Answered first = Get(path);
  ASSERT_EQ(first.status, 200) << first.text;
  EXPECT_EQ(first.Count("content"), 2U);
  EXPECT_EQ(first.At("content.1.event"), Value("second"));
  EXPECT_EQ(first.At("continuation_token"), Value("13"));
  EXPECT_EQ(Get(path + "?token=13").At("continuation_token"), Value("13"));
  {
    const std::lock_guard lock(rows_.mutex);
    rows_.logs[{{RunKey{2}, 0}, 2}] += "f\n";
  }
  const Answered more = Get(path + "?token=13");
  EXPECT_EQ(more.At("content.0.event"), Value("half"));
  EXPECT_EQ(more.At("continuation_token"), Value("18"));
  EXPECT_EQ(Get(path + "?token=-1").status, 422);
  EXPECT_EQ(Get(std::string(kLive) + "/extract/logs/3").status, 404);
  EXPECT_EQ(Get(std::string(kLive) + "/extract/logs/0").status, 404);
}

TEST_F(TaskInstanceRoutesTest, TheLogOfAnEndedTryEnds) {
  rows_.logs[{{RunKey{1}, 1}, 2}] = "<script>alert(1)</script>\nlast, without an end of line";
  Start();
  const std::string path = std::string(kRun) + "/delays/logs/2";
  const Answered whole = Get(path);
  EXPECT_EQ(whole.Count("content"), 2U);
  EXPECT_TRUE(whole.At("continuation_token").is_null());
  const Answered text = Get(path, "Accept: text/plain\r\n");
  EXPECT_EQ(test::BodyOf(text.text), rows_.logs.begin()->second);
  EXPECT_NE(text.text.find("Content-Type: text/plain"), std::string::npos);
  EXPECT_NE(text.text.find("Content-Security-Policy: sandbox"), std::string::npos);
  EXPECT_EQ(test::BodyOf(Get(path, "Accept: application/x-ndjson\r\n").text),
            "{\"timestamp\":null,\"event\":\"<script>alert(1)</script>\"}\n"
            "{\"timestamp\":null,\"event\":\"last, without an end of line\"}\n");
  EXPECT_EQ(Get(path, "Accept: application/json, text/plain\r\n").Count("content"), 2U);
}

TEST_F(TaskInstanceRoutesTest, ALineLongerThanAPieceIsCut) {
  rows_.logs[{{RunKey{1}, 1}, 2}] = std::string(700'000, 'x') + "\nend\n";
  Start();
  const std::string path = std::string(kRun) + "/delays/logs/2";
  std::size_t total = 0;
  std::string token = "0";
  int pieces = 0;
  while (!token.empty() && pieces < 10) {
    const Answered piece = Get(path + "?token=" + token);
    const Value content = piece.At("content");
    for (const Value& line : content.as_list()) total += line.Find("event")->as_string().size();
    const Value next = piece.At("continuation_token");
    token = next.is_null() ? "" : next.as_string();
    ++pieces;
  }
  EXPECT_EQ(pieces, 3);
  EXPECT_EQ(total, 700'003U);
  EXPECT_EQ(Get(path + "?full_content=true").Count("content"), 2U);
}

}  // namespace
}  // namespace millrace::api
