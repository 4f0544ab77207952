#include "worker/runner/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/worker/tasks/runner_pool_fixture.h"

namespace millrace::tasks {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(RunnerPoolTest, AttemptsRunInWarmRunnersAndTellStartLogAndEnd) {
  Open(2);
  const Fence shell = Start("shell", "echo hello");
  EXPECT_EQ(EndOf(shell).outcome, Outcome::kSuccess);
  EXPECT_EQ(LogUntil(shell, "hello"), "hello\n");
  EXPECT_TRUE(starts_.contains(shell));
  EXPECT_LE(ends_[shell].started_at, ends_[shell].ended_at);
}

TEST_F(RunnerPoolTest, ShortAttemptsQueueBehindEachOtherAndAllEnd) {
  Open(2);
  std::vector<Fence> fences;
  for (int i = 0; i < 500; ++i) fences.push_back(Start("empty"));
  for (const Fence& fence : fences) ASSERT_EQ(EndOf(fence).outcome, Outcome::kSuccess);
  EXPECT_TRUE(starts_.empty()) << "an instant task's start is told with its end";
}

TEST_F(RunnerPoolTest, AnAttemptFindsNothingOfTheOneBefore) {
  Open(1);
  for (const char* left : {"mkdir -p files/deep && echo one > files/deep/left && echo two > .left",
                           "chmod 700 .", "rm -rf \"$PWD\"", "true"}) {
    EndOf(Start("shell", left));
    const Fence after = Start(
        "shell", "mkdir m && [ $(stat -c %a .) = $(stat -c %a m) ] && rmdir m && find . ! -name outputs");
    EXPECT_EQ(EndOf(after).outcome, Outcome::kSuccess) << left;
    EXPECT_EQ(LogUntil(after, "\n"), ".\n") << left;
  }
}

TEST_F(RunnerPoolTest, ATaskAsksItsStateStoreByASocketThatGoesWithIt) {
  Open(1);
  const std::string ask =
      "python3 -c 'import os, socket, sys; path = os.environ[\"MILLRACE_STATE_SOCKET\"]; "
      "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); os.chdir(os.path.dirname(path)); "
      "s.connect(os.path.basename(path)); s.send(sys.argv[1].replace(\"|\", chr(10)).encode()); "
      "print(s.recv(99999).decode().replace(chr(10), \"|\"))' ";
  const Fence first = Start("shell", ask + R"('{"op":"set","key":"job"}|"j1"'; )" + "echo $MILLRACE_STATE_SOCKET");
  EXPECT_EQ(EndOf(first).outcome, Outcome::kSuccess);
  const std::string log = LogUntil(first, ".state");
  EXPECT_THAT(log, StartsWith(R"({"found":false,"error":""}|)"));
  EXPECT_FALSE(std::filesystem::exists(log.substr(log.find('/'), log.rfind('\n') - log.find('/'))));
  const Fence second = Start("shell", ask + R"('{"op":"get","key":"job"}|')");
  EXPECT_EQ(EndOf(second).outcome, Outcome::kSuccess);
  EXPECT_EQ(LogUntil(second, "|"), R"({"found":true,"error":""}|"j1")" "\n");
  const Fence wrong = Start("shell", ask + R"('{"op":"set","key":"job"}|null')");
  EXPECT_EQ(EndOf(wrong).outcome, Outcome::kSuccess);
  EXPECT_THAT(LogUntil(wrong, "|"), HasSubstr("cannot be null"));
}

TEST_F(RunnerPoolTest, MoreAttemptsThanSlotsWait) {
  Open(1);
  const Fence first = Start("shell", "echo $$; while [ ! -e " + folder_ + "/go ]; do sleep 0.01; done");
  LogUntil(first, "\n");
  const Fence second = Start("shell", "echo second");
  EXPECT_FALSE(starts_.contains(second));
  std::ofstream(folder_ + "/go") << "go";
  EXPECT_EQ(EndOf(first).outcome, Outcome::kSuccess);
  EXPECT_EQ(EndOf(second).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, AKilledRunnerFailsItsAttemptKillsItsChildrenAndIsReplaced) {
  Open(1);
  // Not before its line has been read: a killed runner forwards nothing any more.
  const Fence fence =
      Start("shell", "sleep 1000 & echo $!; while [ ! -e " + folder_ + "/kill ]; do sleep 0.01; done; kill -9 $PPID; wait");
  const int child = PidIn(fence);
  std::ofstream(folder_ + "/kill") << "now";
  const Report end = EndOf(fence);
  EXPECT_EQ(end.outcome, Outcome::kFailed);
  EXPECT_EQ(end.message, "runner killed by signal 9 (Killed) (out of memory?)");
  AwaitGone(child);
  EXPECT_EQ(EndOf(Start("shell", "true")).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, ATimeoutKillsTheWholeGroupAndSaysSo) {
  Open(1);
  const Fence fence = Start("shell", "sleep 1000 & echo $!; wait", std::chrono::milliseconds(300));
  const int child = PidIn(fence);
  const Report end = EndOf(fence);
  EXPECT_EQ(end.outcome, Outcome::kKilled);
  EXPECT_EQ(end.message, "timed out after 300 ms");
  AwaitGone(child);
}

TEST_F(RunnerPoolTest, CancelSaysByWhomAndAWaitingAttemptNeverStarts) {
  Open(1);
  const Fence running = Start("shell", "echo $$; sleep 1000");
  const int shell = PidIn(running);
  const Fence waiting = Start("shell", "echo never");
  pool_->Cancel(waiting, "cancelled by ana");
  pool_->Cancel(running, "cancelled by bob");
  EXPECT_EQ(EndOf(waiting).message, "cancelled by ana");
  EXPECT_EQ(EndOf(running).message, "cancelled by bob");
  EXPECT_EQ(EndOf(running).outcome, Outcome::kKilled);
  EXPECT_FALSE(starts_.contains(waiting));
  AwaitGone(shell);
}

TEST_F(RunnerPoolTest, ATaskThatDoesNotStopTakesItsRunnerAlongButNoOther) {
  Open(2);
  const Fence other = Start("shell", "echo $$; while [ ! -e " + folder_ + "/go ]; do sleep 0.01; done");
  LogUntil(other, "\n");
  const Fence deaf = Start("deaf");
  LogUntil(deaf, "deaf");
  pool_->Cancel(deaf, "cancelled by ana");
  const Report end = EndOf(deaf);
  EXPECT_EQ(end.outcome, Outcome::kKilled);
  EXPECT_THAT(end.message, StartsWith("cancelled by ana"));
  std::ofstream(folder_ + "/go") << "go";
  EXPECT_EQ(EndOf(other).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, WithoutARenewedLeaseARunnerKillsItsWorkWithoutGrace) {
  Open(1, std::chrono::milliseconds(1500));
  const Fence fence = Start("shell", "trap '' TERM; sleep 1000 & echo $!; wait");
  const int child = PidIn(fence);
  const Report end = EndOf(fence);
  EXPECT_EQ(end.outcome, Outcome::kLost);
  EXPECT_THAT(end.message, HasSubstr("lease"));
  AwaitGone(child);
}

TEST_F(RunnerPoolTest, ARenewedLeaseKeepsTheWorkAlive) {
  Open(1, std::chrono::milliseconds(1500));
  const Fence fence = Start("shell", "echo $$; while [ ! -e " + folder_ + "/go ]; do sleep 0.01; done");
  LogUntil(fence, "\n");
  pool_->Renew(clock_.now().boot + std::chrono::hours(1));
  const BootTime until = clock_.now().boot + std::chrono::seconds(3);
  Await([&] { return clock_.now().boot > until; }, "time to pass the first lease");
  std::ofstream(folder_ + "/go") << "go";
  EXPECT_EQ(EndOf(fence).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, AttemptsOfAJobShareARunnerThatEndsWithTheJob) {
  Open(2);
  const Fence one =
      Start("shell", "echo $PPID; while [ ! -e " + folder_ + "/go ]; do sleep 0.01; done", Duration(0), 7);
  const Fence two = Start("shell", "echo $PPID", Duration(0), 7);
  const int runner = PidIn(one);
  EXPECT_EQ(PidIn(two), runner);
  EXPECT_EQ(EndOf(two).outcome, Outcome::kSuccess) << "both ran at once";
  std::ofstream(folder_ + "/go") << "go";
  EndOf(one);
  pool_->EndJob({{RunKey{7}, 0}, 0});
  AwaitGone(runner);
  EXPECT_EQ(released_.size(), 1U);
}

TEST_F(RunnerPoolTest, TwoAttemptsThatComeTogetherToAnIdleJobRunnerRunTogether) {
  Open(2);
  EndOf(Start("shell", "true", Duration(0), 7));  // now it has one thread, which waits
  const auto meet = [&](const std::string& own, const std::string& other) {
    return Start("shell", "touch " + folder_ + "/" + own + "; while [ ! -e " + folder_ + "/" + other + " ]; do sleep 0.01; done",
                 Duration(0), 7);
  };
  const Fence one = meet("a", "b");
  const Fence two = meet("b", "a");
  EXPECT_EQ(EndOf(one).outcome, Outcome::kSuccess);
  EXPECT_EQ(EndOf(two).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, AnotherSpareWaitsUntilNothingRunsOrUntilItIsDue) {
  clock_.Hold();
  Open(1);
  Await([&] { return Started() == 2; }, "a slot's runner and the spare");
  const Fence first = Start("shell", "echo; sleep 1000", Duration(0), 7);
  LogUntil(first, "\n");
  for (int i = 0; i < 10; ++i) pool_->Tick();
  EXPECT_EQ(EndOf(Start("empty")).outcome, Outcome::kSuccess);
  EXPECT_EQ(Started(), 2) << "the job has the spare, and its work the processor";
  clock_.Advance(std::chrono::seconds(2));
  Await([&] { return Started() == 3; }, "the spare that is due");
  EndOf(Start("shell", "true", Duration(0), 8));  // takes it
  pool_->EndJob({{RunKey{7}, 0}, 0});
  EndOf(first);
  Await([&] { return Started() == 4; }, "a spare as soon as nothing runs");
}

TEST_F(RunnerPoolTest, AJobWhoseRunnerDiedFindsNothingOfItInTheNext) {
  Open(1);
  const Fence first = Start("shell", "touch $TMPDIR/../left; kill -9 $PPID", Duration(0), 7);
  EXPECT_EQ(EndOf(first).outcome, Outcome::kFailed);
  const Fence second = Start("shell", "ls $TMPDIR/..; echo end", Duration(0), 7);
  EXPECT_EQ(LogUntil(second, "end"), ToString(second) + "\n" + ToString(second) + ".state\nend\n");
}

TEST_F(RunnerPoolTest, NothingOfAJobIsLeftInTheWorkersFolder) {
  Open(1);
  const Fence running = Start("shell", "touch $TMPDIR/left; echo $$; sleep 1000", Duration(0), 7);
  LogUntil(running, "\n");
  const std::string scratch = folder_ + "/scratch";
  EXPECT_TRUE(std::filesystem::exists(scratch + "/job-7/" + ToString(running) + "/left"));
  pool_->EndJob({{RunKey{7}, 0}, 0});
  EXPECT_EQ(EndOf(running).outcome, Outcome::kLost);
  Await([&] { return std::filesystem::is_empty(scratch); }, "the job's folder to go");
}

TEST_F(RunnerPoolTest, BlocksReachTheKeeperBeforeTheEndIsTold) {
  Open(1);
  const Fence fence = Start("block", "", Duration(0), 7);
  EXPECT_EQ(EndOf(fence).outcome, Outcome::kSuccess);
  EXPECT_EQ(kept_, "block of t1");
}

TEST_F(RunnerPoolTest, AMapWhoseBlocksCannotBeKeptHasFailed) {
  refuse_blocks_ = true;
  Open(1);
  const Report end = EndOf(Start("block", "", Duration(0), 7));
  EXPECT_EQ(end.outcome, Outcome::kFailed);
  EXPECT_THAT(end.message, HasSubstr("no room"));
}

TEST_F(RunnerPoolTest, AnUnknownKindIsRefusedForGood) {
  Open(1);
  const Report end = EndOf(Start("teleport"));
  EXPECT_EQ(end.outcome, Outcome::kFailFinal);
  EXPECT_THAT(end.message, HasSubstr("teleport"));
}

TEST_F(RunnerPoolTest, SensorsWaitInOneRunnerBesideTheSlotsUntilWhatTheyLookForIsThere) {
  Open(1);
  std::vector<Fence> sensors;
  for (int i = 0; i < 100; ++i) sensors.push_back(Start("sensor_file", "in/" + std::to_string(i % 2)));
  for (const Fence& sensor : sensors) LogUntil(sensor, "look 1, in vain: nothing is there");
  EXPECT_EQ(EndOf(Start("shell", "true")).outcome, Outcome::kSuccess);
  EXPECT_LE(Started(), 3);  // of the slot, of all sensors, and the spare
  std::filesystem::create_directories(folder_ + "/in");
  std::ofstream(folder_ + "/in/0") << "x";
  for (std::size_t i = 0; i < sensors.size(); i += 2) ASSERT_EQ(EndOf(sensors[i]).outcome, Outcome::kSuccess);
  EXPECT_EQ(EndOf(sensors[0]).result, R"(["in/0"])");
  EXPECT_FALSE(ends_.contains(sensors[1]));
  pool_->Cancel(sensors[1], "cancelled by ana");
  const Report end = EndOf(sensors[1]);
  EXPECT_EQ(end.outcome, Outcome::kKilled);
  EXPECT_EQ(end.message, "cancelled by ana");
  std::ofstream(folder_ + "/in/1") << "x";
  EXPECT_EQ(EndOf(sensors[3]).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, AWatchEndsWhenItSeesSomethingElseThanWasSeenBefore) {
  Open(1);
  const auto watch = [&](const std::string& seen) {
    seen_ = ParseJson(seen).value().as_string();
    return Start("sensor_file", "in/*");
  };
  const auto told = [&](Fence fence, const char* name) {
    const Value end = ParseJson(EndOf(fence).result).value();
    return end.Find(name) == nullptr ? "nothing" : ToJson(*end.Find(name));
  };
  const auto put = [&](const char* text) {  // whole at once
    std::ofstream(folder_ + "/new") << text;
    std::filesystem::rename(folder_ + "/new", folder_ + "/in/0");
  };
  std::filesystem::create_directories(folder_ + "/in");
  const Fence first = watch("\"\"");
  put("x");
  EXPECT_EQ(told(first, "result"), R"(["in/0"])");
  const Fence second = watch(told(first, "seen"));
  EXPECT_EQ(told(watch("\"other\""), "seen"), told(first, "seen"));
  EXPECT_EQ(EndOf(Start("shell", "sleep 0.2")).outcome, Outcome::kSuccess);  // it has looked several times
  EXPECT_FALSE(ends_.contains(second));
  put("longer");
  EXPECT_NE(told(second, "seen"), told(first, "seen"));
  EXPECT_FALSE(logs_.contains(second)) << "it is no task instance's";
  const Fence third = watch(told(second, "seen"));
  std::filesystem::remove_all(folder_ + "/in");
  EXPECT_EQ(told(third, "seen") + told(third, "result"), "\"\"nothing");
}

TEST_F(RunnerPoolTest, SensorsAreHandedBackAtOnceAndOthersGoOn) {
  Open(1);
  const Fence work = Start("shell", "echo $$; while [ ! -e " + folder_ + "/go ]; do sleep 0.01; done");
  LogUntil(work, "\n");
  const Fence sensor = Start("sensor_file", "never");
  LogUntil(sensor, "in vain");
  pool_->HandBackSensors("handed back: its worker drains");
  const Report end = EndOf(sensor);
  EXPECT_EQ(end.outcome, Outcome::kNotYet);
  EXPECT_EQ(end.message, "handed back: its worker drains");
  std::ofstream(folder_ + "/go") << "go";
  EXPECT_EQ(EndOf(work).outcome, Outcome::kSuccess);
  const Fence again = Start("sensor_file", "go");
  EXPECT_EQ(EndOf(again).outcome, Outcome::kSuccess);
}

TEST_F(RunnerPoolTest, KillAllEndsEverythingAsLostAtOnce) {
  Open(1);
  const Fence running = Start("shell", "trap '' TERM; echo $$; sleep 1000");
  const int shell = PidIn(running);
  const Fence waiting = Start("shell", "echo never");
  pool_->KillAll("its session is over");
  EXPECT_EQ(EndOf(running).outcome, Outcome::kLost);
  EXPECT_EQ(EndOf(waiting).outcome, Outcome::kLost);
  AwaitGone(shell);
  EXPECT_EQ(EndOf(Start("shell", "true")).outcome, Outcome::kSuccess);
}

}  // namespace
}  // namespace millrace::tasks

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "runner") {
    const millrace::platform::SystemClock clock;
    return millrace::tasks::RunRunner(millrace::runner::kKeptDescriptor, clock,
                                      millrace::tasks::MakeRegistry);
  }
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
