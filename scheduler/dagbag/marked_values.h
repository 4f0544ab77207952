// Airflow's marks in a task's fields: {$t: template}, {$const: value}, {$x: task}. Called by DagReader only.
// Pure.
#pragma once

#include "core/model/value.h"

namespace millrace::dagbag {

// {$t: text} and {$template: text} become the text, {$const: value} the value with nothing in it a template;
// {$x: ...} stays, since the engine answers it. `only_marked`, as in a file of Airflow's: text without a mark
// is no template.
Value WithoutMarks(const Value& value, bool only_marked);

}  // namespace millrace::dagbag
