#include "core/model/dag.h"

#include <array>

namespace millrace {

// There are tens of thousands: with 10,000 DAGs of two tasks a scheduler is to stay under 80 MB (docs/performance.md). What is
// rare goes into a Boxed.
static_assert(sizeof(Dag) <= 880 && sizeof(Task) <= 848);

namespace {

constexpr std::array<std::string_view, 13> kTriggerRuleNames = {
    "all_success", "all_failed",  "all_done", "all_done_min_one_success",     "all_skipped",  "one_failed",
    "one_success", "one_done",    "none_failed", "none_failed_min_one_success", "none_skipped", "always",
    "all_done_setup_success"};

}  // namespace

std::int32_t Dag::FindTask(std::string_view task_id) const {
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].id == task_id) return static_cast<std::int32_t>(i);
  }
  return -1;
}

std::string_view ToString(TriggerRule rule) { return kTriggerRuleNames[static_cast<std::size_t>(rule)]; }

std::optional<TriggerRule> TriggerRuleFromString(std::string_view text) {
  for (std::size_t i = 0; i < kTriggerRuleNames.size(); ++i) {
    if (kTriggerRuleNames[i] == text) return static_cast<TriggerRule>(i);
  }
  return std::nullopt;
}

}  // namespace millrace
