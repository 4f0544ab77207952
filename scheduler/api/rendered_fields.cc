#include "scheduler/api/rendered_fields.h"

#include <utility>
#include <vector>

#include "core/model/json.h"

namespace millrace::api {
namespace {

constexpr int kMostInstances = 10'000;

// What a run's templates read, as it is now: XComs, the run before, variables and connections with masks instead
// of their secrets.
class StoredXComs final : public TemplateLookup {
 public:
  StoredXComs(const Readers& readers, TeamValues* shown, const Run& run, const Dag& dag)
      : readers_(readers), shown_(shown), run_(run), dag_(dag) {}

  StatusOr<Value> Find(const TemplateNeed& need) override {
    if (need.kind == TemplateNeed::Kind::kPreviousSuccess) return PreviousSuccess();
    if (need.kind != TemplateNeed::Kind::kXCom)
      return shown_ == nullptr ? InvalidArgument(ToString(need) + " is not told here") : shown_->FindFor(dag_.team, need);
    const std::int32_t index = dag_.FindTask(need.name);
    if (index < 0) return InvalidArgument(ToString(need) + " is not told to the API");
    const bool mapped = dag_.tasks[static_cast<std::size_t>(index)].mapped();
    if (!mapped && !run_.former_tasks) return Read({run_.key, index}, need.key);
    store::TaskInstanceFilter of_task;
    of_task.runs = {run_.key};
    of_task.task = index;
    of_task.page.limit = kMostInstances;
    ASSIGN_OR_RETURN(const auto instances, readers_.task_instances.ListTaskInstances(of_task));
    Value::List all;
    for (const TaskInstance& instance : instances.rows) {
      if (instance.state == TaskState::kRemoved) continue;
      if (!mapped && instance.map_index < 0) return Read(instance.key, need.key);
      if (need.map_index && *need.map_index != instance.map_index) continue;
      StatusOr<Value> value = Read(instance.key, need.key);
      if (need.map_index) return value;
      if (value.ok()) all.push_back(std::move(value).value());
    }
    if (need.map_index) return NotFound("no such map index");
    return Value(std::move(all));
  }

 private:
  StatusOr<Value> PreviousSuccess() {
    if (!run_.logical_date) return NotFound("a run without a date has none before it");
    store::RunFilter filter;
    filter.dag_id = run_.dag_id;
    filter.states = {RunState::kSuccess};
    filter.logical_date_to = *run_.logical_date - Duration(1);
    filter.order = store::RunOrder::kLogicalDate;
    filter.descending = true;
    filter.page.limit = 1;
    ASSIGN_OR_RETURN(const auto runs, readers_.runs.ListRuns(filter));
    if (runs.rows.empty()) return NotFound("no successful run is earlier");
    return PreviousSuccessOf(runs.rows.front());
  }

  StatusOr<Value> Read(const TaskInstanceKey& instance, const std::string& key) {
    ASSIGN_OR_RETURN(const XComRow row, readers_.xcoms.GetXCom({instance, key}));
    return ParseJson(row.json);
  }

  const Readers& readers_;
  TeamValues* shown_;
  const Run& run_;
  const Dag& dag_;
};

}  // namespace

Value GivenFields(Context& context, const Located& at, const TaskInstance& instance) {
  Value fields{Value::Map()};
  if (!context.render || instance.try_number < 1) return fields;
  StoredXComs xcoms(context.readers, context.shown, at.run, *at.dag);
  const StatusOr<Value::List> rows = context.render(at.run, *at.dag, instance, xcoms);
  if (!rows.ok()) return fields;
  for (const Value& row : *rows) fields.Set(row.Find("field")->as_string(), *row.Find("value"));
  return fields;
}

}  // namespace millrace::api
