#include "scheduler/store/sqlite_store.h"

#include "scheduler/store/log_segments.h"
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class SqliteStoreTest : public StoreFolder {
 protected:
  std::unique_ptr<Store> Open() {
    StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore(folder_, log_);
    EXPECT_TRUE(store.ok()) << store.status().message();
    return store.ok() ? std::move(store).value() : nullptr;
  }

  static CommitResult Commit(Store& store, Batch batch) {
    std::promise<CommitResult> promise;
    store.Commit(std::make_shared<const Batch>(std::move(batch)), [&](CommitResult result) { promise.set_value(result); });
    return promise.get_future().get();
  }

  // A DAG version, a running run of it, and two task instances.
  static Batch Example(const Image& image) {
    Batch batch;
    batch.term = image.term;
    batch.sequence = image.sequence + 1;
    batch.at = WallFromMicros(1000);
    auto dag = std::make_shared<Dag>();
    dag->id = "etl";
    dag->hash = "h1";
    dag->tags = {"nightly"};
    dag->tasks.resize(2);
    dag->tasks[0].id = "a";
    dag->tasks[1].id = "b";
    batch.dags.push_back({.dag_id = "etl", .version = 1, .cursor = WallFromMicros(77)});
    batch.dag_versions.push_back({.dag_id = "etl", .version = 1, .created_at = batch.at, .dag = dag});
    millrace::Run run;
    run.key = RunKey{image.next_run_key};
    run.dag_id = "etl";
    run.run_id = "manual__1";
    run.type = RunType::kManual;
    run.state = RunState::kRunning;
    run.version = 1;
    run.logical_date = WallFromMicros(5);
    run.conf = R"({"x":1})";
    batch.runs.push_back(run);
    for (std::int32_t index : {0, 1}) {
      TaskInstance instance;
      instance.key = {run.key, index};
      instance.state = index == 0 ? TaskState::kRunning : TaskState::kNone;
      instance.try_number = 1;
      instance.fence = {image.term, 9};
      instance.worker = "w1";
      batch.task_instances.push_back(instance);
    }
    batch.transitions.push_back({.run = run.key, .index = 0, .from = 2, .to = 3, .try_number = 1, .at = batch.at});
    return batch;
  }
};

TEST_F(SqliteStoreTest, WhatWasCommittedIsThereAfterARestartAndTheTermHasGrown) {
  Batch batch;
  {
    std::unique_ptr<Store> store = Open();
    const Image image = *store->Load();
    EXPECT_EQ(image.term, 1U);
    batch = Example(image);
    EXPECT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
    EXPECT_EQ(*store->LastSequence(), 1U);
  }
  const Image image = *Open()->Load();
  EXPECT_EQ(image.term, 2U);
  EXPECT_EQ(image.sequence, 1U);
  EXPECT_EQ(image.next_run_key, 2);
  ASSERT_EQ(image.runs.size(), 1U);
  EXPECT_EQ(image.runs[0], batch.runs[0]);
  EXPECT_EQ(image.task_instances, batch.task_instances);
  ASSERT_EQ(image.dag_versions.size(), 1U);
  EXPECT_EQ(image.dag_versions[0].dag->tasks[1].id, "b");
  EXPECT_EQ(image.dags[0].cursor, WallFromMicros(77));
}

TEST_F(SqliteStoreTest, ABatchOfAnotherTermOrSequenceIsRefusedWhole) {
  std::unique_ptr<Store> store = Open();
  const Image image = *store->Load();
  Batch old = Example(image);
  old.term = 0;
  EXPECT_EQ(Commit(*store, old).outcome, CommitOutcome::kFenced);
  Batch skipping = Example(image);
  skipping.sequence = 2;
  EXPECT_EQ(Commit(*store, skipping).outcome, CommitOutcome::kFenced);
  EXPECT_EQ(*store->LastSequence(), 0U);
  EXPECT_TRUE(store->Load()->runs.empty());
}

