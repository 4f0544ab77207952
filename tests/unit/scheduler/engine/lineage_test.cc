// OpenLineage events: their members, their facets, and how datasets are named.
#include "scheduler/engine/lineage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/model/json.h"

namespace millrace::test {
namespace {

using engine::LineageEvent;
using engine::LineageFacts;
using engine::LineageName;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const WallTime kNow = WallFromMicros(983'404'800'000'000);  // 2001-03-01

class Lineage : public ::testing::Test {
 protected:
  Lineage() {
    run_.key = RunKey{7};
    run_.dag_id = "etl";
    run_.run_id = "scheduled__2001-03-01";
    run_.started_at = kNow;
    run_.interval_start = kNow - std::chrono::hours(24);
    run_.interval_end = kNow;
    dag_.id = "etl";
    dag_.owner = "ana";
    dag_.description = "orders of a day";
    dag_.datasets = {{"raw", "s3://lake/raw", "asset", Value()}, {"orders", "postgres://db/shop/public/orders", "asset", Value()}};
    task_.id = "load";
    task_.kind = "sql";
    task_.owner = "bob";
    task_.doc = "*loads*";
    task_.with.Set("sql", "insert into orders select * from raw where day = '{{ ds }}'");
    task_.inlets = {"raw"};
    task_.outlets = {"orders"};
    instance_.key = {RunKey{7}, 0};
    instance_.try_number = 1;
    instance_.fence = {1, 5};
  }
  Value OfTask(LineageEvent event, const std::string& message = "", const std::string& result = "") {
    return engine::LineageOfTask("default", run_, dag_, task_, instance_, {event, kNow, message, result});
  }
  Value OfRun(LineageEvent event, const std::string& message = "") {
    return engine::LineageOfRun("default", run_, dag_, {event, kNow, message});
  }
  // The member at a path ("run/facets/parent"); a number is a place in a list; null when it is not there.
  static Value At(const Value& value, std::string_view path) {
    const Value* at = &value;
    while (at != nullptr && !path.empty()) {
      const std::size_t slash = std::min(path.find('/'), path.size());
      const std::string name(path.substr(0, slash));
      path.remove_prefix(std::min(slash + 1, path.size()));
      if (at->is_list()) {
        const auto place = static_cast<std::size_t>(std::stoi(name));
        at = place < at->as_list().size() ? &at->as_list()[place] : nullptr;
      } else {
        at = at->Find(name);
      }
    }
    return at == nullptr ? Value() : *at;
  }
  static std::vector<std::string> Names(const Value& map) {
    std::vector<std::string> names;
    if (map.is_map()) {
      for (const auto& [name, member] : map.as_map()) names.push_back(name);
    }
    return names;
  }

