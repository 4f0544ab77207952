// The rows of the filter table. Private to this room.
#pragma once

#include <string_view>
#include <vector>

#include "core/template/builtins.h"

namespace millrace::jinja {

struct FilterRow {
  std::string_view name;
  StatusOr<Datum> (*apply)(const Datum& value, const Arguments& arguments, Budget& budget);
};

const std::vector<FilterRow>& ValueFilters();
const std::vector<FilterRow>& SequenceFilters();

}  // namespace millrace::jinja
