// The table of routes: path, who may call it, and its handler, in one row. What the router, the authorisation
// and /openapi.json know of a route comes from here, so that no route can be served and not guarded. Filled
// before the server starts; read by its worker threads.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/auth/identity.h"
#include "scheduler/http/message.h"
#include "scheduler/http/router.h"

namespace millrace::api {

// What a caller needs; deny by default: a route without an Access cannot be written down.
struct Access {
  bool open = false;  // anybody, without a token
  auth::Verb verb = auth::Verb::kRead;
  auth::Resource resource = auth::Resource::kSelf;
};
inline constexpr Access kOpen{true, {}, {}};
constexpr Access Needs(auth::Verb verb, auth::Resource resource) { return {false, verb, resource}; }

struct Call {
  const http::Request& request;
  auth::Identity who;  // empty on open routes
};

// What a route's path names; "" where it names none.
std::string DagOf(const Call& call);
std::string RunOf(const Call& call);
std::string TaskOf(const Call& call);

struct Route {
  std::string_view method;
  std::string_view pattern;
  Access access;
  int success = 200;
  std::string_view summary;
  std::function<http::Response(const Call&)> handler;
};

class RouteTable {
 public:
  void Add(Route route) { routes_.push_back(std::move(route)); }
  const std::vector<Route>& routes() const { return routes_; }

  // Puts every route into the router behind its check: the token first, then the right to do it, then the
  // handler.
  void Install(http::Router& router, auth::TokenVerifier& verifier) const;

 private:
  std::vector<Route> routes_;
};

// The bearer token of a request, or "".
std::string_view BearerToken(const http::Request& request);

}  // namespace millrace::api
