#include "scheduler/store/account_reader.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

class Accounts : public AccountReader {
 public:
  explicit Accounts(ReadPool& pool) : pool_(pool) {}

  StatusOr<UserRecord> GetUser(const std::string& name) override {
    return pool_.Read<UserRecord>([&](Database& database) {
      Query query("SELECT name, password_hash, role FROM user");
      query.Where("name = ?").Add(name);
      return One<UserRecord>(database, query, "user not found: " + name, ReadUser);
    });
  }

  StatusOr<TokenRecord> GetToken(const std::string& hash) override {
    return pool_.Read<TokenRecord>([&](Database& database) {
      Query query("SELECT hash, user, role, expires_at, revoked FROM token");
      query.Where("hash = ?").Add(hash);
      return One<TokenRecord>(database, query, "token not found", [](const Statement& row) {
        return TokenRecord{.hash = row.Text(0),
                           .user = row.Text(1),
                           .role = row.Text(2),
                           .expires_at = WallFromMicros(row.Int(3)),
                           .revoked = row.Int(4) != 0};
      });
    });
  }

  StatusOr<std::vector<UserRecord>> ListUsers() override {
    return pool_.Read<std::vector<UserRecord>>([](Database& database) -> StatusOr<std::vector<UserRecord>> {
      ASSIGN_OR_RETURN(Statement statement,
                       database.Prepare("SELECT name, password_hash, role FROM user ORDER BY name"));
      return All<UserRecord>(statement, ReadUser);
    });
  }

 private:
  static UserRecord ReadUser(const Statement& row) {
    return {.name = row.Text(0), .password_hash = row.Text(1), .role = row.Text(2)};
  }

  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<AccountReader> MakeAccountReader(ReadPool& pool) { return std::make_unique<Accounts>(pool); }

}  // namespace millrace::store
