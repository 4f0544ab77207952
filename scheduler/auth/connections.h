// The credentials of the scheduler's environment: from MILLRACE_CONN_<NAME>, kept in memory and nowhere else.
// Immutable; any thread. Never written to log, journal or API. Those of the store: vault.h.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace millrace::auth {

// Who knows connections by name, as URIs. Any thread.
class ConnectionSource {
 public:
  virtual ~ConnectionSource() = default;
  // `team` of whoever asks; "": of none. NOT_FOUND says how to define it, PERMISSION_DENIED whose it is. The value never
  // stands in a message.
  virtual StatusOr<std::string> GetFor(const std::string& team, std::string_view name) const = 0;
};

std::string LowerCase(std::string_view text);
// Those whose names begin with `prefix`, without it and in lower case.
std::map<std::string, std::string> NamedInEnvironment(const char* const* environment,
                                                      std::string_view prefix);

class Connections final : public ConnectionSource {
 public:
  Connections() = default;
  explicit Connections(std::map<std::string, std::string> values) : values_(std::move(values)) {}
  // `environment` as main has it: "NAME=value", ended by null. Names are compared in lower case.
  static Connections FromEnvironment(const char* const* environment);

  // They are everybody's.
  StatusOr<std::string> GetFor(const std::string& team, std::string_view name) const override;

 private:
  std::map<std::string, std::string> values_;  // by name in lower case
};

}  // namespace millrace::auth
