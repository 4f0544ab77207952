#!/usr/bin/env bash
# Runs a Python test with packages from PyPI, pinned by version and checksum, which it installs once, into the build folder.
#
# usage: in_venv.sh REQUIREMENTS VENV PROGRAM ARGUMENT...
set -euo pipefail
requirements=$1 venv=$2
shift 2

if ! cmp -s "$requirements" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "python3 -m venv does not work: run scripts/setup.sh --tests" >&2 && exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
  cp "$requirements" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$@"
