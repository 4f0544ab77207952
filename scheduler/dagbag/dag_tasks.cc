// The part of DagReader that reads `tasks`.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "core/model/ids.h"
#include "core/model/yaml.h"
#include "core/spec/airflow_operators.h"
#include "core/spec/check_spec.h"
#include "core/spec/dag_fields.h"
#include "core/spec/notifiers.h"
#include "core/spec/task_kind.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/dataset_aliases.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/flow.h"
#include "scheduler/dagbag/graph.h"
#include "scheduler/dagbag/marked_values.h"
#include "scheduler/dagbag/needs.h"
#include "scheduler/dagbag/schedule_reader.h"

namespace millrace::dagbag {
namespace {

constexpr std::int32_t kMostGroups = 10'000;

void AddOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// {$x: task} waits for the task that it names.
void AddPulledNeeds(const Value& value, std::vector<Value>& needs) {
  if (const std::optional<PulledXCom> xcom = PulledFrom(value)) {
    Value name(xcom->task);
    needs.push_back(name.At(value.as_map().front().second.position()));
  } else if (value.is_list()) {
    for (const Value& item : value.as_list()) AddPulledNeeds(item, needs);
  } else if (value.is_map()) {
    for (const auto& [name, member] : value.as_map()) AddPulledNeeds(member, needs);
  }
}

}  // namespace

void DagReader::ReadTemplates() {
  const Value* templates = document_->Find("templates");
  if (templates == nullptr || !templates->is_map()) return;
  for (const auto& [name, value] : templates->as_map()) {
    if (value.is_map()) templates_.emplace(name, &value);
  }
}

// The templates that it extends, first to last, below its own fields; `with` is merged one level deep.
Value DagReader::Extended(const Value& written) {
  const Value* extends = written.Find("extends");
  if (extends == nullptr) return written;
  Value merged{Value::Map{}};
  const auto merge = [&merged](const Value& fields) {
    for (const auto& [name, value] : fields.as_map()) {
      const Value* before = merged.Find(name);
      if (name != "with" || before == nullptr || !before->is_map() || !value.is_map()) {
        merged.Set(name, value);
        continue;
      }
      Value both = *before;
      for (const auto& [field, inner] : value.as_map()) both.Set(field, inner);
      merged.Set(name, both.At(value.position()).KeyAt(value.key_position()));
    }
  };
  for (const Value& name : NamesOf(extends)) {
    const auto found = templates_.find(name.as_string());
    if (found != templates_.end()) {
      merge(*found->second);
      continue;
    }
    std::vector<std::string> names;
    for (const auto& [known, value] : templates_) names.push_back(known);
    Add(name.position(),
        "task '" + TextOf(written.Find("id")) + "' extends '" + name.as_string() +
            "', which is none of the DAG's templates",
        DidYouMean(name.as_string(), names));
  }
  merge(written);
  return merged.At(written.position()).KeyAt(written.key_position());
}

void DagReader::ReadTasks(const Value& tasks) {
  Scope scope;
  if (default_args_ != nullptr) scope.defaults.push_back(default_args_);
  ReadEntries(tasks, scope);
  std::map<std::string, Position> seen;
  const auto once = [&](const std::string& what, const std::string& id, Position where) {
    const auto [first, is_new] = seen.emplace(id, where);
    if (is_new || id.empty()) return;
    Add(where, what + " '" + id + "' exists already, at line " + std::to_string(first->second.line),
        "give one another id");
  };
  for (std::size_t g = 0; g < dag_->groups.size(); ++g) once("group", dag_->groups[g].id, group_places_[g]);
  for (const Task& task : dag_->tasks) once("task", task.id, task.where);
  ReadFiles();
  LinkAll();
}

void DagReader::ReadEntries(const Value& entries, const Scope& scope) {
  if (entries.as_list().empty())
    Add(entries.position(), "'tasks' is empty", "tasks: [{id: hello, uses: shell, with: {command: date}}]");
  for (const Value& value : entries.as_list()) {
    if (value.Find("group") != nullptr) {
      ReadGroup(value, scope);
    } else {
      ReadTask(value, scope);
    }
  }
}

std::string DagReader::IdIn(std::int32_t group, const std::string& name) const {
  return group < 0 || name.empty() ? name : dag_->groups[static_cast<std::size_t>(group)].id + "." + name;
}

void DagReader::ReadGroup(const Value& value, const Scope& scope) {
  TaskGroup group;
  const Value& id = *value.Find("group");
  group.id = IdIn(scope.group, TextOf(&id));
  group.parent = scope.group;
  const std::string what = "group '" + group.id + "'";
  CheckFields(value, GroupFields(), what, problems_);
  if (!(id.is_string() && IsValidId(group.id))) {
    Add(id.position(), what + ": not an id",
        "use letters, digits, '_', '.' and '-', at most 128 of them with the ids of the groups around");
  }
  group.tooltip = TextOf(value.Find("tooltip"));
  group_needs_.push_back(NamesOf(value.Find("needs")));
  Zip zip;
  group.expand = ReadExpand(value, what, &zip, group_needs_.back());
  group.zip = zip.on;
  group.zip_fills = zip.fills;
  group.zip_fill = std::move(zip.fill);
  group_places_.push_back(id.position());
  Scope inner = scope;
  inner.group = static_cast<std::int32_t>(dag_->groups.size());
  if (const Value* defaults = value.Find("default_args"); defaults != nullptr && defaults->is_map())
    inner.defaults.push_back(defaults);
  dag_->groups.push_back(std::move(group));
  if (inner.group > kMostGroups) return Add(id.position(), "a DAG has at most 10,000 groups");
  if (const Value* tasks = value.Find("tasks"); tasks != nullptr && tasks->is_list())
    ReadEntries(*tasks, inner);
  ReadGate(value, inner);
}

void DagReader::ReadTask(const Value& written, const Scope& scope) {
  if (!written.is_map()) {
    return Add(written.position(),
               "a task must be a map with id and uses, not a " + std::string(written.TypeName()));
  }
  const Value value = Extended(written);
  Task task;
  task.id = IdIn(scope.group, TextOf(value.Find("id")));
  task.group = scope.group;
  task.where = value.position();
  const std::string what = task.id.empty() ? "task" : "task '" + task.id + "'";
  // What stands in a template was told with the template.
  std::vector<Problem> own;
  CheckFields(value, TaskFields(), what, own);
  std::erase_if(own, [&](const Problem& problem) {
    return std::any_of(problems_.begin(), problems_.end(),
                       [&](const Problem& told) { return told.where == problem.where; });
  });
  problems_.insert(problems_.end(), own.begin(), own.end());
  if (const Value* id = value.Find("id")) {
    task.where = id->position();
    if (!(id->is_string() && IsValidId(task.id))) {
      Add(id->position(), what + ": not an id", "use letters, digits, '_', '.' and '-', at most 128 of them");
    }
  }
  task.doc = TextOf(value.Find("doc_md"));
  task.outlets = ReadDatasets(value, "outlets", what, task.outlet_aliases);
  task.inlets = ReadDatasets(value, "inlets", what, task.inlet_aliases);
  ReadPolicy(task, value, scope);
  ReadRole(task, value);
  ReadTaskCallbacks(task, value, scope);
  std::vector<Value> needs = NamesOf(value.Find("needs"));
  Zip zip;
  task.expand = ReadExpand(value, what, &zip, needs);
  task.zip = zip.on;
  task.zip_fills = zip.fills;
  task.zip_fill = std::move(zip.fill);
  const Value* uses = value.Find("uses");
  if (uses == nullptr) {
    Add(value.position(), what + ": field 'uses' is missing",
        "uses: the task's kind: shell, sql, mapreduce, ...");
  } else if (uses->is_string()) {
    ReadWith(task, value, *uses, needs);
  }
  if (const Value* outlets = value.Find("outlets")) CheckAliases(task, *outlets, problems_);
  ReadCache(task, value);
  ReadLoop(task, value);
  ReadConditions(task, value);
  const auto setups = teardowns_.find(task.id);
  if (setups != teardowns_.end()) needs.insert(needs.end(), setups->second.begin(), setups->second.end());
  ReadLabels(task, value);
  needs_.push_back(std::move(needs));
  dag_->tasks.push_back(std::move(task));
}

std::vector<std::string> DagReader::ReadDatasets(const Value& task, std::string_view field,
                                                 const std::string& what, std::vector<std::string>& aliases) {
  std::vector<std::string> names;
  const Value* written = task.Find(field);
  if (written == nullptr || written->is_null()) return names;
  for (const Value& item : written->is_list() ? written->as_list() : Value::List{*written}) {
    if (IsAlias(item)) {
      std::optional<DatasetAlias> alias = ReadAlias(item, what + ": " + std::string(field), problems_);
      if (!alias) continue;
      AddOnce(aliases, alias->name);
      AddAlias(dag_->aliases, std::move(*alias));
      continue;
    }
    std::optional<Dataset> dataset = ReadDataset(item, what + ": " + std::string(field), problems_);
    if (!dataset) continue;
    AddOnce(names, dataset->name);
    AddDataset(dag_->datasets, std::move(*dataset));
  }
  return names;
}

void DagReader::ReadLabels(const Task& task, const Value& value) {
  const Value* labels = value.Find("labels");
  if (labels == nullptr || !labels->is_map()) return;
  for (const auto& [from, text] : labels->as_map()) {
    Value name(from);
    name.At(text.key_position());
    labels_.push_back({task.id, task.group, name, TextOf(&text)});
  }
}

void DagReader::LinkAll() {
  const std::size_t before = problems_.size();
  Needs needs(dag_->tasks, dag_->groups);
  const std::vector<std::vector<Value>> resolved = needs.Resolve(needs_, group_needs_, problems_);
  for (const Task& task : dag_->tasks) {
    const auto own = teardowns_.find(task.id);
    if (own == teardowns_.end()) continue;
    for (const Value& name : own->second) {
      for (const std::string& id : needs.TasksOf(name.as_string(), task.group)) {
        if (dag_->tasks[static_cast<std::size_t>(dag_->FindTask(id))].role == TaskRole::kSetup) continue;
        Add(name.position(), "task '" + task.id + "' takes down '" + id + "', which is no setup",
            "say setup: true there");
      }
    }
  }
  struct Arrow {
    const Label* label;
    std::vector<std::string> from;
  };
  std::vector<Arrow> arrows;
  for (const Label& label : labels_)
    arrows.push_back({&label, needs.TasksOf(label.from.as_string(), label.group)});
  CheckMapping();
  CheckLoops();
  LinkTasks(dag_->tasks, resolved, problems_);
  if (problems_.size() != before) return;
  for (const Arrow& arrow : arrows) {
    const std::int32_t to = dag_->FindTask(arrow.label->task);
    const std::vector<std::int32_t>& upstream = dag_->tasks[static_cast<std::size_t>(to)].upstream;
    bool found = false;
    for (const std::string& id : arrow.from) {
      const std::int32_t from = dag_->FindTask(id);
      if (std::find(upstream.begin(), upstream.end(), from) == upstream.end()) continue;
      dag_->labels.push_back({from, to, arrow.label->text});
      found = true;
    }
    if (!found) {
      Add(arrow.label->from.position(),
          "task '" + arrow.label->task + "' labels '" + arrow.label->from.as_string() +
              "', which it does not need",
          "a label stands at one of its needs");
    }
  }
  CompleteFlow(*dag_);
}

void DagReader::ReadWith(Task& task, const Value& value, const Value& uses, std::vector<Value>& needs) {
  const std::string what = "task '" + task.id + "'";
  const TaskKind* kind = FindTaskKind(uses.as_string());
  if (kind == nullptr) {
    Problem problem = UnknownTaskKind(uses.as_string(), uses.position());
    problem.message = what + ": " + problem.message;
    problems_.push_back(std::move(problem));
    return;
  }
  task.kind = kind->name;
  task.in_engine = kind->in_engine;
  task.sensor = kind->sensor;
  const Steering says = SteeringOf(uses.as_string());
  if (const Value* decides = value.Find("decides"); decides != nullptr && says != Steering::kNone) {
    Add(decides->key_position(), what + ": '" + uses.as_string() + "' decides by itself",
        "leave 'decides' out");
  } else if (says != Steering::kNone) {
    task.steering = says;
  } else if (decides != nullptr && kind->name == "mapreduce") {
    Add(decides->key_position(), what + ": a mapreduce task has no result that could decide",
        "let a task behind it decide");
  }
  const Value* written = value.Find("with");
  const std::size_t before = problems_.size();
  Value with = written != nullptr && written->is_map()
                   ? TranslateArguments(uses.as_string(), WithoutMarks(*written, only_marked_), problems_)
                   : Value(Value::Map{}).At(value.position());
  AddPulledNeeds(with, needs);
  std::vector<FieldSpec> fields = kind->fields;
  for (FieldSpec& field : fields) {
    for (const Expansion& expansion : task.expand) {
      if (expansion.name == field.name || expansion.name.empty()) field.required = false;
    }
  }
  const std::size_t named = problems_.size();
  CheckFields(with, fields, what, problems_);
  const std::size_t told = problems_.size();
  if (kind->check != nullptr) kind->check(with, problems_);
  for (std::size_t i = before; i < problems_.size(); ++i) {
    if (i < named || i >= told) problems_[i].message = what + ": " + problems_[i].message;
  }
  task.with = Normalized(with, kind->fields);
  if (task.steering == Steering::kNone && kind->steers != nullptr) task.steering = kind->steers(task.with);
  CheckExpanded(task, *kind);
  task.connections = ConnectionsOf(*kind, task.with);
  task.files = FilesOf(*kind, task.with);
}

void DagReader::ReadFile(const std::string& path, const std::string& what, Position where) {
  result_.files.push_back(path);
  const auto known = [&](const DagFile& file) { return file.path == path; };
  if (std::any_of(dag_->files.begin(), dag_->files.end(), known)) return;
  const StatusOr<std::string> content = files_.Read(path);
  if (!content.ok()) {
    return Add(where, what + ": file '" + path + "': " + content.status().message(),
               "files are looked for beneath the DAG folder, or in the archive that the DAG lies in");
  }
  dag_->files.push_back({path, *content});
}

void DagReader::ReadFiles() {
  for (const Task& task : dag_->tasks) {
    for (const std::string& path : task.files) ReadFile(path, "task '" + task.id + "'", task.where);
  }
  for (const Callback& callback : dag_->callbacks) {
    for (const std::string& path : callback.files) ReadFile(path, FieldOf(callback.on), callback.where);
  }
  for (const Dataset& dataset : dag_->datasets) {
    if (!dataset.watch) continue;
    for (const std::string& path : dataset.watch->files)
      ReadFile(path, "watch of dataset '" + dataset.name + "'", document_->position());
  }
  for (const Task& task : dag_->tasks) {
    const std::string path = TextOf(task.with.Find("contract"));
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
