// Where what the loop has made durable goes: the gateway takes effects, the API's live events take the journal. Both are
// called on the loop's thread and must only hand over. Nothing here is called for a batch that is not durable.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/model/batch.h"
#include "core/model/effect.h"

namespace millrace {

// The gateway.
class EffectSink {
 public:
  virtual ~EffectSink() = default;
  // In order. Reply and the Needs never come here: the loop answers them itself.
  virtual void Deliver(std::span<const Effect> effects) = 0;
  // The engine was dropped and loaded again: close every worker's stream, so that they join again with what they hold.
  virtual void Reset(const std::string& reason) = 0;
};

// Told of each batch once it is durable, in order: live events.
class JournalSink {
 public:
  virtual ~JournalSink() = default;
  virtual void Committed(const std::shared_ptr<const Batch>& batch) = 0;
};

}  // namespace millrace
