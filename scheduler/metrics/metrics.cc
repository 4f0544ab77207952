#include "scheduler/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "scheduler/metrics/process.h"

namespace millrace::metrics {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using Buckets = Histogram::BucketBoundaries;

double Seconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

const Buckets& TaskBuckets() {
  static const Buckets buckets = {0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600};
  return buckets;
}

}  // namespace

// Families own their metrics; the registry owns the families.
struct Metrics::Families {
  prometheus::Registry registry;
  std::mutex mutex;  // of Text: gauges of a scrape are its own

  Families() {
    Family<Counter>& family = prometheus::BuildCounter()
                                  .Name("airflow_ti_finish_total")
                                  .Help("Task instances that ended, by state")
                                  .Register(registry);
    for (std::size_t state = 0; state < finishes.size(); ++state) {
      if (!IsTerminal(static_cast<TaskState>(state))) continue;
      finishes[state] = &family.Add({{"state", std::string(ToString(static_cast<TaskState>(state)))}});
    }
  }

  Counter& CounterOf(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  Family<Gauge>& Gauges(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Gauge& GaugeOf(const char* name, const char* help) { return Gauges(name, help).Add({}); }
  Family<Histogram>& Histograms(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  Counter& starts = CounterOf("airflow_ti_start_total", "Attempts of task instances that a worker has begun");
  std::array<Counter*, kTaskStateCount> finishes{};  // by state, of those that are ends
  Counter& successes = CounterOf("airflow_ti_successes_total", "Task instances that succeeded");
  Counter& failures = CounterOf("airflow_ti_failures_total", "Attempts that failed, also those that are tried again");
  Counter& retries = CounterOf("airflow_ti_retries_total", "Attempts that failed and are tried again");
  Histogram& durations = Histograms("airflow_task_duration_seconds", "From start to end of task instances").Add({}, TaskBuckets());
  Histogram& queued = Histograms("airflow_task_queued_duration_seconds", "From being given to a worker to the start").Add({}, TaskBuckets());
  Histogram& scheduled = Histograms("airflow_task_scheduled_duration_seconds", "From being ready to being given to a worker").Add({}, TaskBuckets());
  Family<Histogram>& run_successes = Histograms("airflow_dagrun_duration_success_seconds", "Of runs that succeeded");
  Family<Histogram>& run_failures = Histograms("airflow_dagrun_duration_failed_seconds", "Of runs that failed");
  Family<Histogram>& run_delays = Histograms("airflow_dagrun_schedule_delay_seconds", "From the time at which a scheduled run was due to its start");
  Counter& updates = CounterOf("airflow_asset_updates_total", "Updates of assets");
  Counter& sessions_ended = CounterOf("millrace_worker_sessions_ended_total", "Workers that left or were lost");
  Counter& commits = CounterOf("millrace_commits_total", "Batches that were made durable");
  Counter& transitions = CounterOf("millrace_transitions_total", "Changes of state of runs and task instances");

  Family<Gauge>& pool_open = Gauges("airflow_pool_open_slots", "Free slots of a pool; -1: it has no limit");
  Family<Gauge>& pool_queued = Gauges("airflow_pool_queued_slots", "Slots of task instances that a worker is to begin");
  Family<Gauge>& pool_running = Gauges("airflow_pool_running_slots", "Slots of running task instances");
  Family<Gauge>& pool_deferred = Gauges("airflow_pool_deferred_slots", "Slots of deferred task instances");
  Family<Gauge>& pool_scheduled = Gauges("airflow_pool_scheduled_slots", "Slots of task instances that wait for them");
  Gauge& open_slots = GaugeOf("airflow_executor_open_slots", "Free slots of connected workers");
  Gauge& running_tasks = GaugeOf("airflow_executor_running_tasks", "Attempts that connected workers have");
  Gauge& workers = GaugeOf("millrace_workers", "Connected workers that take work");
  Gauge& draining = GaugeOf("millrace_workers_draining", "Connected workers that take none");
  Gauge& dags = GaugeOf("airflow_dagbag_size", "DAGs");
  Gauge& import_errors = GaugeOf("airflow_dag_processing_import_errors", "DAG files that do not load");
  Gauge& runs = GaugeOf("airflow_scheduler_dagruns_running", "Running runs");
  Gauge& runs_queued = GaugeOf("millrace_dagruns_queued", "Queued runs");

  Gauge& resident = GaugeOf("process_resident_memory_bytes", "Resident memory");
  Gauge& virtual_memory = GaugeOf("process_virtual_memory_bytes", "Virtual memory");
  Counter& cpu = CounterOf("process_cpu_seconds_total", "User and system CPU time");
  Gauge& start = GaugeOf("process_start_time_seconds", "When the process was started, since 1970");
  Gauge& files = GaugeOf("process_open_fds", "Open file descriptors");
  Gauge& threads = GaugeOf("process_threads", "Threads");

  void CountEnds(const Batch& batch, const std::set<TaskInstanceKey>& ended) {
    for (const TaskInstance& row : batch.task_instances) {
      if (!row.ended_at || !row.started_at || !ended.contains(row.key)) continue;
      durations.Observe(Seconds(*row.ended_at - *row.started_at));
      if (row.queued_at && *row.started_at >= *row.queued_at) queued.Observe(Seconds(*row.started_at - *row.queued_at));
      if (row.scheduled_at && row.queued_at && *row.queued_at >= *row.scheduled_at)
        scheduled.Observe(Seconds(*row.queued_at - *row.scheduled_at));
    }
  }

  // A DAG's durations are a sum and a count: with buckets ten thousand DAGs would be a hundred thousand lines.
  static void Observe(Family<Histogram>& family, const std::string& dag_id, Duration duration) {
    static const Buckets kNone;
    family.Add({{"dag_id", dag_id}}, kNone).Observe(Seconds(duration));
  }

  void CountRuns(const Batch& batch, const std::set<RunKey>& began, const std::set<RunKey>& ended) {
    for (const Run& row : batch.runs) {
      if (began.contains(row.key) && row.started_at && row.type == RunType::kScheduled && row.retries == 0)
        Observe(run_delays, row.dag_id, *row.started_at - row.run_after);
      if (!ended.contains(row.key) || !row.started_at || !row.ended_at) continue;
      Observe(row.state == RunState::kSuccess ? run_successes : run_failures, row.dag_id, *row.ended_at - *row.started_at);
    }
  }

  // Pools come and go: what is gone is not told any more.
  void ShowPools(const std::vector<PoolView>& pools) {
    for (const auto& [family, gauges] : shown) {
      for (Gauge* gauge : gauges) family->Remove(gauge);
    }
    shown.clear();
    for (const PoolView& pool : pools) {
      const auto show = [&](Family<Gauge>& family, std::int64_t value) {
        Gauge& gauge = family.Add({{"pool_name", pool.row.name}});
        gauge.Set(static_cast<double>(value));
        shown[&family].push_back(&gauge);
      };
      const std::int64_t used = pool.running + pool.queued + (pool.row.include_deferred ? pool.deferred : 0);
      show(pool_open, pool.row.slots < 0 ? -1 : pool.row.slots - used);
      show(pool_queued, pool.queued);
      show(pool_running, pool.running);
      show(pool_deferred, pool.deferred);
      show(pool_scheduled, pool.scheduled);
    }
  }

  void ShowWorkers(const std::vector<WorkerView>& views) {
    double open = 0;
    double attempts = 0;
    double ready = 0;
    double leaving = 0;
    for (const WorkerView& view : views) {
      if (!view.connected) continue;
      attempts += view.attempts;
      (view.draining ? leaving : ready) += 1;
      if (!view.draining) open += view.offer.slots - view.slots_used;
    }
    open_slots.Set(open);
    running_tasks.Set(attempts);
    workers.Set(ready);
    draining.Set(leaving);
  }

  void ShowProcess() {
    const std::optional<ProcessFacts> facts = ReadProcessFacts();
    if (!facts) return;
    resident.Set(facts->resident_bytes);
    virtual_memory.Set(facts->virtual_bytes);
    cpu.Increment(std::max(facts->cpu_seconds - cpu.Value(), 0.0));
    start.Set(facts->start_seconds);
    files.Set(facts->open_files);
    threads.Set(facts->threads);
  }

  std::map<Family<Gauge>*, std::vector<Gauge*>> shown;
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::Committed(const Batch& batch) {
  Families& f = *families_;
  f.commits.Increment();
  f.transitions.Increment(static_cast<double>(batch.transitions.size()));
  f.updates.Increment(static_cast<double>(batch.dataset_events.size()));
  for (const SessionRow& session : batch.sessions) f.sessions_ended.Increment(session.ended_at ? 1 : 0);
  std::set<TaskInstanceKey> ended;
  std::set<RunKey> runs_began;
  std::set<RunKey> runs_ended;
  for (const Transition& transition : batch.transitions) {
    if (transition.index < 0) {
      const auto to = static_cast<RunState>(transition.to);
      if (to == RunState::kRunning) runs_began.insert(transition.run);
      if (IsTerminal(to)) runs_ended.insert(transition.run);
      continue;
    }
    const auto to = static_cast<TaskState>(transition.to);
    // The start of a short one is told with its end.
    const bool at_once = static_cast<TaskState>(transition.from) == TaskState::kQueued &&
                         (IsTerminal(to) || to == TaskState::kUpForRetry || to == TaskState::kUpForReschedule);
    if (to == TaskState::kRunning || at_once) f.starts.Increment();
    if (to == TaskState::kSuccess) f.successes.Increment();
    if (to == TaskState::kUpForRetry) f.retries.Increment();
    if (to == TaskState::kFailed || to == TaskState::kUpForRetry) f.failures.Increment();
    if (!IsTerminal(to)) continue;
    f.finishes[transition.to]->Increment();
    ended.insert({transition.run, transition.index});
  }
  if (!ended.empty()) f.CountEnds(batch, ended);
  if (!runs_began.empty() || !runs_ended.empty()) f.CountRuns(batch, runs_began, runs_ended);
}

std::string Metrics::Text(const Standing& standing) {
  Families& f = *families_;
  const std::lock_guard lock(f.mutex);
  f.ShowPools(standing.pools);
  f.ShowWorkers(standing.workers);
  f.ShowProcess();
  f.dags.Set(static_cast<double>(standing.dags));
  f.import_errors.Set(static_cast<double>(standing.import_errors));
  f.runs.Set(static_cast<double>(standing.running_runs));
  f.runs_queued.Set(static_cast<double>(standing.queued_runs));
  return prometheus::TextSerializer().Serialize(f.registry.Collect());
}

}  // namespace millrace::metrics
