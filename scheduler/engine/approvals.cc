// approval: a task that asks people and waits for their answer. What it asks is kept in a row of its own, a
// row a try; so is the answer, in the batch in which the task goes on.
#include <algorithm>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/json_schema.h"
#include "scheduler/engine/graph.h"
#include "scheduler/engine/state.h"
#include "scheduler/engine/truth.h"

namespace millrace::engine {
namespace {

constexpr const char* kApprove = "Approve";
constexpr const char* kReject = "Reject";

Value::List ListOf(const Value* value) {
  if (value == nullptr || value->is_null()) return {};
  return value->is_list() ? value->as_list() : Value::List{*value};
}

Duration LengthOf(const Value* value) {
  if (value == nullptr) return Duration(0);
  if (value->is_number())
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value->as_double()));
  const StatusOr<Duration> length =
      value->is_string() ? ParseDuration(value->as_string()) : StatusOr<Duration>(Duration(0));
  return length.ok() ? *length : Duration(0);
}

// As forms want them: {value, description, schema}.
Value ParamsOf(const Value* written) {
  Value params{Value::Map()};
  if (written == nullptr || !written->is_map()) return params;
  for (const auto& [name, param] : written->as_map()) {
    const bool is_schema =
        param.is_map() && (param.Find("type") != nullptr || param.Find("default") != nullptr);
    const Value* otherwise = is_schema ? param.Find("default") : &param;
    const Value* description = is_schema ? param.Find("description") : nullptr;
    params.Set(name, Value::Map{{"value", otherwise == nullptr ? Value() : *otherwise},
                                {"description", description == nullptr ? Value() : *description},
                                {"schema", is_schema ? param : Value(Value::Map())}});
  }
  return params;
}

Value RequestOf(const Value& with) {
  const auto member = [&](const char* name) {
    const Value* value = with.Find(name);
    return value == nullptr ? Value() : *value;
  };
  Value::List options = ListOf(with.Find("options"));
  if (options.empty()) options = {kApprove, kReject};
  const Value* defaults = with.Find("defaults");
  Value::List users;
  for (const Value& user : ListOf(with.Find("respondents"))) {
    const Value* id = user.is_map() ? user.Find("id") : &user;
    const Value* name = user.is_map() ? user.Find("name") : nullptr;
    users.emplace_back(Value::Map{{"id", *id}, {"name", name == nullptr ? *id : *name}});
  }
  return Value::Map{
      {"subject", member("subject")},
      {"body", member("body")},
      {"options", std::move(options)},
      {"defaults", defaults == nullptr || defaults->is_null() ? Value() : Value(ListOf(defaults))},
      {"multiple", IsTrue(with.Find("multiple"))},
      {"params", ParamsOf(with.Find("params"))},
      {"assigned_users", std::move(users)}};
}

std::string Joined(const Value::List& words) {
  std::string text;
  for (const Value& word : words) text += (text.empty() ? "" : ", ") + word.as_string();
  return text;
}

bool Contains(const Value::List& list, const std::string& text) {
  return std::find(list.begin(), list.end(), Value(text)) != list.end();
}

Status CheckUser(const Value& request, const std::string& user) {
  const Value::List users = ListOf(request.Find("assigned_users"));
  const bool listed = std::any_of(users.begin(), users.end(),
                                  [&](const Value& one) { return *one.Find("id") == Value(user); });
  if (users.empty() || listed) return OkStatus();
  return PermissionDenied("User=" + user + " (id=" + user + ") is not a respondent for the task.");
}

Status CheckAnswer(const Value& request, const std::vector<std::string>& chosen, const Value& input) {
  const Value::List& options = request.Find("options")->as_list();
  if (chosen.empty()) return InvalidArgument("No option is chosen; allowed options are " + Joined(options));
  for (const std::string& option : chosen) {
    if (!Contains(options, option))
      return InvalidArgument("Invalid option " + option + "; allowed options are " + Joined(options));
  }
  if (chosen.size() > 1 && !IsTrue(request.Find("multiple"))) {
    return InvalidArgument(
        "Multiple options chosen but this Human-in-the-loop task accepts only a single option.");
  }
  if (!input.is_map()) return InvalidArgument("params_input must be a JSON object");
  const Value& params = *request.Find("params");
  std::string problems;
  const auto add = [&](const std::string& problem) { problems += (problems.empty() ? "" : "; ") + problem; };
  for (const auto& [name, value] : input.as_map()) {
    const Value* param = params.Find(name);
    if (param == nullptr) {
      add("there is no param " + name);
      continue;
    }
    for (const std::string& problem : CheckValue(value, *param->Find("schema")))
      add("param " + name + " " + problem);
  }
  for (const auto& [name, param] : params.as_map()) {
    if (!input.as_map().empty() && input.Find(name) == nullptr) add("param " + name + " is missing");
  }
  return problems.empty() ? OkStatus() : InvalidArgument(problems);
}

}  // namespace

