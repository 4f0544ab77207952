// The store's readers over plain containers, for tests of what reads them. Filled before anyone asks, or
// under `mutex`.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/store/logs.h"
#include "scheduler/store/reader.h"

namespace millrace::test {

// What the store would hold.
struct Rows {
  std::mutex mutex;
  std::map<std::string, store::DagEntry> dags;
  std::vector<DagVersionRow> versions;
  std::vector<ImportError> import_errors;
  std::map<std::string, std::set<std::string>> favorites;  // by user
  std::vector<Run> runs;
  std::map<TaskInstanceKey, TaskInstance> instances;
  std::map<TaskInstanceKey, std::vector<Attempt>> attempts;
  std::map<XComKey, XComRow> xcoms;
  std::map<XComKey, TaskStateRow> task_states;
  std::map<std::pair<std::string, std::string>, DatasetStateRow> dataset_states;  // by dataset and key
  std::vector<store::DatasetEntry> datasets;
  std::vector<store::DatasetEventEntry> dataset_events;
  std::vector<store::DatasetAliasEntry> dataset_aliases;
  std::vector<store::QueuedEvent> queued;
  std::map<RunKey, std::vector<DeadlineRow>> deadlines;
  std::map<JobKey, JobRow> jobs;
  std::vector<store::JournalEntry> journal;
  std::map<std::pair<TaskInstanceKey, std::int32_t>, std::string> logs;
  std::vector<Backfill> backfills;
  std::vector<store::ApprovalEntry> approvals;
  std::vector<NoteRecord> notes;
  std::vector<Notification> notifications;
  std::vector<RunKey> removed_logs;
  std::vector<std::string> backups;
};

// SQL LIKE with % only.
inline bool Like(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '%') {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (Like(text.substr(i), pattern.substr(1))) return true;
    }
    return false;
  }
  return !text.empty() && text.front() == pattern.front() && Like(text.substr(1), pattern.substr(1));
}

template <typename Row>
store::Listing<Row> PageOf(std::vector<Row> rows, const store::Page& page) {
  store::Listing<Row> listing;
  listing.total = static_cast<std::int64_t>(rows.size());
  for (std::size_t i = static_cast<std::size_t>(page.offset);
       i < rows.size() && listing.rows.size() < static_cast<std::size_t>(page.limit); ++i) {
    listing.rows.push_back(std::move(rows[i]));
  }
  return listing;
}

