// What Airflow's clients ask for besides runs and tasks: lists by a body, links, where logs are,
// jobs; and calendars.
#include "platform/zones.h"
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr const char* kRunsList = "/api/v2/dags/~/dagRuns/list";
constexpr const char* kInstancesList = "/api/v2/dags/~/dagRuns/~/taskInstances/list";
constexpr const char* kDelays =
    "/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07%3A00%3A00%2B00%3A00/taskInstances/delays";

// Counts what the rows have.
class FakeRunCounts : public store::RunCountReader {
 public:
  explicit FakeRunCounts(const test::Rows& rows) : rows_(rows) {}
  StatusOr<std::vector<store::RunCount>> CountRuns(const std::string& dag_id, WallTime from,
                                                   WallTime to) override {
    using Quarter = std::chrono::duration<std::int64_t, std::ratio<900>>;
    std::map<std::pair<WallTime, RunState>, std::int64_t> counts;
    for (const Run& run : rows_.runs) {
      const WallTime at = run.logical_date.value_or(run.run_after);
      if (run.dag_id == dag_id && at >= from && at < to)
        ++counts[{std::chrono::floor<Quarter>(at), run.state}];
    }
    std::vector<store::RunCount> rows;
    for (const auto& [key, count] : counts) rows.push_back({key.first, key.second, count});
    return rows;
  }

 private:
  const test::Rows& rows_;
};

class ClientRoutesTest : public ApiTest {
 protected:
  ClientRoutesTest() {
    inbox_.on_records = [this](const WriteRecords& written) {
      for (const Record& record : written.records) {
        const auto* mark = std::get_if<FavoriteRecord>(&record);
        if (mark == nullptr) continue;
        const std::lock_guard lock(rows_.mutex);
        if (mark->deleted) {
          rows_.favorites[mark->user].erase(mark->dag_id);
        } else {
          rows_.favorites[mark->user].insert(mark->dag_id);
        }
      }
    };
  }
  // With what main.cc hands in for views.
  void Start() {
    ApiOptions options;
    options.server.threads = 4;
    options.patience = std::chrono::milliseconds(200);
    options.views = {&counts_, &zones_, "http://mill:8080"};
    test::FakeReaders& r = readers_;
    server_.emplace(options, Readers{r, r, r, r, r, r, r, r, r, r, users_, r, r}, Upkeep{r, r}, inbox_,
                    accounts_, clock_, log_);
    const Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started.ToString();
  }
  Answered List(const std::string& path, const std::string& body) {
    return Ask("POST", path, Token("viewer"), body);
  }

  FakeRunCounts counts_{rows_};
  platform::TzdbZones zones_;
};

TEST_F(ClientRoutesTest, RunsAreListedByAFilterInTheBody) {
  Start();
  EXPECT_EQ(List(kRunsList, "{}").At("total_entries"), Value(2));
  EXPECT_EQ(List(kRunsList, R"({"dag_ids": ["daily_flights", "x"], "states": ["running"]})")
                .At("dag_runs.0.dag_run_id"),
            Value("manual__2"));
  EXPECT_EQ(List(kRunsList, R"({"states": [null]})").At("total_entries"), Value(0));
  EXPECT_EQ(List(kRunsList, R"({"order_by": "-run_after", "page_limit": 1})").At("dag_runs.0.dag_run_id"),
            Value("manual__2"));
  EXPECT_EQ(List(kRunsList, R"({"page_limit": 1, "page_offset": 1})").Count("dag_runs"), 1U);
  EXPECT_EQ(List(kRunsList, R"({"logical_date_gt": "2001-03-01T01:00:00Z"})").At("total_entries"), Value(1));
  EXPECT_EQ(List(kRunsList, R"({"conf_contains": "nobody has this"})").At("total_entries"), Value(0));
  EXPECT_EQ(List("/api/v2/dags/daily_flights/dagRuns/list", "{}").At("total_entries"), Value(2));
  EXPECT_EQ(List("/api/v2/dags/nothing/dagRuns/list", "{}").status, 404);
}

TEST_F(ClientRoutesTest, WhatIsWrongWithABodyIsSaidAllAtOnce) {
  Start();
  const Answered wrong =
      List(kRunsList, R"({"states": ["cancelled"], "dag_ids": "x", "page_limit": -1, "order_by": "mood",
      "start_date_gte": "yesterday", "duration_lt": "long", "extra": 1})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.Count("detail"), 7U) << wrong.text;
  EXPECT_EQ(List(kRunsList, R"({"page_offset": 10000})").status, 422);
  EXPECT_EQ(List(kInstancesList, R"({"state": ["cancelled"], "order_by": "-map_index"})").Count("detail"),
            2U);
}

