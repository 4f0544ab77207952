// The fields of a task instance as its latest attempt was given them: Airflow's rendered_fields. Nothing of
// it is kept: a run and its DAG version do not change, so it is rendered again. Called by a handler, on its
// thread.
#pragma once

#include "core/model/value.h"
#include "scheduler/api/context.h"

namespace millrace::api {

// A map of field to value, and of the variables that shell text refers to. Empty before the first attempt,
// and where a template reads what is not told here (variables, connections) or what is gone.
Value GivenFields(Context& context, const Located& at, const TaskInstance& instance);

}  // namespace millrace::api
