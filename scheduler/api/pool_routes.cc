// Pools: named limits, with what is taken of them now. The engine holds them, so it is asked.
#include <algorithm>
#include <map>
#include <optional>

#include "scheduler/api/answer.h"
#include "scheduler/api/bulk.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/team_name.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr const char* kDefaultPool = "default_pool";

Value WirePool(const PoolView& view) {
  const std::int64_t used = view.running + view.queued + (view.row.include_deferred ? view.deferred : 0);
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
                    {"deferred_slots", view.deferred},
                    {"team_name", TextOrNull(view.row.team)}};
}

// Those that they see.
StatusOr<std::vector<PoolView>> Pools(Context& context, const Call& call) {
  ASSIGN_OR_RETURN(Answer answer, context.Ask(AskPools{}));
  auto* pools = std::get_if<std::vector<PoolView>>(&answer);
  if (pools == nullptr) return Internal("another question was answered");
  std::erase_if(*pools, [&](const PoolView& pool) { return !auth::SeesTeam(call.who, pool.row.team); });
  return std::move(*pools);
}

StatusOr<PoolView> Find(Context& context, const Call& call, const std::string& name) {
  ASSIGN_OR_RETURN(const std::vector<PoolView> pools, Pools(context, call));
  for (const PoolView& pool : pools) {
    if (pool.row.name == name) return pool;
  }
  return NotFound("The Pool with name: `" + name + "` was not found");
}

