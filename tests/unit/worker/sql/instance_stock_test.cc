#include "worker/sql/instance_stock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace millrace::sql {
namespace {

class InstanceStockTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "millrace-stock-" + std::to_string(::getpid()) + "-" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_ + "/job");
    options_ = {.threads = 2,
                .memory_bytes = 300'000'000,
                .temp_folder = folder_ + "/job/spill",
                .folders = {folder_ + "/job"}};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Instance> Take(const InstanceOptions& options) {
    auto instance = stock_.Take(options);
    EXPECT_TRUE(instance.ok()) << instance.status().ToString();
    return instance.ok() ? *std::move(instance) : nullptr;
  }
  static std::string Ask(Instance& instance, const std::string& expression) {
    const auto result = (*instance.Connect())->Run("SELECT CAST(" + expression + " AS VARCHAR)");
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? std::string(result->Text(0, 0)) : "";
  }

  std::string folder_;
  InstanceOptions options_;
  InstanceStock stock_;
};

TEST_F(InstanceStockTest, AnInstanceOpenedAheadTakesItsOptionsWhenItIsTaken) {
  stock_.Prepare(1);
  const auto ahead = Take(options_);
  const auto opened = Take(options_);
  for (Instance* instance : {ahead.get(), opened.get()}) {
    EXPECT_EQ(instance->threads(), 2);
    EXPECT_EQ(Ask(*instance, "current_setting('threads')"), "2");
    EXPECT_EQ(Ask(*instance, "current_setting('memory_limit')"), "286.1 MiB");
  }
  EXPECT_NE(Ask(*ahead, "current_setting('temp_directory')"),
            Ask(*opened, "current_setting('temp_directory')"))
      << "they may spill at the same time";
}

TEST_F(InstanceStockTest, TheSandboxOfAnInstanceOpenedAheadIsThatOfItsJob) {
  std::ofstream(folder_ + "/job/in.csv") << "a\n1\n";
  std::ofstream(folder_ + "/out.csv") << "a\n1\n";
  stock_.Prepare(2);
  const auto instance = Take(options_);
  const auto connection = *instance->Connect();
  EXPECT_TRUE(connection->Run("FROM '" + folder_ + "/job/in.csv'").ok());
  EXPECT_FALSE(connection->failed());
  for (const std::string& sql : std::vector<std::string>{
           "FROM '" + folder_ + "/out.csv'", "COPY (SELECT 1) TO '" + folder_ + "/escaped.csv'",
           "SET threads=64", "SET memory_limit='1GB'", "SET temp_directory='/tmp'",
           "SET allowed_directories=['/']", "SET enable_external_access=true",
           "SET lock_configuration=false"}) {
    EXPECT_FALSE(connection->Run(sql).ok()) << sql;
  }
  EXPECT_TRUE(connection->failed());
}

TEST_F(InstanceStockTest, WhatIsGivenBackServesWhoAsksForTheSameAndNobodyElse) {
  auto first = Take(options_);
  const Instance* same = first.get();
  ASSERT_TRUE((*first->Connect())->Run("CREATE TEMP VIEW leftover AS SELECT 1").ok());
  stock_.GiveBack(options_, std::move(first));
  InstanceOptions other = options_;
  other.folders = {folder_};
  EXPECT_NE(Take(other).get(), same);
  const auto again = Take(options_);
  EXPECT_EQ(again.get(), same);
  EXPECT_FALSE((*again->Connect())->Run("FROM leftover").ok())
      << "what an attempt made went with its connection";
  EXPECT_NE(Take(options_).get(), same) << "one at a time has it";
}

TEST_F(InstanceStockTest, AnInstanceOpenedAheadSpillsIntoTheFolderOfWhoTookIt) {
  const std::string grouped = "SELECT count(*) FROM (SELECT hash(i) AS h, sum(i) FROM range(2000000) t(i) GROUP BY h)";
  options_.memory_bytes = 50'000'000;
  InstanceOptions nowhere = options_;
  nowhere.temp_folder.clear();
  stock_.Prepare(2);
  EXPECT_EQ((*Take(nowhere)->Connect())->Run(grouped).status().code(), Code::kResourceExhausted)
      << "it needs more memory";
  const auto instance = Take(options_);
  const auto result = (*instance->Connect())->Run(grouped);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(result->Integer(0, 0), 2000000);
}

TEST_F(InstanceStockTest, AFileThatWasReplacedIsReadAnew) {
  const std::string file = folder_ + "/job/rows.parquet";
  std::filesystem::file_time_type time{};
  for (const std::int64_t rows : {10, 20, 7000, 3}) {
    auto instance = Take(options_);
    {
      const auto connection = *instance->Connect();
      ASSERT_TRUE(connection->Run("COPY (FROM range(" + std::to_string(rows) + ")) TO '" + file + "'").ok());
      // Replaced within a tick of the file system's clock.
      if (time == std::filesystem::file_time_type{}) time = std::filesystem::last_write_time(file);
      std::filesystem::last_write_time(file, time);
      EXPECT_EQ(connection->Run("SELECT count(*) FROM '" + file + "'")->Integer(0, 0), rows);
    }
    stock_.GiveBack(options_, std::move(instance));
  }
}

TEST_F(InstanceStockTest, AConnectionOnWhichAnythingFailedSaysSo) {
  const auto instance = Take(options_);
  const auto connection = *instance->Connect();
  ASSERT_TRUE(connection->Run("SELECT 1").ok());
  EXPECT_FALSE(connection->failed());
  EXPECT_FALSE(connection->Describe("SELECT nothing").ok());
  EXPECT_TRUE(connection->failed());
}

TEST_F(InstanceStockTest, WhoComesWhileInstancesAreOpenedGetsOneAllTheSame) {
  std::jthread prepare([this] { stock_.Prepare(2); });
  std::vector<std::unique_ptr<Instance>> taken(3);
  {
    std::vector<std::jthread> takers;
    for (auto& slot : taken) takers.emplace_back([&] { slot = Take(options_); });
  }
  for (const auto& instance : taken) EXPECT_EQ(Ask(*instance, "1 + 1"), "2");
}

}  // namespace
}  // namespace millrace::sql
