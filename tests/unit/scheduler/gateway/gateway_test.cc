// The gateway on a real port, with real gRPC clients; behind it an inbox that records.
#include "scheduler/gateway/gateway.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>

#include "platform/clock.h"
#include "proto/worker.grpc.pb.h"
#include "tests/support/fake_readers.h"
#include "tests/support/manual_clock.h"

namespace millrace::gateway {
namespace {

using ::testing::HasSubstr;

class RecordingInbox final : public Inbox {
 public:
  Status Put(Event event) override {
    const std::lock_guard lock(mutex_);
    if (refuse_reports_ && std::holds_alternative<Reported>(event)) return ResourceExhausted("full");
    events_.push_back(std::move(event));
    changed_.notify_all();
    return OkStatus();
  }
  Status Submit(Command, std::function<void(CommandReply)>) override {
    return Unavailable("no commands here");
  }
  Status Ask(Question, std::function<void(Answer)>) override { return Unavailable("no questions here"); }

  // The next event of a kind; others before it are dropped.
  template <typename Kind>
  Kind Await() {
    std::unique_lock lock(mutex_);
    while (true) {
      const bool came = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return !events_.empty(); });
      if (!came) {
        ADD_FAILURE() << "the event did not come";
        return Kind{};
      }
      const Event event = std::move(events_.front());
      events_.pop_front();
      if (const auto* wanted = std::get_if<Kind>(&event)) return *wanted;
    }
  }
  void RefuseReports(bool refuse) {
    const std::lock_guard lock(mutex_);
    refuse_reports_ = refuse;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  bool refuse_reports_ = false;
};

class OneToken final : public auth::TokenVerifier {
 public:
  StatusOr<auth::Identity> Verify(std::string_view token) override {
    if (token == "worker-token") return auth::Identity{"worker", auth::Role::kWorker};
    if (token == "admin-token") return auth::Identity{"admin", auth::Role::kAdmin};
    return Unauthenticated("token refused");
  }
};

class RecordingLogs final : public store::LogWriter {
 public:
  Status Append(const TaskInstanceKey& instance, std::int32_t try_number, const Fence& fence,
                std::string_view data) override {
    const std::lock_guard lock(mutex_);
    if (full_ > 0) {
      --full_;
      return ResourceExhausted("disk full");
    }
    text_ += std::to_string(ToInt(instance.run)) + "/" + std::to_string(instance.index) + "/" +
             std::to_string(try_number) + "/" + ToString(fence) + ":" + std::string(data) + "\n";
    return OkStatus();
  }
  void FillDisk(int times) {
    const std::lock_guard lock(mutex_);
    full_ = times;
  }
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
  int full_ = 0;
};

class GatewayTest : public ::testing::Test {
 protected:
  using Control = grpc::ClientReaderWriter<v1::WorkerMessage, v1::SchedulerMessage>;

  void SetUp() override {
    gateway_ =
        std::make_unique<Gateway>(GatewayOptions{.shuffle_secret = "shuffle-secret"},
                                  GatewayParts{clock_, log_, inbox_, tokens_, connections_, readers_, logs_});
    ASSERT_TRUE(gateway_->Start().ok());
  }
  void TearDown() override {
    for (const auto& context : contexts_) context->TryCancel();
    streams_.clear();
    gateway_->Stop();
  }

  v1::WorkerService::Stub& Stub() {
    if (stub_ == nullptr) {
      stub_ = v1::WorkerService::NewStub(grpc::CreateChannel("127.0.0.1:" + std::to_string(gateway_->port()),
                                                             grpc::InsecureChannelCredentials()));
    }
    return *stub_;
  }
  grpc::ClientContext& Context(const std::string& token) {
    contexts_.push_back(std::make_unique<grpc::ClientContext>());
    contexts_.back()->AddMetadata("authorization", "Bearer " + token);
    return *contexts_.back();
  }
  Control& Open(const std::string& token = "worker-token") {
    streams_.push_back(Stub().Control(&Context(token)));
    return *streams_.back();
  }
  static v1::WorkerMessage JoinOf(const std::string& name, int slots = 4) {
    v1::WorkerMessage message;
    message.mutable_join()->set_name(name);
    message.mutable_join()->set_slots(slots);
    return message;
  }
  // Joined and welcomed as session 7.
  Control& Joined() {
    Control& control = Open();
    control.Write(JoinOf("w1"));
    const auto joined = inbox_.Await<WorkerJoined>();
    Deliver({Welcome{joined.stream, SessionId{7}, 3, "", {}, 0}});
    v1::SchedulerMessage welcome;
    EXPECT_TRUE(control.Read(&welcome));
    EXPECT_EQ(welcome.welcome().session(), 7U);
    EXPECT_EQ(welcome.welcome().shuffle_secret(), "shuffle-secret");
    return control;
  }
  void Deliver(const std::vector<Effect>& effects) { gateway_->Deliver(effects); }
  static Assignment Assigned(std::uint64_t counter) {
    Assignment assignment;
    assignment.fence = {3, counter};
    assignment.kind = "empty";
    return assignment;
  }

