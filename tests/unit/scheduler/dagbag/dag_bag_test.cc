#include "scheduler/dagbag/dag_bag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "platform/zones.h"
#include "tests/unit/scheduler/dagbag/still.h"
#include "tests/unit/scheduler/dagbag/zip_bytes.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

// What it is told, as lines.
class RecordingSink final : public DagSink {
 public:
  Status Loaded(DagPtr dag) override {
    RETURN_IF_ERROR(Record("loaded " + dag->id + " " + dag->description));
    hashes[dag->id] = dag->hash;
    files[dag->id] = dag->file;
    return OkStatus();
  }
  Status Gone(const std::string& dag_id) override { return Record("gone " + dag_id); }
  Status ImportErrors(const ImportError& error) override {
    std::string line = "problems " + error.file;
    for (const Problem& problem : error.problems) line += " | " + problem.message;
    return Record(line);
  }
  std::vector<std::string> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }
  bool WaitFor(const std::string& line) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return std::find(lines_.begin(), lines_.end(), line) != lines_.end(); });
  }
  std::map<std::string, std::string> hashes;  // of what it was told last
  std::map<std::string, std::string> files;
  void Refuse(bool refuse) {
    const std::lock_guard lock(mutex_);
    refuse_ = refuse;
  }

 private:
  Status Record(std::string line) {
    const std::lock_guard lock(mutex_);
    if (refuse_) return ResourceExhausted("full");
    lines_.push_back(std::move(line));
    changed_.notify_all();
    return OkStatus();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  bool refuse_ = false;
};

class DagBagTest : public ::testing::Test {
 protected:
  // As a scheduler that starts with these in its store.
  DagBag Restarted(std::map<std::string, std::string> stored) {
    return DagBag(folder_, sink_, zones_, clock_, log_, std::chrono::hours(1), {outside_ + "/parsed", std::move(stored)});
  }

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "dagbag-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    outside_ = folder_ + "-outside";
  }
  void TearDown() override {
    fs::remove_all(folder_);
    fs::remove_all(outside_);
  }
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((fs::path(folder_) / path).parent_path());
    std::ofstream(fs::path(folder_) / path) << text;
  }
  static std::string DagText(const std::string& id, const std::string& description = "") {
    return "dag_id: " + id + "\ndescription: \"" + description + "\"\ntasks: [{id: x, uses: empty}]\n";
  }

  std::string folder_;
  std::string outside_;
  RecordingSink sink_;
  platform::TzdbZones zones_;
  FixedClock clock_;
  NoLog log_;
};

TEST_F(DagBagTest, TellsWhatIsThereWhatChangedAndWhatIsGone) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", DagText("a", "1"));
  Write("deep/b.json", R"({"dag_id": "b", "tasks": [{"id": "x", "uses": "empty"}]})");
  Write("notes.txt", "no DAG");
  Write("_draft.yaml", "][");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a 1", "loaded b "));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), IsEmpty());
  EXPECT_EQ(bag.parsed(), 2);  // an unchanged file is not parsed again
  Write("a.yaml", DagText("a", "2"));
  fs::remove(folder_ + "/deep/b.json");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a 2", "gone b"));
  EXPECT_EQ(bag.parsed(), 3);
}

TEST_F(DagBagTest, WhatAirflowignoreSaysIsLeftOutAndComesBackWithIt) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", DagText("a"));
  Write("draft/b.yaml", "][");
  Write("team/c.yaml", DagText("c"));
  Write("team/old/d.yaml", DagText("d"));
  Write(".airflowignore", "draft/  # not yet\nold_*\n");
  Write("team/.airflowignore", "/old/\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a ", "loaded c "));
  EXPECT_EQ(bag.parsed(), 2);
  Write(".airflowignore", "draft/\n*.yaml\n!a.yaml\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("gone c"));
  fs::remove(folder_ + "/team/.airflowignore");
  Write(".airflowignore", "draft/\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded c ", "loaded d "));
  // A problem goes with its file.
  fs::remove(folder_ + "/.airflowignore");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("problems draft/b.yaml")));
  Write("draft/.airflowignore", "b.*\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("problems draft/b.yaml"));
}

