#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {
namespace {

std::vector<FieldSpec> ShellSensorFields() {
  std::vector<FieldSpec> fields = ShellKind().fields;
  fields.push_back(
      {.name = "retry_exit_code",
       .type = FieldType::kInteger,
       .doc = "of a look in vain, any other is a failure; when left out, each but 0 is a look in vain",
       .min = 1,
       .max = 255});
  return SensorFields(std::move(fields));
}

void CheckShellSensor(const Value& with, std::vector<Problem>& problems) {
  CheckSensor(with, problems);
  ShellKind().check(with, problems);
}

}  // namespace

const TaskKind& SensorShellKind() {
  static const TaskKind kind{.name = "sensor_shell",
                             .doc =
                                 "Runs a command again and again until it ends with exit status 0. Output, "
                                 "result and XComs are as of "
                                 "the kind shell; between two runs it holds no slot.",
                             .fields = ShellSensorFields(),
                             .check = CheckShellSensor,
                             .sensor = true};
  return kind;
}

}  // namespace millrace
