#include "scheduler/dagbag/dataset_watch.h"

#include <string_view>
#include <utility>

#include "core/spec/airflow_operators.h"
#include "core/spec/schedule_fields.h"
#include "core/spec/task_kind.h"
#include "core/template/template.h"

namespace millrace::dagbag {
namespace {

// There is no run that could give a template its names.
void RefuseTemplates(const TaskKind& kind, const Value& with, const std::string& what,
                     std::vector<Problem>& problems) {
  const RenderString look = [&](std::string_view text, FieldUse, Position where) -> StatusOr<std::string> {
    if (IsTemplate(text)) {
      AddProblem(problems, where, what + ": a template, and a watch belongs to no run that could fill it in",
                 "write it out; a password belongs into a connection");
    }
    return std::string();
  };
  static_cast<void>(RenderWith(kind, with, look).ok());  // it refuses nothing
}

}  // namespace

std::optional<Watch> ReadWatch(const Value& value, const std::string& of, std::vector<Problem>& problems) {
  const std::string what = of + ": watch";
  const std::size_t before = problems.size();
  if (!value.is_map()) {
    AddProblem(problems, value.position(), what + " must be a map, not a " + std::string(value.TypeName()),
               "{uses: sensor_file, with: {path: \"in/*.csv\"}, poke_interval: 30s}");
    return std::nullopt;
  }
  CheckFields(value, WatchFields(), what, problems);
  const Value* uses = value.Find("uses");
  if (problems.size() > before || uses == nullptr) return std::nullopt;
  const TaskKind* kind = FindTaskKind(uses->as_string());
  if (kind == nullptr || !kind->sensor || kind->in_engine) {
    AddProblem(problems, uses->position(),
               what + ": '" + uses->as_string() + "' is no sensor that looks on a worker",
               "there are: sensor_file, sensor_http, sensor_sql, sensor_shell, sensor_python");
    return std::nullopt;
  }
  const Value* written = value.Find("with");
  Value with = written != nullptr ? TranslateArguments(uses->as_string(), *written, problems)
                                  : Value(Value::Map{}).At(value.position());
  if (const Value* interval = value.Find("poke_interval")) with.Set("poke_interval", *interval);
  CheckFields(with, kind->fields, what, problems);
  const std::size_t told = problems.size();
  if (kind->check != nullptr) kind->check(with, problems);
  for (std::size_t i = told; i < problems.size(); ++i)
    problems[i].message = what + ": " + problems[i].message;
  RefuseTemplates(*kind, with, what, problems);
  if (problems.size() > before) return std::nullopt;
  Watch watch;
  watch.kind = kind->name;
  watch.name = kind->name;
  if (const Value* name = value.Find("name"); name != nullptr && name->is_string())
    watch.name = name->as_string();
  watch.with = Normalized(with, kind->fields);
  watch.connections = ConnectionsOf(*kind, watch.with);
  watch.files = FilesOf(*kind, watch.with);
  return watch;
}

}  // namespace millrace::dagbag
