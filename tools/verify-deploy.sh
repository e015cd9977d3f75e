#!/usr/bin/env bash
# Checks what services are installed by: the chart and the manifests (tests/deploy), with helm, kustomize
# and Python packages of the versions that tools/go.mod and tests/deploy/requirements.txt say. Needs
# build/dev/bin (make verify-deploy builds it).
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v go >/dev/null || missing+=("Go (helm and kustomize are built with it)")
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=("Python with venv")
if [ "${#missing[@]}" -gt 0 ]; then
  printf '==> Chart and manifests are not checked; missing: %s\n' "${missing[@]}"
  [ -z "${CI:-}" ]
  exit
fi

tools/go-tools.sh helm kustomize
packages=build/deploy-python
if ! cmp -s tests/deploy/requirements.txt "$packages/requirements.txt"; then
  echo "==> Installing the Python packages of tests/deploy/requirements.txt into $packages"
  rm -rf "$packages"
  python3 -m venv "$packages"
  "$packages/bin/pip" install --quiet --disable-pip-version-check -r tests/deploy/requirements.txt
  cp tests/deploy/requirements.txt "$packages/"
fi

echo "==> Checking the chart and the manifests"
cd tests/deploy
exec "../../$packages/bin/python" -B -m unittest discover --pattern '*_test.py' "$@"
