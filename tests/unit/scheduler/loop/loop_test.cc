// The loop between its inbox and a store that misbehaves: nothing leaves before it is durable, and nothing is
// lost.
#include "scheduler/loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "platform/zones.h"
#include "tests/support/dag_builder.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"

namespace millrace::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RecordingSink : public EffectSink, public JournalSink {
 public:
  void Deliver(std::span<const Effect> effects) override {
    delivered.insert(delivered.end(), effects.begin(), effects.end());
  }
  void Reset(const std::string& reason) override { resets.push_back(reason); }
  void Committed(const std::shared_ptr<const Batch>& batch) override { committed.push_back(batch->sequence); }
  template <typename T>
  std::vector<T> All() const {
    std::vector<T> found;
    for (const Effect& effect : delivered) {
      if (const T* one = std::get_if<T>(&effect)) found.push_back(*one);
    }
    return found;
  }
  std::vector<Effect> delivered;
  std::vector<std::string> resets;
  std::vector<std::uint64_t> committed;
};

class LoopTest : public ::testing::Test {
 protected:
  LoopTest() { EXPECT_TRUE(loop_.Start().ok()); }

  // Steps until the loop has nothing to do at this moment.
  void Settle() {
    for (int i = 0; i < 50; ++i) loop_.Step();
  }
  void LoadDag() { EXPECT_TRUE(inbox_.Put(DagLoaded{DagBuilder("etl").Add("a").Build()}).ok()); }
  void Join() {
    WorkerJoined joined;
    joined.stream = 1;
    joined.offer.name = "w1";
    joined.offer.slots = 2;
    EXPECT_TRUE(inbox_.Put(joined).ok());
  }
  void Trigger(const std::string& run_id) {
    TriggerRun command;
    command.dag_id = "etl";
    command.run_id = run_id;
    last_.reset();
    submitted_ = inbox_.Submit(command, [this](CommandReply reply) { last_ = std::move(reply); });
  }

  ManualClock clock_;
  platform::TzdbZones zones_;
  RecordingLog log_;
  BoundedInbox inbox_{clock_, {.reports = 4, .commands = 2, .questions = 2}};
  StoredRows rows_;
  FakeStore store_{rows_};
  RecordingSink sink_;
  Loop loop_{{clock_, zones_, log_, inbox_, store_, store_, sink_, sink_}, {}};
  std::optional<CommandReply> last_;
  Status submitted_;
};

TEST_F(LoopTest, answers_a_command_and_assigns_only_when_the_commit_is_durable) {
  LoadDag();
  Join();
  Settle();
  Trigger("first");
  Settle();
  ASSERT_TRUE(last_ && last_->ok());
  EXPECT_THAT(sink_.All<Assign>(), SizeIs(1));
  store_.holds = true;
  Trigger("second");
  Settle();
  EXPECT_FALSE(last_) << "answered before it was durable";
  EXPECT_THAT(sink_.All<Assign>(), SizeIs(1));
  store_.Finish();
  Settle();
  ASSERT_TRUE(last_ && last_->ok());
  EXPECT_THAT(sink_.All<Assign>(), SizeIs(2));
}

TEST_F(LoopTest, collects_the_next_batch_while_one_commit_is_under_way) {
  LoadDag();
  Settle();
  const int before = store_.commits;
  store_.holds = true;
  for (const char* run : {"a", "b"}) {
    Trigger(run);
    Settle();
    store_.Finish();  // of the command's Need or its run
    Settle();
  }
  Join();
  Settle();
  Trigger("c");
  Settle();
  EXPECT_LE(store_.commits - before, 4) << "one commit at a time";
  store_.holds = false;
  store_.Finish();
  Settle();
  EXPECT_EQ(rows_.runs.size(), 3u);
}

TEST_F(LoopTest, a_full_disk_refuses_commands_keeps_leases_and_goes_on_by_itself) {
  LoadDag();
  Join();
  Settle();
  const SessionId session = sink_.All<Welcome>().at(0).session;
  store_.fault = [](const Batch&) { return StoreFault::kDiskFull; };
  Trigger("first");
  Settle();
  EXPECT_FALSE(last_);
  for (int i = 0; i < 120; ++i) {  // four leases long
    clock_.Advance(std::chrono::seconds(1));
    ASSERT_TRUE(inbox_.Put(Heartbeat{session, clock_.now().boot, i}).ok());
    loop_.Step();
  }
  EXPECT_THAT(sink_.All<HeartbeatAck>(), SizeIs(120));
  const std::optional<CommandReply> waiting = last_;
  Trigger("second");
  EXPECT_EQ(submitted_.code(), Code::kResourceExhausted);
  EXPECT_THAT(submitted_.message(), HasSubstr("disk is full"));
  EXPECT_FALSE(waiting);
  store_.fault = [](const Batch&) { return StoreFault::kNone; };
  clock_.Advance(std::chrono::seconds(1));
  Settle();
  EXPECT_EQ(rows_.runs.size(), 1u);
  EXPECT_THAT(sink_.All<Assign>(), SizeIs(1));
  EXPECT_THAT(sink_.All<EndSession>(), SizeIs(0));
}

