#include "core/calendar/format.h"
#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {
namespace {

void CheckTimeSensor(const Value& with, std::vector<Problem>& problems) {
  CheckSensor(with, problems);
  int said = 0;
  for (const char* name : {"at", "after", "wait"}) said += with.Find(name) != nullptr ? 1 : 0;
  if (said != 1) {
    AddProblem(problems, with.position(), "exactly one of 'at', 'after' and 'wait' is needed",
               "at: \"14:30\", after: 2h (behind the end of the data interval), or wait: 10m");
  }
  const Value* at = with.Find("at");
  if (at == nullptr || !at->is_string() || HasTemplate(at->as_string())) return;
  if (!ParseTimeOfDay(at->as_string()) && !ParseTimeUtc(at->as_string()).ok() &&
      !ParseTimeUtc(at->as_string() + "Z").ok()) {
    AddProblem(problems, at->position(), "'at' is neither a time of day nor a time: " + at->as_string(),
               "at: \"14:30\", or at: 2001-03-01T14:30:00+00:00");
  }
}

}  // namespace

const TaskKind& SensorTimeKind() {
  static const TaskKind kind{
      .name = "sensor_time",
      .doc = "Waits for a time, in the scheduler, without a worker.",
      .fields = SensorFields({
          {.name = "at",
           .type = FieldType::kString,
           .doc = "a time of day, of the day on which it begins to wait; or a time. Without an offset in the "
                  "DAG's time zone",
           .use = FieldUse::kTemplate},
          {.name = "after",
           .type = FieldType::kDuration,
           .doc = "so long after the end of the run's data interval (of a run without one: its run_after)"},
          {.name = "wait", .type = FieldType::kDuration, .doc = "so long after it began to wait"},
      }),
      .check = CheckTimeSensor,
      .in_engine = true,
      .sensor = true};
  return kind;
}

}  // namespace millrace
