#include <filesystem>
#include <fstream>

#include "scheduler/api/live_events.h"
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

class MillraceRoutesTest : public ApiTest {};

TEST_F(MillraceRoutesTest, WhyNamesWhatATaskWaitsFor) {
  Start();
  const Answered why = Get("/millrace/v1/dags/daily_flights/dagRuns/manual__2/taskInstances/delays/why");
  ASSERT_EQ(why.status, 200) << why.text;
  EXPECT_EQ(why.At("state"), Value("scheduled"));
  EXPECT_EQ(why.At("reasons.0.kind"), Value("pool"));
}

TEST_F(MillraceRoutesTest, WhyOfAnEndedRunComesFromItsRow) {
  inbox_.answer_question = [](const Question&) -> Answer { return StatusOr<Why>(NotFound("not live")); };
  Start();
  const Answered why =
      Get("/millrace/v1/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/taskInstances/delays/"
          "why");
  EXPECT_EQ(why.At("state"), Value("failed"));
  EXPECT_EQ(why.At("reasons.0.message"), Value("exit status 1"));
  const Answered behind =
      Get("/millrace/v1/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/taskInstances/publish/"
          "why");
  EXPECT_EQ(behind.At("reasons.0.kind"), Value("upstream"));
  EXPECT_EQ(behind.At("reasons.0.message"), Value("delays failed: exit status 1"));
}

TEST_F(MillraceRoutesTest, TheGridHoldsRunsAndCells) {
  Start();
  const Answered grid = Get("/millrace/v1/dags/daily_flights/grid?limit=10");
  ASSERT_EQ(grid.status, 200) << grid.text;
  EXPECT_EQ(grid.Count("runs"), 2U);
  EXPECT_EQ(grid.At("runs.0.dag_run_id"), Value("manual__2"));
  EXPECT_EQ(grid.Count("task_instances"), 6U);
  EXPECT_EQ(grid.At("task_instances.0.task_id"), Value("extract"));
  EXPECT_EQ(Get("/millrace/v1/dags/daily_flights/grid?limit=0").status, 422);
  EXPECT_EQ(Get("/millrace/v1/dags/nothing/grid").status, 404);
}

TEST_F(MillraceRoutesTest, AJobsReportComesFromTheEngineOrItsRow) {
  const JobKey key{{RunKey{1}, 1}, 2};
  rows_.jobs[key] = {key, "success", R"({"stages": [{"name": "map"}]})", kStart};
  Start();
  const std::string path = "/millrace/v1/jobs/daily_flights/scheduled__2001-03-01T07:00:00+00:00/delays";
  const Answered job = Get(path);
  EXPECT_EQ(job.At("state"), Value("success"));
  EXPECT_EQ(job.At("report.stages.0.name"), Value("map"));
  EXPECT_EQ(Get(path + "?try_number=1").status, 404);
  inbox_.answer_question = [](const Question&) -> Answer {
    return StatusOr<std::string>(R"({"state": "running", "stages": []})");
  };
  EXPECT_EQ(Get("/millrace/v1/jobs/daily_flights/manual__2/extract").Count("report.stages"), 0U);
  EXPECT_EQ(Get(path).At("state"), Value("running")) << "the row may be older";
}

