#include "scheduler/http/router.h"

#include <gtest/gtest.h>

namespace millrace::http {
namespace {

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    Add("GET", "/dags");
    Add("GET", "/dags/{dag_id}");
    Add("PATCH", "/dags/{dag_id}");
    Add("GET", "/dags/{dag_id}/runs/{run_id}");
    Add("GET", "/dags/{dag_id}/runs/list");
  }
  void Add(const std::string& method, const std::string& pattern) {
    router_.Add(method, pattern, [name = method + " " + pattern](const Request& request) {
      Response response;
      response.body = name;
      for (const auto& [key, value] : request.params) response.body += " " + key + "=" + value;
      return response;
    });
  }
  std::string Answer(const std::string& method, const std::string& path) {
    Request request;
    request.method = method;
    request.path = path;
    const Response response = router_.Handle(request);
    return response.status == 200 ? response.body : std::to_string(response.status);
  }
  Router router_;
};

TEST_F(RouterTest, NamesMatchOneDecodedSegment) {
  EXPECT_EQ(Answer("GET", "/dags/etl"), "GET /dags/{dag_id} dag_id=etl");
  EXPECT_EQ(Answer("GET", "/dags/etl/runs/manual__2001-01-01T00%3A00%3A00%2B00%3A00"),
            "GET /dags/{dag_id}/runs/{run_id} dag_id=etl run_id=manual__2001-01-01T00:00:00+00:00");
  EXPECT_EQ(Answer("HEAD", "/dags"), "GET /dags");
}

TEST_F(RouterTest, ALastNameMayTakeTheRestOfThePath) {
  Add("GET", "/state/{key:path}");
  Add("GET", "/state");
  EXPECT_EQ(Answer("GET", "/state/a"), "GET /state/{key:path} key=a");
  EXPECT_EQ(Answer("GET", "/state/s3/a%20b/c"), "GET /state/{key:path} key=s3/a b/c");
  EXPECT_EQ(Answer("GET", "/state"), "GET /state");
  for (const char* path : {"/state/", "/state/a//b", "/state/a/../b", "/state/a%2Fb"})
    EXPECT_EQ(Answer("GET", path), "404") << path;
}

TEST_F(RouterTest, ALiteralBeatsAName) {
  EXPECT_EQ(Answer("GET", "/dags/a/runs/list"), "GET /dags/{dag_id}/runs/list dag_id=a");
}

TEST_F(RouterTest, OddPathsMatchNothing) {
  for (const char* path : {"/dags/", "//dags", "/dags//", "/Dags", "/dags/a%2Fb", "/dags/a%2fruns%2fb",
                           "/dags/..", "/dags/%2e%2e", "/dags/.", "/dags/a%00", "/dags/a%5Cb", "/dags/%",
                           "/dags/%zz", "/dags/%2", "/dags/..;/dags", "/dags/a/health", "", "dags"}) {
    EXPECT_EQ(Answer("GET", path), "404") << path;
  }
}

TEST_F(RouterTest, AnotherMethodIsToldWhichThereAre) {
  Request request;
  request.method = "POST";
  request.path = "/dags/etl";
  const Response response = router_.Handle(request);
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.back(), (std::pair<std::string, std::string>("Allow", "GET, PATCH")));
}

}  // namespace
}  // namespace millrace::http
