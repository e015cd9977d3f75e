#!/usr/bin/env bash
# Builds developer tools written in Go into build/tools, where they are missing or of another version
# than tools/go.mod says:
#   tools/go-tools.sh helm kustomize
set -euo pipefail
cd "$(dirname "$0")"
out=../build/tools
mkdir -p "$out"
version="$(cat go.mod go.sum | sha256sum)"
for name in "$@"; do
  if [ -x "$out/$name" ] && [ "$(cat "$out/$name.version" 2>/dev/null)" = "$version" ]; then continue; fi
  package="$(go tool | grep -E "(^|/)$name(/v[0-9]+)?\$")"
  echo "==> Building $name; the first time takes some minutes"
  go build -p "${JOBS:-2}" -trimpath -ldflags='-s -w' -o "$out/" "$package"
  echo "$version" >"$out/$name.version"
done
