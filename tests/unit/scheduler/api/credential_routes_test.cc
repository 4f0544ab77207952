// Variables and connections on the wire.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CredentialRoutesTest : public ApiTest {
 protected:
  CredentialRoutesTest() { Start(); }
  Answered Op(const std::string& method, const std::string& path, const std::string& body = "") {
    return Ask(method, "/api/v2/" + path, Token("op"), body);
  }
};

TEST_F(CredentialRoutesTest, AVariableIsMadeReadChangedAndDeleted) {
  const Answered made =
      Op("POST", "variables", R"({"key": "bucket", "value": "raw", "description": "where"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.At("value"), Value("raw"));
  EXPECT_EQ(made.At("is_encrypted"), Value(true));
  EXPECT_EQ(Op("POST", "variables", R"({"key": "bucket", "value": "again"})").status, 409);
  EXPECT_EQ(Op("POST", "variables", R"({"key": "limits", "value": {"rows": 3}})").At("value"),
            Value(R"({"rows":3})"));
  EXPECT_EQ(Op("PATCH", "variables/bucket", R"({"key": "bucket", "value": "gold"})").At("description"),
            Value("where"));
  EXPECT_EQ(Op("PATCH", "variables/bucket?update_mask=description",
               R"({"key": "bucket", "value": "no", "description": "d"})")
                .At("value"),
            Value("gold"));
  EXPECT_EQ(Op("PATCH", "variables/bucket", R"({"key": "other", "value": "x"})").status, 422);
  EXPECT_EQ(Op("PATCH", "variables/nothing", R"({"key": "nothing", "value": "x"})").status, 404);
  const Answered listed = Op("GET", "variables?order_by=-key&variable_key_pattern=%25i%25");
  EXPECT_EQ(listed.At("total_entries"), Value(1));
  EXPECT_EQ(listed.At("variables.0.key"), Value("limits"));
  EXPECT_EQ(Op("DELETE", "variables/bucket").status, 204);
  EXPECT_EQ(Op("GET", "variables/bucket").status, 404);
  EXPECT_EQ(Op("DELETE", "variables/bucket").status, 404);
}

TEST_F(CredentialRoutesTest, EverythingWrongWithAVariableIsToldAtOnce) {
  const Answered wrong = Op("POST", "variables", R"({"key": "a/b", "description": 3, "more": 1})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.Count("detail"), 4U) << wrong.text;
  EXPECT_EQ(Op("POST", "variables", R"({"value": "x"})").status, 422);
  EXPECT_EQ(Op("POST", "variables", R"({"key": "x", "value": ")" + std::string(300'000, 'x') + "\"}").status,
            422);
  EXPECT_TRUE(credentials_.variables.empty());
}

TEST_F(CredentialRoutesTest, WhatIsSecretIsSealedAndNeverTold) {
  Op("POST", "variables", R"({"key": "api_token", "value": "hunter2"})");
  Op("POST", "connections",
     R"({"connection_id": "db", "conn_type": "postgres", "login": "ana", "password": "hunter2", "extra": "{\"api_key\": \"hunter2\", \"mode\": \"x\"}"})");
  for (const char* path : {"variables", "variables/api_token", "connections", "connections/db"}) {
    const Answered answer = Op("GET", path);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.text, Not(HasSubstr("hunter2"))) << path;
    EXPECT_THAT(answer.text, HasSubstr("***")) << path;
  }
  EXPECT_THAT(credentials_.variables["api_token"].sealed, Not(HasSubstr("hunter2")));
  EXPECT_THAT(credentials_.connections["db"].sealed, Not(HasSubstr("hunter2")));
  EXPECT_EQ(vault_.Open(credentials_.connections["db"])->password, "hunter2");
}

