// Connections on the wire: passwords, and members of extra whose names say that they are secret, can be set
// and are never told.
#include <algorithm>
#include <semaphore>
#include <utility>

#include "core/model/connection.h"
#include "core/model/ids.h"
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

// What a client was shown and sends back stands for what was there.
Value Unmasked(const Value& sent, const Value* before) {
  if (sent.is_string() && sent.as_string() == kSecretMask) return before == nullptr ? sent : *before;
  if (!sent.is_map()) return sent;
  Value merged{Value::Map()};
  for (const auto& [name, member] : sent.as_map())
    merged.Set(name, Unmasked(member, before == nullptr ? nullptr : before->Find(name)));
  return merged;
}

class ConnectionHandlers {
 public:
  ConnectionHandlers(Context& context, const Credentials& credentials)
      : context_(context),
        vault_(credentials.vault),
        reader_(credentials.connections),
        may_test_(credentials.tests) {}

  http::Response List(const Call& call) const {
    QueryInput query(call.request);
    store::NameFilter filter;
    filter.teams = auth::TeamsSeenBy(call.who);
    filter.page = query.Paging();
    filter.pattern = query.Pattern("connection_id_pattern");
    for (const std::string& order : query.Strings("order_by")) {
      if (order == "-connection_id" || order == "-id") {
        filter.descending = true;
      } else if (order != "connection_id" && order != "id") {
        query.issues().Add("query", "order_by", "value_error", "Connections come in the order of their ids",
                           order);
      }
    }
    if (auto problems = query.Problems()) return *problems;
    ASSIGN_OR_ANSWER(const auto listing, reader_.ListConnections(filter));
    Value::List wire;
    for (const ConnectionRecord& row : listing.rows) wire.push_back(Wire(row));
    return JsonAnswer(WireList("connections", std::move(wire), listing));
  }

  http::Response Get(const Call& call) const { return Show(call, IdOf(call), 200); }

  http::Response Create(const Call& call) const {
    BodyInput body(call.request);
    const StatusOr<ConnectionRecord> row = Read(body, nullptr, {});
    if (auto problems = body.Problems()) return *problems;
    ANSWER_IF_ERROR(row.status());
    ASSIGN_OR_ANSWER(const bool exists, Exists(row->id));
    if (exists)
      return http::ErrorResponse(
          409, "The Connection with connection_id: `" + row->id + "` exists already; PATCH changes it");
    ANSWER_IF_ERROR(MaySet(call, *row));
    ANSWER_IF_ERROR(context_.Run(WriteRecords{{*row}}).status());
    context_.Audit(call.who.user, "create_connection", row->id);
    return Show(call, row->id, 201);
  }

  http::Response Update(const Call& call) const {
    QueryInput query(call.request);
    const std::vector<std::string> mask = query.Strings("update_mask");
    if (auto problems = query.Problems()) return *problems;
    ASSIGN_OR_ANSWER(const ConnectionRecord before, Find(call, IdOf(call)));
    BodyInput body(call.request);
    const StatusOr<ConnectionRecord> row = Read(body, &before, mask);
    if (auto problems = body.Problems()) return *problems;
    ANSWER_IF_ERROR(row.status());
    ANSWER_IF_ERROR(MaySet(call, *row));
    ANSWER_IF_ERROR(context_.Run(WriteRecords{{*row}}).status());
    context_.Audit(call.who.user, "update_connection", row->id);
    return Show(call, row->id, 200);
  }

  http::Response Delete(const Call& call) const {
    ANSWER_IF_ERROR(Find(call, IdOf(call)).status());
    ANSWER_IF_ERROR(context_.Run(WriteRecords{{Removed(IdOf(call))}}).status());
    context_.Audit(call.who.user, "delete_connection", IdOf(call));
    http::Response response;
    response.status = 204;
    return response;
  }

