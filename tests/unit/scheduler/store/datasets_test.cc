// Aliases of datasets and watches, on the real store.
#include <gmock/gmock.h>

#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

using ::testing::ElementsAre;

// "loader" fills the alias, "report" waits for it, and both know `orders` by its name.
Batch WithAlias() {
  auto loader = std::make_shared<Dag>();
  loader->id = "loader";
  loader->tasks.resize(1);
  loader->tasks[0].id = "fetch";
  loader->tasks[0].outlets = {"orders"};
  loader->tasks[0].outlet_aliases = {"daily_files"};
  loader->datasets = {{.name = "orders", .uri = "orders", .extra = {}}};
  loader->aliases = {{"daily_files", "raw"}};
  auto report = std::make_shared<Dag>();
  report->id = "report";
  report->schedule.datasets = DatasetCondition{DatasetCondition::Op::kAlias, "daily_files", {}};
  report->aliases = {{"daily_files"}};
  Batch batch;
  for (const auto& dag : {loader, report}) {
    batch.dags.push_back({.dag_id = dag->id, .version = 1});
    batch.dag_versions.push_back(
        {.dag_id = dag->id, .version = 1, .created_at = WallFromMicros(5), .dag = dag});
  }
  return batch;
}

Batch Attached() {
  Batch batch;
  batch.datasets = {
      {.name = "files/1", .uri = "s3://files/1", .group = "raw", .extra = Value(Value::Map{{"n", 1}})}};
  batch.attached = {{"daily_files", "files/1"}};
  batch.dataset_events = {{.id = 1,
                           .dataset = "files/1",
                           .at = WallFromMicros(7),
                           .dag_id = "loader",
                           .aliases = {"daily_files"}}};
  return batch;
}

class DatasetsTest : public StoreTest {
 protected:
  DatasetsTest() { Open(); }

  DatasetEntry Find(const std::string& name) {
    const auto found = readers_->datasets().ListDatasets({.name_pattern = name});
    EXPECT_TRUE(found.ok() && found->rows.size() == 1) << name;
    return found.ok() && !found->rows.empty() ? found->rows[0] : DatasetEntry();
  }
};

TEST_F(DatasetsTest, ADatasetThatIsAttachedToAnAliasComesToBeWithItsUses) {
  Commit(WithAlias());
  EXPECT_EQ(readers_->datasets().ListDatasets({})->rows.size(), 1U) << "an alias is no dataset";
  Commit(Attached());
  const DatasetEntry entry = Find("files/1");
  EXPECT_EQ(entry.dataset.uri, "s3://files/1");
  EXPECT_EQ(entry.dataset.group, "raw");
  ASSERT_EQ(entry.uses.size(), 2U);
  EXPECT_EQ(entry.uses[0].task_id, "fetch");
  EXPECT_EQ(entry.uses[0].role, DatasetRole::kProducing);
  EXPECT_EQ(entry.uses[0].alias, "daily_files");
  EXPECT_EQ(entry.uses[1].dag_id, "report");
  EXPECT_EQ(entry.uses[1].role, DatasetRole::kScheduled);
  ASSERT_EQ(entry.aliases.size(), 1U);
  EXPECT_EQ(entry.aliases[0].alias.group, "raw") << "who says the group knows it";
  EXPECT_THAT(entry.last->aliases, ElementsAre("daily_files"));
  EXPECT_EQ(readers_->datasets().ListDatasets({.dag_ids = {"report"}})->rows.size(), 1U);
  EXPECT_TRUE(Find("orders").aliases.empty());
}

TEST_F(DatasetsTest, OneThatIsUsedByNameAndByAliasIsUsedOnce) {
  Commit(WithAlias());
  Batch batch = Attached();
  batch.attached.push_back({"daily_files", "orders"});
  Commit(std::move(batch));
  const DatasetEntry entry = Find("orders");
  ASSERT_EQ(entry.uses.size(), 2U);
  EXPECT_EQ(entry.uses[0].alias, "");
  EXPECT_EQ(entry.uses[1].alias, "daily_files");
}

TEST_F(DatasetsTest, AnAliasTellsWhatItStandsForAndWhoUsesIt) {
  Commit(WithAlias());
  Commit(Attached());
  const auto listing = readers_->datasets().ListAliases({.name_pattern = "daily%", .by_name = true});
  ASSERT_TRUE(listing.ok());
  ASSERT_EQ(listing->rows.size(), 1U);
  EXPECT_THAT(listing->rows[0].datasets, ElementsAre("files/1"));
  EXPECT_EQ(listing->rows[0].uses.size(), 2U);
  EXPECT_EQ(readers_->datasets().GetAlias(listing->rows[0].id)->alias.name, "daily_files");
  EXPECT_EQ(readers_->datasets().GetAlias(99).status().code(), Code::kNotFound);
  EXPECT_TRUE(readers_->datasets().ListAliases({.name_pattern = "x%"})->rows.empty());
}

