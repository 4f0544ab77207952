// Approvals over the wire, as Airflow's client asks.
#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

constexpr const char* kDetail =
    "/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances/extract/-1/hitlDetails";
constexpr const char* kRequest =
    R"({"subject": "Publish?", "body": "**now**", "options": ["Approve", "Reject"], "defaults": null, "multiple": false,
        "params": {"n": {"value": 1, "description": null, "schema": {"type": "integer"}}},
        "assigned_users": [{"id": "user", "name": "user"}]})";

class HitlRoutesTest : public ApiTest {
 protected:
  HitlRoutesTest() {
    TaskInstance& waiting = rows_.instances.at({RunKey{2}, 0});
    waiting.state = TaskState::kDeferred;
    waiting.try_number = 2;
    Add({RunKey{2}, 0}, 2, false);
    Add({RunKey{1}, 0}, 1, true);
  }

  void Add(TaskInstanceKey key, std::int32_t try_number, bool answered) {
    store::ApprovalEntry entry;
    entry.row = {key, try_number, kRequest, kStart, kStart + std::chrono::hours(1), {}, "", ""};
    if (answered) {
      entry.row.responded_at = kStart + std::chrono::minutes(5);
      entry.row.responded_by = "ana";
      entry.row.response = R"({"chosen_options": ["Reject"], "params_input": {"n": 2}})";
      rows_.instances.at(key).try_number = try_number;
    }
    entry.instance = rows_.instances.at(key);
    for (const millrace::Run& run : rows_.runs) {
      if (run.key == key.run) entry.run = run;
    }
    rows_.approvals.push_back(entry);
  }

  CommandReply Decide(const Command& command) override {
    if (const auto* answer = std::get_if<AnswerApproval>(&command)) {
      answer_ = *answer;
      if (!refusal_.ok()) return refusal_;
      CommandResult result;
      result.approval = rows_.approvals[0].row;
      result.approval->responded_at = kStart;
      result.approval->responded_by = answer->user;
      result.approval->response = R"({"chosen_options": ["Approve"], "params_input": {"n": 5}})";
      return result;
    }
    return ApiTest::Decide(command);
  }

  AnswerApproval answer_;
  Status refusal_;
};

TEST_F(HitlRoutesTest, ADetailTellsWhatIsAskedAndWhetherSomebodyAnswered) {
  Start();
  const Answered open = Get(kDetail);
  ASSERT_EQ(open.status, 200) << open.text;
  EXPECT_EQ(open.At("subject"), Value("Publish?"));
  EXPECT_EQ(open.At("options.1"), Value("Reject"));
  EXPECT_EQ(open.At("params.n.schema.type"), Value("integer"));
  EXPECT_EQ(open.At("assigned_users.0.id"), Value("user"));
  EXPECT_EQ(open.At("response_received"), Value(false));
  EXPECT_EQ(open.At("responded_by_user"), Value());
  EXPECT_EQ(open.At("chosen_options"), Value());
  EXPECT_EQ(open.At("task_instance.state"), Value("deferred"));
  EXPECT_EQ(open.At("task_instance.task_id"), Value("extract"));
  const Answered answered =
      Get("/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/taskInstances/extract/-1/"
          "hitlDetails/tries/1");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("responded_by_user.name"), Value("ana"));
  EXPECT_EQ(answered.At("chosen_options.0"), Value("Reject"));
  EXPECT_EQ(answered.At("params_input.n"), Value(2));
  EXPECT_EQ(answered.At("response_received"), Value(true));
}

TEST_F(HitlRoutesTest, WhatAsksNothingIsNotFound) {
  Start();
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances/delays/-1/hitlDetails").status,
            404);
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances/extract/3/hitlDetails").status,
            404);
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/manual__2/taskInstances/extract/x/hitlDetails").status,
            404);
  EXPECT_EQ(Get(std::string(kDetail) + "/tries/7").status, 404);
  // Cleared: the try that asked is over, and the next has not begun.
  rows_.instances.at({RunKey{2}, 0}).state = TaskState::kNone;
  EXPECT_EQ(Get(kDetail).status, 404);
}

