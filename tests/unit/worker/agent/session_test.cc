#include "worker/agent/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Fence kOne{1, 1};
constexpr Fence kTwo{1, 2};
constexpr Fence kThree{1, 3};

Report Started(Fence fence) {
  Report report;
  report.fence = fence;
  return report;
}

Report Ended(Fence fence, std::string result = "") {
  Report report = Started(fence);
  report.ended = true;
  report.result = std::move(result);
  return report;
}

std::vector<std::uint64_t> Sequences(const std::vector<Report>& reports) {
  std::vector<std::uint64_t> sequences;
  for (const Report& report : reports) sequences.push_back(report.sequence);
  return sequences;
}

class SessionTest : public ::testing::Test {
 protected:
  std::vector<Fence> Welcome(std::uint64_t id, std::vector<Fence> kill = {}, std::uint64_t acknowledged = 0) {
    return session_.Welcomed({0, SessionId{id}, 1, "", std::move(kill), acknowledged}, LeaseTerms{});
  }
  WorkerJoined Join() { return session_.Join(BootTime(std::chrono::seconds(10))); }

  Session session_{WorkerOffer{}};
};

TEST_F(SessionTest, AShortTaskIsOneReportThatTellsItsStartAndItsEnd) {
  Welcome(1);
  session_.Add(kOne);
  session_.Add(Started(kOne));
  session_.Add(Ended(kOne));
  const std::vector<Report> reports = session_.TakeReports(100);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].ended);
  EXPECT_EQ(reports[0].sequence, 1U);
}

TEST_F(SessionTest, ReportsAreNumberedWithoutGapsAndKeptUntilAcknowledged) {
  Welcome(1);
  session_.Add(kOne);
  session_.Add(kTwo);
  session_.Add(Started(kOne));
  EXPECT_THAT(Sequences(session_.TakeReports(100)), ElementsAre(1));
  session_.Add(Ended(kOne));
  session_.Add(Started(kTwo));
  EXPECT_THAT(Sequences(session_.TakeReports(1)), ElementsAre(2));
  EXPECT_THAT(Sequences(session_.TakeReports(100)), ElementsAre(3));
  session_.Acknowledged(2);
  EXPECT_THAT(Sequences(Join().reports), ElementsAre(3));
}

TEST_F(SessionTest, AfterABrokenStreamTheSameSessionGoesOnWithWhatItHolds) {
  Welcome(7);
  session_.Add(kOne);
  session_.Add(kTwo);
  session_.Add(Started(kOne));
  session_.TakeReports(100);
  const WorkerJoined join = Join();
  EXPECT_EQ(join.resumed, SessionId{7});
  EXPECT_THAT(join.inventory, ElementsAre(kOne, kTwo));
  EXPECT_THAT(Sequences(join.reports), ElementsAre(1));
  EXPECT_THAT(Welcome(7, {}, 1), IsEmpty());
  EXPECT_TRUE(session_.HasAttempt(kOne));
  session_.Add(Ended(kOne));
  EXPECT_THAT(Sequences(session_.TakeReports(100)), ElementsAre(2));
}

TEST_F(SessionTest, AnAttemptWhoseEndIsNotSentYetStillCountsAsAlive) {
  Welcome(7);
  session_.Add(kOne);
  session_.Add(Ended(kOne));
  EXPECT_EQ(session_.attempts(), 0U);
  EXPECT_THAT(Join().inventory, ElementsAre(kOne)) << "or the scheduler would run it again";
  Welcome(7);
  EXPECT_THAT(Sequences(session_.TakeReports(100)), ElementsAre(1));
}

