// Lists of the DAGs of some teams, on the real store.
#include <gmock/gmock.h>

#include <set>

#include "scheduler/store/activity.h"
#include "tests/support/dag_builder.h"
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using Names = std::set<std::string>;

class TeamListsTest : public StoreTest {
 protected:
  // "shared" of no team, "clicks" of ads, "orders" of sales; each with a run, two instances and what hangs on them.
  TeamListsTest() {
    Open();
    Batch batch;
    std::int64_t key = 0;
    for (const auto& [id, team] : {std::pair("shared", ""), std::pair("clicks", "ads"), std::pair("orders", "sales")}) {
      DagRow row;
      row.dag_id = id;
      row.version = 1;
      row.team = team;
      batch.dags.push_back(row);
      batch.dag_versions.push_back({id, 1, WallFromMicros(1), test::DagBuilder(id).Add("a").Add("b").Build()});
      ++key;
      AddRun(batch, RunKey{key}, WallFromMicros(100 * key));
      batch.runs.back().dag_id = id;
      Notification told;
      told.id = key;
      told.run = RunKey{key};
      told.dag_id = id;
      told.run_id = "r";
      told.delivery.with = "{}";
      batch.notifications.push_back(told);
      Backfill backfill;
      backfill.id = key;
      backfill.dag_id = id;
      batch.backfills.push_back(backfill);
      batch.dataset_events.push_back(
          {.id = key, .dataset = "d", .at = WallFromMicros(key), .dag_id = id, .run_id = "r", .task_id = "a"});
      batch.records.emplace_back(VariableRecord{std::string("var_") + id, "v1:x", "", false, team});
      batch.records.emplace_back(ConnectionRecord{.id = std::string("conn_") + id,
                                                  .type = "http",
                                                  .description = "",
                                                  .host = "",
                                                  .login = "",
                                                  .schema = "",
                                                  .port = std::nullopt,
                                                  .sealed = "v1:x",
                                                  .team = team});
    }
    batch.dataset_events.push_back({.id = 9, .dataset = "d", .at = WallFromMicros(9)});  // by hand
    Commit(batch);
  }

  template <typename Rows, typename NameOf>
  static Names NamesOf(const StatusOr<Listing<Rows>>& listing, NameOf name) {
    Names names;
    if (!listing.ok()) return {listing.status().ToString()};
    for (const Rows& row : listing->rows) names.insert(name(row));
    EXPECT_EQ(listing->total, static_cast<std::int64_t>(listing->rows.size()));
    return names;
  }

  const TeamsSeen ads_ = std::vector<std::string>{"ads", "no such team"};
  const TeamsSeen nobody_ = std::vector<std::string>{};
  const Names everything_ = {"clicks", "orders", "shared"};
  const Names of_ads_ = {"clicks", "shared"};
};

TEST_F(TeamListsTest, TheTeamOfEachDagThatBelongsToOneIsKnown) {
  EXPECT_THAT(*readers_->dags().ListTeamsOfDags(), ElementsAre(Pair("clicks", "ads"), Pair("orders", "sales")));
}

TEST_F(TeamListsTest, DagsAndRunsAreThoseOfNoTeamAndOfTheirs) {
  const auto dags = [&](const TeamsSeen& teams) {
    DagFilter filter;
    filter.teams = teams;
    return NamesOf(readers_->dags().ListDags(filter), [](const DagEntry& entry) { return entry.row.dag_id; });
  };
  EXPECT_EQ(dags(std::nullopt), everything_);
  EXPECT_EQ(dags(ads_), of_ads_);
  EXPECT_EQ(dags(nobody_), Names{"shared"});
  const auto runs = [&](const TeamsSeen& teams, RunOrder order) {
    RunFilter filter;
    filter.teams = teams;
    filter.order = order;
    filter.descending = true;
    filter.run_id_pattern = "r%";  // another condition before and behind
    filter.ended_before = WallFromMicros(1000);
    return NamesOf(readers_->runs().ListRuns(filter), [](const millrace::Run& run) { return run.dag_id; });
  };
  for (const RunOrder order : {RunOrder::kKey, RunOrder::kRunAfter, RunOrder::kEndDate}) {
    EXPECT_EQ(runs(std::nullopt, order), everything_);
    EXPECT_EQ(runs(ads_, order), of_ads_);
    EXPECT_EQ(runs(nobody_, order), Names{"shared"});
  }
}