TEST_F(DagBagTest, AChangedAirflowignoreIsSeenAtOnce) {
  Write("a.yaml", DagText("a"));
  DagBag bag(folder_, sink_, zones_, clock_, log_, std::chrono::hours(1));
  ASSERT_TRUE(bag.Start().ok());
  ASSERT_TRUE(sink_.WaitFor("loaded a "));
  Write(".airflowignore", "a.yaml\n");
  EXPECT_TRUE(sink_.WaitFor("gone a"));
  sink_.Take();
  fs::remove(folder_ + "/.airflowignore");
  EXPECT_TRUE(sink_.WaitFor("loaded a "));
  bag.Stop();
}

TEST_F(DagBagTest, AnArchiveIsAFolderOfItsOwn) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  const std::string uses = "dag_id: uses\ntasks: [{id: x, uses: shell, with: {command: x, files: [bin/run.sh]}}]\n";
  const std::string checks = "dag_id: checks\ntasks: [{id: x, uses: check, with: {input: i, contract: contracts/c.yml}}]\n";
  Write("bin/run.sh", "of the DAG folder");
  Write("team/a.zip", ZipBytes({{"uses.yaml", uses}, {"checks.yaml", checks}, {"bin/run.sh", "1"}, {"contracts/c.yml", "name: c\n"}}));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded checks ", "loaded uses "));
  EXPECT_EQ(sink_.files["uses"], "team/a.zip/uses.yaml");
  const std::string before = sink_.hashes["uses"];
  // What a DAG names is a part of its version, and what lies beside the archive is not looked at.
  Write("bin/run.sh", "another");
  Write("team/a.zip", ZipBytes({{"uses.yaml", uses}, {"checks.yaml", checks}, {"bin/run.sh", "2"}, {"contracts/c.yml", "nam: c\n"}}));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded uses ", HasSubstr("problems team/a.zip/checks.yaml")));
  EXPECT_NE(sink_.hashes["uses"], before);
  EXPECT_EQ(bag.parsed(), 4);
  Write("team/a.zip", ZipBytes({{"uses.yaml", uses}}));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("gone checks", HasSubstr("'bin/run.sh': the archive has no such file"), "problems team/a.zip/checks.yaml"));
  Write(".airflowignore", "*.zip\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("gone uses", "problems team/a.zip/uses.yaml"));
}

TEST_F(DagBagTest, AnArchiveThatTurnsBadKeepsItsDags) {
  fs::create_directories(outside_);
  const std::string good = ZipBytes({{"a.yaml", DagText("a", "1")}, {"b.yaml", DagText("b", "1")}});
  Write("x.zip", good);
  {
    DagBag bag = Restarted({});
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_THAT(sink_.Take(), ElementsAre("loaded a 1", "loaded b 1"));
    Write("x.zip", good.substr(0, 50));  // as of one that is being copied
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("problems x.zip | cannot be read: the archive is damaged")));
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_THAT(sink_.Take(), IsEmpty());
  }
  DagBag bag = Restarted(sink_.hashes);
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("problems x.zip")));
  Write("x.zip", ZipBytes({{"a.yaml", DagText("a", "1")}, {"b.yaml", DagText("b", "2")}}));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded b 2", "problems x.zip"));
  EXPECT_EQ(bag.parsed(), 1);
  Write("x.zip", "");
  ASSERT_TRUE(bag.Scan().ok());
  sink_.Take();
  fs::remove(folder_ + "/x.zip");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("gone a", "gone b", "problems x.zip"));
}

