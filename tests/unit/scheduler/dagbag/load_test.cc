#include "scheduler/dagbag/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "platform/zones.h"

namespace millrace::dagbag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FakeFiles final : public FileReader {
 public:
  std::map<std::string, std::string, std::less<>> files;
  StatusOr<std::string> Read(std::string_view path) const override {
    const auto found = files.find(path);
    if (found == files.end()) return NotFound("no such file");
    return found->second;
  }
};

// The example of the design, every field of it.
constexpr std::string_view kFlights = R"y(dag_id: daily_flights
description: Delays by state and airport, every night
schedule_interval: "0 2 * * *"
timezone: America/New_York
start_date: 2001-01-01
end_date: 2001-06-30
catchup: false
max_active_runs: 1
tags: [flights, etl]
default_args: {owner: data-engineering, retries: 3, retry_delay: 5m, execution_timeout: 2h}
params: {threshold_minutes: {type: integer, default: 15}}
tasks:
  - id: publish
    uses: load
    needs: [delays]
    with: {connection: warehouse, table: delays, mode: merge, key: [day, state, airport], input: "lake/gold/{{ ds }}/"}
  - id: extract
    uses: extract
    retries: 0
    with: {connection: warehouse, sql: "SELECT * FROM flights WHERE CAST(date AS DATE) = DATE '{{ ds }}'", to: "lake/raw/{{ ds }}/", files: 4}
  - id: quality
    uses: check
    needs: extract
    with: {contract: contracts/flights.yml, input: "lake/raw/{{ ds }}/", quarantine: "lake/bad/{{ ds }}/"}
  - id: delays
    uses: mapreduce
    needs: [quality]
    with:
      inputs:
        flights: {path: "lake/raw/{{ ds }}/"}
        airports: {path: "data/airports.csv", read: broadcast}
      map: |
        SELECT f.date::DATE AS day, a.state, f.origin AS airport, f.delay FROM flights f JOIN airports a ON f.origin = a.iata
      aggregate: {by: [day, state, airport], select: {flights: count(*), total_delay: sum(delay)}}
      shuffle: {partitions: 8}
      output: {path: "lake/gold/{{ ds }}/"}
      checks: [row_count > 0]
)y";

class LoadTest : public ::testing::Test {
 protected:
  LoadResult Load(std::string_view text, std::string_view path = "dags/a.yaml") {
    return LoadDagFile(path, text, files_, zones_);
  }
  std::string Told(std::string_view text) {
    std::string all;
    for (const Problem& problem : Load(text).problems) {
      all += problem.file + ":" + std::to_string(problem.where.line) + ":" +
             std::to_string(problem.where.column) + ": " + problem.message + " (" + problem.suggestion +
             ")\n";
    }
    return all;
  }
  // A DAG with one good task and these lines.
  static std::string With(std::string_view lines) {
    return "dag_id: a\n" + std::string(lines) + "tasks:\n  - {id: x, uses: empty}\n";
  }

  FakeFiles files_;
  platform::TzdbZones zones_;
};

TEST_F(LoadTest, ReadsEveryFieldOfTheFlightsDag) {
  files_.files["contracts/flights.yml"] = "name: flights\nquality: [row_count > 0]\n";
  const LoadResult result = Load(kFlights);
  EXPECT_EQ(Told(kFlights), "");
  ASSERT_EQ(result.dags.size(), 1u);
  const Dag& dag = *result.dags[0];
  EXPECT_EQ(dag.id, "daily_flights");
  EXPECT_EQ(dag.owner, "data-engineering");
  EXPECT_EQ(dag.schedule.kind, ScheduleKind::kCronInterval);
  EXPECT_EQ(dag.schedule.expression, "0 2 * * *");
  EXPECT_EQ(dag.schedule.timezone, "America/New_York");
  EXPECT_EQ(ToMicros(*dag.schedule.start), 978325200000000);  // midnight in New York
  EXPECT_EQ(dag.schedule.catchup, Catchup::kLast);
  EXPECT_EQ(dag.max_active_runs, 1);
  EXPECT_THAT(dag.tags, ElementsAre("flights", "etl"));
  ASSERT_EQ(dag.params.size(), 1u);
  EXPECT_EQ(dag.params[0].type, "integer");
  EXPECT_EQ(dag.params[0].default_value, Value(15));
  std::vector<std::string> ids;
  for (const Task& task : dag.tasks) ids.push_back(task.id);
  EXPECT_THAT(ids, ElementsAre("extract", "quality", "delays", "publish"));
  EXPECT_THAT(dag.tasks[2].upstream, ElementsAre(1));
  EXPECT_THAT(dag.tasks[2].downstream, ElementsAre(3));
  EXPECT_EQ(dag.tasks[0].retry.retries, 0);
  EXPECT_EQ(dag.tasks[1].retry.retries, 3);
  EXPECT_EQ(dag.tasks[1].retry.delay, std::chrono::minutes(5));
  EXPECT_EQ(dag.tasks[1].execution_timeout, std::chrono::hours(2));
  EXPECT_THAT(dag.tasks[0].connections, ElementsAre("warehouse"));
  EXPECT_THAT(dag.tasks[1].files, ElementsAre("contracts/flights.yml"));
  ASSERT_EQ(dag.files.size(), 1u);
  EXPECT_EQ(dag.hash.size(), 32u);
  EXPECT_THAT(result.files, ElementsAre("contracts/flights.yml"));
}

