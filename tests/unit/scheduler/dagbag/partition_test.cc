// What authors write about partition keys, and what they are told.
#include "core/model/codec.h"
#include "tests/unit/scheduler/dagbag/authoring_fixture.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Kind = PartitionMapper::Kind;

class PartitionReaderTest : public AuthoringTest {
 protected:
  Schedule Of(const std::string& schedule) { return Read(kTasks, "schedule: " + schedule + "\n")->schedule; }
  std::string Problems(const std::string& schedule) { return Told(kTasks, "schedule: " + schedule + "\n"); }

  static constexpr const char* kTasks = "  - {id: x, uses: empty}\n";
};

TEST_F(PartitionReaderTest, ACronsRunsGetKeys) {
  for (const char* uses : {"cron_partition", "CronPartitionTimetable", "airflow.sdk.CronPartitionTimetable"}) {
    const Schedule schedule = Of("{uses: " + std::string(uses) + ", with: {cron: \"@daily\", timezone: Europe/Berlin}}");
    EXPECT_EQ(schedule.kind, ScheduleKind::kCronTrigger);
    EXPECT_EQ(schedule.timezone, "Europe/Berlin");
    ASSERT_TRUE(schedule.partitions.has_value());
    EXPECT_EQ(schedule.partitions->key_format, "%Y-%m-%dT%H:%M:%S");
    EXPECT_EQ(schedule.partitions->run_offset, 0);
  }
  const Schedule before = Of("{uses: cron_partition, with: {cron: \"0 2 * * *\", key_format: \"%Y-%m-%d\", run_offset: -1, run_immediately: true}}");
  EXPECT_EQ(before.partitions->key_format, "%Y-%m-%d");
  EXPECT_EQ(before.partitions->run_offset, -1);
  EXPECT_TRUE(before.run_immediately.has_value());
}

TEST_F(PartitionReaderTest, UpdatesOfDatasetsCountByTheirKeys) {
  const Schedule brief = Of("{datasets: [a, b], partition_mapper: daily, partition_mapper_config: {b: identity}}");
  ASSERT_TRUE(brief.partitions.has_value());
  EXPECT_EQ(brief.partitions->mapper.kind, Kind::kDay);
  ASSERT_EQ(brief.partitions->mappers.size(), 1U);
  EXPECT_EQ(brief.partitions->mappers[0].dataset, "b");
  EXPECT_EQ(brief.partitions->mappers[0].mapper.kind, Kind::kIdentity);
}

TEST_F(PartitionReaderTest, AirflowsNamesAreReadToo) {
  const Schedule schedule = Of(R"({uses: airflow.sdk.PartitionedAssetTimetable, with: {
    assets: {any: [{name: a, uri: "s3://a"}, b]},
    default_partition_mapper: {uses: airflow.sdk.ToWeeklyMapper, with: {timezone: Asia/Taipei, week_start: 6}},
    partition_mapper_config: {"s3://a": {uses: ProductMapper, with: {delimiter: "/", mappers: [
      {uses: AllowedKeyMapper, with: {allowed_keys: [2024, eu]}},
      {uses: StartOfMonthMapper, with: {month_start_day: 15, input_format: "%d", output_format: "%m"}}]}}}}})");
  ASSERT_TRUE(schedule.partitions.has_value());
  EXPECT_EQ(schedule.datasets->op, DatasetCondition::Op::kAny);
  const PartitionMapper& weekly = schedule.partitions->mapper;
  EXPECT_EQ(weekly.kind, Kind::kWeek);
  EXPECT_EQ(weekly.timezone, "Asia/Taipei");
  EXPECT_EQ(weekly.start, 6);
  ASSERT_EQ(schedule.partitions->mappers.size(), 1U);
  EXPECT_EQ(schedule.partitions->mappers[0].dataset, "a");
  const PartitionMapper& product = schedule.partitions->mappers[0].mapper;
  EXPECT_EQ(product.delimiter, "/");
  ASSERT_EQ(product.parts.size(), 2U);
  EXPECT_THAT(product.parts[0].allowed, ElementsAre("2024", "eu"));
  EXPECT_EQ(product.parts[1].start, 15);
  EXPECT_EQ(product.parts[1].output_format, "%m");
}

