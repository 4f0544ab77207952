// The heart of the scheduler, and the first file to read. One thread: drain the inbox, apply each event to the engine, commit
// what it decided, and only then let the effects leave.
//
//   inbox -> engine.Apply -> collecting batch -> store.Commit (one under way while the next collects)
//                                                 -> durable: assignments, replies, acknowledgements, live events
//
// Called by main.cc, which hands in the parts; the simulator calls Step itself, on a clock of its own. The loop knows no
// gRPC, HTTP or SQLite, and decides nothing about runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/status.h"
#include "core/base/zones.h"
#include "core/model/batch.h"
#include "core/model/effect.h"
#include "scheduler/engine/engine.h"
#include "scheduler/inbox.h"
#include "scheduler/store/store.h"

namespace millrace {

// Where effects go: the gateway. Called on the loop's thread; must only hand over.
class EffectSink {
 public:
  virtual ~EffectSink() = default;
  // In order. Reply and Need never come here: the loop answers them itself.
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

// Reads a run that is no longer in memory. On the loop's thread, with no commit under way.
class RunLoader {
 public:
  virtual ~RunLoader() = default;
  // NOT_FOUND when there is none.
  virtual StatusOr<RunImage> LoadRun(const std::string& dag_id, const std::string& run_id) = 0;
};

}  // namespace millrace
