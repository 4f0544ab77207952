#include "worker/tasks/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/model/json.h"
#include "worker/tasks/attempt.h"

namespace millrace::tasks {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ShellTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "shell_test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(folder_ + "/root/inside");
    workplace_.root = folder_ + "/root";
    workplace_.folder = folder_;
    wire_.mutable_fence()->set_term(1);
    wire_.mutable_fence()->set_counter(2);
    wire_.set_kind("shell");
    wire_.set_kill_grace_micros(10'000'000);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void Command(std::string_view text) {
    Value with;
    with.Set("command", Value(text));
    wire_.set_with(ToJson(with));
  }

  void Begin() {
    attempt_ = std::make_unique<Attempt>(wire_, workplace_, [this](std::string data) {
      const std::lock_guard lock(mutex_);
      log_ += data;
      logged_.notify_all();
    });
    entry_ = ShellEntry({});
    kind_ = entry_.make();
  }
  Report Run() {
    if (attempt_ == nullptr) Begin();
    return attempt_->Finish(kind_->Run(*attempt_));
  }
  void AwaitLog(const std::string& text) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(logged_.wait_for(lock, std::chrono::seconds(20), [&] {
      return log_.find(text) != std::string::npos;
    })) << log_;
  }

  std::string folder_;
  Workplace workplace_;
  v1::Assignment wire_;
  std::unique_ptr<Attempt> attempt_;
  TaskEntry entry_;  // outlives its kinds
  std::unique_ptr<TaskKind> kind_;
  std::mutex mutex_;
  std::condition_variable logged_;
  std::string log_;
};

TEST_F(ShellTest, OutputAndErrorsBecomeTheLogAndExitZeroIsSuccess) {
  Command("echo out; echo err >&2; echo no newline | tr -d '\\n'");
  const Report report = Run();
  EXPECT_EQ(report.outcome, Outcome::kSuccess) << report.message;
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_EQ(log_, "out\nerr\nno newline");
}

TEST_F(ShellTest, TheLastLineIsTheResultUnlessAnotherIsWritten) {
  Command("echo one; printf 'the \\377 last'");
  EXPECT_EQ(Run().result, "\"the \xef\xbf\xbd last\"");
  attempt_.reset();
  Command(
      "echo 'rows=3\nversion=1.10\nlist=[1, 2]\nreturn_value={\"a\": 1}\nrows=4' > \"$MILLRACE_OUTPUT\"; "
      "echo said");
  const Report report = Run();
  EXPECT_EQ(report.outcome, Outcome::kSuccess) << report.message;
  EXPECT_EQ(report.result, R"({"a": 1})");
  EXPECT_THAT(report.xcoms, ::testing::ElementsAre(XComValue{"version", "\"1.10\""},
                                                   XComValue{"list", "[1, 2]"}, XComValue{"rows", "4"}));
}

TEST_F(ShellTest, OutputsThatAreNoneFailForGoodAndNeverHangTheWorker) {
  Command("echo nonsense > \"$MILLRACE_OUTPUT\"");
  Report report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFailFinal);
  EXPECT_EQ(report.message, "line 1 of $MILLRACE_OUTPUT is not name=value");
  attempt_.reset();
  Command("head -c 100000 /dev/zero | tr '\\0' a > \"$MILLRACE_OUTPUT\"");
  EXPECT_THAT(Run().message, HasSubstr("more than 48 KiB"));
  attempt_.reset();
  Command("mkfifo \"$MILLRACE_OUTPUT\"");
  EXPECT_EQ(Run().outcome, Outcome::kSuccess);
  attempt_.reset();
  Command("ln -s /dev/zero \"$MILLRACE_OUTPUT\"");
  EXPECT_EQ(Run().outcome, Outcome::kSuccess);
}

TEST_F(ShellTest, AFailureTellsItsExitCodeAndItsLastLine) {
  Command("echo starting; echo 'no such table: x' >&2; exit 3");
  const Report report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_EQ(report.exit_code, 3);
  EXPECT_EQ(report.message, "exit code 3: no such table: x");
}

TEST_F(ShellTest, ExitCodeNinetyNineSkips) {
  Command("exit 99");
  EXPECT_EQ(Run().outcome, Outcome::kSkipped);
}

TEST_F(ShellTest, ExitCodesThatAreNamedSkipInstead) {
  const auto end_of = [&](const char* with) {
    wire_.set_with(with);
    attempt_.reset();
    return Run().outcome;
  };
  EXPECT_EQ(end_of(R"({"command": "exit 99", "skip_on_exit_code": [3, 4]})"), Outcome::kFailed);
  EXPECT_EQ(end_of(R"({"command": "exit 4", "skip_on_exit_code": [3, 4]})"), Outcome::kSkipped);
  EXPECT_EQ(end_of(R"({"command": "exit 3", "skip_on_exit_code": 3})"), Outcome::kSkipped);
  EXPECT_EQ(end_of(R"({"command": "exit 99", "skip_on_exit_code": null})"), Outcome::kFailed);
}

TEST_F(ShellTest, ACommandKilledFromOutsideSaysBySignal) {
  Command("kill -SEGV $$");
  const Report report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_THAT(report.message, HasSubstr("killed by signal 11"));
}

TEST_F(ShellTest, AListRunsAProgramWithoutAShell) {
  Value with;
  with.Set("command", Value::List{"printf", "%s|", "a b", "$HOME"});
  wire_.set_with(ToJson(with));
  EXPECT_EQ(Run().outcome, Outcome::kSuccess);
  EXPECT_EQ(log_, "a b|$HOME|");
}

