#include "scheduler/store/backfill_reader.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"

namespace millrace::store {
namespace {

class Backfills : public BackfillReader {
 public:
  explicit Backfills(ReadPool& pool) : pool_(pool) {}

  StatusOr<Backfill> GetBackfill(std::int64_t id) override {
    return pool_.Read<Backfill>([&](Database& database) {
      Query query(std::string("SELECT ") + kBackfillColumns + " FROM backfill");
      query.Where("id = ?").Add(id);
      return One<Backfill>(database, query, "Backfill not found: " + std::to_string(id), ReadBackfill);
    });
  }

  StatusOr<Listing<Backfill>> ListBackfills(const BackfillFilter& filter) override {
    return pool_.Read<Listing<Backfill>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        if (!filter.dag_id.empty()) query.Where("dag_id = ?").Add(filter.dag_id);
        AddTeams(query, filter.teams);
      };
      return ListPage<Backfill>(database, kBackfillColumns, "backfill", conditions,
                                filter.descending ? "id DESC" : "id", filter.page, ReadBackfill);
    });
  }

  StatusOr<std::vector<std::int64_t>> CountRuns(std::int64_t id) override {
    return pool_.Read<std::vector<std::int64_t>>(
        [&](Database& database) -> StatusOr<std::vector<std::int64_t>> {
          ASSIGN_OR_RETURN(
              Statement statement,
              database.Prepare("SELECT state, count(*) FROM run WHERE backfill = ? GROUP BY state"));
          statement.Bind(1, id);
          std::vector<std::int64_t> counts(4);
          while (true) {
            ASSIGN_OR_RETURN(const bool more, statement.Step());
            if (!more) return counts;
            counts[static_cast<std::size_t>(statement.Int(0)) & 3U] = statement.Int(1);
          }
        });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<BackfillReader> MakeBackfillReader(ReadPool& pool) {
  return std::make_unique<Backfills>(pool);
}

}  // namespace millrace::store
