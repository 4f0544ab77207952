// Pools: named limits, with what is taken of them now. The engine holds them, so it is asked.
#include <algorithm>

#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr const char* kDefaultPool = "default_pool";

Value WirePool(const PoolView& view) {
  const std::int64_t used = view.running + view.queued;
  const bool unlimited = view.row.slots < 0;
  return Value::Map{{"name", view.row.name},
                    {"slots", view.row.slots},
                    {"description", TextOrNull(view.row.description)},
                    {"include_deferred", view.row.include_deferred},
                    {"occupied_slots", used},
                    {"running_slots", view.running},
                    {"queued_slots", view.queued},
                    {"scheduled_slots", view.scheduled},
                    {"open_slots", unlimited ? -1 : view.row.slots - used},
                    {"deferred_slots", 0},
                    {"team_name", Value()}};
}

StatusOr<std::vector<PoolView>> Pools(Context& context) {
  ASSIGN_OR_RETURN(Answer answer, context.Ask(AskPools{}));
  auto* pools = std::get_if<std::vector<PoolView>>(&answer);
  if (pools == nullptr) return Internal("another question was answered");
  return std::move(*pools);
}

StatusOr<PoolView> Find(Context& context, const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<PoolView> pools, Pools(context));
  for (const PoolView& pool : pools) {
    if (pool.row.name == name) return pool;
  }
  return NotFound("The Pool with name: `" + name + "` was not found");
}

http::Response List(Context& context, const Call& call) {
  QueryInput query(call.request);
  const store::Page page = query.Paging();
  std::string part = query.String("pool_name_pattern");
  for (const std::string& order : query.Strings("order_by")) {
    if (order != "id" && order != "name")
      query.issues().Add("query", "order_by", "value_error", "Pools come in the order of their names", order);
  }
  if (auto problems = query.Problems()) return *problems;
  std::erase(part, '%');
  ASSIGN_OR_ANSWER(std::vector<PoolView> pools, Pools(context));
  std::erase_if(pools, [&](const PoolView& pool) { return pool.row.name.find(part) == std::string::npos; });
  store::Listing<PoolView> listing;
  listing.total = static_cast<std::int64_t>(pools.size());
  Value::List wire;
  for (std::size_t i = static_cast<std::size_t>(page.offset);
       i < pools.size() && wire.size() < static_cast<std::size_t>(page.limit); ++i) {
    wire.push_back(WirePool(pools[i]));
  }
  return JsonAnswer(WireList("pools", std::move(wire), listing));
}

http::Response Get(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const PoolView pool, Find(context, std::string(call.request.Param("pool_name"))));
  return JsonAnswer(WirePool(pool));
}

void ReadSlots(BodyInput& body, PoolRow* row) {
  const Value slots = body.Any("slots");
  if (slots.is_int() && slots.as_int() >= -1 && slots.as_int() <= 1'000'000) {
    row->slots = static_cast<std::int32_t>(slots.as_int());
  } else if (!slots.is_null()) {
    body.issues().Add("body", "slots", "int_type", "Input should be a number of slots, or -1 for no limit",
                      slots);
  }
}

http::Response Create(Context& context, const Call& call) {
  BodyInput body(call.request);
  PoolRow row;
  row.name = body.String("name");
  ReadSlots(body, &row);
  row.description = body.String("description");
  row.include_deferred = body.Bool("include_deferred", false);
  body.Unsupported("team_name");
  if (row.name.empty()) body.issues().Add("body", "name", "missing", "Field required");
  if (row.name.size() > 256) body.issues().Add("body", "name", "string_too_long", "At most 256 characters");
  if (!body.Has("slots")) body.issues().Add("body", "slots", "missing", "Field required");
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(context.Run(SetPool{row, true}).status());
  context.Audit(call.who.user, "create_pool", row.name);
  ASSIGN_OR_ANSWER(const PoolView pool, Find(context, row.name));
  return JsonAnswer(WirePool(pool), 201);
}

http::Response Patch(Context& context, const Call& call) {
  const std::string name(call.request.Param("pool_name"));
  QueryInput query(call.request);
  BodyInput body(call.request);
  const std::vector<std::string> mask = query.Strings("update_mask");
  ASSIGN_OR_ANSWER(const PoolView before, Find(context, name));
  PoolRow asked = before.row;
  const std::string renamed = body.String("pool").empty() ? body.String("name") : body.String("pool");
  (void)body.Any("name");
  ReadSlots(body, &asked);
  if (body.Has("description")) asked.description = body.String("description");
  (void)body.Any("description");
  asked.include_deferred = body.Bool("include_deferred", asked.include_deferred);
  (void)body.Any("team_name");
  if (!renamed.empty() && renamed != name)
    body.issues().Add("body", "pool", "value_error", "A pool keeps its name", renamed);
  if (name == kDefaultPool && asked.description != before.row.description)
    body.issues().Add("body", "description", "value_error",
                      "Only slots and include_deferred of the default pool change");
  const auto masked = [&](const char* field) {
    return mask.empty() || std::find(mask.begin(), mask.end(), field) != mask.end();
  };
  PoolRow row = before.row;
  if (masked("slots")) row.slots = asked.slots;
  if (masked("description")) row.description = asked.description;
  if (masked("include_deferred")) row.include_deferred = asked.include_deferred;
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(context.Run(SetPool{row, false}).status());
  context.Audit(call.who.user, "change_pool", name);
  ASSIGN_OR_ANSWER(const PoolView pool, Find(context, name));
  return JsonAnswer(WirePool(pool));
}

http::Response Delete(Context& context, const Call& call) {
  PoolRow row;
  row.name = call.request.Param("pool_name");
  row.deleted = true;
  ANSWER_IF_ERROR(context.Run(SetPool{row, false}).status());
  context.Audit(call.who.user, "delete_pool", row.name);
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void AddPoolRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Verb verb, int success,
                       std::string_view summary, http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kPool), success, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/pools", Verb::kRead, 200, "List pools", List);
  add("POST", "/api/v2/pools", Verb::kWrite, 201, "Make a pool", Create);
  add("GET", "/api/v2/pools/{pool_name}", Verb::kRead, 200, "One pool and what is taken of it", Get);
  add("PATCH", "/api/v2/pools/{pool_name}", Verb::kWrite, 200, "Change a pool", Patch);
  add("DELETE", "/api/v2/pools/{pool_name}", Verb::kDelete, 204,
      "Delete a pool; its tasks wait until there is one again", Delete);
}

}  // namespace millrace::api
