// Lists whose filter is a body, because it may name more DAGs, runs and tasks than fit into an address.
#include <algorithm>
#include <array>
#include <map>

#include "scheduler/api/answer.h"
#include "scheduler/api/input.h"
#include "scheduler/api/instances.h"
#include "scheduler/api/run_filters.h"
#include "scheduler/api/view_handlers.h"
#include "scheduler/api/wire.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr std::int64_t kMaxPage = 100;
constexpr std::int64_t kMaxReach = 10'000;
constexpr int kMaxRuns = 1000;
// Rows that a filter without an index is tried on.
constexpr int kMaxRead = 20'000;

std::int64_t ReadNumber(BodyInput& body, const char* name, std::int64_t fallback) {
  const Value written = body.Any(name);
  if (written.is_null()) return fallback;
  if (written.is_int() && written.as_int() >= 0) return written.as_int();
  body.issues().Add("body", name, "int_type", "Input should be a whole number, not negative", written);
  return fallback;
}

store::Page ReadPage(BodyInput& body) {
  const std::int64_t limit = ReadNumber(body, "page_limit", kMaxPage);
  const std::int64_t offset = ReadNumber(body, "page_offset", 0);
  if (offset > kMaxReach - kMaxPage) {
    body.issues().Add("body", "page_offset", "less_than_equal",
                      "Pages reach to entry 10000; narrow the list with filters to see more", offset);
    return {};
  }
  const std::int64_t rows = limit == 0 ? kMaxPage : std::min(limit, kMaxPage);
  return {static_cast<int>(rows), static_cast<int>(offset)};
}

std::vector<std::string> ReadStrings(BodyInput& body, const char* name) {
  std::vector<std::string> texts;
  const Value written = body.Any(name);
  if (written.is_null()) return texts;
  if (!written.is_list()) {
    body.issues().Add("body", name, "list_type", "Input should be a list", written);
    return texts;
  }
  for (const Value& one : written.as_list()) {
    if (one.is_string()) {
      texts.push_back(one.as_string());
    } else if (one.is_null()) {
      texts.emplace_back();
    } else {
      body.issues().Add("body", name, "string_type", "Input should be a list of strings", one);
    }
  }
  if (texts.size() > static_cast<std::size_t>(kMaxRuns))
    body.issues().Add("body", name, "too_long", "At most 1000 at once");
  return texts;
}

struct TimeRange {
  std::optional<WallTime> from, to;
  bool Holds(const std::optional<WallTime>& time) const {
    if (!from && !to) return true;
    return time && (!from || *time >= *from) && (!to || *time <= *to);
  }
  bool any() const { return from || to; }
};

TimeRange ReadTimes(BodyInput& body, const std::string& name) {
  TimeRange range;
  if (const auto time = body.Time(name + "_gte")) range.from = time;
  if (const auto time = body.Time(name + "_gt")) range.from = *time + Duration(1);
  if (const auto time = body.Time(name + "_lte")) range.to = time;
  if (const auto time = body.Time(name + "_lt")) range.to = *time - Duration(1);
  return range;
}

struct DurationRange {
  std::optional<Duration> from, to;
  bool any() const { return from || to; }
  bool Holds(const std::optional<WallTime>& start, const std::optional<WallTime>& end) const {
    if (!any()) return true;
    return start && end && (!from || *end - *start >= *from) && (!to || *end - *start <= *to);
  }
};

DurationRange ReadDurations(BodyInput& body) {
  const auto read = [&](const char* name) -> std::optional<Duration> {
    const Value written = body.Any(name);
    if (written.is_null()) return std::nullopt;
    if (!written.is_int() && !written.is_double()) {
      body.issues().Add("body", name, "float_type", "Input should be a number of seconds", written);
      return std::nullopt;
    }
    const double seconds = written.is_int() ? static_cast<double>(written.as_int()) : written.as_double();
    return Duration(static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e10) * 1e6));
  };
  DurationRange range;
  if (const auto least = read("duration_gte")) range.from = least;
  if (const auto least = read("duration_gt")) range.from = *least + Duration(1);
  if (const auto most = read("duration_lte")) range.to = most;
  if (const auto most = read("duration_lt")) range.to = *most - Duration(1);
  return range;
}

