#include "scheduler/auth/vault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/model/json.h"
#include "tests/support/fake_credentials.h"

namespace millrace::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr const char* kOther = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

TEST(Keyring, what_is_sealed_opens_with_the_key_alone_and_only_as_the_same_thing) {
  const Keyring keys = *Keyring::FromText(kKey);
  const std::string sealed = keys.Seal("hunter2", "variable x");
  EXPECT_THAT(sealed, Not(HasSubstr("hunter2")));
  EXPECT_NE(sealed, keys.Seal("hunter2", "variable x")) << "a nonce of its own each time";
  EXPECT_EQ(*keys.Unseal(sealed, "variable x"), "hunter2");
  EXPECT_EQ(keys.Unseal(sealed, "variable y").status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(Keyring::FromText(kOther)->Unseal(sealed, "variable x").status().code(),
            Code::kFailedPrecondition);
  std::string damaged = sealed;
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {damaged, sealed.substr(0, sealed.size() - 8), std::string("v1:"),
                                   std::string(), std::string("hunter2")}) {
    const Status status = keys.Unseal(wrong, "variable x").status();
    EXPECT_EQ(status.code(), Code::kFailedPrecondition) << wrong;
    EXPECT_THAT(status.message(), HasSubstr("variable x"));
  }
  EXPECT_EQ(*keys.Unseal(keys.Seal("", "e"), "e"), "");
}

TEST(Keyring, the_first_of_several_keys_seals_and_all_of_them_open) {
  const std::string old = Keyring::FromText(kOther)->Seal("hunter2", "x");
  const Keyring both = *Keyring::FromText(std::string(kKey) + "," + kOther);
  EXPECT_EQ(*both.Unseal(old, "x"), "hunter2");
  EXPECT_EQ(*Keyring::FromText(kKey)->Unseal(both.Seal("new", "x"), "x"), "new");
  for (const std::string& wrong :
       {std::string(), std::string("abc"), std::string(kKey) + "0", std::string(64, 'x'), std::string(",")}) {
    const Status status = Keyring::FromText(wrong).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << wrong;
    if (wrong.size() > 1) {
      EXPECT_THAT(status.message(), Not(HasSubstr(wrong)));
    }
  }
}

