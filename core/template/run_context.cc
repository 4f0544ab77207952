#include "core/template/run_context.h"

#include "core/calendar/format.h"

namespace millrace {
namespace {

using Source = TemplateContext::Source;

void SetInterval(const RunFacts& facts, TemplateContext& context) {
  for (const char* prefix : {"", "dag_run."}) {
    if (facts.interval_start)
      context.SetTime(std::string(prefix) + "data_interval_start", *facts.interval_start);
    if (facts.interval_end) context.SetTime(std::string(prefix) + "data_interval_end", *facts.interval_end);
    if (facts.logical_date) context.SetTime(std::string(prefix) + "logical_date", *facts.logical_date);
  }
}

void SetDates(WallTime logical_date, TemplateContext& context) {
  context.Set("ds", FormatDs(logical_date));
  context.Set("ds_nodash", FormatDsNodash(logical_date));
  context.Set("ts", FormatTs(logical_date));
  context.Set("ts_nodash", FormatTsNodash(logical_date));
  context.Set("ts_nodash_with_tz", FormatTsNodashWithTz(logical_date));
}

// None, as in Airflow, where a run has none.
void SetPartition(const RunFacts& facts, TemplateContext& context) {
  for (const char* prefix : {"", "dag_run."}) {
    const std::string key = std::string(prefix) + "partition_key";
    const std::string date = std::string(prefix) + "partition_date";
    context.Set(key, facts.partition_key.empty() ? Value() : Value(facts.partition_key), Source::kUser);
    facts.partition_date ? context.SetTime(date, *facts.partition_date) : context.Set(date, Value());
  }
}

}  // namespace

TemplateContext MakeRunContext(const RunFacts& facts) {
  TemplateContext context;
  if (facts.logical_date) SetDates(*facts.logical_date, context);
  SetInterval(facts, context);
  SetPartition(facts, context);
  context.SetTime("dag_run.run_after", facts.run_after);
  context.Set("dag_run.dag_id", facts.dag_id);
  context.Set("dag_run.run_type", facts.run_type);
  context.Set("run_id", facts.run_id, Source::kUser);
  context.Set("dag_run.run_id", facts.run_id, Source::kUser);
  context.Set("dag_run.conf", facts.conf, Source::kUser);
  context.Set("params", facts.params, Source::kUser);
  context.Set("triggering_asset_events", facts.triggering_events, Source::kUser);
  context.Set("dag.dag_id", facts.dag_id);
  context.Set("task.task_id", facts.task_id);
  context.Set("task.owner", facts.owner);
  context.Set("task.priority_weight", std::int64_t{facts.priority_weight});
  context.Set("test_mode", false);
  context.Set("inlets", Value(Value::List(facts.inlets.begin(), facts.inlets.end())));
  context.Set("outlets", Value(Value::List(facts.outlets.begin(), facts.outlets.end())));
  if (facts.map_index < 0) context.Set("expanded_ti_count", Value());
  for (const char* instance : {"ti.", "task_instance."}) {
    const std::string prefix = instance;
    context.Set(prefix + "dag_id", facts.dag_id);
    context.Set(prefix + "task_id", facts.task_id);
    context.Set(prefix + "run_id", facts.run_id, Source::kUser);
    context.Set(prefix + "try_number", std::int64_t{facts.try_number});
    context.Set(prefix + "max_tries", std::int64_t{facts.max_tries});
    context.Set(prefix + "map_index", std::int64_t{facts.map_index});
    context.Set(prefix + "priority_weight", std::int64_t{facts.priority_weight});
  }
  const std::string key = facts.dag_id + "__" + facts.task_id + "__";
  if (facts.logical_date) {
    context.Set("task_instance_key_str", key + FormatDsNodash(*facts.logical_date));
  } else {
    context.Set("task_instance_key_str", key + facts.run_id, Source::kUser);
  }
  return context;
}

TemplateContext SampleRunContext(const std::string& dag_id, const std::string& task_id,
                                 const std::vector<std::string>& params) {
  RunFacts facts;
  facts.dag_id = dag_id;
  facts.task_id = task_id;
  facts.run_id = "manual__2001-03-01T02:00:00+00:00";
  const WallTime time = std::chrono::sys_days(std::chrono::year(2001) / 3 / 1);
  facts.run_after = time;
  facts.logical_date = facts.interval_start = facts.interval_end = time;
  for (const std::string& name : params) facts.params.Set(name, Value());
  facts.partition_key = "2001-03-01T00:00:00";
  facts.partition_date = time;
  TemplateContext context = MakeRunContext(facts);
  for (const std::string& name : params) context.SetOpen("params." + name);
  context.SetOpen("dag_run.conf");
  context.SetOpen("triggering_asset_events");
  return context;
}

}  // namespace millrace
