// Many pools, runs and task instances in one request; notes; pages by cursor.
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class BulkRoutesTest : public ApiTest {
 protected:
  CommandReply Decide(const Command& command) override {
    if (const auto* gone = std::get_if<DeleteRun>(&command); gone != nullptr && gone->run_id == "manual__2")
      return FailedPrecondition("run manual__2 is running; cancel it first");
    return ApiTest::Decide(command);
  }
  template <typename T>
  std::vector<T> Commands() {
    std::vector<T> found;
    for (const Command& command : inbox_.commands()) {
      if (const auto* one = std::get_if<T>(&command)) found.push_back(*one);
    }
    return found;
  }
};

constexpr const char* kFirst = "scheduled__2001-03-01T07:00:00+00:00";

TEST_F(BulkRoutesTest, PoolsAreMadeChangedAndDeletedInOneRequest) {
  Start();
  const Answered answered = Ask("PATCH", "/api/v2/pools", Token("op"), R"({"actions": [
      {"action": "create", "entities": [{"name": "new", "slots": 3}, {"name": "db", "slots": 9}], "action_on_existence": "overwrite"},
      {"action": "update", "entities": [{"name": "db", "slots": 2, "description": "x"}], "update_mask": ["slots"]},
      {"action": "delete", "entities": ["new", {"name": "gone"}], "action_on_non_existence": "skip"}]})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("create.success"), Value(Value::List{"new", "db"}));
  EXPECT_EQ(answered.At("update.success"), Value(Value::List{"db"}));
  EXPECT_EQ(answered.At("delete.success"), Value(Value::List{"new"}));
  EXPECT_EQ(answered.Count("delete.errors"), 0U);
  const std::vector<SetPool> sets = Commands<SetPool>();
  ASSERT_EQ(sets.size(), 4U);
  EXPECT_EQ(sets[0].pool, (PoolRow{"new", 3, "", false, false}));
  EXPECT_EQ(sets[1].pool, (PoolRow{"db", 9, "the warehouse", false, false}));
  EXPECT_EQ(sets[2].pool, (PoolRow{"db", 2, "the warehouse", false, false}));
  EXPECT_TRUE(sets[3].pool.deleted);
}

TEST_F(BulkRoutesTest, AnActionThatDoesNotFitChangesNothingAndTheOthersAreDone) {
  Start();
  const Answered answered = Ask("PATCH", "/api/v2/pools", Token("op"), R"({"actions": [
      {"action": "create", "entities": [{"name": "new", "slots": 3}, {"name": "db", "slots": 9}]},
      {"action": "delete", "entities": ["nowhere"]},
      {"action": "update", "entities": [{"name": "db", "slots": 7}]}]})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("create.errors.0.status_code"), Value(409));
  EXPECT_EQ(answered.At("delete.errors.0.status_code"), Value(404));
  EXPECT_EQ(answered.At("update.success.0"), Value("db"));
  EXPECT_EQ(Commands<SetPool>().size(), 1U);
  EXPECT_EQ(
      Ask("PATCH", "/api/v2/pools", Token("op"), R"({"actions": [{"action": "forget", "entities": []}]})")
          .status,
      422);
  EXPECT_EQ(Ask("PATCH", "/api/v2/pools", Token("op"), "{}").status, 422);
}

TEST_F(BulkRoutesTest, TaskInstancesOfSeveralRunsAreMarkedNotedAndForgotten) {
  Start();
  const std::string path = "/api/v2/dags/daily_flights/dagRuns/~/taskInstances";
  const Answered answered = Do("PATCH", path,
                               std::string(R"({"actions": [
      {"action": "update", "entities": [
        {"dag_run_id": "manual__2", "task_id": "extract", "new_state": "success", "include_downstream": true},
        {"dag_run_id": ")") + kFirst +
                                   R"(", "task_id": "delays", "note": "known"}]},
      {"action": "delete", "entities": [{"dag_run_id": ")" +
                                   kFirst + R"(", "task_id": "publish"}]},
      {"action": "create", "entities": []}]})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("update.success.0"), Value("daily_flights.manual__2.extract[-1]"));
  EXPECT_EQ(answered.At("update.success.1"), Value("daily_flights." + std::string(kFirst) + ".delays[-1]"));
  EXPECT_EQ(answered.At("delete.success.0"), Value("daily_flights." + std::string(kFirst) + ".publish[-1]"));
  EXPECT_EQ(answered.At("create.errors.0.status_code"), Value(405));
  ASSERT_EQ(Commands<MarkTask>().size(), 1U);
  EXPECT_TRUE(Commands<MarkTask>()[0].downstream);
  ASSERT_EQ(Commands<DeleteTaskInstance>().size(), 1U);
  EXPECT_EQ(Commands<DeleteTaskInstance>()[0].task_id, "publish");
  const Answered wrong =
      Do("PATCH", path, R"({"actions": [{"action": "update", "entities": [{"task_id": "extract"}]}]})");
  EXPECT_EQ(wrong.At("update.errors.0.status_code"), Value(400)) << wrong.text;
}