TEST_F(ClientRoutesTest, TaskInstancesAreListedByAFilterInTheBody) {
  Start();
  EXPECT_EQ(List(kInstancesList, "{}").At("total_entries"), Value(6));
  EXPECT_EQ(List(kInstancesList, R"({"state": ["failed", "running"]})").At("total_entries"), Value(2));
  EXPECT_EQ(List(kInstancesList, R"({"dag_run_ids": ["manual__2"]})").At("total_entries"), Value(3));
  const Answered some =
      List(kInstancesList, R"({"task_ids": ["delays", "publish"], "page_limit": 3, "page_offset": 1})");
  EXPECT_EQ(some.At("total_entries"), Value(4)) << some.text;
  EXPECT_EQ(some.Count("task_instances"), 3U);
  EXPECT_EQ(List(kInstancesList, R"({"pool": ["elsewhere"]})").At("total_entries"), Value(0));
  EXPECT_EQ(List(kInstancesList, R"({"queue": ["default"], "end_date_gte": "2001-03-01T00:00:00Z"})")
                .At("total_entries"),
            Value(3));
  EXPECT_EQ(List(kInstancesList, R"({"duration_gte": 3600})").At("total_entries"), Value(2));
  EXPECT_EQ(List(kInstancesList, R"({"order_by": "-end_date"})").At("task_instances.5.end_date"), Value());
  const std::string of_run = "/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances/list";
  EXPECT_EQ(List(of_run, R"({"state": [null]})").At("total_entries"), Value(2));
  EXPECT_EQ(List(of_run, R"({"dag_run_ids": ["other"]})").status, 422);
}

TEST_F(ClientRoutesTest, EverybodyHasFavoritesOfTheirOwn) {
  Start();
  const auto favorites = [&](const std::string& who, const std::string& wanted) {
    return Ask("GET", "/api/v2/dags?is_favorite=" + wanted, Token(who)).At("total_entries");
  };
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/details").At("is_favorite"), Value(false));
  EXPECT_EQ(Ask("POST", "/api/v2/dags/daily_flights/favorite", Token("viewer")).status, 204);
  EXPECT_EQ(Ask("POST", "/api/v2/dags/daily_flights/favorite", Token("viewer")).status, 204);
  EXPECT_EQ(Ask("POST", "/api/v2/dags/nothing/favorite", Token("viewer")).status, 404);
  EXPECT_EQ(favorites("viewer", "true"), Value(1));
  EXPECT_EQ(favorites("viewer", "false"), Value(0));
  EXPECT_EQ(favorites("user", "true"), Value(0));
  EXPECT_EQ(favorites("user", "false"), Value(1));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/details").At("is_favorite"), Value(true));
  EXPECT_EQ(Get("/api/v2/dags").At("dags.0.is_favorite"), Value(true));
  EXPECT_EQ(Ask("GET", "/api/v2/dags/daily_flights", Token("user")).At("is_favorite"), Value(false));
  EXPECT_EQ(Ask("POST", "/api/v2/dags/daily_flights/unfavorite", Token("viewer")).status, 204);
  EXPECT_EQ(Ask("POST", "/api/v2/dags/daily_flights/unfavorite", Token("viewer")).status, 409);
  EXPECT_EQ(favorites("viewer", "true"), Value(0));
}

TEST_F(ClientRoutesTest, ADagsFileIsKnownByItsToken) {
  Start();
  const Value token = Get("/api/v2/dags/daily_flights").At("file_token");
  EXPECT_EQ(Do("PUT", "/api/v2/parseDagFile/" + token.as_string(), "").status, 201);
  EXPECT_EQ(Do("PUT", "/api/v2/parseDagFile/nothing", "").status, 404);
  EXPECT_EQ(Ask("PUT", "/api/v2/parseDagFile/" + token.as_string(), Token("viewer")).status, 403);
}

TEST_F(ClientRoutesTest, ATaskInstanceTellsItsLinksAndWhereItsLogIsRead) {
  Start();
  const Answered links = Get(std::string(kDelays) + "/links");
  EXPECT_EQ(links.status, 200) << links.text;
  EXPECT_EQ(links.At("total_entries"), Value(0));
  EXPECT_TRUE(links.At("extra_links").is_map());
  EXPECT_EQ(Get(std::string(kDelays) + "/externalLogUrl/2").At("url"),
            Value("http://mill:8080/dags/daily_flights/runs/scheduled__2001-03-01T07:00:00%2B00:00/tasks/"
                  "delays?try=2"));
  for (const char* nothing :
       {"/externalLogUrl/3", "/externalLogUrl/0", "/externalLogUrl/x", "/links?map_index=4"})
    EXPECT_EQ(Get(std::string(kDelays) + nothing).status, 404) << nothing;
}