TEST_F(LoadTest, TheHashFollowsContentAndFilesButNotLayout) {
  files_.files["contracts/flights.yml"] = "name: flights\n";
  const std::string before = Load(kFlights).dags.at(0)->hash;
  EXPECT_EQ(Load("# a comment\n\n" + std::string(kFlights)).dags.at(0)->hash, before);
  std::string changed(kFlights);
  changed.replace(changed.find("files: 4"), 8, "files: 5");
  EXPECT_NE(Load(changed).dags.at(0)->hash, before);
  files_.files["contracts/flights.yml"] = "name: flights\nowner: b\n";
  EXPECT_NE(Load(kFlights).dags.at(0)->hash, before);
}

TEST_F(LoadTest, ReadsJsonWithTheSameWords) {
  const LoadResult result =
      Load(R"({"dag_id": "j", "schedule": "@daily", "tasks": [{"id": "x", "uses": "shell",
      "with": {"command": "echo {{ ds }}", "env": {"N": 1}}}]})",
           "dags/j.json");
  ASSERT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.dags.at(0)->schedule.kind, ScheduleKind::kCronTrigger);
  EXPECT_EQ(*result.dags.at(0)->tasks[0].with.Find("env")->Find("N"), Value("1"));
}

TEST_F(LoadTest, ReadsSeveralDagsOfOneFileAndKeepsTheGoodOnes) {
  const LoadResult result =
      Load(With("") +
           "---\ndag_id: b\ntasks: [{id: y, uses: shel}]\n---\ndag_id: c\ntasks: [{id: z, uses: empty}]\n");
  ASSERT_EQ(result.dags.size(), 2u);
  EXPECT_EQ(result.dags[1]->id, "c");
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].where, (Position{6, 23}));
  EXPECT_THAT(Told(With("") + "---\n" + With("")), HasSubstr("'a' is defined twice in this file"));
}

TEST_F(LoadTest, TellsEveryProblemAtOnceWithItsPlace) {
  const std::string told = Told(R"y(dag_id: bad dag
schedul: "@daily"
schedule: "0 25 * * *"
timezone: Amerika/New_York
start_date: 2001-13-01
retries: 3
tasks:
  - id: a
    uses: shel
    neds: [b]
  - id: b
    uses: shell
    needs: [aa]
    retry_delay: soon
    with: {comand: x}
  - id: b
    uses: empty
  - uses: empty
)y");
  for (const char* line : {
           "dags/a.yaml:1:9: dag_id is not an id",
           "dags/a.yaml:2:1: DAG 'bad dag': unknown field 'schedul' (did you mean 'schedule'?)",
           "dags/a.yaml:3:11: schedule '0 25 * * *'",
           "dags/a.yaml:4:11: unknown timezone 'Amerika/New_York'",
           "dags/a.yaml:5:13: start_date:",
           "dags/a.yaml:6:1: DAG 'bad dag': unknown field 'retries'",
           "dags/a.yaml:9:11: task 'a': unknown task kind 'shel' (did you mean 'shell'?)",
           "dags/a.yaml:10:5: task 'a': unknown field 'neds' (did you mean 'needs'?)",
           "dags/a.yaml:13:13: task 'b' needs 'aa', which does not exist (did you mean 'a'?)",
           "dags/a.yaml:14:18: task 'b': 'retry_delay' must be a duration",
           "dags/a.yaml:15:12: task 'b': unknown field 'comand' (did you mean 'command'?)",
           "dags/a.yaml:15:11: task 'b': field 'command' is missing",
           "dags/a.yaml:16:9: task 'b' exists already, at line 11",
           "dags/a.yaml:18:5: task: field 'id' is missing",
       }) {
    EXPECT_THAT(told, HasSubstr(line));
  }
}