// The DAGs of the body, or the path's one; both only when they agree.
void NameDags(BodyInput& body, const Call& call, store::RunFilter* filter) {
  const std::string in_path = DagOf(call);
  filter->dag_ids = ReadStrings(body, "dag_ids");
  filter->teams = call.scope.teams();
  if (in_path == "~") return;
  filter->dag_id = in_path;
}

// What no index knows of a run.
struct RunTest {
  TimeRange started, ended;
  DurationRange lasted;
  std::string conf;

  bool any() const { return started.any() || ended.any() || lasted.any() || !conf.empty(); }
  bool Holds(const Run& run) const {
    return started.Holds(run.started_at) && ended.Holds(run.ended_at) &&
           lasted.Holds(run.started_at, run.ended_at) && run.conf.find(conf) != std::string::npos;
  }
};

http::Response TooMany(const std::string& what) {
  return http::ErrorResponse(400, "This filter would be tried on " + std::to_string(kMaxRead) + " " + what +
                                      " or more; name fewer DAGs or runs, or a shorter time");
}

// Of all rows that match, those of a page.
template <typename Row>
void Cut(store::Listing<Row>& listing, const store::Page& page) {
  listing.total = static_cast<std::int64_t>(listing.rows.size());
  listing.total_is_exact = true;
  const auto from = std::min(listing.rows.size(), static_cast<std::size_t>(page.offset));
  const auto to = std::min(listing.rows.size(), from + static_cast<std::size_t>(page.limit));
  listing.rows.resize(to);
  listing.rows.erase(listing.rows.begin(), listing.rows.begin() + static_cast<std::ptrdiff_t>(from));
}

http::Response ListRuns(Context& context, const Call& call) {
  BodyInput body(call.request);
  store::RunFilter filter;
  filter.page = ReadPage(body);
  NameDags(body, call, &filter);
  bool stateless = false;
  for (const std::string& state : ReadStrings(body, "states")) {
    stateless = stateless || state.empty();
    if (const auto known = RunStateFromString(state)) {
      filter.states.push_back(*known);
    } else if (!state.empty()) {
      body.issues().Add("body", "states", "enum", "State is queued, running, success or failed", state);
    }
  }
  const TimeRange logical = ReadTimes(body, "logical_date");
  const TimeRange after = ReadTimes(body, "run_after");
  const RunTest test = {ReadTimes(body, "start_date"), ReadTimes(body, "end_date"), ReadDurations(body),
                        body.String("conf_contains")};
  filter.logical_date_from = logical.from;
  filter.logical_date_to = logical.to;
  filter.run_after_from = after.from;
  filter.run_after_to = after.to;
  if (const std::string order = body.String("order_by"); !order.empty())
    SetRunOrder(order, "body", body.issues(), &filter);
  if (auto problems = body.Problems()) return *problems;
  // Every run has a state.
  if (stateless && filter.states.empty()) return JsonAnswer(WireWholeList("dag_runs", {}));
  if (!filter.dag_id.empty()) ANSWER_IF_ERROR(context.readers.dags.GetDag(filter.dag_id).status());
  const store::Page page = filter.page;
  if (test.any()) filter.page = {kMaxRead, 0};
  ASSIGN_OR_ANSWER(auto listing, context.readers.runs.ListRuns(filter));
  if (test.any()) {
    if (listing.rows.size() >= static_cast<std::size_t>(kMaxRead)) return TooMany("runs");
    std::erase_if(listing.rows, [&](const Run& run) { return !test.Holds(run); });
    Cut(listing, page);
  }
  Value::List runs;
  for (const Run& run : listing.rows)
    runs.push_back(WireRun(run, context.Version(run.dag_id, run.version), call.scope));
  return JsonAnswer(WireList("dag_runs", std::move(runs), listing));
}