TEST_F(SqliteStoreTest, TwoScheduledRunsOfOneDateAreRefusedAndAManualOneIsNot) {
  std::unique_ptr<Store> store = Open();
  const Image image = *store->Load();
  Batch first = Example(image);
  first.runs[0].type = RunType::kScheduled;
  ASSERT_EQ(Commit(*store, first).outcome, CommitOutcome::kDurable);
  Batch second;
  second.term = image.term;
  second.sequence = 2;
  second.runs = first.runs;
  second.runs[0].key = RunKey{2};
  second.runs[0].run_id = "other";
  EXPECT_NE(Commit(*store, second).outcome, CommitOutcome::kDurable);
  second.runs[0].type = RunType::kManual;
  EXPECT_EQ(Commit(*store, second).outcome, CommitOutcome::kDurable);
}

TEST_F(SqliteStoreTest, QueuedEventsOfDatasetsAndDeadlinesAreThereAfterARestart) {
  {
    std::unique_ptr<Store> store = Open();
    Batch batch = Example(*store->Load());
    batch.dags[0].next_interval_end = WallFromMicros(9);
    batch.dags[0].runtimes = {Duration(5), Duration(7)};
    batch.runs[0].missed_deadlines = 1;
    for (const std::int64_t id : {1, 2, 3}) {
      batch.dataset_events.push_back({.id = id, .dataset = "orders", .at = batch.at, .dag_id = "etl", .run_id = "r", .task_id = "a"});
      batch.dataset_queue.push_back({"etl", id, false});
    }
    batch.dataset_queue.push_back({"etl", 1, true});
    batch.run_events.push_back({batch.runs[0].key, 1});
    const RunKey key = batch.runs[0].key;
    batch.deadlines = {{key, 0, WallFromMicros(50), WallFromMicros(60), false},
                       {key, 1, WallFromMicros(70), std::nullopt, false},
                       {key, 2, WallFromMicros(80), std::nullopt, false},
                       {key, 2, WallFromMicros(80), std::nullopt, true}};
    ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  }
  std::unique_ptr<Store> store = Open();
  const Image image = *store->Load();
  EXPECT_EQ(image.next_dataset_event, 4);
  ASSERT_EQ(image.dataset_events.size(), 3U);
  EXPECT_EQ(image.dataset_events[0].task_id, "a");
  ASSERT_EQ(image.dataset_queue.size(), 2U);
  EXPECT_EQ(image.dataset_queue[0].event, 2);
  ASSERT_EQ(image.run_events.size(), 1U);
  EXPECT_EQ(image.run_events[0].event, 1);
  ASSERT_EQ(image.deadlines.size(), 1U) << "one was missed, one is over";
  EXPECT_EQ(image.deadlines[0].due_at, WallFromMicros(70));
  EXPECT_EQ(image.runs[0].missed_deadlines, 1);
  EXPECT_EQ(image.dags[0].next_interval_end, WallFromMicros(9));
  EXPECT_EQ(image.dags[0].runtimes, (std::vector<Duration>{Duration(5), Duration(7)}));
  Batch all_used;
  all_used.term = image.term;
  all_used.sequence = image.sequence + 1;
  all_used.dataset_queue.push_back({"etl", 0, true});
  ASSERT_EQ(Commit(*store, all_used).outcome, CommitOutcome::kDurable);
  store.reset();
  EXPECT_TRUE(Open()->Load()->dataset_queue.empty());
}

