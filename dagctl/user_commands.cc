#include <algorithm>

#include "dagctl/login.h"
#include "dagctl/users.h"

namespace millrace::dagctl {
namespace {

constexpr const char* kUsers = "/millrace/v1/users";

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// What the options say of it, without the name.
StatusOr<Value> Wanted(const UserOptions& options) {
  Value body{Value::Map()};
  if (!options.role.empty()) body.Set("role", Lower(options.role));
  if (!options.password.empty()) body.Set("password", options.password);
  if (options.password_file.empty()) return body;
  if (!options.password.empty()) return InvalidArgument("--password and --password-file are both given: leave one out");
  ASSIGN_OR_RETURN(std::string line, ReadLine(options.password_file));
  body.Set("password", std::move(line));
  return body;
}

void Show(Context& context, const Value::List& users) {
  context.output.Rows({{"username", "USER"}, {"role", "ROLE"}}, users);
}

}  // namespace

Status ListUsers(Context& context) {
  ASSIGN_OR_RETURN(const Value answer, context.client.Get(kUsers));
  Show(context, ListIn(answer, "users"));
  return OkStatus();
}

Status CreateUser(Context& context, const UserOptions& options) {
  ASSIGN_OR_RETURN(Value body, Wanted(options));
  body.Set("username", options.name);
  ASSIGN_OR_RETURN(const Value user, context.client.Post(kUsers, body));
  if (user.Find("password") == nullptr) {
    Show(context, {user});
  } else {
    context.output.Rows({{"username", "USER"}, {"role", "ROLE"}, {"password", "PASSWORD, SHOWN THIS ONCE"}}, {user});
  }
  return OkStatus();
}

Status ChangeUser(Context& context, const UserOptions& options) {
  ASSIGN_OR_RETURN(const Value body, Wanted(options));
  if (body.as_map().empty()) return InvalidArgument("nothing to change: give --role, --password or --password-file");
  ASSIGN_OR_RETURN(const Value user, context.client.Patch(std::string(kUsers) + "/" + Segment(options.name), body));
  Show(context, {user});
  return OkStatus();
}

Status DeleteUser(Context& context, const std::string& name) {
  RETURN_IF_ERROR(context.client.Delete(std::string(kUsers) + "/" + Segment(name)).status());
  context.output.Say("deleted user " + name);
  return OkStatus();
}

}  // namespace millrace::dagctl
