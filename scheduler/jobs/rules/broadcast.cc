#include "scheduler/jobs/rules/broadcast.h"

#include <algorithm>

namespace millrace::jobs {
namespace {

constexpr std::int64_t kThreshold = 32 << 20;
// It pays to wait for a side that reads so much less than the other, as what comes of it may be small enough.
constexpr std::int64_t kWorthAwaiting = 4;

enum class Verdict : std::uint8_t { kNo, kAwait, kYes };

Verdict Judge(const JoinSide& side, const JoinSide& other, bool asked) {
  const bool small = side.bytes <= kThreshold;
  if (side.exact) return small || asked ? Verdict::kYes : Verdict::kNo;
  if (side.plain) return small || asked ? Verdict::kYes : Verdict::kNo;
  if (asked) return Verdict::kAwait;
  return small || side.bytes <= other.bytes / kWorthAwaiting ? Verdict::kAwait : Verdict::kNo;
}

}  // namespace

BroadcastChoice Broadcast(const std::string& type, const std::string& strategy, const JoinSide& left,
                          const JoinSide& right) {
  const std::string sizes = left.name + " has " + Bytes(static_cast<double>(left.bytes)) + ", " + right.name +
                            " " + Bytes(static_cast<double>(right.bytes));
  const auto shuffle = [](std::string why) {
    return BroadcastChoice{JoinChoice::kShuffle, {"broadcast", "both sides are shuffled", std::move(why)}};
  };
  if (strategy == "shuffle") return shuffle("the job says strategy: shuffle");
  const bool may_left = type == "inner" || type == "right";
  const bool may_right = type != "right" && type != "full";
  if (!may_left && !may_right) return shuffle("a full join keeps the unmatched rows of both");
  const bool asked = strategy == "broadcast";
  // Where both may be, the smaller one is looked at first.
  const bool right_first = may_right && (!may_left || right.bytes <= left.bytes);
  for (const bool is_right : {right_first, !right_first}) {
    if (!(is_right ? may_right : may_left)) continue;
    const JoinSide& side = is_right ? right : left;
    const JoinSide& other = is_right ? left : right;
    if (other.started) continue;
    const Verdict verdict = Judge(side, other, asked && is_right == right_first);
    if (verdict == Verdict::kAwait) return {is_right ? JoinChoice::kAwaitRight : JoinChoice::kAwaitLeft, {}};
    if (verdict == Verdict::kNo) continue;
    return {is_right ? JoinChoice::kBroadcastRight : JoinChoice::kBroadcastLeft,
            {"broadcast", side.name + " is broadcast",
             asked ? "the job says strategy: broadcast; " + sizes
                   : sizes + ", the threshold is " + Bytes(static_cast<double>(kThreshold))}};
  }
  return shuffle(sizes + ", the threshold is " + Bytes(static_cast<double>(kThreshold)));
}

}  // namespace millrace::jobs
