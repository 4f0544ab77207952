#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr const char* kRuns = "/api/v2/dags/daily_flights/dagRuns";
constexpr const char* kFailed =
    "/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07%3A00%3A00%2B00%3A00";

class RunRoutesTest : public ApiTest {
 protected:
  template <typename Wanted>
  Wanted LastCommand() {
    const std::vector<Command> commands = inbox_.commands();
    return commands.empty() || !std::holds_alternative<Wanted>(commands.back())
               ? Wanted{}
               : std::get<Wanted>(commands.back());
  }
};

TEST_F(RunRoutesTest, ARunShowsItsDatesConfAndVersion) {
  Start();
  const Answered run = Get(kFailed);
  ASSERT_EQ(run.status, 200) << run.text;
  EXPECT_EQ(run.At("dag_run_id"), Value("scheduled__2001-03-01T07:00:00+00:00"));
  EXPECT_EQ(run.At("state"), Value("failed"));
  EXPECT_EQ(run.At("run_type"), Value("scheduled"));
  EXPECT_EQ(run.At("logical_date"), Value("2001-03-01T01:00:00Z"));
  EXPECT_EQ(run.At("duration"), Value(1.5));
  EXPECT_EQ(run.At("conf.threshold_minutes"), Value(20));
  EXPECT_EQ(run.At("dag_versions.0.version_number"), Value(1));
  EXPECT_EQ(run.At("triggered_by"), Value("timetable"));
  EXPECT_EQ(Get(std::string(kRuns) + "/manual__2").At("triggering_user_name"), Value("ana"));
  EXPECT_EQ(Get(std::string(kRuns) + "/nothing").status, 404);
}

TEST_F(RunRoutesTest, ListsFilterByStateTypeAndDate) {
  Start();
  EXPECT_EQ(Get(kRuns).At("total_entries"), Value(2));
  EXPECT_EQ(Get("/api/v2/dags/~/dagRuns").At("total_entries"), Value(2));
  EXPECT_EQ(Get(std::string(kRuns) + "?state=failed&state=success").Count("dag_runs"), 1U);
  EXPECT_EQ(Get(std::string(kRuns) + "?run_type=manual").At("dag_runs.0.dag_run_id"), Value("manual__2"));
  EXPECT_EQ(Get(std::string(kRuns) + "?order_by=-run_after&limit=1").At("dag_runs.0.dag_run_id"),
            Value("manual__2"));
  // The official client's form of a time, escaped and not.
  EXPECT_EQ(Get(std::string(kRuns) + "?logical_date_gte=2001-03-01T01:30:00.000000%2B0000").Count("dag_runs"),
            1U);
  EXPECT_EQ(Get(std::string(kRuns) + "?logical_date_gte=2001-03-01T01:30:00.000000+0000").Count("dag_runs"),
            1U);
  EXPECT_EQ(Get(std::string(kRuns) + "?logical_date_gt=2001-03-01T01:00:00Z").Count("dag_runs"), 1U);
  EXPECT_EQ(Get(std::string(kRuns) + "?logical_date_lte=2001-03-01T01:00:00Z").Count("dag_runs"), 1U);
  EXPECT_EQ(Get(std::string(kRuns) + "?state=cancelled").status, 422);
  EXPECT_EQ(Get("/api/v2/dags/nothing/dagRuns").status, 404);
}

TEST_F(RunRoutesTest, ATriggerAnswers200WithTheRun) {
  Start();
  const Answered run =
      Do("POST", kRuns, R"({"logical_date": null, "conf": {"threshold_minutes": 30}, "note": "again"})");
  ASSERT_EQ(run.status, 200) << run.text;
  EXPECT_EQ(run.At("dag_run_id"), Value("manual__2001-03-03T00:00:00+00:00"));
  EXPECT_EQ(Do("POST", kRuns, "{}").At("dag_run_id"), Value("manual__2001-03-03T00:00:00.000001+00:00"));
  ASSERT_EQ(Do("POST", kRuns, R"({"logical_date": null, "conf": {"threshold_minutes": 30}})").status, 200);
  EXPECT_EQ(run.At("note"), Value("again"));
  const auto trigger = LastCommand<TriggerRun>();
  EXPECT_EQ(trigger.dag_id, "daily_flights");
  EXPECT_EQ(trigger.conf, R"({"threshold_minutes":30})");
  EXPECT_EQ(trigger.user, "user");
  EXPECT_FALSE(trigger.logical_date.has_value());
  ASSERT_EQ(Do("POST", kRuns, R"({"logical_date": "2001-05-17T00:00:00", "dag_run_id": "mine:1+2"})").status,
            200);
  EXPECT_EQ(LastCommand<TriggerRun>().run_id, "mine:1+2");
  EXPECT_EQ(LastCommand<TriggerRun>().logical_date, kStart + std::chrono::hours(24 * 77));
}

TEST_F(RunRoutesTest, ABadTriggerChangesNothing) {
  Start();
  const Answered answered = Do(
      "POST", kRuns,
      R"({"conf": 3, "dag_run_id": "../etc", "logical_date": "soon", "colour": "red", "partition_key": 3})");
  EXPECT_EQ(answered.status, 422);
  EXPECT_EQ(answered.Count("detail"), 5U) << answered.text;
  EXPECT_EQ(Do("POST", "/api/v2/dags/nothing/dagRuns", "{}").status, 404);
  EXPECT_EQ(Do("POST", kRuns, "[]").status, 422);
  EXPECT_EQ(Do("POST", kRuns, std::string(1000, '[')).status, 422);
  EXPECT_TRUE(inbox_.commands().empty());
}

