#include "tests/scenarios/dag_lines.h"

#include <gtest/gtest.h>

#include "core/model/yaml.h"
#include "platform/zones.h"
#include "scheduler/dagbag/schedule_reader.h"

namespace millrace::test {

DagBuilder ReadDag(const Line& line) {
  DagBuilder builder(line.Word(1));
  builder.Version(line.Option("version", "v1"));
  builder.With([&](Dag& dag) {
    dag.max_active_runs = std::stoi(line.Option("max_active_runs", "16"));
    dag.max_active_tasks = std::stoi(line.Option("max_active_tasks", "16"));
    dag.paused_upon_creation = line.Has("paused");
    dag.team = line.Option("team");
    dag.max_consecutive_failed_runs = std::stoi(line.Option("max_failures", "0"));
    Schedule& schedule = dag.schedule;
    for (const auto& [key, kind] : {std::pair("schedule", ScheduleKind::kCronTrigger),
                                    std::pair("schedule_interval", ScheduleKind::kCronInterval)}) {
      if (line.Option(key).empty()) continue;
      schedule.kind = kind;
      schedule.expression = schedule.written = line.Option(key);
    }
    schedule.timezone = line.Option("timezone", "UTC");
    schedule.catchup = line.Has("catchup") ? Catchup::kAll : Catchup::kLast;
    if (!line.Option("start").empty()) schedule.start = Time(line.Option("start"));
    if (!line.Option("end").empty()) schedule.end = Time(line.Option("end"));
  });
  return builder;
}

void ReadSchedule(const std::string& text, DagBuilder& builder) {
  const YamlText yaml = ParseYaml(text);
  ASSERT_TRUE(yaml.problems.empty() && yaml.documents.size() == 1) << text;
  std::vector<Problem> problems;
  const platform::TzdbZones zones;
  builder.With(
      [&](Dag& dag) { dagbag::ScheduleReader(yaml.documents[0], nullptr, zones, problems).Read(dag); });
  for (const Problem& problem : problems) ADD_FAILURE() << text << problem.message;
}

void ReadTask(const Line& line, DagBuilder& builder) {
  builder.Add(line.Word(1), Names(line.Option("needs")), [&](Task& task) {
    task.kind = line.Option("kind", "shell");
    task.trigger_rule = TriggerRuleFromString(line.Option("rule", "all_success")).value();
    task.retry.retries = std::stoi(line.Option("retries", "0"));
    task.retry.delay = Length(line.Option("delay", "5m"));
    task.retry.multiplier = std::stod(line.Option("multiplier", "1"));
    task.retry.max_delay = Length(line.Option("max_delay", "1d"));
    task.execution_timeout = Length(line.Option("timeout", "0s"));
    task.pool = line.Option("pool", "default_pool");
    task.pool_slots = std::stoi(line.Option("slots", "1"));
    task.priority_weight = std::stoi(line.Option("priority", "1"));
    task.outlets = Names(line.Option("outlets"));
    task.inlets = Names(line.Option("inlets"));
    if (line.Option("lost") == "fail") task.on_worker_lost = OnWorkerLost::kFail;
  });
}

}  // namespace millrace::test