TEST_F(LoadTest, NamesACycleInOrder) {
  const std::string text = R"y(dag_id: a
tasks:
  - {id: start, uses: empty}
  - {id: a, uses: empty, needs: [start, c]}
  - {id: b, uses: empty, needs: [a]}
  - {id: c, uses: empty, needs: [b]}
  - {id: alone, uses: empty, needs: [alone]}
)y";
  EXPECT_THAT(Told(text), HasSubstr("dags/a.yaml:4:41: tasks wait for each other: a -> b -> c -> a"));
  EXPECT_THAT(Told(text), HasSubstr("alone -> alone"));
}

TEST_F(LoadTest, RefusesSchedulesThatNeverFireAndKnowsBothMeanings) {
  EXPECT_THAT(Told(With("schedule: \"0 0 31 2 *\"\n")), HasSubstr("2:11: schedule '0 0 31 2 *'"));
  EXPECT_THAT(Told(With("schedule: \"@dayly\"\n")), HasSubstr("schedule '@dayly'"));
  EXPECT_THAT(Told(With("schedule: 5\n")), HasSubstr("a schedule must be a cron"));
  EXPECT_THAT(Told(With("schedule: \"@daily\"\nschedule_interval: \"@daily\"\n")), HasSubstr("both given"));
  EXPECT_THAT(Told(With("start_date: 2001-02-01\nend_date: 2001-01-01\n")),
              HasSubstr("3:11: end_date is before start_date"));
  EXPECT_EQ(Load(With("schedule: null\n")).dags.at(0)->schedule.kind, ScheduleKind::kNone);
  EXPECT_EQ(Load(With("schedule: \"@once\"\n")).dags.at(0)->schedule.kind, ScheduleKind::kOnce);
  EXPECT_EQ(Load(With("schedule_interval: 6h\n")).dags.at(0)->schedule.kind, ScheduleKind::kCronInterval);
  // A past end is no mistake.
  EXPECT_EQ(Told(With("schedule: \"@daily\"\nend_date: 1999-01-01\n")), "");
}

TEST_F(LoadTest, ReadsEveryFormOfASchedule) {
  const auto schedule = [this](std::string_view lines) {
    EXPECT_EQ(Told(With(lines)), "");
    return Load(With(lines)).dags.at(0)->schedule;
  };
  EXPECT_THAT(schedule("schedule: [\"0 2 * * *\", \"0 14 * * 1-5\"]\n").crons, ElementsAre("0 2 * * *", "0 14 * * 1-5"));
  EXPECT_EQ(schedule("schedule: [2001-03-02, 2001-03-01]\n").events.size(), 2u);
  EXPECT_EQ(schedule("schedule: \"@continuous\"\nmax_active_runs: 1\n").kind, ScheduleKind::kContinuous);
  const Schedule cron = schedule(
      "schedule: {uses: airflow.timetables.trigger.CronTriggerTimetable, with: {cron: \"0 2 * * *\", timezone: "
      "Europe/Berlin, interval: 1d}}\n");
  EXPECT_EQ(cron.timezone, "Europe/Berlin");
  EXPECT_EQ(cron.data_interval, std::chrono::hours(24));
  const Schedule datasets = schedule("schedule: {datasets: {all: [a, {any: [b, c]}]}, timetable: \"@daily\"}\n");
  EXPECT_EQ(ConditionText(*datasets.datasets), "a and (b or c)");
  EXPECT_EQ(datasets.kind, ScheduleKind::kCronTrigger);
  EXPECT_EQ(schedule("catchup: all\noverlap: skip\njitter: 5m\n").overlap, Overlap::kSkip);
  EXPECT_THAT(Told(With("schedule: \"@continuous\"\n")), HasSubstr("needs max_active_runs: 1"));
  EXPECT_THAT(Told(With("schedule: {uses: cronn, with: {}}\n")), HasSubstr("did you mean"));
  EXPECT_THAT(Told(With("jitter: 1e300\n")), HasSubstr("'jitter' must be a duration"));
  EXPECT_THAT(Told(With("deadline: {reference: queued_at, interval: -1e300}\n")), HasSubstr("at most a hundred years"));
  EXPECT_THAT(Told(With("schedule: {uses: cron, with: {cron: \"@daily\", interval: 99999999d}}\n")), HasSubstr("'interval'"));
  EXPECT_THAT(Told(With("schedule: {datasets: [a], timetable: {datasets: [b]}}\n")), HasSubstr("names datasets itself"));
  EXPECT_THAT(Told(With("catchup: maybe\n")), HasSubstr("catchup must be"));
}

