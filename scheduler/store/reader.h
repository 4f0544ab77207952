// What the API, the gateway and auth read: small interfaces, one a resource, all answered from committed rows on read-only
// connections, so that no query can stall the loop. Any thread. Each call sees one snapshot. Calls fail with UNAVAILABLE
// when they take longer than a second.
//
// Lists page by offset (below 10,000) or by cursor; `total` is exact up to 10,000 and then a lower bound, flagged.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/model/batch.h"

namespace millrace::store {

struct Page {
  int limit = 50;
  int offset = 0;
};

// Whose DAGs the rows are of that are told: of no team's and of these teams'; nothing: of all.
using TeamsSeen = std::optional<std::vector<std::string>>;

// Where another page ended, or began: what follows comes next, `backward` what stands before it.
struct PageCursor {
  std::optional<std::int64_t> value;  // of what the list is ordered by, in microseconds; none: that row has none
  std::int64_t key = 0;               // the row's run
  std::int32_t index = 0;             // of a task instance
  bool backward = false;
};

template <typename Row>
struct Listing {
  std::vector<Row> rows;
  std::int64_t total = 0;
  bool total_is_exact = true;
};

struct DagEntry {
  DagRow row;
  DagPtr dag;  // the newest version
  WallTime last_parsed_at{};
};

struct DagFilter {
  std::string id_pattern;  // SQL LIKE; "" for all
  std::vector<std::string> tags;
  bool all_tags = false;  // with each of these, instead of any
  std::string bundle = {};          // "" for all
  std::string bundle_version = {};  // of the newest version; "" for all
  std::optional<bool> paused;
  bool include_stale = false;
  bool descending = false;  // by dag_id
  Page page;
  std::string user;              // whose favorites are meant
  std::optional<bool> favorite;  // only those, or all others
  TeamsSeen teams = {};  // whose DAGs are meant
};

class DagReader {
 public:
  virtual ~DagReader() = default;
  virtual StatusOr<DagEntry> GetDag(const std::string& dag_id) = 0;
  virtual StatusOr<Listing<DagEntry>> ListDags(const DagFilter& filter) = 0;
  // version 0: the newest. Kept LRU: cheap to call again.
  virtual StatusOr<DagPtr> GetVersion(const std::string& dag_id, std::int32_t version) = 0;
  virtual StatusOr<std::vector<DagVersionRow>> ListVersions(const std::string& dag_id) = 0;
  virtual StatusOr<std::vector<ImportError>> ListImportErrors() = 0;
  // The ids of the DAGs that somebody has marked as theirs, in order.
  virtual StatusOr<std::vector<std::string>> ListFavorites(const std::string& user) = 0;
  // The team of each DAG that belongs to one, deleted and stale ones among them.
  virtual StatusOr<std::map<std::string, std::string>> ListTeamsOfDags() = 0;
};

enum class RunOrder : std::uint8_t { kKey, kRunAfter, kLogicalDate, kStartDate, kEndDate };

struct RunFilter {
  std::string dag_id;  // "" for all ("~" on the wire)
  std::vector<RunState> states;
  std::vector<RunType> types;
  std::optional<WallTime> logical_date_from, logical_date_to;  // inclusive
  std::optional<WallTime> run_after_from, run_after_to;
  std::string run_id_pattern;
  std::string partition_key_pattern;
  std::string partition_key;  // just this one
  std::optional<WallTime> partition_date_from, partition_date_to;  // inclusive; of those that have one
  std::int64_t backfill = 0;         // of this one
  std::vector<std::string> dag_ids;  // of one of these; empty: no condition
  std::optional<WallTime> ended_before;
  TeamsSeen teams = {};  // whose DAGs are meant
  RunOrder order = RunOrder::kKey;
  bool descending = false;
  Page page;
  std::optional<PageCursor> cursor;
};

class RunReader {
 public:
  virtual ~RunReader() = default;
  virtual StatusOr<Run> GetRun(const std::string& dag_id, const std::string& run_id) = 0;
  virtual StatusOr<Run> GetRunByKey(RunKey key) = 0;
  virtual StatusOr<Listing<Run>> ListRuns(const RunFilter& filter) = 0;
  // Those that are to come and those that were missed.
  virtual StatusOr<std::vector<DeadlineRow>> ListDeadlines(RunKey key) = 0;
};

struct TaskInstanceFilter {
  std::vector<RunKey> runs;  // at most 1,000
  TeamsSeen teams = {};  // whose DAGs are meant
  std::vector<TaskState> states;
  std::optional<std::int32_t> task;  // its place in the DAG version; of a mapped one all instances
  Page page;
  std::optional<PageCursor> cursor;
};

class TaskInstanceReader {
 public:
  virtual ~TaskInstanceReader() = default;
  virtual StatusOr<TaskInstance> GetTaskInstance(const TaskInstanceKey& key) = 0;
  virtual StatusOr<Listing<TaskInstance>> ListTaskInstances(const TaskInstanceFilter& filter) = 0;
  // Ended tries, oldest first; the current one is the TaskInstance.
  virtual StatusOr<std::vector<Attempt>> ListAttempts(const TaskInstanceKey& key) = 0;
  virtual StatusOr<std::string> GetResult(const TaskInstanceKey& key) = 0;
  // Of those that have one.
  virtual StatusOr<std::vector<NoteRecord>> ListNotes(const std::vector<TaskInstanceKey>& keys) = 0;
};

class XComReader {
 public:
  virtual ~XComReader() = default;
  virtual StatusOr<XComRow> GetXCom(const XComKey& key) = 0;
  // Of one task instance, by name.
  virtual StatusOr<std::vector<XComRow>> ListXComs(const TaskInstanceKey& key) = 0;
};

// What state stores hold, by key.
class StateStoreReader {
 public:
  virtual ~StateStoreReader() = default;
  // What has expired at `now` is not there.
  virtual StatusOr<TaskStateRow> GetTaskState(const TaskInstanceKey& instance, const std::string& key,
                                              WallTime now) = 0;
  virtual StatusOr<Listing<TaskStateRow>> ListTaskStates(const TaskInstanceKey& instance, const Page& page,
                                                         WallTime now) = 0;
  virtual StatusOr<DatasetStateRow> GetDatasetState(const std::string& dataset, const std::string& key) = 0;
  virtual StatusOr<Listing<DatasetStateRow>> ListDatasetStates(const std::string& dataset, const Page& page) = 0;
};

// How a DAG, or one of its tasks, uses a dataset.
struct DatasetUse {
  std::string dag_id;
  std::string task_id;  // "" for a schedule
  DatasetRole role = DatasetRole::kScheduled;
  WallTime at{};
  std::string alias = {};  // by which it does; "": by its own name
};

struct DatasetAliasEntry {
  std::int64_t id = 0;
  DatasetAlias alias;
  std::vector<DatasetUse> uses = {};
  std::vector<std::string> datasets = {};  // that are attached to it
};

// A DAG's watch of a dataset.
struct DatasetWatchEntry {
  std::int64_t id = 0;
  std::string dag_id;
  std::string name;
  std::string kind;
  WallTime created_at{};
  std::optional<WallTime> seen_at;  // the last change
  std::string failure;              // of the last look; "": it worked
};

struct DatasetEntry {
  std::int64_t id = 0;
  Dataset dataset;
  WallTime created_at{};
  WallTime updated_at{};
  std::vector<DatasetUse> uses;
  std::optional<DatasetEvent> last;
  std::vector<DatasetAliasEntry> aliases = {};  // that it is attached to; their uses are among its own
  std::vector<DatasetWatchEntry> watches = {};
};

struct DatasetFilter {
  std::string name_pattern;  // SQL LIKE; "" for all
  std::string uri_pattern;
  std::vector<std::string> dag_ids;  // that use it; none: whoever does
  bool only_active = true;           // some DAG that is there uses it
  bool by_name = false;              // instead of by id
  bool descending = false;
  Page page;
};

struct DatasetEventEntry {
  DatasetEvent event;
  std::int64_t dataset_id = 0;
  Dataset dataset;
  std::vector<Run> made;
};

struct DatasetEventFilter {
  std::int64_t dataset = 0;    // id; 0 for all
  std::optional<RunKey> made;  // those that made this run
  std::string name_pattern;
  std::string dag_id, run_id, task_id;  // of the task whose success it was
  std::optional<std::int64_t> map_index;
  std::optional<WallTime> from, to;  // inclusive
  TeamsSeen teams = {};              // whose DAGs' events are meant, and those of no DAG
  bool descending = false;
  Page page;
};

struct DatasetAliasFilter {
  std::string name_pattern;  // SQL LIKE; "" for all
  bool by_name = false;      // instead of by id
  bool descending = false;
  Page page;
};

// An event that waits for the condition of a DAG's schedule to hold.
struct QueuedEvent {
  std::string dag_id;
  std::int64_t dataset_id = 0;
  std::string dataset;
  std::int64_t event = 0;
  WallTime at{};
  std::string partition_key = {};  // of the run that it waits for; "": none
  std::string own_key = {};        // its own; "": none
};

class DatasetReader {
 public:
  virtual ~DatasetReader() = default;
  virtual StatusOr<DatasetEntry> GetDataset(std::int64_t id) = 0;
  virtual StatusOr<Listing<DatasetEntry>> ListDatasets(const DatasetFilter& filter) = 0;
  virtual StatusOr<Listing<DatasetEventEntry>> ListEvents(const DatasetEventFilter& filter) = 0;
  // Of this DAG ("" for all) and this dataset (0 for all), oldest first; at most 10,000.
  virtual StatusOr<std::vector<QueuedEvent>> ListQueued(const std::string& dag_id, std::int64_t dataset) = 0;
  virtual StatusOr<DatasetAliasEntry> GetAlias(std::int64_t id) = 0;
  virtual StatusOr<Listing<DatasetAliasEntry>> ListAliases(const DatasetAliasFilter& filter) = 0;
};

class JobReader {
 public:
  virtual ~JobReader() = default;
  virtual StatusOr<JobRow> GetJob(const JobKey& key) = 0;
};

// Of variables and connections, by name.
struct NameFilter {
  std::string pattern;   // SQL LIKE; "" for all
  TeamsSeen teams = {};  // whose are meant
  bool descending = false;
  Page page;
};

// As they are stored: values are sealed, see scheduler/auth.
class VariableReader {
 public:
  virtual ~VariableReader() = default;
  virtual StatusOr<VariableRecord> GetVariable(const std::string& key) = 0;
  virtual StatusOr<Listing<VariableRecord>> ListVariables(const NameFilter& filter) = 0;
};

class ConnectionReader {
 public:
  virtual ~ConnectionReader() = default;
  virtual StatusOr<ConnectionRecord> GetConnection(const std::string& id) = 0;
  virtual StatusOr<Listing<ConnectionRecord>> ListConnections(const NameFilter& filter) = 0;
};

struct BackfillFilter {
  std::string dag_id;       // "" for all
  TeamsSeen teams = {};     // whose DAGs are meant
  bool descending = false;  // by id
  Page page;
};

class BackfillReader {
 public:
  virtual ~BackfillReader() = default;
  virtual StatusOr<Backfill> GetBackfill(std::int64_t id) = 0;
  virtual StatusOr<Listing<Backfill>> ListBackfills(const BackfillFilter& filter) = 0;
  // Its runs by RunState.
  virtual StatusOr<std::vector<std::int64_t>> CountRuns(std::int64_t id) = 0;
};

// What an approval has asked, with what surrounds it: of each task instance the try that it is at.
struct ApprovalEntry {
  ApprovalRow row;
  TaskInstance instance;
  Run run;
};

struct ApprovalFilter {
  std::string dag_id;  // "" for all
  std::string run_id;  // "" for all
  std::string dag_pattern;
  std::optional<bool> answered;
  std::vector<TaskState> states;  // of the task instance
  std::optional<WallTime> created_from, created_to;  // inclusive
  TeamsSeen teams = {};  // whose DAGs are meant
};

class ApprovalReader {
 public:
  virtual ~ApprovalReader() = default;
  virtual StatusOr<ApprovalRow> GetApproval(const TaskInstanceKey& key, std::int32_t try_number) = 0;
  // Oldest first; at most 10,000.
  virtual StatusOr<std::vector<ApprovalEntry>> ListApprovals(const ApprovalFilter& filter) = 0;
};

struct NotificationFilter {
  std::optional<RunKey> run;
  std::string dag_id;   // "" for all
  std::string task_id;  // "" for all
  std::optional<NotificationState> state;
  TeamsSeen teams = {};  // whose DAGs are meant
  bool descending = true;  // by id
  Page page;
};

class NotificationReader {
 public:
  virtual ~NotificationReader() = default;
  virtual StatusOr<Notification> GetNotification(std::int64_t id) = 0;
  virtual StatusOr<Listing<Notification>> ListNotifications(const NotificationFilter& filter) = 0;
};

// Something that belongs to a team: "user", "DAG", "pool", "variable" or "connection", and its name.
struct TeamUse {
  std::string kind;
  std::string name;
  friend bool operator==(const TeamUse&, const TeamUse&) = default;
};

class AccountReader {
 public:
  virtual ~AccountReader() = default;
  virtual StatusOr<UserRecord> GetUser(const std::string& name) = 0;
  virtual StatusOr<TokenRecord> GetToken(const std::string& hash) = 0;
  virtual StatusOr<std::vector<UserRecord>> ListUsers() = 0;
  // Names, in order.
  virtual StatusOr<std::vector<std::string>> ListTeams() = 0;
  // What belongs to the team: by kind, then by name.
  virtual StatusOr<std::vector<TeamUse>> ListUses(const std::string& team) = 0;
};

struct AuditEntry {
  std::int64_t id = 0;
  AuditRecord record;
};

struct AuditFilter {
  std::string user, action, object;   // "" for all; an object stands for what lies beneath it: "etl" for "etl/run"
  std::vector<std::string> excluded;  // actions
  std::optional<WallTime> after, before;
  bool descending = true;  // by id: the newest first
  Page page;
};

// Who did what.
class AuditReader {
 public:
  virtual ~AuditReader() = default;
  virtual StatusOr<AuditEntry> GetAudit(std::int64_t id) = 0;
  virtual StatusOr<Listing<AuditEntry>> ListAudit(const AuditFilter& filter) = 0;
};

// A copy of everything that survives, whole and of one moment, made while the scheduler runs. Not within a
// second.
struct BackupInfo {
  std::string folder;
  std::int64_t bytes = 0;
};

class BackupWriter {
 public:
  virtual ~BackupWriter() = default;
  // Into STATE/backups/NAME. ALREADY_EXISTS when there is one of that name, or one is being made.
  virtual StatusOr<BackupInfo> WriteBackup(const std::string& name) = 0;
};

// The committed journal, for live events: transitions after a position, in order.
struct JournalEntry {
  std::uint64_t sequence = 0;
  std::vector<Transition> transitions;
};

class JournalReader {
 public:
  virtual ~JournalReader() = default;
  virtual StatusOr<std::vector<JournalEntry>> ReadAfter(std::uint64_t sequence, int limit) = 0;
  virtual StatusOr<std::uint64_t> NewestSequence() = 0;
};

}  // namespace millrace::store
