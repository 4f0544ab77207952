// What every Store must do, as one suite: instantiated for the fake that the other tests stand on, and for
// the real one. A subject opens the same store again as often as it is asked, which is what a restart does.
// Included by one file, which names the subjects.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "scheduler/store/store.h"
#include "tests/support/dag_builder.h"

namespace millrace::test {

// A store that is open: both sides of one object.
struct OpenedStore {
  std::unique_ptr<store::Store> store;
  store::RunLoader* loader = nullptr;
};

class StoreSubject {
 public:
  virtual ~StoreSubject() = default;
  // What was open before is closed by then.
  virtual OpenedStore Open() = 0;
};

using MakeStoreSubject = std::function<std::unique_ptr<StoreSubject>()>;

class StoreContract : public ::testing::TestWithParam<std::pair<std::string, MakeStoreSubject>> {
 protected:
  StoreContract() : subject_(GetParam().second()) { Reopen(); }

  void Reopen() {
    opened_ = {};
    opened_ = subject_->Open();
    ASSERT_NE(opened_.store, nullptr);
    StatusOr<Image> image = opened_.store->Load();
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    image_ = std::move(image).value();
    next_ = image_.sequence + 1;
  }

  Batch NewBatch() {
    Batch batch;
    batch.term = image_.term;
    batch.sequence = next_;
    batch.at = WallFromMicros(1'000'000);
    return batch;
  }

  store::CommitResult Commit(Batch batch) {
    std::promise<store::CommitResult> done;
    const std::uint64_t sequence = batch.sequence;
    opened_.store->Commit(std::make_shared<const Batch>(std::move(batch)),
                          [&](store::CommitResult result) { done.set_value(std::move(result)); });
    store::CommitResult result = done.get_future().get();
    if (result.outcome == store::CommitOutcome::kDurable) next_ = sequence + 1;
    return result;
  }

  void CommitOk(Batch batch) {
    const store::CommitResult result = Commit(std::move(batch));
    ASSERT_EQ(result.outcome, store::CommitOutcome::kDurable) << result.status.ToString();
  }

  static millrace::Run RunRow(std::int64_t key, const std::string& run_id, RunState state,
                              std::int32_t version = 1) {
    millrace::Run run;
    run.key = RunKey{key};
    run.dag_id = "etl";
    run.run_id = run_id;
    run.type = RunType::kManual;
    run.state = state;
    run.version = version;
    run.queued_at = WallFromMicros(5);
    run.conf = R"({"day":"2001-03-01"})";
    return run;
  }

  static TaskInstance InstanceRow(std::int64_t run, std::int32_t index, TaskState state) {
    TaskInstance row;
    row.key = {RunKey{run}, index};
    row.state = state;
    row.try_number = 2;
    row.fence = {3, 17};
    row.session = SessionId{4};
    row.due_at = WallFromMicros(99);
    row.wait = R"({"text":"the file in/x"})";
    row.waits_since = WallFromMicros(98);
    row.worker = "w1";
    row.reason = "naïve reason, \"quoted\"";
    return row;
  }

  static Transition Step(std::int64_t run, std::int32_t index, int from, int to) {
    return {RunKey{run},      index, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to), 0,
            WallFromMicros(7)};
  }

  // DAG etl, version 1, with tasks a and b.
  Batch WithDag() {
    Batch batch = NewBatch();
    DagRow row;
    row.dag_id = "etl";
    row.version = 1;
    row.cursor = WallFromMicros(70);
    row.cursor_logical_date = WallFromMicros(60);
    batch.dags.push_back(row);
    batch.dag_versions.push_back(
        {"etl", 1, WallFromMicros(1), DagBuilder("etl").Add("a").Add("b", {"a"}).Build()});
    return batch;
  }

