#include "dagctl/trial.h"

#include <gtest/gtest.h>

#include "core/model/json.h"

namespace millrace::dagctl {
namespace {

constexpr const char* kFile = R"(dag_id: other
tasks: [{id: x, uses: empty}]
---
dag_id: etl
schedule: "* * * * *"
start_date: 2001-01-01
end_date: 2001-02-01
catchup: true
is_paused_upon_creation: true
tasks:
  - {id: a, uses: empty}
  - group: stage
    needs: [a]
    tooltip: both
    tasks:
      - {id: a, uses: empty}
      - {id: b, uses: shell, needs: [a], trigger_rule: all_done, retries: 2, with: {command: "echo 2001-01-01"}}
)";

TEST(TrialTest, ADagStandsAloneAndNoScheduleStartsIt) {
  const StatusOr<std::string> text = TrialFile(kFile, "etl", "");
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  const Value dag = *ParseJson(*text);
  EXPECT_EQ(*dag.Find("dag_id"), Value("etl"));
  EXPECT_EQ(*dag.Find("schedule"), Value("* * * * *"));  // intervals are as it has them
  EXPECT_EQ(*dag.Find("start_date"), Value("2999-01-01"));
  for (const char* gone : {"end_date", "catchup", "is_paused_upon_creation"})
    EXPECT_EQ(dag.Find(gone), nullptr) << gone;
  EXPECT_EQ(dag.Find("tasks")->as_list().size(), 2U);
}

TEST(TrialTest, OfOneTaskTheGroupsStayAndWhatItNeedsGoes) {
  const StatusOr<std::string> text = TrialFile(kFile, "etl", "stage.b");
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(*ParseJson(*text)->Find("tasks"), *ParseJson(R"([{"group": "stage", "tooltip": "both", "tasks":
                            [{"id": "b", "uses": "shell", "retries": 2, "with": {"command": "echo 2001-01-01"}}]}])"));
  EXPECT_EQ(TrialFile(kFile, "etl", "b").status().code(), Code::kNotFound);
  EXPECT_EQ(TrialFile(kFile, "nothing", "").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace millrace::dagctl
