// Variables on the wire. Values are sealed in the store; one whose name says that it is a secret is never
// told.
#include <algorithm>
#include <utility>

#include "core/model/json.h"
#include "core/model/secret_text.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/bulk_records.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/team_name.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr std::size_t kMaxKey = 250;
constexpr std::size_t kMaxValue = 256U << 10;

class Variables {
 public:
  Variables(Context& context, const Credentials& credentials)
      : context_(context), vault_(credentials.vault), reader_(credentials.variables) {}

  http::Response List(const Call& call) const {
    QueryInput query(call.request);
    store::NameFilter filter;
    filter.teams = auth::TeamsSeenBy(call.who);
    filter.page = query.Paging();
    filter.pattern = query.Pattern("variable_key_pattern");
    for (const std::string& order : query.Strings("order_by")) {
      if (order == "-key" || order == "-id") {
        filter.descending = true;
      } else if (order != "key" && order != "id") {
        query.issues().Add("query", "order_by", "value_error", "Variables come in the order of their keys",
                           order);
      }
    }
    if (auto problems = query.Problems()) return *problems;
    ASSIGN_OR_ANSWER(const auto listing, reader_.ListVariables(filter));
    Value::List wire;
    for (const VariableRecord& row : listing.rows) wire.push_back(Wire(row));
    return JsonAnswer(WireList("variables", std::move(wire), listing));
  }

  http::Response Get(const Call& call) const { return Show(call, KeyOf(call), 200); }

  http::Response Create(const Call& call) const {
    BodyInput body(call.request);
    const StatusOr<VariableRecord> row = Read(body, nullptr, {});
    if (auto problems = body.Problems()) return *problems;
    ANSWER_IF_ERROR(row.status());
    ASSIGN_OR_ANSWER(const bool exists, Exists(row->key));
    if (exists)
      return http::ErrorResponse(
          409, "The Variable with key: `" + row->key + "` exists already; PATCH changes it");
    ANSWER_IF_ERROR(MaySet(call, *row));
    ANSWER_IF_ERROR(context_.Run(WriteRecords{{*row}}).status());
    context_.Audit(call.who.user, "create_variable", row->key);
    return Show(call, row->key, 201);
  }

  http::Response Update(const Call& call) const {
    QueryInput query(call.request);
    const std::vector<std::string> mask = query.Strings("update_mask");
    if (auto problems = query.Problems()) return *problems;
    ASSIGN_OR_ANSWER(const VariableRecord before, Find(call, KeyOf(call)));
    BodyInput body(call.request);
    const StatusOr<VariableRecord> row = Read(body, &before, mask);
    if (auto problems = body.Problems()) return *problems;
    ANSWER_IF_ERROR(row.status());
    ANSWER_IF_ERROR(MaySet(call, *row));
    ANSWER_IF_ERROR(context_.Run(WriteRecords{{*row}}).status());
    context_.Audit(call.who.user, "update_variable", row->key);
    return Show(call, row->key, 200);
  }

  http::Response Delete(const Call& call) const {
    ANSWER_IF_ERROR(Find(call, KeyOf(call)).status());
    ANSWER_IF_ERROR(context_.Run(WriteRecords{{Removed(KeyOf(call))}}).status());
    context_.Audit(call.who.user, "delete_variable", KeyOf(call));
    http::Response response;
    response.status = 204;
    return response;
  }

  http::Response Many(const Call& call) const {
    const auto read = [this, &call](const Value& entity, const VariableRecord* before,
                             const std::vector<std::string>& mask) -> StatusOr<Record> {
      BodyInput body(entity);
      StatusOr<VariableRecord> row = Read(body, before, mask);
      if (body.Problems()) return InvalidArgument(body.issues().Text());
      RETURN_IF_ERROR(row.status());
      RETURN_IF_ERROR(MaySet(call, *row));
      return Record(std::move(row).value());
    };
    Collection collection;
    collection.what = "variable";
    collection.name_field = "key";
    collection.exists = [this, &call](const std::string& key) -> StatusOr<bool> {
      const StatusOr<VariableRecord> row = Find(call, key);
      if (!row.ok() && row.status().code() != Code::kNotFound) return row.status();
      return row.ok();
    };
    collection.is_hidden = [this, &call](const std::string& key) -> StatusOr<bool> {
      ASSIGN_OR_RETURN(const bool exists, Exists(key));
      return exists && !Find(call, key).ok();
    };
    collection.create = [read](const Value& entity) { return read(entity, nullptr, {}); };
    collection.update = [this, &call, read](const Value& entity,
                                     const std::vector<std::string>& mask) -> StatusOr<Record> {
      ASSIGN_OR_RETURN(const VariableRecord before, Find(call, entity.Find("key")->as_string()));
      return read(entity, &before, mask);
    };
    collection.remove = [](const std::string& key) { return Record(Removed(key)); };
    return Bulk(context_, call, collection);
  }

 private:
  static std::string KeyOf(const Call& call) { return std::string(call.request.Param("variable_key")); }

  static VariableRecord Removed(const std::string& key) {
    VariableRecord row;
    row.key = key;
    row.deleted = true;
    return row;
  }

