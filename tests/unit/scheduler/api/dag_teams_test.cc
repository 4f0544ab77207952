#include "scheduler/api/dag_teams.h"

#include <gtest/gtest.h>

#include "tests/support/fake_readers.h"

namespace millrace::api {
namespace {

using auth::Identity;
using auth::Role;

// Counts how often the store is asked, and refuses on request.
class Readers final : public test::FakeReaders {
 public:
  using FakeReaders::FakeReaders;
  StatusOr<std::map<std::string, std::string>> ListTeamsOfDags() override {
    ++asked;
    if (!refuse.ok()) return refuse;
    return FakeReaders::ListTeamsOfDags();
  }
  int asked = 0;
  Status refuse;
};

class DagTeamsTest : public testing::Test {
 protected:
  static DagRow Row(const std::string& dag_id, const std::string& team) {
    DagRow row;
    row.dag_id = dag_id;
    row.version = 1;
    row.team = team;
    return row;
  }
  void Add(const std::string& dag_id, const std::string& team) {
    store::DagEntry entry;
    entry.row = Row(dag_id, team);
    entry.dag = std::make_shared<const Dag>();
    rows_.dags[dag_id] = entry;
  }
  void Commit(const DagRow& row, std::uint64_t sequence = 0) {
    Batch batch;
    batch.sequence = sequence == 0 ? ++sequence_ : sequence;
    sequence_ = batch.sequence;
    batch.dags = {row};
    teams_.Committed(batch);
  }
  Scope ScopeOf(const Identity& who) {
    StatusOr<Scope> scope = teams_.ScopeOf(who);
    EXPECT_TRUE(scope.ok()) << scope.status().ToString();
    return scope.ok() ? *scope : Scope();
  }

  test::Rows rows_;
  Readers readers_{rows_};
  DagTeams teams_{readers_};
  std::uint64_t sequence_ = 0;
  const Identity admin_{"root", Role::kAdmin, {}};
  const Identity ana_{"ana", Role::kOp, {"ads"}};
  const Identity bob_{"bob", Role::kViewer, {"ads", "sales"}};
};

TEST_F(DagTeamsTest, AMemberSeesTheDagsOfTheirTeamsAndOfNone) {
  Add("shared", "");
  Add("clicks", "ads");
  Add("orders", "sales");
  const Scope ana = ScopeOf(ana_);
  EXPECT_FALSE(ana.sees_all());
  EXPECT_TRUE(ana.Sees("shared"));
  EXPECT_TRUE(ana.Sees("clicks"));
  EXPECT_FALSE(ana.Sees("orders"));
  EXPECT_EQ(ana.teams(), store::TeamsSeen(std::vector<std::string>{"ads"}));
  const Scope bob = ScopeOf(bob_);
  EXPECT_TRUE(bob.sees_all());
  EXPECT_EQ(bob.teams(), std::nullopt);
  EXPECT_TRUE(ScopeOf(admin_).Sees("orders"));
}

TEST_F(DagTeamsTest, AScopeThatNobodyWasGivenSeesNothing) {
  EXPECT_FALSE(Scope().sees_all());
  EXPECT_FALSE(Scope().Sees("shared"));
  EXPECT_EQ(Scope().teams(), store::TeamsSeen(std::vector<std::string>()));
}

TEST_F(DagTeamsTest, TheStoreIsAskedOnceAndNeverForAdmins) {
  Add("orders", "sales");
  ScopeOf(admin_);
  EXPECT_EQ(readers_.asked, 0);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(ScopeOf(ana_).Sees("orders"));
  EXPECT_EQ(readers_.asked, 1);
}

TEST_F(DagTeamsTest, CommitsAreFollowed) {
  EXPECT_TRUE(ScopeOf(ana_).sees_all());
  Commit(Row("orders", "sales"));
  EXPECT_FALSE(ScopeOf(ana_).Sees("orders"));
  Commit(Row("orders", "ads"));
  EXPECT_TRUE(ScopeOf(ana_).sees_all());
  Commit(Row("orders", "sales"));
  Commit(Row("orders", ""));
  EXPECT_TRUE(ScopeOf(ana_).sees_all());
  EXPECT_EQ(readers_.asked, 1);
}

TEST_F(DagTeamsTest, WhatWasCommittedBeforeTheFirstLookIsNewerThanWhatIsRead) {
  Add("orders", "ads");
  Add("clicks", "sales");
  Commit(Row("orders", "sales"));
  Commit(Row("clicks", ""));
  EXPECT_FALSE(ScopeOf(ana_).Sees("orders"));
  EXPECT_TRUE(ScopeOf(ana_).Sees("clicks"));
}

TEST_F(DagTeamsTest, AfterACommitThatNobodyWasToldOfTheStoreIsReadAnew) {
  Commit(Row("clicks", "ads"), 7);
  EXPECT_TRUE(ScopeOf(ana_).sees_all());
  Add("orders", "sales");  // by the commit 8
  Commit(Row("clicks", "ads"), 9);
  EXPECT_FALSE(ScopeOf(ana_).Sees("orders"));
  EXPECT_EQ(readers_.asked, 2);
}

TEST_F(DagTeamsTest, OneThatIsNamedIsAskedOfTheStore) {
  Add("orders", "sales");
  const Scope ana = ScopeOf(ana_);
  Add("bills", "sales");  // committed, and not yet told
  EXPECT_EQ(teams_.Find(ana, "bills"), NotFound("DAG not found: bills"));
}

TEST_F(DagTeamsTest, WhileTheStoreCannotBeReadNobodyButAnAdminIsToldAnything) {
  readers_.refuse = Unavailable("the disk is slow");
  EXPECT_EQ(teams_.ScopeOf(ana_).status(), Unavailable("the disk is slow"));
  EXPECT_TRUE(teams_.ScopeOf(admin_).ok());
  readers_.refuse = OkStatus();
  EXPECT_TRUE(teams_.ScopeOf(ana_).ok());
}

TEST_F(DagTeamsTest, ADagOfAnotherTeamIsMissingInTheWordsOfOneThatIsNotThere) {
  Add("clicks", "ads");
  Add("orders", "sales");
  const Scope ana = ScopeOf(ana_);
  EXPECT_TRUE(teams_.Find(ana, "clicks").ok());
  EXPECT_EQ(teams_.Find(ana, "orders"), NotFound("DAG not found: orders"));
  EXPECT_EQ(teams_.Find(ana, "nothing"), NotFound("DAG not found: nothing"));
}

}  // namespace
}  // namespace millrace::api
