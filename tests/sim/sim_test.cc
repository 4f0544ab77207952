// Two hundred worlds, each played twice: nothing may break, everything must end, and the same seed must tell
// the same story. MILLRACE_SIM_SEEDS=5000 plays more, MILLRACE_SIM_FIRST=77 begins elsewhere,
// MILLRACE_SIM_TELL=1 prints the story. seeds.txt keeps
// those that once failed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/sim/world.h"

namespace millrace::sim {
namespace {

std::uint64_t Setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// False when something broke: the seed and what it was are in the test's output.
bool Holds(std::uint64_t seed) {
  World first(seed, Setting("MILLRACE_SIM_TELL", 0) != 0);
  first.Run();
  World second(seed);
  second.Run();
  for (const std::string& problem : first.problems()) ADD_FAILURE() << "seed " << seed << ": " << problem;
  EXPECT_EQ(first.trace(), second.trace()) << "seed " << seed << " does not tell the same story twice";
  EXPECT_GT(first.commits(), 30) << "seed " << seed << ": hardly anything happened";
  return first.problems().empty() && first.trace() == second.trace();
}

TEST(Simulation, every_invariant_holds_and_every_run_ends_in_every_world) {
  const std::uint64_t begin = Setting("MILLRACE_SIM_FIRST", 1);
  const std::uint64_t count = Setting("MILLRACE_SIM_SEEDS", 200);
  int failed = 0;
  for (std::uint64_t seed = begin; seed < begin + count && failed < 3; ++seed) failed += Holds(seed) ? 0 : 1;
}

TEST(Simulation, seeds_that_once_failed_hold) {
  std::ifstream file(SEEDS);
  ASSERT_TRUE(file.is_open());
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::uint64_t seed = 0;
    if (words >> seed) Holds(seed);
  }
}

}  // namespace
}  // namespace millrace::sim
