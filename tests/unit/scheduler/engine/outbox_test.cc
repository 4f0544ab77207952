// Callbacks: what is told when, how it is delivered, and what a delivery can never change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>

#include "core/model/json.h"
#include "platform/zones.h"
#include "scheduler/dagbag/load.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;

class Scripts final : public dagbag::FileReader {
 public:
  StatusOr<std::string> Read(std::string_view) const override { return std::string("def main(): pass\n"); }
};

class Outbox : public ::testing::Test {
 protected:
  void Load(const std::string& text) {
    const platform::TzdbZones zones;
    const Scripts files;
    const dagbag::LoadResult loaded = dagbag::LoadDagFile("a.yaml", text, files, zones);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.message;
    for (const DagPtr& dag : loaded.dags) driver_.LoadDag(dag);
  }
  const Notification& Row(std::int64_t id) { return driver_.rows.notifications.at(id); }
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const auto& [id, row] : driver_.rows.notifications) {
      told.push_back(std::string(ToString(row.cause)) + (row.task_id.empty() ? "" : " " + row.task_id) + " " +
                     std::string(ToString(row.state)));
    }
    return told;
  }
  // Time passes, and this worker is heard of.
  void Pass(SessionId worker, Duration by) {
    for (; by > Duration(0); by -= std::chrono::seconds(10)) {
      driver_.Heartbeat(worker);
      driver_.Advance(std::min<Duration>(by, std::chrono::seconds(10)));
    }
  }
  Value Message(std::int64_t id) { return ParseJson(driver_.deliveries.at(id).assignment.with).value(); }

  EngineDriver driver_;
};

const std::string kHook = "{notify: webhook, url: \"http://hooks.example/x\"}";

