// Of Accounts, the teams.
#include <algorithm>

#include "core/template/problem.h"
#include "scheduler/auth/accounts.h"

namespace millrace::auth {
namespace {

constexpr std::size_t kShortestTeam = 3;
constexpr std::size_t kLongestTeam = 50;
constexpr std::size_t kUsesTold = 20;  // of what belongs to a team

bool IsTeamName(const std::string& name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return name.size() >= kShortestTeam && name.size() <= kLongestTeam && std::all_of(name.begin(), name.end(), fits);
}

// "pool warehouse, variable bucket", the first of them.
std::string ToldUses(const std::vector<store::TeamUse>& uses) {
  std::string text;
  const std::size_t told = std::min(uses.size(), kUsesTold);
  for (std::size_t i = 0; i < told; ++i)
    text += (i == 0 ? "" : ", ") + uses[i].kind + " " + uses[i].name;
  if (uses.size() > told) text += " and " + std::to_string(uses.size() - told) + " more";
  return text;
}

Record TeamAudit(WallTime at, const std::string& by, const char* action, const std::string& team) {
  return AuditRecord{.at = at, .user = by, .action = action, .object = team, .detail = "{}"};
}

}  // namespace

StatusOr<std::vector<std::string>> Accounts::Teams() { return reader_.ListTeams(); }

Status Accounts::CheckTeam(const std::string& team) {
  if (team.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> teams, Teams());
  if (std::binary_search(teams.begin(), teams.end(), team)) return OkStatus();
  const std::string near = jinja::DidYouMean(team, teams);
  return InvalidArgument("There is no team " + team + ": " +
                         (near.empty() ? "dagctl teams create " + team + " makes it" : near));
}

Status Accounts::CreateTeam(const std::string& team, const std::string& by) {
  if (!IsTeamName(team)) {
    return InvalidArgument("A team's name has 3 to 50 letters, digits, '-' and '_', not as in '" + team + "'");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> teams, Teams());
  if (std::binary_search(teams.begin(), teams.end(), team))
    return AlreadyExists("The team " + team + " exists already");
  return Write({TeamRecord{.name = team}, TeamAudit(clock_.now().wall, by, "create_team", team)});
}

Status Accounts::DeleteTeam(const std::string& team, const std::string& by) {
  ASSIGN_OR_RETURN(const std::vector<std::string> teams, Teams());
  if (!std::binary_search(teams.begin(), teams.end(), team)) return NotFound("There is no team " + team);
  ASSIGN_OR_RETURN(const std::vector<store::TeamUse> uses, reader_.ListUses(team));
  if (!uses.empty())
    return FailedPrecondition("The team " + team + " still has " + ToldUses(uses) + ": give them to others first");
  return Write({TeamRecord{.name = team, .deleted = true}, TeamAudit(clock_.now().wall, by, "delete_team", team)});
}

}  // namespace millrace::auth