  // A worker tries it. With nothing but an id: the one that tasks would be handed; otherwise the one that the body
  // describes, laid over one of that id.
  http::Response Test(const Call& call) const {
    if (!may_test_) {
      return http::ErrorResponse(
          403, "Testing connections is turned off: the scheduler runs with --no-connection-tests");
    }
    BodyInput body(call.request);
    const std::string id = body.String("connection_id");
    TestConnection test;
    if (!id.empty() && !body.Has("conn_type")) {
      if (auto problems = body.Problems()) return *problems;
      ASSIGN_OR_ANSWER(const bool is_kept, Exists(id));  // it may be one of the environment
      if (is_kept) ANSWER_IF_ERROR(Find(call, id).status());
      const std::string team = TeamNow(id);
      ASSIGN_OR_ANSWER(const Value found,
                       vault_.FindFor(team, {TemplateNeed::Kind::kConnection, id, "", std::nullopt}));
      ASSIGN_OR_ANSWER(test.uri, vault_.GetFor(team, id));
      test.secrets = SecretsOfConnection(found);
    } else {
      const StatusOr<ConnectionRecord> before = Find(call, id);
      const StatusOr<ConnectionRecord> row = Read(body, before.ok() ? &*before : nullptr, {});
      if (auto problems = body.Problems()) return *problems;
      ANSWER_IF_ERROR(row.status());
      ASSIGN_OR_ANSWER(const Connection connection, vault_.Open(*row));
      test.uri = ConnectionUri(connection);
      test.secrets = SecretsOfConnection(ConnectionValue(connection));
    }
    test.id = id;
    const std::vector<std::string> secrets = test.secrets;
    if (!testing_.try_acquire()) return ErrorAnswer(ResourceExhausted("Too many tests at once; try again"));
    const CommandReply reply = context_.Run(std::move(test));
    testing_.release();
    context_.Audit(call.who.user, "test_connection", id);
    if (!reply.ok() && reply.status().code() == Code::kResourceExhausted) return ErrorAnswer(reply.status());
    const bool works = reply.ok() && reply->tested && reply->tested->works;
    std::string message = !reply.ok() ? reply.status().message() : reply->tested ? reply->tested->message : "";
    return JsonAnswer(Value::Map{{"status", works}, {"message", MaskedText(std::move(message), secrets)}});
  }

  http::Response Many(const Call& call) const {
    const auto read = [this, &call](const Value& entity, const ConnectionRecord* before,
                             const std::vector<std::string>& mask) -> StatusOr<Record> {
      BodyInput body(entity);
      StatusOr<ConnectionRecord> row = Read(body, before, mask);
      if (body.Problems()) return InvalidArgument(body.issues().Text());
      RETURN_IF_ERROR(row.status());
      RETURN_IF_ERROR(MaySet(call, *row));
      return Record(std::move(row).value());
    };
    Collection collection;
    collection.what = "connection";
    collection.name_field = "connection_id";
    collection.exists = [this, &call](const std::string& id) -> StatusOr<bool> {
      const StatusOr<ConnectionRecord> row = Find(call, id);
      if (!row.ok() && row.status().code() != Code::kNotFound) return row.status();
      return row.ok();
    };
    collection.is_hidden = [this, &call](const std::string& id) -> StatusOr<bool> {
      ASSIGN_OR_RETURN(const bool exists, Exists(id));
      return exists && !Find(call, id).ok();
    };
    collection.create = [read](const Value& entity) { return read(entity, nullptr, {}); };
    collection.update = [this, &call, read](const Value& entity,
                                     const std::vector<std::string>& mask) -> StatusOr<Record> {
      ASSIGN_OR_RETURN(const ConnectionRecord before,
                       reader_.GetConnection(entity.Find("connection_id")->as_string()));
      return read(entity, &before, mask);
    };
    collection.remove = [](const std::string& id) { return Record(Removed(id)); };
    return Bulk(context_, call, collection);
  }

 private:
  static std::string IdOf(const Call& call) { return std::string(call.request.Param("connection_id")); }

  static ConnectionRecord Removed(const std::string& id) {
    ConnectionRecord row;
    row.id = id;
    row.deleted = true;
    return row;
  }

