// Variables, connections and cached results: what is secret reaches the attempt and no row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/connection.h"
#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class NoFiles final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return NotFound("no such file"); }
};

class LookupsTest : public testing::Test {
 protected:
  LookupsTest() {
    driver_.outside[{LookupRef::Kind::kConnection, "db"}] =
        ConnectionValue(*ParseConnection("db", "postgresql://ana:hunter2@h:5432/sales?token=shh123"));
    driver_.outside[{LookupRef::Kind::kVariable, "api_token"}] = Value(R"({"main": "tok-4711"})");
    driver_.outside[{LookupRef::Kind::kVariable, "bucket"}] = Value("raw");
  }

  void Load(const std::string& tasks, const std::string& team = "") {
    const dagbag::LoadResult loaded =
        dagbag::LoadDagFile("etl.yaml", "dag_id: etl\ntasks:\n" + tasks, files_, zones_);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.message;
    for (const DagPtr& dag : loaded.dags) {
      auto of_team = std::make_shared<Dag>(*dag);
      of_team->team = team;
      driver_.LoadDag(std::move(of_team));
    }
    driver_.Join("w");
  }

  // Whether a text stands in anything that a store keeps.
  bool Kept(const std::string& text) const {
    for (const Batch& batch : driver_.batches) {
      for (const TaskInstance& row : batch.task_instances) {
        if ((row.reason + row.map_value).find(text) != std::string::npos) return true;
      }
      for (const Attempt& row : batch.attempts) {
        if (row.reason.find(text) != std::string::npos) return true;
      }
      for (const XComRow& row : batch.xcoms) {
        if (row.json.find(text) != std::string::npos) return true;
      }
      for (const CachedResult& row : batch.cached) {
        if (row.key.find(text) != std::string::npos) return true;
      }
    }
    return false;
  }

  platform::TzdbZones zones_;
  NoFiles files_;
  EngineDriver driver_;
};

TEST_F(LookupsTest, an_attempt_is_told_which_texts_no_log_may_show) {
  Load(
      R"(  - {id: a, uses: shell, with: {command: "x {{ conn.db.password }} {{ var.json.api_token.main }} {{ var.value.bucket }}"}})");
  driver_.Trigger("etl", "r");
  const Assignment& given = driver_.Assigned("a")->assignment;
  EXPECT_THAT(given.with, Not(HasSubstr("hunter2")));
  EXPECT_THAT(given.environment, Contains(std::pair<std::string, std::string>("MILLRACE_V1", "hunter2")));
  for (const char* secret : {"hunter2", "shh123", "tok-4711"}) EXPECT_THAT(given.secrets, Contains(secret));
  EXPECT_THAT(given.secrets, Not(Contains("raw")));
  EXPECT_FALSE(Kept("hunter2"));
}

TEST_F(LookupsTest, what_is_not_defined_fails_the_attempt_with_its_name_and_place) {
  Load(R"(  - {id: a, uses: shell, with: {command: "x {{ var.value.nothing }}"}}
  - {id: b, uses: shell, with: {command: "x {{ conn.nowhere.host }}"}}
  - {id: c, uses: shell, with: {command: "x {{ var.value.get('nothing', 'else') }} {{ conn.get('nowhere', 'none') }}"}})");
  driver_.Trigger("etl", "r");
  EXPECT_EQ(driver_.StateOf("a"), TaskState::kFailed);
  EXPECT_THAT(driver_.InstanceOf("a").reason, HasSubstr("there is no variable 'nothing'"));
  EXPECT_THAT(driver_.InstanceOf("a").reason, HasSubstr("etl.yaml:3:"));
  EXPECT_THAT(driver_.InstanceOf("b").reason, HasSubstr("there is no connection 'nowhere'"));
  EXPECT_EQ(driver_.Assigned("c")->assignment.with, R"({"command":"x else none"})");
}

TEST_F(LookupsTest, what_another_team_has_is_as_if_not_there_and_the_message_says_whose_it_is) {
  driver_.Give("variable", "bucket", "sales");
  driver_.Give("connection", "db", "ads");
  Load(R"(  - {id: a, uses: shell, with: {command: "x {{ var.value.bucket }}"}}
  - {id: b, uses: shell, with: {command: "x {{ var.value.get('bucket', 'else') }}"}}
  - {id: c, uses: shell, with: {command: "x {{ conn.db.login }}"}})",
       "ads");
  driver_.Trigger("etl", "r");
  EXPECT_EQ(driver_.StateOf("a"), TaskState::kFailed);
  EXPECT_THAT(driver_.InstanceOf("a").reason, HasSubstr("variable 'bucket' belongs to team sales"));
  EXPECT_THAT(driver_.InstanceOf("a").reason, HasSubstr("etl.yaml:3:"));
  EXPECT_EQ(driver_.Assigned("b")->assignment.with, R"({"command":"x else"})");
  EXPECT_THAT(driver_.Assigned("c")->assignment.environment,
              Contains(std::pair<std::string, std::string>("MILLRACE_V1", "ana")));
  EXPECT_EQ(driver_.Assigned("c")->assignment.team, "ads") << "for the connections that it is handed";
}

