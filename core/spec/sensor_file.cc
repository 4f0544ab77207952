#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {

const TaskKind& SensorFileKind() {
  static const TaskKind kind{
      .name = "sensor_file",
      .doc =
          "Waits until a file is there, on the worker that looks. The result is the list of what was found.",
      .fields = SensorFields({
          {.name = "path",
           .type = FieldType::kString,
           .doc =
               "beneath the worker's root: a file, a folder that has a file in it, or a pattern with * and ?",
           .required = true,
           .use = FieldUse::kTemplate},
          {.name = "recursive",
           .type = FieldType::kBoolean,
           .doc = "true: ** in a pattern stands for any folders"},
      }),
      .check = CheckSensor,
      .sensor = true};
  return kind;
}

}  // namespace millrace
