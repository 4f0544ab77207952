// One document of a DAG file to a Dag. Called by LoadDagFile only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/dag.h"
#include "core/model/value.h"
#include "core/spec/task_kind.h"
#include "scheduler/dagbag/load.h"

namespace millrace::dagbag {

class DagReader {
 public:
  // `file`, `source` and `origin` become the Dag's; the rest is borrowed. nullptr: it is of no bundle.
  DagReader(std::string_view file, std::string_view source, const FileReader& files,
            const ZoneDatabase& zones, LoadResult& result, const DagOrigin* origin = nullptr)
      : file_(file), source_(source), files_(files), zones_(zones), result_(result), origin_(origin) {}

  // Adds the DAG, or its problems, to the result.
  void Read(const Value& document);

 private:
  void ReadHead();
  void ReadSchedule();
  std::vector<std::string> ReadDatasets(const Value& task, std::string_view field, const std::string& what,
                                        std::vector<std::string>& aliases);
  void ReadParams();
  void ReadParam(const std::string& name, const Value& value);
  // Where a task stands: its group, and default_args from the outermost to the innermost.
  struct Scope {
    std::int32_t group = -1;
    std::vector<const Value*> defaults;
  };
  void ReadTasks(const Value& tasks);
  void ReadEntries(const Value& entries, const Scope& scope);
  void ReadGroup(const Value& value, const Scope& scope);
  void ReadTask(const Value& written, const Scope& scope);
  void ReadTemplates();
  Value Extended(const Value& written);
  void ReadPolicy(Task& task, const Value& value, const Scope& scope);
  void ReadRetries(Task& task, const Value& value, const Scope& scope);
  void ReadRetryRules(Task& task, const Value& rules);
  void ReadRole(Task& task, const Value& value);
  void ReadCache(Task& task, const Value& value);
  void ReadLoop(Task& task, const Value& value);
  LoopPolicy ReadLoopPolicy(const Value& loop, const std::string& what);
  // The task that ends the group in `scope`, if that loops.
  void ReadGate(const Value& group, const Scope& scope);
  void CheckLoops();
  void ReadWeightRule(Task& task, const Value* value);
  void ReadConditions(Task& task, const Value& value);
  std::optional<RunCondition> ReadCondition(const Task& task, const Value& value, std::string_view field);
  void ReadTaskCallbacks(Task& task, const Value& value, const Scope& scope);
  // Of the run and of its deadlines.
  void ReadRunCallbacks();
  // One callback or a list of them; their places in dag_->callbacks.
  std::vector<std::int32_t> ReadCallbacks(CallbackCause on, const Value& written, bool of_task,
                                          const std::string& what);
  // expand_mode and expand_fill.
  struct Zip {
    bool on = false;
    bool fills = false;
    Value fill;
  };
  std::vector<Expansion> ReadExpand(const Value& value, const std::string& what, Zip* zip,
                                    std::vector<Value>& needs);
  void CheckExpanded(const Task& task, const TaskKind& kind);
  void CheckMapping();
  void ReadWith(Task& task, const Value& value, const Value& uses, std::vector<Value>& needs);
  void ReadLabels(const Task& task, const Value& value);
  std::string IdIn(std::int32_t group, const std::string& name) const;
  void LinkAll();
  void ReadBackoff(RetryPolicy& retry, const Value& value, const std::string& what);
  void ReadFiles();
  void ReadFile(const std::string& path, const std::string& what, Position where);
  void ReadContract(const Task& task, const std::string& path, const std::string& content);
  void CheckTemplates();
  void Seal();

  void Add(Position where, std::string message, std::string suggestion = "");
  // The task's own field, or the one of the nearest default_args, or nullptr.
  static const Value* Policy(const Value& task, std::string_view field, const Scope& scope);

  std::string_view file_;
  std::string_view source_;
  const FileReader& files_;
  const ZoneDatabase& zones_;
  LoadResult& result_;
  const DagOrigin* origin_;

  std::vector<Problem> problems_;  // of this document
  const Value* document_ = nullptr;
  const Value* default_args_ = nullptr;
  std::shared_ptr<Dag> dag_;
  bool only_marked_ = false;  // a file of Airflow's: text without a mark is no template
  std::map<std::string, const Value*> templates_;
  std::vector<std::vector<Value>> needs_;  // by task, as written
  std::vector<std::vector<Value>> group_needs_;
  std::vector<Position> group_places_;
  struct Label {
    std::string task;
    std::int32_t group = -1;
    Value from;  // as written
    std::string text;
  };
  std::vector<Label> labels_;
  std::map<std::string, std::vector<std::int32_t>> callbacks_;  // by cause and text: what tasks share is read once
  std::map<std::string, std::vector<Value>> teardowns_;  // by id, the setups that each takes down, as written
};

}  // namespace millrace::dagbag