TEST_F(SqliteStoreTest, DatasetsAreReadWithWhoUsesThemAndWhatTheirEventsMade) {
  std::unique_ptr<Store> store = Open();
  Batch batch = Example(*store->Load());
  auto dag = std::make_shared<Dag>(*batch.dag_versions[0].dag);
  DatasetCondition orders;
  orders.dataset = "orders";
  dag->schedule.datasets = orders;
  dag->tasks[0].outlets = {"orders", "other"};
  dag->datasets = {{"orders", "s3://orders", "raw", Value(Value::Map{{"owner", "ana"}})}, {"other", "other", "asset", Value()}};
  batch.dag_versions[0].dag = dag;
  for (const std::int64_t id : {1, 2}) {
    batch.dataset_events.push_back({.id = id, .dataset = "orders", .at = WallFromMicros(id), .dag_id = "etl", .run_id = "r", .task_id = "a"});
    batch.dataset_queue.push_back({"etl", id, false});
  }
  batch.run_events.push_back({batch.runs[0].key, 2});
  batch.deadlines.push_back({batch.runs[0].key, 0, WallFromMicros(50), WallFromMicros(60), false});
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  auto opened = SqliteReaders::Open(folder_, clock_);
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  DatasetReader& datasets = (*opened)->datasets();
  const Listing<DatasetEntry> all = *datasets.ListDatasets({.by_name = true});
  ASSERT_EQ(all.rows.size(), 2U);
  EXPECT_EQ(all.total, 2);
  const DatasetEntry entry = *datasets.GetDataset(all.rows[0].id);
  EXPECT_EQ(entry.dataset.uri, "s3://orders");
  EXPECT_EQ(*entry.dataset.extra.Find("owner"), Value("ana"));
  ASSERT_EQ(entry.uses.size(), 2U);
  EXPECT_EQ(entry.uses[0].role, DatasetRole::kScheduled);
  EXPECT_EQ(entry.uses[1].task_id, "a");
  EXPECT_EQ(entry.last->id, 2);
  EXPECT_FALSE(all.rows[1].last);
  EXPECT_EQ(datasets.ListDatasets({.name_pattern = "ot%"})->rows.size(), 1U);
  EXPECT_EQ(datasets.ListDatasets({.dag_ids = {"nobody"}})->rows.size(), 0U);
  EXPECT_EQ(datasets.GetDataset(99).status().code(), Code::kNotFound);
  const Listing<DatasetEventEntry> events = *datasets.ListEvents({.dataset = entry.id, .descending = true});
  ASSERT_EQ(events.rows.size(), 2U);
  EXPECT_EQ(events.rows[0].dataset_id, entry.id);
  ASSERT_EQ(events.rows[0].made.size(), 1U);
  EXPECT_EQ(events.rows[0].made[0].run_id, "manual__1");
  EXPECT_TRUE(events.rows[1].made.empty());
  EXPECT_EQ(datasets.ListEvents({.made = batch.runs[0].key})->rows.size(), 1U);
  EXPECT_EQ(datasets.ListEvents({.from = WallFromMicros(2)})->rows.size(), 1U);
  EXPECT_EQ(datasets.ListQueued("etl", 0)->size(), 2U);
  EXPECT_EQ(datasets.ListQueued("", entry.id)->size(), 2U);
  EXPECT_TRUE(datasets.ListQueued("other", 0)->empty());
  const std::vector<DeadlineRow> deadlines = *(*opened)->runs().ListDeadlines(batch.runs[0].key);
  ASSERT_EQ(deadlines.size(), 1U);
  EXPECT_EQ(deadlines[0].missed_at, WallFromMicros(60));
}

