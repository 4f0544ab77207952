#include <algorithm>

#include "core/spec/kinds.h"
#include "core/spec/sensor.h"

namespace millrace {
namespace {

// The request is the http kind's; its timeout has another name here.
std::vector<FieldSpec> HttpSensorFields() {
  std::vector<FieldSpec> fields = HttpKind().fields;
  std::erase_if(fields, [](const FieldSpec& field) { return field.name == "to"; });
  for (FieldSpec& field : fields) {
    if (field.name == "timeout") {
      field.name = "request_timeout";
      field.doc = "of one request; 60s when left out";
    } else if (field.name == "expect") {
      field.doc = "status codes that end the wait; 200 to 299 when left out";
    }
  }
  fields.push_back({.name = "not_yet",
                    .type = FieldType::kAny,
                    .doc = "status codes of a look in vain; 404 when left out. Any other is a failure"});
  fields.push_back({.name = "contains",
                    .type = FieldType::kString,
                    .doc = "text that the body must have in it, or the look was in vain",
                    .use = FieldUse::kTemplate});
  return SensorFields(std::move(fields));
}

bool IsStatus(const Value& status) {
  if (status.is_int()) return status.as_int() >= 100 && status.as_int() <= 599;
  return status.is_string() && status.as_string().size() == 3 &&
         std::all_of(status.as_string().begin(), status.as_string().end(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

void CheckHttpSensor(const Value& with, std::vector<Problem>& problems) {
  CheckSensor(with, problems);
  HttpKind().check(with, problems);
  const Value* codes = with.Find("not_yet");
  if (codes == nullptr) return;
  const bool good = codes->is_list() ? std::all_of(codes->as_list().begin(), codes->as_list().end(), IsStatus)
                                     : IsStatus(*codes);
  if (!good) {
    AddProblem(problems, codes->position(), "'not_yet' must be HTTP status codes from 100 to 599",
               "not_yet: [404, 503]");
  }
}

}  // namespace

const TaskKind& SensorHttpKind() {
  static const TaskKind kind{
      .name = "sensor_http",
      .doc =
          "Waits until a request is answered as expected. The result is {status, body}; a body of JSON is "
          "parsed.",
      .fields = HttpSensorFields(),
      .check = CheckHttpSensor,
      .sensor = true};
  return kind;
}

}  // namespace millrace
