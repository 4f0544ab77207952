#!/usr/bin/env bash
# From nothing to a result: sets up, builds, starts a scheduler and two workers, runs the flights pipeline for one day, shows what
# came of it, and keeps serving until Ctrl-C.
#
#   examples/quickstart.sh [--once] [--date 2001-05-17]
#
# --once stops after the result; exit status 0 only if the result equals a plain query over the source.
set -euo pipefail
cd "$(dirname "$0")/.."

once=false
date=2001-03-01
while [ $# -gt 0 ]; do
  case "$1" in
    --once) once=true ;;
    --date)
      date=${2:-}
      shift
      ;;
    -h | --help)
      sed -n '2,7p' "$0" | cut -c3-
      exit 0
      ;;
    *)
      echo "quickstart: unknown option: $1 (try --help)" >&2
      exit 2
      ;;
  esac
  shift
done
[[ "$date" =~ ^2001-0[1-6]-[0-3][0-9]$ ]] || { echo "quickstart: --date takes a day from 2001-01-01 to 2001-06-30" >&2; exit 2; }

scripts/setup.sh
export MILLRACE_DEPS=${MILLRACE_DEPS:-$PWD/build/deps}
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build --preset release --target programs webui word_count

bin=$PWD/build/release/bin
home=${MILLRACE_QUICKSTART:-$PWD/build/quickstart}
mkdir -p "$home/root/data" "$home/state"
for file in flights-3m.parquet airports.csv; do
  [ -f "$home/root/data/$file" ] || cp "$MILLRACE_DEPS/vega-datasets/$file" "$home/root/data/"
done
# What the other example DAG, word_count, reads and loads: it waits to be triggered.
mkdir -p "$home/root/data/text" "$home/root/lib"
cp README.md docs/*.md "$home/root/data/text/"
cp build/release/lib/libword_count.so "$home/root/lib/"
port=8080
if (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; then port=0; fi

export MILLRACE_STATE=$home/state
export MILLRACE_CONN_WAREHOUSE=duckdb:warehouse.duckdb
"$bin/dagctl" up --dags dags --root "$home/root" --workers 2 --slots 4 --port "$port" --webui build/release/webui/dist \
  >"$home/up.log" 2>&1 &
up=$!
stop() {
  trap - EXIT INT TERM
  kill -TERM "$up" 2>/dev/null || true
  wait "$up" 2>/dev/null || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
until grep -q '^Dashboard:' "$home/up.log"; do
  kill -0 "$up" 2>/dev/null || { cat "$home/up.log" >&2; exit 1; }
  read -rt 0.2 <> <(:) || true
done
until "$bin/dagctl" dags show daily_flights >/dev/null 2>&1 && "$bin/dagctl" dags show flights_audit >/dev/null 2>&1 &&
  [ "$("$bin/dagctl" workers list -o plain | wc -l)" = 2 ]; do
  kill -0 "$up" 2>/dev/null || { cat "$home/up.log" >&2; exit 1; }
  read -rt 0.2 <> <(:) || true
done

run=quickstart__${date}__$(date +%s)
"$bin/dagctl" dags trigger daily_flights --logical-date "$date" --run-id "$run" --wait
echo
"$bin/dagctl" tasks logs daily_flights "$run" report
echo
"$bin/dagctl" jobs show daily_flights "$run" delays
"$bin/dagctl" dags trigger flights_audit --logical-date "$date" --run-id "$run" --wait >"$home/audit.log" ||
  { cat "$home/audit.log" >&2; "$bin/dagctl" tasks logs flights_audit "$run" compare >&2; exit 1; }
echo
echo "Equal to one plain DuckDB query over the 3,000,000 source rows."
echo "Files:     $home/root/lake/gold/$date/"
echo "Warehouse: $home/root/warehouse.duckdb (tables delays and state_delays)"
cat "$home/up.log"
echo "Password:  $(cat "$home/state/admin.password")"
if $once; then exit 0; fi
wait "$up"