TEST_F(Outbox, EveryCauseIsToldOnceInTheCommitOfItsTransition) {
  Load("dag_id: a\ndefault_args:\n  retries: 1\n  on_success_callback: " + kHook +
       "\n  on_failure_callback: " + kHook + "\n  on_retry_callback: " + kHook +
       "\n  on_execute_callback: " + kHook + "\n  on_skipped_callback: " + kHook +
       "\non_failure_callback: " + kHook + "\ntasks:\n  - {id: x, uses: shell, with: {command: date}}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.Start("x");
  EXPECT_THAT(Told(), ElementsAre("on_execute x running"));
  driver_.End("x", Outcome::kFailed, "boom");
  EXPECT_THAT(Told(), ElementsAre("on_execute x running", "on_retry x running"));
  const Batch& batch = driver_.batches.back();
  ASSERT_EQ(batch.notifications.size(), 1U);
  EXPECT_EQ(batch.transitions.back().to, static_cast<std::uint8_t>(TaskState::kUpForRetry));
  driver_.Deliver(1);
  driver_.Deliver(2);
  Pass(worker, std::chrono::minutes(5));
  driver_.Start("x");
  driver_.End("x", Outcome::kFailed, "boom");
  EXPECT_THAT(Told(), ElementsAre("on_execute x delivered", "on_retry x delivered", "on_execute x running",
                                  "on_failure x running", "on_failure running"));
  driver_.Deliver(5);
  EXPECT_EQ(Row(5).state, NotificationState::kDelivered);
  EXPECT_EQ(driver_.StateOfRun("r"), RunState::kFailed);
}

TEST_F(Outbox, ASkipIsToldWhenAnAttemptSkipsAndNotWhenATriggerRuleDoes) {
  Load("dag_id: a\ndefault_args:\n  on_skipped_callback: " + kHook +
       "\ntasks:\n  - {id: x, uses: shell, with: {command: date}}\n"
       "  - {id: y, needs: x, uses: shell, with: {command: date}}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x", Outcome::kSkipped, "nothing to do");
  EXPECT_EQ(driver_.StateOf("y"), TaskState::kSkipped);
  EXPECT_THAT(Told(), ElementsAre("on_skipped x running"));
}

TEST_F(Outbox, WhatAUserMarksIsNotTold) {
  Load("dag_id: a\ndefault_args:\n  on_success_callback: " + kHook + "\n  on_failure_callback: " + kHook +
       "\ntasks:\n  - {id: x, uses: shell, with: {command: date}}\n");
  driver_.Trigger("a", "r");
  ASSERT_TRUE(driver_.Do(MarkTask{"a", "r", "x", TaskState::kFailed, "ana", -1}).ok());
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(Outbox, TemplatesKnowWhatHappened) {
  Load(
      "dag_id: a\ntasks:\n  - id: x\n    uses: shell\n    with: {command: date}\n    on_failure_callback:\n"
      "      notify: webhook\n      url: http://hooks.example/x\n"
      "      body: {text: \"{{ ti.task_id }} {{ ti.state }} {{ exception }} {{ try_number }} {{ callback "
      "}}\",\n"
      "             link: \"{{ ti.log_url }}\", run: \"{{ dag_run.state }} {{ run_id }}\"}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r+1");
  driver_.Start("x");
  driver_.End("x", Outcome::kFailed, "exit code 3");
  const Value body = *Message(1).Find("body");
  EXPECT_EQ(body.Find("text")->as_string(), "x failed exit code 3 1 on_failure");
  EXPECT_EQ(body.Find("link")->as_string(), "http://127.0.0.1:8080/dags/a/runs/r%2B1/tasks/x?try=1");
  EXPECT_EQ(body.Find("run")->as_string(), "running r+1");
}

TEST_F(Outbox, AShellCallbackGetsWhatATaskSaidAsAQuotedReference) {
  Load(
      "dag_id: a\ntasks:\n  - id: x\n    uses: shell\n    with: {command: date}\n    on_failure_callback:\n"
      "      uses: shell\n      with: {command: \"page {{ exception }}\"}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x", Outcome::kFailed, "$(rm -rf /)");
  const Assignment& assignment = driver_.deliveries.at(1).assignment;
  EXPECT_EQ(assignment.with.find("rm -rf"), std::string::npos) << assignment.with;
  EXPECT_THAT(assignment.environment, Contains(Key("MILLRACE_V1")));
  const std::pair<std::string, std::string> key("MILLRACE_IDEMPOTENCY_KEY", IdempotencyKey(Row(1)));
  EXPECT_THAT(assignment.environment, Contains(key));
  EXPECT_EQ(assignment.slots, 0);
}

TEST_F(Outbox, ATemplateThatDoesNotRenderIsAFailedRowAndNothingElse) {
  Load(
      "dag_id: a\ntasks:\n  - id: x\n    uses: shell\n    with: {command: date}\n    on_success_callback:\n"
      "      notify: webhook\n      url: http://hooks.example/x\n      body: \"{{ 1 / 0 }}\"\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  EXPECT_EQ(driver_.StateOf("x"), TaskState::kSuccess);
  EXPECT_EQ(driver_.StateOfRun("r"), RunState::kSuccess);
  ASSERT_EQ(Row(1).state, NotificationState::kFailed);
  EXPECT_THAT(Row(1).reason, HasSubstr("on_success_callback, a.yaml:"));
  EXPECT_EQ(driver_.Do(RetryNotification{Row(1), "ana"}).status().code(), Code::kFailedPrecondition);
}

TEST_F(Outbox, AFailedTryIsFollowedByLaterOnesAndGivenUpAfterTen) {
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_success_callback: " + kHook +
       "}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  ASSERT_EQ(driver_.StateOfRun("r"), RunState::kSuccess);  // it does not wait for anybody
  std::vector<std::int64_t> waits;
  for (int i = 1; i < 10; ++i) {
    driver_.Deliver(1, Outcome::kFailed, "refused");
    ASSERT_EQ(Row(1).state, NotificationState::kPending);
    const Duration wait = *Row(1).due_at - driver_.now().wall;
    waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(wait).count());
    Pass(worker, wait);
    ASSERT_EQ(Row(1).state, NotificationState::kRunning) << i;
  }
  EXPECT_THAT(waits, ElementsAre(10, 20, 40, 80, 160, 320, 600, 600, 600));
  driver_.Deliver(1, Outcome::kFailed, "refused");
  EXPECT_EQ(Row(1).state, NotificationState::kFailed);
  EXPECT_EQ(Row(1).reason, "refused");
  ASSERT_TRUE(driver_.Do(RetryNotification{Row(1), "ana"}).ok());
  EXPECT_EQ(Row(1).state, NotificationState::kRunning);
  driver_.Deliver(1);
  EXPECT_EQ(Row(1).state, NotificationState::kDelivered);
  EXPECT_EQ(driver_.Do(RetryNotification{Row(1), "ana"}).status().code(), Code::kFailedPrecondition);
}

TEST_F(Outbox, DeliveriesTakeNoSlotAndAreBounded) {
  Load(
      "dag_id: a\ntasks:\n  - id: x\n    uses: shell\n    with: {command: \"echo {{ map.n }}\"}\n"
      "    expand: {n: [1, 2, 3, 4, 5, 6]}\n    on_execute_callback: " +
      kHook + "\n");
  driver_.Join("w1", 1);
  driver_.Trigger("a", "r");
  for (int i = 0; i < 6; ++i) driver_.End("x[" + std::to_string(i) + "]");
  EXPECT_EQ(driver_.StateOfRun("r"), RunState::kSuccess);
  EXPECT_EQ(driver_.deliveries.size(), 4U);
  driver_.Deliver(1);
  EXPECT_EQ(driver_.deliveries.size(), 5U);
}

TEST_F(Outbox, ALostTryIsMadeAgainAndAnEndedOneIsNot) {
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_success_callback: " + kHook +
       "}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  const Assign first = driver_.deliveries.at(1);
  driver_.Apply(WorkerDraining{first.session, true});
  EXPECT_EQ(Row(1).state, NotificationState::kPending);
  driver_.Join("w2");
  EXPECT_EQ(Row(1).state, NotificationState::kRunning);
  EXPECT_GT(driver_.deliveries.at(1).assignment.fence, first.assignment.fence);
  driver_.Deliver(1);
  driver_.Restart();
  EXPECT_EQ(Row(1).state, NotificationState::kDelivered);
}

TEST_F(Outbox, ARestartLosesNothingAndKeepsWhatAWorkerHas) {
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_success_callback: [" + kHook +
       ", " + kHook + "]}\n");
  const SessionId session = driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  driver_.Deliver(2, Outcome::kFailed, "refused");
  const Fence held = driver_.deliveries.at(1).assignment.fence;
  driver_.Restart();
  EXPECT_EQ(Row(1).state, NotificationState::kRunning);
  driver_.Rejoin("w1", session, {held});
  EXPECT_EQ(driver_.deliveries.at(1).assignment.fence, held);
  driver_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(Row(2).state, NotificationState::kRunning);
  driver_.Deliver(1);
  EXPECT_EQ(Row(1).state, NotificationState::kDelivered);
}

TEST_F(Outbox, OneThatItsWorkerNeverGotIsSentAgainWhenTheWorkerReturns) {
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_success_callback: " + kHook +
       "}\n");
  const SessionId session = driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  const Fence first = driver_.deliveries.at(1).assignment.fence;
  driver_.Rejoin("w1", session, {});
  EXPECT_NE(driver_.deliveries.at(1).assignment.fence, first);
  EXPECT_EQ(Row(1).state, NotificationState::kRunning);
}

TEST_F(Outbox, ARunTellsOfItsTasksSoOftenAndCountsTheRest) {
  std::string items;
  for (int i = 0; i < 120; ++i) items += (i == 0 ? "" : ", ") + std::to_string(i);
  Load("dag_id: a\nmax_active_tasks: 200\non_failure_callback: " + kHook +
       "\ntasks:\n  - id: x\n    uses: shell\n    with: {command: \"echo {{ map.n }}\"}\n    expand: {n: [" +
       items + "]}\n    on_failure_callback: " + kHook + "\n");
  driver_.Join("w1", 200);
  driver_.Trigger("a", "r");
  for (int i = 0; i < 60; ++i) driver_.End("x[" + std::to_string(i) + "]", Outcome::kFailed, "boom");
  driver_.Restart();
  Pass(driver_.Join("w2", 200), std::chrono::minutes(1));  // what w1 had is lost
  for (int i = 60; i < 120; ++i) driver_.End("x[" + std::to_string(i) + "]", Outcome::kFailed, "boom");
  std::int32_t told = 0;
  std::int32_t counted = 0;
  for (const auto& [id, row] : driver_.rows.notifications) {
    if (row.state == NotificationState::kSuppressed) {
      counted += row.count;
    } else {
      ++told;
    }
  }
  EXPECT_EQ(counted, 20);
  EXPECT_EQ(told, 101);  // the run's own is always told
}

TEST_F(Outbox, ADeletedRunTakesWhatItHadToTellWithIt) {
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_success_callback: [" + kHook +
       ", " + kHook + "]}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  driver_.Deliver(2, Outcome::kFailed, "refused");
  ASSERT_TRUE(driver_.Do(DeleteRun{"a", "r", "ana"}).ok());
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_EQ(driver_.Effects<CancelAttempt>().size(), 1U);
  driver_.Deliver(1, Outcome::kKilled, "its run was deleted");
  driver_.Advance(std::chrono::minutes(1));
  driver_.Restart();
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(Outbox, AMissedDeadlineIsTold) {
  Load(
      "dag_id: a\ndeadline: {reference: queued_at, interval: 1m, callback: {notify: webhook, url: "
      "\"http://hooks.example/x\", body: {late: \"{{ deadline.deadline_time }}\", state: \"{{ dag_run.state "
      "}}\"}}}\n"
      "tasks:\n  - {id: x, uses: shell, with: {command: date}}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  Pass(worker, std::chrono::seconds(70));
  EXPECT_THAT(Told(), ElementsAre("deadline running"));
  EXPECT_EQ(Message(1).Find("body")->Find("late")->as_string(), "2001-03-01 00:01:00+00:00");
  EXPECT_EQ(Message(1).Find("body")->Find("state")->as_string(), "running");
}

TEST_F(Outbox, ARunThatTimesOutSaysWhy) {
  Load(
      "dag_id: a\ndagrun_timeout: 30s\non_failure_callback: {notify: webhook, url: "
      "\"http://hooks.example/x\", "
      "body: \"{{ reason }}: {{ exception }}\"}\ntasks:\n  - {id: x, uses: shell, with: {command: date}}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  Pass(worker, std::chrono::seconds(30));
  EXPECT_EQ(Message(1).Find("body")->as_string(), "timed_out: timed out: dagrun_timeout is 30s");
}

TEST_F(Outbox, AWorkerThatDoesNotEndADeliveryDoesNotKeepIt) {
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_success_callback: " + kHook +
       "}\n");
  const SessionId worker = driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x");
  Pass(worker, std::chrono::seconds(110));
  EXPECT_EQ(Row(1).attempts, 2);
}

TEST_F(Outbox, WhatACallbackReadsOfASecretStandsInNoRowAndIsMaskedInWhatFails) {
  driver_.Define("connection", "pager", "http://ana:hunter2@pager.example");
  Load(
      "dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}, on_failure_callback: {notify: webhook, url: "
      "\"http://hooks.example/{{ conn.pager.password }}\", body: \"{{ {}[conn.pager.password] }}\"}}\n");
  driver_.Join("w1");
  driver_.Trigger("a", "r");
  driver_.End("x", Outcome::kFailed, "boom");
  EXPECT_EQ(Row(1).state, NotificationState::kFailed);
  EXPECT_THAT(Row(1).reason, HasSubstr("***"));
  for (const Batch& batch : driver_.batches) {
    for (const Notification& row : batch.notifications) {
      for (const std::string& text : {row.reason, row.delivery.with, row.delivery.names, row.target})
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    }
  }
}

// A test of a connection is no row: it is answered by what the worker says, or that it is lost.
class ConnectionTests : public Outbox {
 protected:
  const Assign* Ask(std::uint64_t reply) {
    driver_.Apply(CommandReceived{reply, TestConnection{"api", "http://ana:hunter2@h", {"hunter2"}}});
    for (const Effect& effect : driver_.effects) {
      if (const auto* assign = std::get_if<Assign>(&effect)) {
        asked_.push_back(*assign);
        return &asked_.back();
      }
    }
    return nullptr;
  }
  std::optional<CommandReply> Answered(std::uint64_t reply) {
    for (const millrace::Reply& one : driver_.Effects<millrace::Reply>()) {
      if (one.reply == reply) return one.result;
    }
    return std::nullopt;
  }

  std::deque<Assign> asked_;
};

TEST_F(ConnectionTests, AWorkerTriesItBesideItsSlots) {
  const SessionId worker = driver_.Join("w1", 1);
  Load("dag_id: a\ntasks:\n  - {id: x, uses: shell, with: {command: date}}\n");
  driver_.Trigger("a", "r");  // takes the only slot
  const Assign* assign = Ask(900);
  ASSERT_NE(assign, nullptr);
  EXPECT_EQ(assign->assignment.kind, "connection_test");
  EXPECT_EQ(assign->assignment.slots, 0);
  EXPECT_THAT(assign->assignment.secrets, ElementsAre("hunter2"));
  EXPECT_FALSE(Answered(900).has_value());
  driver_.Report(worker, assign->assignment.fence, true, Outcome::kFailFinal, "refused");
  const std::optional<CommandReply> answer = Answered(900);
  ASSERT_TRUE(answer && answer->ok());
  EXPECT_FALSE((*answer)->tested->works);
  EXPECT_EQ((*answer)->tested->message, "refused");
  EXPECT_THAT(driver_.rows.notifications, IsEmpty());
}

TEST_F(ConnectionTests, WhoAsksIsToldThatThereIsNobodyToTryIt) {
  EXPECT_EQ(Ask(900), nullptr);
  EXPECT_EQ(Answered(900)->status().code(), Code::kUnavailable);
}

TEST_F(ConnectionTests, WhoAsksIsToldThatTheWorkerIsLostOrSilent) {
  const SessionId worker = driver_.Join("w1");
  ASSERT_NE(Ask(900), nullptr);
  driver_.Apply(WorkerDraining{worker, true});
  EXPECT_EQ(Answered(900)->status().code(), Code::kUnavailable);
  const SessionId other = driver_.Join("w2");
  const Assign* stuck = Ask(901);
  ASSERT_NE(stuck, nullptr);
  driver_.Heartbeat(other);
  driver_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(Answered(901)->status().code(), Code::kUnavailable);
  EXPECT_EQ(driver_.Effects<CancelAttempt>().size(), 1U);
  // Its end, whenever it comes, frees the worker and answers nobody.
  driver_.Report(other, stuck->assignment.fence, true, Outcome::kKilled, "timed out");
  EXPECT_FALSE(Answered(901).has_value());
  EXPECT_NE(Ask(902), nullptr);
}

}  // namespace
}  // namespace millrace::test
