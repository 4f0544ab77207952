#!/usr/bin/env bash
# Installs what is missing, builds, and runs the tests. Ends with ctest's own lines and its exit status.
#
# usage: tests/run.sh [LABEL...]     no label: everything but `bench` and `bare`
#
#   label                                                built as  because
#   tidy unit contract sim scenarios integration fuzz    dev       ASan and UBSan see what no assertion looks for
#   e2e webui bench                                      release   they drive what users run: quickstart.sh builds the same tree
#   bare                                                 -         both README commands in a chroot of plain Debian 12; needs root
#
# Each test is registered in one of the two builds only (tests/CMakeLists.txt), so nothing is built twice but the rooms themselves.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
dev_labels=(tidy unit contract sim scenarios integration fuzz)
release_labels=(e2e webui)

labels=("$@")
[ $# -gt 0 ] || labels=("${dev_labels[@]}" "${release_labels[@]}")
dev_targets=() release_targets=() setup=()
for label in "${labels[@]}"; do
  case $label in
    unit | contract | sim | scenarios | fuzz) dev_targets+=("tests_$label") ;;
    tidy) dev_targets+=("tests_$label") setup=(--tests) ;;
    integration) dev_targets+=(all) setup=(--tests) ;;
    e2e | webui | bench) release_targets+=(all) setup=(--tests) ;;
    bare)
      [ ${#labels[@]} = 1 ] || { echo "tests/run.sh: run bare alone" >&2 && exit 2; }
      scripts/setup.sh --tests
      exec tests/e2e/bare.sh
      ;;
    *)
      echo "tests/run.sh: unknown label $label (known: ${dev_labels[*]} ${release_labels[*]} bench bare)" >&2
      exit 2
      ;;
  esac
done

times=()
timed() { # timed WHAT COMMAND...
  local started=$SECONDS what=$1
  shift
  "$@"
  times+=("$what $((SECONDS - started)) s")
}

# Two gigabytes a compiler: a small machine with many cores must not run out of memory.
memory_jobs=$(($(awk '/^MemAvailable/ { print $2 }' /proc/meminfo) / 2000000))
jobs=$(nproc)
[ "$memory_jobs" -ge "$jobs" ] || jobs=$((memory_jobs > 0 ? memory_jobs : 1))

build() { # build PRESET TARGET...
  local preset=$1
  shift
  cmake --preset "$preset" -DMILLRACE_DEPS="${MILLRACE_DEPS:-$root/build/deps}" >"build/configure-$preset.log" 2>&1 ||
    { cat "build/configure-$preset.log" && return 1; }
  ninja -C "build/$preset" -j"$jobs" "$@"
  echo "subdirs(\"$root/build/$preset\")" >>build/tests/CTestTestfile.cmake
}

timed set-up scripts/setup.sh "${setup[@]}"
mkdir -p build/tests
: >build/tests/CTestTestfile.cmake
[ ${#dev_targets[@]} = 0 ] || timed "dev build" build dev "${dev_targets[@]}"
[ ${#release_targets[@]} = 0 ] || timed "release build" build release "${release_targets[@]}"
echo "tests/run.sh: $(printf '%s, ' "${times[@]}")testing: ${labels[*]}"

# One run over both builds; ctest's label summary at its end says how long each kind took.
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
IFS='|'
# Continuous integration runs on shared machines: what fails there is tried once more (ctest prints both), while at a desk a test that
# fails once has failed.
repeat=()
[ "${CI:-}" != true ] || repeat=(--repeat until-pass:2)
exec ctest --test-dir build/tests --label-regex "^(${labels[*]})\$" --output-on-failure --no-tests=error -j"$(nproc)" "${repeat[@]}"
