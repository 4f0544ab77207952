// The lines of a scenario in which somebody asks for a change: commands, as README.md has them. For
// scenarios_test.cc alone.
#pragma once

#include <optional>

#include "core/model/command.h"
#include "tests/scenarios/line.h"
#include "tests/support/engine_driver.h"

namespace millrace::test {

// None: the line is no such one.
std::optional<Command> CommandOf(const Line& line, const EngineDriver& driver);

}  // namespace millrace::test
