#include "scheduler/bundles/git_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/connection.h"

namespace millrace::bundles {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

StatusOr<GitAccess> Access(const std::string& url, const Connection& connection) {
  return AccessOf({.name = "a", .repo_url = url, .connection = "github", .tracking_ref = "main"}, ConnectionValue(connection), "/state/ssh");
}

TEST(GitAccessTest, ALoginAndATokenGoIntoAHeaderOfThatHostAlone) {
  const StatusOr<GitAccess> access = Access("https://github.com/team/a.git", {.id = "github", .login = "bot", .password = "token"});
  ASSERT_TRUE(access.ok());
  EXPECT_EQ(access->url, "https://github.com/team/a.git");
  EXPECT_THAT(access->config, ElementsAre(Pair("http.https://github.com/.extraHeader", "Authorization: Basic Ym90OnRva2Vu"),
                                          Pair("http.followRedirects", "false")));
  EXPECT_THAT(access->secrets, Contains("token"));
  EXPECT_THAT(access->secrets, Contains("Ym90OnRva2Vu"));
}

TEST(GitAccessTest, TheAddressMayBeTheConnectionsHostAsInAirflow) {
  EXPECT_EQ(Access("", {.id = "github", .host = "git@github.com:team/a.git"})->url, "git@github.com:team/a.git");
  EXPECT_EQ(Access("", {.id = "github", .type = "git", .host = "https://github.com/team/a.git"})->url, "https://github.com/team/a.git");
}

TEST(GitAccessTest, AConnectionThatWasWrittenAsAnAddressIsOne) {
  const StatusOr<Connection> connection = ParseConnection("github", "https://bot:token@git.example.com:8443/team/a.git");
  ASSERT_TRUE(connection.ok());
  const StatusOr<GitAccess> access = Access("", *connection);
  ASSERT_TRUE(access.ok()) << access.status().message();
  EXPECT_EQ(access->url, "https://git.example.com:8443/team/a.git");
}

TEST(GitAccessTest, SshHasItsKeyItsHostsAndNobodyToAsk) {
  const StatusOr<GitAccess> access = Access("ssh://git@h/a.git", {.id = "github", .extra = R"({"key_file": "/keys/it's", "ssh_port": 2222})"});
  ASSERT_TRUE(access.ok());
  EXPECT_THAT(access->environment,
              Contains(Pair("GIT_SSH_COMMAND", AllOf(HasSubstr("BatchMode=yes"), HasSubstr("-i '/keys/it'\\''s'"), HasSubstr("-p '2222'"),
                                                     HasSubstr("/state/ssh/known_hosts"), HasSubstr("StrictHostKeyChecking='accept-new'")))));
  EXPECT_EQ(access->private_key, "");
  const StatusOr<GitAccess> with_key = Access("git@h:a.git", {.id = "github", .extra = R"({"private_key": "-----BEGIN"})"});
  ASSERT_TRUE(with_key.ok());
  EXPECT_EQ(with_key->private_key, "-----BEGIN\n");
  EXPECT_THAT(with_key->environment, Contains(Pair("GIT_SSH_COMMAND", HasSubstr("-i '/state/ssh/key'"))));
}

TEST(GitAccessTest, SaysWhatOfAConnectionCannotBeUsed) {
  EXPECT_THAT(Access("", {.id = "github"}).status().message(), HasSubstr("has no address"));
  EXPECT_THAT(Access("", {.id = "github", .host = "https://bot:secret@h/a.git"}).status().message(),
              AllOf(HasSubstr("put them into login and password"), ::testing::Not(HasSubstr("secret"))));
  EXPECT_THAT(Access("git@h:a.git", {.id = "github", .extra = R"({"private_key_passphrase": "x"})"}).status().message(),
              HasSubstr("private_key_passphrase is not supported"));
  EXPECT_EQ(Access("git@h:a.git", {.id = "github", .extra = R"({"private_key": "secret)"}).status().message(),
            "connection 'github': its extra is no JSON object");
}

TEST(GitAccessTest, AnAddressIsShownWithoutWhoUsesIt) {
  EXPECT_EQ(ShownUrl("https://bot:token@h/a.git"), "https://h/a.git");
  EXPECT_EQ(ShownUrl("ssh://git@h/a@b.git"), "ssh://h/a@b.git");
  EXPECT_EQ(ShownUrl("git@h:a.git"), "git@h:a.git");
}

}  // namespace
}  // namespace millrace::bundles