  StatusOr<bool> Exists(const std::string& id) const {
    const StatusOr<ConnectionRecord> row = reader_.GetConnection(id);
    if (!row.ok() && row.status().code() != Code::kNotFound) return row.status();
    return row.ok();
  }

  // One that is written over without a word of its team keeps that.
  std::string TeamNow(const std::string& id) const {
    const StatusOr<ConnectionRecord> row = reader_.GetConnection(id);
    return row.ok() ? row->team : "";
  }

  Value Wire(const ConnectionRecord& row) const {
    const StatusOr<Connection> open = vault_.Open(row);
    Value secret{Value::Map()};
    if (open.ok()) secret = MaskedConnection(ConnectionValue(*open));
    const auto shown = [&secret](const char* member) {
      const Value* value = secret.Find(member);
      return value == nullptr ? Value() : *value;
    };
    return Value::Map{{"connection_id", row.id},
                      {"conn_type", row.type},
                      {"description", TextOrNull(row.description)},
                      {"host", TextOrNull(row.host)},
                      {"login", TextOrNull(row.login)},
                      {"schema", TextOrNull(row.schema)},
                      {"port", row.port ? Value(std::int64_t{*row.port}) : Value()},
                      {"password", shown("password")},
                      {"extra", shown("extra")},
                      {"team_name", TextOrNull(row.team)}};
  }

  // What is not theirs to see is as what is not there.
  StatusOr<ConnectionRecord> Find(const Call& call, const std::string& id) const {
    StatusOr<ConnectionRecord> row = reader_.GetConnection(id);
    const bool is_seen = row.ok() && auth::SeesTeam(call.who, row->team);
    if (is_seen || (!row.ok() && row.status().code() != Code::kNotFound)) return row;
    return NotFound("The Connection with connection_id: `" + id + "` was not found");
  }

  static Status MaySet(const Call& call, const ConnectionRecord& row) {
    return auth::Authorize(call.who, Verb::kWrite, {Resource::kConnection, row.id, row.team});
  }

  http::Response Show(const Call& call, const std::string& id, int status) const {
    ASSIGN_OR_ANSWER(const ConnectionRecord row, Find(call, id));
    return JsonAnswer(Wire(row), status);
  }

  static void ReadPort(BodyInput& body, Connection& connection) {
    const Value port = body.Any("port");
    if (port.is_int() && port.as_int() >= 1 && port.as_int() <= 65535) {
      connection.port = static_cast<std::int32_t>(port.as_int());
    } else {
      body.issues().Add("body", "port", "int_type", "Input should be a number from 1 to 65535", port);
    }
  }

  static void ReadExtra(BodyInput& body, Connection& connection) {
    const std::string extra = body.String("extra");
    const StatusOr<Value> sent = ParseJson(extra.empty() ? "{}" : extra);
    if (!sent.ok() || !sent->is_map()) {
      // Without the text: it may hold what must not be told.
      body.issues().Add("body", "extra", "value_error", "The `extra` field must be a valid JSON object");
      return;
    }
    const StatusOr<Value> before = ParseJson(connection.extra.empty() ? "{}" : connection.extra);
    connection.extra = extra.empty() ? "" : ToJson(Unmasked(*sent, before.ok() ? &*before : nullptr));
  }

