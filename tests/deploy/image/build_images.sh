#!/usr/bin/env bash
# Builds the images of deploy/docker/Dockerfile with buildah, as root, in a storage of its own:
#   build_images.sh FOLDER REVISION
# They are localhost/understudy-router, -notifier and understudy there. `FOLDER/buildah` is buildah
# with that storage.
#
# No registry is asked: debian:12-slim is a stand-in, made by debootstrap, slimmed as that one is. It
# finds packages where this machine does.
set -euo pipefail
cd "$(dirname "$0")/../../.."
mkdir -p "$1"
folder="$(cd "$1" && pwd)" revision="$2"

step() { echo "==> $(date +%T) $*"; }

driver=overlay
if ! buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver overlay info \
  >/dev/null 2>&1; then
  driver=vfs  # slow, and everywhere
fi
cat >"$folder/buildah" <<END
#!/bin/sh
exec buildah --root "$folder/storage" --runroot "$folder/run" --storage-driver $driver "\$@"
END
chmod +x "$folder/buildah"

if ! "$folder/buildah" inspect --type image localhost/debian:12-slim >/dev/null 2>&1; then
  step "Making a stand-in for debian:12-slim"
  base="$folder/base"
  rm -rf "$base"
  # Debian's own archives that this machine uses, one a line: address, release and component.
  # shellcheck disable=SC2016  # the dollars are apt's
  archives="$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian')"
  read -r mirror _ <<<"$(grep ' bookworm main$' <<<"$archives")"
  debootstrap --variant=minbase bookworm "$base" "$mirror" >"$folder/debootstrap.log" ||
    { tail "$folder/debootstrap.log"; exit 1; }
  while read -r archive; do echo "deb $archive"; done <<<"$archives" >"$base/etc/apt/sources.list"
  apt-config dump | sed -nE '/^Acquire::(https?|Check-)/p' \
    >"$base/etc/apt/apt.conf.d/60this-machine"
  # As in Docker's slim images: no manuals, translations or packages kept, no flushes.
  echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
  echo 'Acquire::Languages "none";' >"$base/etc/apt/apt.conf.d/docker-no-languages"
  cat >"$base/etc/dpkg/dpkg.cfg.d/docker" <<'END'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
END
  find "$base/usr/share/doc" -type f ! -name copyright -delete
  rm -rf "$base"/usr/share/{info,locale,man}/* "$base"/var/cache/apt/archives/*.deb \
    "$base"/var/lib/apt/lists/*
  printf 'FROM scratch\nADD . /\nCMD ["bash"]\n' |
    "$folder/buildah" bud --quiet --isolation chroot --format docker -t localhost/debian:12-slim \
      -f - "$base" >/dev/null
  rm -rf "$base"
fi

for target in cli router notifier; do
  step "Building the image $target"
  name="understudy-$target"
  [ "$target" != cli ] || name=understudy
  "$folder/buildah" bud --isolation chroot --format docker --layers --pull-never \
    --target "$target" --build-arg REVISION="$revision" -t "localhost/$name" \
    -f deploy/docker/Dockerfile . >"$folder/$target.log" 2>&1 ||
    { tail -50 "$folder/$target.log"; exit 1; }
done