  // A running run 1 with both its instances.
  Batch WithRun() {
    Batch batch = WithDag();
    batch.runs.push_back(RunRow(1, "first", RunState::kRunning));
    batch.transitions.push_back(Step(1, -1, 0, 1));
    batch.task_instances.push_back(InstanceRow(1, 0, TaskState::kRunning));
    batch.task_instances.push_back(InstanceRow(1, 1, TaskState::kNone));
    batch.transitions.push_back(Step(1, 0, 0, 1));
    batch.transitions.push_back(Step(1, 0, 1, 3));
    return batch;
  }

  std::unique_ptr<StoreSubject> subject_;
  OpenedStore opened_;
  Image image_;
  std::uint64_t next_ = 1;
};

TEST_P(StoreContract, a_new_store_is_empty_and_at_its_first_term) {
  EXPECT_EQ(image_.term, 1u);
  EXPECT_EQ(image_.sequence, 0u);
  EXPECT_EQ(image_.next_run_key, 1);
  EXPECT_EQ(image_.next_session, 1u);
  EXPECT_TRUE(image_.dags.empty() && image_.runs.empty() && image_.sessions.empty());
}

TEST_P(StoreContract, every_load_begins_a_new_term_and_keeps_the_sequence) {
  CommitOk(WithDag());
  Reopen();
  EXPECT_EQ(image_.term, 2u);
  EXPECT_EQ(image_.sequence, 1u);
  Reopen();
  EXPECT_EQ(image_.term, 3u);
}

TEST_P(StoreContract, what_was_committed_comes_back_as_it_was) {
  Batch batch = WithRun();
  SessionRow session;
  session.session = SessionId{4};
  session.offer.name = "w1";
  session.offer.slots = 3;
  session.joined_at = WallFromMicros(8);
  batch.sessions.push_back(session);
  const Batch copy = batch;
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.dags.size(), 1u);
  EXPECT_EQ(image_.dags[0].cursor, copy.dags[0].cursor);
  EXPECT_EQ(image_.dags[0].cursor_logical_date, copy.dags[0].cursor_logical_date);
  ASSERT_EQ(image_.dag_versions.size(), 1u);
  EXPECT_EQ(image_.dag_versions[0].dag->tasks.size(), 2u);
  EXPECT_EQ(image_.dag_versions[0].dag->tasks[1].upstream, std::vector<std::int32_t>{0});
  ASSERT_EQ(image_.runs.size(), 1u);
  EXPECT_EQ(image_.runs[0], copy.runs[0]);
  EXPECT_EQ(image_.task_instances, copy.task_instances);
  ASSERT_EQ(image_.sessions.size(), 1u);
  EXPECT_EQ(image_.sessions[0].offer.name, "w1");
  EXPECT_EQ(image_.sessions[0].offer.slots, 3);
  EXPECT_EQ(image_.next_run_key, 2);
  EXPECT_EQ(image_.next_session, 5u);
}

TEST_P(StoreContract, who_triggered_a_run_and_who_waits_for_it_come_back) {
  Batch batch = WithRun();
  batch.runs[0].type = RunType::kOperatorTriggered;
  batch.runs[0].triggering_task = TriggeringTask{"parent", "manual__1", "go", 3};
  batch.task_instances[1].state = TaskState::kDeferred;
  batch.task_instances[1].waits_for = RunKey{7};
  batch.transitions.push_back(Step(1, 1, 0, 10));
  const Batch copy = batch;
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.runs.size(), 1u);
  EXPECT_EQ(image_.runs[0], copy.runs[0]);
  EXPECT_EQ(image_.task_instances, copy.task_instances);
}

