// The part of DagReader that reads how a task runs: retries, limits, priority, its role.
#include <algorithm>
#include <utility>

#include "core/spec/dag_fields.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/marked_values.h"

namespace millrace::dagbag {
namespace {

constexpr double kMostBackoff = 100;

}  // namespace

const Value* DagReader::Policy(const Value& task, std::string_view field, const Scope& scope) {
  const Value* own = task.Find(field);
  if (own != nullptr && !own->is_null()) return own;
  for (auto defaults = scope.defaults.rbegin(); defaults != scope.defaults.rend(); ++defaults) {
    if (const Value* value = (*defaults)->Find(field); value != nullptr && !value->is_null()) return value;
  }
  return nullptr;
}

void DagReader::ReadPolicy(Task& task, const Value& value, const Scope& scope) {
  const auto policy = [&](std::string_view field) { return Policy(value, field, scope); };
  task.owner = TextOf(policy("owner"));
  if (task.owner.empty()) task.owner = dag_->owner;
  ReadRetries(task, value, scope);
  task.execution_timeout = LengthOf(policy("execution_timeout"), task.execution_timeout);
  task.kill_grace = LengthOf(policy("kill_grace"), task.kill_grace);
  if (const auto rule = TriggerRuleFromString(TextOf(policy("trigger_rule")))) task.trigger_rule = *rule;
  if (const std::string pool = TextOf(policy("pool")); !pool.empty()) task.pool = pool;
  task.pool_slots = NumberOf(policy("pool_slots"), task.pool_slots);
  task.own_weight = task.priority_weight = NumberOf(policy("priority_weight"), task.priority_weight);
  ReadWeightRule(task, policy("weight_rule"));
  task.max_active_tis_per_dag = NumberOf(policy("max_active_tis_per_dag"), 0);
  task.max_active_tis_per_dagrun = NumberOf(policy("max_active_tis_per_dagrun"), 0);
  task.wait_for_downstream = IsTrue(policy("wait_for_downstream"));
  task.depends_on_past = task.wait_for_downstream || IsTrue(policy("depends_on_past"));
  if (TextOf(policy("on_worker_lost")) == "fail") task.on_worker_lost = OnWorkerLost::kFail;
}

void DagReader::ReadWeightRule(Task& task, const Value* value) {
  const std::string rule = TextOf(value);
  if (rule == "upstream") task.weight_rule = WeightRule::kUpstream;
  if (rule == "absolute") task.weight_rule = WeightRule::kAbsolute;
  if (!HasTemplate(rule)) return;
  if (only_marked_) {
    Add(value->position(), "task '" + task.id + "': 'weight_rule' cannot be a template under Airflow's $schema",
        "leave $schema out, or use downstream, upstream or absolute");
    return;
  }
  task.weight_rule = WeightRule::kAbsolute;
  task.weight = *value;
}

void DagReader::ReadRetries(Task& task, const Value& value, const Scope& scope) {
  const std::string what = "task '" + task.id + "'";
  const auto policy = [&](std::string_view field) { return Policy(value, field, scope); };
  task.retry.retries = NumberOf(policy("retries"), task.retry.retries);
  task.retry.delay = LengthOf(policy("retry_delay"), task.retry.delay);
  task.retry.max_delay = LengthOf(policy("max_retry_delay"), task.retry.max_delay);
  if (const Value* backoff = policy("retry_exponential_backoff")) ReadBackoff(task.retry, *backoff, what);
  if (const Value* jitter = policy("retry_jitter"); jitter != nullptr && jitter->is_number()) {
    task.retry.jitter = jitter->as_double();
    if (!(task.retry.jitter >= 0 && task.retry.jitter <= 1))
      Add(jitter->position(), what + ": 'retry_jitter' must be a number from 0 to 1");
  }
  if (const Value* rules = policy("retry_rules"); rules != nullptr && rules->is_list())
    ReadRetryRules(task, *rules);
}

void DagReader::ReadRetryRules(Task& task, const Value& rules) {
  const std::string what = "task '" + task.id + "', retry_rules";
  for (const Value& written : rules.as_list()) {
    if (!written.is_map()) continue;
    RetryRule rule;
    if (const Value* codes = written.Find("exit_codes"); codes != nullptr && codes->is_list()) {
      for (const Value& code : codes->as_list()) {
        if (code.is_int() && code.as_int() >= -255 && code.as_int() <= 255) {
          rule.exit_codes.push_back(static_cast<std::int32_t>(code.as_int()));
        } else {
          Add(code.position(), what + ": 'exit_codes' are integers from 0 to 255");
        }
      }
    }
    for (const Value& name : NamesOf(written.Find("exceptions")))
      rule.error_classes.push_back(name.as_string());
    rule.match = TextOf(written.Find("message"));
    const std::string action = TextOf(written.Find("action"));
    rule.retry = action != "fail";
    rule.reschedule = action == "reschedule";
    rule.max_reschedules = NumberOf(written.Find("max_reschedules"), 0);
    rule.reschedule_timeout = LengthOf(written.Find("reschedule_timeout"), Duration(0));
    for (const char* limit : {"max_reschedules", "reschedule_timeout"}) {
      if (const Value* there = written.Find(limit); there != nullptr && !rule.reschedule)
        Add(there->key_position(), what + ": '" + limit + "' is for action: reschedule");
    }
    if (const Value* delay = written.Find("retry_delay")) {
      rule.delay = LengthOf(delay, task.retry.delay);
      if (!rule.retry)
        Add(delay->key_position(), what + ": a rule that fails has no delay", "leave 'retry_delay' out");
    }
    task.retry.rules.push_back(std::move(rule));
  }
}

void DagReader::ReadBackoff(RetryPolicy& retry, const Value& value, const std::string& what) {
  if (value.is_bool()) {
    retry.multiplier = value.as_bool() ? 2 : 1;
  } else if (value.is_number() && value.as_double() >= 1 && value.as_double() <= kMostBackoff) {
    retry.multiplier = value.as_double();
  } else if (!(value.is_int() && value.as_int() == 0)) {  // Airflow's "off"
    Add(value.position(),
        what + ": 'retry_exponential_backoff' must be true, false or a number from 1 to 100");
  }
}

void DagReader::ReadCache(Task& task, const Value& value) {
  const Value* cache = value.Find("cache");
  if (cache == nullptr || !cache->is_map()) return;
  const std::string what = "task '" + task.id + "': 'cache'";
  if (task.in_engine) {
    Add(cache->key_position(), what + " is for tasks that a worker runs",
        "leave 'cache' out");
    return;
  }
  CachePolicy policy;
  policy.expires = LengthOf(cache->Find("expires"), Duration(0));
  if (const Value* key = cache->Find("key"); key != nullptr && key->is_string()) policy.key = *key;
  for (const Value& input : NamesOf(cache->Find("inputs"))) {
    if (input.is_string()) policy.inputs.push_back(input);
  }
  task.cache = std::move(policy);
}

std::optional<RunCondition> DagReader::ReadCondition(const Task& task, const Value& value,
                                                     std::string_view field) {
  const Value* found = value.Find(field);
  if (found == nullptr || found->is_null()) return std::nullopt;
  const std::string what = "task '" + task.id + "': '" + std::string(field) + "'";
  const Value written = WithoutMarks(*found, only_marked_);
  RunCondition read;
  const Value* condition = &written;
  if (written.is_map()) {
    static const std::vector<FieldSpec> kFields = {
        {.name = "condition", .type = FieldType::kAny, .doc = "a template", .required = true},
        {.name = "message", .type = FieldType::kString, .doc = "the reason it is skipped with"},
    };
    CheckFields(written, kFields, what, problems_);
    condition = written.Find("condition");
    if (condition == nullptr) return std::nullopt;
    read.message = TextOf(written.Find("message"));
  }
  if (condition->is_bool()) {
    read.condition = condition->as_bool() ? "true" : "false";
  } else if (condition->is_string()) {
    read.condition = *condition;
  } else {
    Add(condition->position(), what + " must be a template, not a " + std::string(condition->TypeName()),
        std::string(field) + ": \"{{ params.full }}\"");
    return std::nullopt;
  }
  return read;
}

void DagReader::ReadConditions(Task& task, const Value& value) {
  task.run_if = ReadCondition(task, value, "run_if");
  task.skip_if = ReadCondition(task, value, "skip_if");
  if (const Value* name = value.Find("map_index_template"); name != nullptr && !name->is_null()) {
    Value text = WithoutMarks(*name, only_marked_);
    if (text.is_string()) task.map_index_template = std::move(text);
  }
}

void DagReader::ReadRole(Task& task, const Value& value) {
  const std::string what = "task '" + task.id + "'";
  if (IsTrue(value.Find("setup"))) task.role = TaskRole::kSetup;
  const Value* teardown = value.Find("teardown");
  const bool is_teardown =
      teardown != nullptr && !teardown->is_null() && !(teardown->is_bool() && !teardown->as_bool());
  if (is_teardown) {
    if (task.role == TaskRole::kSetup)
      Add(teardown->key_position(), what + ": a task is a setup or a teardown, not both");
    task.role = TaskRole::kTeardown;
    if (!teardown->is_bool() && !teardown->is_string() && !teardown->is_list()) {
      Add(teardown->position(), what + ": 'teardown' must be true or the ids of setups, not a " +
                                    std::string(teardown->TypeName()));
    }
    teardowns_[task.id] = NamesOf(teardown);
    if (const Value* rule = value.Find("trigger_rule"))
      Add(rule->key_position(), what + ": a teardown has no trigger rule of its own",
          "leave 'trigger_rule' out");
    task.trigger_rule = TriggerRule::kAllDoneSetupSuccess;
  }
  task.on_failure_fail_dagrun = IsTrue(value.Find("on_failure_fail_dagrun"));
  if (task.on_failure_fail_dagrun && !is_teardown) {
    Add(value.Find("on_failure_fail_dagrun")->key_position(),
        what + ": 'on_failure_fail_dagrun' is for teardowns; the failure of any other task is the run's");
  }
  const std::string decides = TextOf(value.Find("decides"));
  if (decides == "branch") task.steering = Steering::kBranch;
  if (decides == "short_circuit") task.steering = Steering::kShortCircuit;
}

}  // namespace millrace::dagbag
