// DagBag over several bundles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "platform/zones.h"
#include "scheduler/dagbag/dag_bag.h"
#include "tests/unit/scheduler/dagbag/still.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

// What it is told, as lines, and the DAGs.
class ListeningSink final : public DagSink {
 public:
  Status Loaded(DagPtr dag) override {
    lines.push_back("loaded " + dag->id + " of " + dag->bundle);
    hashes[dag->id] = dag->hash;
    dags[dag->id] = std::move(dag);
    return OkStatus();
  }
  Status Gone(const std::string& dag_id) override {
    lines.push_back("gone " + dag_id);
    return OkStatus();
  }
  Status ImportErrors(const ImportError& error) override {
    std::string line = "problems " + error.bundle + ":" + error.file;
    for (const Problem& problem : error.problems) line += " | " + problem.message;
    lines.push_back(line);
    return OkStatus();
  }
  std::vector<std::string> Take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
  std::map<std::string, std::string> hashes;
  std::map<std::string, DagPtr> dags;
};

// A bundle that is wherever the test says, as a repository's commits are.
class MovingBundle final : public Bundle {
 public:
  explicit MovingBundle(std::string name) : name_(std::move(name)) {}
  const std::string& name() const override { return name_; }
  const std::string& team() const override { return team_; }
  BundleLook Look() override { return look; }
  BundleLook look;

 private:
  const std::string name_;
  const std::string team_;
};

class BundlesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "bundles-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    for (const char* const name : {"dags", "sales", "one", "two"}) fs::create_directory(folder_ + "/" + name);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void Write(const std::string& path, const std::string& text) { std::ofstream(folder_ + "/" + path) << text; }
  static std::string DagText(const std::string& id, const std::string& description = "") {
    return "dag_id: " + id + "\ndescription: \"" + description + "\"\ntasks: [{id: x, uses: empty}]\n";
  }
  DagBag Bag(const std::vector<Bundle*>& bundles, EarlierStart earlier = {}) {
    return DagBag(bundles, sink_, zones_, clock_, log_, std::chrono::hours(1), std::move(earlier));
  }
  EarlierStart Restart() { return {.memory = folder_ + "/parsed", .stored = sink_.hashes}; }

  std::string folder_;
  ListeningSink sink_;
  platform::TzdbZones zones_;
  FixedClock clock_;
  NoLog log_;
};

TEST_F(BundlesTest, DagsOfAllBundlesAreToldWithTheirBundleAndTheirTeam) {
  FolderBundle dags(folder_ + "/dags");
  FolderBundle sales(folder_ + "/sales", "sales", "selling");
  Write("dags/a.yaml", DagText("a"));
  Write("sales/a.yaml", DagText("b"));
  DagBag bag = Bag({&dags, &sales});
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of dags-folder", "loaded b of sales"));
  EXPECT_EQ(sink_.dags["a"]->team, "");
  EXPECT_EQ(sink_.dags["b"]->team, "selling");
  EXPECT_EQ(sink_.dags["b"]->file, "a.yaml");
}

TEST_F(BundlesTest, TheFirstBundleHasADagThatTwoDefineAndTheOtherIsToldSo) {
  FolderBundle dags(folder_ + "/dags");
  FolderBundle sales(folder_ + "/sales", "a-sales");
  Write("dags/z.yaml", DagText("x", "mine"));
  Write("sales/a.yaml", DagText("x", "yours"));
  DagBag bag = Bag({&dags, &sales});
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded x of dags-folder",
                                        "problems a-sales:a.yaml | DAG 'x' is defined in z.yaml of bundle 'dags-folder' already"));
  fs::remove(folder_ + "/dags/z.yaml");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded x of a-sales", "problems a-sales:a.yaml"));
}

TEST_F(BundlesTest, ABundleThatCannotBeReadStopsNoOther) {
  FolderBundle away(folder_ + "/nowhere", "away");
  FolderBundle sales(folder_ + "/sales", "sales");
  Write("sales/a.yaml", DagText("a"));
  DagBag bag = Bag({&away, &sales});
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of sales", HasSubstr("problems away:. | cannot be read: ")));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), IsEmpty());
  fs::create_directory(folder_ + "/nowhere");
  Write("nowhere/b.yaml", DagText("b"));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded b of away", "problems away:."));
  // Its DAGs stay when it goes.
  fs::rename(folder_ + "/nowhere", folder_ + "/gone");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("problems away:. | cannot be read: ")));
}

