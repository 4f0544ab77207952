#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {

const TaskKind& SensorSqlKind() {
  static const TaskKind kind{
      .name = "sensor_sql",
      .doc =
          "Waits until the first value of the first row that a query gives is true: not NULL, 0, '0' nor "
          "empty text. The result is that value.",
      .fields = SensorFields({
          {.name = "sql",
           .type = FieldType::kString,
           .doc = "one SELECT",
           .required = true,
           .use = FieldUse::kTemplate},
          {.name = "connection",
           .type = FieldType::kString,
           .doc = "the database; without one, a DuckDB in memory that sees the files beneath the worker's "
                  "root. It is open during a look only, and for reading",
           .use = FieldUse::kConnection},
          {.name = "fail_on_empty", .type = FieldType::kBoolean, .doc = "true: no row at all is a failure"},
      }),
      .check = CheckSensor,
      .sensor = true};
  return kind;
}

}  // namespace millrace
