#include "scheduler/api/route.h"

#include "scheduler/api/answer.h"

namespace millrace::api {
namespace {

http::Response Guarded(const Route& route, auth::TokenVerifier& verifier, const http::Request& request) {
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
  return route.handler({request, std::move(*who)});
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

void RouteTable::Install(http::Router& router, auth::TokenVerifier& verifier) const {
  for (const Route& route : routes_) {
    router.Add(route.method, route.pattern, [route, &verifier](const http::Request& request) {
      return Guarded(route, verifier, request);
    });
  }
}

}  // namespace millrace::api
