// Columns that folders name, as Hive lays tables out: "lake/day=2001-01-01/state=CA/part-0.csv". Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::readers {

struct PathValue {
  std::string name;
  std::optional<std::string> value;  // nothing: NULL
  friend bool operator==(const PathValue&, const PathValue&) = default;
};

// Of the folders of a file's path, from the outermost one on.
std::vector<PathValue> PathValuesOf(std::string_view path);

}  // namespace millrace::readers
