// What approvals ask, and answers to them.
#include "core/model/json.h"
#include "dagctl/commands.h"
#include "dagctl/operations.h"

namespace millrace::dagctl {
namespace {

// "Approve, Reject"
std::string Joined(const Value::List& words) {
  std::string text;
  for (const Value& word : words) {
    const std::string one = word.is_string() ? word.as_string() : Text(word, "name");
    text += (text.empty() ? "" : ", ") + one;
  }
  return text;
}

// name=JSON; what is no JSON is text.
StatusOr<Value> ParamsOf(const std::vector<std::string>& texts) {
  Value params{Value::Map()};
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      return InvalidArgument("--param is NAME=VALUE, not " + text);
    const StatusOr<Value> value = ParseJson(text.substr(equals + 1));
    params.Set(text.substr(0, equals), value.ok() ? *value : Value(text.substr(equals + 1)));
  }
  return params;
}

// A row for people: what stands in lists and in the task instance as text of its own.
Value RowOf(const Value& detail) {
  Value row = detail;
  const Value* instance = detail.Find("task_instance");
  for (const char* name : {"dag_id", "dag_run_id", "task_id", "map_index", "state"}) {
    const Value* value = instance == nullptr ? nullptr : instance->Find(name);
    row.Set(name, value == nullptr ? Value() : *value);
  }
  row.Set("all_options", Joined(ListIn(detail, "options")));
  row.Set("respondents", Joined(ListIn(detail, "assigned_users")));
  row.Set("answer", Joined(ListIn(detail, "chosen_options")));
  if (const Value* user = detail.Find("responded_by_user"); user != nullptr)
    row.Set("answered_by", Text(*user, "name"));
  return row;
}

}  // namespace

Status ListApprovals(Context& context, const std::string& dag_id, const std::string& run_id, bool all) {
  QueryParameters query;
  if (!all) query = {{"response_received", "false"}, {"state", "deferred"}};
  const std::string path =
      RunPath(dag_id.empty() ? "~" : dag_id, run_id.empty() ? "~" : run_id) + "/hitlDetails";
  ASSIGN_OR_RETURN(const Value::List details, context.client.All(path, "hitl_details", query, 10'000));
  if (context.output.format() == Format::kJson || context.output.format() == Format::kYaml) {
    context.output.Objects(details);
    return OkStatus();
  }
  Value::List rows;
  for (const Value& detail : details) rows.push_back(RowOf(detail));
  context.output.Rows({{"dag_id", "DAG"},
                       {"dag_run_id", "RUN"},
                       {"task_id", "TASK"},
                       {"state", "STATE"},
                       {"subject", "SUBJECT"},
                       {"all_options", "OPTIONS"},
                       {"respondents", "ASKED"},
                       {"answer", "ANSWER"},
                       {"answered_by", "BY"}},
                      NamedByIndex(std::move(rows)));
  return OkStatus();
}

Status AnswerApproval(Context& context, const AnswerOptions& options) {
  const TaskName name = ParseTaskName(options.task_id);
  Value body;
  Value::List chosen;
  for (const std::string& option : options.chosen) chosen.emplace_back(option);
  body.Set("chosen_options", std::move(chosen));
  ASSIGN_OR_RETURN(Value params, ParamsOf(options.params));
  body.Set("params_input", std::move(params));
  const std::string path = TaskPath(options.dag_id, options.run_id, name.id) + "/" +
                           (name.map_index.empty() ? "-1" : name.map_index) + "/hitlDetails";
  ASSIGN_OR_RETURN(const Value answer, context.client.Patch(path, body));
  if (context.output.format() == Format::kTable) {
    context.output.Say("answered: " + Joined(ListIn(answer, "chosen_options")));
  } else {
    context.output.Objects({answer});
  }
  return OkStatus();
}

}  // namespace millrace::dagctl
