#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr const char* kStates = "/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances/extract/state-store";
constexpr const char* kOrders = "/api/v2/assets/7/state-store";

class StateStoreRoutesTest : public ApiTest {
 protected:
  StateStoreRoutesTest() {
    store::DatasetEntry orders;
    orders.id = 7;
    orders.dataset = {"orders", "s3://lake/orders", "raw", Value(Value::Map())};
    rows_.datasets = {orders};
    inbox_.on_records = [this](const WriteRecords& write) { Write(write); };
  }
  void Write(const WriteRecords& write) {
    const std::lock_guard lock(rows_.mutex);
    for (const Record& record : write.records) {
      if (const auto* state = std::get_if<TaskStateRecord>(&record)) {
        const TaskStateRow& row = state->row;
        std::erase_if(rows_.task_states, [&](const auto& one) {
          return one.first.instance == row.instance && (row.key.empty() || one.first.key == row.key);
        });
        if (!row.deleted) rows_.task_states[{row.instance, row.key}] = row;
      }
      if (const auto* state = std::get_if<DatasetStateRecord>(&record)) {
        const DatasetStateRow& row = state->row;
        std::erase_if(rows_.dataset_states, [&](const auto& one) {
          return one.first.first == row.dataset && (row.key.empty() || one.first.second == row.key);
        });
        if (!row.deleted) rows_.dataset_states[{row.dataset, row.key}] = row;
      }
    }
  }
};

TEST_F(StateStoreRoutesTest, AValueOfATaskInstanceIsSetSeenChangedAndForgotten) {
  Start();
  const std::string job = std::string(kStates) + "/job_id";
  EXPECT_EQ(Get(job).status, 404);
  const Answered set = Do("PUT", job, R"({"value": {"id": "j-1", "tries": 2}})");
  ASSERT_EQ(set.status, 204) << set.text;
  const Answered one = Get(job);
  ASSERT_EQ(one.status, 200) << one.text;
  EXPECT_EQ(one.At("key"), Value("job_id"));
  EXPECT_EQ(one.At("value.id"), Value("j-1"));
  EXPECT_TRUE(one.At("updated_at").is_string());
  const Value expires = one.At("expires_at");
  EXPECT_TRUE(expires.is_string()) << "30 days, unless it says otherwise";
  const Answered changed = Do("PATCH", job, R"({"value": [1]})");
  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(ToJson(Get(job).At("value")), "[1]");
  EXPECT_EQ(Get(job).At("expires_at"), expires) << "only the value changes";
  EXPECT_EQ(Do("PATCH", std::string(kStates) + "/nothing", R"({"value": 1})").status, 404);
  const Answered list = Get(kStates);
  EXPECT_EQ(list.At("total_entries"), Value(1));
  EXPECT_EQ(list.At("task_state_store.0.key"), Value("job_id"));
  EXPECT_EQ(Do("DELETE", job, "").status, 204);
  EXPECT_EQ(Do("DELETE", job, "").status, 204) << "a second time does nothing";
  EXPECT_EQ(Get(job).status, 404);
}

TEST_F(StateStoreRoutesTest, WhenItExpiresIsSaidWithIt) {
  Start();
  const std::string job = std::string(kStates) + "/job";
  ASSERT_EQ(Do("PUT", job, R"({"value": 1, "expires_at": null})").status, 204);
  EXPECT_TRUE(Get(job).At("expires_at").is_null()) << "never";
  ASSERT_EQ(Do("PUT", job, R"({"value": 1, "expires_at": "default"})").status, 204);
  EXPECT_TRUE(Get(job).At("expires_at").is_string());
  ASSERT_EQ(Do("PUT", job, R"({"value": 1, "expires_at": "2999-01-01T00:00:00Z"})").status, 204);
  EXPECT_EQ(Get(job).At("expires_at"), Value("2999-01-01T00:00:00Z"));
  ASSERT_EQ(Do("PUT", job, R"({"value": 1, "expires_at": "1999-01-01T00:00:00Z"})").status, 204);
  EXPECT_EQ(Get(job).status, 404);
  EXPECT_EQ(Do("PUT", job, R"({"value": 1, "expires_at": "soon"})").status, 422);
  EXPECT_EQ(Do("PUT", job, R"({"value": 1, "expires_at": ""})").status, 422);
}

TEST_F(StateStoreRoutesTest, NullAndWhatIsTooLargeAreRefused) {
  Start();
  const std::string job = std::string(kStates) + "/job";
  EXPECT_EQ(Do("PUT", job, R"({"value": null})").status, 422);
  EXPECT_EQ(Do("PUT", job, "{}").status, 422);
  EXPECT_EQ(Do("PUT", job, R"({"value": 1, "colour": "red"})").status, 422);
  EXPECT_EQ(Do("PUT", job, R"({"value": ")" + std::string(70'000, 'x') + "\"}").status, 422);
  EXPECT_EQ(Do("PUT", std::string(kOrders) + "/w", R"({"value": null})").status, 422);
  EXPECT_EQ(Do("PUT", std::string(kStates) + "/" + std::string(600, 'k'), R"({"value": 1})").status, 400);
  EXPECT_EQ(Get(kStates).At("total_entries"), Value(0));
}

