#include "scheduler/dagbag/ignore_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::dagbag {
namespace {

struct Case {
  const char* rules;
  const char* path;  // a folder when it ends in a slash
  bool ignored;
};

bool Ignored(const IgnoreRules& rules, std::string path) {
  const bool is_folder = path.ends_with('/');
  if (is_folder) path.pop_back();
  return rules.Ignores(path, is_folder);
}

TEST(IgnoreRules, a_pattern_means_what_it_means_in_a_gitignore) {
  const Case cases[] = {
      // A name, at any depth.
      {"a.yaml", "a.yaml", true},
      {"a.yaml", "deep/er/a.yaml", true},
      {"a.yaml", "a.yaml.json", false},
      {"a.yaml", "ba.yaml", false},
      {"draft", "draft/", true},
      {"draft", "team/draft/", true},
      // A slash ties it to the folder of its file, except at the end: there it means folders only.
      {"/a.yaml", "a.yaml", true},
      {"/a.yaml", "deep/a.yaml", false},
      {"team/a.yaml", "team/a.yaml", true},
      {"team/a.yaml", "other/team/a.yaml", false},
      {"draft/", "draft/", true},
      {"draft/", "team/draft/", true},
      {"draft/", "draft", false},
      {"/team/draft/", "team/draft/", true},
      {"/team/draft/", "team/draft", false},
      // Stars, within a name.
      {"*.yml", "a.yml", true},
      {"*.yml", "x/a.yml", true},
      {"*.yml", "a.yaml", false},
      {"team_*/*.yaml", "team_1/a.yaml", true},
      {"team_*/*.yaml", "team_1/deep/a.yaml", false},
      {"a*b*c", "aXbbXc", true},
      {"a*b*c", "aXcXb", false},
      {"*", "anything", true},
      {"a?c.yaml", "abc.yaml", true},
      {"a?c.yaml", "ac.yaml", false},
      {"a?c", "a/c", false},
      {"***", "abc", true},
      // Two stars, over folders.
      {"**/a.yaml", "a.yaml", true},
      {"**/a.yaml", "x/y/a.yaml", true},
      {"team/**", "team/x", true},
      {"team/**", "team/x/y.yaml", true},
      {"team/**", "team/", false},
      {"a/**/b", "a/b", true},
      {"a/**/b", "a/x/y/b", true},
      {"a/**/b", "x/a/b", false},
      {"a/**/b/*.yaml", "a/b/b/c.yaml", true},
      {"a/**/b/*.yaml", "a/b/c/d.yaml", false},
      {"**/draft/", "x/draft/", true},
      {"**", "x/y", true},
      {"x**y", "xaby", true},
      {"x/a**", "x/abc", true},
      {"x/a**", "x/a/b", false},
      // Classes.
      {"tenant_[0-9].yaml", "tenant_7.yaml", true},
      {"tenant_[0-9].yaml", "tenant_x.yaml", false},
      {"tenant_[!0-9].yaml", "tenant_x.yaml", true},
      {"tenant_[^0-9].yaml", "tenant_7.yaml", false},
      {"[]x]", "]", true},
      {"[]x]", "x", true},
      {"[a\\]b]", "]", true},
      {"[[:digit:][:upper:]]", "7", true},
      {"[[:digit:][:upper:]]", "Q", true},
      {"[[:digit:][:upper:]]", "q", false},
      {"[abc", "[abc", true},
      {"[a-]", "-", true},
      {"[z-a]", "m", false},
      // Comments and empty lines; what stands behind a '\' is itself.
      {"# a.yaml", "# a.yaml", false},
      {"a.yaml  # not now", "a.yaml", true},
      {"\\#a.yaml", "#a.yaml", true},
      {"\\!a.yaml", "!a.yaml", true},
      {"a\\*", "a*", true},
      {"a\\*", "ab", false},
      {"a.yaml   ", "a.yaml", true},
      {"a\\ ", "a ", true},
      {"a.yaml\r\nb.yaml\r", "b.yaml", true},
      {"\n\n   \n", "a", false},
      {"/", "a", false},
      {"!", "a", false},
      {"\\", "\\", true},
      // The last that fits decides.
      {"*.yaml\n!keep.yaml", "keep.yaml", false},
      {"*.yaml\n!keep.yaml", "drop.yaml", true},
      {"!keep.yaml\n*.yaml", "keep.yaml", true},
      {"*\n!/team/\n!*.yaml", "team/", false},
      {"*\n!/team/\n!*.yaml", "notes.json", true},
      // Letters that are no ASCII.
      {"ü*.yaml", "über.yaml", true},
  };
  for (const Case& one : cases) {
    IgnoreRules rules;
    rules.Add("", one.rules);
    EXPECT_EQ(Ignored(rules, one.path), one.ignored) << "'" << one.rules << "' on '" << one.path << "'";
  }
}

TEST(IgnoreRules, a_file_holds_for_its_folder_and_below_and_wins_over_those_above) {
  IgnoreRules rules;
  rules.Add("", "*.yml\n/top.yaml\n");
  rules.Add("team", "!keep.yml\n/top.yaml\ndraft/\n");
  EXPECT_TRUE(rules.Ignores("team/a.yml", false));
  EXPECT_FALSE(rules.Ignores("team/keep.yml", false));
  EXPECT_FALSE(rules.Ignores("team/deep/keep.yml", false));
  EXPECT_TRUE(rules.Ignores("team/top.yaml", false));
  EXPECT_FALSE(rules.Ignores("team/deep/top.yaml", false));
  EXPECT_TRUE(rules.Ignores("team/deep/draft", true));
  rules.Forget("team");
  EXPECT_TRUE(rules.Ignores("keep.yml", false));
  EXPECT_TRUE(rules.Ignores("top.yaml", false));
  EXPECT_FALSE(rules.Ignores("other/draft", true));
}

TEST(IgnoreRules, many_stars_on_a_long_name_take_no_time_that_grows_like_a_tree) {
  std::string pattern;
  std::string folders;
  for (int i = 0; i < 40; ++i) pattern += "a*";
  for (int i = 0; i < 40; ++i) folders += "**/a*/";
  IgnoreRules rules;
  rules.Add("", pattern + "b\n" + folders + "b\n");
  std::string path;
  for (int i = 0; i < 60; ++i) path += "a/";
  EXPECT_FALSE(rules.Ignores(std::string(5000, 'a'), false));
  EXPECT_FALSE(rules.Ignores(path + "a", false));
}

}  // namespace
}  // namespace millrace::dagbag