TEST_P(StoreContract, approvals_that_still_wait_are_loaded_and_others_are_not) {
  Batch batch = WithRun();
  batch.task_instances[1].state = TaskState::kDeferred;
  batch.transitions.push_back(Step(1, 1, 0, 10));
  ApprovalRow open{{RunKey{1}, 1}, 2, R"({"subject":"Go?"})", WallFromMicros(4), WallFromMicros(9), {}, "", ""};
  ApprovalRow older = open;
  older.try_number = 1;
  ApprovalRow of_another = open;
  of_another.instance.index = 0;  // which is not deferred any more
  batch.approvals = {older, open, of_another};
  CommitOk(std::move(batch));
  Reopen();
  EXPECT_EQ(image_.approvals, std::vector<ApprovalRow>{open});
  batch = NewBatch();
  open.responded_at = WallFromMicros(8);
  open.responded_by = "ana";
  open.response = R"({"chosen_options":["Approve"]})";
  batch.approvals = {open};
  CommitOk(std::move(batch));
  Reopen();
  EXPECT_TRUE(image_.approvals.empty());
}

TEST_P(StoreContract, a_row_that_is_committed_again_replaces_the_first) {
  CommitOk(WithRun());
  Batch batch = NewBatch();
  TaskInstance ended = InstanceRow(1, 0, TaskState::kSuccess);
  ended.due_at.reset();
  batch.task_instances.push_back(ended);
  batch.transitions.push_back(Step(1, 0, 3, 4));
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.task_instances.size(), 2u);
  EXPECT_EQ(image_.task_instances[0], ended);
}

TEST_P(StoreContract, the_teams_that_dags_and_pools_belong_to_come_back) {
  Batch batch = WithDag();
  batch.dags[0].team = "sales";
  batch.records = {TeamRecord{.name = "sales"},
                   PoolRow{.name = "warehouse", .slots = 2, .description = "", .team = "sales"}};
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.dags.size(), 1u);
  EXPECT_EQ(image_.dags[0].team, "sales");
  ASSERT_EQ(image_.pools.size(), 1u);
  EXPECT_EQ(image_.pools[0].team, "sales");
  Batch moved = NewBatch();
  moved.dags = image_.dags;
  moved.dags[0].team = "";
  moved.records = {PoolRow{.name = "warehouse", .slots = 2, .description = ""}};
  CommitOk(std::move(moved));
  Reopen();
  EXPECT_EQ(image_.dags[0].team + image_.pools[0].team, "");
}

TEST_P(StoreContract, runs_that_ended_are_not_loaded_but_can_be_asked_for) {
  CommitOk(WithRun());
  Batch batch = NewBatch();
  batch.runs.push_back(RunRow(1, "first", RunState::kFailed));
  batch.transitions.push_back(Step(1, -1, 1, 3));
  CommitOk(std::move(batch));
  Reopen();
  EXPECT_TRUE(image_.runs.empty());
  EXPECT_TRUE(image_.task_instances.empty());
  EXPECT_EQ(image_.next_run_key, 2);
  const StatusOr<RunImage> run = opened_.loader->LoadRun("etl", "first");
  ASSERT_TRUE(run.ok()) << run.status().ToString();
  EXPECT_EQ(run->run.state, RunState::kFailed);
  EXPECT_EQ(run->task_instances.size(), 2u);
  ASSERT_NE(run->dag, nullptr);
  EXPECT_EQ(run->dag->tasks.size(), 2u);
  EXPECT_EQ(opened_.loader->LoadRun("etl", "second").status().code(), Code::kNotFound);
  EXPECT_EQ(opened_.loader->LoadRun("nosuch", "first").status().code(), Code::kNotFound);
}

