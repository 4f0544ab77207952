#include "scheduler/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/metrics/process.h"

namespace millrace::metrics {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

WallTime At(int seconds) { return WallTime(std::chrono::seconds(1'000'000 + seconds)); }

Transition Of(std::int64_t run, std::int32_t index, TaskState from, TaskState to) {
  return {RunKey{run}, index, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to), 1, At(0)};
}

Transition Of(std::int64_t run, RunState from, RunState to) {
  return {RunKey{run}, -1, static_cast<std::uint8_t>(from), static_cast<std::uint8_t>(to), 0, At(0)};
}

TEST(MetricsTest, CountsWhatBecomesOfTaskInstances) {
  Metrics metrics;
  Batch batch;
  batch.transitions = {Of(1, 0, TaskState::kQueued, TaskState::kRunning), Of(1, 0, TaskState::kRunning, TaskState::kSuccess),
                       Of(1, 1, TaskState::kQueued, TaskState::kFailed), Of(1, 2, TaskState::kRunning, TaskState::kUpForRetry),
                       Of(1, 3, TaskState::kNone, TaskState::kSkipped)};
  TaskInstance row;
  row.key = {RunKey{1}, 0};
  row.scheduled_at = At(0);
  row.queued_at = At(1);
  row.started_at = At(3);
  row.ended_at = At(10);
  batch.task_instances = {row};
  metrics.Committed(batch);
  EXPECT_THAT(metrics.Text({}),
              AllOf(HasSubstr("airflow_ti_start_total 2"), HasSubstr("airflow_ti_successes_total 1"),
                    HasSubstr("airflow_ti_failures_total 2"), HasSubstr("airflow_ti_retries_total 1"),
                    HasSubstr("airflow_ti_finish_total{state=\"skipped\"} 1"),
                    HasSubstr("airflow_task_duration_seconds_sum 7"),
                    HasSubstr("airflow_task_duration_seconds_bucket{le=\"10\"} 1"),
                    HasSubstr("airflow_task_queued_duration_seconds_sum 2"),
                    HasSubstr("airflow_task_scheduled_duration_seconds_sum 1"), HasSubstr("millrace_commits_total 1"),
                    HasSubstr("millrace_transitions_total 5")));
}

TEST(MetricsTest, ARowThatIsWrittenAgainIsNotCountedAgain) {
  Metrics metrics;
  Batch batch;
  TaskInstance row;
  row.key = {RunKey{1}, 0};
  row.started_at = At(0);
  row.ended_at = At(10);
  batch.task_instances = {row};
  metrics.Committed(batch);
  EXPECT_THAT(metrics.Text({}), HasSubstr("airflow_task_duration_seconds_count 0"));
}

TEST(MetricsTest, RunsAreTimedByDag) {
  Metrics metrics;
  Batch batch;
  millrace::Run run;
  run.key = RunKey{7};
  run.dag_id = "etl";
  run.state = RunState::kSuccess;
  run.run_after = At(0);
  run.started_at = At(2);
  run.ended_at = At(30);
  batch.runs = {run};
  batch.transitions = {Of(7, RunState::kQueued, RunState::kRunning), Of(7, RunState::kRunning, RunState::kSuccess)};
  metrics.Committed(batch);
  const std::string text = metrics.Text({});
  EXPECT_THAT(text, AllOf(HasSubstr("airflow_dagrun_duration_success_seconds_sum{dag_id=\"etl\"} 28"),
                          HasSubstr("airflow_dagrun_schedule_delay_seconds_sum{dag_id=\"etl\"} 2"),
                          Not(HasSubstr("airflow_dagrun_duration_failed_seconds_sum"))));
}

TEST(MetricsTest, PoolsAndWorkersAreShownAsTheyStandAndNoLongerWhenTheyAreGone) {
  Metrics metrics;
  Standing standing;
  PoolView pool;
  pool.row.name = "small \"one\"";
  pool.row.slots = 4;
  pool.running = 1;
  pool.queued = 2;
  pool.scheduled = 9;
  standing.pools = {pool};
  WorkerView worker;
  worker.connected = true;
  worker.offer.slots = 8;
  worker.slots_used = 3;
  worker.attempts = 3;
  WorkerView away = worker;
  away.connected = false;
  standing.workers = {worker, away};
  standing.dags = 12;
  standing.running_runs = 5;
  EXPECT_THAT(metrics.Text(standing),
              AllOf(HasSubstr(R"(airflow_pool_open_slots{pool_name="small \"one\""} 1)"),
                    HasSubstr(R"(airflow_pool_scheduled_slots{pool_name="small \"one\""} 9)"),
                    HasSubstr("airflow_executor_open_slots 5"), HasSubstr("airflow_executor_running_tasks 3"),
                    HasSubstr("millrace_workers 1"), HasSubstr("airflow_dagbag_size 12"),
                    HasSubstr("airflow_scheduler_dagruns_running 5")));
  EXPECT_THAT(metrics.Text({}), AllOf(Not(HasSubstr("small")), HasSubstr("millrace_workers 0")));
}

TEST(MetricsTest, TheProcessTellsOfItself) {
  const auto facts = ReadProcessFacts();
  ASSERT_TRUE(facts);
  EXPECT_GT(facts->resident_bytes, 1'000'000);
  EXPECT_GE(facts->virtual_bytes, facts->resident_bytes);
  EXPECT_GT(facts->start_seconds, 1e9);
  EXPECT_GE(facts->open_files, 3);
  EXPECT_GE(facts->threads, 1);
}

}  // namespace
}  // namespace millrace::metrics