TEST_F(MillraceRoutesTest, AJobsFileBecomesARunOfItsDag) {
  Start();
  const Answered sent = Do("POST", "/millrace/v1/jobs",
                           R"({"file": "jobs/my delays.yaml", "text": "map: x", "inputs": {"rows": "/data/*.csv"}, "output": "/out",
                               "files": {"m.py": "pass"}, "explain": false})");
  ASSERT_EQ(sent.status, 200) << sent.text;
  EXPECT_EQ(sent.At("dag_id"), Value("daily_flights"));
  EXPECT_TRUE(sent.At("dag_run_id").as_string().starts_with("job__my_delays__2001-03-03T")) << sent.text;
  EXPECT_EQ(sent.At("task_id"), Value("extract"));
  ASSERT_EQ(jobs_.size(), 1U);
  EXPECT_EQ(jobs_[0].inputs.at(0).second, "/data/*.csv");
  EXPECT_EQ(jobs_[0].output, "/out");
  EXPECT_EQ(jobs_[0].files.at(0).content, "pass");
  const Answered again = Do("POST", "/millrace/v1/jobs", R"({"file": "jobs/my delays.yaml", "text": "map: x"})");
  EXPECT_NE(again.At("dag_run_id"), sent.At("dag_run_id")) << "in the same microsecond of the clock";
}

TEST_F(MillraceRoutesTest, WhatIsWrongWithAJobsFileIsToldWithItsPlace) {
  Start();
  const Answered refused = Do("POST", "/millrace/v1/jobs", R"({"file": "a.yaml"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.At("detail.0.msg"), Value("a.yaml:3:7: is empty (write something)"));
  EXPECT_EQ(Do("POST", "/millrace/v1/jobs", R"({"inputs": {"rows": 3}})").status, 422);
  EXPECT_EQ(Do("POST", "/millrace/v1/jobs", R"({"text": "x", "workers": 3})").status, 422);
  EXPECT_EQ(Ask("POST", "/millrace/v1/jobs", Token("viewer"), R"({"text": "x"})").status, 403);
}

TEST_F(MillraceRoutesTest, WorkersAndTheOwnAccount) {
  Start();
  const Answered workers = Get("/millrace/v1/workers");
  EXPECT_EQ(workers.At("workers.0.name"), Value("w1"));
  EXPECT_EQ(workers.At("workers.0.state"), Value("online"));
  EXPECT_EQ(workers.At("workers.0.slots_used"), Value(3));
  const Answered me = Get("/millrace/v1/me");
  EXPECT_EQ(me.At("role"), Value("viewer"));
  EXPECT_EQ(me.At("can.read"), Value(true));
  EXPECT_EQ(me.At("can.write"), Value(false));
}

TEST_F(MillraceRoutesTest, VersionAndHealthNeedNoToken) {
  Start();
  EXPECT_EQ(Ask("GET", "/api/v2/version", "").At("version"), Value("1.2.3"));
  EXPECT_EQ(Ask("GET", "/api/v2/monitor/health", "").At("scheduler.status"), Value("healthy"));
  inbox_.answer_question = nullptr;  // the loop no longer answers
  clock_.Advance(std::chrono::seconds(2));
  const Answered health = Ask("GET", "/api/v2/monitor/health", "");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.At("scheduler.status"), Value("unhealthy"));
  EXPECT_EQ(health.At("scheduler.latest_scheduler_heartbeat"), Value("2001-03-03T00:00:00Z"));
  EXPECT_EQ(health.At("metadatabase.status"), Value("healthy"));
}

TEST_F(MillraceRoutesTest, LoggingInByJsonAndByForm) {
  users_.Apply({UserRecord{"ana", auth::HashPassword("s3cret & more").value(), "op", false}});
  Start();
  const Answered token =
      Ask("POST", "/auth/token", "", R"({"username": "ana", "password": "s3cret & more"})");
  ASSERT_EQ(token.status, 201) << token.text;
  const std::string secret = token.At("access_token").as_string();
  EXPECT_EQ(Ask("GET", "/millrace/v1/me", secret).At("user"), Value("ana"));

  const std::string form = "username=ana&password=s3cret+%26+more";
  test::RawClient client(server_->port());
  client.Send(
      "POST /auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: " +
      std::to_string(form.size()) + "\r\n\r\n" + form);
  EXPECT_EQ(test::StatusOf(client.ReadResponse()), 201);

  EXPECT_EQ(Ask("POST", "/auth/token", "", R"({"username": "ana", "password": "wrong"})").status, 401);
  EXPECT_EQ(Ask("POST", "/auth/token", "", R"({"username": "ana"})").status, 422);
  EXPECT_EQ(Ask("POST", "/auth/logout", secret, "{}").status, 204);
  EXPECT_EQ(Ask("GET", "/millrace/v1/me", secret).status, 401);
}

class LiveEventsTest : public ApiTest {
 protected:
  // Commits one batch with a change of a task instance and one of a run.
  void Commit(std::uint64_t sequence) {
    auto batch = std::make_shared<Batch>();
    batch->sequence = sequence;
    batch->transitions = {{RunKey{2}, 0, 3, static_cast<std::uint8_t>(TaskState::kSuccess), 2, kStart},
                          {RunKey{2}, -1, 1, static_cast<std::uint8_t>(RunState::kRunning), 0, kStart}};
    {
      const std::lock_guard lock(rows_.mutex);
      rows_.journal.push_back({sequence, batch->transitions});
    }
    server_->Committed(batch);
  }

  test::RawClient Listen(const std::string& query = "", const std::string& last = "") {
    test::RawClient client(server_->port());
    client.Send(RequestText("GET", "/millrace/v1/events" + query, Token("viewer"), "",
                            last.empty() ? "" : "Last-Event-ID: " + last + "\r\n"));
    return client;
  }
};

TEST_F(LiveEventsTest, ASubscriberSeesWhatIsCommittedFromNowOn) {
  Start();
  Commit(1);
  test::RawClient client = Listen();
  ASSERT_EQ(test::StatusOf(client.ReadUntil(": connected\n\n")), 200);
  Commit(2);
  const std::string text = client.ReadUntil("\"task_id\":null");
  EXPECT_EQ(text.find("id: 1.0"), std::string::npos);
  EXPECT_NE(text.find("event: transition\ndata: {\"dag_id\":\"daily_flights\",\"dag_run_id\":\"manual__2\","
                      "\"task_id\":\"extract\",\"map_index\":-1,\"state\":\"success\",\"try_number\":2,\"at\":\"2001-03-01T00:"
                      "00:00Z\"}\n\n"),
            std::string::npos)
      << text;
}

TEST_F(LiveEventsTest, AClientThatWasCutOffGoesOnWhereItWas) {
  for (std::uint64_t sequence = 1; sequence <= 300; ++sequence) {
    rows_.journal.push_back({sequence, {{RunKey{2}, 0, 3, 4, 2, kStart}, {RunKey{2}, 1, 3, 4, 2, kStart}}});
  }
  Start();
  test::RawClient client = Listen("", "1.0");
  const std::string text = client.ReadUntil("id: 300.1\n");
  EXPECT_EQ(text.find("id: 1.0\n"), std::string::npos);
  std::size_t at = 0;
  for (std::uint64_t sequence = 1; sequence <= 300; ++sequence) {
    for (int index = sequence == 1 ? 1 : 0; index < 2; ++index) {
      at = text.find("id: " + std::to_string(sequence) + "." + std::to_string(index) + "\n", at);
      ASSERT_NE(at, std::string::npos) << sequence << "." << index;
    }
  }
  Commit(301);
  const std::string more = client.ReadUntil("id: 301.1\n");
  EXPECT_EQ(more.find("id: 301.0\n"), more.rfind("id: 301.0\n"));
}

TEST_F(LiveEventsTest, APlaceThatIsGoneIsToldAsAGap) {
  rows_.journal.push_back({500, {{RunKey{2}, 0, 3, 4, 2, kStart}}});
  Start();
  test::RawClient old = Listen("", "3.1");
  EXPECT_NE(old.ReadUntil("event: gap").find("event: gap"), std::string::npos);
  test::RawClient other_store = Listen("", "900.0");
  EXPECT_NE(other_store.ReadUntil("event: gap").find("event: gap"), std::string::npos);
  EXPECT_EQ(Ask("GET", "/millrace/v1/events", Token("viewer"), "", "Last-Event-ID: x\r\n").status, 400);
}

TEST_F(LiveEventsTest, OneDagCanBeAskedFor) {
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    rows_.journal.push_back({sequence, {{RunKey{2}, 0, 3, 4, 2, kStart}}});
  }
  Start();
  test::RawClient other = Listen("?dag_id=other", "1.0");
  test::RawClient ours = Listen("?dag_id=daily_flights", "1.0");
  EXPECT_NE(ours.ReadUntil("id: 3.0\n").find("id: 2.0\n"), std::string::npos);
  clock_.Advance(std::chrono::seconds(16));
  const std::string text = other.ReadUntil(": heartbeat\n\n");
  EXPECT_NE(text.find(": heartbeat\n\n"), std::string::npos);
  EXPECT_EQ(text.find("id: "), std::string::npos);
}

TEST(EventIdTest, OnlyOurOwnFormIsRead) {
  EXPECT_EQ(ParseEventId("12.3"), (EventId{12, 3}));
  for (const char* text : {"", "12", "12.", ".3", "12.3x", "-1.0", "1.-1", "a.b", "1.2.3"}) {
    EXPECT_FALSE(ParseEventId(text).has_value()) << text;
  }
}

class DashboardTest : public ApiTest {
 protected:
  DashboardTest() {
    root_ = testing::TempDir() + "dashboard_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(root_ + "/dist/static");
    Write("secret.txt", "outside");
    Write("dist/index.html", "<!doctype html>the dashboard");
    Write("dist/static/index-B3x9.js", "let x = 1;");
    std::filesystem::create_symlink(root_ + "/secret.txt", root_ + "/dist/link.txt");
    Start(root_ + "/dist");
  }
  ~DashboardTest() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& name, const std::string& content) {
    std::ofstream(root_ + "/" + name) << content;
  }
  Answered Open(const std::string& path) { return Ask("GET", path, ""); }
  std::string root_;
};

TEST_F(DashboardTest, FilesAreServedWithTheirTypesAndAStrictPolicy) {
  const Answered index = Open("/");
  EXPECT_EQ(test::BodyOf(index.text), "<!doctype html>the dashboard");
  EXPECT_NE(index.text.find("Content-Type: text/html; charset=utf-8"), std::string::npos);
  EXPECT_NE(index.text.find("Cache-Control: no-cache"), std::string::npos);
  EXPECT_NE(
      index.text.find("Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'; "
                      "frame-ancestors 'none'"),
      std::string::npos);
  EXPECT_NE(index.text.find("Referrer-Policy: no-referrer"), std::string::npos);
  const Answered script = Open("/static/index-B3x9.js");
  EXPECT_NE(script.text.find("Content-Type: text/javascript"), std::string::npos);
  EXPECT_NE(script.text.find("Cache-Control: public, max-age=31536000, immutable"), std::string::npos);
}

TEST_F(DashboardTest, ItsOwnAddressesGiveIndexHtmlAndTheApisDoNot) {
  for (const char* path : {"/dags/daily_flights/runs/manual__2", "/assets", "/assets/7", "/timeline"})
    EXPECT_EQ(test::BodyOf(Open(path).text), "<!doctype html>the dashboard") << path;
  for (const char* path :
       {"/api", "/api/v2/nothing", "/millrace/v1/nothing", "/auth/nothing", "/static/old.js"}) {
    EXPECT_EQ(Open(path).status, 404) << path;
  }
}

TEST_F(DashboardTest, NothingOutsideTheFolderIsReached) {
  for (const char* path :
       {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/static/../../secret.txt",
        "/static/%2e%2e/%2e%2e/secret.txt", "//secret.txt", "/link.txt", "/./secret.txt", "/..;/secret.txt",
        "/%5c..%5csecret.txt", "/secret.txt%00.html"}) {
    EXPECT_EQ(Open(path).text.find("outside"), std::string::npos) << path;
  }
}

}  // namespace
}  // namespace millrace::api
