#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class DagRoutesTest : public ApiTest {};

TEST_F(DagRoutesTest, ADagHasEveryFieldThatClientsRequire) {
  Start();
  const Answered dags = Get("/api/v2/dags");
  ASSERT_EQ(dags.status, 200) << dags.text;
  EXPECT_EQ(dags.At("total_entries"), Value(1));
  for (const char* field :
       {"dag_id", "dag_display_name", "is_paused", "is_stale", "fileloc", "file_token", "tags", "owners",
        "max_active_tasks", "max_consecutive_failed_dag_runs", "has_task_concurrency_limits",
        "has_import_errors", "timetable_partitioned", "timetable_periodic", "is_backfillable"}) {
    EXPECT_FALSE(dags.At("dags.0." + std::string(field)).is_null()) << field;
  }
  EXPECT_EQ(dags.At("dags.0.tags.1.name"), Value("etl"));
  EXPECT_EQ(dags.At("dags.0.max_consecutive_failed_dag_runs"), Value(3));
  EXPECT_EQ(dags.At("dags.0.next_dagrun_data_interval_start"), Value("2001-03-02T00:00:00Z"));
  EXPECT_EQ(dags.At("dags.0.next_dagrun_data_interval_end"), Value("2001-03-03T00:00:00Z"));
}

TEST_F(DagRoutesTest, DetailsAddScheduleAndParams) {
  Start();
  const Answered dag = Get("/api/v2/dags/daily_flights/details");
  ASSERT_EQ(dag.status, 200) << dag.text;
  EXPECT_EQ(dag.At("timezone"), Value("America/New_York"));
  EXPECT_EQ(dag.At("catchup"), Value(false));
  EXPECT_EQ(dag.At("concurrency"), Value(16));
  EXPECT_EQ(dag.At("render_template_as_native_obj"), Value(false));
  EXPECT_EQ(dag.At("params.threshold_minutes.value"), Value(15));
  EXPECT_EQ(dag.At("latest_dag_version.version_number"), Value(1));
  EXPECT_EQ(dag.At("latest_dag_version.id"), Value("01234567-89ab-cdef-0123-456789abcdef"));
  EXPECT_EQ(Get("/api/v2/dags/nothing/details").status, 404);
}

TEST_F(DagRoutesTest, ListsFilterAndPage) {
  for (int i = 0; i < 120; ++i) {
    const std::string id = "dag" + std::to_string(1000 + i);
    rows_.dags[id] = {DagRow{.dag_id = id, .version = 1, .paused = i % 2 == 0}, dag_, kStart};
  }
  Start();
  EXPECT_EQ(Get("/api/v2/dags").Count("dags"), 50U);
  EXPECT_EQ(Get("/api/v2/dags?limit=1000").Count("dags"), 100U);
  EXPECT_EQ(Get("/api/v2/dags?limit=7&offset=2").At("dags.0.dag_id"), Value("dag1002"));
  EXPECT_EQ(Get("/api/v2/dags?paused=true").At("total_entries"), Value(60));
  EXPECT_EQ(Get("/api/v2/dags?dag_id_pattern=%25flights%25").At("total_entries"), Value(1));
  EXPECT_EQ(Get("/api/v2/dags?dag_id_pattern=flights").At("total_entries"), Value(1));
  EXPECT_EQ(Get("/api/v2/dags?tags=none&tags=nowhere").At("total_entries"), Value(0));
  EXPECT_EQ(Get("/api/v2/dags?order_by=-dag_id&limit=1").At("dags.0.dag_id"), Value("daily_flights"));
}

TEST_F(DagRoutesTest, WhatIsWrongWithAQueryIsToldAllAtOnce) {
  Start();
  const Answered answered = Get("/api/v2/dags?limit=x&paused=perhaps&order_by=colour&surprise=1");
  EXPECT_EQ(answered.status, 422);
  EXPECT_EQ(answered.Count("detail"), 4U) << answered.text;
  EXPECT_EQ(answered.At("detail.0.loc.0"), Value("query"));
  EXPECT_EQ(Get("/api/v2/dags?offset=9990&limit=20").status, 400);
}

TEST_F(DagRoutesTest, PausingGoesThroughTheInboxAndIsAudited) {
  Start();
  const Answered dag =
      Do("PATCH", "/api/v2/dags/daily_flights?update_mask=is_paused", R"({"is_paused": true})");
  EXPECT_EQ(dag.status, 200) << dag.text;
  ASSERT_EQ(inbox_.commands().size(), 1U);
  const auto command = std::get<SetPaused>(inbox_.commands()[0]);
  EXPECT_EQ(command.dag_id, "daily_flights");
  EXPECT_TRUE(command.paused);
  EXPECT_EQ(command.user, "user");
  const auto audit = users_.ListAudit({});
  EXPECT_EQ(audit->rows.front().record.action, "pause");

  EXPECT_EQ(Do("PATCH", "/api/v2/dags/daily_flights", R"({"is_paused": "yes"})").status, 422);
  EXPECT_EQ(Do("PATCH", "/api/v2/dags/daily_flights", R"({})").status, 422);
  EXPECT_EQ(Do("PATCH", "/api/v2/dags/daily_flights", R"({"is_paused": true, "colour": 1})").status, 422);
  EXPECT_EQ(Do("PATCH", "/api/v2/dags/daily_flights", "{").status, 422);
  EXPECT_EQ(Do("PATCH", "/api/v2/dags/nothing", R"({"is_paused": true})").status, 404);
  EXPECT_EQ(inbox_.commands().size(), 1U);
}

