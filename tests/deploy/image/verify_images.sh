#!/usr/bin/env bash
# Builds the images, looks at them and runs them with each of the configurations, and with those that
# the chart renders; holds deploy/compose.yaml to its rules:
#   verify_images.sh [CONFIGURATION...]
# A configuration is what image_run_test.py takes.
set -euo pipefail
cd "$(dirname "$0")/../../.."
images=build/image
export PYTHONDONTWRITEBYTECODE=1

if [ "$(id -u)" -ne 0 ]; then
  echo "==> The images left out: to build and run them here, be root"
  [ -z "${CI:-}" ]
  exit
fi

# A network of its own: the tests take addresses and ports as configurations name them. No cgroups:
# crun does without, but not with those of some machines.
isolated() {
  # shellcheck disable=SC2016  # the dollars are the inner shell's
  unshare --net --mount sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec /usr/bin/python3 "$@"' \
    sh "$@"
}

revision="$(git rev-parse HEAD)"
tests/deploy/image/build_images.sh "$images" "$revision"
echo "==> Testing the images"
/usr/bin/python3 tests/deploy/image/image_test.py "$images" "$revision"
configurations=("$@")
if command -v go >/dev/null; then
  tools/go-tools.sh helm
  for values in minimal external-secrets; do
    build/tools/helm template understudy helm/understudy --kube-version 1.34.0 \
      --values "helm/understudy/ci/$values-values.yaml" >"$images/chart-$values.yaml"
    configurations+=("$images/chart-$values.yaml")
  done
else
  echo "==> The chart's configurations left out: Go is not installed, helm is built with it"
  [ -z "${CI:-}" ]
fi
for configuration in "${configurations[@]}"; do
  isolated tests/deploy/image/image_run_test.py "$images" "$configuration"
done
echo "==> Testing deploy/compose.yaml"
isolated tests/deploy/image/compose_test.py
