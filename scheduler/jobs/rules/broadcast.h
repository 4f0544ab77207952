// Broadcast: one side of a join is read whole by every task, instead of shuffling both, when it is small
// enough. First asked with what the plan knows; where that is only an upper bound, again when the stage that
// makes the side has ended.
#pragma once

#include <cstdint>
#include <string>

#include "scheduler/jobs/rules/decision.h"

namespace millrace::jobs {

struct JoinSide {
  std::string name;
  std::int32_t stage = 0;  // that makes it
  std::int64_t bytes = 0;
  bool exact = false;    // the stage that makes it has ended; else `bytes` is what that stage reads
  bool plain = false;    // an input as it is
  bool started = false;  // its rows are being shuffled, so it is too late to broadcast the other one
};

enum class JoinChoice : std::uint8_t {
  kShuffle,
  kBroadcastLeft,
  kBroadcastRight,
  kAwaitLeft,  // ask again when that side is there; until then the other one waits
  kAwaitRight,
};

struct BroadcastChoice {
  JoinChoice choice = JoinChoice::kShuffle;
  Decision decision;  // of an await: none
};

// `type` and `strategy` are the author's. The side whose unmatched rows the join keeps is never broadcast:
// every task would keep them.
BroadcastChoice Broadcast(const std::string& type, const std::string& strategy, const JoinSide& left,
                          const JoinSide& right);

}  // namespace millrace::jobs
