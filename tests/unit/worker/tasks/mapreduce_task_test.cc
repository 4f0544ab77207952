// The kind `mapreduce` with a real block store and real servers in between, attempt by attempt.
#include "worker/tasks/mapreduce.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/unit/worker/tasks/recording_context.h"
#include "worker/lake/manifest.h"
#include "worker/shuffle/block_store.h"
#include "worker/shuffle/grpc.h"
#include "worker/shuffle/local.h"

namespace millrace::tasks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kSecret[] = "a secret";
const JobKey kJob{{RunKey{1}, 0}, 1};

class StoreSender final : public BlockSender {
 public:
  explicit StoreSender(shuffle::BlockStore& store) : store_(store) {}
  Status Send(const JobKey& job, std::int32_t stage, std::int32_t map_index, const Fence& fence, std::int64_t, int descriptor) override {
    return store_.Put({job, stage, map_index}, fence, shuffle::Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)));
  }

 private:
  shuffle::BlockStore& store_;
};

class MapReduce : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "mrt-" + std::to_string(::getpid());
    std::filesystem::create_directories(root_ + "/in");
    std::filesystem::create_directories(root_ + "/blocks");
    store_ = std::make_unique<shuffle::BlockStore>(shuffle::BlockStoreOptions{.memory_bytes = 64 << 20, .folder = root_ + "/blocks"});
    sender_ = std::make_unique<StoreSender>(*store_);
    local_ = shuffle::LocalBlockServer::Start(root_ + "/shuffle.sock", kSecret, *store_).value();
    remote_ = shuffle::GrpcBlockServer::Start("127.0.0.1:0", kSecret, *store_).value();
    workplace_ = {.root = root_, .folder = root_, .shuffle_socket = root_ + "/shuffle.sock", .shuffle_address = remote_->address(),
                  .shuffle_secret = kSecret, .host_identity = "this host", .threads = 2, .memory_bytes = 512 << 20, .blocks = sender_.get()};
    for (int file = 0; file < 3; ++file) {
      std::ofstream out(root_ + "/in/" + std::to_string(file) + ".csv");
      out << "k,v\n";
      for (int i = 0; i < 300; ++i) out << i % 10 << "," << i << "\n";
    }
  }
  void TearDown() override {
    remote_.reset();
    local_.reset();
    std::filesystem::remove_all(root_);
  }

  template <typename Work>
  TaskEnd Run(Work work) {
    return RunOn(task_with_, std::move(work));
  }
  template <typename Work>
  TaskEnd RunOn(const std::string& with, Work work) {
    RecordingContext context(root_, "mapreduce", with);
    context.mutable_assignment().fence = {1, ++counter_};
    context.mutable_assignment().stage =
        std::make_shared<const StageWork>(StageWork{.job = kJob, .folder = "job-1-0-1", .work = std::move(work)});
    MapReduceTask task(workplace_, environment_);
    TaskEnd end = task.Run(context);
    log_ += context.log;
    return end;
  }

  JobPlan Plan() {
    const TaskEnd end = Run(PlanWork{});
    EXPECT_EQ(end.outcome, Outcome::kSuccess) << end.message;
    return std::get<PlanResult>(end.stage).plan;
  }
  StageTaskWork Mapped(const JobPlan& plan) {
    const StageRead& read = plan.stages.at(1).reads.at(0);
    StageTaskWork reduce{.stage = 1, .plan = plan.stages[1]};
    reduce.reads.push_back({.view = read.view, .columns = read.columns, .partition_begin = 0, .partition_end = 2});
    for (std::size_t i = 0; i < plan.splits.size(); ++i) {
      const TaskEnd end = Run(StageTaskWork{.index = static_cast<std::int32_t>(i), .plan = plan.stages[0], .inputs = plan.inputs,
                                            .splits = {plan.splits[i]}, .partitions = 2});
      EXPECT_EQ(end.outcome, Outcome::kSuccess) << end.message;
      reduce.reads[0].sources.push_back(std::get<MapResult>(end.stage).output);
    }
    return reduce;
  }

  std::string task_with_ = R"j({"inputs": {"t": {"path": "in/"}}, "aggregate": {"by": ["k"], "select": {"total": "sum(v)"}},
    "output": {"path": "out/", "format": "jsonl"}})j";
  std::string root_;
  std::string log_;
  std::uint64_t counter_ = 0;
  Workplace workplace_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<shuffle::BlockStore> store_;
  std::unique_ptr<StoreSender> sender_;
  std::unique_ptr<shuffle::LocalBlockServer> local_;
  std::unique_ptr<shuffle::GrpcBlockServer> remote_;
};