  StatusOr<bool> Exists(const std::string& key) const {
    const StatusOr<VariableRecord> row = reader_.GetVariable(key);
    if (!row.ok() && row.status().code() != Code::kNotFound) return row.status();
    return row.ok();
  }

  // One that is written over without a word of its team keeps that.
  std::string TeamNow(const std::string& key) const {
    const StatusOr<VariableRecord> row = reader_.GetVariable(key);
    return row.ok() ? row->team : "";
  }

  Value Wire(const VariableRecord& row) const {
    const StatusOr<std::string> text = vault_.Open(row);
    return Value::Map{{"key", row.key},
                      {"value", text.ok() ? Value(auth::ShownVariable(row.key, *text)) : Value()},
                      {"description", TextOrNull(row.description)},
                      {"is_encrypted", true},
                      {"team_name", TextOrNull(row.team)}};
  }

  // What is not theirs to see is as what is not there.
  StatusOr<VariableRecord> Find(const Call& call, const std::string& key) const {
    StatusOr<VariableRecord> row = reader_.GetVariable(key);
    const bool is_seen = row.ok() && auth::SeesTeam(call.who, row->team);
    if (is_seen || (!row.ok() && row.status().code() != Code::kNotFound)) return row;
    return NotFound("The Variable with key: `" + key + "` was not found");
  }

  static Status MaySet(const Call& call, const VariableRecord& row) {
    return auth::Authorize(call.who, Verb::kWrite, {Resource::kVariable, row.key, row.team});
  }

  http::Response Show(const Call& call, const std::string& key, int status) const {
    ASSIGN_OR_ANSWER(const VariableRecord row, Find(call, key));
    return JsonAnswer(Wire(row), status);
  }

  // `before`: what is there, if it is to be changed. Problems with the body are in its issues; an error is
  // the key's.
  StatusOr<VariableRecord> Read(BodyInput& body, const VariableRecord* before,
                                const std::vector<std::string>& mask) const {
    const std::string key = body.String("key");
    const Value value = body.Any("value");
    const bool has_description = body.Has("description");
    const std::string description = body.String("description");
    const std::optional<std::string> team = ReadTeam(body, context_.accounts);
    Issues& issues = body.issues();
    if (key.empty()) issues.Add("body", "key", "missing", "Field required");
    if (key.size() > kMaxKey) issues.Add("body", "key", "string_too_long", "At most 250 characters");
    if (std::any_of(key.begin(), key.end(),
                    [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < ' '; }))
      issues.Add("body", "key", "value_error", "A key has no slashes or control characters", key);
    if (before != nullptr && key != before->key && !key.empty())
      issues.Add("body", "key", "value_error",
                 "Invalid body, key from request body doesn't match uri parameter");
    const std::string text = value.is_string() ? value.as_string() : ToJson(value);
    if (text.size() > kMaxValue) issues.Add("body", "value", "string_too_long", "At most 256 KiB");
    if (before == nullptr && value.is_null()) issues.Add("body", "value", "missing", "Field required");
    if (!issues.empty()) return InvalidArgument("the body is not a variable");
    const auto asked = [&mask](const char* field) {
      return mask.empty() || std::find(mask.begin(), mask.end(), field) != mask.end();
    };
    // A client that sends back what it was shown changes nothing.
    const bool shown = before != nullptr && auth::ShownVariable(key, "x") != "x" && text == kSecretMask;
    const bool new_value = before == nullptr || (asked("value") && !value.is_null() && !shown);
    const bool new_description = before == nullptr || (asked("description") && has_description);
    VariableRecord row = before == nullptr ? VariableRecord{} : *before;
    if (new_value) row.sealed = vault_.Seal(key, text, "").sealed;
    if (new_description) row.description = description;
    row.key = key;
    row.team = before == nullptr ? team.value_or(TeamNow(key)) : TeamThen(team, mask, before->team);
    return row;
  }

  Context& context_;
  auth::Vault& vault_;
  store::VariableReader& reader_;
};

}  // namespace

void AddVariableRoutes(RouteTable& table, Context& context, const Credentials& credentials) {
  const auto variables = std::make_shared<const Variables>(context, credentials);
  using Handler = http::Response (Variables::*)(const Call&) const;
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, int success,
                       std::string_view summary, Handler handler) {
    table.Add({method, pattern, Needs(verb, Resource::kVariable), success, summary,
               [variables, handler](const Call& call) { return ((*variables).*handler)(call); }});
  };
  constexpr std::string_view kAll = "/api/v2/variables";
  constexpr std::string_view kOne = "/api/v2/variables/{variable_key}";
  add("GET", kAll, Filtered(Verb::kRead), 200, "List variables", &Variables::List);
  add("POST", kAll, Filtered(Verb::kWrite), 201, "Make a variable", &Variables::Create);
  add("PATCH", kAll, Filtered(Verb::kDelete), 200, "Make, change and delete many variables", &Variables::Many);
  add("GET", kOne, Filtered(Verb::kRead), 200, "One variable", &Variables::Get);
  add("PATCH", kOne, Filtered(Verb::kWrite), 200, "Change a variable", &Variables::Update);
  add("DELETE", kOne, Filtered(Verb::kDelete), 204, "Delete a variable", &Variables::Delete);
}

}  // namespace millrace::api
