#include <algorithm>

#include "dagctl/login.h"
#include "dagctl/users.h"

namespace millrace::dagctl {
namespace {

constexpr const char* kUsers = "/millrace/v1/users";
constexpr const char* kTeams = "/millrace/v1/teams";

const Field kTeamsOfUser = {"teams", "TEAMS", true};

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
  if (options.no_teams && !options.teams.empty())
    return InvalidArgument("--team and --no-teams are both given: leave one out");
  if (options.no_teams || !options.teams.empty())
    body.Set("teams", Value(Value::List(options.teams.begin(), options.teams.end())));
  if (options.password_file.empty()) return body;
  if (!options.password.empty()) return InvalidArgument("--password and --password-file are both given: leave one out");
  ASSIGN_OR_RETURN(std::string line, ReadLine(options.password_file));
  body.Set("password", std::move(line));
  return body;
}

// "ads, sales" for people.
Value::List WithTeams(const Context& context, Value::List users) {
  if (context.output.format() != Format::kTable) return users;
  for (Value& user : users) {
    std::string teams;
    for (const Value& team : ListIn(user, "teams")) teams += (teams.empty() ? "" : ", ") + team.as_string();
    user.Set("teams", teams);
  }
  return users;
}

void Show(Context& context, const Value::List& users) {
  context.output.Rows({{"username", "USER"}, {"role", "ROLE"}, kTeamsOfUser}, WithTeams(context, users));
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
    context.output.Rows(
        {{"username", "USER"}, {"role", "ROLE"}, {"password", "PASSWORD, SHOWN THIS ONCE"}, kTeamsOfUser},
        WithTeams(context, {user}));
  }
  return OkStatus();
}

Status ChangeUser(Context& context, const UserOptions& options) {
  ASSIGN_OR_RETURN(const Value body, Wanted(options));
  if (body.as_map().empty()) return InvalidArgument("nothing to change: give --role, --team, --password or --password-file");
  ASSIGN_OR_RETURN(const Value user, context.client.Patch(std::string(kUsers) + "/" + Segment(options.name), body));
  Show(context, {user});
  return OkStatus();
}

Status DeleteUser(Context& context, const std::string& name) {
  RETURN_IF_ERROR(context.client.Delete(std::string(kUsers) + "/" + Segment(name)).status());
  context.output.Say("deleted user " + name);
  return OkStatus();
}

Status ListTeams(Context& context) {
  ASSIGN_OR_RETURN(const Value answer, context.client.Get(kTeams));
  context.output.Rows({{"name", "TEAM"}}, ListIn(answer, "teams"));
  return OkStatus();
}

Status CreateTeam(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(const Value team, context.client.Post(kTeams, Value(Value::Map{{"name", name}})));
  context.output.Rows({{"name", "TEAM"}}, {team});
  return OkStatus();
}

Status DeleteTeam(Context& context, const std::string& name) {
  RETURN_IF_ERROR(context.client.Delete(std::string(kTeams) + "/" + Segment(name)).status());
  context.output.Say("deleted team " + name);
  return OkStatus();
}

}  // namespace millrace::dagctl
