#!/usr/bin/env bash
# The README's two commands on a bare machine: a chroot of plain Debian 12 with git and nothing else, a fresh clone of this
# repository's HEAD in it, examples/quickstart.sh --once and then tests/run.sh. Needs root, debootstrap and the network;
# takes as long as two builds and every test. Everything it starts lives in a pid namespace of its own and ends with it.
#
# usage: tests/e2e/bare.sh [COMMAND]     COMMAND: run this in the clone instead of the two
#
#   MILLRACE_BARE_CCACHE=FOLDER          lend the chroot this compiler cache (and LANG, which is part of what it goes by); without it
#                                        everything is compiled anew
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
die() {
  echo "bare: $*" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || die "needs root, for debootstrap and chroot"
command -v debootstrap >/dev/null || die "needs debootstrap: run scripts/setup.sh --tests"
command=${1:-"examples/quickstart.sh --once && tests/run.sh"}

# The mirror is the one that this machine uses, in whichever form its apt sources are written.
mirror=$(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || die "this machine's apt sources have no Debian bookworm main"

bare=$(mktemp -d "${TMPDIR:-/tmp}/millrace-bare.XXXXXX")
trap 'rm -rf --one-file-system "$bare"' EXIT
echo "bare: debootstrap of bookworm into $bare"
debootstrap --include="git${MILLRACE_BARE_CCACHE:+,ccache}" bookworm "$bare" "$mirror" >"$bare.log" 2>&1 || die "debootstrap failed: $(tail -n 1 "$bare.log") ($bare.log)"
rm -f "$bare.log"
cp /etc/resolv.conf "$bare/etc/resolv.conf"
for file in /etc/apt/apt.conf.d/*proxy* /usr/local/share/ca-certificates/*; do
  if [ -f "$file" ]; then install -D -m 644 "$file" "$bare$file"; fi
done
git clone -q --no-hardlinks "$root" "$bare/root/millrace"
mkdir "$bare/ccache"

# Mounts are made inside the namespace, so that none can outlive it.
started=$SECONDS
unshare --mount --pid --fork --kill-child bash -euc '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  mount -t tmpfs tmpfs "$1/tmp"
  [ -z "${MILLRACE_BARE_CCACHE:-}" ] || mount --bind "$MILLRACE_BARE_CCACHE" "$1/ccache"
  # Not exec: this shell is process 1 of the namespace, and inherits and reaps what the tests kill.
  chroot "$1" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true TERM=dumb \
    CCACHE_DIR=/ccache CCACHE_BASEDIR=/root/millrace CCACHE_NOHASHDIR=1 ${MILLRACE_BARE_CCACHE:+LANG="${LANG:-}"} \
    http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
    bash -euc "cd /root/millrace && $2"
  exit $?
' bare "$bare" "$command" </dev/null || die "failed after $((SECONDS - started)) s: $command"
echo "bare: passed after $((SECONDS - started)) s: $command"
