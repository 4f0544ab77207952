// Deadlines of runs: reckoned when a run is made, kept until it is over or the moment has passed. A missed
// one changes nothing about the run: it is counted, written down and told.
#include <numeric>

#include "core/calendar/format.h"
#include "core/model/json.h"
#include "core/spec/schedule_fields.h"
#include "scheduler/engine/state.h"

namespace millrace::engine {
namespace {

constexpr std::size_t kRuntimesKept = 100;

std::optional<Duration> AverageOf(const std::vector<Duration>& runtimes, const Deadline& deadline) {
  const std::size_t count = std::min(runtimes.size(), static_cast<std::size_t>(deadline.max_runs));
  if (count == 0 || count < static_cast<std::size_t>(deadline.min_runs)) return std::nullopt;
  const auto first = runtimes.end() - static_cast<std::ptrdiff_t>(count);
  return std::accumulate(first, runtimes.end(), Duration(0)) / static_cast<std::int64_t>(count);
}

bool NeedsRuntimes(const Dag& dag) {
  for (const Deadline& deadline : dag.deadlines) {
    if (deadline.reference == DeadlineReference::kAverageRuntime) return true;
  }
  return false;
}

// As authors write it.
const std::string& WordOf(DeadlineReference reference) {
  return DeadlineFields().front().choices[static_cast<std::size_t>(reference)];
}

}  // namespace

std::optional<WallTime> Engine::State::DueAt(const LiveRun& run, const Deadline& deadline) const {
  switch (deadline.reference) {
    case DeadlineReference::kQueuedAt:
      return run.row.queued_at + deadline.interval;
    case DeadlineReference::kLogicalDate:
      if (!run.row.logical_date) return std::nullopt;
      return *run.row.logical_date + deadline.interval;
    case DeadlineReference::kFixed:
      return deadline.fixed + deadline.interval;
    case DeadlineReference::kAverageRuntime: {
      const std::optional<Duration> average = AverageOf(run.owner->row.runtimes, deadline);
      if (!average) return std::nullopt;
      return run.row.queued_at + *average + deadline.interval;
    }
  }
  return std::nullopt;
}

void Engine::State::SetDeadlines(LiveRun& run) {
  for (std::size_t i = 0; i < run.dag->deadlines.size(); ++i) {
    const auto index = static_cast<std::int32_t>(i);
    const std::optional<WallTime> due = DueAt(run, run.dag->deadlines[i]);
    if (!due) continue;
    out->batch.deadlines.push_back({run.row.key, index, *due, std::nullopt, false});
    AddDeadline(run, index, *due);
  }
}

void Engine::State::AddDeadline(LiveRun& run, std::int32_t index, WallTime due) {
  run.deadlines[index] = due;
  deadlines.emplace(due, run.row.key, index);
}

void Engine::State::MissDeadlines() {
  while (!deadlines.empty() && std::get<WallTime>(*deadlines.begin()) <= now.wall) {
    const auto [due, key, index] = *deadlines.begin();
    deadlines.erase(deadlines.begin());
    LiveRun& run = *FindRun(key);
    run.deadlines.erase(index);
    OnDeadlineMissed(run, index, due);
  }
}

// The one place where a deadline is missed.
void Engine::State::OnDeadlineMissed(LiveRun& run, std::int32_t index, WallTime due) {
  const Deadline& deadline = run.dag->deadlines[static_cast<std::size_t>(index)];
  ++run.row.missed_deadlines;
  Touch(run);
  out->batch.deadlines.push_back({run.row.key, index, due, now.wall, false});
  out->batch.records.push_back(AuditRecord{
      now.wall, "scheduler", "deadline_missed", run.row.dag_id + "/" + run.row.run_id,
      ToJson(Value(Value::Map{
          {"deadline", index}, {"reference", WordOf(deadline.reference)}, {"due_at", FormatTime(due)}}))});
  TellDeadline(run, index, due);
}

void Engine::State::DropDeadlines(LiveRun& run) {
  for (const auto& [index, due] : run.deadlines) {
    deadlines.erase({due, run.row.key, index});
    out->batch.deadlines.push_back({run.row.key, index, due, std::nullopt, true});
  }
  run.deadlines.clear();
  if (run.row.state != RunState::kSuccess || !run.row.started_at || !NeedsRuntimes(*run.dag)) return;
  std::vector<Duration>& runtimes = run.owner->row.runtimes;
  runtimes.push_back(*run.row.ended_at - *run.row.started_at);
  if (runtimes.size() > kRuntimesKept) runtimes.erase(runtimes.begin());
  Touch(*run.owner);
}

}  // namespace millrace::engine
