// The task kinds: one file each (shell.cc, sql.cc, ...), found here by name. Used by dagbag (validation), the
// engine (rendering `with`), the API (JSON Schema). Pure; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/model/dag.h"
#include "core/model/value.h"
#include "core/spec/field.h"

namespace millrace {

struct TaskKind {
  std::string name;
  std::string doc;
  std::vector<FieldSpec> fields;
  // What the table cannot say (one of two fields, grammars). May be null.
  void (*check)(const Value& with, std::vector<Problem>& problems) = nullptr;
  bool context = false;  // its attempts are told the run's dates, params and conf as JSON
  Steering steering = Steering::kNone;
  bool in_engine = false;  // the scheduler runs it itself: no worker, no slot
  // What it decides when its fields say so; asked when nothing else does. May be null.
  Steering (*steers)(const Value& with) = nullptr;
  bool sensor = false;     // it waits without a slot, see sensor.h
};

const std::vector<const TaskKind*>& TaskKinds();

// By name, "shell", or by the operator path of Airflow that means the same,
// "airflow.providers.standard.operators.bash.BashOperator". Otherwise nullptr.
const TaskKind* FindTaskKind(std::string_view name);

// What to tell the author of an unknown kind: the nearest name, or that the kind is known and not supported
// yet.
Problem UnknownTaskKind(std::string_view name, Position where);

// What the end of a task of this name decides; an operator path may say more than the kind that it means.
Steering SteeringOf(std::string_view name);

// Airflow's field names in `with` (bash_command, conn_id, ...) become ours when `uses` was an operator path.
Value NativeWith(std::string_view uses, const Value& with);

// A template in `with`, and how its values may be put in.
using RenderString =
    std::function<StatusOr<std::string>(std::string_view text, FieldUse use, Position where)>;

// The value {$x: ...} in `with`, as any JSON; its arguments are a task's id and the key.
using PullValue =
    std::function<StatusOr<Value>(const std::string& task, const std::string& key, Position where)>;

// `with` with every templated string replaced by what `render` answers (kTemplate or kShellTemplate). The
// engine renders with it when an attempt starts; dagbag checks names with it. Stops at the first error.
// {$x: ...} is asked of `pull` where any JSON may stand, and rendered as an xcom_pull where text does;
// without `pull` it stays.
StatusOr<Value> RenderWith(const TaskKind& kind, const Value& with, const RenderString& render,
                           const PullValue& pull = nullptr);

// Names of connections and files that `with` uses, in order, each once.
std::vector<std::string> ConnectionsOf(const TaskKind& kind, const Value& with);
std::vector<std::string> FilesOf(const TaskKind& kind, const Value& with);

}  // namespace millrace
