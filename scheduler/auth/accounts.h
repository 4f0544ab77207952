// Users, their teams and tokens. Reads come from committed rows through AccountReader; changes go through the inbox as
// records and are answered when durable. Tokens that were verified lately are kept, so that a request costs a
// hash and a look-up.
//
// Called by the API's worker threads, the gateway's threads and, at start, by main.cc; any thread. It does
// not decide what somebody may do: that is Authorize.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/status.h"
#include "scheduler/auth/identity.h"
#include "scheduler/auth/login_limiter.h"
#include "scheduler/inbox.h"
#include "scheduler/store/reader.h"

namespace millrace::auth {

struct AccountsOptions {
  std::string state_folder;  // admin.password, cli.token, worker.token and metrics.token live here
  Duration session = std::chrono::hours(24);           // of a token got with a password
  Duration file_token = std::chrono::hours(24 * 365);  // of the token files
  Duration remembered = std::chrono::seconds(30);      // how long a verified token is believed without a read
  Duration patience = std::chrono::seconds(10);        // for a commit
};

struct Token {
  std::string secret;
  WallTime expires_at{};
};

// What the first start of an installation made; empty afterwards.
struct FirstStart {
  std::string admin_password;  // also in STATE/admin.password
};

class Accounts : public TokenVerifier {
 public:
  Accounts(AccountsOptions options, store::AccountReader& reader, Inbox& inbox, const Clock& clock);

  // Makes the user `admin` when there are no users, and the token files when they are missing or
  // about to expire. Blocks until that is durable, so the loop must be running.
  StatusOr<FirstStart> Prepare();

  // UNAUTHENTICATED, or RESOURCE_EXHAUSTED when there were too many tries. At most two passwords are checked
  // at once.
  StatusOr<Token> Login(const std::string& user, const std::string& password, const std::string& address);
  StatusOr<Identity> Verify(std::string_view token) override;
  // The token is refused from now on.
  Status Revoke(std::string_view token);
  // Those of people, by name, without what their passwords hash to.
  StatusOr<std::vector<UserRecord>> Users();
  // Adds a user, or sets role, password and teams of one; without a password that stays, and NOT_FOUND is who has none; without
  // teams those stay. Tokens that the user had stay, with the new role and teams. `by`: for the audit log.
  Status SetUser(const std::string& user, const std::optional<std::string>& password, Role role,
                 const std::string& by = "system",
                 const std::optional<std::vector<std::string>>& teams = std::nullopt);
  // Its tokens are refused from now on. FAILED_PRECONDITION of `admin`, who would be made again by the next start.
  Status DeleteUser(const std::string& user, const std::string& by);

  // Names, in order.
  StatusOr<std::vector<std::string>> Teams();
  // INVALID_ARGUMENT when there is none of that name; "" stands for everybody.
  Status CheckTeam(const std::string& team);
  // INVALID_ARGUMENT of what is no name of a team, ALREADY_EXISTS.
  Status CreateTeam(const std::string& team, const std::string& by);
  // NOT_FOUND; FAILED_PRECONDITION while something belongs to it, with what that is. What is given to the team at that very
  // moment is nobody's until there is a team of that name again.
  Status DeleteTeam(const std::string& team, const std::string& by);

 private:
  struct Known {
    Identity identity;
    BootTime until{};
    WallTime expires_at{};
  };

  Status Write(std::vector<Record> records);
  StatusOr<Token> Issue(const std::string& user, Role role, Duration lifetime, std::vector<Record> before);
  Status KeepTokenFile(const std::string& name, const std::string& user, Role role);
  StatusOr<Known> Read(const std::string& hash);
  StatusOr<Token> LoginInTurn(const std::string& user, const std::string& password,
                              const std::string& address);
  Status Forget(const std::string& user, std::vector<Record> records);
  bool CheckPassword(const std::string& user, const std::string& password, UserRecord* record);

  const AccountsOptions options_;
  store::AccountReader& reader_;
  Inbox& inbox_;
  const Clock& clock_;
  LoginLimiter limiter_;
  const std::string nobody_;  // the hash of a password that nobody has
  std::counting_semaphore<8> logins_{
      4};  // others are told to come back: a flood of them must not hold up every request
  std::counting_semaphore<8> hashing_{2};
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by token hash
};

}  // namespace millrace::auth