  platform::SystemClock clock_;
  test::RecordingLog log_;
  RecordingInbox inbox_;
  OneToken tokens_;
  const auth::Connections connections_{{{"warehouse", "postgresql://u:p@h/d"}, {"other", "never sent"}}};
  test::Rows rows_;
  test::FakeReaders readers_{rows_};
  RecordingLogs logs_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::unique_ptr<Control>> streams_;
};

TEST_F(GatewayTest, OnlyAWorkersTokenIsLetIn) {
  for (const auto& [token, code] : {std::pair{"wrong", grpc::StatusCode::UNAUTHENTICATED},
                                    std::pair{"admin-token", grpc::StatusCode::PERMISSION_DENIED}}) {
    Control& control = Open(token);
    control.Write(JoinOf("w1"));
    v1::SchedulerMessage message;
    EXPECT_FALSE(control.Read(&message));
    EXPECT_EQ(control.Finish().error_code(), code) << token;
    const auto logs = Stub().Logs(&Context(token));
    v1::LogAck ack;
    EXPECT_FALSE(logs->Read(&ack));
    EXPECT_EQ(logs->Finish().error_code(), code) << token;
  }
}

TEST_F(GatewayTest, WhatIsNoProperJoinIsRefusedBeforeTheLoopHearsOfIt) {
  v1::WorkerMessage heartbeat;
  heartbeat.mutable_heartbeat();
  for (const v1::WorkerMessage& first :
       {heartbeat, JoinOf("../w1"), JoinOf(""), JoinOf("w1", 0), JoinOf("w1", 100'000)}) {
    Control& control = Open();
    control.Write(first);
    v1::SchedulerMessage message;
    EXPECT_FALSE(control.Read(&message));
    EXPECT_EQ(control.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT) << first.ShortDebugString();
  }
}

TEST_F(GatewayTest, MessagesBecomeEventsOfTheSession) {
  Control& control = Joined();
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_sent_at(99);
  control.Write(message);
  const auto heartbeat = inbox_.Await<Heartbeat>();
  EXPECT_EQ(heartbeat.session, SessionId{7});
  EXPECT_EQ(heartbeat.sent_at, 99);
  EXPECT_LE(heartbeat.received_at, clock_.now().boot);

  v1::Report* report = message.mutable_reports()->add_reports();
  report->set_sequence(1);
  report->mutable_fence()->set_counter(5);
  control.Write(message);
  const auto reported = inbox_.Await<Reported>();
  ASSERT_EQ(reported.reports.size(), 1U);
  EXPECT_EQ(reported.reports[0].fence.counter, 5U);

  message.mutable_draining();
  control.Write(message);
  EXPECT_FALSE(inbox_.Await<WorkerDraining>().left);
  contexts_.back()->TryCancel();
  EXPECT_EQ(inbox_.Await<WorkerDisconnected>().session, SessionId{7});
}

TEST_F(GatewayTest, ReportsThatTheInboxRefusesWaitWhileHeartbeatsPass) {
  Control& control = Joined();
  inbox_.RefuseReports(true);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    v1::WorkerMessage message;
    message.mutable_reports()->add_reports()->set_sequence(sequence);
    control.Write(message);
  }
  v1::WorkerMessage beat;
  beat.mutable_heartbeat()->set_sent_at(1);
  control.Write(beat);
  EXPECT_EQ(inbox_.Await<Heartbeat>().sent_at, 1);
  inbox_.RefuseReports(false);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    EXPECT_EQ(inbox_.Await<Reported>().reports.at(0).sequence, sequence) << "in their order, none missing";
  }
}

TEST_F(GatewayTest, AssignmentsCarryTheConnectionsAndFilesThatTheyNameAndNoOthers) {
  auto dag = std::make_shared<Dag>();
  dag->id = "etl";
  dag->hash = "h1";
  dag->files = {{"contract.yml", "name: flights"}, {"other.yml", "not asked for"}};
  rows_.versions.push_back({"etl", 1, {}, dag});
  Control& control = Joined();
  Assignment assignment = Assigned(1);
  assignment.dag_id = "etl";
  assignment.dag_hash = "h1";
  assignment.connections = {"warehouse"};
  assignment.files = {"contract.yml"};
  Deliver({Assign{SessionId{7}, assignment}});
  v1::SchedulerMessage message;
  ASSERT_TRUE(control.Read(&message));
  const v1::Assignment& got = message.assignments().assignments(0);
  ASSERT_EQ(got.connections_size(), 1);
  EXPECT_EQ(got.connections().at("warehouse"), "postgresql://u:p@h/d");
  ASSERT_EQ(got.files_size(), 1);
  EXPECT_EQ(got.files(0).content(), "name: flights");
  for (const std::string& line : log_.lines()) EXPECT_THAT(line, ::testing::Not(HasSubstr("u:p@h")));
}

TEST_F(GatewayTest, EffectsArriveInTheirOrderAndAssignmentsInBatches) {
  Control& control = Joined();
  std::vector<Effect> effects;
  for (std::uint64_t i = 1; i <= 1000; ++i) effects.emplace_back(Assign{SessionId{7}, Assigned(i)});
  effects.emplace_back(CancelAttempt{SessionId{7}, {3, 1000}, "cancelled by ana"});
  Deliver(effects);
  std::uint64_t next = 1;
  int messages = 0;
  v1::SchedulerMessage message;
  while (next <= 1000 && control.Read(&message)) {
    ++messages;
    for (const v1::Assignment& one : message.assignments().assignments())
      EXPECT_EQ(one.fence().counter(), next++);
  }
  EXPECT_LE(messages, 20);
  ASSERT_TRUE(control.Read(&message));
  EXPECT_EQ(message.cancel().reason(), "cancelled by ana");
}

TEST_F(GatewayTest, AnEndedSessionIsToldAndItsStreamIsOver) {
  Control& control = Joined();
  Deliver({EndSession{SessionId{7}, "its lease has expired"}, Assign{SessionId{7}, Assigned(1)}});
  v1::SchedulerMessage message;
  ASSERT_TRUE(control.Read(&message));
  EXPECT_EQ(message.session_end().reason(), "its lease has expired");
  control.WritesDone();
  EXPECT_FALSE(control.Read(&message)) << "nothing follows the end";
}

TEST_F(GatewayTest, AResetEndsEveryStream) {
  Control& control = Joined();
  gateway_->Reset("loaded again");
  v1::SchedulerMessage message;
  EXPECT_FALSE(control.Read(&message));
}

TEST_F(GatewayTest, LogChunksAreAcknowledgedWhenSafeWaitForRoomAndAreKeptOnce) {
  Joined();
  logs_.FillDisk(2);
  const auto logs = Stub().Logs(&Context("worker-token"));
  v1::LogChunk chunk;
  chunk.set_session(7);
  chunk.set_run(5);
  chunk.set_index(2);
  chunk.set_try_number(1);
  chunk.mutable_fence()->set_term(3);
  chunk.mutable_fence()->set_counter(9);
  for (const std::uint64_t number : {1U, 2U, 2U, 3U}) {
    chunk.set_number(number);
    chunk.set_data("line " + std::to_string(number));
    logs->Write(chunk);
    v1::LogAck ack;
    ASSERT_TRUE(logs->Read(&ack));
    EXPECT_EQ(ack.number(), number);
  }
  EXPECT_EQ(logs_.text(), "5/2/1/3.9:line 1\n5/2/1/3.9:line 2\n5/2/1/3.9:line 3\n");
}

TEST_F(GatewayTest, LogsOfAnUnknownSessionAreRefused) {
  const auto logs = Stub().Logs(&Context("worker-token"));
  v1::LogChunk chunk;
  chunk.set_session(99);
  chunk.set_run(1);
  logs->Write(chunk);
  v1::LogAck ack;
  EXPECT_FALSE(logs->Read(&ack));
  EXPECT_EQ(logs->Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(logs_.text(), "");
}

}  // namespace
}  // namespace millrace::gateway
