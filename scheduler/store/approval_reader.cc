#include "scheduler/store/approval_reader.h"

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"

namespace millrace::store {
namespace {

// Of what was cleared since, the try is over and the next one has not asked yet.
const std::string kAtItsTry =
    "EXISTS (SELECT 1 FROM task_instance t WHERE t.key = approval.key AND t.try_number = approval.try_number "
    "AND "
    "t.state NOT IN (" +
    std::to_string(static_cast<int>(TaskState::kNone)) + "," +
    std::to_string(static_cast<int>(TaskState::kScheduled)) + "))";

class Approvals : public ApprovalReader {
 public:
  explicit Approvals(ReadPool& pool) : pool_(pool) {}

  StatusOr<ApprovalRow> GetApproval(const TaskInstanceKey& key, std::int32_t try_number) override {
    return pool_.Read<ApprovalRow>([&](Database& database) {
      Query query(std::string("SELECT ") + kApprovalColumns + " FROM approval");
      query.Where("key = ?").Add(PackKey(key)).Where("try_number = ?").Add(try_number);
      return One<ApprovalRow>(database, query, "this try has asked nobody", ReadApproval);
    });
  }

  StatusOr<std::vector<ApprovalEntry>> ListApprovals(const ApprovalFilter& filter) override {
    return pool_.Read<std::vector<ApprovalEntry>>(
        [&](Database& database) -> StatusOr<std::vector<ApprovalEntry>> {
          Query query(std::string("SELECT ") + kApprovalColumns + " FROM approval");
          if (filter.answered)
            query.Where(*filter.answered ? "responded_at IS NOT NULL" : "responded_at IS NULL");
          if (filter.created_from) query.Where("created_at >= ?").Add(ToMicros(*filter.created_from));
          if (filter.created_to) query.Where("created_at <= ?").Add(ToMicros(*filter.created_to));
          AddRuns(filter, query);
          if (filter.teams) {
            query.Where("EXISTS (SELECT 1 FROM run r WHERE r.run = key >> " + std::to_string(kIndexBits) + " AND " +
                        OfTeams(*filter.teams, "r.dag_id") + ")");
            AddNames(query, *filter.teams);
          }
          AddStates(filter, query);
          query.Where(kAtItsTry).Tail("ORDER BY created_at, key LIMIT ?").Add(kCountLimit);
          ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
          ASSIGN_OR_RETURN(const std::vector<ApprovalRow> rows, All<ApprovalRow>(statement, ReadApproval));
          std::vector<ApprovalEntry> entries;
          for (const ApprovalRow& row : rows) {
            Query instance(std::string("SELECT ") + kTaskInstanceColumns + " FROM task_instance");
            instance.Where("key = ?").Add(PackKey(row.instance));
            Query run(std::string("SELECT ") + kRunColumns + " FROM run");
            run.Where("run = ?").Add(ToInt(row.instance.run));
            ApprovalEntry entry;
            entry.row = row;
            ASSIGN_OR_RETURN(entry.instance, One<TaskInstance>(database, instance, "task instance not found",
                                                               ReadTaskInstance));
            ASSIGN_OR_RETURN(entry.run, One<Run>(database, run, "run not found", ReadRun));
            entries.push_back(std::move(entry));
          }
          return entries;
        });
  }

 private:
  static void AddRuns(const ApprovalFilter& filter, Query& query) {
    if (filter.dag_id.empty() && filter.run_id.empty() && filter.dag_pattern.empty()) return;
    std::string in = "key >> " + std::to_string(kIndexBits) + " IN (SELECT run FROM run WHERE 1";
    for (const auto& [condition, value] :
         {std::pair(" AND dag_id = ?", &filter.dag_id), std::pair(" AND run_id = ?", &filter.run_id),
          std::pair(" AND dag_id LIKE ?", &filter.dag_pattern)}) {
      if (value->empty()) continue;
      in += condition;
      query.Add(*value);
    }
    query.Where(in + ")");
  }

  static void AddStates(const ApprovalFilter& filter, Query& query) {
    if (filter.states.empty()) return;
    std::string in;
    for (const TaskState state : filter.states)
      in += (in.empty() ? "" : ",") + std::to_string(static_cast<int>(state));
    query.Where("EXISTS (SELECT 1 FROM task_instance t WHERE t.key = approval.key AND t.state IN (" + in +
                "))");
  }

  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<ApprovalReader> MakeApprovalReader(ReadPool& pool) {
  return std::make_unique<Approvals>(pool);
}

}  // namespace millrace::store
