// What DagBag is given besides its files: a clock that stands, and a log that nobody reads.
#pragma once

#include <string_view>

#include "core/base/clock.h"
#include "core/base/log.h"

namespace millrace::dagbag {

class FixedClock final : public Clock {
 public:
  Now now() const override { return {WallFromMicros(7), BootFromMicros(7)}; }
};

class NoLog final : public LogSink {
 public:
  void Log(LogLevel, std::string_view) override {}
};

}  // namespace millrace::dagbag
