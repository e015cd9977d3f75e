#!/usr/bin/env bash
# Builds the Go peer of the benchmark, with what protoc makes of the router's proto:
#   tests/bench/gopeer/build.sh FOLDER    the binary is FOLDER/gopeer; none where there is no Go
set -euo pipefail
out="$(realpath "$1")"
cd "$(dirname "$0")"
rm -f "$out/gopeer"
if ! GOTOOLCHAIN=local go list -m >/dev/null 2>&1; then
  echo "==> The Go peer is left out: there is no Go, or one older than tests/bench/gopeer/go.mod asks for"
  exit 0
fi

echo "==> Building the Go peer; the first time takes a minute"
protos="$(realpath ../../../protos)"
sources="$out/gopeer-sources"
mkdir -p "$sources/routerv1"
cp go.mod go.sum ./*.go "$sources/"
cd "$sources"
go build -o . google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
file=understudy/router/v1/router_service.proto
package="M$file=gopeer/routerv1"
PATH="$sources:$PATH" protoc -I "$protos" \
  --go_out=. --go_opt="$package" --go_opt=module=gopeer \
  --go-grpc_out=. --go-grpc_opt="$package" --go-grpc_opt=module=gopeer "$file"
go vet ./...
go build -p "${JOBS:-2}" -trimpath -o "$out/gopeer" .