TEST_F(TeamListsTest, WhatHangsOnRunsFollowsTheirDags) {
  TaskInstanceFilter filter;
  filter.states = {TaskState::kSuccess};
  filter.teams = ads_;
  EXPECT_EQ(readers_->task_instances().ListTaskInstances(filter)->total, 4);
  filter.runs = {RunKey{2}, RunKey{3}};
  EXPECT_EQ(readers_->task_instances().ListTaskInstances(filter)->total, 2);
  filter.teams = std::nullopt;
  EXPECT_EQ(readers_->task_instances().ListTaskInstances(filter)->total, 4);

  ApprovalFilter asked;
  asked.dag_pattern = "%";
  asked.answered = true;
  asked.teams = ads_;
  Names approvals;
  const StatusOr<std::vector<ApprovalEntry>> answered = readers_->approvals().ListApprovals(asked);
  ASSERT_TRUE(answered.ok()) << answered.status().ToString();
  for (const ApprovalEntry& entry : *answered) approvals.insert(entry.run.dag_id);
  EXPECT_EQ(approvals, of_ads_);

  NotificationFilter told;
  told.teams = ads_;
  told.task_id = "";
  EXPECT_EQ(NamesOf(readers_->notifications().ListNotifications(told), [](const Notification& row) { return row.dag_id; }),
            of_ads_);
  BackfillFilter backfills;
  backfills.teams = ads_;
  EXPECT_EQ(NamesOf(readers_->backfills().ListBackfills(backfills), [](const Backfill& row) { return row.dag_id; }),
            of_ads_);
}

TEST_F(TeamListsTest, UpdatesOfDatasetsAreThoseOfTheirDagsAndThoseByHand) {
  DatasetEventFilter filter;
  filter.teams = ads_;
  filter.name_pattern = "d";
  filter.to = WallFromMicros(1000);
  EXPECT_EQ(NamesOf(readers_->datasets().ListEvents(filter),
                    [](const DatasetEventEntry& entry) { return entry.event.dag_id; }),
            (Names{"", "clicks", "shared"}));
}

TEST_F(TeamListsTest, VariablesAndConnectionsAreThoseOfNoTeamAndOfTheirs) {
  NameFilter filter;
  filter.pattern = "%";
  filter.teams = ads_;
  EXPECT_EQ(NamesOf(readers_->variables().ListVariables(filter), [](const VariableRecord& row) { return row.key; }),
            (Names{"var_clicks", "var_shared"}));
  EXPECT_EQ(NamesOf(readers_->connections().ListConnections(filter), [](const ConnectionRecord& row) { return row.id; }),
            (Names{"conn_clicks", "conn_shared"}));
}

TEST_F(TeamListsTest, ActivityCountsTheirDagsAlone) {
  const auto counted = [&](const TeamsSeen& teams) {
    const ActivityCounts counts = *readers_->activity().Count(WallFromMicros(0), WallFromMicros(1000), Duration(1000), teams);
    std::int64_t runs = 0;
    for (const auto& one : counts.runs) runs += one.count;
    return runs;
  };
  EXPECT_EQ(counted(std::nullopt), 3);
  EXPECT_EQ(counted(ads_), 2);
  EXPECT_EQ(counted(nobody_), 1);
  EXPECT_TRUE(readers_->activity().ListWindow(WallFromMicros(0), WallFromMicros(1000), 100, ads_).ok());
}

}  // namespace
}  // namespace millrace::store
