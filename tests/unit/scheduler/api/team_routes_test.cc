// Teams on the wire, and what says which team it belongs to.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

using ::testing::HasSubstr;

class TeamRoutesTest : public ApiTest {
 protected:
  TeamRoutesTest() {
    Start();
    for (const char* name : {"sales", "ads"})
      EXPECT_EQ(Admin("POST", "teams", std::string(R"({"name": ")") + name + "\"}").status, 201);
  }
  Answered Admin(const std::string& method, const std::string& path, const std::string& body = "") {
    return Ask(method, "/millrace/v1/" + path, Token("admin"), body);
  }
  Answered Api(const std::string& method, const std::string& path, const std::string& body = "") {
    return Ask(method, "/api/v2/" + path, Token("admin"), body);
  }
  std::string TeamOfTheLastPool() {
    return std::get<SetPool>(inbox_.commands().back()).pool.team;
  }
};

TEST_F(TeamRoutesTest, TeamsAreMadeListedAndDeletedByAdmins) {
  const Answered listed = Admin("GET", "teams");
  EXPECT_EQ(listed.At("total_entries"), Value(2));
  EXPECT_EQ(listed.At("teams.0.name"), Value("ads"));
  EXPECT_EQ(Admin("POST", "teams", R"({"name": "ads"})").status, 409);
  EXPECT_EQ(Admin("POST", "teams", R"({"name": "a"})").status, 400);
  EXPECT_EQ(Admin("POST", "teams", R"({"more": 1})").Count("detail"), 2U);
  EXPECT_EQ(Admin("DELETE", "teams/ads").status, 204);
  EXPECT_EQ(Admin("DELETE", "teams/ads").status, 404);
  EXPECT_EQ(Ask("GET", "/millrace/v1/teams", Token("op")).status, 403);
  EXPECT_EQ(Ask("POST", "/millrace/v1/teams", Token("op"), R"({"name": "mine"})").status, 403);
}

TEST_F(TeamRoutesTest, ATeamThatSomebodyIsInStays) {
  ASSERT_EQ(Admin("POST", "users",
                  R"({"username": "ana", "password": "long enough", "role": "user", "teams": ["sales", "ads"]})")
                .At("teams"),
            Value(Value::List{"sales", "ads"}));
  const Answered used = Admin("DELETE", "teams/sales");
  EXPECT_EQ(used.status, 409);
  EXPECT_THAT(used.text, HasSubstr("user ana"));
  EXPECT_EQ(Admin("PATCH", "users/ana", R"({"role": "op"})").At("teams"), Value(Value::List{"ads", "sales"}));
  EXPECT_EQ(Admin("PATCH", "users/ana", R"({"teams": ["ads"]})").At("teams"), Value(Value::List{"ads"}));
  const Answered token =
      Ask("POST", "/auth/token", "", R"({"username": "ana", "password": "long enough"})");
  EXPECT_EQ(Ask("GET", "/millrace/v1/me", token.At("access_token").as_string()).At("teams"),
            Value(Value::List{"ads"}));
  const Answered wrong = Admin("PATCH", "users/ana", R"({"teams": ["sale", 3]})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.Count("detail"), 2U) << wrong.text;
  EXPECT_THAT(wrong.text, HasSubstr("did you mean 'sales'?"));
  EXPECT_EQ(Admin("PATCH", "users/ana", R"({"teams": []})").At("teams"), Value(Value::List{}));
  EXPECT_EQ(Admin("DELETE", "teams/sales").status, 204);
}

TEST_F(TeamRoutesTest, AVariableKeepsItsTeamUntilSomebodySaysAnother) {
  EXPECT_EQ(Api("POST", "variables", R"({"key": "plain", "value": "x"})").At("team_name"), Value());
  const Answered made = Api("POST", "variables", R"({"key": "bucket", "value": "raw", "team_name": "sales"})");
  EXPECT_EQ(made.At("team_name"), Value("sales")) << made.text;
  const auto patch = [&](const std::string& query, const std::string& members) {
    return Api("PATCH", "variables/bucket" + query, R"({"key": "bucket", )" + members + "}").At("team_name");
  };
  EXPECT_EQ(patch("", R"("value": "gold")"), Value("sales"));
  EXPECT_EQ(patch("", R"("value": "gold", "team_name": null)"), Value("sales"));
  EXPECT_EQ(patch("?update_mask=value", R"("value": "gold", "team_name": "ads")"), Value("sales"));
  EXPECT_EQ(patch("?update_mask=team_name", R"("value": "gold", "team_name": "ads")"), Value("ads"));
  EXPECT_EQ(patch("?update_mask=team_name", R"("team_name": null)"), Value());
  EXPECT_EQ(patch("", R"("team_name": "sales")"), Value("sales"));
  EXPECT_EQ(patch("", R"("team_name": "")"), Value());
  const Answered wrong = Api("PATCH", "variables/bucket", R"({"key": "bucket", "team_name": "sale"})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.text, HasSubstr("There is no team sale: did you mean 'sales'?"));
}

TEST_F(TeamRoutesTest, WhatIsWrittenOverInBulkKeepsItsTeam) {
  Api("POST", "variables", R"({"key": "bucket", "value": "raw", "team_name": "sales"})");
  Api("POST", "connections", R"({"connection_id": "db", "conn_type": "postgres", "team_name": "ads"})");
  const auto overwrite = [&](const std::string& path, const std::string& entity) {
    return Api("PATCH", path,
              R"({"actions": [{"action": "create", "action_on_existence": "overwrite", "entities": [)" + entity + "]}]}")
        .Count("create.success");
  };
  EXPECT_EQ(overwrite("variables", R"({"key": "bucket", "value": "gold"})"), 1U);
  EXPECT_EQ(Api("GET", "variables/bucket").At("team_name"), Value("sales"));
  EXPECT_EQ(overwrite("connections", R"({"connection_id": "db", "conn_type": "mysql"})"), 1U);
  EXPECT_EQ(Api("GET", "connections/db").At("team_name"), Value("ads"));
  EXPECT_EQ(overwrite("connections", R"({"connection_id": "db", "conn_type": "mysql", "team_name": "sales"})"), 1U);
  EXPECT_EQ(Api("GET", "connections/db").At("team_name"), Value("sales"));
}

TEST_F(TeamRoutesTest, AConnectionAndAPoolSayTheirTeam) {
  const Answered made =
      Api("POST", "connections", R"({"connection_id": "db", "conn_type": "postgres", "team_name": "sales"})");
  EXPECT_EQ(made.At("team_name"), Value("sales")) << made.text;
  EXPECT_EQ(Api("PATCH", "connections/db", R"({"connection_id": "db", "conn_type": "postgres", "host": "h"})")
                .At("team_name"),
            Value("sales"));
  EXPECT_EQ(Api("PATCH", "connections/db?update_mask=team_name",
               R"({"connection_id": "db", "conn_type": "postgres", "team_name": null})")
                .At("team_name"),
            Value());
  Api("POST", "pools", R"({"name": "db", "slots": 5, "team_name": "sales"})");
  EXPECT_EQ(TeamOfTheLastPool(), "sales");
  Api("PATCH", "pools/db", R"({"slots": 9, "team_name": "ads"})");
  EXPECT_EQ(TeamOfTheLastPool(), "ads");
  EXPECT_EQ(Api("POST", "pools", R"({"name": "new", "slots": 5, "team_name": "nobody"})").status, 422);
}

}  // namespace
}  // namespace millrace::api
