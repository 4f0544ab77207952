#include "scheduler/dagbag/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/problem_line.h"
#include "platform/zones.h"
#include "scheduler/dagbag/folder_reader.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kDelays = R"(inputs:
  flights: {path: data/flights.csv, format: csv}
map: SELECT origin, delay FROM flights
aggregate: {by: [origin], select: {n: count(*)}}
output: {path: out/delays}
mode: distributed
)";

class JobFileTest : public testing::Test {
 protected:
  JobDag Load() { return LoadJobFile(job_, zones_); }
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    for (const Problem& problem : Load().problems) lines.push_back(ToLine(problem));
    return lines;
  }
  Value With() {
    const JobDag loaded = Load();
    EXPECT_TRUE(loaded.problems.empty()) << ToLine(loaded.problems[0]);
    return loaded.dag == nullptr ? Value() : loaded.dag->tasks.at(0).with;
  }

  platform::TzdbZones zones_;
  JobFile job_{.file = "delays.yaml", .text = kDelays, .inputs = {}, .output = "", .files = {}};
};

TEST_F(JobFileTest, IsADagOfOneTaskWithTheTextAsItsSource) {
  const JobDag loaded = Load();
  ASSERT_NE(loaded.dag, nullptr);
  EXPECT_EQ(loaded.dag->id, kJobsDag);
  EXPECT_EQ(loaded.dag->source, kDelays);
  ASSERT_EQ(loaded.dag->tasks.size(), 1U);
  EXPECT_EQ(loaded.dag->tasks[0].id, kJobTask);
  EXPECT_EQ(loaded.dag->tasks[0].kind, "mapreduce");
  EXPECT_EQ(loaded.dag->tasks[0].with.Find("mode")->as_string(), "distributed");
}

TEST_F(JobFileTest, JsonIsAsGoodAsYaml) {
  job_.text = R"({"inputs": {"t": {"path": "x.csv"}}, "output": {"path": "out"}})";
  EXPECT_EQ(With().Find("output")->Find("path")->as_string(), "out");
}

TEST_F(JobFileTest, PathsAreReplacedAndNothingElse) {
  job_.inputs = {{"flights", "/other/*.csv"}};
  job_.output = "/other/out";
  const Value with = With();
  EXPECT_EQ(with.Find("inputs")->Find("flights")->Find("path")->as_string(), "/other/*.csv");
  EXPECT_EQ(with.Find("inputs")->Find("flights")->Find("format")->as_string(), "csv");
  EXPECT_EQ(with.Find("output")->Find("path")->as_string(), "/other/out");
  EXPECT_EQ(Load().dag->source, kDelays);
}

TEST_F(JobFileTest, PathsThatTheFileLeavesOutAreFilledIn) {
  job_.text = "inputs: {rows: {format: csv}, more: }\nmap: SELECT * FROM rows, more\n";
  job_.inputs = {{"rows", "/r"}, {"more", "/m"}};
  job_.output = "/o";
  const Value with = With();
  EXPECT_EQ(with.Find("inputs")->Find("more")->Find("path")->as_string(), "/m");
  EXPECT_EQ(with.Find("output")->Find("path")->as_string(), "/o");
  job_.text = "map: SELECT 1 AS one FROM rows, more\n";
  EXPECT_EQ(With().Find("inputs")->Find("rows")->Find("path")->as_string(), "/r");
}

TEST_F(JobFileTest, AnInputThatTheFileDoesNotHaveIsAProblemWithASuggestion) {
  job_.inputs = {{"flight", "/other"}};
  EXPECT_THAT(Lines(),
              ElementsAre("delays.yaml:2:3: the job has no input 'flight' (did you mean 'flights'?)"));
}

TEST_F(JobFileTest, EveryProblemHasItsPlaceInTheJobsFile) {
  job_.text =
      "inputs:\n  t: {path: x.csv, formt: csv}\nmap: SELECT * FROM t WHERE d = '{{ dss }}'\noutptu: {path: "
      "out}\n";
  EXPECT_THAT(Lines(), testing::UnorderedElementsAre(
                           HasSubstr("delays.yaml:2:20: inputs.t: unknown field 'formt'"),
                           HasSubstr("delays.yaml:4:1: unknown field 'outptu' (did you mean 'output'?)"),
                           HasSubstr("delays.yaml:1:1: field 'output' is missing"), HasSubstr("delays.yaml:3:")));
}

TEST_F(JobFileTest, WhatIsNoJobIsRefused) {
  for (const char* text : {"", "- a\n", "a: 1\n---\nb: 2\n", "inputs: [\n"}) {
    job_.text = text;
    EXPECT_EQ(Load().dag, nullptr) << text;
    EXPECT_FALSE(Lines().empty()) << text;
  }
}

TEST_F(JobFileTest, ScriptsThatTheJobDoesNotBringAreMissed) {
  job_.text =
      "inputs: {t: {path: x.txt}}\nmap: {command: [sh, m.sh]}\nreduce: {command: [sh, m.sh]}\noutput: {path: "
      "o, format: text}\nfiles: [m.sh]\n";
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("file 'm.sh': the job does not bring it")));
  job_.files = {{"m.sh", "cat\n"}};
  ASSERT_NE(Load().dag, nullptr);
  EXPECT_EQ(Load().dag->files.at(0).content, "cat\n");
}

TEST_F(JobFileTest, NoDagFileMayTakeTheIdOfTheJobsDag) {
  const LoadResult loaded = LoadDagFile("mine.yaml", "dag_id: millrace.jobs\ntasks: [{id: a, uses: empty}]\n",
                                        FolderReader("."), zones_);
  EXPECT_TRUE(loaded.dags.empty());
  EXPECT_THAT(loaded.problems.at(0).message, HasSubstr("Millrace's own"));
}

}  // namespace
}  // namespace millrace::dagbag