TEST_F(CredentialRoutesTest, AConnectionsSecretsStayWhenWhatWasShownIsSentBack) {
  const Answered made = Op(
      "POST", "connections",
      R"({"connection_id": "db", "conn_type": "postgres", "host": "h", "port": 5432, "password": "hunter2", "extra": "{\"token\": \"t1\", \"mode\": \"x\"}"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.At("port"), Value(5432));
  const Answered changed = Op(
      "PATCH", "connections/db",
      R"({"connection_id": "db", "conn_type": "postgres", "host": "other", "password": "***", "extra": "{\"token\": \"***\", \"mode\": \"y\"}"})");
  EXPECT_EQ(changed.At("host"), Value("other"));
  const Connection open = *vault_.Open(credentials_.connections["db"]);
  EXPECT_EQ(open.password, "hunter2");
  EXPECT_EQ(open.extra, R"({"token":"t1","mode":"y"})");
  EXPECT_EQ(open.port, 5432) << "not said, so it stays";
  Op("PATCH", "connections/db?update_mask=login", R"({"connection_id": "db", "login": "bo", "host": "no"})");
  EXPECT_EQ(vault_.Open(credentials_.connections["db"])->host, "other");
  EXPECT_EQ(vault_.Open(credentials_.connections["db"])->login, "bo");
  EXPECT_EQ(Op("POST", "connections", R"({"connection_id": "db", "conn_type": "x"})").status, 409);
  EXPECT_EQ(Op("DELETE", "connections/db").status, 204);
  EXPECT_EQ(Op("DELETE", "connections/db").status, 404);
}

TEST_F(CredentialRoutesTest, EverythingWrongWithAConnectionIsToldAtOnceAndNotRepeated) {
  const Answered wrong =
      Op("POST", "connections", R"({"connection_id": "a b", "port": 70000, "extra": "hunter2 is no JSON"})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(wrong.Count("detail"), 4U) << wrong.text;
  EXPECT_THAT(wrong.text, Not(HasSubstr("hunter2")));
  EXPECT_TRUE(credentials_.connections.empty());
}

TEST_F(CredentialRoutesTest, ManyAreChangedAtOnceWholeOrNotAtAll) {
  const Answered made = Op("PATCH", "variables", R"({"actions": [
    {"action": "create", "entities": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]},
    {"action": "update", "entities": [{"key": "a", "value": "3"}]},
    {"action": "create", "entities": [{"key": "c", "value": "4"}, {"key": "a", "value": "5"}]},
    {"action": "create", "entities": [{"key": "a", "value": "6"}, {"key": "d", "value": "7"}], "action_on_existence": "skip"},
    {"action": "create", "entities": [{"key": "b", "value": "8"}], "action_on_existence": "overwrite"},
    {"action": "delete", "entities": ["nothing"]}]})");
  EXPECT_EQ(made.status, 200) << made.text;
  EXPECT_EQ(ToJson(made.At("create.success")), R"(["a","b","d","b"])");
  EXPECT_EQ(made.At("create.errors.0.status_code"), Value(409));
  EXPECT_EQ(ToJson(made.At("update")), R"({"success":["a"],"errors":[]})");
  EXPECT_EQ(made.At("delete.errors.0.status_code"), Value(404));
  EXPECT_EQ(*vault_.Open(credentials_.variables["a"]), "3");
  EXPECT_EQ(*vault_.Open(credentials_.variables["b"]), "8");
  EXPECT_FALSE(credentials_.variables.contains("c"));
  const Answered gone = Op(
      "PATCH", "variables",
      R"({"actions": [{"action": "delete", "entities": ["a", "nothing"], "action_on_non_existence": "skip"}]})");
  EXPECT_EQ(ToJson(gone.At("delete.success")), R"(["a"])");
  const Answered connections = Op("PATCH", "connections", R"({"actions": [
    {"action": "create", "entities": [{"connection_id": "x", "conn_type": "http"}]},
    {"action": "create", "entities": [{"connection_id": "y"}]}]})");
  EXPECT_EQ(ToJson(connections.At("create.success")), R"(["x"])");
  EXPECT_THAT(ToJson(connections.At("create.errors")), HasSubstr("conn_type: Field required"));
  EXPECT_EQ(Op("PATCH", "variables", R"({"actions": [{"action": "burn", "entities": []}]})").status, 422);
  EXPECT_EQ(Op("PATCH", "variables", R"({"actions": 3})").status, 422);
}

TEST_F(CredentialRoutesTest, AConnectionIsTriedByAWorkerWithTheSecretThatTheAnswerMasks) {
  Op("POST", "connections",
     R"({"connection_id": "api", "conn_type": "http", "host": "h", "login": "ana", "password": "hunter2"})");
  bool works = true;
  inbox_.answer = [&works](const Command& command) -> CommandReply {
    const auto& test = std::get<TestConnection>(command);
    CommandResult result;
    result.tested = {works, "tried " + test.uri};
    return result;
  };
  const Answered by_id = Op("POST", "connections/test", R"({"connection_id": "api"})");
  EXPECT_EQ(by_id.status, 200) << by_id.text;
  EXPECT_EQ(by_id.At("status"), Value(true));
  EXPECT_EQ(by_id.At("message"), Value("tried http://ana:***@h"));
  works = false;
  // As Airflow's form sends it: whole, with what was shown where nothing was changed.
  const Answered changed = Op(
      "POST", "connections/test",
      R"({"connection_id": "api", "conn_type": "http", "host": "other", "login": "ana", "password": "***"})");
  EXPECT_EQ(changed.At("status"), Value(false));
  EXPECT_EQ(std::get<TestConnection>(inbox_.commands().back()).uri, "http://ana:hunter2@other");
  EXPECT_EQ(vault_.Open(credentials_.connections["api"])->host, "h") << "nothing is kept";
  const Answered unknown =
      Op("POST", "connections/test", R"({"connection_id": "new", "conn_type": "smtp", "host": "m"})");
  EXPECT_EQ(unknown.At("message"), Value("tried smtp://m"));
  EXPECT_EQ(Op("POST", "connections/test", R"({"connection_id": "nothing"})").status, 404);
  EXPECT_EQ(Op("POST", "connections/test", R"({"conn_type": "http"})").status, 422);
  inbox_.answer = [](const Command&) -> CommandReply { return Unavailable("no worker is connected"); };
  const Answered alone = Op("POST", "connections/test", R"({"connection_id": "api"})");
  EXPECT_EQ(alone.status, 200);
  EXPECT_EQ(alone.At("status"), Value(false));
  EXPECT_EQ(alone.At("message"), Value("no worker is connected"));
  EXPECT_EQ(Ask("POST", "/api/v2/connections/test", Token("user"), R"({"connection_id": "api"})").status, 403);
}

class NoTestsTest : public ApiTest {};

TEST_F(NoTestsTest, WhereConnectionsMayNotBeTriedItIsRefused) {
  tests_connections_ = false;
  Start();
  const Answered answer =
      Ask("POST", "/api/v2/connections/test", Token("op"), R"({"connection_id": "a", "conn_type": "http"})");
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(inbox_.commands().empty());
}

TEST_F(CredentialRoutesTest, OnlyOpsAndAdminsSeeThem) {
  for (const char* role : {"viewer", "user"}) {
    for (const char* path : {"variables", "connections"})
      EXPECT_EQ(Ask("GET", std::string("/api/v2/") + path, Token(role)).status, 403) << role << " " << path;
  }
}

}  // namespace
}  // namespace millrace::api
