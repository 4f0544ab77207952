// What the handlers work with, in one place: readers, the inbox with a bounded wait, and the versions of
// DAGs. Any thread.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <utility>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/zones.h"
#include "core/model/bundle_standing.h"
#include "core/model/job_file.h"
#include "core/template/lookup.h"
#include "scheduler/auth/accounts.h"
#include "scheduler/auth/vault.h"
#include "scheduler/inbox.h"
#include "scheduler/store/logs.h"
#include "scheduler/store/reader.h"

namespace millrace::api {

// What an attempt is given: the task's fields, rendered, as maps {"field", "value"}. The engine's, handed in
// by main.cc.
using RenderFields =
    std::function<StatusOr<Value::List>(const Run&, const Dag&, const TaskInstance&, TemplateLookup&)>;

// All outlive the API.
struct Readers {
  store::DagReader& dags;
  store::RunReader& runs;
  store::TaskInstanceReader& task_instances;
  store::XComReader& xcoms;
  store::DatasetReader& datasets;
  store::JobReader& jobs;
  store::JournalReader& journal;
  store::LogReader& logs;
  store::BackfillReader& backfills;
  store::ApprovalReader& approvals;
  store::AuditReader& audit;
  store::NotificationReader& notifications;
  store::StateStoreReader& states;
};

// What the API has done to files, besides rows; both outlive the API.
struct Upkeep {
  store::LogCleaner& logs;
  store::BackupWriter& backups;
};

// Variables and connections; all outlive the API.
struct Credentials {
  auth::Vault& vault;
  store::VariableReader& variables;
  store::ConnectionReader& connections;
  TeamValues& shown;      // as people may see them
  bool tests = true;      // whether connections may be tried
};

// Makes a DAG of a job's file: scheduler/dagbag, which main.cc hands in. Any thread.
using JobLoader = std::function<JobDag(const JobFile&)>;

// A task instance with what surrounds it, as most routes need it.
struct Located {
  Run run;
  DagPtr dag;  // the version that the run uses, and the tasks that the run has had besides
  std::optional<DagVersionRow> version;
  TaskInstanceKey key;
  std::int32_t place = 0;  // of the task, in `dag`
};

class Context {
 public:
  Context(Readers all, Upkeep files, Inbox& inbox, auth::Accounts& who, const Clock& time, Duration patience,
          RenderFields rendering)
      : readers(all),
        upkeep(files),
        accounts(who),
        clock(time),
        render(std::move(rendering)),
        inbox_(inbox),
        patience_(patience) {}

  // Sends a command and waits until it is durable. RESOURCE_EXHAUSTED when too many wait; UNAVAILABLE when
  // the answer is late, and then it may still come true.
  CommandReply Run(Command command);
  // Leaves a line in the audit log, without waiting for it.
  void Audit(const std::string& user, const std::string& action, const std::string& object);
  // Asks the loop and waits; UNAVAILABLE when it is late.
  StatusOr<Answer> Ask(Question question);

  // The version's row; nothing when it cannot be read (the answer then goes without).
  std::optional<DagVersionRow> Version(const std::string& dag_id, std::int32_t version);
  StatusOr<DagPtr> DagOf(const millrace::Run& run);
  // Of a mapped task its first instance.
  StatusOr<Located> Locate(std::string_view dag_id, std::string_view run_id, std::string_view task_id);
  // The same for one instance: -1 is that of a task that is not mapped.
  StatusOr<Located> LocateInstance(std::string_view dag_id, std::string_view run_id, std::string_view task_id,
                                   std::int32_t map_index);
  // Those of the located task, all of a mapped one.
  StatusOr<std::vector<TaskInstance>> InstancesOf(const Located& at);

  const Readers readers;
  const Upkeep upkeep;
  auth::Accounts& accounts;
  const Clock& clock;
  const RenderFields render;  // may be empty
  const ZoneDatabase* zones = nullptr;  // without it nothing is told of windows; set before the first call
  BundleDirectory* bundles = nullptr;   // without it nobody knows whose a file in trouble is; set before the first call
  TeamValues* shown = nullptr;  // variables and connections as people may see them; set before the first call

 private:
  Inbox& inbox_;
  const Duration patience_;
  // Fewer than the server has threads, so that reads go on while the loop does not answer.
  std::counting_semaphore<64> commands_{8};
  std::counting_semaphore<64> questions_{4};
  std::mutex mutex_;
  std::map<std::pair<std::string, std::int32_t>, DagVersionRow> versions_;  // immutable rows
};

}  // namespace millrace::api
