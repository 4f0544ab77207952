// Aliases of datasets as DAG files write them, in outlets, inlets and a schedule's conditions. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"

namespace millrace::dagbag {

// {alias: daily_files}, {alias: daily_files, group: raw}, {alias: {name: daily_files, group: raw}}.
bool IsAlias(const Value& value);
// Nothing, and a problem, when it is none that is right.
std::optional<DatasetAlias> ReadAlias(const Value& value, const std::string& what,
                                      std::vector<Problem>& problems);
// Adds one that is not known yet; one that says its group is better.
void AddAlias(std::vector<DatasetAlias>& aliases, DatasetAlias alias);

// What of a task's aliases cannot be: nothing that its kind returns could say what they stand for, or an
// outlet has the same name.
void CheckAliases(const Task& task, const Value& written, std::vector<Problem>& problems);

}  // namespace millrace::dagbag
