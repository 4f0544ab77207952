// Aliases and watches of datasets, as DAG files write them.
#include "core/model/json.h"
#include "tests/unit/scheduler/dagbag/authoring_fixture.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetFiles : public AuthoringTest {};

const char* const kTask = "  - {id: t, uses: empty}\n";

TEST_F(DatasetFiles, AnAliasIsAnOutletAnInletAndAPartOfAScheduleInAllItsSpellings) {
  const DagPtr dag = Read(
      "  - {id: t, uses: shell, with: {command: c}, outlets: [orders, {alias: files}, {alias: {name: more, "
      "group: raw}}],\n"
      "     inlets: {alias: files}}\n",
      "schedule: {datasets: {any: [{alias: files, group: raw}, {all: [users, {alias: more}]}]}}\n");
  const Task& task = Of(dag, "t");
  EXPECT_THAT(task.outlets, ElementsAre("orders"));
  EXPECT_THAT(task.outlet_aliases, ElementsAre("files", "more"));
  EXPECT_THAT(task.inlet_aliases, ElementsAre("files"));
  EXPECT_EQ(ConditionText(*dag->schedule.datasets), "alias files or (users and alias more)");
  EXPECT_THAT(NamesIn(*dag->schedule.datasets), ElementsAre("users"));
  EXPECT_THAT(AliasesIn(*dag->schedule.datasets), ElementsAre("files", "more"));
  ASSERT_EQ(dag->aliases.size(), 2U);
  for (const DatasetAlias& alias : dag->aliases) EXPECT_EQ(alias.group, "raw") << alias.name;
  ASSERT_EQ(dag->datasets.size(), 2U);
}

TEST_F(DatasetFiles, WhatAnAliasCannotBeIsTold) {
  const std::string told = Told(
      "  - {id: t, uses: sql, outlets: [{alias: files}], with: {sql: SELECT 1}}\n"
      "  - {id: u, uses: shell, with: {command: c}, outlets: [a, {alias: a}]}\n"
      "  - {id: v, uses: shell, with: {command: c}, outlets: [{alias: \"\"}, {alias: x, uri: y}, {alias: {title: z}}]}\n");
  EXPECT_THAT(told, HasSubstr("task 't': outlets: alias 'files': a task of kind sql cannot say which datasets it stands "
                              "for (let a python or shell task behind it say so, in outlet_events)"));
  EXPECT_THAT(told, HasSubstr("task 'u': outlets: alias 'a' has the name of a dataset among them"));
  EXPECT_THAT(told, HasSubstr("task 'v': outlets: not an alias's name"));
  EXPECT_THAT(told, HasSubstr("uri"));
  EXPECT_THAT(told, HasSubstr("title"));
}

TEST_F(DatasetFiles, AWatchIsASensorWithoutATask) {
  const DagPtr dag = Read(
      kTask,
      "schedule:\n  datasets:\n"
      "    - {name: orders, watch: {uses: sensor_file, with: {path: \"in/*.csv\"}, poke_interval: 10s}}\n"
      "    - {uri: \"s3://u\", watch: {name: arrivals, uses: sensor_python, with: {file: f.py}}}\n");
  ASSERT_EQ(dag->datasets.size(), 2U);
  const Watch& file = *dag->datasets[0].watch;
  EXPECT_EQ(file.kind, "sensor_file");
  EXPECT_EQ(file.name, "sensor_file");
  EXPECT_EQ(ToJson(file.with), R"({"path":"in/*.csv","poke_interval":"10s"})");
  const Watch& function = *dag->datasets[1].watch;
  EXPECT_EQ(function.name, "arrivals");
  EXPECT_THAT(function.files, ElementsAre("f.py"));
  ASSERT_EQ(dag->files.size(), 1U) << "its file belongs to the version";
}

TEST_F(DatasetFiles, AWatchAtAnOutletStaysWhenOthersNameTheDataset) {
  const DagPtr dag = Read(
      "  - {id: t, uses: empty, outlets: [{name: o, watch: {uses: sensor_sql, with: {sql: SELECT 1}}}, "
      "{name: o, uri: \"s3://o\"}]}\n"
      "  - {id: u, uses: empty, inlets: [o]}\n");
  ASSERT_EQ(dag->datasets.size(), 1U);
  EXPECT_EQ(dag->datasets[0].uri, "s3://o");
  EXPECT_TRUE(dag->datasets[0].watch.has_value());
}

TEST_F(DatasetFiles, WhatAWatchCannotBeIsTold) {
  const auto told = [&](const std::string& watch) {
    return Told(kTask, "schedule: {datasets: [{name: o, watch: " + watch + "}]}\n");
  };
  EXPECT_THAT(told("sensor_file"), HasSubstr("'watch' must be a map"));
  EXPECT_THAT(told("{with: {}}"), HasSubstr("schedule: watch: field 'uses' is missing"));
  EXPECT_THAT(told("{uses: shell}"),
              HasSubstr("'shell' is no sensor that looks on a worker (there are: sensor_file,"));
  EXPECT_THAT(told("{uses: sensor_time, with: {wait: 5m}}"),
              HasSubstr("'sensor_time' is no sensor that looks"));
  EXPECT_THAT(told("{uses: sensor_file}"), HasSubstr("schedule: watch: field 'path' is missing"));
  EXPECT_THAT(told("{uses: sensor_file, with: {path: \"in/{{ ds }}\"}}"),
              HasSubstr("watch belongs to no run"));
  EXPECT_THAT(told("{uses: sensor_file, with: {path: x}, poke_interval: 0s}"),
              HasSubstr("must be longer than nothing"));
  EXPECT_THAT(told("{uses: sensor_file, with: {path: x}, every: 5s}"), HasSubstr("every"));
  EXPECT_THAT(told("{uses: sensor_python, with: {file: g.py}}"),
              HasSubstr("watch of dataset 'o': file 'g.py': no such file"));
}

}  // namespace
}  // namespace millrace::dagbag
