#include "scheduler/dagbag/templates.h"

#include <algorithm>
#include <set>
#include <string>

#include "core/model/secret_text.h"
#include "core/spec/notifiers.h"
#include "core/spec/task_kind.h"
#include "core/template/callback_context.h"
#include "core/template/run_context.h"
#include "core/template/template.h"

namespace millrace::dagbag {
namespace {

std::string_view FromLine(std::string_view text, int line) {
  for (; line > 1; --line) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  return text;
}

// Where in the file a place inside a scalar is: after its quote, or in the block below its '|' or '>'.
Position PlaceInFile(std::string_view source, Position scalar, Position inside) {
  const std::string_view lines = FromLine(source, scalar.line);
  const auto begin = static_cast<std::size_t>(scalar.column - 1);
  const char sign = begin < lines.size() ? lines[begin] : '\0';
  if (sign == '|' || sign == '>') {
    const std::string_view block = FromLine(lines, 2);
    const std::size_t first = block.find_first_not_of(" \n");
    const std::size_t line_start = first == block.npos ? 0 : block.rfind('\n', first) + 1;
    const int indentation = first == block.npos ? 0 : static_cast<int>(first - line_start);
    return {scalar.line + inside.line, indentation + inside.column};
  }
  const int quote = sign == '"' || sign == '\'' ? 1 : 0;
  if (inside.line == 1) return {scalar.line, scalar.column + quote + inside.column - 1};
  return {scalar.line + inside.line - 1, inside.column};
}

// An XCom of a task that the DAG does not have will never be there.
void CheckXComs(const Dag& dag, const Task& task, std::string_view text, std::string_view source,
                Position where, std::vector<Problem>& problems) {
  for (const TemplateReference& reference : References(text, task.id)) {
    if (reference.need.kind != TemplateNeed::Kind::kXCom || dag.FindTask(reference.need.name) >= 0) continue;
    std::vector<std::string> ids;
    for (const Task& known : dag.tasks) ids.push_back(known.id);
    problems.push_back({"", PlaceInFile(source, where, {reference.line, reference.column}),
                        "task '" + task.id + "': in a template: xcom_pull of '" + reference.need.name +
                            "', which is no task of this DAG",
                        DidYouMean(reference.need.name, ids)});
  }
}

// The mapped group that a task is in, once for all of its tasks.
const TaskGroup* FirstOfMappedGroup(const Dag& dag, const Task& task, std::set<std::int32_t>& seen) {
  if (task.mapped_group < 0 || !seen.insert(task.mapped_group).second) return nullptr;
  return &dag.groups[static_cast<std::size_t>(task.mapped_group)];
}

void AddMapNames(const Dag& dag, const Task& task, TemplateContext& context) {
  if (!task.mapped()) return;
  Value names{Value::Map{}};
  const std::vector<Expansion>& expand =
      task.mapped_group < 0 ? task.expand : dag.groups[static_cast<std::size_t>(task.mapped_group)].expand;
  bool any = false;
  for (const Expansion& expansion : expand) {
    any = any || expansion.name.empty();
    if (!expansion.name.empty()) names.Set(expansion.name, Value());
  }
  context.Set("map", names);
  for (const auto& [name, value] : names.as_map()) context.SetOpen("map." + name);
  if (any) context.SetOpen("map");
}

// A callback has the names of a task, and those of what happened; it reads no XComs.
void CheckCallbacks(const Dag& dag, const std::vector<std::string>& params, std::string_view source,
                    std::vector<Problem>& problems) {
  TemplateContext context = SampleRunContext(dag.id, "task", params);
  AddCallbackNames({}, context);
  context.Set("map", Value(Value::Map{}));
  context.SetOpen("map");
  for (const Callback& callback : dag.callbacks) {
    const std::string what = FieldOf(callback.on) + ": in a template: ";
    const RenderString check = [&](std::string_view text, FieldUse, Position where) -> StatusOr<std::string> {
      for (const TemplateProblem& problem : CheckTemplate(text, context)) {
        problems.push_back({"", PlaceInFile(source, where, {problem.line, problem.column}),
                            what + problem.message, problem.suggestion});
      }
      for (const TemplateReference& reference : References(text, "task")) {
        if (reference.need.kind != TemplateNeed::Kind::kXCom) continue;
        problems.push_back({"", PlaceInFile(source, where, {reference.line, reference.column}),
                            what + "a callback reads no XComs", "use a task behind it that does"});
      }
      return std::string();
    };
    static_cast<void>(RenderWith(*FindTaskKind(callback.kind), callback.with, check).ok());
  }
}

void AddLoopNames(const Task& task, TemplateContext& context) {
  if (!task.loop && task.loop_gate < 0) return;
  context.Set("loop", Value(Value::Map{{"index", 0}, {"max_iterations", 1}, {"previous", Value()}}));
  context.SetOpen("loop.previous");
}

// It is asked at an iteration's end, when what the task had read is no longer there.
void CheckUntil(const Task& task, std::string_view source, TemplateContext& context, std::vector<Problem>& problems) {
  if (!task.loop || !task.loop->until.is_string()) return;
  const Value& until = task.loop->until;
  AddLoopNames(task, context);
  context.Set("loop.result", Value());
  context.SetOpen("loop.result");
  const auto add = [&](const auto& place, const std::string& message, std::string suggestion) {
    problems.push_back({"", PlaceInFile(source, until.position(), {place.line, place.column}),
                        "task '" + task.id + "': in a template: " + message, std::move(suggestion)});
  };
  for (const TemplateProblem& problem : CheckTemplate(until.as_string(), context))
    add(problem, problem.message, problem.suggestion);
  for (const TemplateReference& reference : References(until.as_string(), task.id)) {
    add(reference, "'until' reads no " + ToString(reference.need),
        "return what it is to look at, and read it as loop.result");
  }
}

}  // namespace

void CheckTemplates(const Dag& dag, std::string_view source, std::vector<Problem>& problems) {
  std::vector<std::string> params;
  std::set<std::int32_t> seen;
  for (const Param& param : dag.params) params.push_back(param.name);
  CheckCallbacks(dag, params, source, problems);
  for (const Task& task : dag.tasks) {
    const TaskKind* kind = FindTaskKind(task.kind);
    TemplateContext context = SampleRunContext(dag.id, task.id, params);
    if (IsLoopGate(task)) CheckUntil(task, source, context, problems);
    if (kind == nullptr) continue;
    const auto names = [&](std::string_view text, Position where) {
      for (const TemplateProblem& problem : CheckTemplate(text, context)) {
        problems.push_back({"", PlaceInFile(source, where, {problem.line, problem.column}),
                            "task '" + task.id + "': in a template: " + problem.message, problem.suggestion});
      }
    };
    // What becomes part of a row must not hold a secret.
    const auto not_secret = [&](std::string_view text, Position where, const std::string& why) {
      for (const TemplateReference& reference : References(text, task.id)) {
        const bool variable = reference.need.kind == TemplateNeed::Kind::kVariable;
        const bool connection = reference.need.kind == TemplateNeed::Kind::kConnection;
        if (!connection && !(variable && IsSecretName(reference.need.name))) continue;
        problems.push_back({"", PlaceInFile(source, where, {reference.line, reference.column}),
                            "task '" + task.id + "': in a template: " + ToString(reference.need) + " may hold a secret, and " + why,
                            variable ? "a variable without such a word in its name is no secret" : ""});
      }
    };
    const RenderString check = [&](std::string_view text, FieldUse, Position where) -> StatusOr<std::string> {
      names(text, where);
      // A plan, a run's conf, a question.
      if (kind->name == "mapreduce" || (kind->in_engine && kind->steering == Steering::kNone))
        not_secret(text, where, "what a task of kind " + kind->name + " makes of it is kept in the store");
      CheckXComs(dag, task, text, source, where, problems);
      return std::string();
    };
    // The tasks whose XComs `expand` reads were looked for with its needs.
    const auto look = [&](const std::vector<Expansion>& expand) {
      for (const Expansion& expansion : expand) {
        if (!expansion.values.is_string()) continue;
        names(expansion.values.as_string(), expansion.values.position());
        not_secret(expansion.values.as_string(), expansion.values.position(), "what 'expand' gives is kept in the store");
      }
    };
    if (task.loop_gate >= 0) AddLoopNames(task, context);  // each iteration expands anew
    look(task.expand);
    if (const TaskGroup* group = FirstOfMappedGroup(dag, task, seen)) look(group->expand);
    AddMapNames(dag, task, context);
    AddLoopNames(task, context);
    // The checker refuses nothing, so there is no error to look at.
    static_cast<void>(RenderWith(*kind, task.with, check).ok());
    Value::List besides;
    for (const auto& condition : {task.run_if, task.skip_if}) {
      if (condition) besides.push_back(condition->condition);
    }
    if (task.map_index_template) {
      const Value& name = *task.map_index_template;
      not_secret(name.as_string(), name.position(), "what an instance is called is kept in the store");
      besides.push_back(name);
    }
    if (task.weight) {
      not_secret(task.weight->as_string(), task.weight->position(), "an instance's weight is kept in the store");
      besides.push_back(*task.weight);
    }
    if (task.cache) besides.insert(besides.end(), task.cache->inputs.begin(), task.cache->inputs.end());
    if (task.cache && task.cache->key.is_string()) besides.push_back(task.cache->key);
    for (const Value& text : besides) {
      names(text.as_string(), text.position());
      CheckXComs(dag, task, text.as_string(), source, text.position(), problems);
    }
    CheckUntil(task, source, context, problems);
  }
}

}  // namespace millrace::dagbag