// What no index knows of a task instance.
struct InstanceTest {
  std::vector<std::string> task_ids, pools, queues, executors;
  TimeRange started, ended;
  DurationRange lasted;

  bool any() const {
    return !task_ids.empty() || !pools.empty() || !queues.empty() || !executors.empty() || started.any() ||
           ended.any() || lasted.any();
  }
  bool Holds(const TaskInstance& row, const Dag& dag) const {
    const auto index = static_cast<std::size_t>(row.task());
    if (index >= dag.tasks.size()) return false;
    const Task& task = dag.tasks[index];
    const auto among = [](const std::vector<std::string>& wanted, const std::string& value) {
      return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
    };
    // There is one queue, and no executor.
    return among(task_ids, task.id) && among(pools, task.pool) && among(queues, "default") &&
           executors.empty() && started.Holds(row.started_at) && ended.Holds(row.ended_at) &&
           lasted.Holds(row.started_at, row.ended_at);
  }
};

enum class InstanceOrder : std::uint8_t { kPlace, kStart, kEnd };

struct InstanceList {
  store::RunFilter of_runs;
  std::vector<std::string> run_ids;
  store::TaskInstanceFilter filter;
  InstanceTest test;
  InstanceOrder order = InstanceOrder::kPlace;
  bool descending = false;
};

InstanceList ReadInstanceList(BodyInput& body, const Call& call) {
  InstanceList list;
  list.filter.page = ReadPage(body);
  NameDags(body, call, &list.of_runs);
  list.run_ids = ReadStrings(body, "dag_run_ids");
  if (const std::string run(call.request.Param("dag_run_id")); run != "~") {
    if (!list.run_ids.empty() && list.run_ids != std::vector{run})
      body.issues().Add("body", "dag_run_ids", "value_error", "The run is named by the address already");
    list.run_ids = {run};
  }
  for (const std::string& state : ReadStrings(body, "state")) {
    const auto known = TaskStateFromString(state.empty() || state == "no_status" ? "none" : state);
    if (known) {
      list.filter.states.push_back(*known);
    } else {
      body.issues().Add("body", "state", "enum", "This is no state of a task instance", state);
    }
  }
  const TimeRange logical = ReadTimes(body, "logical_date");
  const TimeRange after = ReadTimes(body, "run_after");
  list.of_runs.logical_date_from = logical.from;
  list.of_runs.logical_date_to = logical.to;
  list.of_runs.run_after_from = after.from;
  list.of_runs.run_after_to = after.to;
  list.test = {ReadStrings(body, "task_ids"),
               ReadStrings(body, "pool"),
               ReadStrings(body, "queue"),
               ReadStrings(body, "executor"),
               ReadTimes(body, "start_date"),
               ReadTimes(body, "end_date"),
               ReadDurations(body)};
  std::string order = body.String("order_by");
  list.descending = order.starts_with("-");
  if (list.descending) order.erase(0, 1);
  if (order == "start_date") {
    list.order = InstanceOrder::kStart;
  } else if (order == "end_date") {
    list.order = InstanceOrder::kEnd;
  } else if (list.descending || (!order.empty() && order != "id" && order != "map_index")) {
    body.issues().Add("body", "order_by", "value_error",
                      "Ordering is by id, map_index, start_date or end_date", order);
  }
  return list;
}

