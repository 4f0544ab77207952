// What all DAGs did, over the wire.
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class FakeActivity : public store::ActivityReader {
 public:
  StatusOr<store::ActivityCounts> Count(WallTime from, WallTime to, Duration part,
                                        const store::TeamsSeen& teams) override {
    of_teams = teams;
    asked = {from, to, part};
    store::ActivityCounts counts;
    counts.runs = {{-1, RunState::kRunning, 2}, {1, RunState::kSuccess, 5}};
    counts.task_instances = {
        {-1, TaskState::kQueued, 3}, {0, TaskState::kFailed, 1}, {1, TaskState::kSuccess, 9}};
    return counts;
  }
  StatusOr<store::WindowActivity> ListWindow(WallTime, WallTime, std::int64_t limit,
                                             const store::TeamsSeen& teams) override {
    of_teams = teams;
    most = limit;
    return window;
  }

  struct {
    WallTime from, to;
    Duration part;
  } asked;
  std::int64_t most = 0;
  store::TeamsSeen of_teams;
  store::WindowActivity window;
};

class ActivityRoutesTest : public ApiTest {
 protected:
  void Start() {
    ApiOptions options;
    options.server.threads = 4;
    options.patience = std::chrono::milliseconds(200);
    options.views.activity = &activity_;
    test::FakeReaders& r = readers_;
    server_.emplace(options, Readers{r, r, r, r, r, r, r, r, r, r, users_, r, r}, Upkeep{r, r}, inbox_,
                    accounts_, clock_, log_);
    ASSERT_TRUE(server_->Start().ok());
  }

  FakeActivity activity_;
};

TEST_F(ActivityRoutesTest, CountsComeByPartsOfTheTimeWithWhatGoesOnApart) {
  Start();
  const Answered answer =
      Get("/millrace/v1/activity?from=2001-03-01T00:00:00Z&to=2001-03-01T03:00:00Z&parts=3");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(activity_.asked.from, kStart);
  EXPECT_EQ(activity_.asked.to, kStart + hours(3));
  EXPECT_EQ(activity_.asked.part, hours(1));
  EXPECT_EQ(answer.Count("parts"), 3U);
  EXPECT_EQ(answer.At("parts.1.from"), Value("2001-03-01T01:00:00Z"));
  EXPECT_EQ(answer.At("parts.1.runs.success"), Value(5));
  EXPECT_EQ(answer.At("parts.0.task_instances.failed"), Value(1));
  EXPECT_EQ(answer.At("now.runs.running"), Value(2));
  EXPECT_EQ(answer.At("now.task_instances.queued"), Value(3));
  EXPECT_EQ(answer.At("all_counted"), Value(true));
  // The last hour, unless told.
  EXPECT_EQ(Get("/millrace/v1/activity").At("to"), Value("2001-03-03T00:00:00Z"));
  EXPECT_EQ(activity_.asked.from, clock_.now().wall - hours(1));
}

TEST_F(ActivityRoutesTest, OnlyTheDagsThatTheyMaySeeAreCounted) {
  store::DagEntry hidden = rows_.dags.at("daily_flights");
  hidden.row.dag_id = "sales";
  hidden.row.team = "sales";
  rows_.dags.emplace("sales", hidden);
  Start();
  for (const char* path : {"/millrace/v1/activity", "/millrace/v1/timeline"}) {
    ASSERT_EQ(Get(path).status, 200);
    EXPECT_EQ(activity_.of_teams, store::TeamsSeen(std::vector<std::string>())) << path;
    ASSERT_EQ(Ask("GET", path, Token("admin")).status, 200);
    EXPECT_EQ(activity_.of_teams, std::nullopt) << path;
  }
}

TEST_F(ActivityRoutesTest, AWindowThatEndsBeforeItBeginsOrIsTooLongIsRefused) {
  Start();
  for (const char* path : {"activity", "timeline"}) {
    const std::string route = std::string("/millrace/v1/") + path;
    EXPECT_EQ(Get(route + "?from=2001-03-02T00:00:00Z&to=2001-03-01T00:00:00Z").status, 422);
    EXPECT_EQ(Get(route + "?from=2001-01-01T00:00:00Z&to=2001-03-01T00:00:00Z").status, 422);
    EXPECT_EQ(Get(route + "?to=yesterday").status, 422);
  }
  EXPECT_EQ(Get("/millrace/v1/activity?parts=0").status, 422);
  EXPECT_EQ(Get("/millrace/v1/timeline?limit=9000").status, 422);
}

TEST_F(ActivityRoutesTest, TheTimelineSaysWhoHeldWhatAndWhen) {
  TaskInstance row = rows_.instances.at({RunKey{2}, 0});
  row.queued_at = kStart + hours(24) - minutes(1);
  // Of an earlier try.
  row.ended_at = kStart;
  activity_.window.runs.push_back({rows_.runs[1], {row}});
  activity_.window.all = false;
  Start();
  const Answered answer = Get("/millrace/v1/timeline?limit=7");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(activity_.most, 7);
  EXPECT_EQ(answer.At("task_instances.0.dag_id"), Value("daily_flights"));
  EXPECT_EQ(answer.At("task_instances.0.task_id"), Value("extract"));
  EXPECT_EQ(answer.At("task_instances.0.map_index"), Value(-1));
  EXPECT_EQ(answer.At("task_instances.0.state"), Value("running"));
  EXPECT_EQ(answer.At("task_instances.0.pool"), Value("default_pool"));
  EXPECT_EQ(answer.At("task_instances.0.pool_slots"), Value(1));
  EXPECT_EQ(answer.At("task_instances.0.worker"), Value("w1"));
  EXPECT_EQ(answer.At("task_instances.0.queued_date"), Value("2001-03-01T23:59:00Z"));
  EXPECT_EQ(answer.At("task_instances.0.start_date"), Value("2001-03-02T00:00:00Z"));
  EXPECT_EQ(answer.At("task_instances.0.end_date"), Value());
  EXPECT_EQ(answer.At("all_listed"), Value(false));
}

}  // namespace
}  // namespace millrace::api