TEST_F(SqliteStoreTest, PartitionKeysOfRunsAndEventsAndOfWhatWaitsAreThereAfterARestart) {
  {
    std::unique_ptr<Store> store = Open();
    Batch batch = Example(*store->Load());
    batch.runs[0].partition_key = "eu|2001-03-01";
    batch.runs[0].partition_date = WallFromMicros(5);
    batch.dataset_events.push_back({.id = 1, .dataset = "orders", .at = batch.at, .partition_key = "2001-03-01T05"});
    batch.dataset_events.push_back({.id = 2, .dataset = "orders", .at = batch.at});
    batch.dataset_queue = {{"etl", 1, false, "old"}, {"etl", 1, true}, {"etl", 1, false, "2001-03-01"}, {"etl", 2, false}};
    ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  }
  std::unique_ptr<Store> store = Open();
  const Image image = *store->Load();
  EXPECT_EQ(image.runs.at(0).partition_key, "eu|2001-03-01");
  EXPECT_EQ(image.runs.at(0).partition_date, WallFromMicros(5));
  EXPECT_EQ(image.dataset_events.at(0).partition_key, "2001-03-01T05");
  EXPECT_EQ(image.dataset_events.at(1).partition_key, "");
  ASSERT_EQ(image.dataset_queue.size(), 2U);
  EXPECT_EQ(image.dataset_queue[0].partition_key, "2001-03-01");
  EXPECT_EQ(image.dataset_queue[1].partition_key, "");
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  const WallTime date = WallFromMicros(5);
  EXPECT_EQ(readers->runs().ListRuns({.partition_key_pattern = "eu|%"})->rows.size(), 1U);
  EXPECT_EQ(readers->runs().ListRuns({.partition_date_from = date, .partition_date_to = date})->rows.size(), 1U);
  EXPECT_EQ(readers->runs().ListRuns({.partition_date_from = date + std::chrono::seconds(1)})->rows.size(), 0U);
  EXPECT_EQ(readers->runs().ListRuns({.partition_date_to = date - std::chrono::seconds(1)})->rows.size(), 0U);
  EXPECT_EQ(readers->runs().ListRuns({.partition_key_pattern = "us|%"})->rows.size(), 0U);
  EXPECT_EQ(readers->datasets().ListQueued("etl", 0)->at(0).partition_key, "2001-03-01");
  EXPECT_EQ(readers->datasets().ListEvents({})->rows.at(0).event.partition_key, "2001-03-01T05");
}

TEST_F(SqliteStoreTest, ARunFromBeforePartitionsHasNone) {
  LeaveOlder(14,
             "INSERT INTO run(run, dag_id, run_id, type, state, version, run_after, queued_at, conf, triggered_by, note) "
             "VALUES (1, 'etl', 'r', 2, 2, 1, 0, 0, '{}', '', '');"
             "INSERT INTO dataset_event VALUES (1, 'orders', 5, '', '', '', -1, '{}');"
             "INSERT INTO dataset_queue VALUES ('etl', 1)");
  std::unique_ptr<Store> store = Open();
  EXPECT_EQ(store->Load()->dataset_queue.at(0).partition_key, "");
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  EXPECT_EQ(readers->runs().GetRun("etl", "r")->partition_key, "");
  EXPECT_FALSE(readers->runs().GetRun("etl", "r")->partition_date.has_value());
}

TEST_F(SqliteStoreTest, ASecondSchedulerIsKeptOutWhileTheFirstLives) {
  std::unique_ptr<Store> store = Open();
  EXPECT_EQ(OpenSqliteStore(folder_, log_).status().code(), Code::kUnavailable);
  store.reset();
  EXPECT_TRUE(OpenSqliteStore(folder_, log_).ok());
}

TEST_F(SqliteStoreTest, AStoreFromBeforeSensorsKeepsItsTaskInstances) {
  LeaveOlder(5,
             "INSERT INTO task_instance(key, state, try_number, max_tries, lost, term, counter, session, reason) "
             "VALUES (1048577, 6, 1, 2, 0, 1, 7, 0, 'exit code 1')");
  Open().reset();
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  StatusOr<TaskInstance> row = readers->task_instances().GetTaskInstance({RunKey{1}, 1});
  ASSERT_TRUE(row.ok()) << row.status().ToString();
  EXPECT_EQ(row->state, TaskState::kUpForRetry);
  EXPECT_EQ(row->reason, "exit code 1");
  EXPECT_EQ(row->wait, "");
  EXPECT_FALSE(row->waits_since.has_value());
}

