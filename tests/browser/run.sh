#!/bin/bash
# Runs the page's tests in Debian's Chromium.
#
#   run.sh NOTIFIER PAGE_EVENTS FOLDER   FOLDER: for npm's packages, screenshots and databases
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
notifier="$1"
events="$2"
folder="$3"

mkdir -p "$folder"
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$folder"
cd "$folder"
npm ci --ignore-scripts --no-audit --no-fund --silent
exec env UNDERSTUDY_NOTIFIER="$notifier" UNDERSTUDY_PAGE_EVENTS="$events" node --test page_test.mjs
