// Every route, by everybody, in every disguise: nothing answers who may not ask.
#include "scheduler/api/route.h"
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

std::string Filled(std::string_view pattern) {
  std::string path;
  while (!pattern.empty()) {
    const std::size_t open = pattern.find('{');
    path += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = pattern.find('}');
    const std::string_view name = pattern.substr(open + 1, close - open - 1);
    if (name == "dag_id")
      path += "daily_flights";
    else if (name == "dag_run_id")
      path += "manual__2";
    else if (name == "task_id")
      path += "extract";
    else
      path += "1";
    pattern.remove_prefix(close + 1);
  }
  return path;
}

class RouteWalkTest : public ApiTest {
 protected:
  int Status(const Route& route, const std::string& path, const std::string& token) {
    const std::string method(route.method);
    return Ask(method, path, token, method == "GET" ? "" : "{}").status;
  }
};

TEST_F(RouteWalkTest, WithoutAValidTokenOnlyOpenRoutesAnswer) {
  Start();
  int open = 0;
  for (const Route& route : server_->routes().routes()) {
    const std::string path = Filled(route.pattern);
    open += route.access.open ? 1 : 0;
    for (const std::string& token : {std::string(), std::string("no such token")}) {
      const int status = Status(route, path, token);
      if (route.access.open) {
        EXPECT_NE(status, 401) << path;
        EXPECT_NE(status, 403) << path;
      } else {
        EXPECT_EQ(status, 401) << route.method << " " << path;
      }
    }
  }
  // Version, health, two ways to log in, the document. Whoever adds one changes this number knowingly.
  EXPECT_EQ(open, 5);
}

TEST_F(RouteWalkTest, EachRoleMayDoWhatItMayAndNoMore) {
  Start();
  for (const Route& route : server_->routes().routes()) {
    if (route.access.open) continue;
    for (const auth::Role role :
         {auth::Role::kViewer, auth::Role::kUser, auth::Role::kOp, auth::Role::kAdmin, auth::Role::kWorker,
          auth::Role::kMonitor}) {
      const std::string name(auth::ToString(role));
      const bool may = auth::Authorize({name, role}, route.access.verb, {route.access.resource, ""}).ok();
      const int status = Status(route, Filled(route.pattern), Token(name));
      if (may) {
        EXPECT_NE(status, 401) << name << " " << route.method << " " << route.pattern;
        // Airflow's configuration is refused to everybody, with the 403 that its clients know.
        if (!route.pattern.starts_with("/api/v2/config")) {
          EXPECT_NE(status, 403) << name << " " << route.method << " " << route.pattern;
        }
        EXPECT_NE(status, 500) << name << " " << route.method << " " << route.pattern;
      } else {
        EXPECT_EQ(status, 403) << name << " " << route.method << " " << route.pattern;
      }
    }
    EXPECT_EQ(Status(route, Filled(route.pattern), Token("worker")), 403) << route.pattern;
  }
}

TEST_F(RouteWalkTest, DisguisedPathsNeverAnswerWithoutAToken) {
  Start();
  for (const Route& route : server_->routes().routes()) {
    if (route.access.open) continue;
    const std::string path = Filled(route.pattern);
    std::string upper = path;
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    std::string slashes = path;
    slashes.insert(slashes.rfind('/'), "/");
    std::string encoded = path;
    encoded.replace(encoded.rfind('/'), 1, "%2F");
    const std::vector<std::string> disguises = {encoded,
                                                slashes,
                                                "/" + path,
                                                "/..;" + path,
                                                "/api/v2/version/.." + path,
                                                "/api/v2/version/..;" + path,
                                                "/api/v2/version%2f.." + path,
                                                path + "/health",
                                                path + "/..;/health",
                                                path + "/monitor/health",
                                                path + "%2Fhealth",
                                                path + "/",
                                                path + "/.",
                                                path + "%00",
                                                path + ";/health",
                                                path + "%3F/health",
                                                upper};
    for (const std::string& disguise : disguises) {
      const int status = Status(route, disguise, "");
      // 400: "%2Fmetrics" is no path.
      EXPECT_TRUE(status == 401 || status == 404 || status == 405 || (status == 400 && disguise[0] != '/'))
          << status << " " << route.method << " " << disguise;
    }
  }
}

TEST_F(RouteWalkTest, OtherSitesCannotMakeABrowserChangeAnything) {
  Start();
  EXPECT_EQ(Ask("PATCH", "/api/v2/dags/daily_flights", Token("user"), R"({"is_paused": true})",
                "Sec-Fetch-Site: cross-site\r\n")
                .status,
            403);
}

TEST_F(RouteWalkTest, TheDocumentDescribesEveryRoute) {
  Start();
  const Answered document = Ask("GET", "/openapi.json", "");
  ASSERT_EQ(document.status, 200);
  const Value paths = document.At("paths");
  ASSERT_TRUE(paths.is_map());
  for (const Route& route : server_->routes().routes()) {
    std::string pattern(route.pattern);
    if (const std::size_t rest = pattern.find(":path}"); rest != std::string::npos) pattern.erase(rest, 5);
    const Value* path = paths.Find(pattern);
    ASSERT_NE(path, nullptr) << route.pattern;
    EXPECT_FALSE(path->as_map().empty());
  }
}

}  // namespace
}  // namespace millrace::api
