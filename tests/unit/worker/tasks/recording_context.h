// A TaskContext for tests of task kinds: everything in memory, the log kept.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "worker/tasks/task.h"

namespace millrace::tasks {

class RecordingContext : public TaskContext {
 public:
  RecordingContext(std::string root, std::string kind, std::string with) : root_(std::move(root)), scratch_(root_ + "/.scratch") {
    std::filesystem::create_directories(scratch_);
    assignment_.kind = std::move(kind);
    assignment_.with = std::move(with);
    assignment_.dag_id = "etl";
    assignment_.run_id = "r1";
    assignment_.task_id = "t";
    assignment_.fence = {1, 1};
    assignment_.instance = {RunKey{1}, 0};
  }

  const Assignment& assignment() const override { return assignment_; }
  void Log(std::string_view text) override { log.append(text); }
  const std::string& root() const override { return root_; }
  const std::string& scratch() const override { return scratch_; }
  StatusOr<std::string> Connection(std::string_view name) const override { return Find(connections, name, "connection not found: "); }
  StatusOr<std::string> File(std::string_view path) const override { return Find(files, path, "file not found: "); }
  bool cancelled() const override { return false; }

  Assignment& mutable_assignment() { return assignment_; }

  std::string log;
  std::map<std::string, std::string> connections;
  std::map<std::string, std::string> files;

 private:
  static StatusOr<std::string> Find(const std::map<std::string, std::string>& from, std::string_view name, const char* missing) {
    const auto found = from.find(std::string(name));
    if (found == from.end()) return NotFound(missing + std::string(name));
    return found->second;
  }

  Assignment assignment_;
  std::string root_;
  std::string scratch_;
};

}  // namespace millrace::tasks
