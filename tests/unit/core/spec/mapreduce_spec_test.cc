#include "core/spec/mapreduce_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/json.h"
#include "core/spec/task_kind.h"
#include "tests/unit/core/spec/told.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ProblemsOf(std::string_view text) {
  const Value with = Json(text);
  std::vector<Problem> problems;
  CheckFields(with, FindTaskKind("mapreduce")->fields, "mapreduce", problems);
  ParseMapReduce(with, SpecPhase::kWritten, problems);
  return Told(problems);
}

constexpr std::string_view kDelays = R"j({
    "inputs": {"flights": {"path": "lake/raw/"}, "airports": {"path": "data/airports.csv", "read": "broadcast"}},
    "map": "SELECT * FROM flights f JOIN airports a ON f.origin = a.iata",
    "aggregate": {"by": ["day", "state"], "select": {"flights": "count(*)", "worst": "max(delay)"}},
    "shuffle": {"partitions": 8, "salt": "none", "cut": "none"},
    "reduce": "SELECT * FROM shuffled",
    "output": {"path": "lake/gold/", "format": "parquet", "partition_by": []},
    "checks": ["row_count > 0", "relationships(airport, airports.iata)"], "mode": "distributed"})j";

TEST(MapReduceSpec, ReadsTheShortForm) {
  EXPECT_EQ(ProblemsOf(kDelays), "");
  const StatusOr<MapReduceSpec> spec = ParseRenderedMapReduce(Json(kDelays));
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  ASSERT_EQ(spec->inputs.size(), 2u);
  EXPECT_EQ(spec->inputs[0].read, ReadMode::kAuto);
  EXPECT_EQ(spec->inputs[1].read, ReadMode::kBroadcast);
  EXPECT_THAT(spec->keys(), ElementsAre("day", "state"));
  EXPECT_EQ(spec->aggregate->select[1].second, "max(delay)");
  EXPECT_EQ(spec->shuffle.partitions, 8);
  EXPECT_EQ(spec->shuffle.salt, 0);
  EXPECT_FALSE(spec->shuffle.cut);
  EXPECT_EQ(spec->checks.size(), 2u);
  EXPECT_EQ(spec->mode, JobMode::kDistributed);
}

TEST(MapReduceSpec, AutoIsWhatIsLeftOut) {
  const StatusOr<MapReduceSpec> spec = ParseRenderedMapReduce(Json(
      R"j({"inputs": {"a": {"path": "x"}}, "output": {"path": "y"}, "shuffle": {"partitions": "auto", "salt": "auto"}})j"));
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_EQ(spec->shuffle.partitions, 0);
  EXPECT_EQ(spec->shuffle.salt, -1);
  EXPECT_TRUE(spec->shuffle.cut);
  EXPECT_TRUE(spec->map.empty());
  EXPECT_EQ(spec->output.format, "parquet");
  EXPECT_EQ(spec->mode, JobMode::kAuto);
}

TEST(MapReduceSpec, ReadsStreamingAndNativeSteps) {
  const StatusOr<MapReduceSpec> spec = ParseRenderedMapReduce(Json(R"j({
      "inputs": {"lines": {"path": "text/", "format": "text"}},
      "map": {"command": ["tr", " ", "\n"]}, "combine": {"library": "libwc.so", "class": "Sum"},
      "reduce": {"library": "libwc.so"}, "output": {"path": "out/", "format": "text"}})j"));
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  EXPECT_THAT(spec->map.command, ElementsAre("tr", " ", "\n"));
  EXPECT_EQ(spec->combine.class_name, "Sum");
  EXPECT_TRUE(spec->reduce.native());
}