TEST_F(SessionTest, ReportsTooLargeForTheJoinFollowItWithTheirNumbers) {
  Welcome(7);
  const std::string large(700'000, 'x');
  for (const Fence& fence : {kOne, kTwo, kThree}) {
    session_.Add(fence);
    session_.Add(Ended(fence, large));
  }
  while (!session_.TakeReports(100).empty()) continue;
  const WorkerJoined join = Join();
  EXPECT_THAT(Sequences(join.reports), ElementsAre(1));
  EXPECT_THAT(join.inventory, ElementsAre(kTwo, kThree));
  Welcome(7, {}, 1);
  EXPECT_THAT(Sequences(session_.TakeReports(100)), ElementsAre(2, 3));
  EXPECT_THAT(session_.TakeReports(100), IsEmpty());
  session_.Acknowledged(3);
  EXPECT_TRUE(session_.quiet());
}

TEST_F(SessionTest, ANewSessionKillsWhatTheOldOneRanAndCountsFromOneAgain) {
  Welcome(7);
  session_.Add(kOne);
  session_.Add(kTwo);
  session_.Add(Started(kOne));
  session_.TakeReports(100);
  EXPECT_THAT(Welcome(8), ElementsAre(kOne, kTwo));
  EXPECT_EQ(session_.id(), SessionId{8});
  session_.Add(Ended(kOne));
  EXPECT_THAT(session_.TakeReports(100), IsEmpty()) << "the old session's attempts are nobody's any more";
  session_.Add(kThree);
  session_.Add(Ended(kThree));
  EXPECT_THAT(Sequences(session_.TakeReports(100)), ElementsAre(1));
}

TEST_F(SessionTest, OnlyWhatTheSchedulerNoLongerWantsIsKilledWhenASessionGoesOn) {
  Welcome(7);
  session_.Add(kOne);
  session_.Add(kTwo);
  Join();
  EXPECT_THAT(Welcome(7, {kTwo, kThree}), ElementsAre(kTwo));
  EXPECT_TRUE(session_.HasAttempt(kOne));
  EXPECT_FALSE(session_.HasAttempt(kTwo));
}

TEST_F(SessionTest, ARepeatedAssignmentDoesNotStartTwice) {
  Welcome(7);
  EXPECT_TRUE(session_.Add(kOne));
  EXPECT_FALSE(session_.Add(kOne));
}

TEST_F(SessionTest, AJobsAttemptsAreToldWithWhatTheyWorkOnUntilTheirEndIsAcknowledged) {
  Welcome(7);
  StageWork work{{{RunKey{7}, 2}, 3}, "folder", StageTaskWork{.stage = 0, .index = 5}};
  session_.Add(kOne, &work);
  work.work = PublishWork{};
  session_.Add(kTwo, &work);
  session_.Add(kThree);
  session_.Add(Ended(kOne));
  session_.TakeReports(100);
  const std::vector<StageAttempt> stages = Join().stages;
  ASSERT_EQ(stages.size(), 2U);
  EXPECT_EQ(stages[0].fence, kOne);
  EXPECT_EQ(stages[0].job, work.job);
  EXPECT_EQ(stages[0].index, 5);
  EXPECT_EQ(stages[1].stage, 1000);
  Welcome(7, {}, 1);
  EXPECT_EQ(Join().stages.size(), 1U);
}

TEST_F(SessionTest, WhatIsAskedOfAStateStoreIsAskedAgainUntilItIsAnswered) {
  Welcome(7);
  session_.Add(kOne);
  const auto ask = [this](Fence fence, std::uint64_t id) { return session_.Ask({.fence = fence, .id = id, .dataset = "", .key = "k", .json = ""}); };
  const auto taken = [this] {
    std::vector<std::uint64_t> ids;
    while (const auto question = session_.TakeQuestion()) ids.push_back(question->id);
    return ids;
  };
  EXPECT_TRUE(ask(kOne, 1).ok());
  EXPECT_TRUE(ask(kOne, 2).ok());
  EXPECT_EQ(ask(kTwo, 1).code(), Code::kNotFound) << "it is not alive here";
  EXPECT_THAT(taken(), ElementsAre(1, 2));
  EXPECT_THAT(taken(), IsEmpty()) << "once a stream";
  EXPECT_TRUE(session_.Answered({.session = {}, .fence = kOne, .id = 1}));
  EXPECT_FALSE(session_.Answered({.session = {}, .fence = kOne, .id = 1})) << "a second answer is for nobody";
  Join();
  Welcome(7);
  EXPECT_THAT(taken(), ElementsAre(2));
  session_.Add(Ended(kOne));
  Join();
  Welcome(7);
  EXPECT_THAT(taken(), IsEmpty()) << "nobody waits for it any more";
}

TEST_F(SessionTest, AnAttemptHasOnlySoManyQuestionsOpen) {
  Welcome(7);
  session_.Add(kOne);
  session_.Add(kTwo);
  const auto ask = [this](Fence fence, std::uint64_t id) { return session_.Ask({.fence = fence, .id = id, .dataset = "", .key = "k", .json = ""}); };
  for (std::uint64_t id = 1; id <= kMaxStateRequests; ++id) ASSERT_TRUE(ask(kOne, id).ok());
  EXPECT_EQ(ask(kOne, 99).code(), Code::kResourceExhausted);
  EXPECT_TRUE(ask(kTwo, 1).ok()) << "another's are its own";
  EXPECT_TRUE(session_.Answered({.session = {}, .fence = kOne, .id = 1}));
  EXPECT_TRUE(ask(kOne, 99).ok());
}

TEST_F(SessionTest, ASessionThatTheSchedulerEndedIsNotResumed) {
  Welcome(7);
  session_.Add(kOne);
  EXPECT_THAT(session_.End(), ElementsAre(kOne));
  EXPECT_EQ(Join().resumed, SessionId{});
  EXPECT_THAT(Join().inventory, IsEmpty());
}

}  // namespace
}  // namespace millrace::agent