TEST_P(StoreContract, xcoms_are_kept_by_name_and_forgotten_alone_or_together) {
  CommitOk(WithRun());
  const TaskInstanceKey a{RunKey{1}, 0};
  const TaskInstanceKey b{RunKey{1}, 1};
  const auto row = [](const TaskInstanceKey& key, const std::string& name, const std::string& json) {
    return XComRow{key, name, json, false, WallFromMicros(9)};
  };
  Batch batch = NewBatch();
  batch.xcoms = {row(a, "old", "1"), {a, "", "", true, {}}, row(a, kReturnValue, "[1]"), row(a, "path", "\"x\""),
                 row(b, "path", "2"), row(a, "path", "\"y\"")};
  batch.records.push_back(XComRecord{{b, "path", "", true, {}}});
  CommitOk(std::move(batch));
  const std::vector<XComKey> asked = {{a, "old"}, {a, kReturnValue}, {a, "path"}, {b, "path"}, {b, "nothing"}};
  StatusOr<std::vector<XComRow>> found = opened_.loader->LoadXComs(asked);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  std::sort(found->begin(), found->end(), [](const XComRow& x, const XComRow& y) { return x.key < y.key; });
  EXPECT_EQ(*found, (std::vector<XComRow>{row(a, "path", "\"y\""), row(a, kReturnValue, "[1]")}));
  Reopen();
  EXPECT_EQ(opened_.loader->LoadXComs(asked)->size(), 2u);
}

TEST_P(StoreContract, state_stores_are_kept_by_key_in_the_order_of_the_batch) {
  CommitOk(WithRun());
  const TaskInstanceKey a{RunKey{1}, 0};
  const TaskInstanceKey b{RunKey{1}, 1};
  const auto of_task = [](const TaskInstanceKey& key, const std::string& name, const std::string& json) {
    return TaskStateRow{key, name, json, WallFromMicros(9), WallFromMicros(100), false};
  };
  const DatasetStateRow watermark{"orders", "watermark", "7", WallFromMicros(9), "etl", "first", "load", 3, false};
  Batch batch = NewBatch();
  batch.records = {TaskStateRecord{of_task(a, "old", "1")},
                   TaskStateRecord{{a, "", "", {}, std::nullopt, true}},
                   TaskStateRecord{of_task(a, "job", "\"j1\"")},
                   TaskStateRecord{of_task(a, "job", "\"j2\"")},
                   TaskStateRecord{of_task(b, "job", "3")},
                   TaskStateRecord{{b, "job", "", {}, std::nullopt, true}},
                   TaskStateRecord{of_task({RunKey{77}, 0}, "job", "4")},
                   DatasetStateRecord{{"orders", "watermark", "6", {}, "", "", "", -1, false}},
                   DatasetStateRecord{watermark},
                   DatasetStateRecord{{"users", "n", "1", {}, "", "", "", -1, false}},
                   DatasetStateRecord{{"users", "", "", {}, "", "", "", -1, true}}};
  CommitOk(std::move(batch));
  Reopen();
  EXPECT_EQ(*opened_.loader->LoadTaskState(a, "job"), of_task(a, "job", "\"j2\""));
  EXPECT_EQ(opened_.loader->LoadTaskState(a, "old").status().code(), Code::kNotFound);
  EXPECT_EQ(opened_.loader->LoadTaskState(b, "job").status().code(), Code::kNotFound);
  EXPECT_EQ(opened_.loader->LoadTaskState({RunKey{77}, 0}, "job").status().code(), Code::kNotFound)
      << "there is no such task instance";
  EXPECT_EQ(*opened_.loader->LoadDatasetState("orders", "watermark"), watermark);
  EXPECT_EQ(opened_.loader->LoadDatasetState("users", "n").status().code(), Code::kNotFound);
  // Retention takes what has expired, and the run takes the rest of its own.
  Batch kept = NewBatch();
  kept.records = {TaskStateRecord{of_task(b, "late", "1")}, PruneRecord{WallFromMicros(0), 10, WallFromMicros(99)}};
  CommitOk(std::move(kept));
  EXPECT_TRUE(opened_.loader->LoadTaskState(a, "job").ok());
  Batch pruned = NewBatch();
  pruned.records = {PruneRecord{WallFromMicros(0), 10, WallFromMicros(100)},
                    TaskStateRecord{{b, "ever", "1", WallFromMicros(9), std::nullopt, false}}};
  CommitOk(std::move(pruned));
  EXPECT_EQ(opened_.loader->LoadTaskState(a, "job").status().code(), Code::kNotFound);
  EXPECT_TRUE(opened_.loader->LoadTaskState(b, "ever").ok());
  Batch deleted = NewBatch();
  deleted.deleted_runs = {RunKey{1}};
  CommitOk(std::move(deleted));
  EXPECT_EQ(opened_.loader->LoadTaskState(b, "ever").status().code(), Code::kNotFound);
  EXPECT_TRUE(opened_.loader->LoadDatasetState("orders", "watermark").ok());
}

