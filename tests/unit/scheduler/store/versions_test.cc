// Versions of DAGs in the real store: those of jobs without a DAG go with their runs, others when what no run has is cleaned.
#include "core/model/jobs_dag.h"
#include "tests/support/dag_builder.h"
#include "tests/unit/scheduler/store/store_fixture.h"

namespace millrace::store {
namespace {

class VersionsTest : public StoreTest {
 protected:
  // The DAG's next version, and runs that have it.
  Batch Version(const std::string& dag_id, std::int32_t version, const std::vector<std::int64_t>& runs) {
    Batch batch;
    DagRow row;
    row.dag_id = dag_id;
    row.version = version;
    batch.dags.push_back(row);
    batch.dag_versions.push_back({dag_id, version, WallFromMicros(version), test::DagBuilder(dag_id).Add("job").Version("v" + std::to_string(version)).Build()});
    for (const std::int64_t run : runs) batch.runs.push_back(RunOf(dag_id, version, run));
    return batch;
  }
  static millrace::Run RunOf(const std::string& dag_id, std::int32_t version, std::int64_t key) {
    millrace::Run run;
    run.key = RunKey{key};
    run.dag_id = dag_id;
    run.run_id = "r" + std::to_string(key);
    run.version = version;
    run.type = RunType::kManual;
    run.state = RunState::kSuccess;
    return run;
  }
  void DeleteRuns(const std::vector<std::int64_t>& runs) {
    Batch batch;
    for (const std::int64_t run : runs) batch.deleted_runs.push_back(RunKey{run});
    Commit(std::move(batch));
  }
  void Prune(std::int64_t before) {
    Batch batch;
    batch.records.push_back(PruneRecord{WallFromMicros(before), 1000});
    Commit(std::move(batch));
  }
  std::vector<std::int32_t> Versions(const std::string& dag_id) {
    std::vector<std::int32_t> versions;
    const StatusOr<std::vector<DagVersionRow>> listed = readers_->dags().ListVersions(dag_id);
    EXPECT_TRUE(listed.ok()) << listed.status().ToString();
    if (listed.ok()) {
      for (const DagVersionRow& row : *listed) versions.push_back(row.version);
    }
    return versions;
  }

  const std::string jobs_{kJobsDag};
};

using V = std::vector<std::int32_t>;

TEST_F(VersionsTest, AJobsVersionGoesWithTheLastRunThatHasIt) {
  Open();
  Commit(Version(jobs_, 1, {1, 2}));
  Commit(Version(jobs_, 2, {3}));
  Commit(Version(jobs_, 3, {4}));
  Commit(Version("etl", 1, {5}));
  Commit(Version("etl", 2, {}));
  DeleteRuns({1});
  EXPECT_EQ(Versions(jobs_), (V{1, 2, 3})) << "run 2 has it, too";
  DeleteRuns({2, 5});
  EXPECT_EQ(Versions(jobs_), (V{2, 3}));
  EXPECT_EQ(Versions("etl"), (V{1, 2})) << "a DAG's history is no job's";
  DeleteRuns({3, 4});
  EXPECT_EQ(Versions(jobs_), V{3}) << "the next one is the fourth";
  Commit(Version(jobs_, 4, {6}));
  Open();
  EXPECT_EQ(Versions(jobs_), (V{3, 4}));
  Prune(100);
  EXPECT_EQ(Versions(jobs_), V{4});
}

TEST_F(VersionsTest, WhatIsCleanedHasNoRunIsOldAndIsNotTheNewest) {
  Open();
  Commit(Version("etl", 1, {1}));
  Commit(Version("etl", 2, {}));
  Commit(Version("etl", 3, {}));
  Commit(Version("etl", 4, {2}));
  Commit(Version("etl", 5, {}));
  Commit(Version("once", 1, {}));
  Prune(3);
  EXPECT_EQ(Versions("etl"), (V{1, 3, 4, 5})) << "the third was made at that time";
  Prune(100);
  EXPECT_EQ(Versions("etl"), (V{1, 4, 5}));
  EXPECT_EQ(Versions("once"), V{1});
  // A run that is made in the same commit counts.
  Batch batch = Version("etl", 6, {});
  batch.runs.push_back(RunOf("etl", 5, 3));
  batch.records.push_back(PruneRecord{WallFromMicros(100), 1000});
  Commit(std::move(batch));
  EXPECT_EQ(Versions("etl"), (V{1, 4, 5, 6}));
}

TEST_F(VersionsTest, AStoreInWhichTheyAccumulatedIsCleanedToo) {
  LeaveOlder(10);
  Open();
  Commit(Version(jobs_, 1, {}));
  Commit(Version(jobs_, 2, {1}));
  Commit(Version(jobs_, 3, {2}));
  Prune(100);
  EXPECT_EQ(Versions(jobs_), (V{2, 3}));
  DeleteRuns({1});
  EXPECT_EQ(Versions(jobs_), V{3});
}

}  // namespace
}  // namespace millrace::store
