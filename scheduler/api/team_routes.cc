// Teams: names that users are members of and that DAGs, pools, variables and connections belong to.
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

Value WireTeam(const std::string& name) { return Value::Map{{"name", name}}; }

http::Response List(Context& context) {
  ASSIGN_OR_ANSWER(const std::vector<std::string> teams, context.accounts.Teams());
  Value::List wire;
  for (const std::string& team : teams) wire.push_back(WireTeam(team));
  return JsonAnswer(
      Value::Map{{"teams", std::move(wire)}, {"total_entries", static_cast<std::int64_t>(teams.size())}});
}

http::Response Create(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::string name = body.String("name");
  if (!body.Has("name")) body.issues().Add("body", "name", "missing", "Field required");
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(context.accounts.CreateTeam(name, call.who.user));
  return JsonAnswer(WireTeam(name), 201);
}

http::Response Delete(Context& context, const Call& call) {
  ANSWER_IF_ERROR(context.accounts.DeleteTeam(std::string(call.request.Param("team_name")), call.who.user));
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void AddTeamRoutes(RouteTable& table, Context& context) {
  constexpr std::string_view kAll = "/millrace/v1/teams";
  table.Add({"GET", kAll, Needs(Verb::kRead, Resource::kUser), 200, "Teams, by name",
             [&context](const Call&) { return List(context); }});
  table.Add({"POST", kAll, Needs(Verb::kWrite, Resource::kUser), 201, "A new team",
             [&context](const Call& call) { return Create(context, call); }});
  table.Add({"DELETE", "/millrace/v1/teams/{team_name}", Needs(Verb::kDelete, Resource::kUser), 204,
             "Deletes a team that nothing belongs to", [&context](const Call& call) { return Delete(context, call); }});
}

}  // namespace millrace::api
