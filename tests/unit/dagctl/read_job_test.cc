#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "dagctl/jobs.h"
#include "platform/zones.h"

namespace millrace::dagctl {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class ReadJobTest : public testing::Test {
 protected:
  ReadJobTest() {
    std::string folder = (fs::temp_directory_path() / "millrace-read-job-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    top_ = fs::canonical(folder);
    for (const char* name : {"here/data", "there"}) fs::create_directories(top_ / name);
    options_.file = top_ / "here/job.yaml";
    Write(
        "inputs: {rows: {path: data}, more: {path: data/x.csv}}\nmap: SELECT 1 AS one FROM rows, "
        "more\noutput: {path: out}\n");
  }
  ~ReadJobTest() override { fs::remove_all(top_); }

  void Write(const std::string& text) { std::ofstream(options_.file) << text; }
  StatusOr<ReadJob> Read() { return ReadJobFile(options_, Here(), zones_); }
  std::string Here() const { return top_ / "here"; }
  std::string At(const std::string& path) const { return top_ / path; }

  platform::TzdbZones zones_;
  fs::path top_;
  JobOptions options_;
};

TEST_F(ReadJobTest, PathsOfOptionsAreTheCallersAndThoseOfTheFileStay) {
  options_.inputs = {"rows=../there/*.csv"};
  options_.output = "elsewhere/";
  const StatusOr<ReadJob> read = Read();
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_THAT(read->job.inputs, ElementsAre(Pair("rows", At("there/*.csv"))));
  EXPECT_EQ(read->job.output, At("here/elsewhere/"));
  options_.inputs = {"rows=s3://bucket/x"};
  EXPECT_THAT(Read()->job.inputs, ElementsAre(Pair("rows", "s3://bucket/x")));
}

TEST_F(ReadJobTest, LocalWorkersHaveTheCallersFolderAsTheirRoot) {
  options_.local = true;
  const StatusOr<ReadJob> read = Read();
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->root, Here());
  EXPECT_TRUE(read->job.inputs.empty()) << "what the file says means the same there";
}

TEST_F(ReadJobTest, AFolderAboveIsTheRootWhenAPathLiesOutsideTheCallers) {
  options_.local = true;
  options_.inputs = {"more=" + At("there") + "/{{ ds }}/*.csv"};
  const StatusOr<ReadJob> read = Read();
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->root, top_.string());
  EXPECT_THAT(read->job.inputs,
              ElementsAre(Pair("rows", At("here/data")), Pair("more", At("there/{{ ds }}/*.csv"))));
  EXPECT_EQ(read->job.output, At("here/out"));
  options_.inputs.clear();
  options_.output = "/nowhere/out";
  EXPECT_EQ(Read()->root, "/");
}

TEST_F(ReadJobTest, EveryProblemIsALine) {
  Write("inputs: {rows: {path: 3}}\noutptu: {path: out}\n");
  const Status status = Read().status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr(":2:1: unknown field 'outptu'"));
  options_.inputs = {"rows"};
  EXPECT_THAT(Read().status().message(), HasSubstr("must be name=path"));
  options_.file += "x";
  EXPECT_EQ(Read().status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace millrace::dagctl
