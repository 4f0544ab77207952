// One DuckDB with two threads, for benchmarks and results to stand beside: runs a statement a few times and prints the fastest, in milliseconds.
//
//   plain_duckdb "COPY (...) TO '/tmp/out.parquet'" [ROUNDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "worker/sql/instance.h"

int main(int argc, char** argv) {
  using Clock = std::chrono::high_resolution_clock;
  if (argc < 2) return 2;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  double best = 1e18;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    auto instance = millrace::sql::Instance::Open({.threads = 2, .sandboxed = false});
    if (!instance.ok()) return 1;
    auto connection = (*instance)->Connect();
    if (!connection.ok()) return 1;
    const millrace::Status status = (*connection)->Run(argv[1]).status();
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.message().c_str());
      return 1;
    }
    best = std::min(best, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  std::printf("%.1f\n", best);
}
