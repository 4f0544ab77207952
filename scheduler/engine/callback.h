// What a callback asks a worker to do: its fields with their templates filled in from what happened. Pure.
// Called by the engine when it writes a row of the outbox; a later try says the same.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/notification.h"
#include "core/model/run.h"
#include "core/template/callback_context.h"
#include "core/template/lookup.h"

namespace millrace::engine {

// `task` and `instance`: the one that it is about; of a run, the one that decided, or an empty one. An error
// names the place and why. XComs are errors. With callback.lookups nothing is rendered yet.
StatusOr<Delivery> RenderCallback(const Run& run, const Dag& dag, const Task& task,
                                  const TaskInstance& instance, const Callback& callback,
                                  const CallbackFacts& facts, const Value& triggering_events);

// One that was left so, of task kind `kind`, with what was looked up. The error may hold a secret.
StatusOr<Delivery> RenderDelivery(const Delivery& delivery, const std::string& kind, TemplateLookup& lookup);

// "smtp to ops@example.com", "webhook by alerts", "python tell.py": for people; without secrets.
std::string TargetOf(const Callback& callback);

// Pages of the dashboard.
std::string RunUrl(const std::string& base_url, const Run& run);
std::string LogUrl(const std::string& base_url, const Run& run, const Task& task,
                   const TaskInstance& instance);

}  // namespace millrace::engine
