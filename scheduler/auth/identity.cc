#include "scheduler/auth/identity.h"

#include <algorithm>
#include <array>

namespace millrace::auth {
namespace {

constexpr std::array<std::string_view, 6> kRoles = {"viewer", "user", "op", "admin", "worker", "monitor"};
constexpr std::array<std::string_view, 4> kVerbs = {"read", "write", "delete", "join"};
constexpr std::array<std::string_view, 10> kResources = {"dag",  "worker", "connection", "variable", "pool",
                                                         "user", "audit",  "config",     "metrics",  "self"};

// The least role of people that may do it; nothing means nobody.
std::optional<Role> Needed(Verb verb, Resource resource) {
  switch (resource) {
    case Resource::kSelf:
      return verb == Verb::kJoin ? std::nullopt : std::optional(Role::kViewer);
    case Resource::kDag:
      if (verb == Verb::kRead) return Role::kViewer;
      if (verb == Verb::kWrite || verb == Verb::kDelete) return Role::kUser;
      return std::nullopt;
    case Resource::kWorker:
    case Resource::kMetrics:
      return verb == Verb::kRead ? std::optional(Role::kViewer) : std::nullopt;
    case Resource::kPool:
    case Resource::kVariable:
    case Resource::kConnection:
      return verb == Verb::kJoin ? std::nullopt : std::optional(Role::kOp);
    case Resource::kConfig:
      if (verb == Verb::kJoin) return std::nullopt;
      return verb == Verb::kRead ? Role::kOp : Role::kAdmin;
    case Resource::kAudit:
      return verb == Verb::kRead ? std::optional(Role::kAdmin) : std::nullopt;
    case Resource::kUser:
      return verb == Verb::kJoin ? std::nullopt : std::optional(Role::kAdmin);
  }
  return std::nullopt;
}

}  // namespace

std::string_view ToString(Role role) { return kRoles[static_cast<std::size_t>(role)]; }
std::string_view ToString(Verb verb) { return kVerbs[static_cast<std::size_t>(verb)]; }
std::string_view ToString(Resource resource) { return kResources[static_cast<std::size_t>(resource)]; }

std::optional<Role> RoleFromString(std::string_view text) {
  for (std::size_t i = 0; i < kRoles.size(); ++i) {
    if (kRoles[i] == text) return static_cast<Role>(i);
  }
  return std::nullopt;
}

bool SeesTeam(const Identity& who, std::string_view team) {
  return team.empty() || who.role == Role::kAdmin ||
         (IsOfPeople(who.role) && std::find(who.teams.begin(), who.teams.end(), team) != who.teams.end());
}

std::optional<std::vector<std::string>> TeamsSeenBy(const Identity& who) {
  if (who.role == Role::kAdmin) return std::nullopt;
  return IsOfPeople(who.role) ? who.teams : std::vector<std::string>();
}

Status Authorize(const Identity& who, Verb verb, const Object& object) {
  bool allowed = false;
  if (who.role == Role::kWorker) {
    allowed = verb == Verb::kJoin && object.resource == Resource::kWorker;
  } else if (who.role == Role::kMonitor) {
    allowed = verb == Verb::kRead && object.resource == Resource::kMetrics;
  } else if (const auto needed = Needed(verb, object.resource)) {
    allowed = who.role >= *needed;
  }
  const bool is_theirs = SeesTeam(who, object.team);
  if (allowed && is_theirs) return OkStatus();
  std::string what = std::string(ToString(verb)) + " " + std::string(ToString(object.resource));
  if (!object.name.empty()) what += " " + object.name;
  if (allowed) {
    return PermissionDenied("User " + who.user + " is no member of team " + object.team + " and may not " + what +
                            " of it");
  }
  return PermissionDenied("User " + who.user + " with role " + std::string(ToString(who.role)) + " may not " +
                          what);
}

}  // namespace millrace::auth
