// What approvals ask and people answer: Airflow's hitlDetails. Who may answer is decided twice: the right to
// change the DAG here, by the route; the task's own respondents by the engine, with the answer.
#include <algorithm>
#include <cctype>
#include <charconv>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"
#include "scheduler/api/input.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

StatusOr<std::int32_t> NumberIn(const Call& call, std::string_view name) {
  const std::string_view text = call.request.Param(name);
  std::int32_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return NotFound(std::string(name) + " is a number, not " + std::string(text));
  return number;
}

Value ObjectOf(const std::string& text) {
  const StatusOr<Value> value = ParseJson(text.empty() ? "{}" : text);
  return value.ok() && value->is_map() ? *value : Value(Value::Map());
}

Value Member(const Value& map, const char* name, Value otherwise) {
  const Value* member = map.Find(name);
  return member == nullptr || member->is_null() ? std::move(otherwise) : *member;
}

Value WireUser(const std::string& name) {
  return name.empty() ? Value() : Value(Value::Map{{"id", name}, {"name", name}});
}

Value WireDetail(const ApprovalRow& row, Value task_instance) {
  const Value request = ObjectOf(row.request);
  const Value response = ObjectOf(row.response);
  return Value::Map{{"options", Member(request, "options", Value::List())},
                    {"subject", Member(request, "subject", "")},
                    {"body", Member(request, "body", {})},
                    {"defaults", Member(request, "defaults", {})},
                    {"multiple", Member(request, "multiple", false)},
                    {"params", Member(request, "params", Value::Map())},
                    {"assigned_users", Member(request, "assigned_users", Value::List())},
                    {"created_at", FormatTime(row.created_at)},
                    {"responded_by_user", WireUser(row.responded_by)},
                    {"responded_at", WireTime(row.responded_at)},
                    {"chosen_options", Member(response, "chosen_options", {})},
                    {"params_input", Member(response, "params_input", Value::Map())},
                    {"response_received", row.responded_at.has_value()},
                    {"timeout_at", WireTime(row.due_at)},
                    {"task_instance", std::move(task_instance)}};
}

struct Asked {
  Located at;
  TaskInstance instance;
  ApprovalRow row;
};

// `try_number` 0: that of the task instance.
StatusOr<Asked> Find(Context& context, const Call& call, std::int32_t try_number) {
  ASSIGN_OR_RETURN(const std::int32_t map_index, NumberIn(call, "map_index"));
  Asked asked;
  ASSIGN_OR_RETURN(asked.at, context.LocateInstance(DagOf(call), RunOf(call), TaskOf(call), map_index));
  ASSIGN_OR_RETURN(asked.instance, context.readers.task_instances.GetTaskInstance(asked.at.key));
  const TaskInstance& instance = asked.instance;
  const bool is_to_come =
      try_number == 0 && (instance.state == TaskState::kNone || instance.state == TaskState::kScheduled);
  StatusOr<ApprovalRow> row = is_to_come
                                  ? NotFound("none")
                                  : context.readers.approvals.GetApproval(
                                        asked.at.key, try_number == 0 ? instance.try_number : try_number);
  if (!row.ok() && row.status().code() != Code::kNotFound) return row.status();
  if (!row.ok()) {
    return NotFound("Human-in-the-loop detail does not exist for Task Instance with id " +
                    TaskInstanceUuid(instance.key, instance.try_number));
  }
  asked.row = std::move(*row);
  return asked;
}

http::Response Get(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const Asked asked, Find(context, call, 0));
  return JsonAnswer(
      WireDetail(asked.row, WireTaskInstance(asked.instance, asked.at.run, *asked.at.dag, asked.at.version)));
}

http::Response GetTry(Context& context, const Call& call) {
  ASSIGN_OR_ANSWER(const std::int32_t number, NumberIn(call, "try_number"));
  ASSIGN_OR_ANSWER(const Asked asked, Find(context, call, std::max(number, 1)));
  const Located& at = asked.at;
  Value wire(WireTaskInstance(asked.instance, at.run, *at.dag, at.version));
  if (number != asked.instance.try_number) {
    ASSIGN_OR_ANSWER(const auto attempts, context.readers.task_instances.ListAttempts(at.key));
    for (const Attempt& attempt : attempts) {
      if (attempt.try_number == number)
        wire = WireAttempt(attempt, asked.instance, at.run, *at.dag, at.version);
    }
  }
  return JsonAnswer(WireDetail(asked.row, std::move(wire)));
}