TEST(Keyring, the_key_file_is_made_once_for_its_owner_alone_and_the_environment_wins) {
  std::string folder = testing::TempDir() + "/keyringXXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const char* nothing[] = {"HOME=/", nullptr};
  const std::string sealed = Keyring::Open(folder, nothing)->Seal("hunter2", "x");
  struct stat facts {};
  ASSERT_EQ(stat((folder + "/secret.key").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777U, 0600U);
  EXPECT_EQ(*Keyring::Open(folder, nothing)->Unseal(sealed, "x"), "hunter2");
  const std::string entry = std::string("MILLRACE_SECRET_KEY=") + kKey;
  const char* given[] = {entry.c_str(), nullptr};
  EXPECT_EQ(*Keyring::FromText(kKey)->Unseal(Keyring::Open(folder, given)->Seal("a", "x"), "x"), "a");
  std::ofstream(folder + "/secret.key") << "no key\n";
  EXPECT_THAT(Keyring::Open(folder, nothing).status().message(), HasSubstr("secret.key"));
  std::filesystem::remove_all(folder);
}

TemplateNeed Variable(const std::string& name) {
  return {TemplateNeed::Kind::kVariable, name, "", std::nullopt};
}
TemplateNeed Conn(const std::string& name) {
  return {TemplateNeed::Kind::kConnection, name, "", std::nullopt};
}

class VaultTest : public testing::Test {
 protected:
  VaultTest() {
    rows_.variables["bucket"] = vault_.Seal("bucket", "raw", "where files go");
    rows_.variables["zone"] = vault_.Seal("zone", "of the store", "");
    rows_.variables["api_token"] = vault_.Seal("api_token", R"({"main": "hunter2"})", "");
    connection_ = *ParseConnection("db", "postgresql://ana:hunter2@h:5432/sales?token=shh");
    rows_.connections["db"] = vault_.Seal(connection_);
  }

  const char* environment_[5] = {
      "MILLRACE_VAR_ZONE=of the environment", "MILLRACE_CONN_LAKE=duckdb:lake.duckdb",
      R"(MILLRACE_CONN_JSON={"conn_type": "http", "host": "h", "password": "pw1"})", "MILLRACE_VAR_=x",
      nullptr};
  test::FakeCredentials rows_;
  Vault vault_{*Keyring::FromText(kKey), environment_, rows_, rows_};
  Connection connection_;
};

TEST_F(VaultTest, rows_hold_nothing_that_is_secret_in_the_clear) {
  const ConnectionRecord row = vault_.Seal(connection_);
  EXPECT_EQ(row.host, "h");
  EXPECT_EQ(row.login, "ana");
  for (const std::string& text : {row.sealed, row.host, row.login, row.schema, row.type, row.description}) {
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(text, Not(HasSubstr("shh")));
  }
  EXPECT_EQ(*vault_.Open(row), connection_);
}

TEST_F(VaultTest, the_environment_wins_over_the_store) {
  EXPECT_EQ(vault_.FindFor("", Variable("bucket"))->as_string(), "raw");
  EXPECT_EQ(vault_.FindFor("", Variable("zone"))->as_string(), "of the environment");
  EXPECT_EQ(vault_.FindFor("", Variable("nothing")).status().code(), Code::kNotFound);
  EXPECT_EQ(vault_.FindFor("", Conn("db"))->Find("password")->as_string(), "hunter2");
  EXPECT_EQ(vault_.FindFor("", Conn("lake"))->Find("host")->as_string(), "lake.duckdb");
  EXPECT_EQ(vault_.FindFor("", Conn("nothing")).status().code(), Code::kNotFound);
  EXPECT_EQ(*vault_.GetFor("", "lake"), "duckdb:lake.duckdb");
  EXPECT_EQ(*vault_.GetFor("", "db"), "postgresql://ana:hunter2@h:5432/sales?token=shh");
  EXPECT_EQ(*vault_.GetFor("", "json"), "http://:pw1@h");
  EXPECT_THAT(vault_.GetFor("", "nothing").status().message(), HasSubstr("dagctl connections add nothing"));
}

TEST_F(VaultTest, what_a_team_has_only_its_dags_find) {
  rows_.variables["bucket"].team = "sales";
  connection_.team = "sales";
  rows_.connections["db"] = vault_.Seal(connection_);
  EXPECT_EQ(rows_.connections["db"].team, "sales");
  EXPECT_EQ(vault_.Open(rows_.connections["db"])->team, "sales");
  EXPECT_EQ(vault_.FindFor("sales", Variable("bucket"))->as_string(), "raw");
  EXPECT_EQ(vault_.FindFor("sales", Variable("zone"))->as_string(), "of the environment") << "that is everybody's";
  EXPECT_EQ(*vault_.GetFor("sales", "db"), "postgresql://ana:hunter2@h:5432/sales?token=shh");
  const Status other = vault_.FindFor("ads", Variable("bucket")).status();
  EXPECT_EQ(other.code(), Code::kPermissionDenied);
  EXPECT_EQ(other.message(), "variable bucket belongs to team sales, and this DAG to team ads");
  EXPECT_EQ(vault_.GetFor("", "db").status().message(), "connection db belongs to team sales, and this DAG to none");
  EXPECT_EQ(vault_.FindFor("", Conn("db")).status().code(), Code::kPermissionDenied);
  ShownValues shown(vault_);
  EXPECT_EQ(shown.FindFor("ads", Variable("bucket")).status().code(), Code::kPermissionDenied);
}

TEST_F(VaultTest, another_key_is_told_of_not_taken_for_nothing) {
  const Vault other(*Keyring::FromText(kOther), environment_, rows_, rows_);
  EXPECT_EQ(other.GetFor("", "db").status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(other.GetFor("", "db").status().message(), HasSubstr("connection db was sealed with another key"));
}

TEST_F(VaultTest, people_see_a_mask_instead_of_secrets) {
  ShownValues shown(vault_);
  EXPECT_EQ(shown.FindFor("", Variable("bucket"))->as_string(), "raw");
  EXPECT_EQ(shown.FindFor("", Variable("api_token"))->as_string(), R"({"main":"***"})");
  EXPECT_EQ(ToJson(*shown.FindFor("", Conn("db"))).find("hunter2"), std::string::npos);
  EXPECT_EQ(shown.FindFor("", Conn("db"))->Find("login")->as_string(), "ana");
  EXPECT_EQ(ShownVariable("password", "hunter2"), "***");
  EXPECT_EQ(ShownVariable("password", ""), "");
}

}  // namespace
}  // namespace millrace::auth
