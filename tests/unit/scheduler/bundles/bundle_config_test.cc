#include "scheduler/bundles/bundle_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/problem_line.h"

namespace millrace::bundles {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

BundleConfigs Read(const std::string& text, const std::string& dags = "") {
  return ReadBundleConfigs("bundles.yaml", text, "/etc/millrace", dags);
}

std::vector<std::string> Problems(const std::string& text, const std::string& dags = "") {
  std::vector<std::string> lines;
  for (const Problem& problem : Read(text, dags).problems) lines.push_back(ToLine(problem));
  return lines;
}

TEST(BundleConfigTest, ReadsFoldersAndRepositoriesInShortWords) {
  const BundleConfigs read = Read(R"(
- name: shared
  uses: local
  with: {path: ../dags}
  team_name: platform
- name: sales
  uses: git
  refresh_interval: 5m
  with: {repo_url: https://github.com/team/dags.git, tracking_ref: main, subdir: dags/daily, git_conn_id: github}
)");
  ASSERT_THAT(read.problems, IsEmpty());
  ASSERT_EQ(read.bundles.size(), 2U);
  EXPECT_EQ(read.bundles[0].path, "/etc/dags");
  EXPECT_EQ(read.bundles[0].team, "platform");
  EXPECT_EQ(read.bundles[1].kind, BundleKind::kGit);
  EXPECT_EQ(read.bundles[1].repo_url, "https://github.com/team/dags.git");
  EXPECT_EQ(read.bundles[1].tracking_ref, "main");
  EXPECT_EQ(read.bundles[1].subdir, "dags/daily");
  EXPECT_EQ(read.bundles[1].connection, "github");
  EXPECT_EQ(read.bundles[1].refresh, std::chrono::minutes(5));
}

TEST(BundleConfigTest, ReadsAirflowsListInJsonWithItsClassPaths) {
  const BundleConfigs read = Read(R"([
  {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}},
  {"name": "my-git-repo", "classpath": "airflow.providers.git.bundles.git.GitDagBundle",
   "kwargs": {"git_conn_id": "my_git_conn", "tracking_ref": "main", "refresh_interval": 3600, "submodules": false,
              "prune_dotgit_folder": true}}
])",
                                  "/srv/dags");
  ASSERT_THAT(read.problems, IsEmpty());
  ASSERT_EQ(read.bundles.size(), 2U);
  EXPECT_EQ(read.bundles[0].path, "/srv/dags");
  EXPECT_EQ(read.bundles[1].repo_url, "");
  EXPECT_EQ(read.bundles[1].refresh, std::chrono::hours(1));
}

TEST(BundleConfigTest, TheFolderOfDagsComesFirstUnlessTheFileGivesItAPlace) {
  const std::string other = "- {name: other, uses: local, with: {path: /o}}\n";
  const auto names = [](const BundleConfigs& read) {
    std::vector<std::string> all;
    for (const BundleConfig& bundle : read.bundles) all.push_back(bundle.name);
    return all;
  };
  EXPECT_THAT(names(Read(other)), ElementsAre("other"));
  EXPECT_THAT(names(Read(other, "/d")), ElementsAre("dags-folder", "other"));
  EXPECT_THAT(names(Read(other + "- {name: dags-folder, uses: local}\n", "/d")), ElementsAre("other", "dags-folder"));
  EXPECT_THAT(Problems(other + "- {name: dags-folder, uses: local, with: {path: /x}}\n", "/d"),
              ElementsAre(HasSubstr("is the folder of --dags already")));
  EXPECT_THAT(Problems("- {name: dags-folder, uses: local}\n"), ElementsAre(HasSubstr("path is missing")));
}

TEST(BundleConfigTest, TellsEveryProblemOfTheFileAtOnceWithItsPlace) {
  const std::vector<std::string> problems = Problems(R"(
- name: a b
  uses: local
  with: {path: x, pathh: y}
- name: twice
  uses: gti
- name: twice
  uses: git
  with: {repo_url: https://github.com/x.git}
- uses: local
  with: {}
- name: refs
  uses: git
  team: sales
  refresh_interval: 10ms
  with: {repo_url: /srv/x.git, tracking_ref: "a..b", subdir: ../up, submodules: true}
- 7
)");
  EXPECT_THAT(problems, Contains(AllOf(HasSubstr("bundles.yaml:2:"), HasSubstr("its name is not a name"))));
  EXPECT_THAT(problems, Contains(AllOf(HasSubstr("bundles.yaml:4:"), HasSubstr("pathh"), HasSubstr("did you mean 'path'?"))));
  EXPECT_THAT(problems, Contains(AllOf(HasSubstr("bundles.yaml:6:"), HasSubstr("no kind of bundle 'gti'"), HasSubstr("git"))));
  EXPECT_THAT(problems, Contains(HasSubstr("bundle 'twice' is there twice")));
  EXPECT_THAT(problems, Contains(HasSubstr("tracking_ref")));
  EXPECT_THAT(problems, Contains(HasSubstr("path is missing")));
  EXPECT_THAT(problems, Contains(HasSubstr("team")));
  EXPECT_THAT(problems, Contains(HasSubstr("refresh_interval must be from 1 s to a year")));
  EXPECT_THAT(problems, Contains(HasSubstr("tracking_ref is no name of a branch")));
  EXPECT_THAT(problems, Contains(HasSubstr("subdir leaves the repository")));
  EXPECT_THAT(problems, Contains(HasSubstr("submodules are not followed")));
  EXPECT_THAT(problems, Contains(HasSubstr("a bundle must be a map")));
}

TEST(BundleConfigTest, RefusesAFileThatIsNoListOfBundles) {
  EXPECT_THAT(Problems(""), ElementsAre(HasSubstr("the file is empty")));
  EXPECT_THAT(Problems("name: a"), ElementsAre(HasSubstr("must be a list of bundles")));
  EXPECT_THAT(Problems("[]"), ElementsAre(HasSubstr("names no bundle")));
  EXPECT_THAT(Problems("- {name: a, uses: local, classpath: local, with: {path: /x}}"),
              ElementsAre(HasSubstr("uses and classpath say the same")));
}

TEST(BundleConfigTest, RefusesCredentialsInAnAddressAndSaysWhereTheyBelong) {
  const auto problems = [](const std::string& url) {
    return Problems("- {name: a, uses: git, with: {tracking_ref: main, repo_url: \"" + url + "\"}}");
  };
  for (const char* const url : {"https://x-access-token:secret@github.com/a.git", "https://secret@github.com/a.git", "ssh://git:secret@h/a.git"})
    EXPECT_THAT(problems(url), ElementsAre(AllOf(HasSubstr("has credentials in it"), HasSubstr("git_conn_id"), ::testing::Not(HasSubstr("secret")))));
  for (const char* const url : {"ext::sh -c date", "ftp://h/a.git", "--upload-pack=date"}) EXPECT_EQ(problems(url).size(), 1U) << url;
  for (const char* const url : {"https://github.com/a.git", "ssh://git@h:22/a.git", "git@github.com:team/a.git", "file:///srv/a.git", "/srv/a.git"})
    EXPECT_THAT(problems(url), IsEmpty()) << url;
}

TEST(BundleConfigTest, APathOfARepositoryIsRelativeToTheFile) {
  const BundleConfigs read = Read("- {name: a, uses: git, with: {tracking_ref: v1, repo_url: repositories/a.git}}");
  ASSERT_EQ(read.bundles.size(), 1U);
  EXPECT_EQ(read.bundles[0].repo_url, "/etc/millrace/repositories/a.git");
}

}  // namespace
}  // namespace millrace::bundles
