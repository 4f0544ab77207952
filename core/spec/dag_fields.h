// The fields of a DAG file beside those of task kinds, and the JSON Schema of the whole. Used by dagbag and
// the API.
#pragma once

#include <vector>

#include "core/model/value.h"
#include "core/spec/field.h"

namespace millrace {

// Of the file's top level.
const std::vector<FieldSpec>& DagFields();
// Of an item of `tasks`.
const std::vector<FieldSpec>& TaskFields();
// Of a member of `templates`: a task without its id.
const std::vector<FieldSpec>& TemplateFields();
// Of an item of `tasks` that has `group`.
const std::vector<FieldSpec>& GroupFields();
// Of an item of `retry_rules`.
const std::vector<FieldSpec>& RetryRuleFields();
// Of `default_args`: what every task takes that does not say otherwise.
const std::vector<FieldSpec>& DefaultArgsFields();
// Of a member of `params` that is written as a map.
const std::vector<FieldSpec>& ParamFields();

// Draft 2020-12, for editors: DAG files, with each kind's `with`.
Value JsonSchema();

}  // namespace millrace