TEST_F(PartitionReaderTest, WhatAVersionSaysOfPartitionsIsKept) {
  const DagPtr dag = Read(kTasks, "schedule: {datasets: [a, b], partition_mapper: {uses: product, with: {mappers: [identity, daily]}}, partition_mapper_config: {b: hourly}}\n");
  const StatusOr<Dag> again = DecodeDag(EncodeDag(*dag));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(EncodeDag(*again), EncodeDag(*dag));
  ASSERT_TRUE(again->schedule.partitions.has_value());
  EXPECT_EQ(again->schedule.partitions->mapper.parts.at(1).kind, Kind::kDay);
  EXPECT_EQ(again->schedule.partitions->mappers.at(0).mapper.kind, Kind::kHour);
  EXPECT_THAT(EncodeDag(*Read(kTasks)), ::testing::Not(HasSubstr("partitions"))) << "versions from before stay the same";
}

TEST_F(PartitionReaderTest, WrongKeysOfACronAreTold) {
  EXPECT_THAT(Problems("{uses: cron_partition, with: {cron: 6h}}"), HasSubstr("2:47: timetable 'cron_partition'"));
  EXPECT_THAT(Problems("{uses: cron_partition, with: {cron: \"@once\"}}"), HasSubstr("timetable 'cron_partition'"));
  EXPECT_THAT(Problems("{uses: cron_partition, with: {cron: \"@daily\", key_format: \"%Q\"}}"),
              HasSubstr("key_format: strftime does not know '%Q'"));
  EXPECT_THAT(Problems("{uses: cron_partition, with: {cron: \"@daily\", run_offset: 5000}}"), HasSubstr("'run_offset'"));
  EXPECT_THAT(Problems("{uses: cron_partition, with: {cron: \"@daily\", key_fromat: x}}"), HasSubstr("did you mean 'key_format'"));
  EXPECT_THAT(Problems("{datasets: [a], timetable: {uses: cron_partition, with: {cron: \"@daily\"}}}"),
              HasSubstr("the timetable beside datasets gives its runs partition keys"));
}

TEST_F(PartitionReaderTest, WrongMappersAreToldAllAtOnce) {
  const std::string problems = Problems(
      R"({datasets: [orders, b], timetable: "@daily", partition_mapper: dayly, default_partition_mapper: daily,
    partition_mapper_config: {ordres: daily, orders: {uses: weekly, with: {week_start: 7}}, b: {uses: daily, with: {timezone: Mars}}}})");
  for (const char* part : {"unknown partition mapper 'dayly' (did you mean 'daily'?)", "both given",
                           "the schedule names no dataset 'ordres' (did you mean 'orders'?)", "'week_start'", "Mars",
                           "no timetable beside its datasets"})
    EXPECT_THAT(problems, HasSubstr(part));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: 5}"), HasSubstr("not a partition mapper"));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: {with: {}}}"), HasSubstr("not a partition mapper"));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: {uses: product, with: {mappers: [daily], delimiter: \"\"}}}"),
              ::testing::AllOf(HasSubstr("at least two"), HasSubstr("'delimiter' is empty")));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: {uses: allowed_keys, with: {allowed_keys: []}}}"), HasSubstr("at least one key"));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: {uses: daily, with: {input_format: \"%G-W%V\"}}}"), HasSubstr("cannot be read back"));
  EXPECT_THAT(Problems("{uses: partitioned_datasets, with: {partition_mapper: daily}}"),
              HasSubstr("timetable 'partitioned_datasets': field 'datasets' is missing"));
  EXPECT_THAT(Problems("{uses: partitioned_dataset, with: {datasets: [a]}}"), HasSubstr("did you mean 'partitioned_datasets'"));
}

