#include "scheduler/store/run_counts.h"

#include "scheduler/store/listing.h"

namespace millrace::store {
namespace {

constexpr std::int64_t kQuarter = 900'000'000;  // of an hour, in microseconds

class RunCounts : public RunCountReader {
 public:
  explicit RunCounts(ReadPool& pool) : pool_(pool) {}

  StatusOr<std::vector<RunCount>> CountRuns(const std::string& dag_id, WallTime from, WallTime to) override {
    return pool_.Read<std::vector<RunCount>>([&](Database& database) -> StatusOr<std::vector<RunCount>> {
      // Two ranges of one index each, instead of a look at every run of the DAG.
      const std::string quarter =
          " / " + std::to_string(kQuarter) + " AS quarter, state FROM run WHERE dag_id = ? AND ";
      Query query("SELECT quarter, state, count(*) FROM (SELECT logical_date" + quarter +
                  "logical_date >= ? AND logical_date < ? UNION ALL SELECT run_after" + quarter +
                  "logical_date IS NULL AND run_after >= ? AND run_after < ?)");
      for (int part = 0; part < 2; ++part) query.Add(dag_id).Add(ToMicros(from)).Add(ToMicros(to));
      query.Tail("GROUP BY quarter, state ORDER BY quarter, state");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<RunCount>(statement, [](const Statement& row) {
        return RunCount{WallFromMicros(row.Int(0) * kQuarter), static_cast<RunState>(row.Int(1)), row.Int(2)};
      });
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<RunCountReader> MakeRunCountReader(ReadPool& pool) {
  return std::make_unique<RunCounts>(pool);
}

}  // namespace millrace::store
