#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "worker/lake/manifest.h"
#include "worker/lake/path.h"
#include "worker/lake/publish.h"
#include "worker/lake/staging.h"

namespace millrace::lake {
namespace {

namespace fs = std::filesystem;

class LakeTest : public testing::Test {
 protected:
  LakeTest() {
    std::string pattern = testing::TempDir() + "millrace-lake-XXXXXX";
    root_ = fs::canonical(mkdtemp(pattern.data())).string();
  }
  ~LakeTest() override { fs::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((fs::path(root_) / path).parent_path());
    std::ofstream(fs::path(root_) / path) << text;
  }
  std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(fs::path(root_) / path).rdbuf();
    return text.str();
  }
  // Stages one file for an attempt and publishes it as out/day.
  Status PublishText(const Fence& fence, const std::string& text, const std::string& scheduler = "") {
    StatusOr<std::string> staging = MakeStaging(root_, "job-1", fence);
    EXPECT_TRUE(staging.ok());
    std::ofstream(*staging + "/part-0.csv") << text;
    StatusOr<OutputFile> sealed = Seal(*staging, "part-0.csv", 1);
    EXPECT_TRUE(sealed.ok());
    return Publish(root_ + "/out/day", {.fence = fence, .scheduler = scheduler, .dag_id = "etl"},
                   {{*staging + "/part-0.csv", *sealed}});
  }

  std::string root_;
};

TEST_F(LakeTest, PathsStayBeneathTheRoot) {
  fs::create_directory(root_ + "/data");
  fs::create_symlink("/etc", root_ + "/data/escape");
  EXPECT_EQ(*Beneath(root_, "lake/raw/2001-03-01/"), root_ + "/lake/raw/2001-03-01");
  EXPECT_EQ(*Beneath(root_, root_ + "/x"), root_ + "/x");
  for (const char* path : {"../x", "/etc/passwd", "data/../../x", "data/escape/passwd", "a/b/../../../x"}) {
    EXPECT_EQ(Beneath(root_, path).status().code(), Code::kInvalidArgument) << path;
  }
}

TEST_F(LakeTest, APublishedOutputIsReadThroughItsManifestOnly) {
  ASSERT_TRUE(PublishText({1, 1}, "one").ok());
  Write("out/day/stray.csv", "not published");
  EXPECT_EQ(*InputFiles(root_, "out/day/"), (std::vector<std::string>{root_ + "/out/day/part-0.csv"}));
  const Manifest manifest = *ReadManifest(root_ + "/out/day");
  EXPECT_EQ(manifest.fence, (Fence{1, 1}));
  EXPECT_EQ(manifest.files.at(0).bytes, 3);
  EXPECT_EQ(manifest.files[0].checksum, *Checksum(root_ + "/out/day/part-0.csv"));
}

TEST_F(LakeTest, ANewerAttemptReplacesTheOutputAndAnOlderOneIsRefused) {
  ASSERT_TRUE(PublishText({1, 5}, "five").ok());
  ASSERT_TRUE(PublishText({2, 1}, "newer term").ok());
  EXPECT_EQ(Read("out/day/part-0.csv"), "newer term");
  EXPECT_EQ(PublishText({1, 9}, "zombie").code(), Code::kAborted);
  EXPECT_EQ(Read("out/day/part-0.csv"), "newer term");
  EXPECT_EQ(Read("out/.day.old/part-0.csv"), "five") << "for readers that had just opened it";
}

TEST_F(LakeTest, FencesOfTwoSchedulersAreNotCompared) {
  ASSERT_TRUE(PublishText({7, 9}, "long-lived", "a1").ok());
  ASSERT_TRUE(PublishText({1, 2}, "fresh", "b2").ok()) << "a scheduler with a new state folder counts from the start";
  ASSERT_TRUE(PublishText({7, 8}, "long-lived again", "a1").ok());
  EXPECT_EQ(PublishText({7, 7}, "zombie", "a1").code(), Code::kAborted);
  EXPECT_EQ(Read("out/day/part-0.csv"), "long-lived again");
  EXPECT_EQ(ReadManifest(root_ + "/out/day")->scheduler, "a1");
}

TEST_F(LakeTest, PublishingTheSameAttemptTwiceGivesTheSame) {
  ASSERT_TRUE(PublishText({1, 5}, "same").ok());
  const std::string manifest = Read("out/day/_manifest.json");
  ASSERT_TRUE(PublishText({1, 5}, "same").ok());
  EXPECT_EQ(Read("out/day/_manifest.json"), manifest);
}

TEST_F(LakeTest, AStagedFileThatChangedAfterSealingIsNotPublished) {
  const std::string staging = *MakeStaging(root_, "job-1", {1, 1});
  std::ofstream(staging + "/a.csv") << "abc";
  const OutputFile sealed = *Seal(staging, "a.csv", 1);
  std::ofstream(staging + "/a.csv") << "abcdef";
  EXPECT_EQ(Publish(root_ + "/out/x", {.fence = {1, 1}}, {{staging + "/a.csv", sealed}}).code(),
            Code::kDataLoss);
  EXPECT_FALSE(fs::exists(root_ + "/out/x"));
}

TEST_F(LakeTest, InputsAreFilesFoldersOrPatternsWithoutHiddenOnes) {
  Write("in/a.csv", "1");
  Write("in/b.csv", "2");
  Write("in/_tmp.csv", "3");
  Write("in/.hidden/c.csv", "4");
  Write("in/day=1/d.csv", "5");
  EXPECT_EQ(InputFiles(root_, "in")->size(), 3U);
  EXPECT_EQ(*InputFiles(root_, "in/*.csv"),
            (std::vector<std::string>{root_ + "/in/a.csv", root_ + "/in/b.csv"}));
  EXPECT_EQ(InputFiles(root_, "in/a.csv")->size(), 1U);
  EXPECT_EQ(InputFiles(root_, "nothing/").status().code(), Code::kNotFound);
  EXPECT_EQ(InputFiles(root_, "../*").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace millrace::lake
