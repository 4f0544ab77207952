#include "worker/runner/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "proto/runner.pb.h"

namespace millrace::runner {
namespace {

v1::FromRunner LogOf(std::size_t size, char fill) {
  v1::FromRunner message;
  message.mutable_log()->set_data(std::string(size, fill));
  return message;
}

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Descriptor a;
    Descriptor b;
    ASSERT_TRUE(MakeSocketPair(a, b).ok());
    agent_ = std::make_unique<Channel>(std::move(a));
    raw_ = b.get();
    runner_ = std::make_unique<Channel>(std::move(b));
  }

  std::unique_ptr<Channel> agent_;
  std::unique_ptr<Channel> runner_;
  int raw_ = -1;
};

TEST_F(ChannelTest, MessagesOfAnySizeArriveWholeAndInOrder) {
  const std::array<std::size_t, 6> sizes{0, 1, 100, 65'532, 65'533, 5'000'000};
  std::thread sender([&] {
    for (const std::size_t size : sizes) EXPECT_TRUE(runner_->Send(LogOf(size, 'x')).ok());
    runner_->Shutdown();
  });
  for (const std::size_t size : sizes) {
    v1::FromRunner message;
    ASSERT_TRUE(agent_->Receive(message).ok());
    EXPECT_EQ(message.log().data(), std::string(size, 'x'));
  }
  v1::FromRunner message;
  EXPECT_EQ(agent_->Receive(message).code(), Code::kNotFound);
  sender.join();
}

TEST_F(ChannelTest, WhatIsHeldLeavesTogetherAndBeforeWhatFollows) {
  ASSERT_TRUE(agent_->Hold(LogOf(1, 'a')).ok());
  ASSERT_TRUE(agent_->Hold(LogOf(2, 'b')).ok());
  char byte = 0;
  EXPECT_EQ(::recv(raw_, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
  ASSERT_TRUE(agent_->Push().ok());
  v1::FromRunner message;
  EXPECT_FALSE(runner_->HasMessage());
  ASSERT_TRUE(runner_->Receive(message).ok());
  EXPECT_EQ(message.log().data(), "a");
  EXPECT_TRUE(runner_->HasMessage());
  ASSERT_TRUE(runner_->Receive(message).ok());
  EXPECT_EQ(message.log().data(), "bb");
  EXPECT_FALSE(runner_->HasMessage());

  ASSERT_TRUE(runner_->Hold(LogOf(1, 'c')).ok());
  ASSERT_TRUE(runner_->Send(LogOf(1, 'd')).ok());
  ASSERT_TRUE(runner_->Hold(LogOf(1, 'e')).ok());
  ASSERT_TRUE(runner_->SendHeld().ok());
  for (const char* text : {"c", "d", "e"}) {
    ASSERT_TRUE(agent_->Receive(message).ok());
    EXPECT_EQ(message.log().data(), text);
  }
}

TEST_F(ChannelTest, PostingNeverWaitsAndEverythingArrivesOnceThePeerReads) {
  constexpr int kMessages = 40;
  for (int i = 0; i < kMessages; ++i)
    ASSERT_TRUE(agent_->Post(LogOf(100'000, static_cast<char>('a' + i % 26))).ok());
  std::thread flusher([&] {  // the agent's reading thread flushes
    v1::FromRunner message;
    EXPECT_EQ(agent_->Receive(message).code(), Code::kNotFound);
  });
  for (int i = 0; i < kMessages; ++i) {
    v1::FromRunner message;
    ASSERT_TRUE(runner_->Receive(message).ok());
    EXPECT_EQ(message.log().data(), std::string(100'000, static_cast<char>('a' + i % 26)));
  }
  runner_->Shutdown();
  flusher.join();
}

TEST_F(ChannelTest, APeerThatNeverReadsIsFoundOut) {
  Status status;
  for (int i = 0; status.ok() && i < 100; ++i) status = agent_->Post(LogOf(1'000'000, 'x'));
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
}

TEST_F(ChannelTest, DescriptorsTravelBesideTheirMessages) {
  const Descriptor memory(::memfd_create("blocks", MFD_CLOEXEC));
  ASSERT_EQ(::write(memory.get(), "blocks", 6), 6);
  v1::FromRunner blocks;
  blocks.mutable_blocks()->set_map_index(4);
  ASSERT_TRUE(runner_->Send(LogOf(10, 'x')).ok());
  ASSERT_TRUE(runner_->Send(blocks, memory.get()).ok());
  v1::FromRunner message;
  ASSERT_TRUE(agent_->Receive(message).ok());
  ASSERT_TRUE(agent_->Receive(message).ok());
  EXPECT_EQ(message.blocks().map_index(), 4);
  const Descriptor came = agent_->TakeDescriptor();
  std::array<char, 6> content{};
  ASSERT_EQ(::pread(came.get(), content.data(), content.size(), 0), 6);
  EXPECT_EQ(std::string_view(content.data(), content.size()), "blocks");
  EXPECT_FALSE(agent_->TakeDescriptor().valid());
}

TEST_F(ChannelTest, AnAbsurdLengthEndsTheConversation) {
  ASSERT_EQ(::write(raw_, "\xff\xff\xff\xff", 4), 4);
  v1::FromRunner message;
  EXPECT_EQ(agent_->Receive(message).code(), Code::kDataLoss);
}

TEST_F(ChannelTest, BytesThatAreNoMessageEndTheConversation) {
  ASSERT_EQ(::write(raw_, "\x02\x00\x00\x00\xff\xff", 6), 6);
  v1::FromRunner message;
  EXPECT_EQ(agent_->Receive(message).code(), Code::kDataLoss);
}

}  // namespace
}  // namespace millrace::runner