TEST_F(BundlesTest, OfANewCommitOnlyWhatChangedIsParsed) {
  MovingBundle git("git");
  Write("one/a.yaml", DagText("a"));
  Write("one/b.yaml", DagText("b", "1"));
  Write("two/a.yaml", DagText("a"));
  Write("two/b.yaml", DagText("b", "2"));
  DagBag bag = Bag({&git});
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), IsEmpty());  // nothing has come yet
  git.look = {folder_ + "/one", "c1"};
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of git", "loaded b of git"));
  git.look = {folder_ + "/two", "c2"};
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded b of git"));
  EXPECT_EQ(bag.parsed(), 3);
  EXPECT_EQ(sink_.dags["a"]->bundle_version, "c1");
  EXPECT_EQ(sink_.dags["b"]->bundle_version, "c2");
}

TEST_F(BundlesTest, WhatKeepsABundleFromBeingNewerIsToldAndTakenBack) {
  MovingBundle git("git");
  Write("one/a.yaml", DagText("a"));
  git.look = {folder_ + "/one", "c1", "git: no way", "mend it"};
  DagBag bag = Bag({&git});
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of git", "problems git:. | git: no way"));
  git.look.failure.clear();
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("problems git:."));
}

TEST_F(BundlesTest, ARestartParsesNothingAndABundleWithoutAFolderKeepsItsDags) {
  FolderBundle dags(folder_ + "/dags");
  MovingBundle git("git");
  Write("dags/a.yaml", DagText("a"));
  Write("one/a.yaml", DagText("b"));
  git.look = {folder_ + "/one", "c1"};
  {
    DagBag bag = Bag({&dags, &git}, Restart());
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of dags-folder", "loaded b of git"));
  }
  git.look = {};
  DagBag bag = Bag({&dags, &git}, Restart());
  ASSERT_TRUE(bag.Scan().ok());
  git.look = {folder_ + "/one", "c1"};
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), IsEmpty());
  EXPECT_EQ(bag.parsed(), 0);
}

TEST_F(BundlesTest, AnotherTeamTakesEffectAlthoughNoFileChanged) {
  Write("sales/a.yaml", DagText("a"));
  std::string before;
  for (const char* const team : {"selling", "buying", ""}) {
    FolderBundle sales(folder_ + "/sales", "sales", team);
    DagBag bag = Bag({&sales}, Restart());
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of sales")) << team;
    EXPECT_EQ(sink_.dags["a"]->team, team);
    EXPECT_NE(sink_.dags["a"]->hash, std::exchange(before, sink_.dags["a"]->hash));
  }
}

TEST_F(BundlesTest, DagsOfABundleThatIsNoLongerConfiguredAreGoneAndSoAreItsProblems) {
  Write("dags/a.yaml", DagText("a"));
  Write("sales/b.yaml", DagText("b"));
  Write("sales/bad.yaml", "][");
  FolderBundle dags(folder_ + "/dags");
  FolderBundle sales(folder_ + "/sales", "sales");
  {
    DagBag bag = Bag({&dags, &sales}, Restart());
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_THAT(sink_.Take(), ElementsAre("loaded a of dags-folder", "loaded b of sales", HasSubstr("problems sales:bad.yaml | ")));
  }
  EarlierStart earlier = Restart();
  earlier.errors = {{.file = "bad.yaml", .at = {}, .problems = {}, .bundle = "sales"}};
  DagBag bag = Bag({&dags}, std::move(earlier));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("gone b", "problems sales:bad.yaml"));
}

TEST_F(BundlesTest, ProblemsThatAreStillThereAreToldAnewAndNotTakenBack) {
  Write("dags/bad.yaml", "][");
  FolderBundle dags(folder_ + "/dags");
  EarlierStart earlier = Restart();
  earlier.errors = {{.file = "bad.yaml", .at = {}, .problems = {}, .bundle = ""}, {.file = "old.yaml", .at = {}, .problems = {}, .bundle = ""}};
  DagBag bag = Bag({&dags}, std::move(earlier));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("problems dags-folder:bad.yaml | "), "problems dags-folder:old.yaml"));
}

TEST(BundleFileTest, NoFileOfOneBundleIsCalledAsOneOfAnother) {
  EXPECT_EQ(BundleFile("dags-folder", "sales/a.yaml"), "sales/a.yaml");
  EXPECT_EQ(BundleFile("", "a.yaml"), "a.yaml");
  EXPECT_EQ(BundleFile("sales", "deep/a.yaml"), "/sales/deep/a.yaml");
  EXPECT_EQ(SplitBundleFile("/sales/deep/a.yaml"), std::pair(std::string("sales"), std::string("deep/a.yaml")));
  EXPECT_EQ(SplitBundleFile("sales/a.yaml"), std::pair(std::string("dags-folder"), std::string("sales/a.yaml")));
}

}  // namespace
}  // namespace millrace::dagbag