TEST_F(DagBagTest, AnArchiveIsReadAgainOnlyWhenItMayHaveChanged) {
  Write("x.zip", "one");
  const FolderReader reader(folder_);
  const WallTime later = WallFromMicros(4'000'000'000'000'000);
  std::string identity;
  EXPECT_EQ(**reader.ReadChanged("x.zip", later, identity), "one");
  EXPECT_FALSE(reader.ReadChanged("x.zip", later, identity)->has_value());
  Write("new.zip", "two");
  fs::rename(folder_ + "/new.zip", folder_ + "/x.zip");
  // At the moment of a change another one may follow that shows in nothing.
  EXPECT_EQ(**reader.ReadChanged("x.zip", WallFromMicros(0), identity), "two");
  EXPECT_EQ(**reader.ReadChanged("x.zip", later, identity), "two");
  EXPECT_FALSE(reader.ReadChanged("x.zip", later, identity)->has_value());
  fs::create_directories(outside_);
  std::ofstream(outside_ + "/secret.zip") << "secret";
  fs::create_symlink(outside_ + "/secret.zip", folder_ + "/link.zip");
  std::string any;
  EXPECT_EQ(reader.ReadChanged("link.zip", later, any).status().code(), Code::kPermissionDenied);
}

TEST_F(DagBagTest, KeepsTheLastGoodVersionOfAFileThatTurnsBad) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", DagText("a", "good"));
  ASSERT_TRUE(bag.Scan().ok());
  Write("a.yaml", "dag_id: a\ntasks: [{id: x, uses: emty}]\n");
  sink_.Take();
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("problems a.yaml | task 'x': unknown task kind 'emty'")));
  Write("a.yaml", "][");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("not valid YAML")));
  Write("a.yaml", DagText("a", "good"));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(),
              ElementsAre("problems a.yaml"));  // fine again, and the version is the one that is known
  Write("a.yaml", "][");
  ASSERT_TRUE(bag.Scan().ok());
  fs::remove(folder_ + "/a.yaml");
  sink_.Take();
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("gone a", "problems a.yaml"));
}

TEST_F(DagBagTest, AChangedContractIsANewVersion) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", "dag_id: a\ntasks: [{id: x, uses: check, with: {input: i, contract: contracts/c.yml}}]\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre(HasSubstr("file 'contracts/c.yml'")));
  Write("contracts/c.yml", "name: c\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a ", "problems a.yaml"));
  Write("contracts/c.yml", "name: d\n");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded a "));
}

TEST_F(DagBagTest, TheFirstOfTwoFilesHasADagThatBothDefine) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", DagText("same", "first"));
  Write("b.yaml", DagText("same", "second"));
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(),
              ElementsAre("loaded same first", "problems b.yaml | DAG 'same' is defined in a.yaml already"));
  fs::remove(folder_ + "/a.yaml");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ElementsAre("loaded same second", "problems b.yaml"));
}

TEST_F(DagBagTest, TellsAgainWhatWasRefused) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", DagText("a"));
  Write("b.yaml", "][");
  sink_.Refuse(true);
  ASSERT_TRUE(bag.Scan().ok());
  sink_.Refuse(false);
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_EQ(sink_.Take().size(), 2u);
  EXPECT_EQ(bag.parsed(), 2);
}

TEST_F(DagBagTest, NeverReadsBeyondTheFolder) {
  fs::create_directories(outside_);
  std::ofstream(outside_ + "/secret.yml") << "name: c\n";
  fs::create_symlink(outside_ + "/secret.yml", folder_ + "/link.yml");
  const FolderReader reader(folder_);
  EXPECT_EQ(reader.Read("link.yml").status().code(), Code::kPermissionDenied);
  EXPECT_EQ(reader.Read("../" + fs::path(outside_).filename().string() + "/secret.yml").status().code(),
            Code::kPermissionDenied);
  EXPECT_EQ(reader.Read("/etc/passwd").status().code(), Code::kPermissionDenied);
  EXPECT_EQ(reader.Read("nothing.yml").status().code(), Code::kNotFound);
  EXPECT_FALSE(reader.Read("").ok());
  EXPECT_FALSE(reader.Read(".").ok());
}

TEST_F(DagBagTest, AFolderThatIsNotThereIsAnErrorAndChangesNothing) {
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  Write("a.yaml", DagText("a"));
  ASSERT_TRUE(bag.Scan().ok());
  sink_.Take();
  fs::rename(folder_, outside_);
  EXPECT_EQ(bag.Scan().code(), Code::kNotFound);
  EXPECT_THAT(sink_.Take(), IsEmpty());
}

TEST_F(DagBagTest, SeesChangesWhileItRuns) {
  // A poll of an hour: only inotify can tell.
  DagBag bag(folder_, sink_, zones_, clock_, log_, std::chrono::hours(1));
  ASSERT_TRUE(bag.Start().ok());
  Write("a.yaml", DagText("a", "1"));
  EXPECT_TRUE(sink_.WaitFor("loaded a 1"));
  Write("new/folder/b.yaml", DagText("b", "1"));
  EXPECT_TRUE(sink_.WaitFor("loaded b 1"));
  Write("new/folder/b.yaml", DagText("b", "2"));
  EXPECT_TRUE(sink_.WaitFor("loaded b 2"));
  fs::remove(folder_ + "/a.yaml");
  EXPECT_TRUE(sink_.WaitFor("gone a"));
  Write("new/c.zip", ZipBytes({{"c.yaml", DagText("c", "1")}}));
  EXPECT_TRUE(sink_.WaitFor("loaded c 1"));
  Write("new/c.zip", ZipBytes({{"c.yaml", DagText("c", "2")}}));
  EXPECT_TRUE(sink_.WaitFor("loaded c 2"));
  bag.Stop();
}

