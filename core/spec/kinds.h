// One function a file of this room: the description of one task kind. Only task_kind.cc calls them.
#pragma once

#include "core/spec/task_kind.h"

namespace millrace {

const TaskKind& EmptyKind();
const TaskKind& ShellKind();
const TaskKind& SqlKind();
const TaskKind& ExtractKind();
const TaskKind& LoadKind();
const TaskKind& CheckKind();
const TaskKind& MapReduceKind();
const TaskKind& PythonKind();
const TaskKind& HttpKind();
const TaskKind& BranchKind();
const TaskKind& ShortCircuitKind();
const TaskKind& LatestOnlyKind();
const TaskKind& TriggerDagKind();
const TaskKind& ApprovalKind();
const TaskKind& SensorFileKind();
const TaskKind& SensorSqlKind();
const TaskKind& SensorHttpKind();
const TaskKind& SensorTimeKind();
const TaskKind& SensorExternalTaskKind();
const TaskKind& SensorShellKind();
const TaskKind& SensorPythonKind();
const TaskKind& NotifyKind();

// How files of data are written, and read.
inline const std::vector<std::string> kOutputFormats = {"parquet", "csv", "jsonl"};
inline const std::vector<std::string> kInputFormats = {"parquet", "csv", "jsonl", "text"};

}  // namespace millrace