TEST_P(StoreContract, mapped_instances_and_what_a_branch_left_out_come_back) {
  CommitOk(WithRun());
  TaskInstance first = InstanceRow(1, 0, TaskState::kSuccess);
  first.map_index = 0;
  first.map_value = R"({"n":1})";
  first.skips = {1, 12};
  TaskInstance second = InstanceRow(1, 2, TaskState::kScheduled);
  second.map_index = 1;
  second.mapped_task = 0;
  second.map_value = R"({"n":2})";
  Batch batch = NewBatch();
  batch.task_instances = {first, second};
  batch.transitions = {Step(1, 0, 3, 4), Step(1, 2, 0, 1)};
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.task_instances.size(), 3u);
  EXPECT_EQ(image_.task_instances[0], first);
  EXPECT_EQ(image_.task_instances[2], second);
  EXPECT_EQ(image_.task_instances[2].task(), 0);
}

TEST_P(StoreContract, the_run_before_a_date_is_the_latest_of_those_before_it) {
  CommitOk(WithRun());
  Batch batch = NewBatch();
  for (const std::int64_t key : {2, 3, 4}) {
    millrace::Run run = RunRow(key, "r" + std::to_string(key), RunState::kSuccess);
    run.logical_date = WallFromMicros(1000 * (key == 4 ? 3 : key));
    batch.runs.push_back(run);
    batch.transitions.push_back(Step(key, -1, 0, 1));
    batch.transitions.push_back(Step(key, -1, 1, 2));
  }
  CommitOk(std::move(batch));
  EXPECT_EQ(opened_.loader->LoadPrevious("etl", WallFromMicros(2500))->run.run_id, "r2");
  EXPECT_EQ(opened_.loader->LoadPrevious("etl", WallFromMicros(9000))->run.run_id, "r4") << "the newer of one date";
  EXPECT_EQ(opened_.loader->LoadPrevious("etl", WallFromMicros(2000)).status().code(), Code::kNotFound);
  EXPECT_EQ(opened_.loader->LoadPrevious("nosuch", WallFromMicros(9000)).status().code(), Code::kNotFound);
}

TEST_P(StoreContract, the_last_success_before_a_date_passes_over_failures_and_later_runs) {
  CommitOk(WithRun());
  Batch batch = NewBatch();
  for (const std::int64_t key : {2, 3, 4}) {
    const RunState state = key == 3 ? RunState::kFailed : RunState::kSuccess;
    millrace::Run run = RunRow(key, "r" + std::to_string(key), state);
    run.logical_date = WallFromMicros(1000 * key);
    batch.runs.push_back(run);
    batch.transitions.push_back(Step(key, -1, 0, 1));
    batch.transitions.push_back(Step(key, -1, 1, static_cast<int>(state)));
  }
  CommitOk(std::move(batch));
  EXPECT_EQ(opened_.loader->LoadPreviousSuccess("etl", WallFromMicros(4000))->run_id, "r2");
  EXPECT_EQ(opened_.loader->LoadPreviousSuccess("etl", WallFromMicros(4001))->run_id, "r4");
  EXPECT_EQ(opened_.loader->LoadPreviousSuccess("etl", WallFromMicros(2000)).status().code(), Code::kNotFound);
  EXPECT_EQ(opened_.loader->LoadPreviousSuccess("nosuch", WallFromMicros(9000)).status().code(), Code::kNotFound);
}