TEST_F(DatasetsTest, WhatIsAttachedOutlivesARestartAndRetention) {
  Commit(WithAlias());
  Commit(Attached());
  Batch prune;
  prune.records.emplace_back(PruneRecord{WallFromMicros(1'000'000), 1000});
  Commit(std::move(prune));
  Open();
  ASSERT_EQ(image_.attached.size(), 1U);
  EXPECT_EQ(image_.attached[0].alias, "daily_files");
  EXPECT_EQ(image_.attached[0].dataset, "files/1");
}

Batch Watching(std::int32_t version, const std::string& name) {
  auto dag = std::make_shared<Dag>();
  dag->id = "report";
  dag->datasets = {{.name = "orders", .uri = "orders", .extra = {}},
                   {.name = "users", .uri = "users", .extra = {}}};
  if (!name.empty())
    dag->datasets[0].watch =
        Watch{.kind = "sensor_file", .name = name, .with = {}, .connections = {}, .files = {}};
  dag->tasks.resize(1);
  dag->tasks[0].inlets = {"orders"};
  Batch batch;
  batch.dags.push_back({.dag_id = "report", .version = version});
  batch.dag_versions.push_back(
      {.dag_id = "report", .version = version, .created_at = WallFromMicros(5), .dag = dag});
  return batch;
}

TEST_F(DatasetsTest, WhatAWatchHasSeenStaysOverVersionsUntilItIsNoLongerThere) {
  Commit(Watching(1, "sensor_file"));
  Batch seen;
  seen.watches = {{"report", "orders", "v1", WallFromMicros(9), ""},
                  {"report", "orders", "v1", WallFromMicros(9), "no"}};
  Commit(std::move(seen));
  Commit(Watching(2, "arrivals"));
  Open();
  ASSERT_EQ(image_.watches.size(), 1U);
  EXPECT_EQ(image_.watches[0].seen, "v1");
  EXPECT_EQ(image_.watches[0].seen_at, WallFromMicros(9));
  const DatasetEntry entry = Find("orders");
  ASSERT_EQ(entry.watches.size(), 1U);
  EXPECT_EQ(entry.watches[0].name, "arrivals");
  EXPECT_EQ(entry.watches[0].failure, "no");
  EXPECT_EQ(entry.watches[0].dag_id, "report");
  Commit(Watching(3, ""));
  EXPECT_EQ(Count("dataset_watch"), 0);
}

TEST_F(DatasetsTest, AnEventThatWaitsForSeveralPartitionsIsLetGoOneByOne) {
  Commit(WithAlias());
  Batch batch;
  batch.dataset_events = {{.id = 1, .dataset = "orders", .at = WallFromMicros(7), .partition_key = "2001"},
                          {.id = 2, .dataset = "orders", .at = WallFromMicros(8), .partition_key = "2002"}};
  batch.dataset_queue = {{"report", 1, false, "a"}, {"report", 1, false, "b"}, {"report", 1, false, "c"},
                         {"report", 1, true, "b"},  {"report", 2, false, "a"}, {"report", 2, true}};
  Commit(batch);
  const std::vector<QueuedEvent> queued = readers_->datasets().ListQueued("report", 0).value();
  ASSERT_EQ(queued.size(), 2U);
  EXPECT_EQ(queued[0].partition_key, "a");
  EXPECT_EQ(queued[1].partition_key, "c");
  EXPECT_EQ(queued[1].own_key, "2001");
  Open();
  ASSERT_EQ(image_.dataset_queue.size(), 2U);
  EXPECT_EQ(image_.dataset_queue[1].partition_key, "c");
  ASSERT_EQ(image_.dataset_events.size(), 1U) << "one waits still, the other is history";
}

TEST_F(StoreFolder, WhatWaitedInAStoreOfOneKeyAnEventStillDoes) {
  LeaveOlder(16,
             "INSERT INTO dataset_event VALUES (1, 'orders', 5, '', '', '', -1, '{}', 'x', NULL);"
             "INSERT INTO dataset_event VALUES (2, 'orders', 6, '', '', '', -1, '{}', NULL, NULL);"
             "INSERT INTO dataset_queue VALUES ('etl', 1, 'day'), ('etl', 2, NULL)");
  const std::unique_ptr<Store> store = OpenSqliteStore(folder_, log_).value();
  const Image image = store->Load().value();
  ASSERT_EQ(image.dataset_queue.size(), 2U);
  EXPECT_EQ(image.dataset_queue[0].partition_key, "day");
  EXPECT_EQ(image.dataset_queue[1].partition_key, "");
}

TEST_F(StoreFolder, AStoreFromBeforeAliasesKeepsItsEvents) {
  LeaveOlder(14,
             "INSERT INTO dataset_event VALUES (1, 'orders', 5, 'etl', 'r', 'a', -1, '{\"rows\":3}');"
             "INSERT INTO dataset_queue VALUES ('etl', 1)");
  const std::unique_ptr<Store> store = OpenSqliteStore(folder_, log_).value();
  const Image image = store->Load().value();
  ASSERT_EQ(image.dataset_events.size(), 1U);
  EXPECT_EQ(image.dataset_events[0].extra, R"({"rows":3})");
  EXPECT_TRUE(image.dataset_events[0].aliases.empty());
}

}  // namespace
}  // namespace millrace::store
