#include "scheduler/dagbag/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/unit/scheduler/dagbag/zip_bytes.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Refusal(const std::string& bytes) {
  const StatusOr<std::unique_ptr<Archive>> archive = Archive::Open(bytes);
  return archive.ok() ? "" : archive.status().message();
}

TEST(Archive, DagFilesLieAtItsRootAndAllItsFilesCanBeRead) {
  const StatusOr<std::unique_ptr<Archive>> opened =
      Archive::Open(ZipBytes({{"weekly.yml", "w"},
                              {"daily.yaml", std::string(100'000, 'd')},
                              {"hourly.json", ""},
                              {"_draft.yaml", "x"},
                              {".hidden.yaml", "x"},
                              {"notes.txt", "x"},
                              {"scripts/", ""},
                              {"scripts/run.sh", "echo"},
                              {"scripts/deep.yaml", "x"}}));
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  const Archive& archive = **opened;
  EXPECT_THAT(archive.dag_files(), ElementsAre("daily.yaml", "hourly.json", "weekly.yml"));
  EXPECT_EQ(*archive.Read("daily.yaml"), std::string(100'000, 'd'));
  EXPECT_EQ(*archive.Read("hourly.json"), "");
  EXPECT_EQ(*archive.Read("scripts/run.sh"), "echo");
  EXPECT_EQ(*archive.Read("./scripts/../notes.txt"), "x");
  EXPECT_EQ(archive.Read("run.sh").status().code(), Code::kNotFound);
  EXPECT_EQ(archive.Read("").status().code(), Code::kNotFound);
  EXPECT_EQ(archive.Read("../daily.yaml").status().code(), Code::kPermissionDenied);
  EXPECT_EQ(archive.Read("/etc/passwd").status().code(), Code::kPermissionDenied);
  EXPECT_THAT(archive.Read("scripts/").status().message(), HasSubstr("no file"));
}

TEST(Archive, OneWithNothingInItIsGood) {
  const StatusOr<std::unique_ptr<Archive>> archive = Archive::Open(ZipBytes({}));
  ASSERT_TRUE(archive.ok()) << archive.status().ToString();
  EXPECT_THAT((*archive)->dag_files(), IsEmpty());
}

TEST(Archive, WhatIsNoArchiveOrAnUnsafeOneIsRefusedWhole) {
  EXPECT_THAT(Refusal(""), HasSubstr("it is empty"));
  EXPECT_THAT(Refusal("dag_id: x\n"), HasSubstr("damaged"));
  EXPECT_THAT(Refusal(ZipBytes({{"a.yaml", "a"}, {"../b.yaml", "b"}})), HasSubstr("'../b.yaml', which leads out"));
  EXPECT_THAT(Refusal(ZipBytes({{"a/../../b.sh", "b"}})), HasSubstr("which leads out"));
  EXPECT_THAT(Refusal(ZipBytes({{"/b.yaml", "b"}})), HasSubstr("which leads out"));
  EXPECT_THAT(Refusal(ZipBytes({{"a.yaml", "a"}, {"b.sh", "b", 1}})), HasSubstr("encrypted ('b.sh')"));
  EXPECT_THAT(Refusal(ZipBytes({{"a.yaml", "a"}, {"a.yaml", "b"}})), HasSubstr("two files 'a.yaml'"));
}

TEST(Archive, MoreThanTheBoundsIsRefused) {
  std::vector<ZipFile> many;
  for (int i = 0; i < 10'000; ++i) many.push_back({std::to_string(i), ""});
  EXPECT_EQ(Refusal(ZipBytes(many)), "");
  many.push_back({"one more", ""});
  EXPECT_THAT(Refusal(ZipBytes(many)), HasSubstr("has 10001 files, and may have 10,000"));
  // What it says is what counts: nothing is unpacked to find out.
  EXPECT_THAT(Refusal(ZipBytes({{"a", "", 0, 200U << 20}, {"b", "", 0, 57U << 20}})), HasSubstr("more than 256 MiB"));
  const StatusOr<std::unique_ptr<Archive>> archive = Archive::Open(ZipBytes({{"a.yaml", "", 0, (16U << 20) + 1}}));
  ASSERT_TRUE(archive.ok()) << archive.status().ToString();
  EXPECT_EQ((*archive)->Read("a.yaml").status().code(), Code::kResourceExhausted);
}

TEST(Archive, AFileThatUnpacksToMoreOrLessThanItSaysIsDamaged) {
  for (const std::uint32_t size : {3U, 5U, 1000U}) {
    const StatusOr<std::unique_ptr<Archive>> archive =
        Archive::Open(ZipBytes({{"a.yaml", std::string(500'000, 'a'), 0, size}}));
    ASSERT_TRUE(archive.ok()) << archive.status().ToString();
    EXPECT_EQ((*archive)->Read("a.yaml").status().code(), Code::kDataLoss) << size;
  }
}

TEST(Archive, HoweverItIsDamagedAFileIsReadAsItWasOrNotAtAll) {
  const std::set<std::string> contents = {"dag_id: a\ntasks: []\n", std::string(300, 'x'), ""};
  const std::string good =
      ZipBytes({{"a.yaml", *contents.rbegin()}, {"b.yaml", "dag_id: a\ntasks: []\n"}, {"c.json", ""}});
  int read = 0;
  const auto look = [&](const std::string& bytes, const std::string& how) {
    const StatusOr<std::unique_ptr<Archive>> archive = Archive::Open(bytes);
    if (!archive.ok()) return;
    for (const std::string& name : (*archive)->dag_files()) {
      const StatusOr<std::string> content = (*archive)->Read(name);
      if (!content.ok()) continue;
      ++read;
      EXPECT_TRUE(contents.contains(*content)) << how << ": " << name << ": " << *content;
    }
  };
  look(good, "whole");
  EXPECT_EQ(read, 3);
  for (std::size_t length = 0; length < good.size(); ++length)
    look(good.substr(0, length), "cut at " + std::to_string(length));
  EXPECT_EQ(read, 3) << "a part of an archive is none";
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int bits : {0x01, 0x80, 0xff}) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ bits);
      look(bytes, "byte " + std::to_string(at));
    }
  }
  EXPECT_GT(read, 100) << "a damaged file takes no other with it";
}

}  // namespace
}  // namespace millrace::dagbag
