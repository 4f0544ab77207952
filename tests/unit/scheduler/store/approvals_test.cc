// Approvals and notes, which belong to a task of a run, on the real store.
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class ApprovalsTest : public StoreTest {};

TEST_F(ApprovalsTest, ApprovalsAreListedAtTheTryThatTheirTaskIsAt) {
  Open();
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(100));
  AddRun(batch, RunKey{2}, WallFromMicros(200));
  batch.task_instances[3].try_number = 3;  // of the second run: it has asked again since, or will
  batch.approvals.push_back({{RunKey{2}, 1}, 3, "{}", WallFromMicros(300), WallFromMicros(400), {}, "", ""});
  batch.task_instances[3].state = TaskState::kDeferred;
  Commit(batch);
  ApprovalReader& reader = readers_->approvals();
  const std::vector<ApprovalEntry> all = *reader.ListApprovals({});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].row, batch.approvals[0]);
  EXPECT_EQ(all[0].run.run_id, "r1");
  EXPECT_EQ(all[1].row, batch.approvals[2]);
  EXPECT_EQ(all[1].instance.state, TaskState::kDeferred);
  EXPECT_EQ(reader.ListApprovals({.answered = false})->size(), 1U);
  EXPECT_EQ(reader.ListApprovals({.dag_id = "etl", .run_id = "r1"})->size(), 1U);
  EXPECT_TRUE(reader.ListApprovals({.dag_id = "other"})->empty());
  EXPECT_EQ(reader.ListApprovals({.dag_pattern = "e%", .states = {TaskState::kDeferred}})->size(), 1U);
  EXPECT_TRUE(reader.ListApprovals({.created_from = WallFromMicros(301)})->empty());
  EXPECT_EQ(*reader.GetApproval({RunKey{2}, 1}, 3), batch.approvals[2]);
  EXPECT_EQ(reader.GetApproval({RunKey{2}, 0}, 1).status().code(), Code::kNotFound);
}

TEST_F(ApprovalsTest, ApprovalsAndNotesGoWithTheirRun) {
  Open();
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(100));
  Commit(batch);
  EXPECT_EQ(Count("approval"), 1);
  EXPECT_EQ(Count("note"), 1);
  Batch gone;
  gone.deleted_runs = {RunKey{1}};
  Commit(gone);
  EXPECT_EQ(Count("approval"), 0);
  EXPECT_EQ(Count("note"), 0);
}

TEST_F(ApprovalsTest, AStoreFromBeforeTriggersAndApprovalsOpensWithItsRunsAndInstances) {
  LeaveOlder(
      4,
      "INSERT INTO run (run, dag_id, run_id, type, state, version, run_after, queued_at, conf, triggered_by, "
      "note) "
      "VALUES (3, 'etl', 'r3', 1, 2, 1, 0, 0, '{}', 'ana', '');"
      "INSERT INTO task_instance (key, state, try_number, max_tries, lost, term, counter, session) VALUES (" +
          std::to_string(3LL << kIndexBits) + ", 4, 1, 0, 0, 1, 1, 0)");
  Open();
  const millrace::Run run = *readers_->runs().GetRun("etl", "r3");
  EXPECT_EQ(run.triggered_by, "ana");
  EXPECT_FALSE(run.triggering_task.has_value());
  const TaskInstance instance = *readers_->task_instances().GetTaskInstance({RunKey{3}, 0});
  EXPECT_EQ(instance.state, TaskState::kSuccess);
  EXPECT_EQ(ToInt(instance.waits_for), 0);
  EXPECT_TRUE(readers_->approvals().ListApprovals({})->empty());
}

TEST_F(ApprovalsTest, ANoteIsReplacedAndTakenAway) {
  Open();
  Batch batch = WithDag();
  AddRun(batch, RunKey{1}, WallFromMicros(100));
  Commit(batch);
  const TaskInstanceKey key{RunKey{1}, 0};
  ASSERT_EQ(readers_->task_instances().ListNotes({key, {RunKey{1}, 1}})->size(), 1U);
  Batch other;
  other.records.push_back(NoteRecord{key, "again", "bob", WallFromMicros(5)});
  Commit(other);
  EXPECT_EQ(readers_->task_instances().ListNotes({key})->at(0).text, "again");
  EXPECT_EQ(readers_->task_instances().ListNotes({key})->at(0).user, "bob");
  Batch none;
  none.records.push_back(NoteRecord{key, "", "bob", WallFromMicros(6)});
  Commit(none);
  EXPECT_TRUE(readers_->task_instances().ListNotes({key})->empty());
}

}  // namespace
}  // namespace millrace::store
