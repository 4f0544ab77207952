// What all sensors share: how often they look, when they give up, and what that means. The fields are part of
// each sensor kind's `with` and hold no templates. Used by the engine and by the worker's looks. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/model/state.h"
#include "core/spec/field.h"

namespace millrace {

struct SensorPolicy {
  Duration poke_interval = std::chrono::seconds(60);
  Duration timeout = std::chrono::hours(24 * 7);  // of the whole wait, retries included
  bool exponential_backoff = false;               // each wait is twice the one before
  Duration max_wait = std::chrono::hours(24);     // between two looks
  bool soft_fail = false;                         // gave up: skipped instead of failed
  bool silent_fail = false;                       // a look that fails is a look in vain
  bool never_fail = false;                        // skipped instead of failed, whatever went wrong
  std::optional<std::string>
      seen;  // of a dataset's watch, set by the engine: a look that sees the same is in vain
};

// `with` may be written or rendered.
SensorPolicy SensorPolicyOf(const Value& with);

// From the `looks`-th look in vain (counting from 1) to the next.
Duration UntilNextLook(const SensorPolicy& policy, std::int64_t looks);

// The table above as fields, behind a kind's own.
std::vector<FieldSpec> SensorFields(std::vector<FieldSpec> own);
// What the table cannot say of them.
void CheckSensor(const Value& with, std::vector<Problem>& problems);

// A length as authors write one: text or seconds.
std::optional<Duration> LengthFrom(const Value* value);

// "14:30", "14:30:05": since midnight.
std::optional<Duration> ParseTimeOfDay(std::string_view text);

// Whom an external task sensor waits for, from its rendered `with`; bits are 1 << state.
struct ExternalTarget {
  std::string dag_id;
  std::vector<std::string> tasks;  // with `group` empty and these: the runs themselves
  std::string group;
  std::uint32_t allowed = 0;
  std::uint32_t failed = 0;
  std::uint32_t skipped = 0;
  bool of_runs() const { return tasks.empty() && group.empty(); }
};
ExternalTarget ExternalTargetOf(const Value& with);

}  // namespace millrace