TEST_F(ShellTest, AProgramThatDoesNotExistFailsWithItsName) {
  Value with;
  with.Set("command", Value::List{"no-such-program-here"});
  wire_.set_with(ToJson(with));
  const Report report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFailed);
  EXPECT_THAT(report.message, HasSubstr("no-such-program-here"));
}

TEST_F(ShellTest, TheEnvironmentIsCleanAndHoldsWhatTheAssignmentSays) {
  ::setenv("MILLRACE_CONN_WAREHOUSE", "postgresql://u:leaked@h/d", 1);
  (*wire_.mutable_environment())["MILLRACE_DS"] = "2001-03-01";
  Command("env; echo TMP=$TMPDIR; pwd");
  Run();
  ::unsetenv("MILLRACE_CONN_WAREHOUSE");
  EXPECT_THAT(log_, HasSubstr("MILLRACE_DS=2001-03-01\n"));
  EXPECT_THAT(log_, HasSubstr("MILLRACE_FENCE=1.2\n"));
  EXPECT_THAT(log_, HasSubstr("TMP=" + folder_ + "/scratch/1.2\n"));
  EXPECT_THAT(log_, HasSubstr("PATH="));
  EXPECT_THAT(log_, Not(HasSubstr("leaked")));
}

TEST_F(ShellTest, TheScratchFolderIsGoneAfterwards) {
  Command("echo data > $TMPDIR/file; pwd");
  Run();
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/scratch/1.2/file"));
  attempt_.reset();
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/scratch/1.2"));
}

TEST_F(ShellTest, FilesOfTheDagAreLaidOut) {
  v1::File* file = wire_.add_files();
  file->set_path("scripts/count.sh");
  file->set_content("#!/bin/sh\necho counted $1\n");
  Command("$MILLRACE_FILES/scripts/count.sh 3");
  EXPECT_EQ(Run().outcome, Outcome::kSuccess) << log_;
  EXPECT_EQ(log_, "counted 3\n");
}

TEST_F(ShellTest, AWorkingFolderLiesBeneathTheRoot) {
  wire_.set_with(R"({"command": "pwd", "cwd": "inside"})");
  EXPECT_EQ(Run().outcome, Outcome::kSuccess);
  EXPECT_THAT(log_, HasSubstr("/root/inside\n"));
  for (const char* cwd : {"../..", "/etc", "missing"}) {
    attempt_.reset();
    wire_.set_with(R"({"command": "pwd", "cwd": ")" + std::string(cwd) + "\"}");
    EXPECT_EQ(Run().outcome, Outcome::kFailFinal) << cwd;
  }
}

TEST_F(ShellTest, CancelTerminatesTheWholeGroup) {
  Command("trap 'echo told; exit 1' TERM; sleep 1000 & echo child=$! ready; wait");
  Begin();
  Report report;
  std::thread runs([&] { report = Run(); });
  AwaitLog("ready");
  attempt_->Stop("cancelled by ana");
  kind_->Cancel();
  runs.join();
  EXPECT_EQ(report.outcome, Outcome::kKilled);
  EXPECT_EQ(report.message, "cancelled by ana");
  EXPECT_THAT(log_, HasSubstr("told"));
  const int child = std::stoi(log_.substr(log_.find("child=") + 6));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (::kill(child, 0) == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_NE(::kill(child, 0), 0) << "its child is alive";
}

TEST_F(ShellTest, WhatIgnoresTheRequestIsKilledAfterTheGrace) {
  wire_.set_kill_grace_micros(50'000);
  Command("trap '' TERM; echo ready; while :; do sleep 1000; done");
  Begin();
  Report report;
  std::thread runs([&] { report = Run(); });
  AwaitLog("ready");
  attempt_->Stop("timed out after 1 s");
  kind_->Cancel();
  runs.join();
  EXPECT_EQ(report.outcome, Outcome::kKilled);
  EXPECT_FALSE(report.exit_code.has_value());
}

TEST_F(ShellTest, ABackgroundProcessDoesNotKeepTheAttemptOpen) {
  Command("sleep 1000 & echo done");
  EXPECT_EQ(Run().outcome, Outcome::kSuccess);
  EXPECT_EQ(log_, "done\n");
}

TEST_F(ShellTest, SecretsOfConnectionsAreMaskedInLogAndMessage) {
  (*wire_.mutable_connections())["warehouse"] = "postgresql://u:hunter2secret@h/d";
  Command("printf hunter2; sleep 0.05; echo secret; echo hunter2secret >&2; exit 1");
  const Report report = Run();
  EXPECT_EQ(log_, "***\n***\n");
  EXPECT_EQ(report.message, "exit code 1: ***");
}

TEST_F(ShellTest, ALogBeyondItsCapEndsWithAMarkerAndTheTaskGoesOn) {
  Command("head -c 100000 /dev/zero | tr '\\0' x; exit 0");
  entry_ = ShellEntry({});
  kind_ = entry_.make();
  attempt_ = std::make_unique<Attempt>(
      wire_, workplace_, [this](std::string data) { log_ += data; }, 1000);
  EXPECT_EQ(Run().outcome, Outcome::kSuccess);
  EXPECT_EQ(log_.substr(0, 1000), std::string(1000, 'x'));
  EXPECT_EQ(log_.substr(1000), "\n[millrace] this log is longer than 1000 bytes: the rest is not kept\n");
}

}  // namespace
}  // namespace millrace::tasks
