#!/usr/bin/env bash
# Rules, runbooks and dashboard, as far as no running service is needed (tests/e2e has the rest):
# promtool's own checks, the tests of the rules, and that what belongs together is complete. Needs
# the package prometheus and python3.
set -euo pipefail
cd "$(dirname "$0")/.."

echo "==> Prometheus configuration and rules"
promtool check config --lint=all --lint-fatal deploy/prometheus/prometheus.yaml
promtool check rules --lint=all --lint-fatal deploy/prometheus/rules.yaml

echo "==> Runbooks, tests of the rules, dashboard"
python3 tests/deploy/prometheus/complete.py
python3 tests/deploy/grafana/dashboard.py deploy/grafana/understudy.json

echo "==> Alerts on both sides of their borders"
promtool test rules tests/deploy/prometheus/rules_test.yaml
