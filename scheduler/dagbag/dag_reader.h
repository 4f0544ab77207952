// One document of a DAG file to a Dag. Called by LoadDagFile only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

class DagReader {
 public:
  // `file` and `source` become the Dag's; the rest is borrowed.
  DagReader(std::string_view file, std::string_view source, const FileReader& files,
            const ZoneDatabase& zones, LoadResult& result)
      : file_(file), source_(source), files_(files), zones_(zones), result_(result) {}

  // Adds the DAG, or its problems, to the result.
  void Read(const Value& document);

 private:
  void ReadHead();
  void ReadSchedule();
  std::vector<std::string> ReadDatasets(const Value& task, std::string_view field, const std::string& what);
  void ReadParams();
  void ReadParam(const std::string& name, const Value& value);
  void ReadTasks(const Value& tasks);
  void ReadTask(const Value& value);
  void ReadPolicy(Task& task, const Value& value);
  void ReadWith(Task& task, const Value& value, const Value& uses);
  void ReadBackoff(RetryPolicy& retry, const Value& value, const std::string& what);
  void ReadFiles();
  void ReadContract(const Task& task, const std::string& path, const std::string& content);
  void CheckTemplates();
  void Seal();

  void Add(Position where, std::string message, std::string suggestion = "");
  // The task's own field, or the one of default_args, or nullptr.
  const Value* Policy(const Value& task, std::string_view field) const;

  std::string_view file_;
  std::string_view source_;
  const FileReader& files_;
  const ZoneDatabase& zones_;
  LoadResult& result_;

  std::vector<Problem> problems_;  // of this document
  const Value* document_ = nullptr;
  const Value* default_args_ = nullptr;
  std::shared_ptr<Dag> dag_;
  std::vector<std::vector<Value>> needs_;  // by task, as written
};

}  // namespace millrace::dagbag