template <typename Value>
bool Has(const std::vector<Value>& wanted, const Value& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

// Whether a caller with these teams is told of what belongs to `team`.
inline bool IsTold(const store::TeamsSeen& teams, const std::string& team) {
  return !teams || team.empty() || std::find(teams->begin(), teams->end(), team) != teams->end();
}

class FakeReaders : public store::DagReader,
                    public store::RunReader,
                    public store::TaskInstanceReader,
                    public store::XComReader,
                    public store::StateStoreReader,
                    public store::DatasetReader,
                    public store::JobReader,
                    public store::JournalReader,
                    public store::LogReader,
                    public store::BackfillReader,
                    public store::ApprovalReader,
                    public store::NotificationReader,
                    public store::LogCleaner,
                    public store::BackupWriter {
 public:
  explicit FakeReaders(Rows& rows) : rows_(rows) {}

  StatusOr<store::DagEntry> GetDag(const std::string& dag_id) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.dags.find(dag_id);
    if (found == rows_.dags.end()) return NotFound("DAG not found: " + dag_id);
    return found->second;
  }
  StatusOr<store::Listing<store::DagEntry>> ListDags(const store::DagFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::DagEntry> matching;
    for (const auto& [id, entry] : rows_.dags) {
      const auto& tags = entry.dag->tags;
      const bool tagged =
          filter.tags.empty() || std::any_of(tags.begin(), tags.end(),
                                             [&](const std::string& tag) { return Has(filter.tags, tag); });
      if (!IsTold(filter.teams, entry.row.team)) continue;
      if (!filter.id_pattern.empty() && !Like(id, filter.id_pattern)) continue;
      if (!tagged || (filter.paused && *filter.paused != entry.row.paused)) continue;
      if (!filter.include_stale && entry.row.stale) continue;
      if (filter.favorite && *filter.favorite != rows_.favorites[filter.user].contains(id)) continue;
      matching.push_back(entry);
    }
    if (filter.descending) std::reverse(matching.begin(), matching.end());
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<DagPtr> GetVersion(const std::string& dag_id, std::int32_t version) override {
    const std::lock_guard lock(rows_.mutex);
    for (auto row = rows_.versions.rbegin(); row != rows_.versions.rend(); ++row) {
      if (row->dag_id == dag_id && (version == 0 || row->version == version)) return row->dag;
    }
    return NotFound("DAG not found: " + dag_id);
  }
  StatusOr<std::vector<DagVersionRow>> ListVersions(const std::string& dag_id) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<DagVersionRow> versions;
    for (const DagVersionRow& row : rows_.versions) {
      if (row.dag_id == dag_id) versions.push_back(row);
    }
    return versions;
  }
  StatusOr<std::vector<ImportError>> ListImportErrors() override {
    const std::lock_guard lock(rows_.mutex);
    return rows_.import_errors;
  }
  StatusOr<std::vector<std::string>> ListFavorites(const std::string& user) override {
    const std::lock_guard lock(rows_.mutex);
    return std::vector<std::string>(rows_.favorites[user].begin(), rows_.favorites[user].end());
  }
  StatusOr<std::map<std::string, std::string>> ListTeamsOfDags() override {
    const std::lock_guard lock(rows_.mutex);
    std::map<std::string, std::string> teams;
    for (const auto& [id, entry] : rows_.dags) {
      if (!entry.row.team.empty()) teams.emplace(id, entry.row.team);
    }
    return teams;
  }

  StatusOr<Run> GetRun(const std::string& dag_id, const std::string& run_id) override {
    const std::lock_guard lock(rows_.mutex);
    for (const Run& run : rows_.runs) {
      if (run.dag_id == dag_id && run.run_id == run_id) return run;
    }
    return NotFound("Run not found: " + dag_id + " " + run_id);
  }
  StatusOr<Run> GetRunByKey(RunKey key) override {
    const std::lock_guard lock(rows_.mutex);
    for (const Run& run : rows_.runs) {
      if (run.key == key) return run;
    }
    return NotFound("Run not found");
  }
  StatusOr<store::Listing<Run>> ListRuns(const store::RunFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<Run> matching;
    for (const Run& run : rows_.runs) {
      if (!filter.dag_id.empty() && run.dag_id != filter.dag_id) continue;
      if (!Has(filter.dag_ids, run.dag_id) || !IsToldOfDag(filter.teams, run.dag_id)) continue;
      if (!Has(filter.states, run.state) || !Has(filter.types, run.type)) continue;
      if (filter.logical_date_from && run.logical_date < filter.logical_date_from) continue;
      if (filter.logical_date_to && run.logical_date > filter.logical_date_to) continue;
      if (filter.run_after_from && run.run_after < *filter.run_after_from) continue;
      if (filter.run_after_to && run.run_after > *filter.run_after_to) continue;
      if (!filter.run_id_pattern.empty() && !Like(run.run_id, filter.run_id_pattern)) continue;
      if (filter.partition_date_from && !(run.partition_date >= filter.partition_date_from)) continue;
      if (filter.partition_date_to && (!run.partition_date || run.partition_date > filter.partition_date_to)) continue;
      if (!filter.partition_key.empty() && run.partition_key != filter.partition_key) continue;
      if (!filter.partition_key_pattern.empty() && !Like(run.partition_key, filter.partition_key_pattern)) continue;
      matching.push_back(run);
    }
    if (filter.order == store::RunOrder::kRunAfter) {
      std::stable_sort(matching.begin(), matching.end(),
                       [](const Run& a, const Run& b) { return a.run_after < b.run_after; });
    }
    if (filter.descending) std::reverse(matching.begin(), matching.end());
    if (filter.cursor) {
      const auto at = std::find_if(matching.begin(), matching.end(),
                                   [&](const Run& run) { return ToInt(run.key) == filter.cursor->key; });
      if (!filter.cursor->backward) {
        matching.erase(matching.begin(), at == matching.end() ? at : at + 1);
      } else {
        matching.erase(at, matching.end());
        const auto wanted = static_cast<std::size_t>(filter.page.limit);
        if (matching.size() > wanted) matching.erase(matching.begin(), matching.end() - filter.page.limit);
      }
    }
    return PageOf(std::move(matching), filter.page);
  }

  StatusOr<std::vector<DeadlineRow>> ListDeadlines(RunKey key) override {
    const std::lock_guard lock(rows_.mutex);
    return rows_.deadlines[key];
  }

  StatusOr<store::DatasetEntry> GetDataset(std::int64_t id) override {
    const std::lock_guard lock(rows_.mutex);
    for (const store::DatasetEntry& entry : rows_.datasets) {
      if (entry.id == id) return entry;
    }
    return NotFound("Dataset not found");
  }
  StatusOr<store::Listing<store::DatasetEntry>> ListDatasets(const store::DatasetFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::DatasetEntry> matching;
    for (const store::DatasetEntry& entry : rows_.datasets) {
      const bool used = std::any_of(entry.uses.begin(), entry.uses.end(),
                                    [&](const store::DatasetUse& use) { return Has(filter.dag_ids, use.dag_id); });
      if (!filter.dag_ids.empty() && !used) continue;
      if (filter.name_pattern.empty() || Like(entry.dataset.name, filter.name_pattern)) matching.push_back(entry);
    }
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<store::Listing<store::DatasetEventEntry>> ListEvents(
      const store::DatasetEventFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::DatasetEventEntry> matching;
    for (const store::DatasetEventEntry& entry : rows_.dataset_events) {
      if (filter.dataset != 0 && entry.dataset_id != filter.dataset) continue;
      if (!IsToldOfDag(filter.teams, entry.event.dag_id)) continue;
      if (filter.dag_id.empty() || entry.event.dag_id == filter.dag_id) matching.push_back(entry);
    }
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<store::DatasetAliasEntry> GetAlias(std::int64_t id) override {
    const std::lock_guard lock(rows_.mutex);
    for (const store::DatasetAliasEntry& entry : rows_.dataset_aliases) {
      if (entry.id == id) return entry;
    }
    return NotFound("Alias not found");
  }
  StatusOr<store::Listing<store::DatasetAliasEntry>> ListAliases(
      const store::DatasetAliasFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::DatasetAliasEntry> matching;
    for (const store::DatasetAliasEntry& entry : rows_.dataset_aliases) {
      if (filter.name_pattern.empty() || Like(entry.alias.name, filter.name_pattern))
        matching.push_back(entry);
    }
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<std::vector<store::QueuedEvent>> ListQueued(const std::string& dag_id,
                                                       std::int64_t dataset) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::QueuedEvent> matching;
    for (const store::QueuedEvent& event : rows_.queued) {
      if (!dag_id.empty() && event.dag_id != dag_id) continue;
      if (dataset == 0 || event.dataset_id == dataset) matching.push_back(event);
    }
    return matching;
  }

  StatusOr<TaskInstance> GetTaskInstance(const TaskInstanceKey& key) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.instances.find(key);
    if (found == rows_.instances.end()) return NotFound("Task instance not found");
    return found->second;
  }
  StatusOr<store::Listing<TaskInstance>> ListTaskInstances(const store::TaskInstanceFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<TaskInstance> matching;
    for (const auto& [key, instance] : rows_.instances) {
      if (!Has(filter.runs, key.run) || !Has(filter.states, instance.state)) continue;
      if (filter.task && *filter.task != instance.task()) continue;
      const auto run = std::find_if(rows_.runs.begin(), rows_.runs.end(),
                                    [&](const Run& one) { return one.key == key.run; });
      if (filter.teams && (run == rows_.runs.end() || !IsToldOfDag(filter.teams, run->dag_id))) continue;
      matching.push_back(instance);
    }
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<std::vector<Attempt>> ListAttempts(const TaskInstanceKey& key) override {
    const std::lock_guard lock(rows_.mutex);
    return rows_.attempts[key];
  }
  StatusOr<std::string> GetResult(const TaskInstanceKey& key) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.xcoms.find({key, kReturnValue});
    if (found == rows_.xcoms.end()) return NotFound("No result");
    return found->second.json;
  }

  StatusOr<XComRow> GetXCom(const XComKey& key) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.xcoms.find(key);
    if (found == rows_.xcoms.end()) return NotFound("No XCom " + key.key);
    return found->second;
  }
  StatusOr<std::vector<XComRow>> ListXComs(const TaskInstanceKey& key) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<XComRow> found;
    for (const auto& [name, row] : rows_.xcoms) {
      if (name.instance == key) found.push_back(row);
    }
    return found;
  }

  StatusOr<TaskStateRow> GetTaskState(const TaskInstanceKey& instance, const std::string& key,
                                      WallTime now) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.task_states.find({instance, key});
    const bool there = found != rows_.task_states.end() &&
                       (!found->second.expires_at || *found->second.expires_at > now);
    if (!there) return NotFound("Task state store key '" + key + "' not found");
    return found->second;
  }
  StatusOr<store::Listing<TaskStateRow>> ListTaskStates(const TaskInstanceKey& instance, const store::Page& page,
                                                        WallTime now) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<TaskStateRow> found;
    for (const auto& [key, row] : rows_.task_states) {
      if (key.instance == instance && (!row.expires_at || *row.expires_at > now)) found.push_back(row);
    }
    return PageOf(std::move(found), page);
  }
  StatusOr<DatasetStateRow> GetDatasetState(const std::string& dataset, const std::string& key) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.dataset_states.find({dataset, key});
    if (found == rows_.dataset_states.end()) return NotFound("Asset state store key '" + key + "' not found");
    return found->second;
  }
  StatusOr<store::Listing<DatasetStateRow>> ListDatasetStates(const std::string& dataset,
                                                              const store::Page& page) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<DatasetStateRow> found;
    for (const auto& [key, row] : rows_.dataset_states) {
      if (key.first == dataset) found.push_back(row);
    }
    return PageOf(std::move(found), page);
  }

  StatusOr<JobRow> GetJob(const JobKey& key) override {
    const std::lock_guard lock(rows_.mutex);
    const auto found = rows_.jobs.find(key);
    if (found == rows_.jobs.end()) return NotFound("The task instance has run no job");
    return found->second;
  }

  StatusOr<std::vector<store::JournalEntry>> ReadAfter(std::uint64_t sequence, int limit) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::JournalEntry> entries;
    for (const store::JournalEntry& entry : rows_.journal) {
      if (entry.sequence > sequence && static_cast<int>(entries.size()) < limit) entries.push_back(entry);
    }
    return entries;
  }
  StatusOr<std::uint64_t> NewestSequence() override {
    const std::lock_guard lock(rows_.mutex);
    return rows_.journal.empty() ? 0 : rows_.journal.back().sequence;
  }

  StatusOr<store::LogSlice> Read(const TaskInstanceKey& key, std::int32_t try_number, std::int64_t from,
                                 std::int64_t max_bytes) override {
    const std::lock_guard lock(rows_.mutex);
    const std::string& log = rows_.logs[{key, try_number}];
    const auto begin = std::min(static_cast<std::size_t>(from), log.size());
    store::LogSlice slice;
    slice.data = log.substr(begin, static_cast<std::size_t>(max_bytes));
    slice.next = static_cast<std::int64_t>(begin + slice.data.size());
    slice.end = static_cast<std::size_t>(slice.next) >= log.size();
    return slice;
  }

  StatusOr<std::vector<NoteRecord>> ListNotes(const std::vector<TaskInstanceKey>& keys) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<NoteRecord> found;
    for (const NoteRecord& note : rows_.notes) {
      if (std::find(keys.begin(), keys.end(), note.instance) != keys.end()) found.push_back(note);
    }
    return found;
  }

  StatusOr<ApprovalRow> GetApproval(const TaskInstanceKey& key, std::int32_t try_number) override {
    const std::lock_guard lock(rows_.mutex);
    for (const store::ApprovalEntry& entry : rows_.approvals) {
      if (entry.row.instance == key && entry.row.try_number == try_number) return entry.row;
    }
    return NotFound("this try has asked nobody");
  }
  StatusOr<std::vector<store::ApprovalEntry>> ListApprovals(const store::ApprovalFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<store::ApprovalEntry> found;
    for (const store::ApprovalEntry& entry : rows_.approvals) {
      const bool fits = (filter.dag_id.empty() || filter.dag_id == entry.run.dag_id) &&
                        (filter.run_id.empty() || filter.run_id == entry.run.run_id) &&
                        (!filter.answered || *filter.answered == entry.row.responded_at.has_value()) &&
                        Has(filter.states, entry.instance.state) &&
                        IsToldOfDag(filter.teams, entry.run.dag_id);
      if (fits) found.push_back(entry);
    }
    return found;
  }

  StatusOr<Notification> GetNotification(std::int64_t id) override {
    const std::lock_guard lock(rows_.mutex);
    for (const Notification& row : rows_.notifications) {
      if (row.id == id) return row;
    }
    return NotFound("Notification not found: " + std::to_string(id));
  }
  StatusOr<store::Listing<Notification>> ListNotifications(const store::NotificationFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<Notification> matching;
    for (const Notification& row : rows_.notifications) {
      if (!filter.dag_id.empty() && row.dag_id != filter.dag_id) continue;
      if (filter.run && row.run != *filter.run) continue;
      if (!filter.task_id.empty() && row.task_id != filter.task_id) continue;
      if (!IsToldOfDag(filter.teams, row.dag_id)) continue;
      if (!filter.state || row.state == *filter.state) matching.push_back(row);
    }
    if (filter.descending) std::reverse(matching.begin(), matching.end());
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<Backfill> GetBackfill(std::int64_t id) override {
    const std::lock_guard lock(rows_.mutex);
    for (const Backfill& row : rows_.backfills) {
      if (row.id == id) return row;
    }
    return NotFound("Backfill not found: " + std::to_string(id));
  }
  StatusOr<store::Listing<Backfill>> ListBackfills(const store::BackfillFilter& filter) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<Backfill> matching;
    for (const Backfill& row : rows_.backfills) {
      if (!IsToldOfDag(filter.teams, row.dag_id)) continue;
      if (filter.dag_id.empty() || row.dag_id == filter.dag_id) matching.push_back(row);
    }
    if (filter.descending) std::reverse(matching.begin(), matching.end());
    return PageOf(std::move(matching), filter.page);
  }
  StatusOr<std::vector<std::int64_t>> CountRuns(std::int64_t id) override {
    const std::lock_guard lock(rows_.mutex);
    std::vector<std::int64_t> counts(4);
    for (const Run& run : rows_.runs) {
      if (run.backfill == id) ++counts[static_cast<std::size_t>(run.state)];
    }
    return counts;
  }

  Status RemoveLogs(RunKey run) override {
    const std::lock_guard lock(rows_.mutex);
    rows_.removed_logs.push_back(run);
    return OkStatus();
  }
  StatusOr<store::BackupInfo> WriteBackup(const std::string& name) override {
    const std::lock_guard lock(rows_.mutex);
    rows_.backups.push_back(name);
    return store::BackupInfo{"/state/backups/" + name, 42};
  }

 private:
  // Under the mutex.
  bool IsToldOfDag(const store::TeamsSeen& teams, const std::string& dag_id) const {
    const auto dag = rows_.dags.find(dag_id);
    return dag == rows_.dags.end() || IsTold(teams, dag->second.row.team);
  }

  Rows& rows_;
};

}  // namespace millrace::test
