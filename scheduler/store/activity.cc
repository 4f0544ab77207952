#include "scheduler/store/activity.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"

namespace millrace::store {
namespace {

// Two small indexes, instead of a look at every run.
constexpr const char* kRunsSince =
    "run IN (SELECT run FROM run WHERE state < 2 UNION ALL SELECT run FROM run WHERE ended_at >= ?)";

std::string Terminal() {
  std::string list;
  for (int state = 0; state < kTaskStateCount; ++state) {
    if (!IsTerminal(static_cast<TaskState>(state))) continue;
    list += (list.empty() ? "" : ",") + std::to_string(state);
  }
  return "(" + list + ")";
}

template <typename State>
StatusOr<std::vector<Ended<State>>> Counted(Database& database, const Query& query) {
  ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
  return All<Ended<State>>(statement, [](const Statement& row) {
    return Ended<State>{row.Int(0), static_cast<State>(row.Int(1)), row.Int(2)};
  });
}

class Activity : public ActivityReader {
 public:
  Activity(ReadPool& pool, ActivityBounds bounds) : pool_(pool), bounds_(bounds) {}

  StatusOr<ActivityCounts> Count(WallTime from, WallTime to, Duration part,
                                 const TeamsSeen& teams) override {
    return pool_.Read<ActivityCounts>([&](Database& database) -> StatusOr<ActivityCounts> {
      ActivityCounts counts;
      Query runs(
          "SELECT CASE WHEN state < 2 THEN -1 ELSE (ended_at - ?) / ? END AS part, state, count(*) FROM run");
      runs.Add(ToMicros(from)).Add(part.count());
      runs.Where(kRunsSince).Add(ToMicros(from)).Where("(state < 2 OR ended_at < ?)").Add(ToMicros(to));
      AddTeams(runs, teams);
      runs.Tail("GROUP BY part, state ORDER BY part, state");
      ASSIGN_OR_RETURN(counts.runs, Counted<RunState>(database, runs));

      const std::string ended = "state IN " + Terminal();
      // The newest runs first, so that what is left out is the oldest.
      Query tasks(
          "SELECT CASE WHEN " + ended +
          " THEN (ended_at - ?) / ? ELSE -1 END AS part, state, count(*) FROM (SELECT t.state, t.ended_at "
          "FROM (SELECT run, state FROM run WHERE " +
          kRunsSince + (teams ? " AND " + OfTeams(*teams) : std::string()) +
          " ORDER BY run DESC LIMIT ?) r CROSS JOIN task_instance t ON t.key BETWEEN (r.run << " +
          std::to_string(kIndexBits) + ") AND (r.run << " + std::to_string(kIndexBits) + " | " +
          std::to_string(kMaxIndex) + ") WHERE CASE WHEN t." + ended +
          " THEN t.ended_at >= ? AND t.ended_at < ? ELSE r.state < 2 END LIMIT ?)");
      tasks.Add(ToMicros(from)).Add(part.count()).Add(ToMicros(from));
      if (teams) AddNames(tasks, *teams);
      tasks.Add(bounds_.runs);
      tasks.Add(ToMicros(from)).Add(ToMicros(to)).Add(bounds_.counted);
      tasks.Tail("GROUP BY part, state ORDER BY part, state");
      ASSIGN_OR_RETURN(counts.task_instances, Counted<TaskState>(database, tasks));
      std::int64_t counted = 0;
      for (const auto& one : counts.task_instances) counted += one.count;

      Query many("SELECT count(*) FROM (SELECT 1 FROM run");
      many.Where(kRunsSince).Add(ToMicros(from));
      AddTeams(many, teams);
      many.Tail("LIMIT ?)").Add(bounds_.runs + 1);
      ASSIGN_OR_RETURN(Statement counting, many.Prepare(database));
      RETURN_IF_ERROR(counting.Step().status());
      counts.all = counting.Int(0) <= bounds_.runs && counted < bounds_.counted;
      return counts;
    });
  }

  StatusOr<WindowActivity> ListWindow(WallTime from, WallTime to, std::int64_t limit,
                                      const TeamsSeen& teams) override {
    return pool_.Read<WindowActivity>([&](Database& database) -> StatusOr<WindowActivity> {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where(kRunsSince).Add(ToMicros(from)).Where("queued_at < ?").Add(ToMicros(to));
      AddTeams(query, teams);
      query.Tail("ORDER BY run DESC LIMIT ?").Add(bounds_.runs + 1);
      ASSIGN_OR_RETURN(Statement runs, query.Prepare(database));
      ASSIGN_OR_RETURN(
          Statement instances,
          database.Prepare(std::string("SELECT ") + kTaskInstanceColumns +
                           " FROM task_instance WHERE key BETWEEN ? AND ? AND "
                           "coalesce(queued_at, started_at) < ? AND CASE WHEN state IN " +
                           Terminal() + " THEN started_at IS NOT NULL AND ended_at >= ? ELSE ? END LIMIT ?"));
      WindowActivity activity;
      for (std::int64_t looked_at = 0;; ++looked_at) {
        ASSIGN_OR_RETURN(const bool more, runs.Step());
        if (!more) return activity;
        activity.all = looked_at < bounds_.runs;
        if (!activity.all) return activity;
        RunActivity one{ReadRun(runs), {}};
        instances.Bind(1, PackKey({one.run.key, 0}));
        instances.Bind(2, PackKey({one.run.key, static_cast<std::int32_t>(kMaxIndex)}));
        instances.Bind(3, ToMicros(to));
        instances.Bind(4, ToMicros(from));
        instances.Bind(5, std::int64_t{IsTerminal(one.run.state) ? 0 : 1});
        instances.Bind(6, limit + 1);
        ASSIGN_OR_RETURN(one.instances, All<TaskInstance>(instances, ReadTaskInstance));
        instances.Reset();
        if (static_cast<std::int64_t>(one.instances.size()) > limit) {
          one.instances.resize(static_cast<std::size_t>(limit));
          activity.all = false;
        }
        limit -= static_cast<std::int64_t>(one.instances.size());
        if (!one.instances.empty()) activity.runs.push_back(std::move(one));
        if (!activity.all) return activity;
      }
    });
  }

 private:
  ReadPool& pool_;
  const ActivityBounds bounds_;
};

}  // namespace

std::unique_ptr<ActivityReader> MakeActivityReader(ReadPool& pool, ActivityBounds bounds) {
  return std::make_unique<Activity>(pool, bounds);
}

}  // namespace millrace::store