TEST_F(ClientRoutesTest, TheSchedulerAndItsWorkersAreJobs) {
  Start();
  const auto total = [&](const std::string& query) {
    return Ask("GET", "/api/v2/jobs" + query, Token("op")).At("total_entries");
  };
  const Answered jobs = Ask("GET", "/api/v2/jobs?order_by=-id", Token("op"));
  ASSERT_EQ(jobs.Count("jobs"), 2U) << jobs.text;
  EXPECT_EQ(jobs.At("jobs.0.id"), Value(7));
  EXPECT_EQ(jobs.At("jobs.0.job_type"), Value("WorkerJob"));
  EXPECT_EQ(jobs.At("jobs.0.state"), Value("running"));
  EXPECT_EQ(jobs.At("jobs.1.job_type"), Value("SchedulerJob"));
  EXPECT_EQ(jobs.At("jobs.1.start_date"), Value("2001-03-03T00:00:00Z"));
  EXPECT_EQ(total("?job_type=SchedulerJob"), Value(1));
  EXPECT_EQ(total("?is_alive=false"), Value(0));
  EXPECT_EQ(total("?executor_class=LocalExecutor"), Value(0));
  EXPECT_EQ(total("?start_date_gte=2001-03-02T00:00:00Z"), Value(1));
  EXPECT_EQ(Ask("GET", "/api/v2/jobs?order_by=mood", Token("op")).status, 422);
}

TEST_F(ClientRoutesTest, ACalendarCountsTheRunsOfADayAndWhatIsPlanned) {
  Start();
  const std::string path = "/millrace/v1/dags/daily_flights/calendar";
  // It is 2001-03-03; the DAG runs at two in New York, after the day that it is about.
  const Answered days = Get(path + "?from=2001-03-01T00:00:00Z&to=2001-03-06T00:00:00Z");
  ASSERT_EQ(days.status, 200) << days.text;
  EXPECT_EQ(days.At("days.0.date"), Value("2001-03-01"));
  EXPECT_EQ(days.At("days.0.states.failed"), Value(1));
  EXPECT_EQ(days.At("days.0.states.running"), Value(1));
  EXPECT_EQ(days.At("days.0.planned"), Value(0));
  EXPECT_EQ(days.At("days.1.date"), Value("2001-03-02"));
  EXPECT_EQ(days.At("days.1.planned"), Value(1));
  EXPECT_EQ(days.Count("days"), 5U) << days.text;
  EXPECT_EQ(days.At("all_planned"), Value(true));
  // Where clocks are behind, the same runs were on the day before.
  EXPECT_EQ(Get(path + "?from=2001-02-28T00:00:00Z&to=2001-03-02T00:00:00Z&timezone=America/New_York")
                .At("days.0.date"),
            Value("2001-02-28"));
  rows_.dags.at("daily_flights").row.paused = true;
  EXPECT_EQ(Get(path + "?from=2001-03-03T00:00:00Z&to=2001-03-06T00:00:00Z").Count("days"), 0U);
  EXPECT_EQ(Get(path + "?from=2001-03-03T00:00:00Z&to=2003-03-06T00:00:00Z").status, 422);
  EXPECT_EQ(Get(path + "?timezone=Mars/Olympus").status, 422);
  EXPECT_EQ(Get("/millrace/v1/dags/nothing/calendar").status, 404);
}

TEST_F(ClientRoutesTest, WhatChecksFoundIsListedRunByRunWithoutFailingRows) {
  rows_.xcoms[{{RunKey{1}, 1}, "return_value"}].json =
      R"({"checks": [{"check": "rows", "type": "row_count", "severity": "error", "passed": false, "value": 0,
          "failing_rows": 0, "rows": 0, "message": "0 rows", "sample": [{"password": "x"}]}, {"other": 1}]})";
  rows_.xcoms[{{RunKey{1}, 0}, "return_value"}].json =
      R"({"checks": [{"check": "of no check task", "passed": true}]})";
  Start();
  const Answered found = Get("/millrace/v1/dags/daily_flights/checks");
  ASSERT_EQ(found.Count("results"), 1U) << found.text;
  EXPECT_EQ(found.Count("runs"), 2U);
  EXPECT_EQ(found.At("runs.0.dag_run_id"), Value("manual__2"));
  EXPECT_EQ(found.At("results.0.task_id"), Value("delays"));
  EXPECT_EQ(found.At("results.0.state"), Value("failed"));
  ASSERT_EQ(found.Count("results.0.checks"), 1U);
  EXPECT_EQ(found.At("results.0.checks.0.check"), Value("rows"));
  EXPECT_EQ(found.At("results.0.checks.0.passed"), Value(false));
  EXPECT_EQ(found.text.find("password"), std::string::npos);
  EXPECT_EQ(Get("/millrace/v1/dags/nothing/checks").status, 404);
  EXPECT_EQ(Get("/millrace/v1/dags/daily_flights/checks?limit=1").Count("runs"), 1U);
}

}  // namespace
}  // namespace millrace::api
