// GET /metrics, for Prometheus.
#include "scheduler/api/answer.h"
#include "scheduler/api/handlers.h"

namespace millrace::api {
namespace {

template <typename T>
StatusOr<T> AskFor(Context& context, Question question) {
  ASSIGN_OR_RETURN(Answer answer, context.Ask(std::move(question)));
  auto* found = std::get_if<T>(&answer);
  if (found == nullptr) return Internal("another question was answered");
  return std::move(*found);
}

StatusOr<std::int64_t> CountRuns(Context& context, RunState state) {
  store::RunFilter filter;
  filter.states = {state};
  filter.page.limit = 1;
  ASSIGN_OR_RETURN(const store::Listing<millrace::Run> runs, context.readers.runs.ListRuns(filter));
  return runs.total;
}

StatusOr<metrics::Standing> StandingOf(Context& context) {
  metrics::Standing standing;
  ASSIGN_OR_RETURN(standing.pools, AskFor<std::vector<PoolView>>(context, AskPools{}));
  ASSIGN_OR_RETURN(standing.workers, AskFor<std::vector<WorkerView>>(context, AskWorkers{}));
  store::DagFilter filter;
  filter.page.limit = 1;
  ASSIGN_OR_RETURN(const store::Listing<store::DagEntry> dags, context.readers.dags.ListDags(filter));
  standing.dags = dags.total;
  ASSIGN_OR_RETURN(const std::vector<ImportError> errors, context.readers.dags.ListImportErrors());
  standing.import_errors = static_cast<std::int64_t>(errors.size());
  ASSIGN_OR_RETURN(standing.queued_runs, CountRuns(context, RunState::kQueued));
  ASSIGN_OR_RETURN(standing.running_runs, CountRuns(context, RunState::kRunning));
  return standing;
}

}  // namespace

void AddMetricsRoutes(RouteTable& table, Context& context, metrics::Metrics& metrics) {
  table.Add({"GET", "/metrics", Needs(auth::Verb::kRead, auth::Resource::kMetrics), 200,
             "Counters and gauges in Prometheus's text form; STATE/metrics.token may read them",
             [&context, &metrics](const Call&) -> http::Response {
               ASSIGN_OR_ANSWER(const metrics::Standing standing, StandingOf(context));
               return TextAnswer(metrics.Text(standing), "text/plain; version=0.0.4; charset=utf-8");
             }});
}

}  // namespace millrace::api
