#include "worker/mapreduce/counters.h"

#include <charconv>

namespace millrace::mapreduce {

void LoggedCounters::Add(std::string_view group, std::string_view name, std::int64_t amount) {
  totals_[std::string(group) + "," + std::string(name)] += amount;
}

bool LoggedCounters::Report(std::string_view line) {
  constexpr std::string_view kPrefix = "reporter:counter:";
  if (!line.starts_with(kPrefix)) return false;
  const std::string_view rest = line.substr(kPrefix.size());
  const std::size_t first = rest.find(',');
  const std::size_t last = rest.rfind(',');
  if (first == std::string_view::npos || first == last) return false;
  const std::string_view number = rest.substr(last + 1);
  std::int64_t amount = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), amount);
  if (error != std::errc() || end != number.data() + number.size()) return false;
  Add(rest.substr(0, first), rest.substr(first + 1, last - first - 1), amount);
  return true;
}

std::vector<Counter> LoggedCounters::LogTo(const Site& site) const {
  std::vector<Counter> counters;
  for (const auto& [name, total] : totals_) {
    site.Log("counter " + name + " = " + std::to_string(total));
    counters.push_back({name, total});
  }
  return counters;
}

}  // namespace millrace::mapreduce
