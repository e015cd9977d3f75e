#!/usr/bin/env bash
# Prints the Debian packages whose shared libraries a binary was linked with, one a line:
#   runtime-packages.sh BINARY
# What those libraries need themselves, their packages depend on.
set -euo pipefail

folder="/usr/lib/$(gcc -print-multiarch)"
readelf --dynamic "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r library; do
  # Some packages still name their files below /lib.
  dpkg-query --search "$folder/$library" 2>/dev/null ||
    dpkg-query --search "${folder#/usr}/$library"
done | sed 's/:.*//' | sort --unique
