#include "scheduler/api/trigger_body.h"

#include "core/model/ids.h"
#include "core/model/json.h"

namespace millrace::api {

TriggerRun ReadTrigger(BodyInput& body) {
  TriggerRun trigger;
  trigger.run_id = body.String("dag_run_id");
  trigger.logical_date = body.Time("logical_date");
  trigger.note = body.Note();
  trigger.partition_key = body.PartitionKey();
  const Value conf = body.Any("conf");
  if (!conf.is_null() && !conf.is_map())
    body.issues().Add("body", "conf", "dict_type", "Input should be an object", conf);
  if (conf.is_map()) trigger.conf = ToJson(conf);
  for (const char* name : {"data_interval_start", "data_interval_end", "run_after"}) body.Unsupported(name);
  if (!trigger.run_id.empty() && !IsValidRunId(trigger.run_id)) {
    body.issues().Add("body", "dag_run_id", "string_pattern_mismatch",
                      "Run ids are made of A-Z, a-z, 0-9 and _.-:+, at most 250 characters", trigger.run_id);
  }
  return trigger;
}

}  // namespace millrace::api