TEST_F(PartitionReaderTest, ARollUpIsAMapperAWindowAndAWaitPolicy) {
  const PartitionMapper brief = Of(R"({datasets: [a], partition_mapper: {uses: rollup, with: {
    upstream_mapper: {uses: weekly, with: {week_start: 6}}, window: week}}})").partitions->mapper;
  EXPECT_EQ(brief.kind, Kind::kRollup);
  ASSERT_EQ(brief.parts.size(), 1U);
  EXPECT_EQ(brief.parts[0].kind, Kind::kWeek);
  EXPECT_EQ(brief.parts[0].start, 6);
  EXPECT_EQ(brief.window->kind, PartitionWindow::Kind::kWeek);
  EXPECT_EQ(brief.minimum, 0);
  for (const char* policy : {"{uses: airflow.sdk.MinimumCount, with: {n: -2}}", "{uses: minimum_count, with: {n: -2}}"}) {
    const Schedule schedule = Of(std::string(R"({uses: PartitionedAssetTimetable, with: {assets: [a], default_partition_mapper: {
      uses: airflow.sdk.RollupMapper, with: {upstream_mapper: {uses: FixedKeyMapper, with: {downstream_key: all}},
      window: {uses: airflow.sdk.SegmentWindow, with: {segments: [eu, us, 7, eu]}}, wait_policy: )") + policy + "}}}}");
    const PartitionMapper& mapper = schedule.partitions->mapper;
    EXPECT_EQ(mapper.parts.at(0).fixed, "all");
    EXPECT_THAT(mapper.window->segments, ElementsAre("eu", "us", "7"));
    EXPECT_EQ(mapper.minimum, -2);
  }
  for (const char* policy : {"all", "WaitForAll", "{uses: WaitForAll}", "null"}) {
    EXPECT_EQ(Of(std::string("{datasets: [a], partition_mapper: {uses: rollup, with: {upstream_mapper: daily, window: DayWindow, wait_policy: ") +
                 policy + "}}}")
                  .partitions->mapper.minimum,
              0);
  }
}

TEST_F(PartitionReaderTest, AFanOutWritesKeysByItsWindowsMapperOrByTheAuthors) {
  const auto fan_out = [this](const std::string& with) {
    return Of("{datasets: [a], partition_mapper: {uses: fan_out, with: {" + with + "}}}").partitions->mapper;
  };
  const PartitionMapper month = fan_out("upstream_mapper: monthly, window: {uses: month, with: {direction: backward}}");
  EXPECT_EQ(month.parts.at(1).kind, Kind::kDay);
  EXPECT_TRUE(month.window->is_backward);
  EXPECT_EQ(month.max_keys, 0);
  EXPECT_EQ(fan_out("upstream_mapper: yearly, window: year, max_downstream_keys: 12").max_keys, 12);
  const PartitionMapper hour =
      fan_out("upstream_mapper: hourly, window: hour, downstream_mapper: {uses: hourly, with: {output_format: \"%H:%M\"}}");
  EXPECT_EQ(hour.parts.at(1).output_format, "%H:%M");
  EXPECT_EQ(fan_out("upstream_mapper: identity, window: {uses: segment, with: {keys: [eu, us]}}").parts.at(1).kind, Kind::kIdentity);
}

TEST_F(PartitionReaderTest, AChainIsMappersOneAfterTheOther) {
  for (const char* uses : {"chain", "ChainMapper", "SequenceMapper"}) {
    const Schedule schedule = Of("{datasets: [a], partition_mapper: {uses: " + std::string(uses) + ", with: {mappers: [daily, identity]}}}");
    EXPECT_EQ(schedule.partitions->mapper.kind, Kind::kChain);
    EXPECT_EQ(schedule.partitions->mapper.parts.size(), 2U);
  }
}

TEST_F(PartitionReaderTest, WhatAVersionSaysOfWindowsIsKept) {
  const DagPtr dag = Read(kTasks, R"(schedule: {datasets: [a, b], partition_mapper: {uses: rollup, with: {upstream_mapper: weekly, window: week,
    wait_policy: {uses: minimum_count, with: {n: 5}}}}, partition_mapper_config: {b: {uses: chain, with: {max_downstream_keys: 5, mappers: [
    {uses: fixed_key, with: {downstream_key: all}}, {uses: fan_out, with: {upstream_mapper: identity, window: {uses: segment, with: {keys: [x, y]}}}}]}}}}
)");
  const StatusOr<Dag> again = DecodeDag(EncodeDag(*dag));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(EncodeDag(*again), EncodeDag(*dag));
  const PartitionMapper& rollup = again->schedule.partitions->mapper;
  EXPECT_EQ(rollup.window->kind, PartitionWindow::Kind::kWeek);
  EXPECT_EQ(rollup.minimum, 5);
  const PartitionMapper& chain = again->schedule.partitions->mappers.at(0).mapper;
  EXPECT_EQ(chain.max_keys, 5);
  EXPECT_EQ(chain.parts.at(0).fixed, "all");
  EXPECT_THAT(chain.parts.at(1).window->segments, ElementsAre("x", "y"));
  EXPECT_THAT(EncodeDag(*Read(kTasks, "schedule: {datasets: [a], partition_mapper: daily}\n")), ::testing::Not(HasSubstr("window")))
      << "versions from before stay the same";
}

