// A whole job in one process, stage by stage, as the scheduler would ask for it: for tests of worker/mapreduce. Blocks stay in
// memory; maps can be lost.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/model/json.h"
#include "scheduler/jobs/job.h"
#include "worker/lake/path.h"
#include "worker/mapreduce/plan.h"
#include "worker/mapreduce/publish_task.h"
#include "worker/mapreduce/stage_task.h"

namespace millrace::mapreduce {

class MemoryFetcher final : public shuffle::Fetcher {
 public:
  StatusOr<shuffle::BlockBytes> Fetch(const JobKey&, std::int32_t stage, const MapOutput& source, shuffle::PartitionRange range) override {
    auto& of_stage = stage == 0 ? outputs : later[stage];
    const auto found = of_stage.find(source.map_index);
    if (found == of_stage.end()) return NotFound("map output is gone");
    ASSIGN_OR_RETURN(const shuffle::MapFileHead head, shuffle::ReadMapFileHead(found->second.file.get()));
    ASSIGN_OR_RETURN(shuffle::BlockBytes blocks, shuffle::BlockBytes::Map(found->second.file.get(), head, range));
    if (!corrupt.contains(source.map_index)) return blocks;
    std::vector<std::byte> bytes(blocks.bytes().begin(), blocks.bytes().end());
    bytes[bytes.size() / 2] ^= std::byte{1};
    return shuffle::BlockBytes::Own(std::move(bytes));
  }
  std::map<std::int32_t, shuffle::FinishedOutput> outputs;  // of the first stage
  std::map<std::int32_t, std::map<std::int32_t, shuffle::FinishedOutput>> later;
  std::set<std::int32_t> corrupt;
};

class LocalJob : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "millrace-mapreduce-" + std::to_string(::getpid()) + "-" +
            testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(root_ + "/scratch");
    instance_ = sql::Instance::Open({.threads = 2, .sandboxed = false}).value();
    connection_ = instance_->Connect().value();
  }
  void TearDown() override {
    connection_.reset();
    instance_.reset();
    std::filesystem::remove_all(root_);
  }

  // Each call is another attempt.
  Site MakeSite(const std::string& with) {
    const auto spec = ParseRenderedMapReduce(ParseJson(with).value());
    EXPECT_TRUE(spec.ok()) << spec.status().ToString();
    Site site;
    site.root = root_;
    site.scratch = root_ + "/scratch/" + std::to_string(++counter_);
    std::filesystem::create_directories(site.scratch);
    site.job_scratch = root_ + "/scratch";
    site.instances = &instances_;
    site.threads = 2;
    site.memory_bytes = memory_;
    site.fence = {1, counter_};
    site.job = {{RunKey{7}, 2}, 1};
    site.job_folder = "job-7-2-1";
    if (spec.ok()) site.spec = *spec;
    site.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
    site.command_folder = root_;
    site.log = [this](std::string_view text) { log_ += text; };
    site.cancellation = &cancellation_;
    return site;
  }

  JobPlan Plan(const std::string& with) {
    const auto plan = MakePlan(MakeSite(with));
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    return plan.ok() ? *plan : JobPlan{};
  }
  Status PlanError(const std::string& with) { return MakePlan(MakeSite(with)).status(); }

  // Split i goes to map i modulo `maps`.
  void Map(const std::string& with, const JobPlan& plan, int partitions, int maps) {
    for (int i = 0; i < maps; ++i) MapOne(with, plan, partitions, maps, i);
  }
  MapResult MapOne(const std::string& with, const JobPlan& plan, int partitions, int maps, int index) {
    StageTaskWork work{.index = index, .plan = plan.stages.at(0), .inputs = plan.inputs, .partitions = partitions};
    for (std::size_t i = 0; i < plan.splits.size(); ++i) {
      if (static_cast<int>(i) % maps == index) work.splits.push_back(plan.splits[i]);
    }
    auto output = RunStageTask(MakeSite(with), work, fetcher_);
    EXPECT_TRUE(output.ok()) << output.status().ToString();
    if (!output.ok()) return {};
    fetcher_.outputs.insert_or_assign(index, *std::move(output->blocks));
    return std::get<MapResult>(output->result);
  }

  StatusOr<ReduceResult> ReduceSome(const std::string& with, const JobPlan& plan, int begin, int end, int maps) {
    StageTaskWork work{.stage = 1, .index = begin, .plan = plan.stages.at(1)};
    const StageRead& read = work.plan.reads.at(0);
    work.reads.push_back({.view = read.view, .columns = read.columns, .partition_begin = begin, .partition_end = end});
    for (int i = 0; i < maps; ++i) work.reads[0].sources.push_back({.map_index = i});
    for (const InputFacts& input : plan.inputs) {
      const auto& whole = work.plan.broadcast;
      if (std::find(whole.begin(), whole.end(), input.name) != whole.end()) work.inputs.push_back(input);
    }
    ASSIGN_OR_RETURN(StageTaskOutput output, RunStageTask(MakeSite(with), work, fetcher_));
    return std::get<ReduceResult>(output.result);
  }
  PublishWork Reduce(const std::string& with, const JobPlan& plan, int partitions, int maps) {
    PublishWork publish{.files = {}, .output = plan.output};
    for (int i = 0; i < partitions; ++i) {
      const auto result = ReduceSome(with, plan, i, i + 1, maps);
      EXPECT_TRUE(result.ok()) << result.status().ToString();
      if (result.ok()) publish.files.insert(publish.files.end(), result->files.begin(), result->files.end());
    }
    return publish;
  }
  StatusOr<PublishResult> Publish(const std::string& with, const PublishWork& work) {
    return RunPublishTask(MakeSite(with), work, {"5c4ed01e", "dag", "run", "task"});
  }

  // The whole job with shuffles, as the scheduler decides it for so many slots. What keys shuffle gets `partitions`, unless that
  // is 0. `lose` says of which tasks the output is lost once: when a task of the stage that reads it is about to start.
  void RunDistributed(const std::string& with, int partitions, int slots = 3, std::set<LostOutput> lose = {}) {
    JobPlan plan = Plan(with);
    if (plan.stages.empty()) return;
    plan.mode = "distributed";
    for (StagePlan& stage : plan.stages) {
      if (stage.exchange == Exchange::kHash && !stage.keys.empty()) stage.partitions = partitions;
      if (stage.exchange == Exchange::kRange && partitions > 0) stage.partitions = partitions;
      stage.cut.bytes = cut_bytes_;
    }
    fetcher_.outputs.clear();
    fetcher_.later.clear();
    jobs::Job job({{RunKey{7}, 2}, 1}, with, {.workers = slots, .slots = slots});
    jobs::Actions actions = job.Begin({}, {});
    std::deque<jobs::Start> todo(actions.start.begin(), actions.start.end());
    std::optional<jobs::Finish> finish;
    for (int attempts = 0; !todo.empty() && attempts < 10'000; ++attempts) {
      const jobs::Start start = todo.front();
      todo.pop_front();
      Report report;
      report.ended = true;
      report.fence = {1, counter_ + 1};
      Perform(with, plan, *start.work, lose, report);
      actions = job.OnEnded(start.id, report, SessionId{1}, "w", {});
      for (const jobs::StageTaskId& id : actions.cancel) {
        std::erase_if(todo, [&](const jobs::Start& other) { return other.id == id; });
      }
      todo.insert(todo.end(), actions.start.begin(), actions.start.end());
      if (actions.finish) finish = actions.finish;
    }
    report_ = job.ReportJson();
    EXPECT_TRUE(lose.empty()) << "a fault missed";
    ASSERT_TRUE(finish.has_value()) << report_;
    EXPECT_EQ(finish->outcome, Outcome::kSuccess) << finish->message;
  }
  void Perform(const std::string& with, const JobPlan& plan, const StageWork& work, std::set<LostOutput>& lose, Report& report) {
    const auto end = [&](const Status& status) {
      if (status.ok()) return;
      report.outcome = Outcome::kFailFinal;
      report.message = status.message();
    };
    if (std::holds_alternative<PlanWork>(work.work)) {
      report.stage = PlanResult{.plan = plan, .decisions = {}};
    } else if (const auto* task = std::get_if<StageTaskWork>(&work.work)) {
      for (const TaskRead& read : task->reads) {
        for (const MapOutput& source : read.sources) {
          if (lose.erase({source.stage, source.map_index}) == 0) continue;
          (source.stage == 0 ? fetcher_.outputs : fetcher_.later[source.stage]).erase(source.map_index);
        }
      }
      StatusOr<StageTaskOutput> output = RunStageTask(MakeSite(with), *task, fetcher_);
      end(output.status());
      if (!output.ok()) return;
      report.stage = output->result;
      if (const auto* reduced = std::get_if<ReduceResult>(&output->result); reduced != nullptr && !reduced->lost_maps.empty())
        report.outcome = Outcome::kFailed;
      if (output->blocks) (task->stage == 0 ? fetcher_.outputs : fetcher_.later[task->stage]).insert_or_assign(task->index, *std::move(output->blocks));
    } else if (const auto* publish = std::get_if<PublishWork>(&work.work)) {
      StatusOr<PublishResult> published = Publish(with, *publish);
      end(published.status());
      if (published.ok()) report.stage = *published;
    }
  }
  void RunFused(const std::string& with) {
    const JobPlan plan = Plan(with);
    const auto result = RunFusedTask(MakeSite(with), {.plan = plan});
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    const auto published = Publish(with, {.files = result->files, .output = plan.output});
    EXPECT_TRUE(published.ok()) << published.status().ToString();
  }

  sql::Result Sql(const std::string& sql) {
    auto result = connection_->Run(sql);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return std::move(*result);
  }
  // Rows that are in one and not in the other, counted.
  std::int64_t Difference(const std::string& a, const std::string& b) {
    return Sql("SELECT count(*) FROM ((FROM (" + a + ") EXCEPT ALL FROM (" + b + ")) UNION ALL (FROM (" + b + ") EXCEPT ALL FROM (" +
               a + ")))")
        .Integer(0, 0);
  }
  // The published Parquet files of a folder.
  std::string Published(const std::string& path) {
    std::string list;
    const auto files = lake::InputFiles(root_, path);
    EXPECT_TRUE(files.ok()) << files.status().ToString();
    if (files.ok()) {
      for (const std::string& file : *files) list += (list.empty() ? "" : ", ") + sql::QuoteText(file);
    }
    return "SELECT * FROM read_parquet([" + list + "])";
  }
  std::string Path(const std::string& relative) const { return root_ + "/" + relative; }
  void Write(const std::string& relative, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(Path(relative)).parent_path());
    std::ofstream(Path(relative), std::ios::binary) << text;
  }

  std::string root_;
  std::string report_;  // of the last distributed job
  std::int64_t cut_bytes_ = 0;  // partitions above it are hot; 0: those that are for the rules
  std::uint64_t memory_ = 0;    // of an attempt; 0: nobody says
  std::string log_;
  Cancellation cancellation_;
  MemoryFetcher fetcher_;
  sql::InstanceStock instances_;
  std::uint64_t counter_ = 0;
  std::unique_ptr<sql::Instance> instance_;
  std::unique_ptr<sql::Connection> connection_;
};

}  // namespace millrace::mapreduce
