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

TEST_F(PartitionReaderTest, AScheduleWithoutMappersMapsNoKeys) {
  EXPECT_FALSE(Of("{datasets: [a]}").partitions.has_value());
  EXPECT_EQ(Of("{uses: partitioned_datasets, with: {datasets: [a]}}").partitions->mapper.kind, Kind::kIdentity);
}

}  // namespace
}  // namespace millrace::dagbag
