#!/usr/bin/env bash
# What scripts/setup.sh says when it cannot work: one line each, exit status 1, nothing half-written, and how little a second run
# costs is left to the reader (it is printed). Real failures: a namespace without a network, a full tmpfs, another user.
# Cases that need root are skipped, by name, without it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'umount "$scratch/full" 2>/dev/null || true; rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
failed=0

# expect NAME PATTERN COMMAND...: the command fails, its standard error is one line and matches.
expect() {
  local name=$1 pattern=$2 status=0
  shift 2
  "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
  if [ $status = 1 ] && [ "$(wc -l <"$scratch/err")" = 1 ] && grep -qE "^setup: .*$pattern" "$scratch/err"; then
    echo "ok: $name: $(cat "$scratch/err")"
  else
    echo "FAILED: $name: exit status $status, wanted one line that matches '$pattern', got:" && cat "$scratch/out" "$scratch/err"
    failed=1
  fi
}

# stub COMMAND BODY: a folder to put first on PATH, in which COMMAND does BODY.
stub() {
  mkdir -p "$scratch/$1.stub"
  printf '#!/bin/sh\n%s\n' "$2" >"$scratch/$1.stub/$1"
  chmod 755 "$scratch/$1.stub" "$scratch/$1.stub/$1"
  echo "$scratch/$1.stub:$PATH"
}

none_installed=$(stub dpkg-query "exit 0")
other_machine=$(stub dpkg 'if [ "$1" = --print-architecture ]; then echo s390x; fi')
other_tarball=$(stub npm 'echo x >wrong.tgz; echo wrong.tgz')

expect "an unknown argument" "unknown argument --test .*usage" "$root/scripts/setup.sh" --test
expect "another architecture" "amd64 and arm64; this machine is s390x" \
  env PATH="$other_machine" MILLRACE_DEPS="$scratch/deps" "$root/scripts/setup.sh"
expect "a tarball with another checksum" "has another SHA-256" \
  env PATH="$other_tarball" MILLRACE_DEPS="$scratch/deps" "$root/scripts/setup.sh"
if find "$scratch/deps" -name '*.h' -o -name '*.so' -o -name '.scratch.*' | grep .; then
  echo "FAILED: the above was left behind by runs that failed" && failed=1
fi

if [ "$(id -u)" = 0 ] && unshare --mount --net true 2>/dev/null; then
  printf 'ID=ubuntu\nVERSION_ID=22.04\nPRETTY_NAME="Ubuntu 22.04"\n' >"$scratch/os-release"
  expect "another system" "knows Debian 12 or newer; this is Ubuntu 22.04" \
    unshare --mount sh -c 'mount --bind "$1" /etc/os-release && MILLRACE_DEPS="$2" exec "$3"' sh "$scratch/os-release" \
    "$scratch/deps" "$root/scripts/setup.sh"
  expect "no network for npm" "network cannot be reached" \
    env MILLRACE_DEPS="$scratch/deps" npm_config_cache="$scratch/cache" unshare --net "$root/scripts/setup.sh"
  expect "no network for apt" "apt-get update: the network cannot be reached" \
    env PATH="$none_installed" MILLRACE_DEPS="$scratch/deps" unshare --net "$root/scripts/setup.sh"
  mkdir "$scratch/full"
  mount -t tmpfs -o size=20m tmpfs "$scratch/full"
  expect "a full disk" "the disk is full" env MILLRACE_DEPS="$scratch/full" "$root/scripts/setup.sh"
  # The script is copied to where the other user can read it, whoever owns the checkout.
  mkdir -p "$scratch/copy/scripts" "$scratch/theirs"
  cp "$root"/scripts/{setup.sh,dependencies.txt} "$scratch/copy/scripts/"
  chown nobody "$scratch/theirs"
  expect "not root" "As root, run: apt-get install ca-certificates " \
    setpriv --reuid nobody --clear-groups env PATH="$none_installed" HOME=/nonexistent MILLRACE_DEPS="$scratch/theirs" \
    "$scratch/copy/scripts/setup.sh"
  expect "a folder that is another's" "cannot write to" \
    setpriv --reuid nobody --clear-groups env HOME=/nonexistent MILLRACE_DEPS="$scratch/copy" "$scratch/copy/scripts/setup.sh"
else
  echo "skipped without root and namespaces: another system, no network, a full disk, not root, another's folder"
fi
exit $failed
