#include <algorithm>

#include "core/spec/json_schema.h"
#include "core/spec/kinds.h"

namespace millrace {
namespace {

const std::vector<std::string> kApproveOrReject = {"Approve", "Reject"};

// What is text of a list, or of the one string that stands for it.
std::vector<Value> Texts(const Value* list) {
  std::vector<Value> texts;
  if (list == nullptr) return texts;
  for (const Value& one : list->is_list() ? list->as_list() : Value::List{*list}) {
    if (one.is_string()) texts.push_back(one);
  }
  return texts;
}

bool IsUser(const Value& value) {
  const Value* id = value.is_map() ? value.Find("id") : &value;
  return id != nullptr && id->is_string() && !id->as_string().empty();
}

void CheckOptions(const Value& with, std::vector<Problem>& problems) {
  const Value* written = with.Find("options");
  std::vector<std::string> options;
  for (const Value& option : Texts(written)) {
    if (std::find(options.begin(), options.end(), option.as_string()) != options.end())
      AddProblem(problems, option.position(), "option '" + option.as_string() + "' stands there twice");
    options.push_back(option.as_string());
  }
  if (written == nullptr) {
    options = kApproveOrReject;
  } else if (written->is_list() && written->as_list().empty()) {
    AddProblem(problems, written->position(), "'options' is empty", "leave it out for Approve and Reject");
  }
  const auto known = [&](const std::string& option) {
    return std::find(options.begin(), options.end(), option) != options.end();
  };
  std::string all;
  for (const std::string& option : options) all += (all.empty() ? "there are: " : ", ") + option;
  const Value* defaults = with.Find("defaults");
  for (const Value& option : Texts(defaults)) {
    if (!known(option.as_string()))
      AddProblem(problems, option.position(), "default '" + option.as_string() + "' is none of the options",
                 all);
  }
  const Value* multiple = with.Find("multiple");
  const bool several = multiple != nullptr && multiple->is_bool() && multiple->as_bool();
  if (!several && Texts(defaults).size() > 1)
    AddProblem(problems, defaults->position(), "several 'defaults' need multiple: true");
  const Value* mapping = with.Find("options_mapping");
  if (mapping != nullptr && mapping->is_map()) {
    for (const auto& [option, task] : mapping->as_map()) {
      if (!known(option))
        AddProblem(problems, task.key_position(),
                   "'options_mapping': '" + option + "' is none of the options", all);
    }
  }
  if (written == nullptr) return;
  for (const char* name : {"fail_on_reject", "ignore_downstream_trigger_rules"}) {
    if (const Value* field = with.Find(name); field != nullptr)
      AddProblem(
          problems, field->key_position(),
          "'" + std::string(name) + "' is about Approve and Reject, and this task has 'options' of its own",
          "leave one out");
  }
}

void CheckApproval(const Value& with, std::vector<Problem>& problems) {
  CheckOptions(with, problems);
  if (const Value* params = with.Find("params"); params != nullptr && params->is_map()) {
    for (const auto& [name, param] : params->as_map()) {
      if (name == "_options")
        AddProblem(problems, param.key_position(), "a param cannot be called '_options'");
      if (param.is_map()) CheckSchema(param, "param '" + name + "'", problems);
    }
  }
  const Value* respondents = with.Find("respondents");
  if (respondents == nullptr || respondents->is_null()) return;
  for (const Value& user : respondents->is_list() ? respondents->as_list() : Value::List{*respondents}) {
    if (!IsUser(user))
      AddProblem(problems, user.position(), "'respondents' are names of users", "respondents: [ana, bob]");
  }
}

// Without options of its own it is a gate.
Steering Steers(const Value& with) {
  return with.Find("options") == nullptr ? Steering::kShortCircuit : Steering::kNone;
}

}  // namespace

const TaskKind& ApprovalKind() {
  static const TaskKind kind{
      .name = "approval",
      .doc =
          "Asks a person, and waits for the answer: deferred, without a worker or a slot. Answered in the "
          "dashboard, by dagctl tasks approve, reject or answer, or by REST. Without options it is a gate: "
          "Approve "
          "goes on, Reject skips what stands directly behind it. With options it asks for one of them, and "
          "says "
          "decides: branch to run the tasks that are named by the answer. Its result is the answer: "
          "chosen_options, params_input, responded_at, responded_by_user; of a branch, the ids of the tasks.",
      .fields =
          {{.name = "subject",
            .type = FieldType::kString,
            .doc = "what is asked, one line",
            .required = true,
            .use = FieldUse::kTemplate},
           {.name = "body",
            .type = FieldType::kString,
            .doc = "what one has to know for an answer; Markdown",
            .use = FieldUse::kTemplate},
           {.name = "options",
            .type = FieldType::kStringList,
            .doc = "to choose from; Approve and Reject when left out"},
           {.name = "defaults",
            .type = FieldType::kStringList,
            .doc = "options that count as the answer when nobody gives one in time"},
           {.name = "multiple", .type = FieldType::kBoolean, .doc = "true: several options may be chosen"},
           {.name = "params",
            .type = FieldType::kMap,
            .doc = "values to fill in with the answer, as a DAG's params: name: default, or name: {type, "
                   "default, ...}"},
           {.name = "respondents",
            .type = FieldType::kAny,
            .doc = "names of the users who may answer; when left out, everybody who may trigger the DAG"},
           {.name = "response_timeout",
            .type = FieldType::kDuration,
            .doc = "how long an answer is waited for; then the defaults count, or it fails. The task's "
                   "execution_timeout when left out"},
           {.name = "fail_on_reject",
            .type = FieldType::kBoolean,
            .doc = "true: Reject fails the task, finally"},
           {.name = "ignore_downstream_trigger_rules",
            .type = FieldType::kBoolean,
            .doc = "true: Reject skips whatever stands behind it; otherwise only what stands directly behind "
                   "it, "
                   "and trigger rules decide on the rest"},
           {.name = "options_mapping",
            .type = FieldType::kStringMap,
            .doc = "of a branch: an option: the id of the task that it means, where they differ"}},
      .check = CheckApproval,
      .in_engine = true,
      .steers = Steers};
  return kind;
}

}  // namespace millrace
