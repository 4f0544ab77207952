#!/usr/bin/env bash
# Jobs beside DuckDB, Polars and Spark (the newest of each from PyPI; Spark where there is a Java), in one run: jobs_bench.py says what
# is measured and takes the arguments. Data is generated in a temporary folder and never committed.
#
# usage: tests/bench/jobs.sh [--full] [--rows MILLIONS] [--rounds N] [--only TEXT] [--data FOLDER] [--peers LIST]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scripts/setup.sh --tests
deps=${MILLRACE_DEPS:-$PWD/build/deps}
cmake --preset release -DMILLRACE_DEPS="$deps" >/dev/null
cmake --build --preset release --target programs word_count
venv=build/bench-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
peers="duckdb polars" named=duckdb,polars
if command -v java >/dev/null; then
  peers+=" pyspark" named+=,spark
else
  echo "no java here: Spark is left out"
fi
# shellcheck disable=SC2086
"$venv/bin/pip" install --quiet --disable-pip-version-check --upgrade $peers
"$venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -iE "^(duckdb|polars|pyspark) " || true
"$venv/bin/python" tests/bench/jobs_bench.py build/release/bin "$deps" --peers "$named" "$@"
if [[ " $* " == *" --full "* ]]; then
  echo
  echo "10 GB shuffled by two workers of 512 MB"
  python3 tests/e2e/memory_test.py build/release . 100000000 512
fi
