// The part of DagReader that reads `tasks`.
#include <algorithm>
#include <map>
#include <utility>

#include "core/calendar/format.h"
#include "core/model/ids.h"
#include "core/model/yaml.h"
#include "core/spec/check_spec.h"
#include "core/spec/dag_fields.h"
#include "core/spec/task_kind.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/graph.h"
#include "scheduler/dagbag/schedule_reader.h"

namespace millrace::dagbag {
namespace {

constexpr double kMostBackoff = 100;

std::string Text(const Value* value) {
  return value != nullptr && value->is_string() ? value->as_string() : "";
}

// CheckFields has refused what does not parse.
Duration Length(const Value* value, Duration otherwise) {
  if (value == nullptr) return otherwise;
  if (value->is_number())
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value->as_double()));
  const StatusOr<Duration> length =
      value->is_string() ? ParseDuration(value->as_string()) : InvalidArgument("no duration");
  return length.ok() ? *length : otherwise;
}

int Number(const Value* value, int otherwise) {
  if (value == nullptr || !value->is_int()) return otherwise;
  return static_cast<int>(std::clamp<std::int64_t>(value->as_int(), INT32_MIN, INT32_MAX));
}

void AddOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

}  // namespace

void DagReader::ReadTasks(const Value& tasks) {
  if (tasks.as_list().empty())
    Add(tasks.position(), "'tasks' is empty", "tasks: [{id: hello, uses: shell, with: {command: date}}]");
  for (const Value& value : tasks.as_list()) ReadTask(value);
  std::map<std::string, Position> seen;
  for (const Task& task : dag_->tasks) {
    const auto [first, is_new] = seen.emplace(task.id, task.where);
    if (is_new || task.id.empty()) continue;
    Add(task.where, "task '" + task.id + "' exists already, at line " + std::to_string(first->second.line),
        "give one another id");
  }
  ReadFiles();
  LinkTasks(dag_->tasks, needs_, problems_);
}

void DagReader::ReadTask(const Value& value) {
  if (!value.is_map()) {
    return Add(value.position(),
               "a task must be a map with id and uses, not a " + std::string(value.TypeName()));
  }
  Task task;
  task.id = Text(value.Find("id"));
  task.where = value.position();
  const std::string what = task.id.empty() ? "task" : "task '" + task.id + "'";
  CheckFields(value, TaskFields(), what, problems_);
  if (const Value* id = value.Find("id")) {
    task.where = id->position();
    if (!(id->is_string() && IsValidId(id->as_string()))) {
      Add(id->position(), what + ": not an id", "use letters, digits, '_', '.' and '-', at most 128 of them");
    }
  }
  task.doc = Text(value.Find("doc_md"));
  task.outlets = ReadDatasets(value, "outlets", what);
  task.inlets = ReadDatasets(value, "inlets", what);
  ReadPolicy(task, value);
  if (const Value* uses = value.Find("uses"); uses != nullptr && uses->is_string())
    ReadWith(task, value, *uses);
  std::vector<Value> needs;
  if (const Value* written = value.Find("needs")) {
    if (written->is_string()) needs.push_back(*written);
    if (written->is_list()) {
      for (const Value& need : written->as_list()) {
        if (need.is_string()) needs.push_back(need);
      }
    }
  }
  needs_.push_back(std::move(needs));
  dag_->tasks.push_back(std::move(task));
}

std::vector<std::string> DagReader::ReadDatasets(const Value& task, std::string_view field,
                                                 const std::string& what) {
  std::vector<std::string> names;
  const Value* written = task.Find(field);
  if (written == nullptr || written->is_null()) return names;
  for (const Value& item : written->is_list() ? written->as_list() : Value::List{*written}) {
    std::optional<Dataset> dataset = ReadDataset(item, what + ": " + std::string(field), problems_);
    if (!dataset) continue;
    AddOnce(names, dataset->name);
    AddDataset(dag_->datasets, std::move(*dataset));
  }
  return names;
}

const Value* DagReader::Policy(const Value& task, std::string_view field) const {
  const Value* own = task.Find(field);
  if (own != nullptr && !own->is_null()) return own;
  return default_args_ == nullptr ? nullptr : default_args_->Find(field);
}

