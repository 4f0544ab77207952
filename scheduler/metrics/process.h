// What Linux knows of this process, under the names that Prometheus's clients give it. Any thread. Called by Metrics.
#pragma once

#include <optional>

namespace millrace::metrics {

struct ProcessFacts {
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double cpu_seconds = 0;
  double start_seconds = 0;  // UTC, since 1970
  double open_files = 0;
  double threads = 0;
};

// Nothing where /proc is not there or cannot be read.
std::optional<ProcessFacts> ReadProcessFacts();

}  // namespace millrace::metrics