TEST_P(StoreContract, cached_results_come_back_are_replaced_and_forgotten_by_task) {
  CommitOk(WithDag());
  CachedResult first{.key = "0a", .dag_id = "etl", .task_id = "a", .run_id = "r1", .map_index = 3,
                     .made_at = WallFromMicros(5), .expires_at = WallFromMicros(50),
                     .xcoms = {{"return_value", R"({"rows":[1,null,"x"]})"}, {"path", R"("lake/1")"}}};
  CachedResult second{.key = "0b", .dag_id = "etl", .task_id = "b", .run_id = "r1", .map_index = -1,
                      .made_at = WallFromMicros(6), .expires_at = std::nullopt, .xcoms = {}};
  Batch batch = NewBatch();
  batch.cached = {first, second};
  CommitOk(std::move(batch));
  Reopen();
  EXPECT_EQ(*opened_.loader->LoadCached("0a"), first);
  EXPECT_EQ(*opened_.loader->LoadCached("0b"), second);
  EXPECT_EQ(opened_.loader->LoadCached("0c").status().code(), Code::kNotFound);
  first.run_id = "r2";
  CachedResult forgotten;
  forgotten.dag_id = "etl";
  forgotten.task_id = "b";
  forgotten.removed = true;
  Batch next = NewBatch();
  next.cached = {forgotten, first};
  CommitOk(std::move(next));
  EXPECT_EQ(opened_.loader->LoadCached("0a")->run_id, "r2");
  EXPECT_EQ(opened_.loader->LoadCached("0b").status().code(), Code::kNotFound);
  forgotten.task_id = "a";
  Batch last = NewBatch();
  last.cached = {first, forgotten};
  CommitOk(std::move(last));
  EXPECT_EQ(opened_.loader->LoadCached("0a").status().code(), Code::kNotFound) << "in the order of the batch";
}

TEST_P(StoreContract, the_newest_version_comes_and_those_that_runs_under_way_use) {
  CommitOk(WithRun());
  for (std::int32_t version = 2; version <= 3; ++version) {
    Batch batch = NewBatch();
    DagRow row;
    row.dag_id = "etl";
    row.version = version;
    batch.dags.push_back(row);
    batch.dag_versions.push_back({"etl", version, WallFromMicros(2),
                                  DagBuilder("etl").Add("a").Version("v" + std::to_string(version)).Build()});
    CommitOk(std::move(batch));
  }
  Reopen();
  std::vector<std::int32_t> versions;
  for (const DagVersionRow& row : image_.dag_versions) versions.push_back(row.version);
  EXPECT_EQ(versions, (std::vector<std::int32_t>{1, 3}));
}

TEST_P(StoreContract, a_batch_of_an_older_term_or_out_of_sequence_is_fenced_and_writes_nothing) {
  CommitOk(WithDag());
  Batch older = NewBatch();
  older.term = image_.term - 1;
  older.runs.push_back(RunRow(1, "older", RunState::kQueued));
  EXPECT_EQ(Commit(std::move(older)).outcome, store::CommitOutcome::kFenced);
  Batch ahead = NewBatch();
  ahead.sequence += 1;
  ahead.runs.push_back(RunRow(1, "ahead", RunState::kQueued));
  EXPECT_EQ(Commit(std::move(ahead)).outcome, store::CommitOutcome::kFenced);
  EXPECT_EQ(*opened_.store->LastSequence(), 1u);
  Reopen();
  EXPECT_TRUE(image_.runs.empty());
}

TEST_P(StoreContract, the_last_sequence_is_the_last_durable_batch) {
  EXPECT_EQ(*opened_.store->LastSequence(), 0u);
  CommitOk(WithDag());
  EXPECT_EQ(*opened_.store->LastSequence(), 1u);
}

TEST_P(StoreContract, sessions_that_ended_are_not_loaded_and_their_numbers_are_not_used_again) {
  Batch batch = NewBatch();
  SessionRow session;
  session.session = SessionId{7};
  session.offer.name = "w1";
  session.ended_at = WallFromMicros(9);
  session.end_reason = "left";
  batch.sessions.push_back(session);
  CommitOk(std::move(batch));
  Reopen();
  EXPECT_TRUE(image_.sessions.empty());
  EXPECT_EQ(image_.next_session, 8u);
}

