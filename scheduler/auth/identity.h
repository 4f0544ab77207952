// Who somebody is and what they may do: roles, verbs, objects and the one function that decides. Pure; any
// thread. Used by the API on the routed handler and by the gateway on every call. What is not listed is
// denied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace millrace::auth {

// Airflow's four, each with all of the one before; and those of programs, which are none of them: a worker's, which may join,
// and that of what watches, which may read /metrics.
enum class Role : std::uint8_t { kViewer, kUser, kOp, kAdmin, kWorker, kMonitor };
inline bool IsOfPeople(Role role) { return role <= Role::kAdmin; }

std::string_view ToString(Role role);
std::optional<Role> RoleFromString(std::string_view text);

enum class Verb : std::uint8_t { kRead, kWrite, kDelete, kJoin };
std::string_view ToString(Verb verb);

enum class Resource : std::uint8_t {
  kDag,  // a DAG with its runs, task instances, logs, jobs, source and import errors
  kWorker,
  kConnection,
  kVariable,
  kPool,
  kUser,
  kAudit,
  kConfig,
  kMetrics,
  kSelf,  // the own account
};
std::string_view ToString(Resource resource);

struct Object {
  Resource resource = Resource::kSelf;
  std::string name;       // "" for all of them
  std::string team = {};  // that it belongs to; "": everybody's
};

struct Identity {
  std::string user;
  Role role = Role::kViewer;
  std::vector<std::string> teams = {};  // that the user is a member of
};

// Whether it is theirs to see: what belongs to no team is everybody's, and admins see what all teams have.
bool SeesTeam(const Identity& who, std::string_view team);
// The teams whose things they see besides those of no team; nothing: all.
std::optional<std::vector<std::string>> TeamsSeenBy(const Identity& who);

// PERMISSION_DENIED names user, role and what was asked; and the team, where only that is in the way.
Status Authorize(const Identity& who, Verb verb, const Object& object);

// Turns a bearer token into who holds it. Any thread; microseconds when the token was seen lately.
class TokenVerifier {
 public:
  virtual ~TokenVerifier() = default;
  // UNAUTHENTICATED for a token that is unknown, expired or revoked, or whose user is gone; never says which.
  virtual StatusOr<Identity> Verify(std::string_view token) = 0;
};

}  // namespace millrace::auth
