// Backfills, pools, deletion, retention and backups over the wire.
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class OperationsRoutesTest : public ApiTest {
 protected:
  OperationsRoutesTest() {
    Backfill row;
    row.id = 4;
    row.dag_id = "daily_flights";
    row.from = kStart;
    row.to = kStart + std::chrono::hours(72);
    row.reprocess = Reprocess::kFailed;
    row.max_active_runs = 3;
    row.dates = 4;
    row.made = 2;
    row.skipped = 1;
    rows_.backfills.push_back(row);
    rows_.runs[0].backfill = 4;
    inbox_.answer = [this](const Command& command) { return Answer(command); };
  }

  CommandReply Answer(const Command& command) {
    CommandResult result;
    if (const auto* create = std::get_if<CreateBackfill>(&command)) {
      result.backfill = create->backfill;
      result.backfill->id = create->dry_run ? 0 : 5;
      result.backfill->dates = 2;
      if (create->dry_run) result.dates = {kStart, kStart + std::chrono::hours(24)};
      if (create->include_downstream) {
        Backfill other = create->backfill;
        other.dag_id = "report";
        other.after = 5;
        result.downstream.push_back(other);
      }
      return result;
    }
    if (const auto* remove = std::get_if<DeleteRuns>(&command)) {
      for (const DeleteRuns::Name& run : remove->runs) {
        std::erase_if(rows_.runs, [&](const millrace::Run& row) { return row.key == run.key; });
        result.deleted.push_back(run.key);
      }
    }
    return result;
  }

  template <typename T>
  T LastCommand() {
    return std::get<T>(inbox_.commands().back());
  }
};

TEST_F(OperationsRoutesTest, ABackfillIsMadeAsAirflowsClientAsks) {
  Start();
  const Answered made = Do(
      "POST", "/api/v2/backfills",
      R"({"dag_id": "daily_flights", "from_date": "2001-03-01T00:00:00Z", "to_date": "2001-03-03T00:00:00Z",
                               "run_backwards": true, "dag_run_conf": {"x": 1}, "reprocess_behavior": "completed",
                               "max_active_runs": 2, "run_on_latest_version": false})");
  ASSERT_EQ(made.status, 200) << made.text;
  EXPECT_EQ(made.At("id"), Value(5));
  EXPECT_EQ(made.At("is_paused"), Value(false));
  EXPECT_EQ(made.At("reprocess_behavior"), Value("completed"));
  EXPECT_EQ(made.At("from_date"), Value("2001-03-01T00:00:00Z"));
  EXPECT_EQ(made.At("completed_at"), Value());
  const auto create = LastCommand<CreateBackfill>();
  EXPECT_EQ(create.backfill.dag_id, "daily_flights");
  EXPECT_EQ(create.backfill.user, "user");
  EXPECT_TRUE(create.backfill.run_backwards);
  EXPECT_FALSE(create.backfill.latest_version);
  EXPECT_EQ(create.backfill.max_active_runs, 2);
  EXPECT_EQ(create.backfill.conf, R"({"x":1})");
  EXPECT_FALSE(create.include_downstream);
}