TEST_F(LoadTest, FindsUndefinedNamesInsideTemplates) {
  const auto with = [](std::string_view fields) {
    return "dag_id: a\nparams: {n: 1}\ntasks:\n  - id: x\n    uses: shell\n    with:\n" + std::string(fields);
  };
  EXPECT_EQ(Told(with("      command: echo {{ ds }} {{ params.n }} {{ data_interval_start | ds }} {{ run_id "
                      "}} {{ task.task_id }}\n")),
            "");
  EXPECT_THAT(Told(with("      command: \"echo {{ dss }}\"\n")),
              HasSubstr("dags/a.yaml:7:25: task 'x': in a template:"));
  EXPECT_THAT(Told(with("      command: \"echo {{ dss }}\"\n")), HasSubstr("did you mean 'ds'?"));
  EXPECT_THAT(Told(with("      command: |\n        echo one\n        echo {{ params.m }}\n")),
              HasSubstr("dags/a.yaml:9:"));
  EXPECT_THAT(Told(with("      command: [\"echo {{ ds \"]\n")), HasSubstr("dags/a.yaml:7:"));
  EXPECT_THAT(Told(with("      command: x\n      env: {A: \"{{ nothing }}\"}\n")),
              HasSubstr("dags/a.yaml:8:"));
}

TEST_F(LoadTest, FindsXComsOfTasksThatDoNotExist) {
  const auto with = [](std::string_view command) {
    return "dag_id: a\ntasks:\n  - {id: first, uses: empty}\n  - id: second\n    uses: shell\n    with:\n    "
           "  command: \"" +
           std::string(command) + "\"\n";
  };
  EXPECT_EQ(Told(with("echo {{ ti.xcom_pull('first') }} {{ ti.xcom_pull() }} {{ var.value.x }}")), "");
  EXPECT_THAT(
      Told(with("echo {{ ti.xcom_pull(['first', 'frist']) }}")),
      HasSubstr("dags/a.yaml:7:48: task 'second': in a template: xcom_pull of 'frist', which is no task of "
                "this DAG"));
  // It adds no edge.
  EXPECT_TRUE(Load(with("echo {{ ti.xcom_pull('first') }}")).dags.at(0)->tasks.at(1).upstream.empty());
}

TEST_F(LoadTest, LooksIntoFilesAndContracts) {
  const std::string text = "dag_id: a\ntasks:\n  - {id: x, uses: check, with: {input: i, contract: c.yml}}\n";
  EXPECT_THAT(Told(text), HasSubstr("dags/a.yaml:3:10: task 'x': file 'c.yml': no such file"));
  files_.files["c.yml"] = "name: c\nquality:\n  - row_cout > 0\n  - relationships(a, b.c)\n";
  EXPECT_THAT(
      Told(text),
      HasSubstr("c.yml:3:5: check 'row_cout > 0': unknown check 'row_cout' (did you mean 'row_count'?)"));
  EXPECT_THAT(Told(text), HasSubstr("c.yml:4:5: relationships(a, b.c): task 'x' has no reference 'b'"));
  files_.files["c.yml"] = "a: [";
  EXPECT_THAT(Told(text), HasSubstr("c.yml:1:"));
}

TEST_F(LoadTest, ChecksParamsAgainstTheirTypes) {
  EXPECT_EQ(Told(With("params: {a: 1, b: x, c: {type: [\"null\", string], default: null}, d: {type: number, "
                      "default: 2}, e: {x: 1}}\n")),
            "");
  EXPECT_THAT(Told(With("params: {n: {type: integer, default: x}}\n")),
              HasSubstr("2:38: param 'n': its default must be of type integer, not string"));
  EXPECT_THAT(Told(With("params: {n: {type: int, default: 1}}\n")), HasSubstr("unknown type 'int'"));
  EXPECT_THAT(Told(With("params: {n: {type: string, default: c, enum: [a, b]}}\n")),
              HasSubstr("its default must be one of"));
  EXPECT_THAT(Told(With("params: {n: {type: integer, default: 9, maximum: 5}}\n")), HasSubstr("its default must be at most 5"));
  EXPECT_THAT(Told(With("params: {n: {type: integer, defalt: 9}}\n")), HasSubstr("did you mean 'default'?"));
}

