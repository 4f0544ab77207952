#include "tests/support/stored_rows.h"

#include <algorithm>
#include <set>

#include "core/model/run_dag.h"

namespace millrace::test {
namespace {

std::string Describe(const Transition& t) {
  const bool is_run = t.index < 0;
  const auto name = [is_run](std::uint8_t state) {
    return std::string(is_run ? ToString(static_cast<RunState>(state))
                              : ToString(static_cast<TaskState>(state)));
  };
  return "run " + std::to_string(ToInt(t.run)) + " index " + std::to_string(t.index) + ": " + name(t.from) +
         " -> " + name(t.to);
}

}  // namespace

Status StoredRows::Apply(const Batch& batch) {
  for (const RunKey key : batch.deleted_runs) Delete(key);
  for (const Batch::Forgotten& one : batch.forgotten) {
    std::erase_if(attempts, [&](const Attempt& attempt) { return attempt.instance == one.instance; });
    std::erase_if(xcoms, [&](const auto& xcom) { return xcom.first.instance == one.instance; });
    std::erase_if(task_states, [&](const auto& state) { return state.first.instance == one.instance; });
    std::erase_if(approvals, [&](const auto& row) { return row.first.first == one.instance; });
    if (one.row) instances.erase(one.instance);
  }
  for (const std::string& dag_id : batch.deleted_dags) {
    for (const auto& [key, run] : runs) {
      if (run.dag_id == dag_id) return Aborted("a DAG is deleted before its runs: " + run.run_id);
    }
    std::erase_if(backfills, [&](const auto& one) { return one.second.dag_id == dag_id; });
    std::erase_if(cached, [&](const auto& one) { return one.second.dag_id == dag_id; });
  }
  // Transitions start from what is stored and end at what the batch's rows say.
  std::map<TaskInstanceKey, std::uint8_t> states;
  for (const Transition& t : batch.transitions) {
    const TaskInstanceKey key{t.run, t.index};
    std::uint8_t from = 0;
    if (const auto seen = states.find(key); seen != states.end()) {
      from = seen->second;
    } else if (t.index < 0) {
      const auto run = runs.find(t.run);
      from = run == runs.end() ? std::uint8_t{0} : static_cast<std::uint8_t>(run->second.state);
    } else if (const auto instance = instances.find(key); instance != instances.end()) {
      from = static_cast<std::uint8_t>(instance->second.state);
    }
    if (from != t.from)
      return Aborted("a transition starts from another state than is stored: " + Describe(t));
    states[key] = t.to;
  }
  std::set<RunKey> written_runs;
  for (const Run& row : batch.runs) {
    if (!written_runs.insert(row.key).second) return Aborted("a run stands twice in a batch");
    const auto seen = states.find({row.key, -1});
    if (seen != states.end() && seen->second != static_cast<std::uint8_t>(row.state)) {
      return Aborted("a run's row does not end where its transitions do");
    }
    for (const auto& [key, other] : runs) {
      if (key == row.key || other.dag_id != row.dag_id) continue;
      if (other.run_id == row.run_id)
        return Aborted("two runs of " + row.dag_id + " are called " + row.run_id);
      if (row.type == RunType::kScheduled && other.type == RunType::kScheduled &&
          row.logical_date == other.logical_date) {
        return Aborted("two scheduled runs of " + row.dag_id + " have one logical date");
      }
    }
    runs[row.key] = row;
  }
  std::set<TaskInstanceKey> written;
  for (const TaskInstance& row : batch.task_instances) {
    if (!written.insert(row.key).second) return Aborted("a task instance stands twice in a batch");
    const auto seen = states.find(row.key);
    if (seen != states.end() && seen->second != static_cast<std::uint8_t>(row.state)) {
      return Aborted("a task instance's row does not end where its transitions do");
    }
    if (!runs.contains(row.key.run)) return Aborted("a task instance without a run");
    if (const auto old = instances.find(row.key); old != instances.end()) {
      if (row.fence < old->second.fence) return Aborted("a task instance's fence went back");
      if (seen == states.end() && row.state != old->second.state)
        return Aborted("a state changed without a transition");
    }
    instances[row.key] = row;
  }
  for (const auto& [key, state] : states) {
    const bool is_written = key.index < 0 ? written_runs.contains(key.run) : written.contains(key);
    if (!is_written) return Aborted("a transition without its row");
  }
  for (const DagRow& row : batch.dags) dags[row.dag_id] = row;
  for (const Backfill& row : batch.backfills) backfills[row.id] = row;
  for (const Notification& row : batch.notifications) {
    const auto old = notifications.find(row.id);
    if (old != notifications.end() && old->second.state == NotificationState::kDelivered)
      return Aborted("a notification is written after it was delivered");
    if (!runs.contains(row.run)) return Aborted("a notification without its run");
    notifications[row.id] = row;
    next_notification = std::max(next_notification, row.id + 1);
  }
  for (const Record& record : batch.records) {
    const auto* pool = std::get_if<PoolRow>(&record);
    if (pool != nullptr && pool->deleted) pools.erase(pool->name);
    if (pool != nullptr && !pool->deleted) pools[pool->name] = *pool;
  }
  for (const DagVersionRow& row : batch.dag_versions) versions[{row.dag_id, row.version}] = row;
  attempts.insert(attempts.end(), batch.attempts.begin(), batch.attempts.end());
  for (const StageTaskRow& row : batch.stage_tasks) stage_tasks[{row.job, {row.stage, row.index}}] = row;
  for (const JobRow& row : batch.jobs) jobs[row.job] = row;
  for (const SessionRow& row : batch.sessions) sessions[row.session] = row;
  const auto keep = [this](const XComRow& row) {
    if (!row.deleted) {
      xcoms[{row.instance, row.key}] = row;
    } else if (row.key.empty()) {
      std::erase_if(xcoms, [&](const auto& entry) { return entry.first.instance == row.instance; });
    } else {
      xcoms.erase({row.instance, row.key});
    }
  };
  for (const XComRow& row : batch.xcoms) keep(row);
  for (const Record& record : batch.records) {
    if (const auto* xcom = std::get_if<XComRecord>(&record)) keep(xcom->row);
    if (const auto* state = std::get_if<TaskStateRecord>(&record)) Keep(state->row);
    if (const auto* state = std::get_if<DatasetStateRecord>(&record)) Keep(state->row);
    if (const auto* prune = std::get_if<PruneRecord>(&record)) {
      std::erase_if(task_states, [&](const auto& state) {
        return state.second.expires_at && *state.second.expires_at <= prune->now;
      });
    }
  }
  for (const ApprovalRow& row : batch.approvals) {
    if (!instances.contains(row.instance)) return Aborted("an approval without its task instance");
    ApprovalRow& stored = approvals[{row.instance, row.try_number}];
    if (stored.responded_at && stored != row) return Aborted("an approval was answered twice");
    stored = row;
  }
  for (const CachedResult& row : batch.cached) {
    if (!row.removed) {
      cached[row.key] = row;
    } else {
      std::erase_if(cached, [&](const auto& one) {
        return one.second.dag_id == row.dag_id && one.second.task_id == row.task_id;
      });
    }
  }
  for (const AttachedDatasetRow& row : batch.attached) {
    if (!attached.emplace(row.alias, row.dataset).second)
      return Aborted("a dataset is attached twice to " + row.alias);
  }
  for (const DatasetWatchRow& row : batch.watches) watches[{row.dag_id, row.dataset}] = row;
  for (const DatasetEvent& row : batch.dataset_events) {
    if (!dataset_events.emplace(row.id, row).second) return Aborted("two dataset events have one id");
  }
  for (const DatasetQueueRow& row : batch.dataset_queue) {
    if (!row.removed) {
      dataset_queue.emplace(row.dag_id, row.event, row.partition_key);
    } else {
      std::erase_if(dataset_queue, [&row](const auto& queued) {
        const auto& [dag_id, event, key] = queued;
        return dag_id == row.dag_id && (row.event == 0 || event == row.event) &&
               (row.partition_key.empty() || key == row.partition_key);
      });
    }
  }
  for (const RunEventRow& row : batch.run_events) run_events.emplace(row.run, row.event);
  for (const DeadlineRow& row : batch.deadlines) {
    if (row.removed) {
      deadlines.erase({row.run, row.index});
    } else {
      deadlines[{row.run, row.index}] = row;
    }
  }
  records.insert(records.end(), batch.records.begin(), batch.records.end());
  transitions.insert(transitions.end(), batch.transitions.begin(), batch.transitions.end());
  return OkStatus();
}

void StoredRows::Delete(RunKey run) {
  runs.erase(run);
  std::erase_if(instances, [&](const auto& one) { return one.first.run == run; });
  std::erase_if(attempts, [&](const Attempt& attempt) { return attempt.instance.run == run; });
  std::erase_if(xcoms, [&](const auto& one) { return one.first.instance.run == run; });
  std::erase_if(task_states, [&](const auto& one) { return one.first.instance.run == run; });
  std::erase_if(approvals, [&](const auto& one) { return one.first.first.run == run; });
  std::erase_if(run_events, [&](const auto& one) { return one.first == run; });
  std::erase_if(deadlines, [&](const auto& one) { return one.first.first == run; });
  std::erase_if(notifications, [&](const auto& one) { return one.second.run == run; });
}

std::vector<Run> StoredRows::LoadDates(const std::string& dag_id, WallTime from, WallTime to) const {
  std::vector<Run> found;
  for (const auto& [key, run] : runs) {
    if (run.dag_id == dag_id && run.logical_date && *run.logical_date >= from && *run.logical_date <= to)
      found.push_back(run);
  }
  return found;
}

Image StoredRows::Load() {
  Image image;
  image.term = ++term;
  image.sequence = sequence;
  std::set<std::pair<std::string, std::int32_t>> wanted;
  for (const auto& [id, row] : dags) {
    image.dags.push_back(row);
    wanted.insert({id, row.version});
  }
  for (const auto& [key, row] : runs) {
    image.next_run_key = std::max(image.next_run_key, ToInt(key) + 1);
    if (IsTerminal(row.state)) continue;
    image.runs.push_back(row);
    wanted.insert({row.dag_id, row.version});
    for (auto at = instances.lower_bound({key, 0}); at != instances.end() && at->first.run == key; ++at) {
      image.task_instances.push_back(at->second);
    }
  }
  for (const auto& [id, row] : backfills) {
    image.next_backfill = std::max(image.next_backfill, id + 1);
    const bool unfinished =
        std::any_of(image.runs.begin(), image.runs.end(), [&](const Run& run) { return run.backfill == id; });
    if (!row.completed_at || unfinished) image.backfills.push_back(row);
  }
  for (const auto& [name, row] : pools) image.pools.push_back(row);
  for (const auto& [key, row] : approvals) {
    const auto instance = instances.find(key.first);
    const bool waits = instance != instances.end() && instance->second.state == TaskState::kDeferred &&
                       instance->second.try_number == key.second;
    if (waits && !row.responded_at) image.approvals.push_back(row);
  }
  std::map<RunKey, std::int32_t> told;
  image.next_notification = next_notification;
  for (const auto& [id, row] : notifications) {
    const bool live = !IsTerminal(runs.at(row.run).state);
    if (!IsOver(row.state) || (live && row.state == NotificationState::kSuppressed)) image.notifications.push_back(row);
    const bool callback = row.state != NotificationState::kSuppressed && row.cause != CallbackCause::kLineage;
    if (live && callback) ++told[row.run];
  }
  image.notified.assign(told.begin(), told.end());
  for (const auto& key : wanted) image.dag_versions.push_back(versions.at(key));
  for (const auto& [key, row] : stage_tasks) {
    const auto instance = instances.find(row.job.instance);
    if (instance != instances.end() && !IsTerminal(instance->second.state)) image.stage_tasks.push_back(row);
  }
  for (const auto& [id, row] : sessions) {
    image.next_session = std::max(image.next_session, ToInt(id) + 1);
    if (!row.ended_at) image.sessions.push_back(row);
  }
  for (const auto& [key, row] : watches) image.watches.push_back(row);
  for (const auto& [alias, dataset] : attached) image.attached.push_back({alias, dataset});
  if (!dataset_events.empty()) image.next_dataset_event = dataset_events.rbegin()->first + 1;
  std::set<std::int64_t> named;
  for (const auto& [dag_id, event, key] : dataset_queue) {
    image.dataset_queue.push_back({dag_id, event, false, key});
    named.insert(event);
  }
  for (const auto& [run, event] : run_events) {
    if (IsTerminal(runs.at(run).state)) continue;
    image.run_events.push_back({run, event});
    named.insert(event);
  }
  for (const std::int64_t event : named) image.dataset_events.push_back(dataset_events.at(event));
  for (const auto& [key, row] : deadlines) {
    if (!row.missed_at && !IsTerminal(runs.at(row.run).state)) image.deadlines.push_back(row);
  }
  return image;
}

const Run* StoredRows::FindRun(const std::string& dag_id, const std::string& run_id) const {
  for (const auto& [key, row] : runs) {
    if (row.dag_id == dag_id && row.run_id == run_id) return &row;
  }
  return nullptr;
}

StatusOr<RunImage> StoredRows::LoadRun(const std::string& dag_id, const std::string& run_id) const {
  const Run* run = FindRun(dag_id, run_id);
  if (run == nullptr) return NotFound("DAG " + dag_id + " has no run " + run_id);
  return Whole(*run);
}

StatusOr<RunImage> StoredRows::LoadPrevious(const std::string& dag_id, WallTime before) const {
  const Run* last = nullptr;
  for (const auto& [key, run] : runs) {
    if (run.dag_id != dag_id || !run.logical_date || *run.logical_date >= before) continue;
    if (last == nullptr || *last->logical_date <= *run.logical_date) last = &run;
  }
  if (last == nullptr) return NotFound("no run of " + dag_id + " is earlier");
  return Whole(*last);
}

StatusOr<Run> StoredRows::LoadPreviousSuccess(const std::string& dag_id, WallTime before) const {
  const Run* last = nullptr;
  for (const auto& [key, run] : runs) {
    if (run.dag_id != dag_id || run.state != RunState::kSuccess) continue;
    if (!run.logical_date || *run.logical_date >= before) continue;
    if (last == nullptr || *last->logical_date <= *run.logical_date) last = &run;
  }
  if (last == nullptr) return NotFound("no successful run of " + dag_id + " is earlier");
  return *last;
}

StatusOr<CachedResult> StoredRows::LoadCached(const std::string& key) const {
  const auto found = cached.find(key);
  if (found == cached.end()) return NotFound("no such cached result");
  return found->second;
}

void StoredRows::Keep(const TaskStateRow& row) {
  if (!row.deleted) {
    if (instances.contains(row.instance)) task_states[{row.instance, row.key}] = row;
  } else if (row.key.empty()) {
    std::erase_if(task_states, [&](const auto& state) { return state.first.instance == row.instance; });
  } else {
    task_states.erase({row.instance, row.key});
  }
}

void StoredRows::Keep(const DatasetStateRow& row) {
  if (!row.deleted) {
    dataset_states[{row.dataset, row.key}] = row;
  } else if (row.key.empty()) {
    std::erase_if(dataset_states, [&](const auto& state) { return state.first.first == row.dataset; });
  } else {
    dataset_states.erase({row.dataset, row.key});
  }
}

StatusOr<TaskStateRow> StoredRows::LoadTaskState(const TaskInstanceKey& instance, const std::string& key) const {
  const auto found = task_states.find({instance, key});
  if (found == task_states.end()) return NotFound("no such key");
  return found->second;
}

StatusOr<DatasetStateRow> StoredRows::LoadDatasetState(const std::string& dataset, const std::string& key) const {
  const auto found = dataset_states.find({dataset, key});
  if (found == dataset_states.end()) return NotFound("no such key");
  return found->second;
}

std::vector<XComRow> StoredRows::LoadXComs(const std::vector<XComKey>& keys) const {
  std::vector<XComRow> found;
  for (const XComKey& key : keys) {
    if (const auto row = xcoms.find(key); row != xcoms.end()) found.push_back(row->second);
  }
  return found;
}

DagPtr StoredRows::DagOf(const Run& run) const {
  return DagOfRun(run, versions.at({run.dag_id, run.version}).dag);
}

RunImage StoredRows::Whole(const Run& run) const {
  RunImage image;
  image.run = run;
  image.dag = DagOf(run);
  for (auto at = instances.lower_bound({run.key, 0}); at != instances.end() && at->first.run == run.key;
       ++at) {
    image.task_instances.push_back(at->second);
  }
  for (auto event = run_events.lower_bound({run.key, 0}); event != run_events.end() && event->first == run.key; ++event)
    image.events.push_back(dataset_events.at(event->second));
  return image;
}

}  // namespace millrace::test
