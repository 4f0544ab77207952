// The whole installation: what ended when and how, what goes on, and the task instances of a window with who
// held what.
#include <algorithm>
#include <map>

#include "core/calendar/format.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/input.h"
#include "scheduler/api/view_handlers.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr auto kLongest = std::chrono::hours(24) * 31;
constexpr std::int64_t kMostParts = 400;
constexpr std::int64_t kMostInstances = 5000;

struct Window {
  WallTime from, to;
};

// The last hour, unless told.
Window ReadWindow(Context& context, QueryInput& query) {
  const WallTime to = query.Time("to").value_or(context.clock.now().wall);
  const WallTime from = query.Time("from").value_or(to - std::chrono::hours(1));
  if (to <= from || to - from > kLongest)
    query.issues().Add("query", "to", "value_error",
                       "A window ends after it begins, and at most 31 days later");
  return {from, to};
}

struct Part {
  Value::Map runs, task_instances;
  Value Wire() const { return Value::Map{{"runs", runs}, {"task_instances", task_instances}}; }
};

http::Response GetActivity(Context& context, store::ActivityReader& activity, const Call& call) {
  QueryInput query(call.request);
  const Window window = ReadWindow(context, query);
  const std::int64_t parts = query.Int("parts", 24, 1, kMostParts);
  if (auto problems = query.Problems()) return *problems;
  const Duration length{std::max<std::int64_t>(1, (window.to - window.from).count() / parts)};
  ASSIGN_OR_ANSWER(const store::ActivityCounts counts,
                   activity.Count(window.from, window.from + parts * length, length, call.scope.teams()));
  // By part; -1 is what has not ended.
  std::map<std::int64_t, Part> found;
  for (const auto& [part, state, count] : counts.runs)
    found[part].runs.emplace_back(std::string(ToString(state)), count);
  for (const auto& [part, state, count] : counts.task_instances)
    found[part].task_instances.emplace_back(std::string(ToString(state)), count);
  Value::List wire;
  for (std::int64_t part = 0; part < parts; ++part) {
    Value one = found[part].Wire();
    one.Set("from", FormatTime(window.from + part * length));
    wire.push_back(std::move(one));
  }
  return JsonAnswer(Value::Map{{"from", FormatTime(window.from)},
                               {"to", FormatTime(window.from + parts * length)},
                               {"parts", std::move(wire)},
                               {"now", found[-1].Wire()},
                               {"all_counted", counts.all}});
}

Value WireInstance(const TaskInstance& row, const Run& run, const Task& task) {
  const bool mapped = task.mapped();
  return Value::Map{{"dag_id", run.dag_id},
                    {"dag_run_id", run.run_id},
                    {"task_id", task.id},
                    {"map_index", mapped ? row.map_index : -1},
                    {"state", ToString(row.state)},
                    {"try_number", row.try_number},
                    {"pool", task.pool},
                    {"pool_slots", task.pool_slots},
                    {"worker", TextOrNull(row.worker)},
                    {"queued_date", WireTime(row.queued_at)},
                    {"start_date", WireTime(row.started_at)},
                    {"end_date", WireTime(IsTerminal(row.state) ? row.ended_at : std::nullopt)}};
}

http::Response GetTimeline(Context& context, store::ActivityReader& activity, const Call& call) {
  QueryInput query(call.request);
  const Window window = ReadWindow(context, query);
  const std::int64_t limit = query.Int("limit", 2000, 1, kMostInstances);
  if (auto problems = query.Problems()) return *problems;
  ASSIGN_OR_ANSWER(const store::WindowActivity found,
                   activity.ListWindow(window.from, window.to, limit, call.scope.teams()));
  Value::List wire;
  for (const auto& [run, instances] : found.runs) {
    ASSIGN_OR_ANSWER(const DagPtr dag, context.DagOf(run));
    for (const TaskInstance& row : instances) {
      const auto task = static_cast<std::size_t>(row.task());
      if (task < dag->tasks.size()) wire.push_back(WireInstance(row, run, dag->tasks[task]));
    }
  }
  return JsonAnswer(Value::Map{{"from", FormatTime(window.from)},
                               {"to", FormatTime(window.to)},
                               {"task_instances", std::move(wire)},
                               {"all_listed", found.all}});
}

}  // namespace

void AddActivityRoutes(RouteTable& table, Context& context, store::ActivityReader& activity) {
  const Access read = Needs(Filtered(Verb::kRead), Resource::kDag);
  table.Add({"GET", "/millrace/v1/activity", read, 200,
             "Runs and task instances of all DAGs by state over a time",
             [&](const Call& call) { return GetActivity(context, activity, call); }});
  table.Add({"GET", "/millrace/v1/timeline", read, 200,
             "The task instances of all DAGs that waited or ran in a time",
             [&](const Call& call) { return GetTimeline(context, activity, call); }});
}

}  // namespace millrace::api
