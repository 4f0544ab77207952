#include "scheduler/auth/accounts.h"

#include <algorithm>
#include <future>
#include <memory>

#include "core/model/json.h"
#include "scheduler/auth/secrets.h"

namespace millrace::auth {
namespace {

constexpr const char* kAdmin = "admin";
constexpr const char* kWorkerUser = "worker";
constexpr const char* kMonitorUser = "metrics";
constexpr std::size_t kRemembered = 4096;
constexpr Duration kRenewBefore = std::chrono::hours(24 * 30);

Status BadLogin() { return Unauthenticated("User name or password is wrong"); }
Status BadToken() { return Unauthenticated("The token is not valid; log in again"); }

// A token never has more than its user's present role.
std::optional<Role> Effective(const TokenRecord& token, const UserRecord& user) {
  const auto a = RoleFromString(token.role);
  const auto b = RoleFromString(user.role);
  if (!a || !b || (*a != *b && !(IsOfPeople(*a) && IsOfPeople(*b)))) return std::nullopt;
  return std::min(*a, *b);
}

std::string NobodysHash() {
  auto hash = HashPassword(NewToken());
  return hash.ok() ? std::move(*hash) : std::string();
}

AuditRecord Audit(WallTime at, const std::string& user, const std::string& action, const std::string& object,
                  const std::string& address = "") {
  Value::Map detail;
  if (!address.empty()) detail.emplace_back("address", Value(address));
  return {at, user, action, object, ToJson(Value(std::move(detail)))};
}

std::vector<std::string> InOrder(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

Accounts::Accounts(AccountsOptions options, store::AccountReader& reader, Inbox& inbox, const Clock& clock)
    : options_(std::move(options)),
      reader_(reader),
      inbox_(inbox),
      clock_(clock),
      limiter_(clock),
      nobody_(NobodysHash()) {}

Status Accounts::Write(std::vector<Record> records) {
  // Shared with the callback, which may come after we stopped waiting.
  auto answer = std::make_shared<std::promise<Status>>();
  std::future<Status> written = answer->get_future();
  RETURN_IF_ERROR(inbox_.Submit(WriteRecords{std::move(records)},
                                [answer](const CommandReply& reply) { answer->set_value(reply.status()); }));
  if (written.wait_for(options_.patience) != std::future_status::ready) {
    return Unavailable("The change was not written in time; it may still come true");
  }
  return written.get();
}

StatusOr<Token> Accounts::Issue(const std::string& user, Role role, Duration lifetime,
                                std::vector<Record> before) {
  Token token{NewToken(), clock_.now().wall + lifetime};
  before.emplace_back(
      TokenRecord{TokenHash(token.secret), user, std::string(ToString(role)), token.expires_at, false});
  RETURN_IF_ERROR(Write(std::move(before)));
  return token;
}

StatusOr<FirstStart> Accounts::Prepare() {
  ASSIGN_OR_RETURN(const std::vector<UserRecord> users, reader_.ListUsers());
  const auto has = [&](const std::string& name) {
    return std::any_of(users.begin(), users.end(), [&](const UserRecord& user) { return user.name == name; });
  };
  FirstStart first;
  const WallTime now = clock_.now().wall;
  std::vector<Record> records;
  if (!has(kAdmin)) {
    first.admin_password = NewPassword();
    ASSIGN_OR_RETURN(std::string hash, HashPassword(first.admin_password));
    // The file first: a crash in between leaves a password that the next start replaces, never a user nobody
    // can be.
    RETURN_IF_ERROR(WriteSecretFile(options_.state_folder + "/admin.password", first.admin_password));
    records.emplace_back(UserRecord{kAdmin, std::move(hash), std::string(ToString(Role::kAdmin)), false});
    records.emplace_back(Audit(now, "system", "create_user", kAdmin));
  }
  if (!has(kWorkerUser))
    records.emplace_back(UserRecord{kWorkerUser, "", std::string(ToString(Role::kWorker)), false});
  if (!has(kMonitorUser))
    records.emplace_back(UserRecord{kMonitorUser, "", std::string(ToString(Role::kMonitor)), false});
  if (!records.empty()) RETURN_IF_ERROR(Write(std::move(records)));
  RETURN_IF_ERROR(KeepTokenFile("cli.token", kAdmin, Role::kAdmin));
  RETURN_IF_ERROR(KeepTokenFile("worker.token", kWorkerUser, Role::kWorker));
  RETURN_IF_ERROR(KeepTokenFile("metrics.token", kMonitorUser, Role::kMonitor));
  return first;
}

Status Accounts::KeepTokenFile(const std::string& name, const std::string& user, Role role) {
  const std::string path = options_.state_folder + "/" + name;
  if (const auto present = ReadSecretFile(path); present.ok()) {
    const auto known = Read(TokenHash(*present));
    if (known.ok() && known->identity.role == role && known->expires_at > clock_.now().wall + kRenewBefore) {
      return OkStatus();
    }
  }
  std::vector<Record> audit;
  audit.emplace_back(Audit(clock_.now().wall, "system", "create_token", user));
  ASSIGN_OR_RETURN(const Token token, Issue(user, role, options_.file_token, std::move(audit)));
  return WriteSecretFile(path, token.secret);
}

bool Accounts::CheckPassword(const std::string& user, const std::string& password, UserRecord* record) {
  // An unknown user costs as much as a wrong password, so that neither can be told from the other.
  auto found = reader_.GetUser(user);
  const bool usable = found.ok() && !found->deleted && found->password_hash.starts_with("$argon2id$");
  const bool matches = PasswordMatches(password, usable ? found->password_hash : nobody_);
  if (!usable || !matches) return false;
  *record = std::move(*found);
  return true;
}

StatusOr<Token> Accounts::Login(const std::string& user, const std::string& password,
                                const std::string& address) {
  if (user.empty() || user.size() > 128 || password.size() > 1024) return BadLogin();
  RETURN_IF_ERROR(limiter_.Try(address, user));
  if (!logins_.try_acquire()) return ResourceExhausted("Too many logins at once; try again");
  auto token = LoginInTurn(user, password, address);
  logins_.release();
  return token;
}

StatusOr<Token> Accounts::LoginInTurn(const std::string& user, const std::string& password,
                                      const std::string& address) {
  hashing_.acquire();
  UserRecord record;
  const bool matches = CheckPassword(user, password, &record);
  hashing_.release();
  const auto role = RoleFromString(record.role);
  if (!matches || !role || !IsOfPeople(*role)) return BadLogin();
  limiter_.Succeeded(address, user);
  std::vector<Record> audit;
  audit.emplace_back(Audit(clock_.now().wall, user, "login", user, address));
  return Issue(user, *role, options_.session, std::move(audit));
}

StatusOr<Accounts::Known> Accounts::Read(const std::string& hash) {
  const Now now = clock_.now();
  auto token = reader_.GetToken(hash);
  if (!token.ok()) return token.status().code() == Code::kNotFound ? BadToken() : token.status();
  if (!SameSecret(token->hash, hash) || token->revoked || token->expires_at <= now.wall) return BadToken();
  auto user = reader_.GetUser(token->user);
  if (!user.ok()) return user.status().code() == Code::kNotFound ? BadToken() : user.status();
  const auto role = Effective(*token, *user);
  if (user->deleted || !role) return BadToken();
  return Known{{user->name, *role, std::move(user->teams)}, now.boot + options_.remembered, token->expires_at};
}

StatusOr<Identity> Accounts::Verify(std::string_view token) {
  if (token.empty() || token.size() > 256) return BadToken();
  const std::string hash = TokenHash(token);
  const Now now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(hash);
    if (found != known_.end()) {
      if (now.boot < found->second.until && now.wall < found->second.expires_at)
        return found->second.identity;
      known_.erase(found);
    }
  }
  ASSIGN_OR_RETURN(Known known, Read(hash));
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kRemembered) known_.clear();
  return known_.insert_or_assign(hash, std::move(known)).first->second.identity;
}

Status Accounts::Revoke(std::string_view token) {
  const std::string hash = TokenHash(token);
  auto record = reader_.GetToken(hash);
  if (!record.ok()) return record.status().code() == Code::kNotFound ? BadToken() : record.status();
  record->revoked = true;
  std::vector<Record> records;
  records.emplace_back(Audit(clock_.now().wall, record->user, "revoke_token", record->user));
  records.emplace_back(std::move(*record));
  RETURN_IF_ERROR(Write(std::move(records)));
  const std::lock_guard lock(mutex_);
  known_.erase(hash);
  return OkStatus();
}

StatusOr<std::vector<UserRecord>> Accounts::Users() {
  ASSIGN_OR_RETURN(std::vector<UserRecord> users, reader_.ListUsers());
  std::erase_if(users, [](const UserRecord& user) {
    const auto role = RoleFromString(user.role);
    return user.deleted || !role || !IsOfPeople(*role);
  });
  for (UserRecord& user : users) user.password_hash.clear();
  return users;
}

Status Accounts::SetUser(const std::string& user, const std::optional<std::string>& password, Role role,
                         const std::string& by, const std::optional<std::vector<std::string>>& teams) {
  if (!IsValidId(user) || user == kWorkerUser || user == kMonitorUser || !IsOfPeople(role)) {
    return InvalidArgument("Not a user name or role that people can have: " + user);
  }
  if (user == kAdmin && role != Role::kAdmin)
    return FailedPrecondition("The user admin stays an admin: whoever has the machine could not help otherwise");
  if (password && (password->size() < 8 || password->size() > 1024)) {
    return InvalidArgument("A password has 8 to 1024 characters");
  }
  UserRecord record{.name = user, .password_hash = "", .role = std::string(ToString(role))};
  if (teams) {
    for (const std::string& team : *teams) RETURN_IF_ERROR(CheckTeam(team));
    record.teams = InOrder(*teams);
  }
  StatusOr<UserRecord> before = reader_.GetUser(user);
  if (!before.ok() && (!password || before.status().code() != Code::kNotFound)) return before.status();
  if (before.ok() && !teams && !before->deleted) record.teams = before->teams;
  if (password) {
    hashing_.acquire();
    auto hashed = HashPassword(*password);
    hashing_.release();
    RETURN_IF_ERROR(hashed.status());
    record.password_hash = std::move(*hashed);
  } else {
    record.password_hash = std::move(before->password_hash);
  }
  std::vector<Record> records;
  records.emplace_back(std::move(record));
  records.emplace_back(Audit(clock_.now().wall, by, "set_user", user));
  return Forget(user, std::move(records));
}

Status Accounts::DeleteUser(const std::string& user, const std::string& by) {
  if (user == kAdmin) {
    return FailedPrecondition(
        "The user admin stays: the next start would make it again. Give it a password that nobody knows instead");
  }
  ASSIGN_OR_RETURN(UserRecord record, reader_.GetUser(user));
  const auto role = RoleFromString(record.role);
  if (record.deleted || !role || !IsOfPeople(*role)) return NotFound("There is no user " + user);
  record.deleted = true;
  std::vector<Record> records;
  records.emplace_back(Audit(clock_.now().wall, by, "delete_user", user));
  records.emplace_back(std::move(record));
  return Forget(user, std::move(records));
}

// What was remembered of its tokens holds no longer.
Status Accounts::Forget(const std::string& user, std::vector<Record> records) {
  RETURN_IF_ERROR(Write(std::move(records)));
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [&](const auto& entry) { return entry.second.identity.user == user; });
  return OkStatus();
}

}  // namespace millrace::auth
