#include "scheduler/auth/accounts.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "scheduler/auth/secrets.h"
#include "tests/support/fake_inbox.h"
#include "tests/support/manual_clock.h"

namespace millrace::auth {
namespace {

class AccountsTest : public testing::Test {
 protected:
  AccountsTest() {
    folder_ =
        testing::TempDir() + "accounts_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Restart();
  }
  ~AccountsTest() override { std::filesystem::remove_all(folder_); }

  void Restart() {
    AccountsOptions options;
    options.state_folder = folder_;
    options.patience = std::chrono::milliseconds(50);
    accounts_.emplace(options, rows_, inbox_, clock_);
  }
  std::string Secret(const std::string& name) { return ReadSecretFile(folder_ + "/" + name).value(); }

  std::string folder_;
  test::ManualClock clock_;
  test::FakeAccounts rows_;
  test::FakeInbox inbox_{rows_};
  std::optional<Accounts> accounts_;
};

TEST_F(AccountsTest, TheFirstStartMakesAnAdminAndPrivateFiles) {
  const auto first = accounts_->Prepare();
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->admin_password.size(), 20U);
  EXPECT_EQ(Secret("admin.password"), first->admin_password);
  for (const char* name : {"admin.password", "cli.token", "worker.token", "metrics.token"}) {
    struct stat status {};
    ASSERT_EQ(stat((folder_ + "/" + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
  EXPECT_EQ(accounts_->Verify(Secret("cli.token"))->role, Role::kAdmin);
  EXPECT_EQ(accounts_->Verify(Secret("worker.token"))->role, Role::kWorker);
  EXPECT_EQ(accounts_->Verify(Secret("metrics.token"))->role, Role::kMonitor);
  EXPECT_FALSE(accounts_->SetUser("metrics", "password", Role::kAdmin).ok());
  EXPECT_FALSE(accounts_->SetUser("ana", "password", Role::kMonitor).ok());
  EXPECT_TRUE(accounts_->Login("admin", first->admin_password, "127.0.0.1").ok());
}

TEST_F(AccountsTest, ALaterStartKeepsWhatThereIs) {
  ASSERT_TRUE(accounts_->Prepare().ok());
  const std::string password = Secret("admin.password");
  const std::string token = Secret("cli.token");
  Restart();
  EXPECT_EQ(accounts_->Prepare()->admin_password, "");
  EXPECT_EQ(Secret("admin.password"), password);
  EXPECT_EQ(Secret("cli.token"), token);
  std::filesystem::remove(folder_ + "/cli.token");
  ASSERT_TRUE(accounts_->Prepare().ok());
  EXPECT_NE(Secret("cli.token"), token);
}

TEST_F(AccountsTest, OnlyHashesAreStored) {
  const auto first = accounts_->Prepare();
  const auto token = accounts_->Login("admin", first->admin_password, "127.0.0.1");
  ASSERT_TRUE(token.ok());
  for (const TokenRecord& record : rows_.tokens()) {
    EXPECT_EQ(record.hash.size(), 64U);
    EXPECT_NE(record.hash, token->secret);
  }
  EXPECT_TRUE(rows_.GetUser("admin")->password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

TEST_F(AccountsTest, TokensExpireAndCanBeRevoked) {
  const auto first = accounts_->Prepare();
  const auto token = accounts_->Login("admin", first->admin_password, "127.0.0.1");
  ASSERT_TRUE(accounts_->Verify(token->secret).ok());
  const auto other = accounts_->Login("admin", first->admin_password, "127.0.0.1");
  ASSERT_TRUE(accounts_->Revoke(other->secret).ok());
  EXPECT_EQ(accounts_->Verify(other->secret).status().code(), Code::kUnauthenticated);
  clock_.Advance(std::chrono::hours(25));
  EXPECT_EQ(accounts_->Verify(token->secret).status().code(), Code::kUnauthenticated);
  EXPECT_EQ(accounts_->Verify("no such token").status().code(), Code::kUnauthenticated);
  EXPECT_EQ(accounts_->Verify("").status().code(), Code::kUnauthenticated);
}

TEST_F(AccountsTest, AVerifiedTokenCostsNoReadForAWhile) {
  ASSERT_TRUE(accounts_->Prepare().ok());
  const std::string token = Secret("cli.token");
  ASSERT_TRUE(accounts_->Verify(token).ok());
  const int reads = rows_.reads();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(accounts_->Verify(token).ok());
  EXPECT_EQ(rows_.reads(), reads);
  clock_.Advance(std::chrono::minutes(1));
  ASSERT_TRUE(accounts_->Verify(token).ok());
  EXPECT_GT(rows_.reads(), reads);
}

TEST_F(AccountsTest, ATokenNeverHasMoreThanItsUserNowHas) {
  ASSERT_TRUE(accounts_->Prepare().ok());
  ASSERT_TRUE(accounts_->SetUser("ana", "long enough", Role::kOp).ok());
  const auto token = accounts_->Login("ana", "long enough", "127.0.0.1");
  EXPECT_EQ(accounts_->Verify(token->secret)->role, Role::kOp);
  ASSERT_TRUE(accounts_->SetUser("ana", "long enough", Role::kViewer).ok());
  EXPECT_EQ(accounts_->Verify(token->secret)->role, Role::kViewer);
  UserRecord gone = rows_.GetUser("ana").value();
  gone.deleted = true;
  rows_.Apply({gone});
  clock_.Advance(std::chrono::minutes(1));
  EXPECT_EQ(accounts_->Verify(token->secret).status().code(), Code::kUnauthenticated);
}

TEST_F(AccountsTest, UsersComeChangeAndGo) {
  ASSERT_TRUE(accounts_->Prepare().ok());
  EXPECT_EQ(accounts_->SetUser("ana", std::nullopt, Role::kOp).code(), Code::kNotFound);
  ASSERT_TRUE(accounts_->SetUser("ana", "long enough", Role::kOp, "admin").ok());
  const auto token = accounts_->Login("ana", "long enough", "127.0.0.1");
  const auto users = accounts_->Users();
  ASSERT_EQ(users->size(), 2U) << "programs are no users";
  EXPECT_EQ((*users)[1].name, "ana");
  EXPECT_EQ((*users)[1].password_hash, "");
  ASSERT_TRUE(accounts_->SetUser("ana", std::nullopt, Role::kViewer).ok());
  EXPECT_EQ(accounts_->Verify(token->secret)->role, Role::kViewer);
  EXPECT_TRUE(accounts_->Login("ana", "long enough", "127.0.0.1").ok()) << "the password stays";
  EXPECT_EQ(accounts_->SetUser("admin", std::nullopt, Role::kUser).code(), Code::kFailedPrecondition);
  EXPECT_EQ(accounts_->DeleteUser("admin", "ana").code(), Code::kFailedPrecondition);
  EXPECT_EQ(accounts_->DeleteUser("worker", "admin").code(), Code::kNotFound);
  EXPECT_EQ(accounts_->DeleteUser("eva", "admin").code(), Code::kNotFound);
  ASSERT_TRUE(accounts_->DeleteUser("ana", "admin").ok());
  EXPECT_EQ(accounts_->Users()->size(), 1U);
  EXPECT_EQ(accounts_->Verify(token->secret).status().code(), Code::kUnauthenticated);
  EXPECT_FALSE(accounts_->Login("ana", "long enough", "127.0.0.1").ok());
}

TEST_F(AccountsTest, AUsersTeamsAreToldWithItsTokenAndChangeAtOnce) {
  ASSERT_TRUE(accounts_->Prepare().ok());
  for (const char* team : {"sales", "ads"}) ASSERT_TRUE(accounts_->CreateTeam(team, "admin").ok());
  ASSERT_TRUE(
      accounts_->SetUser("ana", "long enough", Role::kUser, "admin", std::vector<std::string>{"sales", "ads", "sales"}).ok());
  const auto token = accounts_->Login("ana", "long enough", "127.0.0.1");
  EXPECT_EQ(accounts_->Verify(token->secret)->teams, (std::vector<std::string>{"ads", "sales"}));
  ASSERT_TRUE(accounts_->SetUser("ana", std::nullopt, Role::kOp, "admin").ok());
  EXPECT_EQ(accounts_->Verify(token->secret)->teams.size(), 2U) << "those that nobody spoke of stay";
  ASSERT_TRUE(accounts_->SetUser("ana", "long enough", Role::kOp, "admin", std::vector<std::string>{"ads"}).ok());
  EXPECT_EQ(accounts_->Verify(token->secret)->teams, std::vector<std::string>{"ads"});
  const Status wrong = accounts_->SetUser("ana", std::nullopt, Role::kOp, "admin", std::vector<std::string>{"sale"});
  EXPECT_EQ(wrong.code(), Code::kInvalidArgument);
  EXPECT_EQ(wrong.message(), "There is no team sale: did you mean 'sales'?");
  EXPECT_EQ(accounts_->CheckTeam("platform").message(),
            "There is no team platform: dagctl teams create platform makes it");
}

TEST_F(AccountsTest, TeamsComeAndGoWhenNothingBelongsToThem) {
  EXPECT_TRUE(accounts_->CheckTeam("").ok());
  for (const char* name : {"ab", "with space", "a.b", ""})
    EXPECT_EQ(accounts_->CreateTeam(name, "admin").code(), Code::kInvalidArgument) << name;
  EXPECT_EQ(accounts_->CreateTeam(std::string(51, 'a'), "admin").code(), Code::kInvalidArgument);
  ASSERT_TRUE(accounts_->CreateTeam("team_A-1", "admin").ok());
  EXPECT_EQ(accounts_->CreateTeam("team_A-1", "admin").code(), Code::kAlreadyExists);
  ASSERT_TRUE(accounts_->CreateTeam("ads", "admin").ok());
  EXPECT_EQ(*accounts_->Teams(), (std::vector<std::string>{"ads", "team_A-1"}));
  ASSERT_TRUE(
      accounts_->SetUser("ana", "long enough", Role::kUser, "admin", std::vector<std::string>{"ads"}).ok());
  rows_.other_uses["ads"] = {{"DAG", "etl"}, {"pool", "warehouse"}};
  const Status used = accounts_->DeleteTeam("ads", "admin");
  EXPECT_EQ(used.code(), Code::kFailedPrecondition);
  EXPECT_EQ(used.message(), "The team ads still has user ana, DAG etl, pool warehouse: give them to others first");
  EXPECT_EQ(accounts_->DeleteTeam("nobody", "admin").code(), Code::kNotFound);
  ASSERT_TRUE(accounts_->DeleteTeam("team_A-1", "admin").ok());
  EXPECT_EQ(*accounts_->Teams(), std::vector<std::string>{"ads"});
  EXPECT_EQ(rows_.ListAudit({.user = "admin", .action = "delete_team", .object = ""})->rows.size(), 1U);
}

TEST_F(AccountsTest, WrongPasswordsAndUnknownUsersLookAlike) {
  ASSERT_TRUE(accounts_->Prepare().ok());
  const Status wrong = accounts_->Login("admin", "guess", "127.0.0.1").status();
  const Status unknown = accounts_->Login("nobody", "guess", "127.0.0.1").status();
  const Status worker = accounts_->Login("worker", "", "127.0.0.1").status();
  EXPECT_EQ(wrong.code(), Code::kUnauthenticated);
  EXPECT_EQ(wrong, unknown);
  EXPECT_EQ(wrong, worker);
}

TEST_F(AccountsTest, LoginsAreLimitedForEachAddressAndUserWithABackOff) {
  const auto first = accounts_->Prepare();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(accounts_->Login("admin", "guess", "127.0.0.1").status().code(), Code::kUnauthenticated);
  }
  EXPECT_EQ(accounts_->Login("admin", first->admin_password, "127.0.0.1").status().code(),
            Code::kResourceExhausted);
  EXPECT_TRUE(accounts_->Login("admin", first->admin_password, "127.0.0.2").ok());
  clock_.Advance(std::chrono::seconds(61));
  EXPECT_TRUE(accounts_->Login("admin", first->admin_password, "127.0.0.1").ok());
}

TEST_F(AccountsTest, AFullInboxAndASilentLoopAreReported) {
  inbox_.refuse = ResourceExhausted("commands are full");
  EXPECT_EQ(accounts_->SetUser("ana", "long enough", Role::kUser).code(), Code::kResourceExhausted);
  inbox_.refuse = OkStatus();
  inbox_.silent = true;
  EXPECT_EQ(accounts_->SetUser("ana", "long enough", Role::kUser).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace millrace::auth