TEST_F(LoopTest, a_lost_answer_is_looked_up_and_the_batch_written_once) {
  LoadDag();
  Settle();
  for (const StoreFault fault : {StoreFault::kUnknownWritten, StoreFault::kUnknownLost}) {
    bool once = true;
    store_.fault = [&](const Batch&) { return std::exchange(once, false) ? fault : StoreFault::kNone; };
    Trigger(fault == StoreFault::kUnknownWritten ? "written" : "lost");
    Settle();
    ASSERT_TRUE(last_ && last_->ok());
  }
  EXPECT_EQ(rows_.runs.size(), 2u);
  EXPECT_THAT(sink_.resets, SizeIs(0));
}

TEST_F(LoopTest, a_broken_store_drops_the_engine_and_loads_again_with_every_dag_it_was_told) {
  Join();
  Settle();
  store_.fault = [](const Batch&) { return StoreFault::kBroken; };
  LoadDag();
  Settle();
  EXPECT_THAT(sink_.resets, SizeIs(1));
  Trigger("early");
  Settle();
  store_.fault = [](const Batch&) { return StoreFault::kNone; };
  clock_.Advance(std::chrono::seconds(2));
  Settle();
  EXPECT_EQ(rows_.term, 2u);
  EXPECT_EQ(rows_.dags.size(), 1u);
  Trigger("late");
  Settle();
  ASSERT_TRUE(last_ && last_->ok());
}

TEST_F(LoopTest, a_command_whose_batch_is_lost_is_told_to_look_and_ask_again) {
  LoadDag();
  Settle();
  store_.fault = [](const Batch& batch) {
    return batch.runs.empty() ? StoreFault::kNone : StoreFault::kBrokenWritten;
  };
  Trigger("first");
  Settle();
  ASSERT_TRUE(last_);
  EXPECT_EQ(last_->status().code(), Code::kUnavailable);
  store_.fault = [](const Batch&) { return StoreFault::kNone; };
  clock_.Advance(std::chrono::seconds(2));
  Settle();
  Trigger("first");
  Settle();
  ASSERT_TRUE(last_);
  EXPECT_EQ(last_->status().code(), Code::kAlreadyExists) << "it was written after all";
}

TEST_F(LoopTest, a_stall_of_the_loop_costs_no_worker_its_lease) {
  Join();
  Settle();
  clock_.Advance(std::chrono::seconds(100));
  loop_.Step();
  Settle();
  EXPECT_THAT(sink_.All<EndSession>(), SizeIs(0));
  EXPECT_THAT(log_.lines(), Contains(HasSubstr("Loop stood still")));
  for (int i = 0; i < 31; ++i) {
    clock_.Advance(std::chrono::seconds(1));
    Settle();
  }
  EXPECT_THAT(sink_.All<EndSession>(), SizeIs(1)) << "a lease that nobody renews still ends";
}

TEST_F(LoopTest, a_command_on_a_finished_run_finds_it_in_the_store) {
  LoadDag();
  Join();
  Settle();
  Trigger("first");
  Settle();
  const Assign assign = sink_.All<Assign>().at(0);
  Report report;
  report.sequence = 1;
  report.fence = assign.assignment.fence;
  report.ended = true;
  ASSERT_TRUE(inbox_.Put(Reported{assign.session, {report}}).ok());
  Settle();
  EXPECT_EQ(rows_.runs.begin()->second.state, RunState::kSuccess);
  std::optional<CommandReply> reply;
  ClearTasks clear;
  clear.dag_id = "etl";
  clear.run_id = "first";
  ASSERT_TRUE(inbox_.Submit(clear, [&](CommandReply r) { reply = std::move(r); }).ok());
  Settle();
  ASSERT_TRUE(reply && reply->ok());
  EXPECT_THAT((*reply)->instances, SizeIs(1));
  EXPECT_THAT(sink_.All<Assign>(), SizeIs(2));
}

TEST_F(LoopTest, the_inbox_refuses_each_class_by_its_own_bound) {
  const auto done = [](CommandReply) {};
  EXPECT_TRUE(inbox_.Submit(SetPaused{}, done).ok());
  EXPECT_TRUE(inbox_.Submit(SetPaused{}, done).ok());
  EXPECT_EQ(inbox_.Submit(SetPaused{}, done).code(), Code::kResourceExhausted);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(inbox_.Put(Reported{}).ok());
  EXPECT_EQ(inbox_.Put(Reported{}).code(), Code::kResourceExhausted);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(inbox_.Put(Heartbeat{}).ok());
  Settle();
  EXPECT_TRUE(inbox_.Put(Reported{}).ok());
}

TEST_F(LoopTest, questions_are_answered_from_the_engine_as_it_is) {
  Join();
  Settle();
  std::optional<Answer> answer;
  ASSERT_TRUE(inbox_.Ask(AskWorkers{}, [&](Answer a) { answer = std::move(a); }).ok());
  Settle();
  ASSERT_TRUE(answer);
  EXPECT_THAT(std::get<std::vector<WorkerView>>(*answer), SizeIs(1));
}

TEST_F(LoopTest, run_ends_when_the_inbox_stops_and_everything_is_durable) {
  LoadDag();
  std::thread thread([&] { loop_.Run(); });
  std::atomic<bool> answered = false;
  TriggerRun command;
  command.dag_id = "etl";
  command.run_id = "first";
  ASSERT_TRUE(inbox_.Submit(command, [&](CommandReply) { answered = true; }).ok());
  while (!answered) std::this_thread::yield();
  inbox_.Stop();
  thread.join();
  EXPECT_EQ(rows_.runs.size(), 1u);
  EXPECT_EQ(inbox_.Submit(command, nullptr).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace millrace::test
