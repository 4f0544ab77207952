#include "scheduler/jobs/rules/speculate.h"

#include <algorithm>

namespace millrace::jobs {
namespace {

constexpr Duration kLeast = std::chrono::seconds(1);
constexpr double kSlow = 2;  // times what the others took for as many bytes

double Micros(Duration time) { return static_cast<double>(time.count()); }
double Size(const TimedTask& task) { return static_cast<double>(std::max<std::int64_t>(task.bytes, 1)); }

}  // namespace

SpeculateChoice Speculate(const std::vector<TimedTask>& ended, std::vector<TimedTask> running, std::size_t twice) {
  SpeculateChoice choice;
  const std::size_t tasks = ended.size() + running.size() + twice;
  if (ended.empty() || running.empty() || ended.size() * 4 < tasks * 3) return choice;
  std::vector<double> rates;  // microseconds a byte
  for (const TimedTask& task : ended) rates.push_back(Micros(task.time) / Size(task));
  const auto middle = rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2);
  std::nth_element(rates.begin(), middle, rates.end());
  const auto expected = [&](const TimedTask& task) { return *middle * Size(task); };
  const std::size_t most = std::max<std::size_t>(1, (running.size() + twice) / 10);
  std::sort(running.begin(), running.end(), [&](const TimedTask& a, const TimedTask& b) {
    const double slow_a = Micros(a.time) - expected(a);
    const double slow_b = Micros(b.time) - expected(b);
    return slow_a != slow_b ? slow_a > slow_b : a.index < b.index;
  });
  for (const TimedTask& task : running) {
    if (twice + choice.again.size() >= most) break;
    if (task.time <= kLeast || Micros(task.time) <= kSlow * expected(task)) continue;
    choice.again.push_back({task.index,
                            {"speculate", " is tried a second time", "it has run for " + Seconds(Micros(task.time) / 1e6) + ", others took " +
                                                                         Seconds(expected(task) / 1e6) + " for as much"}});
  }
  return choice;
}

}  // namespace millrace::jobs
