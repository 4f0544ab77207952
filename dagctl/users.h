// `users`: who may log in, and as what. Beside commands.h, and like there: arguments parsed, REST spoken, rows shown.
#pragma once

#include <string>

#include "dagctl/commands.h"

namespace millrace::dagctl {

struct UserOptions {
  std::string name;
  std::string role;           // viewer, user, op or admin, in whatever case; "": as it is
  std::string password;       // "": one is made up for a new user, and that of another stays
  std::string password_file;  // its first line, instead
};

Status ListUsers(Context& context);
Status CreateUser(Context& context, const UserOptions& options);
Status ChangeUser(Context& context, const UserOptions& options);
Status DeleteUser(Context& context, const std::string& name);

}  // namespace millrace::dagctl
