#include "scheduler/dagbag/dataset_aliases.h"

#include <algorithm>
#include <utility>

#include "core/spec/field.h"
#include "core/spec/schedule_fields.h"

namespace millrace::dagbag {
namespace {

// {alias: {name: ..., group: ...}}, as Airflow writes it down.
const std::vector<FieldSpec>& NestedFields() {
  static const std::vector<FieldSpec> fields = {
      {.name = "name", .type = FieldType::kString, .required = true},
      {.name = "group", .type = FieldType::kString},
  };
  return fields;
}

// Their code, or what it prints, becomes XComs.
bool RunsCode(const std::string& kind) {
  return kind == "python" || kind == "shell" || kind == "sensor_python" || kind == "sensor_shell";
}

}  // namespace

bool IsAlias(const Value& value) { return value.is_map() && value.Find("alias") != nullptr; }

std::optional<DatasetAlias> ReadAlias(const Value& value, const std::string& what,
                                      std::vector<Problem>& problems) {
  const std::size_t before = problems.size();
  CheckFields(value, DatasetAliasFields(), what, problems);
  const Value& alias = *value.Find("alias");
  if (alias.is_map()) CheckFields(alias, NestedFields(), what, problems);
  if (problems.size() > before) return std::nullopt;
  const Value* name = alias.is_map() ? alias.Find("name") : &alias;
  const Value* group = (alias.is_map() ? alias : value).Find("group");
  if (!name->is_string() || !IsDatasetName(name->as_string())) {
    AddProblem(problems, alias.position(), what + ": not an alias's name",
               "{alias: daily_files}: printable ASCII, at most 1500 characters");
    return std::nullopt;
  }
  DatasetAlias read{name->as_string()};
  if (group != nullptr && group->is_string() && !group->as_string().empty()) read.group = group->as_string();
  return read;
}

void AddAlias(std::vector<DatasetAlias>& aliases, DatasetAlias alias) {
  const auto known = std::find_if(aliases.begin(), aliases.end(),
                                  [&](const DatasetAlias& other) { return other.name == alias.name; });
  if (known == aliases.end()) {
    aliases.push_back(std::move(alias));
  } else if (alias.group != DatasetAlias().group) {
    known->group = std::move(alias.group);
  }
}

void CheckAliases(const Task& task, const Value& written, std::vector<Problem>& problems) {
  for (const std::string& alias : task.outlet_aliases) {
    const std::string what = "task '" + task.id + "': outlets: alias '" + alias + "'";
    if (!task.kind.empty() && !RunsCode(task.kind)) {
      AddProblem(problems, written.position(),
                 what + ": a task of kind " + task.kind + " cannot say which datasets it stands for",
                 "let a python or shell task behind it say so, in outlet_events");
    }
    if (std::find(task.outlets.begin(), task.outlets.end(), alias) != task.outlets.end()) {
      AddProblem(problems, written.position(), what + " has the name of a dataset among them",
                 "outlet_events could not tell them apart: give one another name");
    }
  }
}

}  // namespace millrace::dagbag