TEST_F(HitlRoutesTest, AnAnswerReachesTheEngineWithWhoGaveIt) {
  Start();
  const Answered answered =
      Do("PATCH", kDetail, R"({"chosen_options": ["Approve"], "params_input": {"n": 5}})");
  ASSERT_EQ(answered.status, 200) << answered.text;
  EXPECT_EQ(answered.At("responded_by.id"), Value("user"));
  EXPECT_EQ(answered.At("responded_at"), Value("2001-03-01T00:00:00Z"));
  EXPECT_EQ(answered.At("chosen_options.0"), Value("Approve"));
  EXPECT_EQ(answered.At("params_input.n"), Value(5));
  EXPECT_EQ(answer_.dag_id, "daily_flights");
  EXPECT_EQ(answer_.run_id, "manual__2");
  EXPECT_EQ(answer_.task_id, "extract");
  EXPECT_EQ(answer_.map_index, -1);
  EXPECT_EQ(answer_.user, "user");
  EXPECT_EQ(answer_.params_input, R"({"n":5})");
}

TEST_F(HitlRoutesTest, AnAnswerThatCannotBeIsRefusedWithTheStatusThatAirflowHas) {
  Start();
  EXPECT_EQ(Do("PATCH", kDetail, "{}").status, 422);
  EXPECT_EQ(Do("PATCH", kDetail, R"({"chosen_options": [], "params_input": 3, "more": 1})").Count("detail"),
            3U);
  EXPECT_EQ(Ask("PATCH", kDetail, Token("viewer"), R"({"chosen_options": ["Approve"]})").status, 403);
  EXPECT_TRUE(answer_.user.empty());
  const std::string answered =
      "/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/taskInstances/extract/-1/"
      "hitlDetails";
  EXPECT_EQ(Do("PATCH", answered, R"({"chosen_options": ["Approve"]})").status, 409);
  refusal_ = PermissionDenied("User=user (id=user) is not a respondent for the task.");
  EXPECT_EQ(Do("PATCH", kDetail, R"({"chosen_options": ["Approve"]})").status, 403);
  refusal_ = InvalidArgument("Invalid option Maybe; allowed options are Approve, Reject");
  EXPECT_EQ(Do("PATCH", kDetail, R"({"chosen_options": ["Maybe"]})").status, 400);
}

TEST_F(HitlRoutesTest, ListsAreFilteredOrderedAndPaged) {
  Start();
  const std::string all = "/api/v2/dags/~/dagRuns/~/hitlDetails";
  const Answered both = Get(all);
  ASSERT_EQ(both.status, 200) << both.text;
  EXPECT_EQ(both.At("total_entries"), Value(2));
  EXPECT_EQ(both.Count("hitl_details"), 2U);
  const auto count = [&](const std::string& query) { return Get(all + "?" + query).At("total_entries"); };
  EXPECT_EQ(count("response_received=false&state=deferred"), Value(1));
  EXPECT_EQ(count("state=awaiting_input"), Value(1));
  EXPECT_EQ(count("subject_search=PUBLISH&body_search=now"), Value(2));
  EXPECT_EQ(count("subject_search=other"), Value(0));
  EXPECT_EQ(count("task_id=extract&task_id_pattern=TRA&task_id_prefix_pattern=ex&map_index=-1"), Value(2));
  EXPECT_EQ(count("task_id=delays"), Value(0));
  EXPECT_EQ(count("responded_by_user_name=ana"), Value(1));
  const Answered ordered = Get(all + "?order_by=-responded_at&limit=1");
  EXPECT_EQ(ordered.At("hitl_details.0.task_instance.dag_run_id"), Value("manual__2")) << ordered.text;
  EXPECT_EQ(ordered.At("total_entries"), Value(2));
  EXPECT_EQ(Get("/api/v2/dags/daily_flights/dagRuns/scheduled__2001-03-01T07:00:00+00:00/hitlDetails")
                .At("total_entries"),
            Value(1));
  EXPECT_EQ(Get(all + "?order_by=colour").status, 422);
  EXPECT_EQ(Get("/api/v2/dags/nothing/dagRuns/~/hitlDetails").status, 404);
}

}  // namespace
}  // namespace millrace::api
