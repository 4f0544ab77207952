#include "scheduler/store/account_reader.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

// DAGs whose files are gone, too: their runs are there, and who may see them.
constexpr const char* kTeamUses =
    "SELECT kind, name FROM (SELECT 1 AS place, 'user' AS kind, name FROM user "
    "WHERE ?1 IN (SELECT value FROM json_each(teams)) "
    "UNION ALL SELECT 2, 'DAG', dag_id FROM dag WHERE team = ?1 AND deleted = 0 "
    "UNION ALL SELECT 3, 'pool', name FROM pool WHERE team = ?1 "
    "UNION ALL SELECT 4, 'variable', name FROM variable WHERE team = ?1 "
    "UNION ALL SELECT 5, 'connection', name FROM connection WHERE team = ?1) ORDER BY place, name";

class Accounts : public AccountReader {
 public:
  explicit Accounts(ReadPool& pool) : pool_(pool) {}

  StatusOr<UserRecord> GetUser(const std::string& name) override {
    return pool_.Read<UserRecord>([&](Database& database) {
      Query query(std::string("SELECT ") + kUserColumns + " FROM user");
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
      ASSIGN_OR_RETURN(
          Statement statement,
          database.Prepare(std::string("SELECT ") + kUserColumns + " FROM user ORDER BY name"));
      return All<UserRecord>(statement, ReadUser);
    });
  }

  StatusOr<std::vector<std::string>> ListTeams() override {
    return pool_.Read<std::vector<std::string>>(
        [](Database& database) -> StatusOr<std::vector<std::string>> {
          ASSIGN_OR_RETURN(Statement statement, database.Prepare("SELECT name FROM team ORDER BY name"));
          return All<std::string>(statement, [](const Statement& row) { return row.Text(0); });
        });
  }

  StatusOr<std::vector<TeamUse>> ListUses(const std::string& team) override {
    return pool_.Read<std::vector<TeamUse>>([&](Database& database) -> StatusOr<std::vector<TeamUse>> {
      ASSIGN_OR_RETURN(Statement statement, database.Prepare(kTeamUses));
      statement.Bind(1, team);
      return All<TeamUse>(statement, [](const Statement& row) -> TeamUse {
        return {.kind = row.Text(0), .name = row.Text(1)};
      });
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<AccountReader> MakeAccountReader(ReadPool& pool) { return std::make_unique<Accounts>(pool); }

}  // namespace millrace::store
