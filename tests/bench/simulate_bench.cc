// What `dagctl simulate` does: a year of an hourly DAG in the real engine. 8,760 runs, with one, three and
// ten tasks each.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "core/calendar/format.h"
#include "dagctl/simulation.h"
#include "platform/zones.h"
#include "tests/support/dag_builder.h"

namespace millrace {
namespace {

void YearOfAnHourlyDag(benchmark::State& state) {
  test::DagBuilder builder("hourly");
  for (int i = 0; i < state.range(0); ++i) {
    builder.Add("t" + std::to_string(i),
                i == 0 ? std::vector<std::string>() : std::vector{"t" + std::to_string(i - 1)});
  }
  builder.With([](Dag& dag) {
    dag.schedule.kind = ScheduleKind::kCronTrigger;
    dag.schedule.expression = dag.schedule.written = "@hourly";
    dag.schedule.start = *ParseTimeUtc("2026-01-01");
  });
  const platform::TzdbZones zones;
  dagctl::SimulationOptions options;
  options.dag_id = "hourly";
  options.start = *ParseTimeUtc("2026-01-01");
  options.end = *ParseTimeUtc("2027-01-01");
  options.length = std::chrono::minutes(5);
  std::size_t runs = 0;
  for (auto _ : state) {
    dagctl::Simulation simulation({builder.Build()}, options, zones);
    const auto played = simulation.Play();
    runs = played.ok() ? played->size() : 0;
  }
  state.counters["runs"] = static_cast<double>(runs);
}
BENCHMARK(YearOfAnHourlyDag)->Arg(1)->Arg(3)->Arg(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace millrace

BENCHMARK_MAIN();
