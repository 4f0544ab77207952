#include "platform/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace millrace::platform {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    default:
      return spdlog::level::err;
  }
}

std::string OnOneLine(std::string_view line) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string safe;
  safe.reserve(line.size());
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      safe += c;
    } else if (c == '\n') {
      safe += "\\n";
    } else {
      safe += "\\x";
      safe += kHex[byte >> 4];
      safe += kHex[byte & 15];
    }
  }
  return safe;
}

}  // namespace

SpdlogSink::SpdlogSink(LogLevel level)
    : logger_(
          std::make_shared<spdlog::logger>("millrace", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_level(ToSpdlog(level));
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc);
  logger_->flush_on(spdlog::level::debug);
  // stderr that is gone (a closed pipe) must not end the program or print about itself.
  logger_->set_error_handler([](const std::string&) {});
}

SpdlogSink::~SpdlogSink() = default;

void SpdlogSink::Log(LogLevel level, std::string_view line) {
  if (!logger_->should_log(ToSpdlog(level))) return;
  logger_->log(ToSpdlog(level), "{}", OnOneLine(line));
}

}  // namespace millrace::platform