  StatusOr<ConnectionRecord> Read(BodyInput& body, const ConnectionRecord* before,
                                  const std::vector<std::string>& mask) const {
    Connection connection;
    if (before != nullptr) {
      StatusOr<Connection> open = vault_.Open(*before);
      // One that no key opens can be set again.
      connection = open.ok() ? *open
                             : Connection{.id = before->id,
                                          .type = before->type,
                                          .description = before->description,
                                          .host = before->host,
                                          .login = before->login,
                                          .password = "",
                                          .schema = before->schema,
                                          .port = before->port,
                                          .extra = "",
                                          .team = before->team};
    }
    const Connection was = connection;
    Issues& issues = body.issues();
    connection.id = body.String("connection_id");
    if (connection.id.empty()) {
      issues.Add("body", "connection_id", "missing", "Field required");
    } else if (!IsValidId(connection.id)) {
      issues.Add("body", "connection_id", "string_pattern_mismatch",
                 "A connection_id has letters, digits, '_', '.' and '-', at most 128", connection.id);
    }
    if (before != nullptr && !connection.id.empty() && connection.id != before->id)
      issues.Add("body", "connection_id", "value_error",
                 "The connection_id in the request body does not match the URL parameter");
    const auto text = [&body](const char* name, std::string& into) {
      if (body.Has(name)) into = body.String(name);
      (void)body.Any(name);
    };
    text("conn_type", connection.type);
    text("description", connection.description);
    text("host", connection.host);
    text("login", connection.login);
    text("schema", connection.schema);
    if (body.Has("password") && body.String("password") != kSecretMask)
      connection.password = body.String("password");
    (void)body.Any("password");
    if (body.Has("port")) ReadPort(body, connection);
    (void)body.Any("port");
    if (body.Has("extra")) ReadExtra(body, connection);
    (void)body.Any("extra");
    const std::optional<std::string> team = ReadTeam(body, context_.accounts);
    if (connection.type.empty()) issues.Add("body", "conn_type", "missing", "Field required");
    if (!issues.empty()) return InvalidArgument("the body is not a connection");
    if (!mask.empty()) {
      const auto keep = [&mask](const char* field, auto& now, const auto& then) {
        if (std::find(mask.begin(), mask.end(), field) == mask.end()) now = then;
      };
      keep("conn_type", connection.type, was.type);
      keep("description", connection.description, was.description);
      keep("host", connection.host, was.host);
      keep("login", connection.login, was.login);
      keep("schema", connection.schema, was.schema);
      keep("password", connection.password, was.password);
      keep("port", connection.port, was.port);
      keep("extra", connection.extra, was.extra);
    }
    connection.team =
        before == nullptr ? team.value_or(TeamNow(connection.id)) : TeamThen(team, mask, before->team);
    return vault_.Seal(connection);
  }

  Context& context_;
  auth::Vault& vault_;
  store::ConnectionReader& reader_;
  const bool may_test_;
  mutable std::counting_semaphore<2> testing_{2};  // each keeps a server thread for seconds
};

}  // namespace

void AddConnectionRoutes(RouteTable& table, Context& context, const Credentials& credentials) {
  const auto connections = std::make_shared<const ConnectionHandlers>(context, credentials);
  using Handler = http::Response (ConnectionHandlers::*)(const Call&) const;
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, int success,
                       std::string_view summary, Handler handler) {
    table.Add({method, pattern, Needs(verb, Resource::kConnection), success, summary,
               [connections, handler](const Call& call) { return ((*connections).*handler)(call); }});
  };
  constexpr std::string_view kAll = "/api/v2/connections";
  constexpr std::string_view kOne = "/api/v2/connections/{connection_id}";
  add("GET", kAll, Filtered(Verb::kRead), 200, "List connections, without their secrets", &ConnectionHandlers::List);
  add("POST", kAll, Filtered(Verb::kWrite), 201, "Make a connection", &ConnectionHandlers::Create);
  add("PATCH", kAll, Filtered(Verb::kDelete), 200, "Make, change and delete many connections",
      &ConnectionHandlers::Many);
  add("POST", "/api/v2/connections/test", Filtered(Verb::kWrite), 200, "Have a worker try whether a connection works",
      &ConnectionHandlers::Test);
  add("GET", kOne, Filtered(Verb::kRead), 200, "One connection, without its secrets", &ConnectionHandlers::Get);
  add("PATCH", kOne, Filtered(Verb::kWrite), 200, "Change a connection", &ConnectionHandlers::Update);
  add("DELETE", kOne, Filtered(Verb::kDelete), 204, "Delete a connection", &ConnectionHandlers::Delete);
}

}  // namespace millrace::api
