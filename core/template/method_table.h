// The rows of the tables of methods and functions: "str.upper", "macros.ds_add". Private to this room.
#pragma once

#include <string_view>
#include <vector>

#include "core/template/builtins.h"

namespace millrace::jinja {

struct MethodRow {
  std::string_view name;
  StatusOr<Datum> (*call)(const Datum& receiver, const Arguments& arguments);
};

struct FunctionRow {
  std::string_view name;
  StatusOr<Datum> (*call)(const Arguments& arguments, Budget& budget);
};

const std::vector<FunctionRow>& MacroFunctions();  // by name, "macros." and what follows
const std::vector<MethodRow>& TextMethods();
const std::vector<MethodRow>& TimeMethods();  // of datetimes and timedeltas

// A field of a datetime or timedelta that needs no call: year, days. Undefined when there is none.
Datum TimeField(const Datum& value, std::string_view name);
std::vector<std::string> TimeFieldNames(const Datum& value);

}  // namespace millrace::jinja