Status MaySet(const auth::Identity& who, const PoolRow& row) {
  return auth::Authorize(who, Verb::kWrite, {Resource::kPool, row.name, row.team});
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
  ASSIGN_OR_ANSWER(std::vector<PoolView> pools, Pools(context, call));
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
  ASSIGN_OR_ANSWER(const PoolView pool, Find(context, call, std::string(call.request.Param("pool_name"))));
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

PoolRow ReadNewPool(BodyInput& body, auth::Accounts& accounts) {
  PoolRow row;
  row.name = body.String("name");
  ReadSlots(body, &row);
  row.description = body.String("description");
  row.include_deferred = body.Bool("include_deferred", false);
  row.team = ReadTeam(body, accounts).value_or("");
  if (row.name.empty()) body.issues().Add("body", "name", "missing", "Field required");
  if (row.name.size() > 256) body.issues().Add("body", "name", "string_too_long", "At most 256 characters");
  if (!body.Has("slots")) body.issues().Add("body", "slots", "missing", "Field required");
  return row;
}

http::Response Create(Context& context, const Call& call) {
  BodyInput body(call.request);
  const PoolRow row = ReadNewPool(body, context.accounts);
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(MaySet(call.who, row));
  ANSWER_IF_ERROR(context.Run(SetPool{row, true}).status());
  context.Audit(call.who.user, "create_pool", row.name);
  ASSIGN_OR_ANSWER(const PoolView pool, Find(context, call, row.name));
  return JsonAnswer(WirePool(pool), 201);
}

http::Response Patch(Context& context, const Call& call) {
  const std::string name(call.request.Param("pool_name"));
  QueryInput query(call.request);
  BodyInput body(call.request);
  const std::vector<std::string> mask = query.Strings("update_mask");
  ASSIGN_OR_ANSWER(const PoolView before, Find(context, call, name));
  PoolRow asked = before.row;
  const std::string renamed = body.String("pool").empty() ? body.String("name") : body.String("pool");
  (void)body.Any("name");
  ReadSlots(body, &asked);
  if (body.Has("description")) asked.description = body.String("description");
  (void)body.Any("description");
  asked.include_deferred = body.Bool("include_deferred", asked.include_deferred);
  const std::optional<std::string> team = ReadTeam(body, context.accounts);
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
  row.team = TeamThen(team, mask, before.row.team);
  if (auto problems = query.Problems()) return *problems;
  if (auto problems = body.Problems()) return *problems;
  ANSWER_IF_ERROR(MaySet(call.who, row));
  ANSWER_IF_ERROR(context.Run(SetPool{row, false}).status());
  context.Audit(call.who.user, "change_pool", name);
  ASSIGN_OR_ANSWER(const PoolView pool, Find(context, call, name));
  return JsonAnswer(WirePool(pool));
}

// One action on pools; `there`: those that there are by now.
class BulkPools {
 public:
  BulkPools(Context& context, const auth::Identity& who, std::map<std::string, PoolRow> there, BulkAnswer& answer)
      : context_(context), who_(who), there_(std::move(there)), answer_(answer) {}

  void Do(const BulkAction& action) {
    std::vector<PoolRow> rows;
    for (const Value& entity : action.entities) {
      std::optional<PoolRow> row = Read(action, entity);
      if (!row) return;
      if (const Status may = MaySet(who_, *row); !may.ok()) return answer_.Failed(action.kind, may);
      rows.push_back(std::move(*row));
    }
    std::string wrong;
    for (const PoolRow& row : rows) {
      const bool known = there_.contains(row.name);
      const bool fits = action.kind == BulkKind::kCreate ? !known || action.on_existence != "fail"
                                                         : known || action.on_non_existence != "fail";
      if (!fits) wrong += (wrong.empty() ? "" : ", ") + row.name;
    }
    if (!wrong.empty()) {
      const bool create = action.kind == BulkKind::kCreate;
      answer_.Failed(action.kind,
                     "The pools with these pool names: " + wrong + (create ? " already exist." : " were not found."),
                     create ? 409 : 404);
      return;
    }
    for (const PoolRow& row : rows) Set(action, row);
  }

 private:
  std::optional<PoolRow> Read(const BulkAction& action, const Value& entity) {
    if (action.kind == BulkKind::kDelete) {
      const Value* name = entity.is_map() ? entity.Find("name") : &entity;
      if (name != nullptr && name->is_string()) {
        PoolRow row;
        row.name = name->as_string();
        row.deleted = true;
        return row;
      }
      answer_.Failed(action.kind, "a pool to delete is named by its name", 422);
      return std::nullopt;
    }
    BodyInput body(entity);
    PoolRow row = ReadNewPool(body, context_.accounts);
    const auto known = there_.find(row.name);
    if (known != there_.end()) {
      if (!action.Masked("slots")) row.slots = known->second.slots;
      if (!action.Masked("description") || entity.Find("description") == nullptr)
        row.description = known->second.description;
      if (!action.Masked("include_deferred") || entity.Find("include_deferred") == nullptr)
        row.include_deferred = known->second.include_deferred;
      const Value* team = entity.Find("team_name");
      const bool said = team != nullptr && (!team->is_null() || !action.update_mask.empty());
      if (!action.Masked("team_name") || !said) row.team = known->second.team;
    }
    const auto problems = body.Problems();
    if (!problems) return row;
    answer_.Failed(action.kind, problems->body, problems->status);
    return std::nullopt;
  }

  void Set(const BulkAction& action, const PoolRow& row) {
    const bool known = there_.contains(row.name);
    const bool left_alone =
        action.kind == BulkKind::kCreate ? known && action.on_existence == "skip" : !known;
    if (left_alone) return;
    const CommandReply reply = context_.Run(SetPool{row, action.kind == BulkKind::kCreate && !known});
    if (!reply.ok()) {
      answer_.Failed(action.kind, reply.status());
      return;
    }
    context_.Audit(who_.user, row.deleted ? "delete_pool" : known ? "change_pool" : "create_pool", row.name);
    if (row.deleted) {
      there_.erase(row.name);
    } else {
      there_[row.name] = row;
    }
    answer_.Succeeded(action.kind, row.name);
  }

  Context& context_;
  const auth::Identity who_;
  std::map<std::string, PoolRow> there_;
  BulkAnswer& answer_;
};

http::Response Bulk(Context& context, const Call& call) {
  BodyInput body(call.request);
  const std::vector<BulkAction> actions = ReadBulk(body);
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const std::vector<PoolView> pools, Pools(context, call));
  std::map<std::string, PoolRow> there;
  for (const PoolView& pool : pools) there[pool.row.name] = pool.row;
  BulkAnswer answer;
  BulkPools bulk(context, call.who, std::move(there), answer);
  for (const BulkAction& action : actions) bulk.Do(action);
  return JsonAnswer(answer.Wire());
}

http::Response Delete(Context& context, const Call& call) {
  PoolRow row;
  row.name = call.request.Param("pool_name");
  row.deleted = true;
  // One that is not theirs to see is as one that is not there.
  if (auth::TeamsSeenBy(call.who)) ANSWER_IF_ERROR(Find(context, call, row.name).status());
  ANSWER_IF_ERROR(context.Run(SetPool{row, false}).status());
  context.Audit(call.who.user, "delete_pool", row.name);
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void AddPoolRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, int success,
                       std::string_view summary, http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kPool), success, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/pools", Filtered(Verb::kRead), 200, "List pools", List);
  add("POST", "/api/v2/pools", Filtered(Verb::kWrite), 201, "Make a pool", Create);
  add("PATCH", "/api/v2/pools", Filtered(Verb::kDelete), 200, "Make, change and delete many pools at once", Bulk);
  add("GET", "/api/v2/pools/{pool_name}", Filtered(Verb::kRead), 200, "One pool and what is taken of it", Get);
  add("PATCH", "/api/v2/pools/{pool_name}", Filtered(Verb::kWrite), 200, "Change a pool", Patch);
  add("DELETE", "/api/v2/pools/{pool_name}", Filtered(Verb::kDelete), 204,
      "Delete a pool; its tasks wait until there is one again", Delete);
}

}  // namespace millrace::api
