#!/usr/bin/env bash
# Builds the Go peer of the benchmark, with what protoc makes of the router's proto:
#   tests/bench/gopeer/build.sh FOLDER    the binary is FOLDER/gopeer
set -euo pipefail
out="$(realpath "$1")"
cd "$(dirname "$0")"
protos="$(realpath ../../../protos)"
sources="$out/gopeer-sources"
mkdir -p "$sources/routerv1"
cp go.mod go.sum ./*.go "$sources/"
cd "$sources"
go build -o . google.golang.org/protobuf/cmd/protoc-gen-go google.golang.org/grpc/cmd/protoc-gen-go-grpc
file=understudy/router/v1/router_service.proto
module="M$file=gopeer/routerv1"
PATH="$sources:$PATH" protoc -I "$protos" --go_out=. --go_opt="$module" --go_opt=module=gopeer \
  --go-grpc_out=. --go-grpc_opt="$module" --go-grpc_opt=module=gopeer "$file"
go build -p "${JOBS:-2}" -trimpath -o "$out/gopeer" .
