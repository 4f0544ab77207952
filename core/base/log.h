// Where a room's log lines go: fixed text, then key=value pairs ("Run started (run=12, dag=etl)"). main.cc hands in a real
// sink, tests a recording one. The engine and all of core never log.
#pragma once

#include <string_view>

namespace millrace {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Any thread.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void Log(LogLevel level, std::string_view line) = 0;
};

}  // namespace millrace