TEST_F(SqliteStoreTest, AStoreFromBeforeNamesOfInstancesTakesThemAndTheKeysOfRunningOnes) {
  LeaveOlder(8,
             "INSERT INTO task_instance(key, state, try_number, max_tries, lost, term, counter, session, map_index, "
             "mapped_task, map_value) VALUES (1048577, 2, 1, 0, 0, 1, 7, 0, 0, 1, '{}')");
  std::unique_ptr<Store> store = Open();
  const Image image = *store->Load();
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  TaskInstance row = *readers->task_instances().GetTaskInstance({RunKey{1}, 1});
  EXPECT_EQ(row.cache_key, "");
  EXPECT_EQ(row.rendered_map_index, "");
  row.cache_key = "00ff";
  row.rendered_map_index = "file a";
  Batch batch;
  batch.term = image.term;
  batch.sequence = image.sequence + 1;
  batch.task_instances.push_back(row);
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  EXPECT_EQ(*readers->task_instances().GetTaskInstance({RunKey{1}, 1}), row);
}

TEST_F(SqliteStoreTest, AStoreFromBeforeRunsThatFollowTheirDagKeepsWhereItsInstancesStand) {
  LeaveOlder(11,
             "INSERT INTO run(run, dag_id, run_id, type, state, version, run_after, queued_at, conf, triggered_by, note) "
             "VALUES (1, 'etl', 'r', 1, 2, 1, 0, 0, '{}', '', '');"
             "INSERT INTO task_instance(key, state, try_number, max_tries, lost, term, counter, session, map_index, "
             "mapped_task) VALUES (1048576, 4, 1, 0, 0, 1, 7, 0, NULL, NULL), (1048577, 4, 1, 0, 0, 1, 8, 0, 0, 1), "
             "(1048578, 4, 1, 0, 0, 1, 9, 0, 1, 1)");
  std::unique_ptr<Store> store = Open();
  const Image image = *store->Load();
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  const auto row = [&](std::int32_t index) { return *readers->task_instances().GetTaskInstance({RunKey{1}, index}); };
  EXPECT_EQ(row(0).task(), 0);
  EXPECT_EQ(row(1).task(), 1);
  EXPECT_EQ(row(2).task(), 1);
  EXPECT_EQ(row(0).rescheduled, 0);
  millrace::Run run = *readers->runs().GetRun("etl", "r");
  EXPECT_FALSE(run.former_tasks.has_value());
  run.former_tasks = {"gone", "too"};
  TaskInstance moved = row(0);
  moved.mapped_task = 3;
  moved.rescheduled = 2;
  Batch batch;
  batch.term = image.term;
  batch.sequence = image.sequence + 1;
  batch.runs.push_back(run);
  batch.task_instances.push_back(moved);
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  EXPECT_EQ(*readers->runs().GetRun("etl", "r"), run);
  EXPECT_EQ(row(0), moved);
  TaskInstanceFilter of_task;
  of_task.runs = {RunKey{1}};
  of_task.task = 3;
  EXPECT_EQ(readers->task_instances().ListTaskInstances(of_task)->rows, std::vector<TaskInstance>{moved});
  of_task.task = 1;
  EXPECT_EQ(readers->task_instances().ListTaskInstances(of_task)->rows.size(), 2U);
  of_task.task = 0;
  EXPECT_TRUE(readers->task_instances().ListTaskInstances(of_task)->rows.empty());
}

TEST_F(SqliteStoreTest, AStoreFromBeforeFavoritesTakesThemAndForgetsThemWithTheirDagOrUser) {
  LeaveOlder(12);
  std::unique_ptr<Store> store = Open();
  Batch batch = Example(*store->Load());
  batch.records = {FavoriteRecord{"ana", "etl", false},  FavoriteRecord{"ana", "other", false},
                   FavoriteRecord{"ana", "etl", false},  FavoriteRecord{"ben", "etl", false},
                   FavoriteRecord{"ben", "etl", true},   FavoriteRecord{"eva", "etl", false},
                   FavoriteRecord{"eva", "other", false}};
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  EXPECT_EQ(*readers->dags().ListFavorites("ana"), (std::vector<std::string>{"etl", "other"}));
  EXPECT_TRUE(readers->dags().ListFavorites("ben")->empty());
  EXPECT_EQ(readers->dags().ListDags({.user = "ana", .favorite = true})->total, 1);
  EXPECT_EQ(readers->dags().ListDags({.user = "ana", .favorite = false})->total, 0);
  EXPECT_EQ(readers->dags().ListDags({.user = "ben", .favorite = true})->total, 0);
  EXPECT_EQ(readers->dags().ListDags({.user = "ben", .favorite = false})->total, 1);

  Batch gone;
  gone.term = batch.term;
  gone.sequence = batch.sequence + 1;
  gone.deleted_dags = {"etl"};
  gone.records = {UserRecord{"eva", "", "viewer", true}};
  ASSERT_EQ(Commit(*store, gone).outcome, CommitOutcome::kDurable);
  EXPECT_EQ(*readers->dags().ListFavorites("ana"), std::vector<std::string>{"other"});
  EXPECT_TRUE(readers->dags().ListFavorites("eva")->empty());
}

