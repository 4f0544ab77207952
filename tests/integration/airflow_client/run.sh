#!/usr/bin/env bash
# Installs the client once, then runs the test with it.
#
# usage: run.sh VENV DAGCTL
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$1 dagctl=$2

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "python3 -m venv does not work: run scripts/setup.sh --tests" >&2 && exit 1; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$here/airflow_client_test.py" "$dagctl"