TEST_F(BulkRoutesTest, RunsAreChangedDeletedAndClearedTogether) {
  Start();
  const Answered answered = Do("PATCH", "/api/v2/dags/~/dagRuns",
                               std::string(R"({"actions": [
      {"action": "update", "entities": [{"dag_id": "daily_flights", "dag_run_id": "manual__2", "state": "success", "note": "done"}]},
      {"action": "delete", "entities": [{"dag_id": "daily_flights", "dag_run_id": "manual__2"},
                                        {"dag_id": "daily_flights", "dag_run_id": ")") +
                                   kFirst + R"("}]}]})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("update.success.0"), Value("daily_flights.manual__2"));
  EXPECT_EQ(answered.At("delete.errors.0.status_code"), Value(409));
  EXPECT_EQ(answered.At("delete.success.0"), Value("daily_flights." + std::string(kFirst)));
  EXPECT_EQ(Commands<MarkRun>()[0].state, RunState::kSuccess);
  EXPECT_EQ(Commands<NoteRun>()[0].note, "done");

  const std::string both = std::string(R"({"dag_runs": [{"dag_run_id": "manual__2"}, {"dag_run_id": ")") +
                           kFirst + R"("}, {"dag_run_id": "manual__2"}], )";
  const Answered preview =
      Do("POST", "/api/v2/dags/daily_flights/clearDagRuns", both + R"("dry_run": true})");
  ASSERT_EQ(preview.status, 200) << preview.text;
  EXPECT_GT(preview.Count("task_instances"), 0U);
  const Answered cleared = Do("POST", "/api/v2/dags/daily_flights/clearDagRuns",
                              both + R"("dry_run": false, "note": "again", "only_failed": true})");
  ASSERT_EQ(cleared.status, 200) << cleared.text;
  EXPECT_EQ(cleared.Count("dag_runs"), 2U);
  EXPECT_TRUE(Commands<ClearTasks>().back().only_failed);
  EXPECT_EQ(Commands<NoteRun>().back().note, "again");
  EXPECT_EQ(Do("POST", "/api/v2/dags/daily_flights/clearDagRuns", "{}").status, 422);
  EXPECT_EQ(
      Do("POST", "/api/v2/dags/daily_flights/clearDagRuns", R"({"dag_runs": [{"dag_run_id": "no"}]})").status,
      404);
}

TEST_F(BulkRoutesTest, AllRunsOfAPartitionAreClearedByItsKey) {
  rows_.runs[1].partition_key = "eu";
  Start();
  const char* path = "/api/v2/dags/daily_flights/clearDagRuns";
  const Answered cleared = Do("POST", path, R"({"partition_key": "eu", "dry_run": false})");
  ASSERT_EQ(cleared.status, 200) << cleared.text;
  ASSERT_EQ(cleared.Count("dag_runs"), 1U);
  EXPECT_EQ(cleared.At("dag_runs.0.dag_run_id"), Value(rows_.runs[1].run_id));
  EXPECT_EQ(cleared.At("dag_runs.0.partition_key"), Value("eu"));
  EXPECT_EQ(Do("POST", path, R"({"partition_key": "us"})").status, 404);
  EXPECT_EQ(Do("POST", path, R"({"partition_key": "eu", "dag_runs": [{"dag_run_id": "manual__2"}]})").status, 422);
  EXPECT_EQ(Do("POST", "/api/v2/dags/~/clearDagRuns", R"({"partition_key": "eu"})").status, 422);
}

TEST_F(BulkRoutesTest, TheRunsOfARangeOfPartitionsAreClearedByItsDates) {
  rows_.runs[0].partition_date = kStart;
  rows_.runs[1].partition_date = kStart + std::chrono::hours(48);
  Start();
  const char* path = "/api/v2/dags/daily_flights/clearDagRuns";
  const auto runs = [&](const std::string& range) {
    const Answered cleared = Do("POST", path, "{" + range + R"(, "dry_run": false})");
    EXPECT_EQ(cleared.status, 200) << cleared.text;
    return cleared.Count("dag_runs");
  };
  EXPECT_EQ(runs(R"("partition_date_start": "2001-03-01")"), 2U);
  EXPECT_EQ(runs(R"("partition_date_end": "2001-03-02")"), 1U);
  EXPECT_EQ(runs(R"("partition_date_start": "2001-03-02", "partition_date_end": "2001-03-03")"), 1U);
  EXPECT_EQ(Do("POST", path, R"({"partition_date_start": "2001-03-04"})").status, 404);
  EXPECT_EQ(Do("POST", path, R"({"partition_date_start": "tomorrow"})").status, 422);
  EXPECT_EQ(Do("POST", path, R"({"partition_date_end": "2001-03-04", "dag_runs": [{"dag_run_id": "manual__2"}]})").status, 422);
}

