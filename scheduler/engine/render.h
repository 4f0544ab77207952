// What a worker is told of an attempt: the task's fields with their templates filled in, and its ids and
// dates. Pure. Called by the engine when it places an attempt, and again when it must be sent a second time.
#pragma once

#include <vector>

#include "core/base/status.h"
#include "core/model/attempt.h"
#include "core/model/dag.h"
#include "core/model/run.h"
#include "core/template/context.h"
#include "core/template/lookup.h"

namespace millrace::engine {

// Everything but `with`.
Assignment Frame(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance, Fence fence);

// The names that the task's templates have.
StatusOr<TemplateContext> ContextOf(const Run& run, const Dag& dag, const Task& task,
                                    const TaskInstance& instance, const Value& triggering_events);
// What it loops by, itself or with its group; nullptr: it does not.
const LoopPolicy* LoopOf(const Dag& dag, const Task& task);
// The member `loop` of it: index, max_iterations, previous.
Value LoopNames(const LoopPolicy& loop, const TaskInstance& instance);
// The same for kinds that ask for it, as JSON.
StatusOr<std::string> ContextJson(const Run& run, const Dag& dag, const Task& task,
                                  const TaskInstance& instance);

// What the task's templates will look up, as far as their text tells, each once.
std::vector<TemplateNeed> NeedsOf(const Task& task);

// INVALID_ARGUMENT says which template does not render, where it stands and why; UNAVAILABLE: `lookup` did
// not know something yet. `triggering_events`: see RunFacts. Without a lookup, XComs, variables, connections
// and earlier runs are errors.
StatusOr<Assignment> Render(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                            Fence fence, TemplateLookup* lookup = nullptr,
                            Value triggering_events = Value::Map());

// The value of a template: what its one expression is, or what its text means as JSON.
StatusOr<Value> RenderData(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                           const std::string& text, TemplateLookup* lookup, Value triggering_events = Value::Map());

// A template's text.
StatusOr<std::string> RenderPlain(const Run& run, const Dag& dag, const Task& task, const TaskInstance& instance,
                                  const std::string& text, TemplateLookup* lookup,
                                  Value triggering_events = Value::Map());

}  // namespace millrace::engine