TEST_P(StoreContract, stage_tasks_of_jobs_under_way_come_back) {
  Batch batch = WithRun();
  StageTaskRow row;
  row.job = {{RunKey{1}, 0}, 2};
  row.stage = 0;
  row.index = 5;
  row.fence = {1, 9};
  row.session = SessionId{4};
  row.worker = "w1";
  MapResult result;
  result.digest = "d";
  result.partitions = {{10, 1}, {20, 2}};
  row.result = result;
  batch.stage_tasks.push_back(row);
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.stage_tasks.size(), 1u);
  EXPECT_EQ(image_.stage_tasks[0].job, row.job);
  EXPECT_EQ(image_.stage_tasks[0].fence, row.fence);
  EXPECT_EQ(image_.stage_tasks[0].result, row.result);
}

TEST_P(StoreContract, what_is_still_to_be_told_comes_back_whole_and_what_was_told_does_not) {
  Batch batch = WithRun();
  Notification waits;
  waits.id = 3;
  waits.run = RunKey{1};
  waits.index = 1;
  waits.cause = CallbackCause::kRetry;
  waits.dag_id = "etl";
  waits.run_id = "first";
  waits.task_id = "b";
  waits.map_index = 4;
  waits.try_number = 2;
  waits.kind = "notify";
  waits.target = "smtp to zoë@example.com";
  waits.created_at = WallFromMicros(11);
  waits.due_at = WallFromMicros(12);
  waits.delivery = {R"({"notify":"smtp"})", "{}", {{"A", "b"}}, {"mail"}, {"f.py"}, "hash", std::chrono::seconds(9)};
  Notification suppressed = waits;
  suppressed.id = 4;
  suppressed.state = NotificationState::kSuppressed;
  suppressed.count = 17;
  Notification told = waits;
  told.id = 5;
  Notification lineage = told;
  lineage.id = 6;
  lineage.cause = CallbackCause::kLineage;
  lineage.delivery.timeout = std::chrono::seconds(30);
  batch.notifications = {waits, suppressed, told, lineage};
  CommitOk(std::move(batch));
  Batch later = NewBatch();
  waits.state = NotificationState::kRunning;
  waits.attempts = 2;
  waits.fence = {1, 77};
  waits.session = SessionId{4};
  waits.worker = "w1";
  waits.reason = "refused";
  waits.due_at.reset();
  told.state = NotificationState::kDelivered;
  told.ended_at = WallFromMicros(14);
  later.notifications = {waits, told};
  CommitOk(std::move(later));
  Reopen();
  EXPECT_EQ(image_.notifications, (std::vector<Notification>{waits, suppressed, lineage}));
  EXPECT_EQ(image_.notified, (std::vector<std::pair<RunKey, std::int32_t>>{{RunKey{1}, 2}}));  // lineage is no callback
  EXPECT_EQ(image_.next_notification, 7);
}

TEST_P(StoreContract, what_a_deleted_run_had_to_tell_is_gone_and_its_numbers_are_not_used_again) {
  Batch batch = WithDag();
  batch.runs.push_back(RunRow(1, "first", RunState::kSuccess));
  Notification row;
  row.id = 8;
  row.run = RunKey{1};
  batch.notifications = {row};
  CommitOk(std::move(batch));
  Reopen();
  ASSERT_EQ(image_.notifications.size(), 1u);  // its run is over, it is not
  Batch gone = NewBatch();
  gone.deleted_runs = {RunKey{1}};
  CommitOk(std::move(gone));
  Reopen();
  EXPECT_TRUE(image_.notifications.empty());
  EXPECT_EQ(image_.next_notification, 9);
}

}  // namespace millrace::test
