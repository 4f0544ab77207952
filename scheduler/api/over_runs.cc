#include "scheduler/api/over_runs.h"

#include <algorithm>

namespace millrace::api {
namespace {

constexpr int kMaxRuns = 1000;  // of one request

}  // namespace

StatusOr<std::vector<Run>> RunsBetween(Context& context, const std::string& dag_id,
                                       std::optional<WallTime> from, std::optional<WallTime> to) {
  store::RunFilter filter;
  filter.dag_id = dag_id;
  filter.logical_date_from = from;
  filter.logical_date_to = to;
  filter.order = store::RunOrder::kLogicalDate;
  filter.page.limit = kMaxRuns;
  ASSIGN_OR_RETURN(auto listing, context.readers.runs.ListRuns(filter));
  if (static_cast<std::int64_t>(listing.rows.size()) < listing.total) {
    return InvalidArgument("More than " + std::to_string(kMaxRuns) +
                           " runs are meant at once; name a shorter range of dates");
  }
  return std::move(listing.rows);
}

StatusOr<std::vector<Run>> RunsAround(Context& context, const Run& run, bool past, bool future) {
  if ((!past && !future) || !run.logical_date) return std::vector<Run>{run};
  ASSIGN_OR_RETURN(std::vector<Run> runs,
                   RunsBetween(context, run.dag_id, past ? std::nullopt : run.logical_date,
                               future ? std::nullopt : run.logical_date));
  // Another run of the same date is not meant.
  std::erase_if(runs, [&](const Run& other) {
    return other.key != run.key && (!other.logical_date || other.logical_date == run.logical_date);
  });
  return runs;
}

StatusOr<std::vector<TaskInstanceKey>> KeysOf(Context& context, const Located& at, std::int32_t map_index) {
  if (!at.dag->tasks[static_cast<std::size_t>(at.place)].mapped()) {
    if (map_index >= 0) return NotFound("The task is not mapped");
    ASSIGN_OR_RETURN(const TaskInstance instance, context.readers.task_instances.GetTaskInstance(at.key));
    return std::vector<TaskInstanceKey>{instance.key};
  }
  ASSIGN_OR_RETURN(const std::vector<TaskInstance> instances, context.InstancesOf(at));
  std::vector<TaskInstanceKey> keys;
  for (const TaskInstance& instance : instances) {
    if (map_index < 0 || instance.map_index == map_index) keys.push_back(instance.key);
  }
  if (keys.empty()) return NotFound("The task has no instance with map index " + std::to_string(map_index));
  return keys;
}

StatusOr<Value::List> ShowInstances(Context& context, const Located& at, std::int32_t map_index) {
  ASSIGN_OR_RETURN(const std::vector<TaskInstanceKey> keys, KeysOf(context, at, map_index));
  Shower shower(context);
  shower.Know(at.run);
  return shower.Show(keys);
}

Status NoteInstances(Context& context, const Located& at, std::int32_t map_index, const std::string& note,
                     const std::string& user) {
  ASSIGN_OR_RETURN(const std::vector<TaskInstanceKey> keys, KeysOf(context, at, map_index));
  WriteRecords write;
  const WallTime now = context.clock.now().wall;
  for (const TaskInstanceKey& key : keys) write.records.emplace_back(NoteRecord{key, note, user, now});
  const std::string place =
      at.run.dag_id + "/" + at.run.run_id + "/" + at.dag->tasks[static_cast<std::size_t>(at.place)].id;
  write.records.emplace_back(AuditRecord{now, user, "note_task", place, "{}"});
  return context.Run(std::move(write)).status();
}

void ReadOnlySkipped(BodyInput& body, ClearTasks* clear) {
  clear->only_skipped = body.Bool("only_skipped", false);
  if (!clear->only_skipped) return;
  // Where only_failed is the default, to ask for the skipped ones is to ask for no failed ones.
  clear->only_failed = clear->only_failed && body.Has("only_failed");
  if (clear->only_failed || clear->only_running)
    body.issues().Add("body", "only_skipped", "value_error",
                      "only_failed, only_running and only_skipped are mutually exclusive");
}

void ReadOnlyNew(BodyInput& body, ClearTasks* clear) {
  clear->only_new = body.Bool("only_new", false);
  if (clear->only_new && (clear->only_failed || clear->only_skipped)) {
    body.issues().Add("body", "only_new", "value_error",
                      std::string("only_new and ") + (clear->only_failed ? "only_failed" : "only_skipped") +
                          " are mutually exclusive");
  }
}

}  // namespace millrace::api
