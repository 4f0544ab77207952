#include "scheduler/store/run_reader.h"

#include <algorithm>

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

class Runs : public RunReader {
 public:
  explicit Runs(ReadPool& pool) : pool_(pool) {}

  StatusOr<Run> GetRun(const std::string& dag_id, const std::string& run_id) override {
    return pool_.Read<Run>([&](Database& database) {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where("dag_id = ?").Add(dag_id).Where("run_id = ?").Add(run_id);
      return One<Run>(database, query, "run not found: " + dag_id + " " + run_id, ReadRun);
    });
  }

  StatusOr<Run> GetRunByKey(RunKey key) override {
    return pool_.Read<Run>([&](Database& database) {
      Query query(std::string("SELECT ") + kRunColumns + " FROM run");
      query.Where("run = ?").Add(ToInt(key));
      return One<Run>(database, query, "run not found: " + std::to_string(ToInt(key)), ReadRun);
    });
  }

  StatusOr<Listing<Run>> ListRuns(const RunFilter& filter) override {
    return pool_.Read<Listing<Run>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        if (!filter.dag_id.empty()) query.Where("dag_id = ?").Add(filter.dag_id);
        query.WhereIn("state", Numbers(filter.states)).WhereIn("type", Numbers(filter.types));
        if (filter.logical_date_from)
          query.Where("logical_date >= ?").Add(ToMicros(*filter.logical_date_from));
        if (filter.logical_date_to) query.Where("logical_date <= ?").Add(ToMicros(*filter.logical_date_to));
        if (filter.run_after_from) query.Where("run_after >= ?").Add(ToMicros(*filter.run_after_from));
        if (filter.run_after_to) query.Where("run_after <= ?").Add(ToMicros(*filter.run_after_to));
        if (filter.ended_before)
          query.Where("ended_at < ? AND state >= 2").Add(ToMicros(*filter.ended_before));
        if (!filter.dag_ids.empty()) {
          std::string in = "dag_id IN (";
          for (std::size_t i = 0; i < filter.dag_ids.size(); ++i) {
            in += i == 0 ? "?" : ",?";
            query.Add(filter.dag_ids[i]);
          }
          query.Where(in + ")");
        }
        AddTeams(query, filter.teams);
        if (filter.backfill != 0) query.Where("backfill = ?").Add(filter.backfill);
        if (!filter.run_id_pattern.empty()) query.Where("run_id LIKE ?").Add(filter.run_id_pattern);
        if (!filter.partition_key.empty()) query.Where("partition_key = ?").Add(filter.partition_key);
        if (filter.partition_date_from)
          query.Where("partition_date >= ?").Add(ToMicros(*filter.partition_date_from));
        if (filter.partition_date_to)
          query.Where("partition_date <= ?").Add(ToMicros(*filter.partition_date_to));
        if (!filter.partition_key_pattern.empty())
          query.Where("partition_key LIKE ?").Add(filter.partition_key_pattern);
      };
      const bool backward = filter.cursor && filter.cursor->backward;
      const std::string direction = filter.descending != backward ? " DESC" : "";
      const std::string column = OrderColumn(filter.order);
      const auto place = [&](Query& query) {
        if (!filter.cursor) return;
        AddCursor(query, *filter.cursor, column == "run" ? "" : column, "run", filter.cursor->key,
                  filter.descending);
      };
      auto listing = ListPage<Run>(database, kRunColumns, "run", conditions,
                                   column + direction + ", run" + direction, filter.page, ReadRun, place);
      if (listing.ok() && backward) std::reverse(listing->rows.begin(), listing->rows.end());
      return listing;
    });
  }

  StatusOr<std::vector<DeadlineRow>> ListDeadlines(RunKey key) override {
    return pool_.Read<std::vector<DeadlineRow>>(
        [&](Database& database) -> StatusOr<std::vector<DeadlineRow>> {
          Query query("SELECT idx, due_at, missed_at FROM deadline");
          query.Where("run = ?").Add(ToInt(key)).Tail("ORDER BY idx");
          ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
          return All<DeadlineRow>(statement, [key](const Statement& row) {
            return DeadlineRow{key, static_cast<std::int32_t>(row.Int(0)), WallFromMicros(row.Int(1)),
                               row.Time(2), false};
          });
        });
  }

 private:
  template <typename Enum>
  static std::vector<std::int64_t> Numbers(const std::vector<Enum>& values) {
    std::vector<std::int64_t> numbers;
    for (Enum value : values) numbers.push_back(static_cast<std::int64_t>(value));
    return numbers;
  }
  static std::string OrderColumn(RunOrder order) {
    switch (order) {
      case RunOrder::kRunAfter:
        return "run_after";
      case RunOrder::kLogicalDate:
        return "logical_date";
      case RunOrder::kStartDate:
        return "started_at";
      case RunOrder::kEndDate:
        return "ended_at";
      case RunOrder::kKey:
        break;
    }
    return "run";
  }

  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<RunReader> MakeRunReader(ReadPool& pool) { return std::make_unique<Runs>(pool); }

}  // namespace millrace::store