TEST_F(DagBagTest, AStartParsesOnlyWhatHasChangedSinceTheLast) {
  fs::create_directories(outside_);
  Write("a.yaml", DagText("a", "1"));
  Write("b.yaml", DagText("b", "1"));
  Write("gone.yaml", DagText("gone", "1"));
  Write("bad.yaml", DagText("bad", "1"));
  Write("uses.yaml", "dag_id: uses\ntasks: [{id: x, uses: shell, with: {command: x, files: [run.sh]}}]\n");
  Write("run.sh", "true");
  {
    DagBag bag = Restarted({});
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_EQ(bag.parsed(), 5);
    EXPECT_EQ(sink_.Take().size(), 5U);
  }
  {
    DagBag bag = Restarted(sink_.hashes);
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_EQ(bag.parsed(), 0);
    EXPECT_THAT(sink_.Take(), IsEmpty());
    Write("b.yaml", DagText("b", "2"));
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_EQ(bag.parsed(), 1);
    EXPECT_THAT(sink_.Take(), ElementsAre("loaded b 2"));
  }
  Write("a.yaml", DagText("a", "2"));
  Write("run.sh", "false");
  Write("bad.yaml", "][");
  fs::remove(fs::path(folder_) / "gone.yaml");
  DagBag bag = Restarted(sink_.hashes);
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_EQ(bag.parsed(), 3);  // not b
  const std::vector<std::string> told = sink_.Take();
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[0], "loaded a 2");
  EXPECT_EQ(told[1], "loaded uses ");
  EXPECT_EQ(told[2], "gone gone");
  EXPECT_THAT(told[3], HasSubstr("problems bad.yaml"));  // and the DAG that it had stays
}

TEST_F(DagBagTest, WhatTheStoreDoesNotHaveOrAnotherProgramHasReadIsParsedAgain) {
  fs::create_directories(outside_);
  Write("a.yaml", DagText("a"));
  Write("b.yaml", DagText("b"));
  ASSERT_TRUE(Restarted({}).Scan().ok());
  sink_.Take();
  {
    DagBag bag = Restarted({{"a", sink_.hashes["a"]}, {"b", "another"}});
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_EQ(bag.parsed(), 1);
    EXPECT_THAT(sink_.Take(), ElementsAre("loaded b "));
  }
  std::string text;
  {
    std::ifstream file(outside_ + "/parsed");
    std::getline(file, text, '\0');
  }
  std::ofstream(outside_ + "/parsed") << "millrace parsed 1 another program" << text.substr(text.find('\n'));
  {
    DagBag bag = Restarted(sink_.hashes);
    ASSERT_TRUE(bag.Scan().ok());
    EXPECT_EQ(bag.parsed(), 2);
    EXPECT_THAT(sink_.Take(), IsEmpty());  // the same as before
  }
  std::ofstream(outside_ + "/parsed") << text.substr(0, text.size() - 5);
  DagBag bag = Restarted(sink_.hashes);
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_EQ(bag.parsed(), 2);
}

TEST_F(DagBagTest, ADagThatComesBackToAnEarlierFileIsReadFromThatFileAgain) {
  Write("b.yaml", DagText("x", "of b"));
  DagBag bag(folder_, sink_, zones_, clock_, log_);
  ASSERT_TRUE(bag.Scan().ok());
  Write("a.yaml", DagText("x", "of a"));
  ASSERT_TRUE(bag.Scan().ok());
  sink_.Take();
  fs::remove(fs::path(folder_) / "a.yaml");
  ASSERT_TRUE(bag.Scan().ok());
  EXPECT_THAT(sink_.Take(), ::testing::Contains("loaded x of b"));
}

}  // namespace
}  // namespace millrace::dagbag
