#include "scheduler/bundles/git_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "platform/clock.h"

namespace millrace::bundles {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class KeptLog final : public LogSink {
 public:
  void Log(LogLevel, std::string_view line) override { lines += std::string(line) + "\n"; }
  std::string lines;
};

// A repository of the test's own, and a bundle of it.
class GitBundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "git-bundle-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    repository_ = folder_ + "/origin";
    fs::create_directory(repository_);
    Git({"init", "--quiet", "--initial-branch=main", repository_});
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Git(std::vector<std::string> arguments) {
    const GitCommand git(environ, clock_);
    const StatusOr<std::string> said =
        git.Run({.arguments = std::move(arguments),
                 .config = {{"user.name", "Test"}, {"user.email", "test@example.com"}, {"commit.gpgSign", "false"}},
                 .environment = {}});
    EXPECT_TRUE(said.ok()) << said.status().message();
    return said.ok() ? *said : "";
  }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((fs::path(repository_) / path).parent_path());
    std::ofstream(fs::path(repository_) / path) << text;
  }
  // Its commit.
  std::string Commit() {
    Git({"-C", repository_, "add", "--all"});
    Git({"-C", repository_, "commit", "--quiet", "--message", "x"});
    return Git({"-C", repository_, "rev-parse", "HEAD"});
  }
  BundleConfig Config(const std::string& ref = "main", const std::string& subdir = "") {
    return {.name = "sales", .kind = BundleKind::kGit, .repo_url = repository_, .tracking_ref = ref, .subdir = subdir};
  }
  std::unique_ptr<GitBundle> Bundle(const BundleConfig& config) {
    return std::make_unique<GitBundle>(
        config, folder_ + "/state", [](const std::string&) -> StatusOr<Value> { return NotFound("none"); }, environ, clock_, log_);
  }
  static std::string Text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string folder_;
  std::string repository_;
  platform::SystemClock clock_;
  KeptLog log_;
};

TEST_F(GitBundleTest, FollowsABranchACommitAtATime) {
  Write("dags/a.yaml", "one");
  const std::string first = Commit();
  const auto bundle = Bundle(Config());
  EXPECT_EQ(bundle->Look().folder, "");
  EXPECT_EQ(bundle->Look().failure, "");
  ASSERT_TRUE(bundle->Refresh().ok()) << bundle->standing().failure;
  const dagbag::BundleLook look = bundle->Look();
  EXPECT_EQ(look.version, first);
  EXPECT_EQ(Text(look.folder + "/dags/a.yaml"), "one");
  EXPECT_FALSE(fs::exists(look.folder + "/.git"));
  Write("dags/a.yaml", "two");
  Write("dags/b.yaml", "new");
  const std::string second = Commit();
  ASSERT_TRUE(bundle->Refresh().ok());
  EXPECT_EQ(Text(look.folder + "/dags/a.yaml"), "one");  // what was looked at stays as it was
  const dagbag::BundleLook next = bundle->Look();
  EXPECT_EQ(next.version, second);
  EXPECT_EQ(Text(next.folder + "/dags/a.yaml") + Text(next.folder + "/dags/b.yaml"), "twonew");
  ASSERT_TRUE(bundle->Refresh().ok());
  EXPECT_FALSE(fs::exists(look.folder));  // nobody looks at it any more
  EXPECT_TRUE(fs::exists(next.folder));
  EXPECT_TRUE(bundle->standing().refreshed_at.has_value());
}

TEST_F(GitBundleTest, FollowsATagACommitAndAFolderOfTheRepository) {
  Write("dags/a.yaml", "one");
  const std::string first = Commit();
  Git({"-C", repository_, "tag", "v1"});
  Write("dags/a.yaml", "two");
  Commit();
  for (const std::string& ref : {std::string("v1"), first, first.substr(0, 10)}) {
    fs::remove_all(folder_ + "/state");
    const auto bundle = Bundle(Config(ref, "dags"));
    ASSERT_TRUE(bundle->Refresh().ok()) << bundle->standing().failure;
    EXPECT_EQ(Text(bundle->Look().folder + "/a.yaml"), "one") << ref;
  }
}

TEST_F(GitBundleTest, AForcedPushIsFollowed) {
  Write("a.yaml", "one");
  Commit();
  const auto bundle = Bundle(Config());
  ASSERT_TRUE(bundle->Refresh().ok());
  Write("a.yaml", "other");
  Git({"-C", repository_, "add", "--all"});
  Git({"-C", repository_, "commit", "--quiet", "--amend", "--message", "y"});
  ASSERT_TRUE(bundle->Refresh().ok()) << bundle->standing().failure;
  EXPECT_EQ(Text(bundle->Look().folder + "/a.yaml"), "other");
}

TEST_F(GitBundleTest, WhatFailsIsToldAndTheLastCommitStaysAlsoOverARestart) {
  Write("a.yaml", "one");
  const std::string commit = Commit();
  auto bundle = Bundle(Config());
  ASSERT_TRUE(bundle->Refresh().ok());
  fs::rename(repository_, repository_ + "-away");
  EXPECT_FALSE(bundle->Refresh().ok());
  dagbag::BundleLook look = bundle->Look();
  EXPECT_EQ(look.version, commit);
  EXPECT_EQ(Text(look.folder + "/a.yaml"), "one");
  EXPECT_THAT(look.failure, AllOf(HasSubstr("git: "), HasSubstr("origin")));
  EXPECT_THAT(look.advice, HasSubstr("it is tried again every 60 s, and its DAGs stay as they are"));
  bundle = Bundle(Config());
  EXPECT_FALSE(bundle->Refresh().ok());
  look = bundle->Look();
  EXPECT_EQ(look.version, commit);
  EXPECT_EQ(Text(look.folder + "/a.yaml"), "one");
  fs::rename(repository_ + "-away", repository_);
  ASSERT_TRUE(bundle->Refresh().ok());
  EXPECT_EQ(bundle->Look().failure, "");
}

