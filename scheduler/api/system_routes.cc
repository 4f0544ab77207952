// Version, health, tokens and the own account.
#include <array>

#include "core/calendar/format.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

// Asks the loop at most once a second, however often anybody asks for its health.
class Health {
 public:
  explicit Health(Context& context) : context_(context) {}

  http::Response Answer() {
    std::unique_lock lock(mutex_);
    const Now now = context_.clock.now();
    if (!checking_ && (!checked_ || now.boot - *checked_ >= std::chrono::seconds(1))) {
      checking_ = true;
      lock.unlock();  // a loop that does not answer must not hold up whoever else asks
      const auto answer = context_.Ask(AskWorkers{});
      const bool store = context_.readers.journal.NewestSequence().ok();
      lock.lock();
      checking_ = false;
      checked_ = now.boot;
      loop_ = answer.ok();
      if (loop_) heartbeat_ = now.wall;
      store_ = store;
    }
    const Value status = loop_ ? "healthy" : "unhealthy";
    const Value heartbeat = heartbeat_ ? Value(FormatTime(*heartbeat_)) : Value();
    return JsonAnswer(Value::Map{
        {"metadatabase", Value::Map{{"status", store_ ? "healthy" : "unhealthy"}}},
        {"scheduler", Value::Map{{"status", status}, {"latest_scheduler_heartbeat", heartbeat}}},
        {"triggerer", Value::Map{{"status", Value()}, {"latest_triggerer_heartbeat", Value()}}},
        {"dag_processor", Value::Map{{"status", status}, {"latest_dag_processor_heartbeat", heartbeat}}}});
  }

 private:
  Context& context_;
  std::mutex mutex_;
  bool checking_ = false;
  std::optional<BootTime> checked_;
  std::optional<WallTime> heartbeat_;
  bool loop_ = false;
  bool store_ = false;
};

std::string DecodeForm(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string FormField(std::string_view body, std::string_view name) {
  while (!body.empty()) {
    const std::string_view pair = body.substr(0, body.find('&'));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && DecodeForm(pair.substr(0, equals)) == name) {
      return DecodeForm(pair.substr(equals + 1));
    }
    body.remove_prefix(pair.size() == body.size() ? body.size() : pair.size() + 1);
  }
  return {};
}

http::Response Login(Context& context, const Call& call) {
  std::string user;
  std::string password;
  if (call.request.Header("content-type").starts_with("application/x-www-form-urlencoded")) {
    user = FormField(call.request.body, "username");
    password = FormField(call.request.body, "password");
  } else {
    BodyInput body(call.request);
    user = body.String("username");
    password = body.String("password");
    for (const char* name : {"username", "password"}) {
      if (!body.Has(name)) body.issues().Add("body", name, "missing", "Field required");
    }
    if (auto problems = body.Problems()) return *problems;
  }
  ASSIGN_OR_ANSWER(const auth::Token token, context.accounts.Login(user, password, call.request.remote));
  return JsonAnswer(Value::Map{{"access_token", token.secret},
                               {"token_type", "bearer"},
                               {"expires_at", FormatTime(token.expires_at)}},
                    201);
}

http::Response Logout(Context& context, const Call& call) {
  ANSWER_IF_ERROR(context.accounts.Revoke(BearerToken(call.request)));
  http::Response response;
  response.status = 204;
  return response;
}

http::Response Me(const Call& call) {
  struct Right {
    std::string_view name;
    Verb verb;
    Resource resource;
  };
  static constexpr std::array<Right, 4> kRights = {{{"read", Verb::kRead, Resource::kDag},
                                                    {"write", Verb::kWrite, Resource::kDag},
                                                    {"operate", Verb::kWrite, Resource::kPool},
                                                    {"administer", Verb::kWrite, Resource::kUser}}};
  Value::Map can;
  for (const Right& right : kRights) {
    can.emplace_back(right.name, auth::Authorize(call.who, right.verb, {right.resource, ""}).ok());
  }
  return JsonAnswer(
      Value::Map{{"user", call.who.user},
                 {"role", ToString(call.who.role)},
                 {"teams", Value(Value::List(call.who.teams.begin(), call.who.teams.end()))},
                 {"can", std::move(can)}});
}

// Airflow's lists of what Millrace has none of: its clients ask, and are told so.
void AddEmptyLists(RouteTable& table) {
  struct EmptyList {
    std::string_view path, member, summary;
    Resource resource;
  };
  static constexpr std::array<EmptyList, 4> kLists = {{
      {"/api/v2/dagWarnings", "dag_warnings", "Warnings about DAGs: none, see importErrors", Resource::kDag},
      {"/api/v2/providers", "providers", "Airflow's providers: none", Resource::kConfig},
      {"/api/v2/plugins", "plugins", "Airflow's plugins: none", Resource::kConfig},
      {"/api/v2/plugins/importErrors", "import_errors", "Errors of plugins: none", Resource::kConfig},
  }};
  for (const EmptyList& list : kLists) {
    table.Add(
        {"GET", list.path, Needs(Filtered(Verb::kRead), list.resource), 200, list.summary, [list](const Call&) {
           return JsonAnswer(Value::Map{{std::string(list.member), Value::List()}, {"total_entries", 0}});
         }});
  }
}

http::Response Config(const Call&) {
  return http::ErrorResponse(
      403,
      "Your Airflow administrator chose not to expose the configuration: Millrace has flags and an "
      "environment instead of Airflow's (millrace-scheduler --help)");
}

}  // namespace

void AddSystemRoutes(RouteTable& table, Context& context, const std::string& version) {
  // Shared by the copies that the router makes of the handler.
  auto health = std::make_shared<Health>(context);
  table.Add({"GET", "/api/v2/monitor/health", kOpen, 200,
             "Whether the scheduler is well (always 200: read the body)",
             [health](const Call&) { return health->Answer(); }});
  table.Add({"GET", "/api/v2/version", kOpen, 200, "The scheduler's version", [version](const Call&) {
               return JsonAnswer(Value::Map{{"version", version}, {"git_version", Value()}});
             }});
  for (const std::string_view path : {"/auth/token", "/auth/token/cli"}) {
    table.Add({"POST", path, kOpen, 201, "A token for user name and password",
               [&context](const Call& call) { return Login(context, call); }});
  }
  table.Add({"POST", "/auth/logout", Needs(Verb::kWrite, Resource::kSelf), 204,
             "Make the own token worthless", [&context](const Call& call) { return Logout(context, call); }});
  AddEmptyLists(table);
  for (const std::string_view path : {"/api/v2/config", "/api/v2/config/section/{section}/option/{option}"}) {
    table.Add(
        {"GET", path, Needs(Verb::kRead, Resource::kSelf), 200, "Refused, as Airflow's default", Config});
  }
  table.Add({"GET", "/millrace/v1/me", Needs(Verb::kRead, Resource::kSelf), 200,
             "Who one is and what one may do", Me});
}

}  // namespace millrace::api