TEST_F(MapReduce, AJobGoesFromPlanToPublishedFilesOverTheSocket) {
  const JobPlan plan = Plan();
  EXPECT_EQ(plan.splits.size(), 3u);
  const TaskEnd reduced = Run(Mapped(plan));
  ASSERT_EQ(reduced.outcome, Outcome::kSuccess) << reduced.message;
  const auto& result = std::get<ReduceResult>(reduced.stage);
  EXPECT_GT(result.local_bytes, 0);
  EXPECT_EQ(result.fetched_bytes, 0);
  const TaskEnd published = Run(PublishWork{.files = result.files, .output = plan.output});
  ASSERT_EQ(published.outcome, Outcome::kSuccess) << published.message;
  const auto manifest = lake::ReadManifest(root_ + "/out");
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  ASSERT_EQ(manifest->files.size(), 1u);
  EXPECT_EQ(manifest->files[0].rows, 10);
  EXPECT_EQ(manifest->task_id, "t");
}

TEST_F(MapReduce, WithoutLocalShuffleBlocksComeByGrpc) {
  workplace_.local_shuffle = false;
  const TaskEnd reduced = Run(Mapped(Plan()));
  ASSERT_EQ(reduced.outcome, Outcome::kSuccess) << reduced.message;
  EXPECT_EQ(std::get<ReduceResult>(reduced.stage).local_bytes, 0);
  EXPECT_GT(std::get<ReduceResult>(reduced.stage).fetched_bytes, 0);
}

TEST_F(MapReduce, BlocksThatAreGoneFailTheReduceWithTheMapsThatAreLost) {
  const StageTaskWork work = Mapped(Plan());
  store_->DropJob(kJob);
  const TaskEnd reduced = Run(work);
  EXPECT_EQ(reduced.outcome, Outcome::kFailed);
  EXPECT_THAT(std::get<ReduceResult>(reduced.stage).lost_maps, ElementsAre(LostOutput{0, 0}, LostOutput{0, 1}, LostOutput{0, 2}));
}

TEST_F(MapReduce, BadSqlIsFinalAndAMissingInputIsNot) {
  const TaskEnd bad = RunOn(R"j({"inputs": {"t": {"path": "in/"}}, "map": "SELECT nosuch FROM t", "output": {"path": "out/"}})j", PlanWork{});
  EXPECT_EQ(bad.outcome, Outcome::kFailFinal);
  EXPECT_THAT(bad.message, HasSubstr("nosuch"));
  EXPECT_EQ(bad.message.find('\n'), std::string::npos);
  const TaskEnd missing = RunOn(R"j({"inputs": {"t": {"path": "none/"}}, "output": {"path": "out/"}})j", PlanWork{});
  EXPECT_EQ(missing.outcome, Outcome::kFailed);
  EXPECT_THAT(log_, HasSubstr("none/"));
}

TEST_F(MapReduce, CancelEndsAQueryThatRuns) {
  // A join that takes hours.
  const std::string with = R"j({"inputs": {"t": {"path": "in/"}}, "map": "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b, t",
    "output": {"path": "out/"}})j";
  const TaskEnd planned = RunOn(with, PlanWork{});
  ASSERT_EQ(planned.outcome, Outcome::kSuccess) << planned.message;
  RecordingContext context(root_, "mapreduce", with);
  context.mutable_assignment().stage = std::make_shared<const StageWork>(
      StageWork{.job = kJob, .folder = "job-1-0-1", .work = FusedWork{.plan = std::get<PlanResult>(planned.stage).plan}});
  MapReduceTask task(workplace_, environment_);
  TaskEnd end;
  std::thread running([&] { end = task.Run(context); });
  task.Cancel();
  running.join();
  EXPECT_EQ(end.outcome, Outcome::kKilled) << end.message;
}

}  // namespace
}  // namespace millrace::tasks
