#include "scheduler/store/task_instance_reader.h"

#include <algorithm>

#include "scheduler/store/listing.h"
#include "scheduler/store/rows.h"
#include "scheduler/store/schema.h"

namespace millrace::store {
namespace {

class TaskInstances : public TaskInstanceReader {
 public:
  explicit TaskInstances(ReadPool& pool) : pool_(pool) {}

  StatusOr<TaskInstance> GetTaskInstance(const TaskInstanceKey& key) override {
    return pool_.Read<TaskInstance>([&](Database& database) {
      Query query(std::string("SELECT ") + kTaskInstanceColumns + " FROM task_instance");
      query.Where("key = ?").Add(PackKey(key));
      return One<TaskInstance>(database, query, "task instance not found", ReadTaskInstance);
    });
  }

  StatusOr<Listing<TaskInstance>> ListTaskInstances(const TaskInstanceFilter& filter) override {
    return pool_.Read<Listing<TaskInstance>>([&](Database& database) {
      const auto conditions = [&filter](Query& query) {
        std::string ranges;
        for (RunKey run : filter.runs) {
          ranges += ranges.empty() ? "(key BETWEEN ? AND ?" : " OR key BETWEEN ? AND ?";
          query.Add(PackKey({run, 0})).Add(PackKey({run, static_cast<std::int32_t>(kMaxIndex)}));
        }
        if (!ranges.empty()) query.Where(ranges + ")");
        if (filter.teams) {
          query.Where("EXISTS (SELECT 1 FROM run r WHERE r.run = key >> " + std::to_string(kIndexBits) + " AND " +
                      OfTeams(*filter.teams, "r.dag_id") + ")");
          AddNames(query, *filter.teams);
        }
        std::vector<std::int64_t> states;
        for (TaskState state : filter.states) states.push_back(static_cast<std::int64_t>(state));
        query.WhereIn("state", states);
        if (filter.task) {
          query.Where("coalesce(mapped_task, key & ?) = ?").Add(kMaxIndex).Add(*filter.task);
        }
      };
      const bool backward = filter.cursor && filter.cursor->backward;
      const auto place = [&](Query& query) {
        if (!filter.cursor) return;
        const std::int64_t packed = PackKey({RunKey{filter.cursor->key}, filter.cursor->index});
        AddCursor(query, *filter.cursor, "", "key", packed, false);
      };
      auto listing =
          ListPage<TaskInstance>(database, kTaskInstanceColumns, "task_instance", conditions,
                                 backward ? "key DESC" : "key", filter.page, ReadTaskInstance, place);
      if (listing.ok() && backward) std::reverse(listing->rows.begin(), listing->rows.end());
      return listing;
    });
  }

  StatusOr<std::vector<Attempt>> ListAttempts(const TaskInstanceKey& key) override {
    return pool_.Read<std::vector<Attempt>>([&](Database& database) -> StatusOr<std::vector<Attempt>> {
      Query query(std::string("SELECT ") + kAttemptColumns + " FROM attempt");
      query.Where("key = ?").Add(PackKey(key)).Tail("ORDER BY term, counter");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<Attempt>(statement, ReadAttempt);
    });
  }

  StatusOr<std::vector<NoteRecord>> ListNotes(const std::vector<TaskInstanceKey>& keys) override {
    return pool_.Read<std::vector<NoteRecord>>([&](Database& database) -> StatusOr<std::vector<NoteRecord>> {
      std::vector<NoteRecord> notes;
      ASSIGN_OR_RETURN(Statement statement,
                       database.Prepare("SELECT key, text, user, at FROM note WHERE key = ?"));
      for (const TaskInstanceKey& key : keys) {
        statement.Bind(1, PackKey(key));
        ASSIGN_OR_RETURN(const bool found, statement.Step());
        if (found) {
          notes.push_back({UnpackKey(statement.Int(0)), statement.Text(1), statement.Text(2),
                           WallFromMicros(statement.Int(3))});
        }
        statement.Reset();
      }
      return notes;
    });
  }

  StatusOr<std::string> GetResult(const TaskInstanceKey& key) override {
    return pool_.Read<std::string>([&](Database& database) {
      Query query("SELECT json FROM xcom");
      query.Where("key = ?").Add(PackKey(key)).Where("name = ?").Add(std::string(kReturnValue));
      return One<std::string>(database, query, "the task instance has left no result",
                              [](const Statement& row) { return row.Text(0); });
    });
  }

 private:
  ReadPool& pool_;
};

class XComs : public XComReader {
 public:
  explicit XComs(ReadPool& pool) : pool_(pool) {}

  StatusOr<XComRow> GetXCom(const XComKey& key) override {
    return pool_.Read<XComRow>([&](Database& database) {
      Query query(std::string("SELECT ") + kXComColumns + " FROM xcom");
      query.Where("key = ?").Add(PackKey(key.instance)).Where("name = ?").Add(key.key);
      return One<XComRow>(database, query, "the task instance has no XCom " + key.key, ReadXCom);
    });
  }

  StatusOr<std::vector<XComRow>> ListXComs(const TaskInstanceKey& key) override {
    return pool_.Read<std::vector<XComRow>>([&](Database& database) -> StatusOr<std::vector<XComRow>> {
      Query query(std::string("SELECT ") + kXComColumns + " FROM xcom");
      query.Where("key = ?").Add(PackKey(key)).Tail("ORDER BY name");
      ASSIGN_OR_RETURN(Statement statement, query.Prepare(database));
      return All<XComRow>(statement, ReadXCom);
    });
  }

 private:
  ReadPool& pool_;
};

class Jobs : public JobReader {
 public:
  explicit Jobs(ReadPool& pool) : pool_(pool) {}

  StatusOr<JobRow> GetJob(const JobKey& key) override {
    return pool_.Read<JobRow>([&](Database& database) {
      Query query("SELECT state, report, ended_at FROM job");
      query.Where("key = ?").Add(PackKey(key.instance)).Where("try_number = ?").Add(key.try_number);
      return One<JobRow>(database, query, "the task instance has run no job", [&key](const Statement& row) {
        return JobRow{.job = key, .state = row.Text(0), .report = row.Text(1), .ended_at = row.Time(2)};
      });
    });
  }

 private:
  ReadPool& pool_;
};

}  // namespace

std::unique_ptr<TaskInstanceReader> MakeTaskInstanceReader(ReadPool& pool) {
  return std::make_unique<TaskInstances>(pool);
}

std::unique_ptr<XComReader> MakeXComReader(ReadPool& pool) { return std::make_unique<XComs>(pool); }

std::unique_ptr<JobReader> MakeJobReader(ReadPool& pool) { return std::make_unique<Jobs>(pool); }

}  // namespace millrace::store