TEST_F(SqliteStoreTest, TheTokensOfADeletedUserGoWithIt) {
  std::unique_ptr<Store> store = Open();
  Batch batch = Example(*store->Load());
  batch.records = {UserRecord{"ana", "hash", "op", false}, TokenRecord{"of-ana", "ana", "op", WallTime{}, false},
                   TokenRecord{"of-eva", "eva", "op", WallTime{}, false}};
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  Batch gone;
  gone.term = batch.term;
  gone.sequence = batch.sequence + 1;
  gone.records = {UserRecord{"ana", "", "op", true}};
  ASSERT_EQ(Commit(*store, gone).outcome, CommitOutcome::kDurable);
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  EXPECT_EQ(readers->accounts().GetToken("of-ana").status().code(), Code::kNotFound);
  EXPECT_TRUE(readers->accounts().GetToken("of-eva").ok());
}

TEST_F(SqliteStoreTest, AStoreFromBeforeRunsThatAreTriedAgainKeepsWhatItHasAndTakesWhatIsNew) {
  {
    auto database = *Database::Open(DatabasePath(folder_), Database::Mode::kReadWrite);
    ASSERT_TRUE(MakeOlder(*database, 13).ok());
    const std::string run = "INSERT INTO run(run, dag_id, run_id, type, state, version, run_after, queued_at, conf, "
                            "triggered_by, note) VALUES (1, 'etl', 'r', 1, 2, 1, 0, 0, '{}', '', '')";
    ASSERT_TRUE(database->Execute(run).ok());
    const std::string instance = "INSERT INTO task_instance(key, state, try_number, max_tries, lost, term, counter, "
                                 "session) VALUES (1048576, 4, 1, 0, 0, 1, 7, 0)";
    ASSERT_TRUE(database->Execute(instance).ok());
  }
  std::unique_ptr<Store> store = Open();
  Batch batch = Example(*store->Load());
  const std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  millrace::Run run = *readers->runs().GetRun("etl", "r");
  EXPECT_EQ(run.max_retries, 0);
  EXPECT_FALSE(run.retry_at.has_value());
  TaskInstance row = *readers->task_instances().GetTaskInstance({RunKey{1}, 0});
  EXPECT_FALSE(row.weight.has_value());
  EXPECT_EQ(row.loop, "");
  run.retries = 1;
  run.max_retries = 3;
  run.retry_at = WallFromMicros(7'000'000);
  row.weight = -5;
  row.loop = R"({"index":1,"previous":null})";
  batch.runs = {run};
  batch.task_instances = {row};
  ASSERT_FALSE(batch.dags.empty());
  const std::string dag_id = batch.dags[0].dag_id;
  batch.dags[0].paused_tasks = {"extract", "load"};
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  EXPECT_EQ(*readers->runs().GetRun("etl", "r"), run);
  EXPECT_EQ(*readers->task_instances().GetTaskInstance({RunKey{1}, 0}), row);
  EXPECT_EQ(readers->dags().GetDag(dag_id)->row.paused_tasks, batch.dags[0].paused_tasks);
  batch.sequence += 1;
  batch.dags[0].paused_tasks.clear();
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  EXPECT_TRUE(readers->dags().GetDag(dag_id)->row.paused_tasks.empty());
}

