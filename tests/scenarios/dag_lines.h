// The lines of a scenario that write a DAG, its schedule and its tasks, as README.md has them. For
// scenarios_test.cc alone.
#pragma once

#include <string>

#include "tests/scenarios/line.h"
#include "tests/support/dag_builder.h"

namespace millrace::test {

DagBuilder ReadDag(const Line& line);
// Written as in a DAG file.
void ReadSchedule(const std::string& text, DagBuilder& builder);
void ReadTask(const Line& line, DagBuilder& builder);

}  // namespace millrace::test