TEST_F(StateStoreRoutesTest, AKeyMayHoldSlashesAndAllAreForgottenAtOnce) {
  Start();
  ASSERT_EQ(Do("PUT", std::string(kStates) + "/files/2001/a.csv", R"({"value": true})").status, 204);
  ASSERT_EQ(Do("PUT", std::string(kStates) + "/b", R"({"value": 1})").status, 204);
  EXPECT_EQ(Get(std::string(kStates) + "/files/2001/a.csv").At("key"), Value("files/2001/a.csv"));
  EXPECT_EQ(Get(std::string(kStates) + "?limit=1&offset=1").At("task_state_store.0.key"), Value("files/2001/a.csv"));
  EXPECT_EQ(Do("DELETE", kStates, "").status, 204);
  EXPECT_EQ(Get(kStates).At("total_entries"), Value(0));
  ASSERT_EQ(Do("PUT", std::string(kStates) + "/b", R"({"value": 1})").status, 204);
  EXPECT_EQ(Do("DELETE", std::string(kStates) + "?all_map_indices=true", "").status, 204);
  EXPECT_EQ(Get(kStates).At("total_entries"), Value(0));
}

TEST_F(StateStoreRoutesTest, ADatasetSaysWhoWroteLast) {
  DatasetStateRow row{"orders", "watermark", "7", kStart, "etl", "r1", "load", 2, false};
  rows_.dataset_states[{"orders", "watermark"}] = row;
  Start();
  const std::string watermark = std::string(kOrders) + "/watermark";
  const Answered list = Get(kOrders);
  ASSERT_EQ(list.status, 200) << list.text;
  EXPECT_EQ(list.At("total_entries"), Value(1));
  EXPECT_EQ(ToJson(list.At("asset_state_store.0.last_updated_by")),
            R"({"kind":"task","dag_id":"etl","run_id":"r1","task_id":"load","map_index":2})");
  ASSERT_EQ(Do("PUT", watermark, R"({"value": "2024-06-01"})").status, 204);
  const Answered one = Get(watermark);
  EXPECT_EQ(one.At("value"), Value("2024-06-01"));
  EXPECT_EQ(one.At("last_updated_by.kind"), Value("api"));
  EXPECT_TRUE(one.At("last_updated_by.dag_id").is_null());
  EXPECT_EQ(Do("DELETE", watermark, "").status, 204);
  EXPECT_EQ(Get(watermark).status, 404);
  ASSERT_EQ(Do("PUT", watermark, R"({"value": 1})").status, 204);
  EXPECT_EQ(Do("DELETE", kOrders, "").status, 204);
  EXPECT_EQ(Get(kOrders).At("total_entries"), Value(0));
  EXPECT_EQ(Get("/api/v2/assets/8/state-store").status, 404);
}

TEST_F(StateStoreRoutesTest, WhoMayOnlyReadChangesNothing) {
  Start();
  const std::string job = std::string(kStates) + "/job";
  EXPECT_EQ(Ask("PUT", job, Token("viewer"), R"({"value": 1})").status, 403);
  EXPECT_EQ(Ask("DELETE", kStates, Token("viewer")).status, 403);
  EXPECT_EQ(Ask("PUT", std::string(kOrders) + "/w", Token("viewer"), R"({"value": 1})").status, 403);
  EXPECT_EQ(Ask("GET", kStates, "").status, 401);
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/nosuch/taskInstances/extract/state-store").status, 404);
}

TEST_F(StateStoreRoutesTest, ClearingTasksKeepsTheirStateOnlyWhenAsked) {
  Start();
  const char* clear = "/api/v2/dags/daily_flights/clearTaskInstances";
  const auto kept = [this] {
    const auto commands = inbox_.commands();
    return std::get<ClearTasks>(commands.back()).keep_task_state;
  };
  ASSERT_EQ(Do("POST", clear, R"({"dag_run_id": "manual__2", "dry_run": false})").status, 200);
  EXPECT_FALSE(kept());
  ASSERT_EQ(Do("POST", clear, R"({"dag_run_id": "manual__2", "dry_run": false, "keep_task_state": true})").status, 200);
  EXPECT_TRUE(kept());
  ASSERT_EQ(Do("POST", "/api/v2/dags/daily_flights/dagRuns/manual__2/clear", R"({"dry_run": false})").status, 200);
  EXPECT_TRUE(kept()) << "as in Airflow, of a whole run";
}

}  // namespace
}  // namespace millrace::api
