// A finished output file: cut into several, in the order of its rows, where it is larger than its author wants; its rows counted where
// the statement that wrote it did not say. The attempt's thread, before the files are sealed.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// Leaves the file alone when it is not larger than a quarter more than `file_bytes`; else "x.csv" gives way
// to "x-0000.csv", "x-0001.csv", ... A piece of CSV has the header, too.
Status CutOutputFile(sql::Connection& connection, const std::string& format, const std::string& path,
                     std::int64_t file_bytes);

// As many as a reader of the file finds, in a few hundred kilobytes of memory whatever its size.
StatusOr<std::int64_t> CountRows(sql::Connection& connection, const std::string& format, const std::string& path);

}  // namespace millrace::mapreduce
