// A DAG's calendar: how many runs each day has in which state, and how many its schedule has in mind for the
// days to come.
#include <algorithm>
#include <chrono>
#include <map>

#include "core/calendar/timetable.h"
#include "scheduler/api/answer.h"
#include "scheduler/api/input.h"
#include "scheduler/api/view_handlers.h"

namespace millrace::api {
namespace {

using auth::Resource;
using auth::Verb;

constexpr auto kLongest = std::chrono::hours(24) * 400;
constexpr int kMostPlanned = 5000;

struct Day {
  std::map<RunState, std::int64_t> runs;
  std::int64_t planned = 0;
};

// "2001-03-01", where the clocks of `zone` are.
std::string DateOf(WallTime time, const Zone* zone) {
  const LocalTime local = zone != nullptr ? zone->ToLocal(time) : LocalTime(time.time_since_epoch());
  const std::chrono::year_month_day date{std::chrono::floor<std::chrono::days>(local)};
  const auto two = [](unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::to_string(static_cast<int>(date.year())) + "-" + two(static_cast<unsigned>(date.month())) +
         "-" + two(static_cast<unsigned>(date.day()));
}

// Those that are yet to come. False: there are more in the range than are counted.
StatusOr<bool> AddPlanned(const ZoneDatabase* zones, const Dag& dag, WallTime now, WallTime from, WallTime to,
                          const Zone* zone, std::map<std::string, Day>* days) {
  if (zones == nullptr || now >= to) return true;
  ASSIGN_OR_RETURN(const Timetable timetable, Timetable::Of(dag.schedule, *zones));
  if (timetable.is_continuous()) return true;  // when, depends on how long each takes
  const ScheduleWindow window{dag.schedule.start, dag.schedule.end, dag.schedule.catchup};
  const std::vector<RunDates> upcoming = timetable.Upcoming(std::max(now, from), window, kMostPlanned);
  for (const RunDates& dates : upcoming) {
    if (dates.logical_date >= to) return true;
    if (dates.logical_date < from) continue;  // it covers an interval that began before
    ++(*days)[DateOf(dates.logical_date, zone)].planned;
  }
  return upcoming.size() < static_cast<std::size_t>(kMostPlanned);
}

http::Response GetCalendar(Context& context, const Views& views, const Call& call) {
  QueryInput query(call.request);
  const WallTime now = context.clock.now().wall;
  const WallTime from = query.Time("from").value_or(now - kLongest / 2);
  const WallTime to = query.Time("to").value_or(now + kLongest / 2);
  const std::string zone_name = query.String("timezone");
  if (to <= from || to - from > kLongest)
    query.issues().Add("query", "to", "value_error",
                       "A calendar ends after it begins, and at most 400 days later");
  const Zone* zone = nullptr;
  if (!zone_name.empty() && views.zones != nullptr) {
    const StatusOr<const Zone*> found = views.zones->Find(zone_name);
    if (found.ok()) {
      zone = *found;
    } else {
      query.issues().Add("query", "timezone", "value_error", found.status().message(), zone_name);
    }
  }
  if (auto problems = query.Problems()) return *problems;
  const std::string dag_id(call.request.Param("dag_id"));
  ASSIGN_OR_ANSWER(const store::DagEntry entry, context.readers.dags.GetDag(dag_id));
  ASSIGN_OR_ANSWER(const std::vector<store::RunCount> counts, views.run_counts->CountRuns(dag_id, from, to));
  std::map<std::string, Day> days;
  for (const store::RunCount& count : counts)
    days[DateOf(count.quarter, zone)].runs[count.state] += count.count;
  bool all_planned = true;
  if (!entry.row.paused && !entry.row.stale) {
    ASSIGN_OR_ANSWER(all_planned, AddPlanned(views.zones, *entry.dag, now, from, to, zone, &days));
  }
  Value::List wire;
  for (const auto& [date, day] : days) {
    Value::Map states;
    for (const auto& [state, count] : day.runs)
      states.emplace_back(std::string(ToString(state)), Value(count));
    wire.emplace_back(Value::Map{{"date", date}, {"states", std::move(states)}, {"planned", day.planned}});
  }
  return JsonAnswer(Value::Map{{"dag_id", dag_id},
                               {"timezone", zone != nullptr ? std::string(zone->name()) : "UTC"},
                               {"is_paused", entry.row.paused},
                               {"days", std::move(wire)},
                               {"all_planned", all_planned}});
}

}  // namespace

void AddCalendarRoutes(RouteTable& table, Context& context, const Views& views) {
  table.Add({"GET", "/millrace/v1/dags/{dag_id}/calendar", Needs(Verb::kRead, Resource::kDag), 200,
             "Runs a day by state, and planned ones",
             [&context, views](const Call& call) { return GetCalendar(context, views, call); }});
}

}  // namespace millrace::api
