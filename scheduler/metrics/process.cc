#include "scheduler/metrics/process.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace millrace::metrics {
namespace {

// proc(5): the fields of /proc/self/stat behind the name, which may hold spaces and brackets; the first of these is field 3.
std::vector<double> FieldsOf(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  std::vector<double> fields;
  if (name_end == std::string::npos) return fields;
  std::istringstream rest(stat.substr(name_end + 1));
  std::string state;
  rest >> state;
  fields.push_back(0);
  for (double field = 0; rest >> field;) fields.push_back(field);
  return fields;
}

// btime of /proc/stat.
double BootSeconds() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace

std::optional<ProcessFacts> ReadProcessFacts() {
  std::ifstream file("/proc/self/stat");
  std::string stat;
  if (!std::getline(file, stat)) return std::nullopt;
  const std::vector<double> fields = FieldsOf(stat);
  const auto field = [&](std::size_t number) { return fields[number - 3]; };
  if (fields.size() < 22) return std::nullopt;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessFacts facts;
  facts.cpu_seconds = (field(14) + field(15)) / ticks;
  facts.threads = field(20);
  facts.start_seconds = BootSeconds() + field(22) / ticks;
  facts.virtual_bytes = field(23);
  facts.resident_bytes = field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error))
    facts.open_files += 1;
  return facts;
}

}  // namespace millrace::metrics
