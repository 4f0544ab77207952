// The names that Airflow gives to templates, made from a run's facts: the one place that knows them, for
// rendering (with real facts) and for checking a DAG file (with SampleRunContext). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/model/value.h"
#include "core/template/context.h"

namespace millrace {

struct RunFacts {
  std::string dag_id;
  std::string task_id;
  std::string run_id;
  std::string run_type = "manual";  // scheduled, manual, backfill
  std::string owner;
  WallTime run_after{};
  // Nothing: then ds, ts and the interval are undefined, as in Airflow.
  std::optional<WallTime> logical_date;
  std::optional<WallTime> interval_start;
  std::optional<WallTime> interval_end;
  Value params = Value(Value::Map());  // defaults, overlaid by conf
  Value conf = Value(Value::Map());
  std::vector<std::string> inlets, outlets;  // names of datasets
  std::int32_t try_number = 1;
  std::int32_t max_tries = 0;
  std::int32_t map_index = -1;
  std::int32_t priority_weight = 1;  // as its author wrote it
  std::string partition_key;  // "": none
  std::optional<WallTime> partition_date;
  Value triggering_events = Value(Value::Map());  // dataset -> its events that made the run, as maps
};

// ds, ds_nodash, ts, ts_nodash, ts_nodash_with_tz, logical_date, data_interval_start and _end, run_id,
// params, partition_key, partition_date (None without one), triggering_asset_events, dag, task, ti (task_instance),
// dag_run, task_instance_key_str, inlets, outlets;
// test_mode and expanded_ti_count, which say nothing here. run_id, params and dag_run.conf are users'.
TemplateContext MakeRunContext(const RunFacts& facts);

// For checks: every name, the DAG's params by name (their values may be of any type), any member of
// dag_run.conf.
TemplateContext SampleRunContext(const std::string& dag_id, const std::string& task_id,
                                 const std::vector<std::string>& params);

}  // namespace millrace
