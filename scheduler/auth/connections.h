// The credentials that attempts may be handed: from MILLRACE_CONN_<NAME>, kept in memory and nowhere else.
// The gateway asks for those that an attempt names, when it sends it. Immutable; any thread. Never written to
// log, journal or API.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace millrace::auth {

class Connections {
 public:
  Connections() = default;
  explicit Connections(std::map<std::string, std::string> values) : values_(std::move(values)) {}
  // `environment` as main has it: "NAME=value", ended by null. Names are compared in lower case.
  static Connections FromEnvironment(const char* const* environment);

  // NOT_FOUND says which variable to set. The value never stands in a message.
  StatusOr<std::string> Get(std::string_view name) const;

 private:
  std::map<std::string, std::string> values_;  // by name in lower case
};

}  // namespace millrace::auth
