// The engine alone: how many task instances a second it takes from ready to success with workers that answer
// at once, no store and no network. What it leaves of a second is what loop, store and wire may cost.
//   engine_bench             1 x 10,000 independent tasks and 100 runs x 100 in a chain, two workers x 8
//   slots, kind `empty`
#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "platform/zones.h"
#include "scheduler/engine/engine.h"
#include "tests/support/dag_builder.h"

namespace millrace {
namespace {

constexpr int kWorkers = 2;
constexpr int kSlots = 8;

// Reports everything that it was assigned, start and end, a batch of events for each batch of effects.
class Burst {
 public:
  explicit Burst(const DagPtr& dag) : engine_({}, zones_) {
    engine::Output output;
    engine_.Load({}, now_, output);
    engine_.Apply(DagLoaded{dag}, now_, output);
    for (int i = 0; i < kWorkers; ++i) {
      WorkerJoined joined;
      joined.stream = static_cast<std::uint64_t>(i + 1);
      joined.offer.name = "w" + std::to_string(i);
      joined.offer.slots = kSlots;
      engine_.Apply(joined, now_, output);
    }
    dag_id_ = dag->id;
  }

  // Returns the number of events.
  std::int64_t Run(int runs) {
    std::int64_t events = 0;
    engine::Output output;
    for (int i = 0; i < runs; ++i) {
      TriggerRun trigger;
      trigger.dag_id = dag_id_;
      trigger.run_id = "r" + std::to_string(i);
      engine_.Apply(CommandReceived{1, trigger}, now_, output);
      engine_.Apply(Loaded{dag_id_, trigger.run_id, NotFound("none")}, now_, output);
      events += 2;
    }
    while (true) {
      std::map<SessionId, std::vector<Report>> reports;
      for (const Effect& effect : output.effects) {
        const auto* assign = std::get_if<Assign>(&effect);
        if (assign == nullptr) continue;
        Report report;
        report.fence = assign->assignment.fence;
        report.sequence = ++sequences_[assign->session];
        reports[assign->session].push_back(report);
        report.sequence = ++sequences_[assign->session];
        report.ended = true;
        reports[assign->session].push_back(report);
      }
      rows_ += static_cast<std::int64_t>(output.batch.task_instances.size());
      output = {};
      if (reports.empty() && !engine_.HasBacklog()) return events;
      if (engine_.HasBacklog()) engine_.Apply(Tick{}, now_, output);
      for (auto& [session, some] : reports) {
        events += static_cast<std::int64_t>(some.size());
        engine_.Apply(Reported{session, std::move(some)}, now_, output);
      }
    }
  }

  std::int64_t rows() const { return rows_; }

 private:
  platform::TzdbZones zones_;
  Now now_{WallFromMicros(983'404'800'000'000), BootTime(std::chrono::hours(1))};
  engine::Engine engine_;
  std::string dag_id_;
  std::map<SessionId, std::uint64_t> sequences_;
  std::int64_t rows_ = 0;
};

void Play(benchmark::State& state, const DagPtr& dag, int runs) {
  std::int64_t tasks = 0;
  std::int64_t events = 0;
  std::int64_t rows = 0;
  for (auto _ : state) {
    Burst burst(dag);
    events += burst.Run(runs);
    rows += burst.rows();
    tasks += static_cast<std::int64_t>(dag->tasks.size()) * runs;
  }
  state.counters["tasks/s"] = benchmark::Counter(static_cast<double>(tasks), benchmark::Counter::kIsRate);
  state.counters["events/s"] = benchmark::Counter(static_cast<double>(events), benchmark::Counter::kIsRate);
  state.counters["rows a task"] = static_cast<double>(rows) / static_cast<double>(tasks);
}

void Wide(benchmark::State& state) {
  test::DagBuilder builder("wide");
  for (int i = 0; i < state.range(0); ++i) builder.Add("t" + std::to_string(i));
  Play(state, builder.With([](Dag& dag) { dag.max_active_tasks = 1'000'000; }).Build(), 1);
}
BENCHMARK(Wide)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void Chains(benchmark::State& state) {
  test::DagBuilder builder("chain");
  for (int i = 0; i < 100; ++i) {
    builder.Add("t" + std::to_string(i),
                i == 0 ? std::vector<std::string>() : std::vector{"t" + std::to_string(i - 1)});
  }
  Play(state, builder.With([](Dag& dag) { dag.max_active_runs = 1000; }).Build(),
       static_cast<int>(state.range(0)));
}
BENCHMARK(Chains)->Arg(100)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace

BENCHMARK_MAIN();
