#include "scheduler/auth/connections.h"

namespace millrace::auth {
namespace {

constexpr std::string_view kPrefix = "MILLRACE_CONN_";

char Shift(char c, char from, char to, int by) {
  return c >= from && c <= to ? static_cast<char>(c + by) : c;
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Shift(c, 'a', 'z', 'A' - 'a');
  return out;
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Shift(c, 'A', 'Z', 'a' - 'A');
  return out;
}

std::map<std::string, std::string> NamedInEnvironment(const char* const* environment,
                                                      std::string_view prefix) {
  std::map<std::string, std::string> values;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(prefix) || equals == std::string_view::npos || equals <= prefix.size()) continue;
    values.emplace(LowerCase(entry.substr(prefix.size(), equals - prefix.size())), entry.substr(equals + 1));
  }
  return values;
}

Connections Connections::FromEnvironment(const char* const* environment) {
  return Connections(NamedInEnvironment(environment, kPrefix));
}

StatusOr<std::string> Connections::GetFor(const std::string&, std::string_view name) const {
  const auto found = values_.find(LowerCase(name));
  if (found != values_.end()) return found->second;
  return NotFound("Connection is not defined: " + std::string(name) + "; dagctl connections add " +
                  std::string(name) + " --uri URI, or set " + std::string(kPrefix) + Upper(name) +
                  " in the scheduler's environment");
}

}  // namespace millrace::auth
