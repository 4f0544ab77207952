#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {
namespace {

void CheckPythonSensor(const Value& with, std::vector<Problem>& problems) {
  CheckSensor(with, problems);
  PythonKind().check(with, problems);
}

}  // namespace

const TaskKind& SensorPythonKind() {
  static const TaskKind kind{.name = "sensor_python",
                             .doc =
                                 "Calls a function of a Python file again and again until what it returns is "
                                 "true, which is the result; "
                                 "millrace.PokeReturnValue(is_done, xcom_value) says both apart. Between two "
                                 "calls it holds no slot.",
                             .fields = SensorFields(PythonKind().fields),
                             .check = CheckPythonSensor,
                             .context = true,
                             .sensor = true};
  return kind;
}

}  // namespace millrace