TEST_F(BulkRoutesTest, ATaskInstanceIsForgottenByItsName) {
  Start();
  const std::string path =
      std::string("/api/v2/dags/daily_flights/dagRuns/") + kFirst + "/taskInstances/delays";
  EXPECT_EQ(Ask("DELETE", path, Token("viewer")).status, 403);
  EXPECT_EQ(Ask("DELETE", path, Token("user")).status, 200);
  EXPECT_EQ(Commands<DeleteTaskInstance>()[0].task_id, "delays");
  EXPECT_EQ(Commands<DeleteTaskInstance>()[0].map_index, -1);
  EXPECT_EQ(Ask("DELETE", path + "?map_index=3", Token("user")).status, 200);
  EXPECT_EQ(Commands<DeleteTaskInstance>()[1].map_index, 3);
}

TEST_F(BulkRoutesTest, ANoteIsShownInsteadOfTheReason) {
  rows_.notes.push_back({{RunKey{1}, 1}, "the source was late", "ana", kStart});
  Start();
  const std::string run = std::string("/api/v2/dags/daily_flights/dagRuns/") + kFirst;
  EXPECT_EQ(Get(run + "/taskInstances/delays").At("note"), Value("the source was late"));
  EXPECT_EQ(Get(run + "/taskInstances").At("task_instances.1.note"), Value("the source was late"));
  std::optional<NoteRecord> written;
  inbox_.on_records = [&](const WriteRecords& write) {
    for (const Record& record : write.records) {
      if (const auto* note = std::get_if<NoteRecord>(&record)) written = *note;
    }
  };
  const Answered noted = Do("PATCH", run + "/taskInstances/extract?update_mask=note", R"({"note": "fine"})");
  ASSERT_EQ(noted.status, 200) << noted.text;
  EXPECT_EQ(noted.At("task_instances.0.task_id"), Value("extract"));
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->text, "fine");
  EXPECT_EQ(written->user, "user");
  EXPECT_EQ(written->instance, (TaskInstanceKey{RunKey{1}, 0}));
}

TEST_F(BulkRoutesTest, ListsGoOnByCursorWhereOffsetsEnd) {
  for (int i = 3; i <= 7; ++i)
    AddRun(i, "manual__" + std::to_string(i), RunState::kSuccess, RunType::kManual);
  Start();
  const std::string runs = "/api/v2/dags/daily_flights/dagRuns";
  const Answered far = Get(runs + "?offset=9990&limit=50");
  EXPECT_EQ(far.status, 400);
  EXPECT_NE(far.At("detail").as_string().find("cursor"), std::string::npos);
  std::vector<std::string> seen;
  std::string cursor;
  std::string last;
  for (int page = 0; page < 10; ++page) {
    const Answered answered = Get(runs + "?order_by=-id&limit=3&cursor=" + cursor);
    ASSERT_EQ(answered.status, 200) << answered.text;
    EXPECT_EQ(answered.At("previous_cursor").is_null(), page == 0);
    for (std::size_t i = 0; i < answered.Count("dag_runs"); ++i)
      seen.push_back(answered.At("dag_runs." + std::to_string(i) + ".dag_run_id").as_string());
    if (answered.At("previous_cursor").is_string()) last = answered.At("previous_cursor").as_string();
    if (answered.At("next_cursor").is_null()) break;
    cursor = answered.At("next_cursor").as_string();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"manual__7", "manual__6", "manual__5", "manual__4", "manual__3",
                                            "manual__2", kFirst}));
  const Answered back = Get(runs + "?order_by=-id&limit=3&cursor=" + last);
  EXPECT_EQ(back.At("dag_runs.0.dag_run_id"), Value("manual__4"));
  EXPECT_TRUE(back.At("next_cursor").is_string());
  EXPECT_EQ(Get(runs + "?order_by=run_after&cursor=" + cursor).status, 422);
  EXPECT_EQ(Get(runs + "?cursor=nonsense").status, 422);
  EXPECT_EQ(Get("/api/v2/dags/~/dagRuns/~/taskInstances?offset=20000").status, 400);
  EXPECT_EQ(Get("/api/v2/dags/~/dagRuns/~/taskInstances?offset=20000&cursor=").status, 200);
}

}  // namespace
}  // namespace millrace::api
