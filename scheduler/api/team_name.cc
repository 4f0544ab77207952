#include "scheduler/api/team_name.h"

#include <algorithm>

namespace millrace::api {
namespace {

constexpr const char* kField = "team_name";

}  // namespace

std::optional<std::string> ReadTeam(BodyInput& body, auth::Accounts& accounts) {
  if (!body.Has(kField)) {
    (void)body.Any(kField);
    return std::nullopt;
  }
  std::string team = body.String(kField);
  if (const Status known = accounts.CheckTeam(team); !known.ok())
    body.issues().Add("body", kField, "value_error", known.message(), team);
  return team;
}

std::string TeamThen(const std::optional<std::string>& asked, const std::vector<std::string>& mask,
                     const std::string& before) {
  const bool masked = std::find(mask.begin(), mask.end(), kField) != mask.end();
  if (masked) return asked.value_or("");
  return mask.empty() ? asked.value_or(before) : before;
}

}  // namespace millrace::api
