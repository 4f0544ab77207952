#!/usr/bin/env bash
# Installs what Millrace needs to build: Debian packages, and below $MILLRACE_DEPS (default build/deps) what Debian 12 does not
# have. scripts/dependencies.txt is the list. examples/quickstart.sh and tests/run.sh call this first; once everything is in
# place it takes a fraction of a second. Every change is atomic: what is in place is whole.
#
# usage: scripts/setup.sh [--tests]      --tests: also what only the tests need (Chromium, debootstrap, Python)
set -euo pipefail
export LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
table=$root/scripts/dependencies.txt
deps=${MILLRACE_DEPS:-$root/build/deps}
log=$deps/setup.log
needed_mb=600

say() { echo "setup: $*"; }
die() {
  echo "setup: $*" >&2
  exit 1
}

# free_mb FOLDER
free_mb() {
  df -Pm "$1" | awk 'NR == 2 { print $4 }'
}

# explain WHAT: the one line that tells why the last command failed, from what it wrote to the log; and where the whole of it is.
explain() {
  local last
  last=$(tail -n 60 "$log" 2>/dev/null || true)
  if [ "$(free_mb "$deps")" -lt 5 ] || [ "$(free_mb /var/cache/apt)" -lt 5 ] ||
    grep -qiE "no space left|ENOSPC|enough free space|disk quota" <<<"$last"; then
    die "$1: the disk is full. Free some space (about $needed_mb MB in $deps, 2 GB for packages) and run this again."
  elif grep -qiE "could not resolve|temporary failure|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|could not connect|unable to connect|network is unreachable|failed to fetch" <<<"$last"; then
    die "$1: the network cannot be reached. Millrace needs it once, for set-up: check the connection or proxy and run this again. Details: $log"
  fi
  die "$1 failed. The last line was: $(grep -v '^$' <<<"$last" | tail -n 1) Details: $log"
}

# rows KIND...: the table's lines of these kinds, without the kind and without comments.
rows() {
  local kind pattern=
  for kind; do pattern+="${pattern:+|}$kind"; done
  sed -e 's/#.*//' "$table" | awk -v want="^($pattern)\$" '$1 ~ want { $1 = ""; sub(/^ /, ""); print }'
}

check_machine() {
  local id='' version='' pretty=''
  if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
    pretty=$(. /etc/os-release && echo "${PRETTY_NAME:-}")
  fi
  [ "$id" = debian ] && [ "${version%%.*}" -ge 12 ] 2>/dev/null ||
    die "Millrace's set-up knows Debian 12 or newer; this is ${pretty:-not Debian}. Use a Debian 12 machine or container."
  arch=$(dpkg --print-architecture)
  case $arch in
    amd64 | arm64) ;;
    *) die "Millrace runs on amd64 and arm64; this machine is $arch." ;;
  esac
}

