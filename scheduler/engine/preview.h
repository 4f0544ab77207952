// What a task's fields become: for `dagctl tasks render` in a run that need not exist, for the API in one
// that does. The run is the one that the timetable would make, the rendering is the attempt's own (render.h).
// Pure.
#pragma once

#include <string>

#include "core/base/status.h"
#include "core/calendar/timetable.h"
#include "core/model/dag.h"
#include "core/model/run.h"
#include "core/model/value.h"
#include "core/template/lookup.h"

namespace millrace::engine {

// `date`: RFC 3339, or a plain date, which stands for its day in UTC, as {{ ds }} does. The scheduled run
// with that logical date (of a day, its first); where the schedule has none, the run of that time (of a day,
// its midnight) that somebody might trigger. INVALID_ARGUMENT: no date, or a conf that the DAG's params
// refuse.
StatusOr<Run> RunOfDate(const Dag& dag, const Timetable& timetable, const std::string& date,
                        const std::string& conf);

// The first attempt of a task in a run; of a mapped task, of its first instance. NOT_FOUND: no such task.
// INVALID_ARGUMENT as RenderedFields, about what it is mapped over.
StatusOr<TaskInstance> FirstAttempt(const Run& run, const Dag& dag, const std::string& task_id,
                                    TemplateLookup* lookup = nullptr);

// The task's fields as this attempt of it is given them, a map {"field", "value"} each, in the order of the
// file; then the variables that shell text refers to, by their names. INVALID_ARGUMENT and UNAVAILABLE as
// Render.
StatusOr<Value::List> RenderedFields(const Run& run, const Dag& dag, const TaskInstance& instance,
                                     TemplateLookup* lookup = nullptr);

}  // namespace millrace::engine
