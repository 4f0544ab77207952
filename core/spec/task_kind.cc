#include "core/spec/task_kind.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/spec/airflow_operators.h"
#include "core/spec/kinds.h"

namespace millrace {
namespace {

// Kinds of the design that later versions bring.
constexpr std::array<std::string_view, 1> kLaterKinds = {"spark"};

class Renderer {
 public:
  Renderer(const RenderString& render, const PullValue& pull) : render_(render), pull_(pull) {}

  StatusOr<Value> Members(const Value& map, const std::vector<FieldSpec>& fields) const {
    Value::Map rendered;
    for (const auto& [key, value] : map.as_map()) {
      const auto field =
          std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& spec) { return spec.name == key; });
      if (field == fields.end()) {
        rendered.emplace_back(key, value);
        continue;
      }
      ASSIGN_OR_RETURN(Value done, Field(value, *field));
      rendered.emplace_back(key, std::move(done));
    }
    return Keep(map, Value(std::move(rendered)));
  }

 private:
  static Value Keep(const Value& from, Value to) {
    to.At(from.position());
    return to;
  }

  StatusOr<Value> Field(const Value& value, const FieldSpec& field) const {
    // Where text stands, a pulled value is text as well.
    const bool text = field.type == FieldType::kString || field.type == FieldType::kStringList ||
                      field.type == FieldType::kStringMap;
    if (field.use == FieldUse::kTemplate) return Everything(value, FieldUse::kTemplate, text);
    if (field.use == FieldUse::kShellTemplate) {
      // A list is an argument vector, which no shell reads.
      return Everything(value, value.is_list() ? FieldUse::kTemplate : FieldUse::kShellTemplate, true);
    }
    if (field.members.empty()) return value;
    if (field.type == FieldType::kMap && value.is_map()) return Members(value, field.members);
    if (field.type == FieldType::kMapOfMaps && value.is_map()) {
      Value::Map rendered;
      for (const auto& [name, member] : value.as_map()) {
        ASSIGN_OR_RETURN(Value done,
                         member.is_map() ? Members(member, field.members) : StatusOr<Value>(member));
        rendered.emplace_back(name, std::move(done));
      }
      return Keep(value, Value(std::move(rendered)));
    }
    return value;
  }

  StatusOr<Value> Pulled(const Value& value, const PulledXCom& xcom, FieldUse use, bool text) const {
    if (!text)
      return pull_ == nullptr ? StatusOr<Value>(value) : pull_(xcom.task, xcom.key, value.position());
    ASSIGN_OR_RETURN(std::string rendered, render_(PullText(xcom), use, value.position()));
    return Keep(value, Value(std::move(rendered)));
  }

  StatusOr<Value> Everything(const Value& value, FieldUse use, bool text) const {
    if (const std::optional<PulledXCom> xcom = PulledFrom(value)) return Pulled(value, *xcom, use, text);
    if (value.is_string() && HasTemplate(value.as_string())) {
      ASSIGN_OR_RETURN(std::string rendered, render_(value.as_string(), use, value.position()));
      return Keep(value, Value(std::move(rendered)));
    }
    if (value.is_list()) {
      Value::List rendered;
      for (const Value& item : value.as_list()) {
        ASSIGN_OR_RETURN(Value done, Everything(item, use, text));
        rendered.push_back(std::move(done));
      }
      return Keep(value, Value(std::move(rendered)));
    }
    if (value.is_map()) {
      Value::Map rendered;
      for (const auto& [name, member] : value.as_map()) {
        ASSIGN_OR_RETURN(Value done, Everything(member, use, text));
        rendered.emplace_back(name, std::move(done));
      }
      return Keep(value, Value(std::move(rendered)));
    }
    return value;
  }

  const RenderString& render_;
  const PullValue& pull_;
};

void AddName(const Value& value, std::vector<std::string>& names) {
  if (value.is_list()) {
    for (const Value& item : value.as_list()) AddName(item, names);
  } else if (value.is_string() && std::find(names.begin(), names.end(), value.as_string()) == names.end()) {
    names.push_back(value.as_string());
  }
}

std::vector<std::string> NamesOf(const TaskKind& kind, const Value& with, FieldUse use) {
  std::vector<std::string> names;
  for (const FieldSpec& field : kind.fields) {
    const Value* value = with.Find(field.name);
    if (field.use == use && value != nullptr) AddName(*value, names);
  }
  return names;
}

}  // namespace

const std::vector<const TaskKind*>& TaskKinds() {
  static const std::vector<const TaskKind*> kinds = {
      &ShellKind(),     &EmptyKind(),  &SqlKind(),  &ExtractKind(), &LoadKind(),         &CheckKind(),
      &MapReduceKind(), &PythonKind(), &HttpKind(), &BranchKind(),  &ShortCircuitKind(), &LatestOnlyKind(),
      &TriggerDagKind(), &ApprovalKind(), &SensorFileKind(), &SensorSqlKind(), &SensorHttpKind(), &SensorTimeKind(),
      &SensorExternalTaskKind(), &SensorShellKind(), &SensorPythonKind(), &NotifyKind()};
  return kinds;
}

const TaskKind* FindTaskKind(std::string_view name) {
  if (const AirflowOperator* found = FindAirflowOperator(name)) name = found->kind;
  for (const TaskKind* kind : TaskKinds()) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

Steering SteeringOf(std::string_view name) {
  const AirflowOperator* path = FindAirflowOperator(name);
  if (path != nullptr && path->steering != Steering::kNone) return path->steering;
  const TaskKind* kind = FindTaskKind(name);
  return kind == nullptr ? Steering::kNone : kind->steering;
}

Problem UnknownTaskKind(std::string_view name, Position where) {
  const std::string quoted = "'" + std::string(name) + "'";
  if (IsAirflowPath(name)) {
    const std::string nearest = NearestAirflowPath(name);
    return {"", where, "task kind " + quoted + " is not supported",
            nearest.empty() ? "run a script with the kind 'shell' or 'python'"
                            : "did you mean '" + nearest + "'?"};
  }
  if (std::find(kLaterKinds.begin(), kLaterKinds.end(), name) != kLaterKinds.end())
    return {"", where, "task kind " + quoted + " is not supported yet", ""};
  std::vector<std::string> names;
  for (const TaskKind* kind : TaskKinds()) names.push_back(kind->name);
  std::string suggestion = DidYouMean(name, names);
  const std::string family = std::string(name) + "_";  // uses: sensor
  if (std::any_of(names.begin(), names.end(), [&](const auto& kind) { return kind.starts_with(family); })) {
    std::erase_if(names, [&](const std::string& kind) { return !kind.starts_with(family); });
    suggestion.clear();
  }
  if (suggestion.empty()) {
    for (const std::string& kind : names) suggestion += (suggestion.empty() ? "there are: " : ", ") + kind;
  }
  return {"", where, "unknown task kind " + quoted, std::move(suggestion)};
}

Value NativeWith(std::string_view uses, const Value& with) {
  std::vector<Problem> unheard;
  return TranslateArguments(uses, with, unheard);
}

StatusOr<Value> RenderWith(const TaskKind& kind, const Value& with, const RenderString& render,
                           const PullValue& pull) {
  if (!with.is_map()) return with;
  return Renderer(render, pull).Members(with, kind.fields);
}

std::vector<std::string> ConnectionsOf(const TaskKind& kind, const Value& with) {
  return NamesOf(kind, with, FieldUse::kConnection);
}

std::vector<std::string> FilesOf(const TaskKind& kind, const Value& with) {
  return NamesOf(kind, with, FieldUse::kFile);
}

}  // namespace millrace
