#!/usr/bin/env bash
# What `helm test` runs in the cluster, with nothing but bash and `understudy`: a call whose primary
# fails is answered, and its failure arrives at the notifier.
set -euo pipefail

# Of the notifier: how many events of failed calls it has kept.
events() {
  exec 3<>"/dev/tcp/$NOTIFIER_HOST/$NOTIFIER_ADMIN_PORT"
  printf 'GET /metrics HTTP/1.1\r\nHost: notifier\r\nConnection: close\r\n\r\n' >&3
  local line sum=0 is_page=0
  while read -r line <&3; do
    case "$line" in
      understudy_store_up*) is_page=1 ;;
      'understudy_error_events_total{'*outcome=\"'fallback_answered"'* | \
        'understudy_error_events_total{'*outcome=\"'default_answered"'*)
        line="${line##* }"
        sum=$((sum + ${line%%[!0-9]*}))
        ;;
    esac
  done
  exec 3>&-
  if [ "$is_page" -eq 0 ]; then
    echo "The notifier's admin port shows no metrics." >&2
    return 1
  fi
  echo "$sum"
}

before="$(events)"

status=0
# TLS_OPTIONS are words, none of which has a space.
# shellcheck disable=SC2086
understudy resolve --router "$ROUTER" --url "$PRIMARY" ${FALLBACK:+--fallback-url "$FALLBACK"} \
  ${TLS_OPTIONS:-} || status=$?
# 3: the fallback answered; 4: there is none, so the default document did.
wanted=4
if [ -n "${FALLBACK:-}" ]; then wanted=3; fi
if [ "$status" -ne "$wanted" ]; then
  echo "understudy resolve ended with status $status, not $wanted." >&2
  exit 1
fi

for ((second = 0; second < WAIT_SECONDS; ++second)); do
  now="$(events)"
  if [ "$now" -gt "$before" ]; then
    echo "The call was answered and its failure has arrived at the notifier ($before -> $now events)."
    exit 0
  fi
  sleep 1
done
echo "No event has arrived at the notifier for $WAIT_SECONDS seconds." >&2
exit 1
