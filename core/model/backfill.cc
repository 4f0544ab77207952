#include "core/model/backfill.h"

#include <array>

namespace millrace {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"none", "failed", "completed"};

}  // namespace

std::string_view ToString(Reprocess reprocess) { return kNames[static_cast<std::size_t>(reprocess)]; }

std::optional<Reprocess> ReprocessFromString(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<Reprocess>(i);
  }
  return std::nullopt;
}

DateDecision Decide(Reprocess reprocess, WallTime date, const std::vector<Run>& runs) {
  const Run* last = nullptr;
  for (const Run& run : runs) {
    if (run.logical_date != date) continue;
    if (!IsTerminal(run.state)) return {DateAction::kLeave, ""};
    if (run.type != RunType::kManual) last = &run;
  }
  if (last == nullptr) return {DateAction::kMake, ""};
  const bool again = reprocess == Reprocess::kCompleted ||
                     (reprocess == Reprocess::kFailed && last->state == RunState::kFailed);
  return again ? DateDecision{DateAction::kRunAgain, last->run_id} : DateDecision{DateAction::kLeave, ""};
}

}  // namespace millrace
