// docs/task_kinds.md: every field that a DAG file may have, from the same tables that validate it. Printed by
// `dagctl dags fields`; a test holds the file to it. Pure.
#pragma once

#include <string>

namespace millrace {

// Markdown, whole.
std::string FieldsPage();

}  // namespace millrace
