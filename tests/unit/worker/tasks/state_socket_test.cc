#include "worker/tasks/state_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/unit/worker/tasks/recording_context.h"
#include "worker/tasks/state_command.h"

namespace millrace::tasks {
namespace {

using ::testing::HasSubstr;

// Keeps what it is asked, and answers when the test says so.
class Asked final : public RecordingContext {
 public:
  explicit Asked(const std::string& root) : RecordingContext(root, "shell", "{}") {}
  void AskState(StateRequest request, std::function<void(const StateAnswer&)> answered) override {
    const std::lock_guard lock(mutex);
    requests.push_back(std::move(request));
    if (at_once) {
      answered({SessionId{}, {}, 0, true, requests.back().json, ""});
    } else {
      waiting.push_back(std::move(answered));
    }
  }

  std::mutex mutex;
  std::vector<StateRequest> requests;
  std::vector<std::function<void(const StateAnswer&)>> waiting;
  bool at_once = true;
};

class StateSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "state_socket_test.XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    // Longer than an address may be.
    context_ = std::make_unique<Asked>(folder_ + "/" + std::string(120, 'd'));
    Open();
  }
  void TearDown() override {
    Close();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    StatusOr<std::unique_ptr<StateSocket>> socket = StateSocket::Open(*context_);
    ASSERT_TRUE(socket.ok()) << socket.status().ToString();
    socket_ = *std::move(socket);
    stop_ = false;
    server_ = std::thread([this] {
      while (!stop_) {
        pollfd polled{socket_->descriptor(), POLLIN, 0};
        if (::poll(&polled, 1, 5) > 0) socket_->Serve();
      }
    });
  }
  void Close() {
    stop_ = true;
    if (server_.joinable()) server_.join();
    socket_.reset();
  }
  StatusOr<StateAnswer> Ask(const StateRequest& request) { return AskStateSocket(socket_->path(), request); }

  std::string folder_;
  std::unique_ptr<Asked> context_;
  std::unique_ptr<StateSocket> socket_;
  std::atomic<bool> stop_ = false;
  std::thread server_;
};

const StateRequest kSetJob{.fence = {}, .op = StateOp::kSet, .dataset = "", .key = "job \"a\"", .json = "[1, 2]"};

TEST_F(StateSocketTest, ARequestComesThroughAsItWasAndIsAnswered) {
  StateRequest request = kSetJob;
  request.retention = std::chrono::hours(6);
  const StatusOr<StateAnswer> answer = Ask(request);
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_TRUE(answer->found);
  EXPECT_EQ(answer->json, "[1, 2]");
  StateRequest of_dataset = kSetJob;
  of_dataset.dataset = "orders";
  ASSERT_TRUE(Ask(of_dataset).ok());
  request.retention = kForEver;
  request.json = "\"" + std::string(65'533, 'x') + "\"";
  EXPECT_EQ(Ask(request)->json, request.json) << "as large as may be";
  ASSERT_EQ(context_->requests.size(), 3U);
  EXPECT_EQ(context_->requests[0].retention, std::chrono::hours(6));
  EXPECT_EQ(context_->requests[0].key, "job \"a\"");
  EXPECT_EQ(context_->requests[1], of_dataset);
  EXPECT_EQ(context_->requests[2].retention, kForEver);
}

TEST_F(StateSocketTest, WhatMakesNoSenseIsRefusedHere) {
  StateRequest request = kSetJob;
  request.json = "null";
  EXPECT_THAT(Ask(request)->error, HasSubstr("cannot be null"));
  request.json = "\"" + std::string(100'000, 'x') + "\"";
  EXPECT_THAT(Ask(request)->error, HasSubstr("65535"));
  request = kSetJob;
  request.key = "";
  EXPECT_THAT(Ask(request)->error, HasSubstr("1 to 512"));
  EXPECT_TRUE(context_->requests.empty());
}

TEST_F(StateSocketTest, OnlySoManyWaitAtOnceAndTheRestIsTold) {
  context_->at_once = false;
  std::vector<std::future<StatusOr<StateAnswer>>> asking;
  for (std::size_t i = 0; i < kMaxStateRequests; ++i)
    asking.push_back(std::async(std::launch::async, [this] { return Ask(kSetJob); }));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    const std::lock_guard lock(context_->mutex);
    if (context_->waiting.size() == kMaxStateRequests) break;
  }
  EXPECT_THAT(Ask(kSetJob)->error, HasSubstr("16 requests"));
  const std::lock_guard lock(context_->mutex);
  ASSERT_EQ(context_->waiting.size(), kMaxStateRequests);
  for (const auto& answered : context_->waiting) answered({SessionId{}, {}, 0, true, "1", ""});
  for (auto& one : asking) EXPECT_EQ(one.get()->json, "1");
}

TEST_F(StateSocketTest, WhoeverWaitsWhenTheAttemptEndsIsToldThatNobodyAnswers) {
  context_->at_once = false;
  std::future<StatusOr<StateAnswer>> asking = std::async(std::launch::async, [this] { return Ask(kSetJob); });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    const std::lock_guard lock(context_->mutex);
    if (!context_->waiting.empty()) break;
  }
  const std::string path = socket_->path();
  struct stat facts {};
  ASSERT_EQ(::stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  Close();
  context_->waiting.clear();
  EXPECT_EQ(asking.get().status().code(), Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(AskStateSocket(path, kSetJob).status().code(), Code::kUnavailable);
}

// The exit status.
int Command(const std::string& socket, std::vector<std::string> words) {
  words.insert(words.begin(), kStateCommand);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return RunStateCommand(socket, static_cast<int>(pointers.size()), pointers.data());
}

TEST_F(StateSocketTest, TheCommandSaysWithItsStatusHowItWent) {
  const std::string socket = socket_->path();
  EXPECT_EQ(Command(socket, {"set", "job", "abc-1", "--retention", "6h"}), 0);
  EXPECT_EQ(Command(socket, {"set", "n", R"({"a": 1})", "--dataset", "orders"}), 0);
  EXPECT_EQ(Command(socket, {"set", "--", "--dataset", "7"}), 0);
  EXPECT_EQ(Command(socket, {"clear"}), 0);
  ASSERT_EQ(context_->requests.size(), 4U);
  EXPECT_EQ(context_->requests[0].json, "\"abc-1\"") << "a word is text";
  EXPECT_EQ(context_->requests[0].retention, std::chrono::hours(6));
  EXPECT_EQ(context_->requests[1].json, R"({"a": 1})");
  EXPECT_EQ(context_->requests[1].dataset, "orders");
  EXPECT_EQ(context_->requests[2].key, "--dataset");
  EXPECT_EQ(context_->requests[3].op, StateOp::kClear);
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {}, {"get"}, {"bogus", "a"}, {"set", "a"}, {"set", "a", "1", "--retention", "soon"}, {"get", "a", "--dataset"}})
    EXPECT_EQ(Command(socket, wrong), 2);
  EXPECT_EQ(Command(socket, {"set", "a", "null"}), 3);
  Close();
  EXPECT_EQ(Command(socket, {"get", "a"}), 3);
  EXPECT_EQ(Command("", {"get", "a"}), 3) << "no task of a worker";
}

}  // namespace
}  // namespace millrace::tasks