TEST(MapReduceSpec, TellsEveryProblemAtOnce) {
  const std::string problems = ProblemsOf(R"j({
      "inputs": {"a b": {"path": "x", "read": "broadcst"}, "c": {}}, "map": {"comand": ["x"]},
      "aggregat": {}, "shuffle": {"partitions": 0, "salt": "much"}, "output": {"format": "orc"},
      "checks": ["row_cout > 0", "relationships(a, b.c)"], "mode": "fussed"})j");
  for (const char* part :
       {"'a b' cannot be an input's name", "did you mean 'broadcast'?", "inputs.c: field 'path' is missing",
        "did you mean 'command'?", "needs one of 'sql', 'command' and 'library'", "did you mean 'aggregate'?",
        "'partitions' must be auto or a number from 1 to 2000", "'salt' must be auto, none or a number",
        "output: field 'path' is missing", "must be one of parquet, csv, jsonl, text, not 'orc'",
        "unknown check 'row_cout'", "unknown input 'b'", "did you mean 'fused'?"}) {
    EXPECT_THAT(problems, HasSubstr(part));
  }
}

TEST(MapReduceSpec, RefusesStepsThatContradictEachOther) {
  const auto with = [](std::string_view rest) {
    return R"j({"inputs": {"a": {"path": "x"}}, "output": {"path": "y"}, )j" + std::string(rest) + "}";
  };
  EXPECT_THAT(ProblemsOf(with(R"j("reduce": "SELECT 1")j")), HasSubstr("no keys"));
  EXPECT_EQ(ProblemsOf(with(R"j("reduce": "SELECT 1", "shuffle": {"by": "k"})j")), "");
  EXPECT_THAT(ProblemsOf(with(R"j("merge": "SELECT 1", "shuffle": {"by": "k"})j")),
              HasSubstr("'merge' without 'combine'"));
  const std::string counts = R"j("aggregate": {"by": ["k"], "select": {"n": "count(*)"}})j";
  EXPECT_THAT(ProblemsOf(with(R"j("combine": "SELECT 1", )j" + counts)), HasSubstr("already makes"));
  EXPECT_THAT(ProblemsOf(with(R"j("map": {"command": ["x"]}, )j" + counts)),
              HasSubstr("needs rows with columns"));
  EXPECT_THAT(ProblemsOf(with(R"j("aggregate": {"by": ["k"], "select": {"k": "count(*)"}})j")),
              HasSubstr("in 'by' and in"));
  EXPECT_THAT(ProblemsOf(with(R"j("mode": "fused", "shuffle": {"partitions": 3})j")),
              HasSubstr("has no shuffle"));
  EXPECT_THAT(
      ProblemsOf(R"j({"inputs": {"a": {"path": "x", "read": "broadcast"}}, "output": {"path": "y"}})j"),
      HasSubstr("nothing is left to split"));
  EXPECT_THAT(
      ProblemsOf(R"j({"inputs": {"a": {"path": "x"}, "b": {"path": "z"}}, "output": {"path": "y"}})j"),
      HasSubstr("'map' is missing"));
}

TEST(MapReduceSpec, AWorkerIsToldInOneLine) {
  const StatusOr<MapReduceSpec> spec = ParseRenderedMapReduce(Json(R"j({"map": ""})j"));
  ASSERT_FALSE(spec.ok());
  EXPECT_EQ(spec.status().code(), Code::kInvalidArgument);
  EXPECT_THAT(spec.status().message(),
              HasSubstr("'map' is empty; 'inputs' is missing; 'output.path' is missing"));
}

constexpr std::string_view kStages = R"j({
    "inputs": {"orders": {"path": "o/"}, "customers": {"path": "c/"}}, "shuffle": {"partitions": 9},
    "stages": [
      {"name": "joined", "join": {"left": "orders", "right": "customers", "on": {"customer": "id"}, "type": "left", "strategy": "shuffle"}},
      {"name": "per_state", "aggregate": {"by": ["state"], "select": {"n": "count(*)"}}},
      {"name": "mixed", "inputs": ["per_state", "customers"], "shuffle": {"by": {"per_state": ["state"], "customers": ["home"]}, "partitions": 4},
       "sql": "SELECT 1 AS x FROM per_state, customers"},
      {"name": "top", "order_by": ["x DESC"], "limit": 10}],
    "output": {"path": "out/", "format": "csv", "file_size": "64MB"}})j";

