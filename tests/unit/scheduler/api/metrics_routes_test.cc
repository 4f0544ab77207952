#include <gmock/gmock.h>

#include "tests/unit/scheduler/api/api_fixture.h"

namespace millrace::api {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class MetricsRoutesTest : public ApiTest {};

TEST_F(MetricsRoutesTest, PrometheusReadsHowThingsStandAndWhatWasCommitted) {
  Start();
  auto batch = std::make_shared<Batch>();
  batch->transitions.push_back({RunKey{1}, 0, static_cast<std::uint8_t>(TaskState::kRunning),
                                static_cast<std::uint8_t>(TaskState::kSuccess), 1, kStart});
  server_->Committed(batch);
  const Answered answered = Ask("GET", "/metrics", Token("monitor"));
  EXPECT_EQ(answered.status, 200);
  EXPECT_THAT(answered.text, AllOf(HasSubstr("text/plain; version=0.0.4"), HasSubstr("# TYPE airflow_ti_successes_total counter"),
                                   HasSubstr("airflow_ti_successes_total 1"), HasSubstr("airflow_dagbag_size 1"),
                                   HasSubstr("airflow_scheduler_dagruns_running 1"),
                                   HasSubstr("process_resident_memory_bytes")));
}

TEST_F(MetricsRoutesTest, WhatWatchesReadsNothingElse) {
  Start();
  EXPECT_EQ(Ask("GET", "/api/v2/dags", Token("monitor")).status, 403);
  EXPECT_EQ(Ask("GET", "/metrics", Token("worker")).status, 403);
  EXPECT_EQ(Ask("GET", "/metrics", "").status, 401);
}

TEST_F(MetricsRoutesTest, AnAnswerToAnotherQuestionIsAnErrorAndNoMetric) {
  inbox_.answer_question = [](const Question&) -> Answer { return StatusOr<Why>(NotFound("no")); };
  Start();
  EXPECT_EQ(Ask("GET", "/metrics", Token("monitor")).status, 500);
}

}  // namespace
}  // namespace millrace::api
