#include "scheduler/store/audit_reader.h"

#include "scheduler/store/listing.h"

namespace millrace::store {
namespace {

constexpr const char* kAuditColumns = "id, at, user, action, object, detail";

AuditEntry ReadEntry(const Statement& row) {
  return {row.Int(0), AuditRecord{.at = WallFromMicros(row.Int(1)),
                                  .user = row.Text(2),
                                  .action = row.Text(3),
                                  .object = row.Text(4),
                                  .detail = row.Text(5)}};
}

class Audits : public AuditReader {
 public:
  explicit Audits(ReadPool& pool) : pool_(pool) {}

  StatusOr<AuditEntry> GetAudit(std::int64_t id) override {
    return pool_.Read<AuditEntry>([&](Database& database) {
      Query query(std::string("SELECT ") + kAuditColumns + " FROM audit");
      query.Where("id = ?").Add(id);
      return One<AuditEntry>(database, query, "Event log not found: " + std::to_string(id), ReadEntry);
    });
  }

  StatusOr<Listing<AuditEntry>> ListAudit(const AuditFilter& filter) override {
    return pool_.Read<Listing<AuditEntry>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        if (!filter.user.empty()) query.Where("user = ?").Add(filter.user);
        if (!filter.action.empty()) query.Where("action = ?").Add(filter.action);
        for (const std::string& action : filter.excluded) query.Where("action <> ?").Add(action);
        if (filter.after) query.Where("at >= ?").Add(ToMicros(*filter.after));
        if (filter.before) query.Where("at <= ?").Add(ToMicros(*filter.before));
        if (!filter.object.empty()) {
          // What begins with "object/": '0' is the character after '/'.
          query.Where("(object = ? OR (object > ? AND object < ?))")
              .Add(filter.object)
              .Add(filter.object + "/")
              .Add(filter.object + "0");
        }
      };
      return ListPage<AuditEntry>(database, kAuditColumns, "audit", conditions,
                                  filter.descending ? "id DESC" : "id", filter.page, ReadEntry);
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<AuditReader> MakeAuditReader(ReadPool& pool) { return std::make_unique<Audits>(pool); }

}  // namespace millrace::store
