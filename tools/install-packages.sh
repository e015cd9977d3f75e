#!/usr/bin/env bash
# Installs what is missing of the named groups of tools/packages.txt:
#   tools/install-packages.sh build [verify]
set -euo pipefail

list="$(dirname "$0")/packages.txt"
# With what they provide: others' packages of Node.js bring npm along.
installed="$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Provides}\n' |
  awk '$1 == "installed" { gsub(",", ""); for (i = 2; i <= NF; ++i) print $i }')"
missing=()
for group in "$@"; do
  while read -r name; do
    grep -qxF -- "$name" <<<"$installed" || missing+=("$name")
  done < <(awk -v group="$group" '$1 == group { print $2 }' "$list")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
  echo "These Debian packages are needed and apt-get is not here: ${missing[*]}" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "Packages are missing; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Servers among them are for tests, which start their own: none is to run on this machine because of
# us (invoke-rc.d(8) asks policy-rc.d).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "==> Installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