TEST_F(SqliteStoreTest, AStoreOfANewerProgramIsRefused) {
  Open().reset();
  {
    auto database = *Database::Open(DatabasePath(folder_), Database::Mode::kReadWrite);
    ASSERT_TRUE(database->Execute("PRAGMA user_version = " + std::to_string(kSchemaVersion + 1)).ok());
  }
  const Status status = OpenSqliteStore(folder_, log_).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_NE(status.message().find("newer"), std::string::npos);
}

TEST_F(SqliteStoreTest, ReadersSeeCommittedRows) {
  std::unique_ptr<Store> store = Open();
  const Batch batch = Example(*store->Load());
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);

  EXPECT_EQ(readers->dags().GetDag("etl")->dag->tags[0], "nightly");
  EXPECT_EQ(readers->dags().GetDag("nope").status().code(), Code::kNotFound);
  EXPECT_EQ(readers->dags().ListDags({.tags = {"nightly"}})->total, 1);
  EXPECT_EQ(readers->dags().ListDags({.tags = {"daily"}})->total, 0);
  EXPECT_EQ(readers->dags().ListDags({.id_pattern = "e%"})->rows.size(), 1U);
  EXPECT_EQ((*readers->dags().GetVersion("etl", 0))->hash, "h1");

  EXPECT_EQ(*readers->runs().GetRun("etl", "manual__1"), batch.runs[0]);
  EXPECT_EQ(readers->runs().ListRuns({.dag_id = "etl", .states = {RunState::kRunning}, .descending = true})->rows.size(), 1U);
  EXPECT_EQ(readers->runs().ListRuns({.dag_id = "etl", .states = {RunState::kFailed}})->total, 0);

  EXPECT_EQ(*readers->task_instances().GetTaskInstance({batch.runs[0].key, 0}), batch.task_instances[0]);
  EXPECT_EQ(readers->task_instances().ListTaskInstances({.runs = {batch.runs[0].key}})->total, 2);
  EXPECT_EQ(readers->task_instances().ListTaskInstances({.runs = {batch.runs[0].key}, .states = {TaskState::kNone}})->total, 1);

  const RunImage image = *readers->loader().LoadRun("etl", "manual__1");
  EXPECT_EQ(image.run, batch.runs[0]);
  EXPECT_EQ(image.task_instances, batch.task_instances);
  EXPECT_EQ(image.dag->hash, "h1");
  EXPECT_EQ(readers->loader().LoadRun("etl", "nope").status().code(), Code::kNotFound);

  EXPECT_EQ(readers->journal().ReadAfter(0, 10)->at(0).transitions, batch.transitions);
  EXPECT_EQ(*readers->journal().NewestSequence(), 1U);
}

TEST_F(SqliteStoreTest, UsersTokensAuditAndImportErrorsAreKept) {
  std::unique_ptr<Store> store = Open();
  Batch batch;
  batch.term = store->Load()->term;
  batch.sequence = 1;
  batch.records.emplace_back(UserRecord{.name = "ana", .password_hash = "$argon2id$", .role = "op"});
  batch.records.emplace_back(TokenRecord{.hash = "aa", .user = "ana", .role = "op", .expires_at = WallFromMicros(9)});
  batch.records.emplace_back(AuditRecord{.at = WallFromMicros(3), .user = "ana", .action = "login"});
  batch.records.emplace_back(ImportErrorRecord{{.file = "x.yaml", .problems = {{.file = "x.yaml", .where = {1, 2}, .message = "no"}}}});
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  EXPECT_EQ(readers->accounts().GetUser("ana")->role, "op");
  EXPECT_EQ(readers->accounts().GetToken("aa")->expires_at, WallFromMicros(9));
  EXPECT_EQ(readers->audit().ListAudit({})->rows.at(0).record.action, "login");
  EXPECT_EQ(readers->dags().ListImportErrors()->at(0).problems[0].where, (Position{1, 2}));
  Batch mended;
  mended.term = batch.term;
  mended.sequence = 2;
  mended.records.emplace_back(ImportErrorRecord{{.file = "x.yaml"}});
  ASSERT_EQ(Commit(*store, mended).outcome, CommitOutcome::kDurable);
  EXPECT_TRUE(readers->dags().ListImportErrors()->empty());
}

