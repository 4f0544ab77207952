#!/usr/bin/env bash
# Every benchmark, beside its peers, in one run. Prints; judges nothing. These numbers depend on the machine: compare ratios.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scripts/setup.sh --tests
deps=${MILLRACE_DEPS:-$PWD/build/deps}
cmake --preset release -DMILLRACE_DEPS="$deps" >/dev/null
cmake --build --preset release --target tests_bench programs
bin=build/release/bin
echo "== control plane: two workers of eight slots, durable store"
python3 tests/bench/control_plane_bench.py "$bin"
echo "== scale: many DAGs, many runs at once, a long history"
python3 tests/bench/scale_bench.py "$bin"
echo "== jobs: two workers of two slots beside DuckDB, Polars and Spark with two threads"
tests/bench/jobs.sh --rows "${MILLIONS:-10}"
echo "== engine alone"
"$bin/engine_bench"
echo "== a year of an hourly DAG, simulated (to stay under two seconds)"
"$bin/simulate_bench"
echo "== shuffle beside DuckDB"
"$bin/shuffle_bench"
if [ -f build/release/webui/dist/index.html ] && command -v chromium >/dev/null; then
  echo "== frames of the dashboard while long lists scroll"
  node tests/bench/frames.mjs build/release/webui/dist
fi
