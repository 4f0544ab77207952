// Teams on the real store: their names, who is in them, what belongs to them.
#include "tests/support/dag_builder.h"
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class TeamsTest : public StoreTest {
 protected:
  static UserRecord User(const std::string& name, std::vector<std::string> teams) {
    return {.name = name, .password_hash = "$argon2id$", .role = "user", .teams = std::move(teams)};
  }
};

TEST_F(TeamsTest, TeamsAreKeptByNameAndForgotten) {
  Open();
  Batch batch;
  batch.records = {TeamRecord{.name = "sales"}, TeamRecord{.name = "ads"}, TeamRecord{.name = "ads"}};
  Commit(batch);
  EXPECT_EQ(*readers_->accounts().ListTeams(), (std::vector<std::string>{"ads", "sales"}));
  Batch next;
  next.records = {TeamRecord{.name = "ads", .deleted = true}};
  Commit(next);
  EXPECT_EQ(*readers_->accounts().ListTeams(), std::vector<std::string>{"sales"});
}

TEST_F(TeamsTest, WhatBelongsToATeamIsToldByKindAndName) {
  Open();
  Batch batch;
  batch.records = {TeamRecord{.name = "sales"},
                   User("eva", {"sales", "ads"}),
                   User("ana", {"sales"}),
                   User("bob", {"salespeople"}),
                   PoolRow{.name = "warehouse", .slots = 2, .description = "", .team = "sales"},
                   PoolRow{.name = "all", .slots = 2, .description = ""},
                   VariableRecord{.key = "bucket", .sealed = "v1:a", .description = "", .team = "sales"},
                   ConnectionRecord{.id = "lake",
                                    .type = "s3",
                                    .description = "",
                                    .host = "",
                                    .login = "",
                                    .schema = "",
                                    .port = std::nullopt,
                                    .sealed = "v1:b",
                                    .team = "sales"}};
  for (const char* id : {"etl", "hidden", "shared"}) {
    DagRow row;
    row.dag_id = id;
    row.version = 1;
    row.team = row.dag_id == "shared" ? "" : "sales";
    row.deleted = row.dag_id == "hidden";
    batch.dags.push_back(row);
    batch.dag_versions.push_back({id, 1, WallFromMicros(1), test::DagBuilder(id).Add("a").Build()});
  }
  Commit(batch);
  EXPECT_EQ(*readers_->accounts().ListUses("sales"), (std::vector<TeamUse>{{"user", "ana"},
                                                                          {"user", "eva"},
                                                                          {"DAG", "etl"},
                                                                          {"pool", "warehouse"},
                                                                          {"variable", "bucket"},
                                                                          {"connection", "lake"}}));
  EXPECT_EQ(*readers_->accounts().ListUses("ads"), (std::vector<TeamUse>{{"user", "eva"}}));
  EXPECT_EQ(readers_->accounts().GetUser("eva")->teams, (std::vector<std::string>{"sales", "ads"}));
  EXPECT_EQ(readers_->variables().GetVariable("bucket")->team, "sales");
  EXPECT_EQ(readers_->connections().GetConnection("lake")->team, "sales");
  EXPECT_EQ(readers_->dags().GetDag("etl")->row.team, "sales");
}

TEST_F(TeamsTest, WhatAnOlderProgramLeftIsEverybodys) {
  LeaveOlder(18, "INSERT INTO pool VALUES ('heavy', 2, '', 0); INSERT INTO user VALUES ('ana', 'hash', 'op')");
  Open();
  EXPECT_EQ(readers_->accounts().ListTeams()->size(), 0U);
  EXPECT_TRUE(readers_->accounts().GetUser("ana")->teams.empty());
  ASSERT_EQ(image_.pools.size(), 1U);
  EXPECT_EQ(image_.pools[0].team, "");
}

}  // namespace
}  // namespace millrace::store
