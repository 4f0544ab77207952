// `users`, who may log in, and as what, and `teams`. Beside commands.h, and like there: arguments parsed, REST spoken, rows shown.
#pragma once

#include <string>
#include <vector>

#include "dagctl/commands.h"

namespace millrace::dagctl {

struct UserOptions {
  std::string name;
  std::string role;           // viewer, user, op or admin, in whatever case; "": as it is
  std::string password;       // "": one is made up for a new user, and that of another stays
  std::string password_file;  // its first line, instead
  std::vector<std::string> teams;  // all of them; none: as they are
  bool no_teams = false;           // of none
};

Status ListUsers(Context& context);
Status CreateUser(Context& context, const UserOptions& options);
Status ChangeUser(Context& context, const UserOptions& options);
Status DeleteUser(Context& context, const std::string& name);

// The teams that users are in and that DAGs, pools, variables and connections belong to.
Status ListTeams(Context& context);
Status CreateTeam(Context& context, const std::string& name);
Status DeleteTeam(Context& context, const std::string& name);

}  // namespace millrace::dagctl
