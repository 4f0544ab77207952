// Task logs. They never pass the loop: gateway threads append chunks to segments, one file a run, and readers filter by
// attempt. A chunk is safe once Append has returned (written; synced at most a second later, and when its attempt ends).
// Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/model/ids.h"

namespace millrace::store {

struct LogSlice {
  std::string data;
  std::int64_t next = 0;  // pass as `from` to go on
  bool end = false;       // nothing more for now; whether the attempt has ended is not this interface's to know
};

class LogWriter {
 public:
  virtual ~LogWriter() = default;
  virtual Status Append(const TaskInstanceKey& instance, std::int32_t try_number, const Fence& fence,
                        std::string_view data) = 0;
};

class LogReader {
 public:
  virtual ~LogReader() = default;
  // At most about `max_bytes` of one try's log (all attempts of the try, in order), from a position that starts at 0.
  virtual StatusOr<LogSlice> Read(const TaskInstanceKey& instance, std::int32_t try_number, std::int64_t from,
                                  std::int64_t max_bytes) = 0;
};

class LogCleaner {
 public:
  virtual ~LogCleaner() = default;
  // All logs of a run that has been deleted; nothing when there are none.
  virtual Status RemoveLogs(RunKey run) = 0;
};

}  // namespace millrace::store