void DagReader::ReadPolicy(Task& task, const Value& value) {
  task.owner = Text(Policy(value, "owner"));
  if (task.owner.empty()) task.owner = dag_->owner;
  task.retry.retries = Number(Policy(value, "retries"), task.retry.retries);
  task.retry.delay = Length(Policy(value, "retry_delay"), task.retry.delay);
  task.retry.max_delay = Length(Policy(value, "max_retry_delay"), task.retry.max_delay);
  if (const Value* backoff = Policy(value, "retry_exponential_backoff"))
    ReadBackoff(task.retry, *backoff, "task '" + task.id + "'");
  task.execution_timeout = Length(Policy(value, "execution_timeout"), task.execution_timeout);
  task.kill_grace = Length(Policy(value, "kill_grace"), task.kill_grace);
  if (const std::optional<TriggerRule> rule = TriggerRuleFromString(Text(Policy(value, "trigger_rule"))))
    task.trigger_rule = *rule;
  if (const std::string pool = Text(Policy(value, "pool")); !pool.empty()) task.pool = pool;
  task.pool_slots = Number(Policy(value, "pool_slots"), task.pool_slots);
  task.priority_weight = Number(Policy(value, "priority_weight"), task.priority_weight);
  if (Text(Policy(value, "on_worker_lost")) == "fail") task.on_worker_lost = OnWorkerLost::kFail;
}

void DagReader::ReadBackoff(RetryPolicy& retry, const Value& value, const std::string& what) {
  if (value.is_bool()) {
    retry.multiplier = value.as_bool() ? 2 : 1;
  } else if (value.is_number() && value.as_double() >= 1 && value.as_double() <= kMostBackoff) {
    retry.multiplier = value.as_double();
  } else if (!(value.is_int() && value.as_int() == 0)) {  // Airflow's "off"
    Add(value.position(),
        what + ": 'retry_exponential_backoff' must be true, false or a number from 1 to 100");
  }
}

void DagReader::ReadWith(Task& task, const Value& value, const Value& uses) {
  const TaskKind* kind = FindTaskKind(uses.as_string());
  if (kind == nullptr) {
    Problem problem = UnknownTaskKind(uses.as_string(), uses.position());
    problem.message = "task '" + task.id + "': " + problem.message;
    problems_.push_back(std::move(problem));
    return;
  }
  task.kind = kind->name;
  const Value* written = value.Find("with");
  Value with = written != nullptr && written->is_map() ? NativeWith(uses.as_string(), *written)
                                                       : Value(Value::Map{}).At(value.position());
  const std::string what = "task '" + task.id + "'";
  CheckFields(with, kind->fields, what, problems_);
  const std::size_t before = problems_.size();
  if (kind->check != nullptr) kind->check(with, problems_);
  for (std::size_t i = before; i < problems_.size(); ++i)
    problems_[i].message = what + ": " + problems_[i].message;
  task.with = Normalized(with, kind->fields);
  task.connections = ConnectionsOf(*kind, task.with);
  task.files = FilesOf(*kind, task.with);
}

void DagReader::ReadFiles() {
  std::vector<std::string> paths;
  for (const Task& task : dag_->tasks) {
    for (const std::string& path : task.files) {
      result_.files.push_back(path);
      if (std::find(paths.begin(), paths.end(), path) != paths.end()) continue;
      const StatusOr<std::string> content = files_.Read(path);
      if (!content.ok()) {
        Add(task.where, "task '" + task.id + "': file '" + path + "': " + content.status().message(),
            "files are looked for beneath the DAG folder");
        continue;
      }
      AddOnce(paths, path);
      dag_->files.push_back({path, *content});
    }
  }
  for (const Task& task : dag_->tasks) {
    const std::string path = Text(task.with.Find("contract"));
    const auto file = std::find_if(dag_->files.begin(), dag_->files.end(),
                                   [&](const DagFile& other) { return other.path == path; });
    if (task.kind == "check" && file != dag_->files.end()) ReadContract(task, path, file->content);
  }
}

void DagReader::ReadContract(const Task& task, const std::string& path, const std::string& content) {
  std::vector<Problem> problems;
  YamlText yaml = ParseYaml(content);
  problems = std::move(yaml.problems);
  if (problems.empty() && yaml.documents.size() != 1) {
    AddProblem(problems, {1, 1},
               "a contract file holds one contract, not " + std::to_string(yaml.documents.size()));
  }
  if (problems.empty()) {
    const Contract contract = ParseContract(yaml.documents[0], problems);
    const Value* references = task.with.Find("references");
    for (const CheckSpec& check : contract.quality) {
      if (check.reference_input.empty() ||
          (references != nullptr && references->Find(check.reference_input) != nullptr))
        continue;
      AddProblem(problems, check.where,
                 check.name + ": task '" + task.id + "' has no reference '" + check.reference_input + "'",
                 "add it to the task's 'references'");
    }
  }
  for (Problem& problem : problems) {
    problem.file = path;
    problems_.push_back(std::move(problem));
  }
}

}  // namespace millrace::dagbag
