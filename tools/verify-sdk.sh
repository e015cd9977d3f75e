#!/usr/bin/env bash
# Twilio's own SDKs against a router and a notifier (tests/sdk), of the versions that its package.json
# and requirements.txt say:
#   tools/verify-sdk.sh FOLDER     with the binaries of both, and understudy, in FOLDER
set -euo pipefail
binaries="$(realpath "$1")"
cd "$(dirname "$0")/.."

missing=()
for program in node npm; do
  command -v "$program" >/dev/null || missing+=("$program")
done
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=("Python with venv")
if [ "${#missing[@]}" -gt 0 ]; then
  printf '==> The REST APIs are not tried with SDKs; missing: %s\n' "${missing[@]}"
  [ -z "${CI:-}" ]
  exit
fi

node=build/sdk-node
if ! cmp -s tests/sdk/package-lock.json "$node/installed-lock.json"; then
  echo "==> Installing the packages of tests/sdk/package-lock.json into $node"
  rm -rf "$node"
  mkdir -p "$node"
  cp tests/sdk/package.json tests/sdk/package-lock.json "$node/"
  npm ci --prefix "$node" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  cp tests/sdk/package-lock.json "$node/installed-lock.json"
fi
python=build/sdk-python
if ! cmp -s tests/sdk/requirements.txt "$python/requirements.txt"; then
  echo "==> Installing the packages of tests/sdk/requirements.txt into $python"
  rm -rf "$python"
  python3 -m venv "$python"
  "$python/bin/pip" install --quiet --disable-pip-version-check -r tests/sdk/requirements.txt
  cp tests/sdk/requirements.txt "$python/"
fi

export UNDERSTUDY_BINARIES="$binaries" UNDERSTUDY_NODE_MODULES="$PWD/$node/node_modules"
"$python/bin/python" -B tests/sdk/numbers_test.py
"$python/bin/python" -B tests/sdk/alerts_test.py
