// A finished output file that is larger than its author wants becomes several, in the order of its rows. The
// attempt's thread, before the files are sealed.
#pragma once

#include <string>

#include "core/base/status.h"
#include "worker/sql/instance.h"

namespace millrace::mapreduce {

// Leaves the file alone when it is not larger than a quarter more than `file_bytes`; else "x.csv" gives way
// to "x-0000.csv", "x-0001.csv", ... A piece of CSV has the header, too.
Status CutOutputFile(sql::Connection& connection, const std::string& format, const std::string& path,
                     std::int64_t file_bytes);

}  // namespace millrace::mapreduce
