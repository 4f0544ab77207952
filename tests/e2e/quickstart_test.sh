#!/usr/bin/env bash
# What the README promises of the quickstart: --once sets up, builds, runs the pipeline for another day too, shows the result, ends
# with 0, and leaves nothing running; without it the scheduler serves on until Ctrl-C. Works in the build folder of this checkout and a data folder of its own.
#
# usage: quickstart_test.sh SOURCE
set -euo pipefail
cd "$1"
export MILLRACE_QUICKSTART
MILLRACE_QUICKSTART=$(mktemp -d -t millrace-quickstart-XXXXXX)
trap 'rm -rf "$MILLRACE_QUICKSTART"' EXIT

fail() {
  echo "FAILED: $1" >&2
  cat "$MILLRACE_QUICKSTART"/*.log "$MILLRACE_QUICKSTART"/state/*.log 2>/dev/null | tail -100 >&2
  exit 1
}

out=$MILLRACE_QUICKSTART/out.txt
examples/quickstart.sh --once --date 2001-05-17 >"$out" 2>&1 || { cat "$out"; fail "exit status $?"; }
for text in "report  *success" "airport  *state  *flights" "Equal to one plain DuckDB query" "lake/gold/2001-05-17/" "Dashboard: http://127.0.0.1:" "Password:"; do
  grep -q "$text" "$out" || { cat "$out"; fail "the output lacks: $text"; }
done
[ -f "$MILLRACE_QUICKSTART/root/lake/gold/2001-05-17/delays/_manifest.json" ] || fail "no published output"
if pgrep -f "$MILLRACE_QUICKSTART" >/dev/null; then fail "something is left running: $(pgrep -af "$MILLRACE_QUICKSTART")"; fi

# Without --once it goes on serving until Ctrl-C, and the other example DAG can be triggered. (An ignored SIGINT would stay
# ignored in a background job of a script: job control gives it the default.)
set -m
examples/quickstart.sh --date 2001-05-17 >"$out" 2>&1 &
serving=$!
set +m
until grep -q "^Password:" "$out"; do
  kill -0 "$serving" 2>/dev/null || { cat "$out"; fail "it does not go on serving"; }
  sleep 0.2
done
MILLRACE_STATE=$MILLRACE_QUICKSTART/state build/release/bin/dagctl dags trigger word_count --wait || fail "word_count does not succeed"
kill -INT "-$serving"
status=0
wait "$serving" || status=$?
[ "$status" = 130 ] || fail "Ctrl-C gave exit status $status"
if pgrep -f "$MILLRACE_QUICKSTART" >/dev/null; then fail "something is left running: $(pgrep -af "$MILLRACE_QUICKSTART")"; fi

status=0
examples/quickstart.sh --date 2002-01-01 >/dev/null 2>&1 || status=$?
[ "$status" = 2 ] || fail "a date outside the data gave exit status $status"
echo "the quickstart keeps its promises"
