// The names in a CSV file's first record. The plan attempt compares those of a job's files, which are read by position. Any thread.
#pragma once

#include <string>
#include <vector>

#include "core/base/status.h"
#include "worker/readers/dialect.h"

namespace millrace::readers {

// As many as the dialect has columns; none of an empty file.
StatusOr<std::vector<std::string>> HeaderOf(const Dialect& dialect, const std::string& path);

}  // namespace millrace::readers