TEST_F(OperationsRoutesTest, EveryProblemOfABackfillIsToldAtOnce) {
  Start();
  const Answered refused = Do(
      "POST", "/api/v2/backfills",
      R"({"from_date": "yesterday", "reprocess_behavior": "some", "max_active_runs": 0, "dag_run_conf": [], "include_downstream": true})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.Count("detail"), 7U) << refused.text;
  EXPECT_TRUE(inbox_.commands().empty());
}

TEST_F(OperationsRoutesTest, ADryRunTellsDatesInAirflowsFormAndInOurs) {
  Start();
  const std::string range =
      R"("dag_id": "daily_flights", "from_date": "2001-03-01", "to_date": "2001-03-03")";
  const Answered theirs = Do("POST", "/api/v2/backfills/dry_run", "{" + range + "}");
  ASSERT_EQ(theirs.status, 200) << theirs.text;
  EXPECT_EQ(theirs.At("total_entries"), Value(2));
  EXPECT_TRUE(theirs.At("backfills.0.logical_date").is_string());
  EXPECT_TRUE(LastCommand<CreateBackfill>().dry_run);
  const Answered ours =
      Do("POST", "/millrace/v1/backfills/dry_run", "{" + range + R"(, "include_downstream": true})");
  ASSERT_EQ(ours.status, 200) << ours.text;
  EXPECT_EQ(ours.Count("dates"), 2U);
  EXPECT_EQ(ours.At("backfills.1.dag_id"), Value("report"));
}

TEST_F(OperationsRoutesTest, BackfillsAreListedAndOursTellTheirProgress) {
  Start();
  EXPECT_EQ(Get("/api/v2/backfills").status, 422);
  EXPECT_EQ(Get("/api/v2/backfills?dag_id=daily_flights").At("backfills.0.id"), Value(4));
  EXPECT_EQ(Get("/api/v2/backfills?dag_id=other").At("total_entries"), Value(0));
  EXPECT_EQ(Get("/api/v2/backfills/4").At("max_active_runs"), Value(3));
  EXPECT_EQ(Get("/api/v2/backfills/5").status, 404);
  EXPECT_EQ(Get("/api/v2/backfills/x").status, 404);
  const Answered progress = Get("/millrace/v1/backfills/4");
  EXPECT_EQ(progress.At("state"), Value("running"));
  EXPECT_EQ(progress.At("dates_left"), Value(1));
  EXPECT_EQ(progress.At("runs.failed"), Value(1));
  EXPECT_EQ(Get("/millrace/v1/backfills").At("backfills.0.runs.running"), Value(0));
}

TEST_F(OperationsRoutesTest, ABackfillIsPausedResumedAndCancelled) {
  Start();
  for (const auto& [word, action] :
       {std::pair("pause", BackfillAction::kPause), std::pair("unpause", BackfillAction::kUnpause),
        std::pair("cancel", BackfillAction::kCancel)}) {
    EXPECT_EQ(Do("PUT", "/api/v2/backfills/4/" + std::string(word), "").status, 200) << word;
    EXPECT_EQ(LastCommand<ChangeBackfill>().action, action);
    EXPECT_EQ(LastCommand<ChangeBackfill>().id, 4);
  }
  inbox_.answer = [](const Command&) -> CommandReply {
    return AlreadyExists("Backfill is already completed.");
  };
  EXPECT_EQ(Do("PUT", "/api/v2/backfills/4/cancel", "").status, 409);
}

TEST_F(OperationsRoutesTest, PoolsShowWhatIsTakenOfThem) {
  Start();
  const Answered pools = Ask("GET", "/api/v2/pools", Token("op"));
  ASSERT_EQ(pools.status, 200) << pools.text;
  EXPECT_EQ(pools.At("total_entries"), Value(2));
  EXPECT_EQ(pools.At("pools.0.name"), Value("db"));
  EXPECT_EQ(pools.At("pools.0.occupied_slots"), Value(3));
  EXPECT_EQ(pools.At("pools.0.open_slots"), Value(2));
  EXPECT_EQ(pools.At("pools.0.scheduled_slots"), Value(4));
  EXPECT_EQ(pools.At("pools.0.deferred_slots"), Value(3));
  EXPECT_EQ(pools.At("pools.1.open_slots"), Value(-1));
  EXPECT_EQ(pools.At("pools.1.occupied_slots"), Value(5)) << "with include_deferred";
  EXPECT_EQ(Ask("GET", "/api/v2/pools/nowhere", Token("op")).status, 404);
  EXPECT_EQ(Ask("GET", "/api/v2/pools", Token("viewer")).status, 403);
}

TEST_F(OperationsRoutesTest, PoolsAreMadeChangedAndDeleted) {
  Start();
  EXPECT_EQ(
      Ask("POST", "/api/v2/pools", Token("op"), R"({"name": "db", "slots": 5, "description": "x"})").status,
      201);
  EXPECT_TRUE(LastCommand<SetPool>().must_be_new);
  EXPECT_EQ(LastCommand<SetPool>().pool, (PoolRow{"db", 5, "x", false, false}));
  EXPECT_EQ(Ask("POST", "/api/v2/pools", Token("op"), R"({"slots": "many"})").Count("detail"), 2U);
  EXPECT_EQ(Ask("PATCH", "/api/v2/pools/db", Token("op"), R"({"slots": 9})").status, 200);
  EXPECT_EQ(LastCommand<SetPool>().pool, (PoolRow{"db", 9, "the warehouse", false, false}));
  EXPECT_EQ(Ask("PATCH", "/api/v2/pools/db?update_mask=description", Token("op"),
                R"({"slots": 9, "description": "y"})")
                .status,
            200);
  EXPECT_EQ(LastCommand<SetPool>().pool, (PoolRow{"db", 5, "y", false, false}));
  EXPECT_EQ(Ask("PATCH", "/api/v2/pools/db", Token("op"), R"({"pool": "other"})").status, 422);
  EXPECT_EQ(Ask("PATCH", "/api/v2/pools/default_pool", Token("op"), R"({"description": "mine"})").status,
            422);
  EXPECT_EQ(Ask("DELETE", "/api/v2/pools/db", Token("op")).status, 204);
  EXPECT_TRUE(LastCommand<SetPool>().pool.deleted);
}

TEST_F(OperationsRoutesTest, ARunIsDeletedWithItsLogs) {
  Start();
  EXPECT_EQ(Do("DELETE", "/api/v2/dags/daily_flights/dagRuns/manual__2", "").status, 204);
  EXPECT_EQ(LastCommand<DeleteRun>().run_id, "manual__2");
  EXPECT_EQ(rows_.removed_logs, std::vector<RunKey>{RunKey{2}});
  EXPECT_EQ(Do("DELETE", "/api/v2/dags/daily_flights/dagRuns/nowhere", "").status, 404);
}

TEST_F(OperationsRoutesTest, ADagIsDeletedWithItsRunsUnlessOneIsUnderWay) {
  Start();
  EXPECT_EQ(Do("DELETE", "/api/v2/dags/daily_flights", "").status, 409);
  EXPECT_TRUE(inbox_.commands().empty());
  rows_.runs[1].state = RunState::kSuccess;
  const Answered deleted = Do("DELETE", "/api/v2/dags/daily_flights", "");
  EXPECT_EQ(deleted.status, 200) << deleted.text;
  EXPECT_EQ(deleted.At("runs_deleted"), Value(2));
  EXPECT_EQ(LastCommand<DeleteDag>().dag_id, "daily_flights");
  EXPECT_EQ(rows_.removed_logs.size(), 2U);
}

TEST_F(OperationsRoutesTest, CleaningIsADryRunUnlessToldOtherwiseAndForAdminsOnly) {
  Start();
  EXPECT_EQ(Do("POST", "/millrace/v1/db/clean", R"({"before": "2001-03-01"})").status, 403);
  EXPECT_EQ(Ask("POST", "/millrace/v1/db/clean", Token("admin"), "{}").status, 422);
  EXPECT_EQ(Ask("POST", "/millrace/v1/db/clean", Token("admin"), R"({"before": "2999-03-01"})").status, 400);
  const Answered preview = Ask("POST", "/millrace/v1/db/clean", Token("admin"),
                               R"({"before": "2000-03-05", "dag_ids": ["daily_flights"]})");
  ASSERT_EQ(preview.status, 200) << preview.text;
  EXPECT_EQ(preview.At("dry_run"), Value(true));
  EXPECT_TRUE(inbox_.commands().empty());
  rows_.runs.erase(rows_.runs.begin() + 1);
  const Answered cleaned =
      Ask("POST", "/millrace/v1/db/clean", Token("admin"), R"({"before": "2000-03-05", "dry_run": false})");
  ASSERT_EQ(cleaned.status, 200) << cleaned.text;
  EXPECT_EQ(cleaned.At("runs"), Value(1));
  EXPECT_EQ(rows_.removed_logs, std::vector<RunKey>{RunKey{1}});
}

TEST_F(OperationsRoutesTest, ABackupIsNamedByItsTimeOrByWhoAsks) {
  Start();
  EXPECT_EQ(Ask("POST", "/millrace/v1/db/backup", Token("admin"), R"({"name": "monday"})").At("folder"),
            Value("/state/backups/monday"));
  EXPECT_EQ(Ask("POST", "/millrace/v1/db/backup", Token("admin"), "{}").status, 200);
  ASSERT_EQ(rows_.backups.size(), 2U);
  EXPECT_EQ(rows_.backups[1].find(':'), std::string::npos);
  EXPECT_EQ(Do("POST", "/millrace/v1/db/backup", "{}").status, 403);
}

TEST_F(OperationsRoutesTest, TheAuditLogIsAirflowsEventLogAndForAdminsAlone) {
  Start();
  users_.Apply({AuditRecord{kStart, "ana", "clear", "daily_flights/r1/load", R"({"tasks":3})"},
                AuditRecord{kStart, "ana", "change_pool", "small", "{}"}});
  const auto read = [this](const std::string& path) { return Ask("GET", path, Token("admin")); };
  const Answered all = read("/api/v2/eventLogs?order_by=-when");
  ASSERT_EQ(all.status, 200) << all.text;
  const Value& newest = all.body.Find("event_logs")->as_list().at(0);
  EXPECT_EQ(newest.Find("event")->as_string(), "change_pool");
  EXPECT_TRUE(newest.Find("dag_id")->is_null());
  const Answered of_run = read("/api/v2/eventLogs?dag_id=daily_flights&run_id=r1");
  const Value::List& found = of_run.body.Find("event_logs")->as_list();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].Find("task_id")->as_string(), "load");
  EXPECT_EQ(found[0].Find("owner")->as_string(), "ana");
  EXPECT_EQ(found[0].Find("extra")->as_string(), R"({"tasks":3})");
  const std::string id = std::to_string(found[0].Find("event_log_id")->as_int());
  EXPECT_EQ(read("/api/v2/eventLogs/" + id).body.Find("run_id")->as_string(), "r1");
  EXPECT_EQ(read("/api/v2/eventLogs/99").status, 404);
  EXPECT_EQ(read("/api/v2/eventLogs/x").status, 404);
  EXPECT_EQ(read("/api/v2/eventLogs?run_id=r1").status, 422);
  EXPECT_EQ(read("/api/v2/eventLogs?order_by=colour").status, 422);
  for (const char* user : {"viewer", "user", "op"})
    EXPECT_EQ(Ask("GET", "/api/v2/eventLogs", Token(user)).status, 403) << user;
}

}  // namespace
}  // namespace millrace::api
