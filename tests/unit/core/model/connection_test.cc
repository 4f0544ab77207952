#include "core/model/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/json.h"
#include "core/model/secret_text.h"

namespace millrace {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Connection, a_uri_is_taken_apart_and_percent_encoding_undone) {
  const StatusOr<Connection> read = ParseConnection(
      "db", "postgresql://ana:p%40ss%3A1@db.example:5432/sales?sslmode=require&application_name=x%20y");
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->id, "db");
  EXPECT_EQ(read->type, "postgresql");
  EXPECT_EQ(read->login, "ana");
  EXPECT_EQ(read->password, "p@ss:1");
  EXPECT_EQ(read->host, "db.example");
  EXPECT_EQ(read->port, 5432);
  EXPECT_EQ(read->schema, "sales");
  EXPECT_EQ(read->extra, R"({"sslmode":"require","application_name":"x y"})");
}

TEST(Connection, what_is_written_as_a_uri_reads_back_the_same) {
  for (const char* uri :
       {"postgresql://ana:p%40ss%3A1@db.example:5432/sales?sslmode=require", "duckdb:warehouse.duckdb",
        "duckdb:///srv/ware%20house.duckdb", "sqlite:///srv/x.db?timeout=3", "s3://key:se%2Fcret@bucket",
        "http://ana:secret@api.example:8080", "redis://:pass@h"}) {
    const StatusOr<Connection> read = ParseConnection("c", uri);
    ASSERT_TRUE(read.ok()) << uri;
    EXPECT_EQ(ConnectionUri(*read), uri);
    EXPECT_EQ(*ParseConnection("c", ConnectionUri(*read)), *read) << uri;
  }
}

TEST(Connection, a_file_is_the_host_and_airflows_http_forms_become_addresses) {
  EXPECT_EQ(ParseConnection("w", "duckdb:lake/warehouse.duckdb")->host, "lake/warehouse.duckdb");
  Connection http{.id = "api",
                  .type = "http",
                  .description = "",
                  .host = "https://api.example/",
                  .login = "",
                  .password = "",
                  .schema = "",
                  .port = std::nullopt,
                  .extra = ""};
  EXPECT_EQ(ConnectionUri(http), "https://api.example");
  http.host = "api.example";
  http.schema = "https";
  http.port = 8443;
  EXPECT_EQ(ConnectionUri(http), "https://api.example:8443");
}

TEST(Connection, json_is_read_and_its_mistakes_are_told_without_its_text) {
  const StatusOr<Connection> read = ParseConnection(
      "db",
      R"({"conn_type": "postgres", "host": "h", "port": "5432", "password": "hunter2", "extra": {"a": {"b": 1}}})");
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->port, 5432);
  EXPECT_EQ(read->extra, R"({"a":{"b":1}})");
  EXPECT_THAT(ConnectionUri(*read), HasSubstr("?__extra__=%7B%22a%22"));
  for (const char* wrong : {R"({"conn_type": "x", "pasword": "hunter2"})", R"({"password": "hunter2"})",
                            "{hunter2", "hunter2", "x://h:hunter2/y", ":hunter2", ""}) {
    const Status status = ParseConnection("db", wrong).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << wrong;
    EXPECT_THAT(status.message(), HasSubstr("the connection 'db'"));
    EXPECT_THAT(status.message(), Not(HasSubstr("hunter2"))) << wrong;
  }
}

TEST(Connection, its_secrets_are_the_password_and_members_of_extra_with_such_names) {
  const Value value = ConnectionValue(*ParseConnection(
      "s3",
      R"({"conn_type": "s3", "login": "ana", "password": "p\"w/d", "extra": {"secret_key": "topsecret", "region": "eu"}})"));
  const std::vector<std::string> secrets = SecretsOfConnection(value);
  EXPECT_THAT(secrets, Contains("p\"w/d"));
  EXPECT_THAT(secrets, Contains("p\\\"w/d")) << "as JSON has it";
  EXPECT_THAT(secrets, Contains("p%22w%2Fd")) << "as a URL has it";
  EXPECT_THAT(secrets, Contains("topsecret"));
  EXPECT_THAT(secrets, Not(Contains("ana")));
  EXPECT_THAT(secrets, Not(Contains("eu")));
  const Value masked = MaskedConnection(value);
  EXPECT_EQ(*masked.Find("password"), Value("***"));
  EXPECT_EQ(*masked.Find("extra"), Value(R"({"secret_key":"***","region":"eu"})"));
  EXPECT_EQ(*masked.Find("login"), Value("ana"));
  EXPECT_TRUE(
      MaskedConnection(ConnectionValue(*ParseConnection("x", "http://h"))).Find("password")->is_null());
}

TEST(SecretText, names_say_what_is_secret) {
  for (const char* name :
       {"password", "DB_PASSWORD", "api-key", "Authorization", "slack_token", "aws_secret_access_key"})
    EXPECT_TRUE(IsSecretName(name)) << name;
  for (const char* name : {"bucket", "key", "monkey", "path", "author"})
    EXPECT_FALSE(IsSecretName(name)) << name;
}

TEST(SecretText, longer_secrets_go_first_and_short_ones_stay) {
  EXPECT_EQ(MaskedText("abc abcdef ab", {"abc", "abcdef", "ab"}), "*** *** ab");
  EXPECT_EQ(MaskedText("nothing", {}), "nothing");
  EXPECT_EQ(MaskedText("***", {"***"}), "***");
}

TEST(SecretText, every_scalar_below_a_secret_name_is_one) {
  const Value value = *ParseJson(
      R"({"a": 1, "tokens": {"x": "first", "y": ["second", 12345]}, "list": [{"password": "third"}]})");
  std::vector<std::string> secrets;
  AddSecrets(value, false, secrets);
  EXPECT_THAT(secrets, ElementsAre("first", "second", "12345", "third"));
  EXPECT_EQ(ToJson(MaskedValue(value, false)),
            R"({"a":1,"tokens":{"x":"***","y":["***","***"]},"list":[{"password":"***"}]})");
}

}  // namespace
}  // namespace millrace
