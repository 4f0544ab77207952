#include "core/model/state.h"

#include <gtest/gtest.h>

#include "core/model/ids.h"

namespace millrace {
namespace {

TEST(StateTest, EveryStateHasAWordAndComesBackFromIt) {
  for (int i = 0; i < kTaskStateCount; ++i) {
    const auto state = static_cast<TaskState>(i);
    EXPECT_EQ(TaskStateFromString(ToString(state)), state);
  }
  EXPECT_EQ(TaskStateFromString("paused"), std::nullopt);
}

TEST(StateTest, TheEngineNeverLeavesATerminalStateByItself) {
  for (int from = 0; from < kTaskStateCount; ++from) {
    if (!IsTerminal(static_cast<TaskState>(from))) continue;
    for (int to = 0; to < kTaskStateCount; ++to) {
      EXPECT_FALSE(IsLegal(static_cast<TaskState>(from), static_cast<TaskState>(to), false)) << from << " to " << to;
    }
  }
}

TEST(StateTest, EveryUnfinishedStateCanReachAnEnd) {
  for (int from = 0; from < kTaskStateCount; ++from) {
    const auto state = static_cast<TaskState>(from);
    if (IsTerminal(state)) continue;
    EXPECT_TRUE(IsLegal(state, TaskState::kFailed, false)) << ToString(state);
  }
}

TEST(StateTest, AUserMayClearWhatHasEnded) {
  EXPECT_TRUE(IsLegal(TaskState::kFailed, TaskState::kNone, true));
  EXPECT_FALSE(IsLegal(TaskState::kRunning, TaskState::kNone, true));
}

TEST(StateTest, AUserMayTakeATaskAwayOnceItHasEnded) {
  EXPECT_TRUE(IsLegal(TaskState::kSuccess, TaskState::kRemoved, true));
  EXPECT_TRUE(IsLegal(TaskState::kNone, TaskState::kRemoved, true));
  EXPECT_FALSE(IsLegal(TaskState::kRunning, TaskState::kRemoved, true));
  EXPECT_FALSE(IsLegal(TaskState::kSuccess, TaskState::kRemoved, false));
}

TEST(StateTest, AnAttemptMayBeFollowedByAnotherThatUsesNoRetry) {
  for (const TaskState from : {TaskState::kQueued, TaskState::kRunning, TaskState::kDeferred}) {
    EXPECT_TRUE(IsLegal(from, TaskState::kUpForReschedule, false)) << ToString(from);
  }
  EXPECT_TRUE(IsLegal(TaskState::kUpForReschedule, TaskState::kScheduled, false));
}

TEST(StateTest, ARunThatFailedMayBeTriedAgainAndOneThatHasEndedOnlyByAUser) {
  EXPECT_TRUE(IsLegal(RunState::kRunning, RunState::kQueued, false));
  EXPECT_FALSE(IsLegal(RunState::kFailed, RunState::kQueued, false));
  EXPECT_TRUE(IsLegal(RunState::kFailed, RunState::kQueued, true));
}

TEST(IdsTest, IdsThatCouldEscapeAFolderAreRefused) {
  EXPECT_TRUE(IsValidId("daily_flights.v2"));
  EXPECT_FALSE(IsValidId(".."));
  EXPECT_FALSE(IsValidId("a/b"));
  EXPECT_FALSE(IsValidId(""));
  EXPECT_TRUE(IsValidRunId("manual__2001-03-01T00:00:00+00:00"));
  EXPECT_FALSE(IsValidRunId(std::string(251, 'a')));
}

}  // namespace
}  // namespace millrace
