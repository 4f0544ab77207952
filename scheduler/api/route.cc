#include "scheduler/api/route.h"

#include "scheduler/api/answer.h"

namespace millrace::api {
namespace {

// Of whom something is hidden from: whether they may go on to the handler.
Status CheckTeams(const Access& access, const http::Request& request, const Scope& scope, DagTeams& teams) {
  const std::string dag_id(request.Param("dag_id"));
  const bool is_filtered = access.over_teams == OverTeams::kFiltered;
  if (!dag_id.empty() && !(dag_id == "~" && is_filtered)) return teams.Find(scope, dag_id);
  if (is_filtered || access.resource == auth::Resource::kSelf) return OkStatus();
  return PermissionDenied(
      "This is over the DAGs of all teams, and you are not a member of all of them; name a DAG, or ask an admin");
}

http::Response Guarded(const Route& route, auth::TokenVerifier& verifier, DagTeams& teams,
                       const http::Request& request) {
  // Browsers say when another site's page makes them ask; nothing that changes something answers to that.
  if (request.method != "GET" && request.method != "HEAD" &&
      request.Header("sec-fetch-site") == "cross-site") {
    return http::ErrorResponse(403, "requests from other sites are not accepted");
  }
  if (route.access.open) return route.handler({request, {}});
  auto who = verifier.Verify(BearerToken(request));
  if (!who.ok()) return ErrorAnswer(who.status());
  const Status allowed =
      auth::Authorize(*who, route.access.verb, {route.access.resource, std::string(request.Param("dag_id"))});
  if (!allowed.ok()) return ErrorAnswer(allowed);
  auto scope = teams.ScopeOf(*who);
  if (!scope.ok()) return ErrorAnswer(scope.status());
  if (auth::IsOfPeople(who->role) && !scope->sees_all()) {
    const Status theirs = CheckTeams(route.access, request, *scope, teams);
    if (!theirs.ok()) return ErrorAnswer(theirs);
  }
  return route.handler({request, std::move(*who), std::move(*scope)});
}

}  // namespace

std::string DagOf(const Call& call) { return std::string(call.request.Param("dag_id")); }
std::string RunOf(const Call& call) { return std::string(call.request.Param("dag_run_id")); }
std::string TaskOf(const Call& call) { return std::string(call.request.Param("task_id")); }

std::string_view BearerToken(const http::Request& request) {
  std::string_view header = request.Header("authorization");
  for (const std::string_view scheme : {std::string_view("Bearer "), std::string_view("bearer ")}) {
    if (header.starts_with(scheme)) return header.substr(scheme.size());
  }
  return {};
}

void RouteTable::Install(http::Router& router, auth::TokenVerifier& verifier, DagTeams& teams) const {
  for (const Route& route : routes_) {
    router.Add(route.method, route.pattern, [route, &verifier, &teams](const http::Request& request) {
      return Guarded(route, verifier, teams, request);
    });
  }
}

}  // namespace millrace::api
