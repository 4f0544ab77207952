// Log lines to stderr, one a line, with UTC time and level: "2001-03-01T02:00:00.123Z info  Run started
// (run=12)". Made by each main.cc; any thread. Lines are written whole; control characters in them are
// escaped, so that no value can forge one.
#pragma once

#include <memory>
#include <string>

#include "core/base/log.h"

namespace spdlog {
class logger;
}

namespace millrace::platform {

class SpdlogSink final : public LogSink {
 public:
  // Lines below `level` are dropped.
  explicit SpdlogSink(LogLevel level);
  ~SpdlogSink() override;
  void Log(LogLevel level, std::string_view line) override;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace millrace::platform
