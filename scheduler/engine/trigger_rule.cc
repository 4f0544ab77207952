#include "scheduler/engine/trigger_rule.h"

namespace millrace::engine {

void Count(UpstreamEnds& ends, TaskState state, std::int32_t by) {
  switch (state) {
    case TaskState::kSuccess:
      ends.success += by;
      break;
    case TaskState::kFailed:
      ends.failed += by;
      break;
    case TaskState::kUpstreamFailed:
      ends.upstream_failed += by;
      break;
    case TaskState::kSkipped:
    case TaskState::kRemoved:
      ends.skipped += by;
      break;
    default:
      break;
  }
}

Readiness Evaluate(TriggerRule rule, const UpstreamEnds& ends, std::int32_t upstream) {
  if (upstream == 0) return Readiness::kReady;
  const bool done = ends.done() == upstream;
  const std::int32_t bad = ends.failed + ends.upstream_failed;
  const auto when_done = [done](Readiness readiness) { return done ? readiness : Readiness::kWait; };
  switch (rule) {
    case TriggerRule::kAllSuccess:
      if (bad > 0) return Readiness::kUpstreamFailed;
      if (ends.skipped > 0) return Readiness::kSkip;
      return when_done(Readiness::kReady);
    case TriggerRule::kAllFailed:
      if (ends.success + ends.skipped > 0) return Readiness::kSkip;
      return when_done(Readiness::kReady);
    case TriggerRule::kAllDone:
    case TriggerRule::kAllDoneSetupSuccess:  // the caller knows its setups
      return when_done(Readiness::kReady);
    case TriggerRule::kAllDoneMinOneSuccess:
      if (ends.skipped == upstream) return Readiness::kSkip;
      return when_done(ends.success > 0 ? Readiness::kReady : Readiness::kUpstreamFailed);
    case TriggerRule::kAllSkipped:
      if (ends.success + bad > 0) return Readiness::kSkip;
      return when_done(Readiness::kReady);
    case TriggerRule::kOneFailed:
      if (bad > 0) return Readiness::kReady;
      return when_done(Readiness::kSkip);
    case TriggerRule::kOneSuccess:
      if (ends.success > 0) return Readiness::kReady;
      return when_done(ends.skipped == upstream ? Readiness::kSkip : Readiness::kUpstreamFailed);
    case TriggerRule::kOneDone:
      // An upstream that never ran (skipped, upstream_failed) does not count as done.
      if (ends.success + ends.failed > 0) return Readiness::kReady;
      return when_done(Readiness::kSkip);
    case TriggerRule::kNoneFailed:
      if (bad > 0) return Readiness::kUpstreamFailed;
      return when_done(Readiness::kReady);
    case TriggerRule::kNoneFailedMinOneSuccess:
      if (bad > 0) return Readiness::kUpstreamFailed;
      if (ends.skipped == upstream) return Readiness::kSkip;
      return when_done(Readiness::kReady);
    case TriggerRule::kNoneSkipped:
      if (ends.skipped > 0) return Readiness::kSkip;
      return when_done(Readiness::kReady);
    case TriggerRule::kAlways:
      return Readiness::kReady;
  }
  return Readiness::kWait;
}

}  // namespace millrace::engine
