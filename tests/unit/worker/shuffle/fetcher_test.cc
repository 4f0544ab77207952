// One contract for both fetchers, each against its real server.
#include "worker/shuffle/fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/worker/shuffle/sample_output.h"
#include "worker/shuffle/grpc.h"
#include "worker/shuffle/host.h"
#include "worker/shuffle/local.h"

namespace millrace::shuffle {
namespace {

using testing::ElementsAre;

constexpr char kSecret[] = "a secret of this scheduler's workers";
const Fence kSampleFence{3, 11};

class Servers : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "mrs-" + std::to_string(::getpid());
    std::filesystem::create_directories(folder_);
    store_ = std::make_unique<BlockStore>(BlockStoreOptions{.memory_bytes = 64 << 20, .folder = folder_});
    Start();
  }
  void TearDown() override {
    Stop();
    std::filesystem::remove_all(folder_);
  }
  void Start() {
    auto local = LocalBlockServer::Start(folder_ + "/shuffle.sock", kSecret, *store_);
    ASSERT_TRUE(local.ok()) << local.status().ToString();
    local_ = std::move(*local);
    auto remote = GrpcBlockServer::Start("127.0.0.1:0", kSecret, *store_);
    ASSERT_TRUE(remote.ok()) << remote.status().ToString();
    remote_ = std::move(*remote);
  }
  void Stop() {
    local_.reset();
    remote_.reset();
  }
  MapOutput Source(std::int32_t map, Fence fence = kSampleFence) const {
    return {0, map, fence, {}, remote_->address(), folder_ + "/shuffle.sock", "this host"};
  }
  void Put(std::int32_t map, std::uint32_t partitions, std::int64_t rows) {
    ASSERT_TRUE(
        store_->Put(SampleKey(map), kSampleFence, SampleOutput(SampleKey(map), kSampleFence, partitions, rows).file)
            .ok());
  }

  std::string folder_;
  std::unique_ptr<BlockStore> store_;
  std::unique_ptr<LocalBlockServer> local_;
  std::unique_ptr<GrpcBlockServer> remote_;
};

class AnyFetcher : public Servers, public testing::WithParamInterface<std::string> {
 protected:
  std::unique_ptr<Fetcher> Make(const std::string& secret) const {
    if (GetParam() == "local") return std::make_unique<LocalFetcher>(secret);
    return std::make_unique<GrpcFetcher>(secret);
  }
  StatusOr<BlockBytes> Fetch(const MapOutput& source, PartitionRange range) const {
    return Make(kSecret)->Fetch(SampleKey(0).job, 0, source, range);
  }
};

TEST_P(AnyFetcher, GivesTheBlocksOfARangeOfPartitions) {
  Put(4, 4, 12);
  auto blocks = Fetch(Source(4), {1, 3});
  ASSERT_TRUE(blocks.ok()) << blocks.status().ToString();
  EXPECT_THAT(SampleRows(*blocks), ElementsAre(1, 5, 9, 2, 6, 10));
}

TEST_P(AnyFetcher, OfACutGivesTheBlocksThatBeginInIt) {
  Put(4, 4, 12);
  EXPECT_THAT(SampleRows(*Fetch(Source(4), {1, 2, 0, 1})), ElementsAre(1, 5, 9)) << "the block that begins there, whole";
  EXPECT_TRUE(Fetch(Source(4), {1, 2, 1, std::numeric_limits<std::int64_t>::max()})->bytes().empty());
  EXPECT_EQ(Fetch(Source(4), {1, 3, 0, 1}).status().code(), Code::kInvalidArgument) << "a cut is of one partition";
  EXPECT_EQ(Fetch(Source(4), {1, 2, -1, 1}).status().code(), Code::kInvalidArgument);
}

TEST_P(AnyFetcher, GivesNothingForEmptyPartitions) {
  Put(4, 4, 2);
  auto blocks = Fetch(Source(4), {2, 4});
  ASSERT_TRUE(blocks.ok()) << blocks.status().ToString();
  EXPECT_TRUE(blocks->bytes().empty());
}

TEST_P(AnyFetcher, GivesManyMegabytesWhole) {
  Put(0, 3, 1'000'000);
  auto blocks = Fetch(Source(0), {0, 3});
  ASSERT_TRUE(blocks.ok()) << blocks.status().ToString();
  const std::vector<std::int64_t> rows = SampleRows(*blocks);
  ASSERT_EQ(rows.size(), 1'000'000u);
  EXPECT_EQ(rows[1], 3);
  EXPECT_EQ(rows.back(), 999'998);
}

TEST_P(AnyFetcher, BlocksOutliveTheirJob) {
  Put(0, 1, 1000);
  auto blocks = Fetch(Source(0), {0, 1});
  store_->DropJob(SampleKey(0).job);
  EXPECT_EQ(SampleRows(*blocks).size(), 1000u);
  EXPECT_EQ(Fetch(Source(0), {0, 1}).status().code(), Code::kNotFound);
}

TEST_P(AnyFetcher, AnotherAttemptsOutputIsLost) {
  Put(0, 1, 10);
  EXPECT_EQ(Fetch(Source(0, {3, 10}), {0, 1}).status().code(), Code::kNotFound);
  EXPECT_EQ(Fetch(Source(0, {4, 11}), {0, 1}).status().code(), Code::kNotFound);
  EXPECT_EQ(Fetch(Source(9), {0, 1}).status().code(), Code::kNotFound);
  EXPECT_EQ(Make(kSecret)->Fetch(SampleKey(0).job, 1, Source(0), {0, 1}).status().code(), Code::kNotFound);
}

TEST_P(AnyFetcher, PartitionsThatAreNotThereAreAMistake) {
  Put(0, 2, 10);
  EXPECT_EQ(Fetch(Source(0), {0, 3}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Fetch(Source(0), {2, 1}).status().code(), Code::kInvalidArgument);
}

TEST_P(AnyFetcher, AWrongSecretIsRefused) {
  Put(0, 1, 10);
  EXPECT_EQ(Make("a guess")->Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).status().code(),
            Code::kUnauthenticated);
  EXPECT_EQ(Make("")->Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).status().code(), Code::kUnauthenticated);
}