void Engine::State::AskPeople(LiveRun& run, Instance& instance, const Value& with) {
  const Duration asked = LengthOf(with.Find("response_timeout"));
  const Duration limit = asked > Duration(0) ? asked : TaskOf(run, instance).execution_timeout;
  const Value request = RequestOf(with);
  Await(run, instance, "waits for an answer: " + request.Find("subject")->as_string(), limit);
  ApprovalRow row;
  row.instance = instance.row.key;
  row.try_number = instance.row.try_number;
  row.request = ToJson(request);
  row.created_at = now.wall;
  row.due_at = instance.row.due_at;
  out->batch.approvals.push_back(row);
  approvals[row.instance] = std::move(row);
}

CommandReply Engine::State::Answered(const AnswerApproval& command, LiveRun& run) {
  const std::int32_t task = run.dag->FindTask(command.task_id);
  const std::string name = "task " + command.task_id + " of run " + run.row.run_id;
  if (task < 0) return NotFound("DAG " + run.row.dag_id + " has no task " + command.task_id);
  Instance* instance = nullptr;
  EachOf(run, task, [&](Instance& one) {
    if (one.row.map_index == command.map_index) instance = &one;
  });
  if (instance == nullptr) return NotFound(name + " has no such map index");
  const auto found = approvals.find(instance->row.key);
  if (found == approvals.end()) {
    return FailedPrecondition(name + " waits for no answer: it is " +
                              std::string(ToString(instance->row.state)));
  }
  ASSIGN_OR_RETURN(const Value request, ParseJson(found->second.request));
  RETURN_IF_ERROR(CheckUser(request, command.user));
  ASSIGN_OR_RETURN(Value input, ParseJson(command.params_input));
  RETURN_IF_ERROR(CheckAnswer(request, command.chosen_options, input));
  Value::List chosen;
  for (const std::string& option : command.chosen_options) chosen.emplace_back(option);
  const Value response =
      Value::Map{{"chosen_options", std::move(chosen)}, {"params_input", std::move(input)}};
  const std::string place = run.row.dag_id + "/" + run.row.run_id + "/" + command.task_id +
                            (command.map_index < 0 ? "" : "[" + std::to_string(command.map_index) + "]");
  out->batch.records.push_back(
      AuditRecord{now.wall, command.user, "answer_approval", place, ToJson(response)});
  CommandResult result;
  result.instances.push_back(instance->row.key);
  result.approval = GoOn(run, *instance, response, command.user);
  result.run = run.row;
  return result;
}

void Engine::State::OnNobodyAnswered(LiveRun& run, Instance& instance) {
  const StatusOr<Value> request = ParseJson(approvals.find(instance.row.key)->second.request);
  const Value::List defaults = request.ok() ? ListOf(request->Find("defaults")) : Value::List();
  if (defaults.empty()) {
    engine::End end;
    end.outcome = Outcome::kFailed;
    end.message = "timed out: nobody answered in time";
    end.ended_at = now.wall;
    OnEnded(run, instance, end);
    return;
  }
  Value input{Value::Map()};
  for (const auto& [name, param] : request->Find("params")->as_map()) input.Set(name, *param.Find("value"));
  GoOn(run, instance, Value::Map{{"chosen_options", defaults}, {"params_input", std::move(input)}}, "");
}

ApprovalRow Engine::State::GoOn(LiveRun& run, Instance& instance, const Value& response,
                                const std::string& user) {
  ApprovalRow row = approvals.find(instance.row.key)->second;
  row.responded_at = now.wall;
  row.responded_by = user;
  row.response = ToJson(response);
  out->batch.approvals.push_back(row);
  const Task& task = TaskOf(run, instance);
  const Value::List& chosen = response.Find("chosen_options")->as_list();
  engine::End end;
  end.ended_at = now.wall;
  end.message =
      user.empty() ? Joined(chosen) + ", since nobody answered in time" : Joined(chosen) + " by " + user;
  if (IsTrue(task.with.Find("fail_on_reject")) && Contains(chosen, kReject)) {
    end.outcome = Outcome::kFailFinal;
  } else if (task.steering == Steering::kBranch) {
    const Value* mapping = task.with.Find("options_mapping");
    Value::List ids;
    for (const Value& option : chosen) {
      const Value* id = mapping == nullptr ? nullptr : mapping->Find(option.as_string());
      ids.push_back(id == nullptr ? option : *id);
    }
    end.result = ToJson(Value(std::move(ids)));
  } else {
    Value result = response;
    result.Set("responded_at", FormatTime(now.wall));
    result.Set("responded_by_user", user.empty() ? Value() : Value(Value::Map{{"id", user}, {"name", user}}));
    end.result = ToJson(result);
  }
  OnEnded(run, instance, end);
  return row;
}

bool Engine::State::IsApproved(const Value& result) {
  const Value* chosen = result.Find("chosen_options");
  return chosen != nullptr && chosen->is_list() && Contains(chosen->as_list(), kApprove);
}

}  // namespace millrace::engine
