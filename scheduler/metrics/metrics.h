// What GET /metrics tells: counts of what was committed since the start, and how things stand now. The names are Airflow's
// (https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/logging-monitoring/metrics.html), dots as
// '_', as its exporters write them: dashboards and alerts find what they ask for. Times are in seconds, as Prometheus wants them.
//
// Committed is called on the loop's thread, once a batch, and costs an atomic addition or two a transition; Text is called on the
// server's workers. It keeps nothing over a restart: rates do not mind.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/model/batch.h"
#include "scheduler/inbox.h"

namespace millrace::metrics {

// How things stand when somebody asks.
struct Standing {
  std::vector<PoolView> pools;
  std::vector<WorkerView> workers;
  std::int64_t dags = 0;
  std::int64_t import_errors = 0;
  std::int64_t queued_runs = 0;
  std::int64_t running_runs = 0;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void Committed(const Batch& batch);
  // Prometheus's text form, version 0.0.4. One call at a time; others wait.
  std::string Text(const Standing& standing);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace millrace::metrics