// The runs that are meant, at most a thousand; `whole`: these are all of them.
StatusOr<std::vector<Run>> RunsOf(Context& context, InstanceList& list, bool* whole) {
  list.of_runs.page.limit = kMaxRuns;
  list.of_runs.descending = true;  // the newest, when there are more
  if (!list.of_runs.dag_id.empty())
    RETURN_IF_ERROR(context.readers.dags.GetDag(list.of_runs.dag_id).status());
  if (list.run_ids.empty()) {
    ASSIGN_OR_RETURN(auto listing, context.readers.runs.ListRuns(list.of_runs));
    *whole = static_cast<std::int64_t>(listing.rows.size()) == listing.total;
    return std::move(listing.rows);
  }
  std::vector<Run> runs;
  for (const std::string& id : list.run_ids) {
    // Runs of several DAGs may have one id.
    store::RunFilter one = list.of_runs;
    one.run_id_pattern = id;
    ASSIGN_OR_RETURN(auto listing, context.readers.runs.ListRuns(one));
    for (Run& run : listing.rows) {
      if (run.run_id == id) runs.push_back(std::move(run));
    }
  }
  return runs;
}

// Rows that pass the test, in the order that was asked for, cut to the page.
Status TestAndCut(Context& context, const InstanceList& list, const std::vector<Run>& runs,
                  store::Listing<TaskInstance>* listing) {
  std::map<RunKey, DagPtr> dags;
  for (const Run& run : runs) {
    ASSIGN_OR_RETURN(dags[run.key], context.DagOf(run));
  }
  std::erase_if(listing->rows, [&](const TaskInstance& row) {
    const auto dag = dags.find(row.key.run);
    return dag == dags.end() || !list.test.Holds(row, *dag->second);
  });
  if (list.order != InstanceOrder::kPlace) {
    const auto time = [&](const TaskInstance& row) {
      return list.order == InstanceOrder::kStart ? row.started_at : row.ended_at;
    };
    std::stable_sort(listing->rows.begin(), listing->rows.end(),
                     [&](const TaskInstance& a, const TaskInstance& b) {
                       return list.descending ? time(b) < time(a) : time(a) < time(b);
                     });
  }
  Cut(*listing, list.filter.page);
  return OkStatus();
}

http::Response ListInstances(Context& context, const Call& call) {
  BodyInput body(call.request);
  InstanceList list = ReadInstanceList(body, call);
  if (auto problems = body.Problems()) return *problems;
  bool whole = true;
  ASSIGN_OR_ANSWER(const std::vector<Run> runs, RunsOf(context, list, &whole));
  if (runs.empty()) return JsonAnswer(WireWholeList("task_instances", {}));
  Shower shower(context);
  for (const Run& run : runs) {
    list.filter.runs.push_back(run.key);
    shower.Know(run);
  }
  std::sort(list.filter.runs.begin(), list.filter.runs.end());
  const bool in_memory = list.test.any() || list.order != InstanceOrder::kPlace;
  store::TaskInstanceFilter filter = list.filter;
  if (in_memory) filter.page = {kMaxRead, 0};
  ASSIGN_OR_ANSWER(auto listing, context.readers.task_instances.ListTaskInstances(filter));
  if (in_memory) {
    if (listing.rows.size() >= static_cast<std::size_t>(kMaxRead)) return TooMany("task instances");
    ANSWER_IF_ERROR(TestAndCut(context, list, runs, &listing));
  }
  listing.total_is_exact = listing.total_is_exact && whole;
  ASSIGN_OR_ANSWER(Value::List shown, shower.Show(listing.rows));
  return JsonAnswer(WireList("task_instances", std::move(shown), listing));
}

}  // namespace

void AddBatchListRoutes(RouteTable& table, Context& context) {
  table.Add({"POST", "/api/v2/dags/{dag_id}/dagRuns/list", Needs(Filtered(Verb::kRead), Resource::kDag), 200,
             "List runs by a filter in the body; ~ for any DAG's",
             [&context](const Call& call) { return ListRuns(context, call); }});
  table.Add({"POST", "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list",
             Needs(Filtered(Verb::kRead), Resource::kDag), 200,
             "List task instances by a filter in the body; ~ for those of any DAG or run",
             [&context](const Call& call) { return ListInstances(context, call); }});
}

}  // namespace millrace::api
