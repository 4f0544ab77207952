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
#include "scheduler/sinks.h"
#include "scheduler/store/store.h"

namespace millrace {

}  // namespace millrace
