// The part of DagReader that reads `expand`: what a task, or a group, is mapped over.
#include <algorithm>
#include <optional>
#include <utility>

#include "core/model/ids.h"
#include "core/template/template.h"
#include "scheduler/dagbag/dag_reader.h"
#include "scheduler/dagbag/fields.h"
#include "scheduler/dagbag/marked_values.h"

namespace millrace::dagbag {
namespace {

constexpr std::size_t kCheckedItems =
    100;  // of a literal list; those behind are told when the run expands it

bool IsName(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

std::vector<Expansion> DagReader::ReadExpand(const Value& value, const std::string& what, Zip* zip,
                                             std::vector<Value>& needs) {
  std::vector<Expansion> expand;
  const auto add = [&](const std::string& name, const Value& written) {
    const std::string field = name.empty() ? "'expand_kwargs'" : "'expand': '" + name + "'";
    Value values = WithoutMarks(written, only_marked_);
    if (const std::optional<PulledXCom> xcom = PulledFrom(values)) {
      Value source(xcom->task);
      needs.push_back(source.At(written.position()));
      values = Value(PullText(*xcom)).At(written.position());
    } else if (values.is_string()) {
      if (!HasTemplate(values.as_string())) {
        return Add(written.position(), what + ": " + field +
                                           " must be a list, a map, a template of one or {$x: task}, "
                                           "not '" +
                                           values.as_string().substr(0, 60) + "'");
      }
      // It can be read only when the task has ended that leaves it.
      for (const TemplateReference& reference : References(values.as_string(), "")) {
        if (reference.need.kind != TemplateNeed::Kind::kXCom) continue;
        Value source(reference.need.name);
        needs.push_back(source.At(written.position()));
      }
    } else if (!values.is_list() && !(values.is_map() && !name.empty())) {
      return Add(written.position(),
                 what + ": " + field + " must be a list, " + (name.empty() ? "" : std::string("a map, ")) +
                     "a template of one or {$x: task}, not a " + std::string(values.TypeName()));
    } else if (values.is_list() && name.empty()) {
      for (const Value& item : values.as_list()) {
        if (!item.is_map())
          Add(item.position(), what + ": an item of 'expand_kwargs' must be a map of names to values, not " +
                                   std::string(item.TypeName()));
      }
    }
    expand.push_back({name, std::move(values)});
  };
  const Value* names = value.Find("expand");
  if (names != nullptr && names->is_map()) {
    if (names->as_map().empty())
      Add(names->position(), what + ": 'expand' is empty", "expand: {file: [a.csv, b.csv]}");
    for (const auto& [name, written] : names->as_map()) {
      if (IsName(name)) {
        add(name, written);
      } else {
        Add(written.key_position(), what + ": 'expand': '" + name + "' is no name",
            "use letters, digits and '_', so that templates can say map." + name);
      }
    }
  }
  if (const Value* kwargs = value.Find("expand_kwargs"); kwargs != nullptr && !kwargs->is_null()) {
    if (names != nullptr) {
      Add(kwargs->key_position(), what + ": 'expand' and 'expand_kwargs' are both given", "leave one out");
    } else {
      add("", *kwargs);
    }
  }
  const Value* mode = value.Find("expand_mode");
  zip->on = TextOf(mode) == "zip";
  if (mode != nullptr && (names == nullptr || !names->is_map()))
    Add(mode->key_position(), what + ": 'expand_mode' without 'expand'");
  if (const Value* fill = value.Find("expand_fill")) {
    zip->fills = true;
    zip->fill = WithoutMarks(*fill, only_marked_);
    if (!zip->on)
      Add(fill->key_position(), what + ": 'expand_fill' is for 'expand_mode: zip'", "expand_mode: zip");
  }
  return expand;
}

// Literal values against the kind's fields, and what cannot be mapped at all.
void DagReader::CheckExpanded(const Task& task, const TaskKind& kind) {
  const std::string what = "task '" + task.id + "'";
  if (task.expand.empty()) return;
  for (const Expansion& expansion : task.expand) {
    const auto field = std::find_if(kind.fields.begin(), kind.fields.end(),
                                    [&](const FieldSpec& spec) { return spec.name == expansion.name; });
    if (field == kind.fields.end()) continue;
    if (task.with.Find(expansion.name) != nullptr) {
      Add(expansion.values.position(), what + ": '" + expansion.name + "' stands in 'with' and in 'expand'",
          "leave one out");
    }
    if (field->use == FieldUse::kFile || field->use == FieldUse::kConnection) {
      Add(expansion.values.position(), what + ": '" + expansion.name + "' cannot be mapped",
          field->use == FieldUse::kFile ? "files belong to the DAG's version; map another field"
                                        : "connections are handed to a task by name; map another field");
    }
    if (!expansion.values.is_list()) continue;
    const Value::List& items = expansion.values.as_list();
    for (std::size_t i = 0; i < std::min(items.size(), kCheckedItems); ++i)
      CheckFields(Value(Value::Map{{expansion.name, items[i]}}), {*field}, what, problems_);
  }
}

// Instances of instances there are none: of all that is nested, one thing may be mapped.
void DagReader::CheckMapping() {
  const auto mapped_above = [&](std::int32_t group) {
    while (group >= 0 && dag_->groups[static_cast<std::size_t>(group)].expand.empty())
      group = dag_->groups[static_cast<std::size_t>(group)].parent;
    return group;
  };
  const auto name = [&](std::int32_t group) {
    return "group '" + dag_->groups[static_cast<std::size_t>(group)].id + "'";
  };
  for (std::size_t g = 0; g < dag_->groups.size(); ++g) {
    const std::int32_t around = mapped_above(dag_->groups[g].parent);
    if (dag_->groups[g].expand.empty() || around < 0) continue;
    Add(group_places_[g],
        name(static_cast<std::int32_t>(g)) + " is mapped, and so is " + name(around) + " around it",
        "map one of them");
  }
  for (Task& task : dag_->tasks) {
    task.mapped_group = mapped_above(task.group);
    if (task.expand.empty() || task.mapped_group < 0) continue;
    Add(task.where, "task '" + task.id + "' is mapped, and so is " + name(task.mapped_group) + " around it",
        "map one of them");
  }
}

}  // namespace millrace::dagbag