TEST_F(RunRoutesTest, ARunHasThePartitionKeyThatItIsTriggeredWith) {
  rows_.runs[1].partition_key = "eu|2001-03-01";
  rows_.runs[1].partition_date = kStart;
  Start();
  const Answered run = Get(std::string(kRuns) + "/" + rows_.runs[1].run_id);
  EXPECT_EQ(run.At("partition_key"), Value("eu|2001-03-01"));
  EXPECT_TRUE(run.At("partition_date").is_string());
  EXPECT_TRUE(Get(kRuns).At("dag_runs.0.partition_key").is_null());
  EXPECT_EQ(Get(std::string(kRuns) + "?partition_key_pattern=eu%25").status, 200);
  ASSERT_EQ(Do("POST", kRuns, R"({"partition_key": "us|2001-03-01"})").status, 200);
  EXPECT_EQ(LastCommand<TriggerRun>().partition_key, "us|2001-03-01");
  ASSERT_EQ(Do("POST", kRuns, R"({"partition_key": null})").status, 200);
  EXPECT_EQ(LastCommand<TriggerRun>().partition_key, "");
  EXPECT_EQ(Do("POST", kRuns, R"({"partition_key": "a\nb"})").status, 422);
  EXPECT_EQ(Do("POST", kRuns, R"({"partition_key": ")" + std::string(251, 'x') + "\"}").status, 422);
}

TEST_F(RunRoutesTest, RefusalsOfTheEngineKeepTheirMeaning) {
  inbox_.answer = [](const Command&) -> CommandReply {
    return AlreadyExists("A run of this id exists: mine");
  };
  Start();
  const Answered conflict = Do("POST", kRuns, R"({"dag_run_id": "mine"})");
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.At("detail"), Value("A run of this id exists: mine"));
  inbox_.answer = [](const Command&) -> CommandReply { return Internal("stack of secrets"); };
  EXPECT_EQ(Do("POST", kRuns, "{}").At("detail"), Value("internal error"));
}

TEST_F(RunRoutesTest, AFullInboxIs429AndASilentLoopIs503) {
  Start();
  inbox_.refuse = ResourceExhausted("commands are full");
  EXPECT_EQ(Do("POST", kRuns, "{}").status, 429);
  inbox_.refuse = OkStatus();
  inbox_.silent = true;
  EXPECT_EQ(Do("POST", kRuns, "{}").status, 503);
}

TEST_F(RunRoutesTest, StatesOfARunAreSetByMarkAndClear) {
  Start();
  const std::string run = std::string(kRuns) + "/manual__2";
  EXPECT_EQ(Do("PATCH", run + "?update_mask=state", R"({"state": "failed"})").status, 200);
  EXPECT_EQ(LastCommand<MarkRun>().run_id, "manual__2");
  EXPECT_EQ(LastCommand<MarkRun>().state, RunState::kFailed);
  EXPECT_EQ(Do("PATCH", run, R"({"state": "success"})").status, 200);
  EXPECT_EQ(LastCommand<MarkRun>().state, RunState::kSuccess);
  EXPECT_EQ(Do("PATCH", run, R"({"state": "queued"})").status, 200);
  EXPECT_EQ(LastCommand<ClearTasks>().run_id, "manual__2");
  EXPECT_FALSE(LastCommand<ClearTasks>().only_failed);
  EXPECT_EQ(Do("PATCH", run, R"({"state": "cancelled"})").status, 422);
  EXPECT_EQ(Do("PATCH", run, R"({"note": 3})").status, 422);
  EXPECT_EQ(Do("PATCH", run, R"({"note": "x"})").status, 200);
  EXPECT_EQ(std::get<NoteRun>(inbox_.commands().back()).note, "x");
}

TEST_F(RunRoutesTest, WaitingForAnEndedRunAnswersAtOnce) {
  rows_.xcoms[{{RunKey{1}, 0}, kReturnValue}] = {{RunKey{1}, 0}, kReturnValue, R"({"rows": 3})"};
  Start();
  test::RawClient client(server_->port());
  client.Send(
      RequestText("GET", std::string(kFailed) + "/wait?interval=1&result=extract", Token("viewer"), "", ""));
  const std::string text = client.ReadAll();
  EXPECT_EQ(test::StatusOf(text), 200);
  EXPECT_EQ(test::BodyOf(text), "{\"state\":\"failed\",\"results\":{\"extract\":{\"rows\":3}}}\n");
}

TEST_F(RunRoutesTest, WaitingEndsWhenTheRunDoes) {
  Start();
  test::RawClient client(server_->port());
  client.Send(RequestText("GET", std::string(kRuns) + "/manual__2/wait?interval=1", Token("viewer"), "",
                          "Accept: application/x-ndjson\r\n"));
  EXPECT_EQ(test::BodyOf(client.ReadUntil("}\n")), "{\"state\":\"running\"}\n");
  auto batch = std::make_shared<Batch>();
  batch->sequence = 1;
  batch->transitions = {{RunKey{2}, -1, 1, static_cast<std::uint8_t>(RunState::kSuccess), 0, kStart}};
  {
    const std::lock_guard lock(rows_.mutex);
    rows_.runs[1].state = RunState::kSuccess;
    rows_.journal.push_back({1, batch->transitions});
  }
  server_->Committed(batch);
  EXPECT_EQ(test::BodyOf(client.ReadAll()), "{\"state\":\"running\"}\n{\"state\":\"success\"}\n");
}

}  // namespace
}  // namespace millrace::api