TEST(MapReduceSpec, ReadsStages) {
  EXPECT_EQ(ProblemsOf(kStages), "");
  const StatusOr<MapReduceSpec> spec = ParseRenderedMapReduce(Json(kStages));
  ASSERT_TRUE(spec.ok()) << spec.status().message();
  const std::vector<StageSpec> stages = StagesOf(*spec);
  ASSERT_EQ(stages.size(), 4u);
  EXPECT_EQ(stages[0].join->on[0].second, "id");
  EXPECT_EQ(stages[0].join->type, "left");
  EXPECT_THAT(stages[1].inputs, ElementsAre("joined")) << "the stage before, when nothing is said";
  EXPECT_EQ(stages[1].shuffle.partitions, 9) << "of all stages";
  EXPECT_EQ(stages[2].shuffle.by_input[1].second[0], "home");
  EXPECT_EQ(stages[2].shuffle.partitions, 4);
  EXPECT_EQ(stages[3].limit, 10);
  EXPECT_EQ(spec->output.file_bytes, 64'000'000);
}

TEST(MapReduceSpec, TheShortFormIsStages) {
  const std::vector<StageSpec> stages = StagesOf(*ParseRenderedMapReduce(Json(kDelays)));
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_THAT(stages[0].inputs, ElementsAre("flights", "airports"));
  EXPECT_EQ(stages[1].name, "shuffled");
  EXPECT_TRUE(stages[1].aggregate.has_value());
  EXPECT_THAT(stages[2].inputs, ElementsAre("shuffled"));
}

TEST(MapReduceSpec, TellsWhatIsWrongWithStages) {
  const auto with = [](const std::string& stages, const std::string& more = "") {
    return ProblemsOf(R"j({"inputs": {"a": {"path": "a/"}, "b": {"path": "b/"}}, "output": {"path": "o/"}, )j" + more + R"j("stages": [)j" + stages + "]}");
  };
  const std::string last = R"j(, {"name": "last", "inputs": ["a", "b"], "shuffle": {"by": ["k"]}, "sql": "SELECT 1"})j";
  EXPECT_THAT(with(R"j({"name": "a", "inputs": ["b"], "sql": "SELECT 1"})j" + last), HasSubstr("has this name already"));
  EXPECT_THAT(with(R"j({"name": "x", "sql": "SELECT 1"})j" + last), HasSubstr("'inputs' is missing"));
  EXPECT_THAT(with(R"j({"name": "x", "inputs": ["bb"], "sql": "SELECT 1"})j" + last), HasSubstr("did you mean 'b'?"));
  EXPECT_THAT(with(R"j({"name": "x", "inputs": ["a"], "sql": "SELECT 1", "distinct": true})j" + last), HasSubstr("needs one of"));
  EXPECT_THAT(with(R"j({"name": "x", "inputs": ["a"], "sql": "SELECT 1"})j" + last), HasSubstr("stage 'x': no later stage reads it"));
  EXPECT_THAT(with(R"j({"name": "x", "inputs": ["a", "b"], "distinct": true})j"), HasSubstr("takes one input, not 2"));
  EXPECT_THAT(with(R"j({"name": "x", "join": {"left": "a", "right": "a", "on": ["k"]}})j"), HasSubstr("cannot be told apart"));
  EXPECT_THAT(with(R"j({"name": "x", "join": {"left": "a", "right": "b", "on": ["k"], "type": "full", "strategy": "broadcast"}})j"), HasSubstr("full join"));
  EXPECT_THAT(with(R"j({"name": "x", "union": ["a", "b"], "limit": 3})j"), HasSubstr("'limit' without 'order_by'"));
  EXPECT_THAT(with(R"j({"name": "x", "union": ["a", "b"]})j", R"j("map": "SELECT 1", )j"), HasSubstr("'map' is the short form"));
  EXPECT_THAT(with(R"j({"name": "x", "union": ["a"]})j"), HasSubstr("'union' needs two or more"));
  EXPECT_THAT(with(R"j({"name": "x", "unoin": ["a", "b"]})j"), HasSubstr("unknown field 'unoin'"));
}

}  // namespace
}  // namespace millrace