TEST_F(PartitionReaderTest, WrongWindowsAreToldAllAtOnce) {
  const std::string problems = Problems(
      R"({datasets: [a, b, c, d], partition_mapper: {uses: rollup, with: {upstream_mapper: weakly, window: weak, wait_policy: minimum_cuont}},
    partition_mapper_config: {a: {uses: rollup, with: {upstream_mapper: daily, window: week}},
    b: {uses: rollup, with: {upstream_mapper: daily, windw: day}},
    c: {uses: rollup, with: {upstream_mapper: daily, window: day, wait_policy: {uses: minimum_count, with: {n: 0}}}},
    d: {uses: fan_out, with: {upstream_mapper: daily, window: {uses: day, with: {direction: sideways}}, max_downstream_keys: 0}}}})");
  for (const char* part : {"unknown partition mapper 'weakly' (did you mean 'weekly'?)", "unknown window 'weak' (did you mean 'week'?)",
                           "unknown wait policy 'minimum_cuont' (did you mean 'minimum_count'?)",
                           "partition mapper 'rollup': window 'week' needs an upstream_mapper whose runs are about as much: weekly",
                           "did you mean 'window'", "n is 0, which would wait for nothing", "'direction'", "'max_downstream_keys'"})
    EXPECT_THAT(problems, HasSubstr(part));
  const auto rollup = [this](const std::string& with) {
    return Problems("{datasets: [a], partition_mapper: {uses: rollup, with: {" + with + "}}}");
  };
  EXPECT_THAT(rollup("upstream_mapper: daily"), HasSubstr("'window' is missing"));
  EXPECT_THAT(rollup("upstream_mapper: null, window: 5"), ::testing::AllOf(HasSubstr("not a partition mapper"), HasSubstr("not a window")));
  EXPECT_THAT(rollup("upstream_mapper: daily, window: day, wait_policy: minimum_count"), HasSubstr("'n' is missing"));
  EXPECT_THAT(rollup("upstream_mapper: daily, window: {uses: day, with: {direction: backward}}"), HasSubstr("is a fan-out's"));
  EXPECT_THAT(rollup("upstream_mapper: identity, window: segment"), HasSubstr("field 'keys' is missing"));
  EXPECT_THAT(rollup("upstream_mapper: identity, window: {uses: segment, with: {keys: []}}"), HasSubstr("at least one key"));
  EXPECT_THAT(rollup("upstream_mapper: identity, window: {uses: segment, with: {keys: [\"\"], segments: [eu]}}"),
              ::testing::AllOf(HasSubstr("both given"), HasSubstr("'' is no partition key")));
  EXPECT_THAT(rollup("upstream_mapper: identity, window: {uses: segment, with: {keys: [eu, us]}}"), HasSubstr("fixed_key"));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: {uses: chain, with: {mappers: [daily]}}}"), HasSubstr("partition mapper 'chain': 'mappers' needs at least two"));
  EXPECT_THAT(Problems("{datasets: [a], partition_mapper: fixed_key}"), HasSubstr("'downstream_key' is missing"));
}

TEST_F(PartitionReaderTest, ARunWhosePartitionsItsTasksTellIsStartedByHand) {
  for (const char* uses : {"partitioned_at_runtime", "PartitionedAtRuntime", "airflow.sdk.PartitionAtRuntime"}) {
    const Schedule schedule = Of("{uses: " + std::string(uses) + "}");
    EXPECT_EQ(schedule.kind, ScheduleKind::kNone);
    EXPECT_FALSE(schedule.partitions.has_value());
    EXPECT_EQ(schedule.written, "partitioned_at_runtime");
  }
}

TEST_F(PartitionReaderTest, AScheduleWithoutMappersMapsNoKeys) {
  EXPECT_FALSE(Of("{datasets: [a]}").partitions.has_value());
  EXPECT_EQ(Of("{uses: partitioned_datasets, with: {datasets: [a]}}").partitions->mapper.kind, Kind::kIdentity);
}

}  // namespace
}  // namespace millrace::dagbag
