#include "core/spec/sensor.h"

#include <algorithm>
#include <cmath>

#include "core/calendar/format.h"

namespace millrace {
namespace {

bool IsTrue(const Value& with, std::string_view name) {
  const Value* value = with.Find(name);
  return value != nullptr && value->is_bool() && value->as_bool();
}

std::vector<std::string> TextsOf(const Value& with, std::string_view name) {
  std::vector<std::string> texts;
  const Value* value = with.Find(name);
  if (value == nullptr) return texts;
  for (const Value& item : value->is_list() ? value->as_list() : Value::List{*value}) {
    if (item.is_string() && !item.as_string().empty()) texts.push_back(item.as_string());
  }
  return texts;
}

std::uint32_t BitsOf(const std::vector<std::string>& names, bool of_runs) {
  std::uint32_t bits = 0;
  for (const std::string& name : names) {
    if (of_runs) {
      if (const auto state = RunStateFromString(name)) bits |= 1U << static_cast<unsigned>(*state);
    } else if (const auto state = TaskStateFromString(name)) {
      bits |= 1U << static_cast<unsigned>(*state);
    }
  }
  return bits;
}

}  // namespace

std::optional<Duration> LengthFrom(const Value* value) {
  if (value == nullptr || !IsLength(*value)) return std::nullopt;
  if (value->is_number())
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value->as_double()));
  const StatusOr<Duration> length = ParseDuration(value->as_string());
  return length.ok() ? std::optional(*length) : std::nullopt;
}

SensorPolicy SensorPolicyOf(const Value& with) {
  SensorPolicy policy;
  policy.poke_interval = LengthFrom(with.Find("poke_interval")).value_or(policy.poke_interval);
  policy.timeout = LengthFrom(with.Find("timeout")).value_or(policy.timeout);
  policy.max_wait = LengthFrom(with.Find("max_wait")).value_or(policy.max_wait);
  policy.exponential_backoff = IsTrue(with, "exponential_backoff");
  policy.soft_fail = IsTrue(with, "soft_fail");
  policy.silent_fail = IsTrue(with, "silent_fail");
  policy.never_fail = IsTrue(with, "never_fail");
  if (const Value* seen = with.Find("seen"); seen != nullptr && seen->is_string())
    policy.seen = seen->as_string();
  return policy;
}

Duration UntilNextLook(const SensorPolicy& policy, std::int64_t looks) {
  const Duration longest = std::max(policy.max_wait, policy.poke_interval);
  if (!policy.exponential_backoff) return policy.poke_interval;
  const double wait = static_cast<double>(policy.poke_interval.count()) *
                      std::pow(2.0, static_cast<double>(std::clamp<std::int64_t>(looks - 1, 0, 40)));
  return std::min(longest, Duration(static_cast<std::int64_t>(std::min(wait, 1e15))));
}

std::vector<FieldSpec> SensorFields(std::vector<FieldSpec> own) {
  const std::vector<FieldSpec> shared = {
      {.name = "poke_interval",
       .type = FieldType::kDuration,
       .doc = "from one look to the next; 60s when left out"},
      {.name = "timeout",
       .type = FieldType::kDuration,
       .doc = "of the whole wait, over all retries: then it has failed, and is not tried again; 7d when left "
              "out"},
      {.name = "soft_fail",
       .type = FieldType::kBoolean,
       .doc = "true: it is skipped where it would fail by its timeout, or by failed_states"},
      {.name = "exponential_backoff",
       .type = FieldType::kBoolean,
       .doc = "true: each wait between two looks is twice the one before"},
      {.name = "max_wait",
       .type = FieldType::kDuration,
       .doc = "the longest wait between two looks, with exponential_backoff; 1d when left out"},
      {.name = "silent_fail",
       .type = FieldType::kBoolean,
       .doc = "true: a look that fails is a look in vain"},
      {.name = "never_fail", .type = FieldType::kBoolean, .doc = "true: it is skipped where it would fail"},
      {.name = "mode",
       .type = FieldType::kChoice,
       .doc = "read for Airflow's sake: whichever it is, a waiting sensor holds no slot",
       .choices = {"poke", "reschedule"}},
      {.name = "deferrable", .type = FieldType::kBoolean, .doc = "as `mode`"},
  };
  own.insert(own.end(), shared.begin(), shared.end());
  return own;
}

void CheckSensor(const Value& with, std::vector<Problem>& problems) {
  for (const char* name : {"poke_interval", "timeout", "max_wait"}) {
    const Value* value = with.Find(name);
    const std::optional<Duration> length = LengthFrom(value);
    if (length && *length <= Duration(0)) {
      AddProblem(problems, value->position(), std::string("'") + name + "' must be longer than nothing",
                 std::string(name) + ": 30s");
    }
  }
}

std::optional<Duration> ParseTimeOfDay(std::string_view text) {
  std::int64_t parts[3] = {0, 0, 0};
  std::size_t part = 0;
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == ':' && digits > 0 && part < 2) {
      ++part;
      digits = 0;
    } else if (c >= '0' && c <= '9' && digits < 2) {
      parts[part] = parts[part] * 10 + (c - '0');
      ++digits;
    } else {
      return std::nullopt;
    }
  }
  if (part == 0 || digits != 2 || parts[0] > 23 || parts[1] > 59 || parts[2] > 59) return std::nullopt;
  return std::chrono::hours(parts[0]) + std::chrono::minutes(parts[1]) + std::chrono::seconds(parts[2]);
}

ExternalTarget ExternalTargetOf(const Value& with) {
  ExternalTarget target;
  target.dag_id = TextOf(with, "external_dag_id");
  target.group = TextOf(with, "external_task_group_id");
  target.tasks = TextsOf(with, "external_task_ids");
  if (const std::string one = TextOf(with, "external_task_id"); !one.empty()) target.tasks.push_back(one);
  target.allowed = BitsOf(TextsOf(with, "allowed_states"), target.of_runs());
  if (with.Find("allowed_states") == nullptr) target.allowed = BitsOf({"success"}, target.of_runs());
  target.failed = BitsOf(TextsOf(with, "failed_states"), target.of_runs());
  target.skipped = BitsOf(TextsOf(with, "skipped_states"), target.of_runs());
  return target;
}

}  // namespace millrace
