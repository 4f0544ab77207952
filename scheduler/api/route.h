// The table of routes: path, who may call it, and its handler, in one row. What the router, the authorisation
// and /openapi.json know of a route comes from here, so that no route can be served and not guarded. Filled
// before the server starts; read by its worker threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/api/dag_teams.h"
#include "scheduler/auth/identity.h"
#include "scheduler/http/message.h"
#include "scheduler/http/router.h"

namespace millrace::api {

// What a route does about DAGs that belong to a team which the caller is no member of. A DAG that the path names is looked
// at before the handler is; this is for all the rest: paths without a DAG, and "~" for any.
enum class OverTeams : std::uint8_t {
  kRefused,   // such a caller is refused: whoever writes a route down and thinks of no teams has this
  kFiltered,  // the handler tells and changes only what Call::scope and Call::who see
};

// What is done, for the table: a verb, and Filtered where the handler looks after teams itself.
struct Deed {
  constexpr Deed(auth::Verb done, OverTeams over = OverTeams::kRefused) : verb(done), over_teams(over) {}
  auth::Verb verb;
  OverTeams over_teams;
};
constexpr Deed Filtered(auth::Verb verb) { return {verb, OverTeams::kFiltered}; }

// What a caller needs; deny by default: a route without an Access cannot be written down.
struct Access {
  bool open = false;  // anybody, without a token
  auth::Verb verb = auth::Verb::kRead;
  auth::Resource resource = auth::Resource::kSelf;
  OverTeams over_teams = OverTeams::kRefused;
};
inline constexpr Access kOpen{true, {}, {}, OverTeams::kRefused};
constexpr Access Needs(Deed deed, auth::Resource resource) { return {false, deed.verb, resource, deed.over_teams}; }

struct Call {
  const http::Request& request;
  auth::Identity who;  // empty on open routes
  Scope scope = {};    // which DAGs they are told of; of open routes: none
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

  // Puts every route into the router behind its checks: the token first, then the right to do it, then the team of the
  // DAG, then the handler.
  void Install(http::Router& router, auth::TokenVerifier& verifier, DagTeams& teams) const;

 private:
  std::vector<Route> routes_;
};

// The bearer token of a request, or "".
std::string_view BearerToken(const http::Request& request);

}  // namespace millrace::api