TEST_F(LoadTest, ReadsRetriesAndLimits) {
  const LoadResult result = Load(R"y(dag_id: a
default_args: {retries: 2, retry_exponential_backoff: true, pool: small, on_worker_lost: fail}
tasks:
  - {id: x, uses: empty, retry_exponential_backoff: 1.5, max_retry_delay: 1h, trigger_rule: all_done, priority_weight: 7, kill_grace: 1m}
  - {id: y, uses: empty, on_worker_lost: retry, pool: big, pool_slots: 2, owner: me, doc_md: "# y"}
)y");
  ASSERT_THAT(result.problems, IsEmpty());
  const Task& x = result.dags[0]->tasks[0];
  EXPECT_EQ(x.retry.retries, 2);
  EXPECT_EQ(x.retry.multiplier, 1.5);
  EXPECT_EQ(x.retry.max_delay, std::chrono::hours(1));
  EXPECT_EQ(x.trigger_rule, TriggerRule::kAllDone);
  EXPECT_EQ(x.on_worker_lost, OnWorkerLost::kFail);
  EXPECT_EQ(x.pool, "small");
  EXPECT_EQ(x.kill_grace, std::chrono::minutes(1));
  const Task& y = result.dags[0]->tasks[1];
  EXPECT_EQ(y.retry.multiplier, 2);
  EXPECT_EQ(y.on_worker_lost, OnWorkerLost::kRetry);
  EXPECT_EQ(y.pool_slots, 2);
  EXPECT_EQ(y.doc, "# y");
  EXPECT_THAT(Told("dag_id: a\ndefault_args: {retrys: 2}\ntasks: [{id: x, uses: empty}]\n"),
              HasSubstr("did you mean 'retries'?"));
}

TEST_F(LoadTest, ALargeDagLoadsInOneGo) {
  std::string text = "dag_id: big\ntasks:\n";
  for (int i = 0; i < 10'000; ++i)
    text += "  - {id: t" + std::to_string(i) + ", uses: empty" +
            (i == 0 ? "" : ", needs: [t" + std::to_string(i - 1) + "]") + "}\n";
  const LoadResult result = Load(text);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.dags.at(0)->tasks.size(), 10'000u);
}

TEST_F(LoadTest, NothingThatIsNoDagCrashes) {
  for (const char* text :
       {"", "3", "[]", "a", "dag_id: 3\ntasks: 4\n", "dag_id: a\ntasks: [1, [], null, {}]\n",
        "dag_id: a\ntasks: []\n", "dag_id: null\ntasks: null\n",
        "dag_id: a\nparams: []\ndefault_args: 3\ntasks: {}\n",
        "dag_id: a\ntasks: [{id: [], uses: {}, needs: {}, with: []}]\n",
        "dag_id: a\ntasks: [{id: x, uses: mapreduce, with: {inputs: [], map: 3, output: 4, aggregate: 5, "
        "shuffle: 6, checks: 7}}]\n",
        "dag_id: a\ntasks: [{id: x, uses: check, with: {input: {}, checks: {}, references: 3, contract: "
        "[]}}]\n",
        "dag_id: a\ntasks: [{id: x, uses: load, with: {mode: 3, key: {}}}]\n"}) {
    const LoadResult result = Load(text);
    EXPECT_FALSE(result.problems.empty()) << text;
    EXPECT_THAT(result.dags, IsEmpty()) << text;
  }
  const std::string flights(kFlights);
  for (std::size_t length = 0; length < flights.size(); length += 7) Load(flights.substr(0, length));
  std::mt19937 random(7);
  const std::string signs = "[]{}:,-'\"|% \n#x0";
  for (int round = 0; round < 400; ++round) {
    std::string damaged = flights;
    for (int edits = 0; edits < 3; ++edits)
      damaged[random() % damaged.size()] = signs[random() % signs.size()];
    Load(damaged);
  }
}

}  // namespace
}  // namespace millrace::dagbag
