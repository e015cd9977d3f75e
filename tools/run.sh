#!/usr/bin/env bash
# Runs a notifier and a router in the foreground until Ctrl-C:
#   tools/run.sh BINARIES CONFIGURATIONS FOLDER
# with copies of the configurations, and all files they write, in FOLDER. The router reports to that
# notifier unless its configuration names another. Ends with the first exit status that is not 0.
set -euo pipefail
binaries="$1" configurations="$2" folder="$3"

mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
cp "$configurations"/* "$folder/"
if ! grep -q '^notifier:' "$folder/router.yaml"; then
  port="$(awk '/^grpc:/ { here = 1 } here && $1 == "listen:" { sub(/.*:/, "", $2); print $2; exit }' \
    "$folder/notifier.yaml")"
  cat >>"$folder/router.yaml" <<END

notifier:
  target: dns:///127.0.0.1:$port
  outbox_dir: $folder/outbox
END
fi
echo "==> Files are in $folder; configurations there are read again when they change" >&2

# Each in a session of its own: a Ctrl-C is this script's to act on, or it would arrive twice, and
# twice means at once.
setsid "$binaries/understudy-notifier" --config "$folder/notifier.yaml" &
notifier=$!
setsid "$binaries/understudy-router" --config "$folder/router.yaml" &
router=$!
# The router first: what it still has to report, the notifier takes. Once more means at once.
trap 'kill -TERM $router 2>/dev/null || kill -TERM $notifier 2>/dev/null || true' INT TERM HUP

status=0
running=2
while [ "$running" -gt 0 ]; do
  ended=""
  code=0
  wait -n -p ended || code=$?
  [ -n "${ended:-}" ] || continue  # it was a signal to this script
  running=$((running - 1))
  [ "$status" -ne 0 ] || status="$code"
  # One alone is not what was asked for.
  if [ "$running" -gt 0 ]; then kill -TERM "$((ended == router ? notifier : router))"; fi
done
exit "$status"