TEST_F(GitBundleTest, ARefOrAFolderThatIsNotThereIsTold) {
  Write("a.yaml", "one");
  Commit();
  EXPECT_THAT(Bundle(Config("release"))->Refresh().message(), HasSubstr("has no branch, tag or commit 'release'"));
  EXPECT_THAT(Bundle(Config("main", "nowhere"))->Refresh().message(), HasSubstr("has no folder 'nowhere'"));
  BundleConfig config = Config();
  config.connection = "github";
  const auto bundle = Bundle(config);
  EXPECT_THAT(bundle->Refresh().message(), HasSubstr("there is no connection 'github'"));
  EXPECT_THAT(bundle->Look().advice, HasSubstr("dagctl connections add github"));
}

TEST_F(GitBundleTest, LocksOfAGitThatWasKilledDoNotStayInTheWay) {
  Write("a.yaml", "one");
  Commit();
  const auto bundle = Bundle(Config());
  ASSERT_TRUE(bundle->Refresh().ok());
  for (const char* const lock : {"packed-refs.lock", "refs/heads/main.lock"}) std::ofstream(folder_ + "/state/repository/" + lock) << "";
  Write("a.yaml", "two");
  Commit();
  ASSERT_TRUE(bundle->Refresh().ok()) << bundle->standing().failure;
  EXPECT_EQ(Text(bundle->Look().folder + "/a.yaml"), "two");
}

TEST_F(GitBundleTest, HooksAndLinksOfTheRepositoryDoNothing) {
  Write("a.yaml", "one");
  fs::create_symlink("/etc/passwd", repository_ + "/passwd.yaml");
  Commit();
  const auto bundle = Bundle(Config());
  ASSERT_TRUE(bundle->Refresh().ok());
  EXPECT_FALSE(fs::exists(folder_ + "/state/repository/hooks"));
  EXPECT_TRUE(fs::is_symlink(bundle->Look().folder + "/passwd.yaml"));  // which FolderReader does not follow
}

TEST_F(GitBundleTest, ItsThreadFetchesAtTheIntervalAndStopsAtOnce) {
  Write("a.yaml", "one");
  Commit();
  BundleConfig config = Config();
  config.refresh = std::chrono::milliseconds(20);
  const auto bundle = Bundle(config);
  bundle->Start();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (bundle->Look().version.empty() && std::chrono::steady_clock::now() < until) usleep(10'000);
  Write("a.yaml", "two");
  const std::string second = Commit();
  while (bundle->Look().version != second && std::chrono::steady_clock::now() < until) usleep(10'000);
  EXPECT_EQ(bundle->Look().version, second);
  bundle->Stop();
}

TEST(GitCommandTest, WhatDoesNotEndIsKilledWithAllThatItStarted) {
  const platform::SystemClock clock;
  const GitCommand git(environ, clock, std::chrono::milliseconds(300));
  // An alias is the only way to have git wait here.
  const StatusOr<std::string> said = git.Run({.arguments = {"wait"}, .config = {{"alias.wait", "!sleep 1000"}}, .environment = {}});
  EXPECT_EQ(said.status().code(), Code::kDeadlineExceeded);
}

TEST(GitCommandTest, StopEndsTheCallThatRunsAndEveryLaterOne) {
  const platform::SystemClock clock;
  GitCommand git(environ, clock);
  git.Stop();
  const GitCall call = {.arguments = {"wait"}, .config = {{"alias.wait", "!sleep 1000"}}, .environment = {}};
  EXPECT_EQ(git.Run(call).status().code(), Code::kCancelled);
  EXPECT_EQ(git.Run(call).status().code(), Code::kCancelled);
}

TEST(GitCommandTest, WhatGitSaysIsBoundedAndExtIsNoWayToRunAProgram) {
  const platform::SystemClock clock;
  const GitCommand git(environ, clock);
  const StatusOr<std::string> said = git.Run({.arguments = {"ls-remote", "ext::sh -c date"}, .config = {}, .environment = {}});
  ASSERT_FALSE(said.ok());
  EXPECT_THAT(said.status().message(), HasSubstr("not allowed"));
  const StatusOr<std::string> much =
      git.Run({.arguments = {"talk"}, .config = {{"alias.talk", "!seq 1 100000 >&2; false"}}, .environment = {}});
  ASSERT_FALSE(much.ok());
  EXPECT_LE(much.status().message().size(), GitCommand::kMostSaid + 10);
  EXPECT_THAT(much.status().message(), HasSubstr("100000"));
}

TEST(GitCommandTest, WithoutGitItSaysSo) {
  const platform::SystemClock clock;
  const char* const environment[] = {"PATH=/nonexistent", nullptr};
  const StatusOr<std::string> said = GitCommand(environment, clock).Run({.arguments = {"version"}, .config = {}, .environment = {}});
  EXPECT_EQ(said.status().code(), Code::kNotFound);
  EXPECT_THAT(said.status().message(), HasSubstr("there is no git"));
}

}  // namespace
}  // namespace millrace::bundles