TEST_F(LookupsTest, a_callback_asks_as_the_team_of_its_dag) {
  driver_.Give("connection", "db", "ads");
  const std::string task =
      R"(  - {id: a, uses: shell, with: {command: x}, on_success_callback: {uses: shell, with: {command: "{{ conn.db.login }}"}}})";
  Load(task, "ads");
  driver_.Trigger("etl", "r");
  driver_.End("a");
  ASSERT_TRUE(driver_.deliveries.contains(1));
  EXPECT_EQ(driver_.deliveries.at(1).assignment.team, "ads");
  EXPECT_THAT(driver_.deliveries.at(1).assignment.environment,
              Contains(std::pair<std::string, std::string>("MILLRACE_V1", "ana")));
}

TEST_F(LookupsTest, a_message_about_a_template_does_not_repeat_a_secret) {
  Load(R"(  - {id: a, uses: shell, with: {command: "x {{ {}[conn.db.password] }}"}}
  - {id: b, uses: branch, with: {choose: "{{ conn.db.password }}"}}
  - {id: d, uses: empty, needs: [b]})");
  driver_.Trigger("etl", "r");
  EXPECT_EQ(driver_.StateOf("a"), TaskState::kFailed);
  EXPECT_EQ(driver_.StateOf("b"), TaskState::kFailed);
  EXPECT_THAT(driver_.InstanceOf("b").reason, HasSubstr("it chose '***'"));
  EXPECT_FALSE(Kept("hunter2"));
}

TEST_F(LookupsTest, a_password_that_changes_makes_no_other_inputs) {
  Load(
      R"(  - {id: a, uses: shell, cache: {}, with: {command: "x {{ conn.db.password }} {{ conn.db.host }}"}})");
  driver_.Trigger("etl", "one");
  const Assign first = *driver_.Assigned("a");
  driver_.Report(first.session, first.assignment.fence, true, Outcome::kSuccess, "", "1");
  driver_.outside[{LookupRef::Kind::kConnection, "db"}] =
      ConnectionValue(*ParseConnection("db", "postgresql://ana:changed9@h:5432/sales"));
  driver_.Trigger("etl", "two");
  EXPECT_EQ(driver_.StateOf("two/a"), TaskState::kSuccess);
  EXPECT_THAT(driver_.InstanceOf("two/a").reason, HasSubstr("cached: run one left it at"));
  driver_.outside[{LookupRef::Kind::kConnection, "db"}] =
      ConnectionValue(*ParseConnection("db", "postgresql://ana:changed9@other:5432/sales"));
  driver_.Trigger("etl", "three");
  EXPECT_EQ(driver_.StateOf("three/a"), TaskState::kQueued);
  EXPECT_FALSE(Kept("hunter2"));
}

TEST_F(LookupsTest, a_dag_file_may_not_put_secrets_where_they_would_be_kept) {
  const auto problem = [this](const std::string& tasks) {
    const dagbag::LoadResult loaded =
        dagbag::LoadDagFile("etl.yaml", "dag_id: etl\ntasks:\n" + tasks, files_, zones_);
    return loaded.problems.empty() ? std::string() : loaded.problems[0].message;
  };
  EXPECT_THAT(
      problem(
          R"(  - {id: a, uses: shell, expand: {x: "{{ conn.db.extra_dejson['keys'] }}"}, with: {command: "echo {{ map.x }}"}})"),
      HasSubstr("what 'expand' gives is kept in the store"));
  EXPECT_THAT(problem(R"(  - {id: a, uses: approval, with: {subject: "{{ conn.db.password }}?"}})"),
              HasSubstr("what a task of kind approval makes of it is kept in the store"));
  EXPECT_THAT(
      problem(
          R"(  - {id: a, uses: shell, expand: {x: "{{ var.json.api_token }}"}, with: {command: "echo {{ map.x }}"}})"),
      HasSubstr("the variable 'api_token' may hold a secret"));
  EXPECT_EQ(
      problem(
          R"(  - {id: a, uses: shell, expand: {x: "{{ var.json.files }}"}, with: {command: "echo {{ map.x }}"}})"),
      "");
  EXPECT_THAT(problem(R"(  - {id: a, uses: latest_only, cache: {}})"),
              HasSubstr("'cache' is for tasks that a worker runs"));
  EXPECT_THAT(problem(R"(  - {id: a, uses: shell, cache: {key: "{{ nothing }}"}, with: {command: x}})"),
              HasSubstr("nothing"));
}

TEST_F(LookupsTest, a_task_is_mapped_over_a_variable) {
  driver_.outside[{LookupRef::Kind::kVariable, "files"}] = Value(R"(["a", "b"])");
  Load(
      R"(  - {id: a, uses: shell, expand: {x: "{{ var.json.files }}"}, with: {command: "echo {{ map.x }}"}})");
  driver_.Trigger("etl", "r");
  EXPECT_EQ(driver_.StateOf("a[0]"), TaskState::kQueued);
  EXPECT_EQ(driver_.StateOf("a[1]"), TaskState::kQueued);
}

}  // namespace
}  // namespace millrace::test
