#!/usr/bin/env bash
# What the compilers and `make test` do not look at: formatting, clang-tidy, shell scripts, protos.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs="${JOBS:-2}"

echo "==> clang-format"
git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run --Werror

echo "==> shellcheck"
git ls-files '*.sh' .ci/run | xargs shellcheck

echo "==> clang-tidy"
cmake --preset dev >/dev/null
cmake --build --preset dev -j "$jobs" --target understudy_protos health_protos -- --quiet
# Generated and system headers are not ours; the flags are gcc's, of which clang knows all but one.
git ls-files 'common/*.cc' 'services/*.cc' |
  xargs -P "$jobs" -n 4 clang-tidy-14 -p build/dev --quiet 2>/dev/null

if command -v go >/dev/null; then
  tools/go-tools.sh buf
  echo "==> buf"
  build/tools/buf lint
  echo "==> gofmt, go vet"
  [ -z "$(gofmt -l tests/bench/gopeer | tee /dev/stderr)" ]
  tests/bench/gopeer/build.sh build/tools
else
  echo "==> buf, gofmt and go vet left out: Go is not installed"
  [ -z "${CI:-}" ]
fi