# missing_packages: the names that are not installed, or older than their floor.
missing_packages() {
  local installed package floor have
  installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' 2>/dev/null | awk '/^ii/ { print $2, $3 }')
  while read -r package floor _; do
    have=$(awk -v p="$package" '$1 == p { print $2; exit }' <<<"$installed")
    if [ -z "$have" ] || ! dpkg --compare-versions "$have" ge "$floor"; then echo "$package"; fi
  done < <(rows "$@")
  # Debian's npm conflicts with a Node that came from elsewhere, which brings its own: only where there is none.
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

install_packages() {
  local missing
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  missing=${missing//$'\n'/ }
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "not root, and there is no sudo. As root, run: apt-get install $missing"
    [ -t 0 ] || sudo -n true 2>/dev/null || die "not root, and sudo wants a password. As root, run: apt-get install $missing"
  fi
  say "installing $(wc -w <<<"$missing") Debian packages: $missing"
  as_root apt-get -q -o APT::Update::Error-Mode=any update >>"$log" 2>&1 </dev/null || explain "apt-get update"
  # shellcheck disable=SC2086  # a list of names
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends \
    $missing >>"$log" 2>&1 </dev/null || explain "apt-get install"
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || die "too old on this Debian: ${missing//$'\n'/ } (floors: scripts/dependencies.txt). Use Debian 12 or newer."
}

enough_space() {
  local free
  free=$(free_mb "$deps")
  [ "$free" -ge "$needed_mb" ] ||
    die "the disk is full: $deps has $free MB free and set-up needs $needed_mb MB. Free some space and run this again."
}

# in_place STAMP FOLDER FILE...: whether the files are there and came from what STAMP says.
in_place() {
  local stamp=$1 folder=$2 file
  shift 2
  [ "$(cat "$deps/$folder/.stamp" 2>/dev/null)" = "$stamp" ] || return 1
  for file; do [ -s "$deps/$folder/${file##*/}" ] || return 1; done
}

# put FRESH FOLDER STAMP: moves a whole folder to its place, instead of what was there.
put() {
  echo "$3" >"$1/.stamp"
  mkdir -p "$(dirname "$deps/$2")"
  if [ -e "$deps/$2" ]; then mv "$deps/$2" "$scratch/old.$RANDOM"; fi
  mv "$1" "$deps/$2"
}

# npm_files PACKAGE VERSION SHA256 FOLDER FILE...
npm_files() {
  local package=$1 version=$2 sha=$3 folder=$4 file tarball
  shift 4
  in_place "$package@$version $sha" "$folder" "$@" && return 0
  enough_space
  say "fetching $package $version"
  rm -rf "$scratch/npm" && mkdir -p "$scratch/npm/out"
  # The package manager that the machine has, with its own registry, proxy and cache; no script of a package runs.
  tarball=$(cd "$scratch/npm" && npm_config_fetch_retry_mintimeout=${npm_config_fetch_retry_mintimeout:-1000} \
    npm pack --loglevel error --ignore-scripts --prefer-offline "$package@$version" 2>>"$log" </dev/null | tail -n 1) ||
    explain "npm pack $package@$version"
  tarball=$scratch/npm/${tarball##*/}
  [ "$(sha256sum <"$tarball" | cut -d' ' -f1)" = "$sha" ] ||
    die "$package $version from this machine's npm registry has another SHA-256 than scripts/dependencies.txt; nothing was installed."
  tar -xzmf "$tarball" -C "$scratch/npm" "$@" 2>>"$log" || explain "unpacking $package"
  for file; do mv "$scratch/npm/$file" "$scratch/npm/out/"; done
  put "$scratch/npm/out" "$folder" "$package@$version $sha"
}

# source_file SOURCE FLOOR SUITE FOLDER FILE: a file of a newer Debian source package. The source list is our own and lies in the
# scratch folder; mirrors are those of the machine's own lists (apt reads both of their forms), which stay as they are.
source_file() {
  local source=$1 floor=$2 suite=$3 folder=$4 file=$5 codename uri out archive version
  in_place "$source>=$floor" "$folder" "$file" && return 0
  enough_space
  say "fetching the source package $source (Debian $suite)"
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  out=$scratch/source && mkdir -p "$out/lists/partial" "$out/cache/archives/partial"
  # A mirror may be a dated copy whose lists have expired: Debian's signature and the floor are what is trusted here.
  local options=(-q -o Dir::Etc::sourcelist="$out/list.sources" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$out/lists"
    -o Dir::Cache="$out/cache" -o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any
    -o Acquire::Check-Valid-Until=false)
  for uri in $(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$codename" '$2 == release && $3 == "main" { print $1 }' | sort -u); do
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "$uri" "$suite" \
      /usr/share/keyrings/debian-archive-keyring.gpg >"$out/list.sources"
    if (cd "$out" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only "$source") >>"$log" 2>&1 </dev/null; then
      archive=$(ls "$out"/"$source"_*.orig.tar.*)
      version=${archive##*/"$source"_}
      version=${version%%.orig.*}
      dpkg --compare-versions "$version" ge "$floor" || die "$source in Debian $suite is $version here, and $floor is needed."
      mkdir "$out/files"
      tar -xmf "$archive" -C "$out/files" --strip-components=1 --wildcards "*/$file" 2>>"$log" || explain "unpacking $source"
      put "$out/files" "$folder" "$source>=$floor"
      return 0
    fi
  done
  [ -n "${uri:-}" ] || die "this machine's apt sources have no Debian $codename main, from which $source could come."
  explain "fetching the source package $source"
}

# node_is_new_enough: whether the machine's Node can run Vite 8 (20.19 and up, 22.12 and up).
node_is_new_enough() {
  local major minor
  IFS=. read -r major minor _ < <(node --version 2>/dev/null | tr -d v) || return 1
  [ "$major" -gt 22 ] || { [ "$major" = 22 ] && [ "$minor" -ge 12 ]; } || { [ "$major" = 20 ] && [ "$minor" -ge 19 ]; }
}

main() {
  local kinds=(apt) line
  case ${1:-} in
    --tests) kinds+=(tests) ;;
    '') ;;
    *) die "unknown argument $1 (usage: scripts/setup.sh [--tests])" ;;
  esac
  check_machine
  mkdir -p "$deps" 2>/dev/null && [ -w "$deps" ] || die "cannot write to $deps. Run this as the owner of the folder, or set MILLRACE_DEPS."
  exec 8>"$deps/.lock"
  flock 8
  scratch=$(mktemp -d "$deps/.scratch.XXXXXX") || die "the disk is full: cannot make a folder in $deps."
  trap 'rm -rf "$scratch"' EXIT
  : >"$log" 2>/dev/null || die "cannot write $log: the disk is full, or the file is another user's."
  [ -w "${HOME:-/nonexistent}" ] || export HOME=$scratch

  install_packages "${kinds[@]}"
  while read -ra line; do npm_files "${line[@]}"; done < <(rows npm "npm:$arch")
  while read -ra line; do source_file "${line[@]}"; done < <(rows debsrc)
  if ! node_is_new_enough; then
    while read -ra line; do npm_files "${line[@]}"; done < <(rows "node:$arch")
  fi
  # Under sudo the folder stays the caller's, so that the next build without sudo can write to it.
  if [ "$(id -u)" = 0 ] && [ "$(stat -c %u "$root")" != 0 ]; then
    chown -R --reference="$root" "$deps"
    if [ -d "$root/build" ]; then chown --reference="$root" "$root/build"; fi
  fi
}

main "$@"
