// The rows of the method tables: "str.upper" and so on. Private to this room.
#pragma once

#include <string_view>
#include <vector>

#include "core/template/builtins.h"

namespace millrace::jinja {

struct MethodRow {
  std::string_view name;
  StatusOr<Datum> (*call)(const Datum& receiver, const Arguments& arguments);
};

const std::vector<MethodRow>& TextMethods();
const std::vector<MethodRow>& TimeMethods();  // of datetimes and timedeltas

// A field of a datetime or timedelta that needs no call: year, days. Undefined when there is none.
Datum TimeField(const Datum& value, std::string_view name);
std::vector<std::string> TimeFieldNames(const Datum& value);

}  // namespace millrace::jinja