http::Response Answer(Context& context, const Call& call) {
  BodyInput body(call.request);
  AnswerApproval answer;
  answer.user = call.who.user;
  const Value chosen = body.Any("chosen_options");
  if (!chosen.is_list() || chosen.as_list().empty()) {
    body.issues().Add("body", "chosen_options", chosen.is_null() ? "missing" : "too_short",
                      "A list with at least one option is required", chosen);
  } else {
    for (const Value& option : chosen.as_list()) {
      if (option.is_string()) {
        answer.chosen_options.push_back(option.as_string());
      } else {
        body.issues().Add("body", "chosen_options", "string_type", "Input should be a valid string", option);
      }
    }
  }
  const Value input = body.Any("params_input");
  if (!input.is_null() && !input.is_map())
    body.issues().Add("body", "params_input", "dict_type", "Input should be an object", input);
  if (input.is_map()) answer.params_input = ToJson(input);
  if (auto problems = body.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const Asked asked, Find(context, call, 0));
  if (asked.row.responded_at) {
    return http::ErrorResponse(
        409, "Human-in-the-loop detail has already been updated for Task Instance with id " +
                 TaskInstanceUuid(asked.instance.key, asked.instance.try_number) +
                 " and is not allowed to write again.");
  }
  answer.dag_id = asked.at.run.dag_id;
  answer.run_id = asked.at.run.run_id;
  answer.task_id = TaskOf(call);
  answer.map_index = asked.instance.map_index;
  ASSIGN_OR_ANSWER(const CommandResult result, context.Run(std::move(answer)));
  if (!result.approval) return ErrorAnswer(Internal("an answer was not kept"));
  const Value detail = WireDetail(*result.approval, {});
  return JsonAnswer(Value::Map{{"responded_by", WireUser(result.approval->responded_by)},
                               {"responded_at", WireTime(result.approval->responded_at)},
                               {"chosen_options", *detail.Find("chosen_options")},
                               {"params_input", *detail.Find("params_input")}});
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool Contains(const std::string& text, const std::string& part) {
  return Lower(text).find(Lower(part)) != std::string::npos;
}

// What the store cannot look for: a task's id stands in the DAG's version, a subject in the request.
struct TextFilter {
  std::string task_id, task_pattern, task_prefix, dag_prefix, subject, body;
  std::vector<std::string> users;
  std::int64_t map_index = -2;  // -2: any

  bool Fits(const store::ApprovalEntry& entry, const std::string& task, const Value& wire) const {
    const auto text = [&](const char* name) {
      const Value* value = wire.Find(name);
      return value != nullptr && value->is_string() ? value->as_string() : std::string();
    };
    return (task_id.empty() || task == task_id) && Contains(task, task_pattern) &&
           task.starts_with(task_prefix) && entry.run.dag_id.starts_with(dag_prefix) &&
           Contains(text("subject"), subject) && (body.empty() || Contains(text("body"), body)) &&
           (map_index == -2 || map_index == entry.instance.map_index) &&
           (users.empty() || std::find(users.begin(), users.end(), entry.row.responded_by) != users.end());
  }
};

// By what a detail, or its task instance, says under that name.
void Order(const std::string& order, Value::List& details) {
  const bool descending = order.starts_with("-");
  const std::string name = descending ? order.substr(1) : order;
  const auto key = [&](const Value& detail) {
    const Value& instance = *detail.Find("task_instance");
    const Value* value = name == "run_id"                   ? instance.Find("dag_run_id")
                         : name == "ti_id"                  ? instance.Find("id")
                         : name == "task_instance_state"    ? instance.Find("state")
                         : name == "task_instance_operator" ? instance.Find("operator")
                         : detail.Find(name) != nullptr     ? detail.Find(name)
                                                            : instance.Find(name);
    return value == nullptr ? std::string() : ToJson(*value);
  };
  std::stable_sort(details.begin(), details.end(), [&](const Value& a, const Value& b) {
    return descending ? key(b) < key(a) : key(a) < key(b);
  });
}

bool IsOrder(std::string_view name) {
  if (name.starts_with("-")) name.remove_prefix(1);
  for (const char* known :
       {"ti_id", "subject", "responded_at", "created_at", "dag_id", "run_id", "task_display_name",
        "run_after", "task_instance_operator", "task_instance_state"}) {
    if (name == known) return true;
  }
  return false;
}

http::Response List(Context& context, const Call& call) {
  QueryInput query(call.request);
  store::ApprovalFilter filter;
  TextFilter texts;
  const store::Page page = query.Paging();
  if (DagOf(call) != "~") filter.dag_id = DagOf(call);
  if (RunOf(call) != "~") filter.run_id = RunOf(call);
  filter.teams = call.scope.teams();
  filter.dag_pattern = query.Pattern("dag_id_pattern");
  filter.answered = query.Bool("response_received");
  query.Range("created_at", &filter.created_from, &filter.created_to);
  for (const std::string& name : query.Strings("state")) {
    // Airflow 3.3 has a state of its own for it.
    const auto state = name == "awaiting_input" ? TaskState::kDeferred : TaskStateFromString(name);
    if (state) {
      filter.states.push_back(*state);
    } else {
      query.issues().Add("query", "state", "enum", "This is no state of a task instance", name);
    }
  }
  texts.dag_prefix = query.String("dag_id_prefix_pattern");
  texts.task_id = query.String("task_id");
  texts.task_pattern = query.String("task_id_pattern");
  texts.task_prefix = query.String("task_id_prefix_pattern");
  texts.map_index = query.Int("map_index", -2, -1, 1'000'000);
  texts.subject = query.String("subject_search");
  texts.body = query.String("body_search");
  texts.users = query.Strings("responded_by_user_id");
  for (std::string& name : query.Strings("responded_by_user_name")) texts.users.push_back(std::move(name));
  const std::vector<std::string> orders = query.Strings("order_by");
  for (const std::string& order : orders) {
    if (!IsOrder(order))
      query.issues().Add("query", "order_by", "value_error", "It cannot be ordered by this", order);
  }
  if (auto problems = query.Problems()) return *problems;
  if (!filter.dag_id.empty()) ANSWER_IF_ERROR(context.readers.dags.GetDag(filter.dag_id).status());
  ASSIGN_OR_ANSWER(const auto entries, context.readers.approvals.ListApprovals(filter));
  Value::List details;
  for (const store::ApprovalEntry& entry : entries) {
    ASSIGN_OR_ANSWER(const DagPtr dag, context.DagOf(entry.run));
    const auto index = static_cast<std::size_t>(entry.instance.task());
    if (index >= dag->tasks.size()) continue;
    Value wire =
        WireDetail(entry.row, WireTaskInstance(entry.instance, entry.run, *dag,
                                               context.Version(entry.run.dag_id, entry.run.version)));
    if (texts.Fits(entry, dag->tasks[index].id, wire)) details.push_back(std::move(wire));
  }
  for (auto order = orders.rbegin(); order != orders.rend(); ++order) Order(*order, details);
  store::Listing<ApprovalRow> listing;
  listing.total = static_cast<std::int64_t>(details.size());
  Value::List shown;
  for (auto i = static_cast<std::size_t>(page.offset);
       i < details.size() && shown.size() < static_cast<std::size_t>(page.limit); ++i) {
    shown.push_back(std::move(details[i]));
  }
  return JsonAnswer(WireList("hitl_details", std::move(shown), listing));
}

}  // namespace

void AddHitlRoutes(RouteTable& table, Context& context) {
  const auto add = [&](std::string_view method, std::string_view pattern, Deed verb, std::string_view summary,
                       http::Response (*handler)(Context&, const Call&)) {
    table.Add({method, pattern, Needs(verb, Resource::kDag), 200, summary,
               [&context, handler](const Call& call) { return handler(context, call); }});
  };
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/hitlDetails", Filtered(Verb::kRead),
      "What approvals ask; ~ for those of every DAG or run", List);
  add("GET", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
      Verb::kRead, "What an approval asks", Get);
  add("PATCH", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails",
      Verb::kWrite, "Answer an approval", Answer);
  add("GET",
      "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/hitlDetails/tries/"
      "{try_number}",
      Verb::kRead, "What a try of an approval asked", GetTry);
}

}  // namespace millrace::api