TEST_F(DagRoutesTest, PausingATaskGoesThroughTheInboxAndIsAuditedAndShown) {
  rows_.dags.at("daily_flights").row.paused_tasks = {"delays"};
  Start();
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/tasks/delays").At("is_paused"), Value(true));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/tasks").At("tasks.0.is_paused"), Value(false));
  const std::string path = "/millrace/v1/dags/daily_flights/tasks/";
  const Answered answered = Do("PATCH", path + "delays", R"({"is_paused": false})");
  EXPECT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("tasks.0.task_id"), Value("delays"));
  ASSERT_EQ(inbox_.commands().size(), 1U);
  const auto command = std::get<SetTaskPaused>(inbox_.commands()[0]);
  EXPECT_EQ(command.task_id, "delays");
  EXPECT_FALSE(command.paused);
  EXPECT_EQ(command.user, "user");
  const auto audit = users_.ListAudit({});
  EXPECT_EQ(audit->rows.front().record.action, "unpause_task");
  EXPECT_EQ(audit->rows.front().record.object, "daily_flights/delays");
  EXPECT_EQ(Do("PATCH", path + "delays", R"({"is_paused": "yes"})").status, 422);
  EXPECT_EQ(Do("PATCH", "/millrace/v1/dags/nothing/tasks/a", R"({"is_paused": true})").status, 404);
  EXPECT_EQ(inbox_.commands().size(), 1U);
}

TEST_F(DagRoutesTest, TasksHaveTheirEdgesAndTimes) {
  Start();
  const Answered tasks = Get("/api/v2/dags/daily_flights/tasks");
  EXPECT_EQ(tasks.At("total_entries"), Value(3));
  EXPECT_EQ(tasks.At("tasks.0.downstream_task_ids.0"), Value("delays"));
  EXPECT_EQ(tasks.At("tasks.0.execution_timeout.days"), Value(1));
  EXPECT_EQ(tasks.At("tasks.0.execution_timeout.seconds"), Value(7200));
  EXPECT_EQ(tasks.At("tasks.0.retry_delay.__type"), Value("TimeDelta"));
  EXPECT_TRUE(tasks.At("tasks.0.retry_exponential_backoff").is_number());
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/tasks/delays").At("operator_name"), Value("mapreduce"));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/tasks/nothing").status, 404);
}

TEST_F(DagRoutesTest, SourceVersionsTagsAndStatistics) {
  Start();
  EXPECT_EQ(Get("/api/v2/dagSources/daily_flights").At("content"), Value("dag_id: daily_flights\n"));
  EXPECT_EQ(test::BodyOf(Get("/api/v2/dagSources/daily_flights", "Accept: text/plain\r\n").text),
            "dag_id: daily_flights\n");
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagVersions").At("dag_versions.0.version_number"), Value(1));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagVersions/1").status, 200);
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagVersions/2").status, 404);
  EXPECT_EQ(Get("/api/v2/dagTags").At("tags.0"), Value("etl"));
  const Answered stats = Get("/api/v2/dagStats?dag_ids=daily_flights");
  EXPECT_EQ(stats.At("dags.0.stats.1.state"), Value("running"));
  EXPECT_EQ(stats.At("dags.0.stats.1.count"), Value(1));
}

TEST_F(DagRoutesTest, ImportErrorsCarryTheirProblems) {
  rows_.import_errors.push_back(
      {"broken.yaml", kStart, {{"broken.yaml", {3, 5}, "unknown field: neds", "did you mean 'needs'?"}}});
  Start();
  const Answered errors = Get("/api/v2/importErrors");
  EXPECT_EQ(errors.At("import_errors.0.stack_trace"),
            Value("broken.yaml:3:5: unknown field: neds (did you mean 'needs'?)\n"));
  EXPECT_EQ(errors.At("import_errors.0.problems.0.line"), Value(3));
  EXPECT_EQ(errors.At("import_errors.0.problems.0.suggestion"), Value("did you mean 'needs'?"));
  const std::string id = std::to_string(errors.At("import_errors.0.import_error_id").as_int());
  EXPECT_EQ(Get("/api/v2/importErrors/" + id).At("filename"), Value("broken.yaml"));
  EXPECT_EQ(Get("/api/v2/importErrors/1").status, 404);
}

}  // namespace
}  // namespace millrace::api