  millrace::Run run_;  // not the test's
  Dag dag_;
  Task task_;
  TaskInstance instance_;
};

TEST_F(Lineage, an_event_has_every_member_that_the_specification_asks_for) {
  for (const Value& event : {OfRun(LineageEvent::kStart), OfTask(LineageEvent::kStart)}) {
    EXPECT_EQ(At(event, "eventTime"), Value("2001-03-01T00:00:00Z"));
    EXPECT_EQ(At(event, "eventType"), Value("START"));
    EXPECT_EQ(At(event, "schemaURL"), Value("https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"));
    EXPECT_THAT(At(event, "producer").as_string(), HasSubstr("urn:millrace:"));
    EXPECT_EQ(At(event, "run/runId").as_string().size(), 36U);
    EXPECT_EQ(At(event, "job/namespace"), Value("default"));
    EXPECT_TRUE(At(event, "inputs").is_list());
    EXPECT_TRUE(At(event, "outputs").is_list());
    for (const char* facets : {"run/facets", "job/facets"}) {
      const Value all = At(event, facets);
      for (const auto& [name, facet] : all.as_map()) {
        EXPECT_TRUE(At(facet, "_producer").is_string()) << name;
        EXPECT_THAT(At(facet, "_schemaURL").as_string(), HasSubstr("https://openlineage.io/spec/facets/")) << name;
      }
    }
  }
  EXPECT_EQ(At(OfRun(LineageEvent::kComplete), "eventType"), Value("COMPLETE"));
  EXPECT_EQ(At(OfRun(LineageEvent::kFail), "eventType"), Value("FAIL"));
  EXPECT_EQ(At(OfRun(LineageEvent::kAbort), "eventType"), Value("ABORT"));
}

TEST_F(Lineage, jobs_have_airflows_names_and_say_what_they_are) {
  const Value run = OfRun(LineageEvent::kStart);
  EXPECT_EQ(At(run, "job/name"), Value("etl"));
  EXPECT_EQ(At(run, "job/facets/jobType/jobType"), Value("DAG"));
  EXPECT_EQ(At(run, "job/facets/ownership/owners/0/name"), Value("ana"));
  EXPECT_EQ(At(run, "job/facets/documentation/description"), Value("orders of a day"));
  const Value task = OfTask(LineageEvent::kStart);
  EXPECT_EQ(At(task, "job/name"), Value("etl.load"));
  EXPECT_EQ(At(task, "job/facets/jobType/jobType"), Value("TASK"));
  EXPECT_EQ(At(task, "job/facets/jobType/integration"), Value("MILLRACE"));
  EXPECT_EQ(At(task, "job/facets/jobType/processingType"), Value("BATCH"));
  EXPECT_EQ(At(task, "job/facets/ownership/owners/0/name"), Value("bob"));
  EXPECT_EQ(At(task, "job/facets/documentation/description"), Value("*loads*"));
  EXPECT_EQ(At(task, "job/facets/sql/query"), Value("insert into orders select * from raw where day = '{{ ds }}'"));
  EXPECT_EQ(At(task, "run/facets/processing_engine/name"), Value("Millrace"));
}

TEST_F(Lineage, a_statement_of_several_is_told_as_one_text_and_one_that_is_very_long_is_left_out) {
  task_.with.Set("sql", Value(Value::List{"select 1", "select 2"}));
  EXPECT_EQ(At(OfTask(LineageEvent::kStart), "job/facets/sql/query"), Value("select 1;\nselect 2"));
  task_.with.Set("sql", std::string(20'000, 'x'));
  EXPECT_TRUE(At(OfTask(LineageEvent::kStart), "job/facets/sql").is_null());
}

TEST_F(Lineage, the_data_interval_is_the_nominal_time) {
  const Value event = OfTask(LineageEvent::kStart);
  EXPECT_EQ(At(event, "run/facets/nominalTime/nominalStartTime"), Value("2001-02-28T00:00:00Z"));
  EXPECT_EQ(At(event, "run/facets/nominalTime/nominalEndTime"), Value("2001-03-01T00:00:00Z"));
  run_.interval_start.reset();
  run_.interval_end.reset();
  EXPECT_TRUE(At(OfTask(LineageEvent::kStart), "run/facets/nominalTime").is_null());
  run_.logical_date = kNow;
  EXPECT_EQ(At(OfRun(LineageEvent::kStart), "run/facets/nominalTime/nominalStartTime"), Value("2001-03-01T00:00:00Z"));
}

TEST_F(Lineage, a_task_names_its_run_as_parent_and_root) {
  const Value run = OfRun(LineageEvent::kStart);
  const Value task = OfTask(LineageEvent::kStart);
  EXPECT_EQ(At(task, "run/facets/parent/run/runId"), At(run, "run/runId"));
  EXPECT_EQ(At(task, "run/facets/parent/root/run/runId"), At(run, "run/runId"));
  EXPECT_EQ(At(task, "run/facets/parent/job/name"), Value("etl"));
  EXPECT_EQ(At(task, "run/facets/parent/root/job/namespace"), Value("default"));
  EXPECT_TRUE(At(run, "run/facets/parent").is_null());
}

TEST_F(Lineage, an_attempt_has_one_run_id_from_start_to_end_and_no_other_attempt_has_it) {
  const Value first = At(OfTask(LineageEvent::kStart), "run/runId");
  instance_.state = TaskState::kSuccess;
  instance_.ended_at = kNow;
  EXPECT_EQ(At(OfTask(LineageEvent::kComplete), "run/runId"), first);
  instance_.fence = {1, 6};  // the same try, which was lost
  EXPECT_NE(At(OfTask(LineageEvent::kStart), "run/runId"), first);
  instance_.fence = {1, 5};
  instance_.map_index = 0;
  EXPECT_NE(At(OfTask(LineageEvent::kStart), "run/runId"), first);
  instance_.map_index = -1;
  const Value run = At(OfRun(LineageEvent::kStart), "run/runId");
  run_.started_at = kNow + std::chrono::seconds(1);  // it was cleared
  EXPECT_NE(At(OfRun(LineageEvent::kStart), "run/runId"), run);
  EXPECT_NE(At(OfTask(LineageEvent::kStart), "run/runId"), first);
}

TEST_F(Lineage, what_failed_says_why) {
  const Value failed = OfTask(LineageEvent::kFail, "no such table");
  EXPECT_EQ(At(failed, "run/facets/errorMessage/message"), Value("no such table"));
  EXPECT_EQ(At(failed, "run/facets/errorMessage/programmingLanguage"), Value("sql"));
  EXPECT_EQ(At(OfRun(LineageEvent::kAbort, "cancelled by ana"), "run/facets/errorMessage/message"), Value("cancelled by ana"));
  EXPECT_TRUE(At(OfTask(LineageEvent::kComplete, "done"), "run/facets/errorMessage").is_null());
}

TEST_F(Lineage, inlets_and_outlets_are_told_by_their_uris) {
  const Value event = OfTask(LineageEvent::kComplete);
  EXPECT_EQ(At(event, "inputs/0/namespace"), Value("s3://lake"));
  EXPECT_EQ(At(event, "inputs/0/name"), Value("raw"));
  EXPECT_EQ(At(event, "outputs/0/namespace"), Value("postgres://db:5432"));
  EXPECT_EQ(At(event, "outputs/0/name"), Value("shop.public.orders"));
}

TEST_F(Lineage, how_much_was_written_stands_at_the_only_output) {
  const std::string result = R"({"path":"out","rows":12,"bytes":340,"files":2})";
  const Value facet = At(OfTask(LineageEvent::kComplete, "", result), "outputs/0/outputFacets/outputStatistics");
  EXPECT_EQ(At(facet, "rowCount"), Value(12));
  EXPECT_EQ(At(facet, "size"), Value(340));
  EXPECT_EQ(At(facet, "fileCount"), Value(2));
  for (const char* other : {"", R"({"rows":[{"a":1}]})", R"({"files":2})", "12", R"("rows")"}) {
    const Value event = OfTask(LineageEvent::kComplete, "", other);
    EXPECT_THAT(Names(At(event, "outputs/0/outputFacets")), ElementsAre()) << other;
  }
  task_.outlets = {"orders", "raw"};
  EXPECT_THAT(Names(At(OfTask(LineageEvent::kComplete, "", result), "outputs/0/outputFacets")), ElementsAre());
}

TEST_F(Lineage, what_checks_found_stands_at_the_input_of_a_check_also_when_it_failed) {
  task_.kind = "check";
  const Value event = OfTask(
      LineageEvent::kFail, "1 check failed",
      R"({"checks":[{"check":"id is there","type":"not_null","severity":"error","passed":false},)"
      R"({"check":"rows","type":"row_count","severity":"warn","passed":true}]})");
  const Value assertions = At(event, "inputs/0/inputFacets/dataQualityAssertions/assertions");
  EXPECT_EQ(At(assertions, "0/assertion"), Value("not_null"));
  EXPECT_EQ(At(assertions, "0/success"), Value(false));
  EXPECT_EQ(At(assertions, "0/name"), Value("id is there"));
  EXPECT_EQ(At(assertions, "1/success"), Value(true));
  EXPECT_EQ(At(assertions, "1/severity"), Value("warn"));
}

TEST(LineageNames, datasets_are_named_as_open_lineage_says) {
  struct Case {
    std::string uri;
    LineageName told;
  };
  const std::vector<Case> cases = {
      {"orders", {"ours", "orders"}},
      {"file:///data/orders.csv", {"file", "/data/orders.csv"}},
      {"file:///data/orders/", {"file", "/data/orders"}},
      {"file://host/data", {"file://host", "/data"}},
      {"s3://lake/orders/2001", {"s3://lake", "orders/2001"}},
      {"S3A://lake/orders?x=1#y", {"s3://lake", "orders"}},
      {"s3://lake", {"s3://lake", "/"}},
      {"gs://lake/a/b", {"gs://lake", "a/b"}},
      {"abfss://box@account.dfs.core.windows.net/a", {"abfss://box@account.dfs.core.windows.net", "a"}},
      {"hdfs://name:8020/a/b", {"hdfs://name:8020", "/a/b"}},
      {"postgres://db.example:6543/shop/public/orders", {"postgres://db.example:6543", "shop.public.orders"}},
      {"postgresql://ana:secret@db/shop/public/orders", {"postgres://db:5432", "shop.public.orders"}},
      {"postgres://[::1]/shop/t", {"postgres://[::1]:5432", "shop.t"}},
      {"mysql://db/shop/orders", {"mysql://db:3306", "shop.orders"}},
      {"snowflake://account/db/s/t", {"snowflake://account", "db.s.t"}},
      {"bigquery://project/set/table", {"bigquery", "project.set.table"}},
      {"postgres://db", {"ours", "orders"}},
      {"kafka://broker:9092/orders", {"kafka://broker:9092", "orders"}},
      {"https://ana:secret@example.com/orders.json?token=x", {"https://example.com", "orders.json"}},
      {"://x", {"ours", "orders"}},
  };
  for (const Case& one : cases) {
    const LineageName told = engine::LineageNameOf({"orders", one.uri, "asset", Value()}, "ours");
    EXPECT_EQ(told.name_space, one.told.name_space) << one.uri;
    EXPECT_EQ(told.name, one.told.name) << one.uri;
  }
}

TEST(LineageDeliveries, an_event_is_posted_as_json_to_the_url_or_by_the_connection) {
  const Value event = Value::Map{{"eventType", "START"}};
  engine::LineageOptions options;
  EXPECT_FALSE(options.on());
  options.url = "http://ana:secret@127.0.0.1:5000/api/v1/lineage";
  ASSERT_TRUE(options.on());
  const StatusOr<Delivery> by_url = engine::LineageDelivery(options, event);
  ASSERT_TRUE(by_url.ok());
  EXPECT_EQ(by_url->with,
            R"({"notify":"webhook","url":"http://ana:secret@127.0.0.1:5000/api/v1/lineage","body":{"eventType":"START"}})");
  EXPECT_EQ(engine::LineageTarget(options).find("secret"), std::string::npos);
  options = {};
  options.connection = "marquez";
  const StatusOr<Delivery> by_connection = engine::LineageDelivery(options, event);
  ASSERT_TRUE(by_connection.ok());
  EXPECT_EQ(by_connection->with, R"({"notify":"webhook","connection":"marquez","body":{"eventType":"START"}})");
  EXPECT_THAT(by_connection->connections, ElementsAre("marquez"));
}

TEST(LineageDeliveries, one_that_is_too_large_for_the_outbox_says_so) {
  engine::LineageOptions options;
  options.url = "http://x";
  const StatusOr<Delivery> delivery = engine::LineageDelivery(options, Value(std::string(100'000, 'x')));
  EXPECT_THAT(delivery.status().message(), HasSubstr("bytes; at most 65536 are told"));
}

}  // namespace
}  // namespace millrace::test
