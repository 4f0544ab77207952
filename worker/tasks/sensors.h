// The sensors that look from time to time: a file, an answer of a database, an answer over HTTP. Run is one
// look; kNotYet means that it was in vain, and the message what was seen. The runner's program waits between
// two looks, so that a sensor holds neither a thread nor an open database while it waits. Live in the runner
// that is for sensors.
#pragma once

#include <atomic>
#include <map>
#include <string>

#include "worker/tasks/database.h"
#include "worker/tasks/registry.h"
#include "worker/tasks/task.h"

namespace millrace::tasks {

// As the kinds shell and python, which run each look; `environment` is what a look inherits.
TaskEntry ShellSensorEntry(std::map<std::string, std::string> environment);

class FileSensor final : public TaskKind {
 public:
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override {}  // a look at the file system is short
};

class SqlSensor final : public TaskKind {
 public:
  explicit SqlSensor(const Workplace& workplace) : database_(workplace) {}
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { database_.Cancel(); }

 private:
  StatusOr<TaskEnd> Look(TaskContext& context);

  Database database_;
};

class HttpSensor final : public TaskKind {
 public:
  TaskEnd Run(TaskContext& context) override;
  void Cancel() override { cancelled_ = true; }

 private:
  StatusOr<TaskEnd> Look(TaskContext& context);

  std::atomic<bool> cancelled_ = false;
};

}  // namespace millrace::tasks
