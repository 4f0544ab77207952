// `team_name` of a body: the team that a pool, a variable or a connection belongs to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scheduler/api/input.h"
#include "scheduler/auth/accounts.h"

namespace millrace::api {

// "": everybody's; nothing when the body does not say, or null. What is no team is a problem of the body.
std::optional<std::string> ReadTeam(BodyInput& body, auth::Accounts& accounts);

// What it is after a change. A mask that names team_name takes the body's word also when that is null; without one only a
// name, or "", changes it: a client that never heard of teams does not make everybody's what was not.
std::string TeamThen(const std::optional<std::string>& asked, const std::vector<std::string>& mask,
                     const std::string& before);

}  // namespace millrace::api