TEST_F(SqliteStoreTest, ImportErrorsOfTwoBundlesAreTwoThoughTheirFilesHaveOneName) {
  std::unique_ptr<Store> store = Open();
  Batch batch;
  batch.term = store->Load()->term;
  batch.sequence = 1;
  for (const char* const bundle : {"dags-folder", "sales"})
    batch.records.emplace_back(ImportErrorRecord{{.file = "x.yaml", .problems = {{.file = "x.yaml", .message = bundle}}, .bundle = bundle}});
  ASSERT_EQ(Commit(*store, batch).outcome, CommitOutcome::kDurable);
  std::unique_ptr<SqliteReaders> readers = *SqliteReaders::Open(folder_, clock_);
  const std::vector<ImportError> errors = *readers->dags().ListImportErrors();
  ASSERT_EQ(errors.size(), 2U);
  for (const ImportError& error : errors) {
    EXPECT_EQ(error.file, "x.yaml");
    EXPECT_EQ(error.problems.at(0).message, error.bundle);
  }
  Batch mended;
  mended.term = batch.term;
  mended.sequence = 2;
  mended.records.emplace_back(ImportErrorRecord{{.file = "x.yaml", .bundle = "sales"}});
  ASSERT_EQ(Commit(*store, mended).outcome, CommitOutcome::kDurable);
  ASSERT_EQ(readers->dags().ListImportErrors()->size(), 1U);
  EXPECT_EQ(readers->dags().ListImportErrors()->at(0).bundle, "dags-folder");
}

TEST_F(SqliteStoreTest, ALogIsReadBackByTryAndInPieces) {
  std::unique_ptr<LogSegments> logs = *LogSegments::Open(folder_ + "/logs");
  const TaskInstanceKey a{RunKey{1}, 0};
  const TaskInstanceKey b{RunKey{1}, 1};
  ASSERT_TRUE(logs->Append(a, 1, {1, 1}, "one\n").ok());
  ASSERT_TRUE(logs->Append(b, 1, {1, 2}, "other\n").ok());
  ASSERT_TRUE(logs->Append(a, 1, {1, 1}, "two\n").ok());
  ASSERT_TRUE(logs->Append(a, 2, {1, 3}, "again\n").ok());
  EXPECT_EQ(logs->Read(a, 1, 0, 1000)->data, "one\ntwo\n");
  const LogSlice part = *logs->Read(a, 1, 2, 3);
  EXPECT_EQ(part.data, "e\nt");
  EXPECT_FALSE(part.end);
  EXPECT_EQ(logs->Read(a, 1, part.next, 1000)->data, "wo\n");
  EXPECT_TRUE(logs->Read(a, 1, part.next, 1000)->end);
  EXPECT_EQ(logs->Read({RunKey{2}, 0}, 1, 0, 10)->data, "");
}

TEST_F(SqliteStoreTest, ATornChunkAtALogsEndIsCutOffAndTheRestSurvives) {
  const TaskInstanceKey a{RunKey{1}, 0};
  {
    std::unique_ptr<LogSegments> logs = *LogSegments::Open(folder_ + "/logs");
    ASSERT_TRUE(logs->Append(a, 1, {1, 1}, "one\n").ok());
    ASSERT_TRUE(logs->Append(a, 1, {1, 1}, "two\n").ok());
  }
  const std::string file = folder_ + "/logs/0/1.log";
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 2);
  std::unique_ptr<LogSegments> logs = *LogSegments::Open(folder_ + "/logs");
  EXPECT_EQ(logs->Read(a, 1, 0, 1000)->data, "one\n");
  ASSERT_TRUE(logs->Append(a, 1, {1, 2}, "three\n").ok());
  EXPECT_EQ(logs->Read(a, 1, 0, 1000)->data, "one\nthree\n");
}

}  // namespace
}  // namespace millrace::store
