#include "platform/failpoint/failpoint.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

namespace millrace::failpoint {
namespace {

class FailpointTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "failpoint_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  StatusOr<std::string> ArmWith(const std::string& points) {
    std::string variable = "MILLRACE_FAILPOINTS=folder=" + folder_ + "," + points;
    std::string other = "HOME=/";
    char* environment[] = {other.data(), variable.data(), nullptr};
    return Arm(environment);
  }
  // How a process ends that arms and then does `act`.
  int StatusOfChild(const std::string& points, const std::function<void()>& act) {
    const pid_t child = ::fork();
    if (child == 0) {
      if (!ArmWith(points).ok()) ::_exit(9);
      act();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, WUNTRACED);
    if (WIFSTOPPED(status)) {
      ::kill(child, SIGKILL);
      int end = 0;
      ::waitpid(child, &end, 0);
    }
    return status;
  }
  std::string Text(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(folder_ + "/" + name).rdbuf();
    return text.str();
  }

  std::string folder_;
};

TEST_F(FailpointTest, NothingIsArmedWithoutTheVariable) {
  std::string other = "HOME=/";
  char* environment[] = {other.data(), nullptr};
  const StatusOr<std::string> armed_with = Arm(environment);
  ASSERT_TRUE(armed_with.ok());
  EXPECT_EQ(*armed_with, "");
  EXPECT_FALSE(armed.load());
  Failpoint("store.after_commit");
}

TEST_F(FailpointTest, AKillComesOnceAtItsHitCountedOverAllProcessesOfTheFolder) {
  const auto hit = [] { Failpoint("store.after_commit"); };
  EXPECT_EQ(StatusOfChild("store.after_commit=kill@2", hit), 0);
  const int second = StatusOfChild("store.after_commit=kill@2", hit);
  EXPECT_TRUE(WIFSIGNALED(second) && WTERMSIG(second) == SIGKILL);
  EXPECT_EQ(StatusOfChild("store.after_commit=kill@2", hit), 0);
  EXPECT_EQ(Text("fired").substr(0, 21), "store.after_commit 2 ");
  EXPECT_EQ(Text("store.after_commit"), "...");
}

TEST_F(FailpointTest, OtherPointsAreCountedOnlyWhenAskedFor) {
  const auto hit = [] { Failpoint("lake.after_rename"); };
  EXPECT_EQ(StatusOfChild("store.after_commit=kill", hit), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/lake.after_rename"));
  EXPECT_EQ(StatusOfChild("*=count", hit), 0);
  EXPECT_EQ(Text("lake.after_rename"), ".");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/fired"));
}

TEST_F(FailpointTest, AStopHoldsTheThreadWhereItIs) {
  const int status = StatusOfChild("lake.after_rename=stop", [] {
    Failpoint("lake.after_rename");
    ::_exit(3);
  });
  EXPECT_TRUE(WIFSTOPPED(status));
}

TEST_F(FailpointTest, AKillOfTheParentTakesBoth) {
  const int status = StatusOfChild("map.rows=kill-parent", [] {
    if (::fork() == 0) Failpoint("map.rows");
    ::pause();
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(FailpointTest, WhatCannotBeReadIsRefusedWithItsReason) {
  for (const auto& [points, reason] : {std::pair("store.after_comit=kill", "no failpoint has this name"),
                                       {"map.rows=explode", "no action"},
                                       {"map.rows=kill@0", "no number"},
                                       {"map.rows=kill@x", "no number"},
                                       {"map.rows", "no action"},
                                       {"*=kill", "only be counted"},
                                       {"folder=/nowhere", "must name a folder"}}) {
    const StatusOr<std::string> refused = ArmWith(points);
    ASSERT_FALSE(refused.ok()) << points;
    EXPECT_NE(refused.status().message().find(reason), std::string::npos) << refused.status().message();
  }
  EXPECT_FALSE(armed.load());
}

}  // namespace
}  // namespace millrace::failpoint
