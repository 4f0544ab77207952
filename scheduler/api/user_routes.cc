// Users, their roles and teams, which Airflow leaves to its auth managers; and one's own password. Passwords are written, never told, but
// for one that was made up here, once.
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/auth/secrets.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Role;
using auth::Verb;

Value WireUser(const UserRecord& user) {
  return Value::Map{{"username", user.name},
                    {"role", user.role},
                    {"teams", Value(Value::List(user.teams.begin(), user.teams.end()))}};
}

StatusOr<UserRecord> Find(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<UserRecord> users, context.accounts.Users());
  for (const UserRecord& user : users) {
    if (user.name == name) return user;
  }
  return NotFound("The User with name: `" + name + "` was not found");
}

std::optional<Role> ReadRole(BodyInput& body) {
  const std::string text = body.String("role");
  const std::optional<Role> role = auth::RoleFromString(text);
  if (body.Has("role") && (!role || !auth::IsOfPeople(*role)))
    body.issues().Add("body", "role", "value_error", "A role is viewer, user, op or admin", text);
  return role;
}

// All of them, or nothing when the body does not say.
std::optional<std::vector<std::string>> ReadTeams(BodyInput& body, auth::Accounts& accounts) {
  const Value sent = body.Any("teams");
  if (sent.is_null()) return std::nullopt;
  std::vector<std::string> teams;
  const bool is_list = sent.is_list();
  for (const Value& team : is_list ? sent.as_list() : Value::List()) {
    if (team.is_string()) teams.push_back(team.as_string());
    if (!team.is_string()) body.issues().Add("body", "teams", "string_type", "A team is named by text", team);
  }
  if (!is_list) body.issues().Add("body", "teams", "list_type", "Input should be a list of teams", sent);
  for (const std::string& team : teams) {
    const Status known = team.empty() ? InvalidArgument("A team has a name") : accounts.CheckTeam(team);
    if (!known.ok()) body.issues().Add("body", "teams", "value_error", known.message(), team);
  }
  return teams;
}

http::Response List(Context& context) {
  ASSIGN_OR_ANSWER(const std::vector<UserRecord> users, context.accounts.Users());
  Value::List wire;
  for (const UserRecord& user : users) wire.push_back(WireUser(user));
  return JsonAnswer(Value::Map{{"total_entries", static_cast<std::int64_t>(wire.size())}, {"users", std::move(wire)}});
}

http::Response Create(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::string name = body.String("username");
  std::string password = body.String("password");
  const std::optional<Role> role = ReadRole(body);
  const auto teams = ReadTeams(body, context.accounts);
  for (const char* field : {"username", "role"}) {
    if (!body.Has(field)) body.issues().Add("body", field, "missing", "Field required");
  }
  if (auto problems = body.Problems()) return *problems;
  if (Find(context, name).ok())
    return http::ErrorResponse(409, "The User with name: `" + name + "` exists already; PATCH changes it");
  const bool made_up = password.empty();
  if (made_up) password = auth::NewPassword();
  ANSWER_IF_ERROR(context.accounts.SetUser(name, password, *role, call.who.user, teams));
  UserRecord made{.name = name, .password_hash = "", .role = std::string(ToString(*role))};
  if (teams) made.teams = *teams;
  Value user = WireUser(made);
  if (made_up) user.Set("password", password);
  return JsonAnswer(user, 201);
}

http::Response Update(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(UserRecord user, Find(context, std::string(call.request.Param("username"))));
  BodyInput body(call.request);
  const std::string password = body.String("password");
  const bool has_password = body.Has("password");
  const std::optional<Role> role = ReadRole(body);
  const auto teams = ReadTeams(body, context.accounts);
  if (auto problems = body.Problems()) return *problems;
  const Role then = role.value_or(auth::RoleFromString(user.role).value_or(Role::kViewer));
  ANSWER_IF_ERROR(context.accounts.SetUser(
      user.name, has_password ? std::optional(password) : std::nullopt, then, call.who.user, teams));
  ASSIGN_OR_ANSWER(user, Find(context, user.name));
  return JsonAnswer(WireUser(user));
}

http::Response Delete(Context& context, const Call& call) {
  ANSWER_IF_ERROR(context.accounts.DeleteUser(std::string(call.request.Param("username")), call.who.user));
  http::Response response;
  response.status = 204;
  return response;
}

// Whoever found a browser open does not know the old one.
http::Response ChangeOwn(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::string before = body.String("current_password");
  const std::string password = body.String("password");
  for (const char* field : {"current_password", "password"}) {
    if (!body.Has(field)) body.issues().Add("body", field, "missing", "Field required");
  }
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const auth::Token proof, context.accounts.Login(call.who.user, before, call.request.remote));
  ANSWER_IF_ERROR(context.accounts.Revoke(proof.secret));
  ASSIGN_OR_ANSWER(const UserRecord user, Find(context, call.who.user));
  ANSWER_IF_ERROR(context.accounts.SetUser(user.name, password, *auth::RoleFromString(user.role), call.who.user));
  return JsonAnswer(WireUser(user));
}

}  // namespace

void AddUserRoutes(RouteTable& table, Context& context) {
  const auto add = [&](const char* method, const char* path, Verb verb, int status, const char* summary, auto handler) {
    table.Add({method, path, Needs(verb, Resource::kUser), status, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/millrace/v1/users", Verb::kRead, 200, "Users and their roles",
      [](Context& asked, const Call&) { return List(asked); });
  add("POST", "/millrace/v1/users", Verb::kWrite, 201,
      "A new user; without a password one is made up and told this once", Create);
  add("PATCH", "/millrace/v1/users/{username}", Verb::kWrite, 200, "Another role, password or other teams", Update);
  add("DELETE", "/millrace/v1/users/{username}", Verb::kDelete, 204, "Its tokens are worthless from now on", Delete);
  table.Add({"PATCH", "/millrace/v1/me", Needs(Verb::kWrite, Resource::kSelf), 200, "Another password of one's own",
             [&context](const Call& call) { return ChangeOwn(context, call); }});
}

}  // namespace millrace::api