TEST_P(AnyFetcher, AWorkerThatIsGoneIsUnavailable) {
  Put(0, 1, 10);
  const MapOutput source = Source(0);
  Stop();
  EXPECT_EQ(Fetch(source, {0, 1}).status().code(), Code::kUnavailable);
}

TEST_P(AnyFetcher, ManyThreadsFetchAtOnce) {
  for (std::int32_t map = 0; map < 4; ++map) Put(map, 8, 40'000);
  const std::unique_ptr<Fetcher> fetcher = Make(kSecret);
  std::atomic<std::uint64_t> rows = 0;
  {
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (std::int32_t map = 0; map < 4; ++map) {
          auto blocks = fetcher->Fetch(SampleKey(0).job, 0, Source(map), {t, t + 1});
          ASSERT_TRUE(blocks.ok()) << blocks.status().ToString();
          rows += SampleRows(*blocks).size();
        }
      });
    }
  }
  EXPECT_EQ(rows, 160'000u);
}

INSTANTIATE_TEST_SUITE_P(Both, AnyFetcher, testing::Values("local", "grpc"),
                         [](const auto& test) { return test.param; });

TEST_F(Servers, TheHostFetcherGoesByHost) {
  Put(0, 1, 100);
  LocalFetcher local(kSecret);
  GrpcFetcher remote(kSecret);
  HostFetcher here("this host", &local, remote);
  ASSERT_TRUE(here.Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).ok());
  EXPECT_GT(here.local_bytes(), 800u);
  EXPECT_EQ(here.fetched_bytes(), 0u);
  HostFetcher elsewhere("another host", &local, remote);
  ASSERT_TRUE(elsewhere.Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).ok());
  EXPECT_EQ(elsewhere.fetched_bytes(), here.local_bytes());
  HostFetcher switched_off("this host", nullptr, remote);
  ASSERT_TRUE(switched_off.Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).ok());
  EXPECT_EQ(switched_off.fetched_bytes(), here.local_bytes());
  // A socket that this process cannot reach.
  MapOutput source = Source(0);
  source.shuffle_socket = folder_ + "/nobody.sock";
  ASSERT_TRUE(here.Fetch(SampleKey(0).job, 0, source, {0, 1}).ok());
  EXPECT_GT(here.fetched_bytes(), 0u);
  // Lost is lost, on both ways.
  EXPECT_EQ(here.Fetch(SampleKey(0).job, 0, Source(5), {0, 1}).status().code(), Code::kNotFound);
}

TEST_F(Servers, TheSocketIsItsUsersAlone) {
  struct stat facts {};
  ASSERT_EQ(::stat((folder_ + "/shuffle.sock").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
}

TEST_F(Servers, NonsenseOnTheSocketEndsThatPeerOnly) {
  Put(0, 1, 10);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder_ + "/shuffle.sock";
  std::copy(path.begin(), path.end(), address.sun_path);
  for (const std::size_t size : {0u, 1u, 47u, 48u, 300u, 4000u}) {
    const Descriptor peer(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const std::string packet(size, '\x5a');
    ASSERT_GE(::send(peer.get(), packet.data(), packet.size(), MSG_NOSIGNAL), 0);
    char answer[8];
    EXPECT_EQ(::recv(peer.get(), answer, sizeof answer, 0), 0) << size;
  }
  EXPECT_TRUE(LocalFetcher(kSecret).Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).ok());
}

TEST_F(Servers, StartAgainOnTheSocketOfAKilledWorker) {
  Stop();
  std::ofstream(folder_ + "/shuffle.sock") << "left behind";
  Start();
  Put(0, 1, 10);
  EXPECT_TRUE(LocalFetcher(kSecret).Fetch(SampleKey(0).job, 0, Source(0), {0, 1}).ok());
}

TEST(LocalBlockServer, APathThatIsTooLongIsRefusedWithAdvice) {
  const BlockStore store({});
  const auto server = LocalBlockServer::Start("/tmp/" + std::string(200, 'x'), kSecret, store);
  EXPECT_EQ(server.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(server.status().message(), testing::HasSubstr("shorter folder"));
}

TEST(GrpcBlockServer, ServesLoopbackOnlyAsItIsNotEncrypted) {
  const BlockStore store({});
  EXPECT_EQ(GrpcBlockServer::Start("0.0.0.0:0", kSecret, store).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(GrpcBlockServer::Start("127.0.0.1:0", "", store).status().code(), Code::kInvalidArgument);
}

TEST(HostIdentity, IsTheSameTwiceAndNotEmpty) {
  EXPECT_EQ(HostIdentity(), HostIdentity());
  EXPECT_EQ(HostIdentity().size(), 32u);
}

}  // namespace
}  // namespace millrace::shuffle
