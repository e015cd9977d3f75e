#!/usr/bin/python3
"""What the images are: their configuration, size and content.

  image_test.py IMAGES REVISION

IMAGES is a folder of build_images.sh, REVISION the commit it was run at. Needs root.
"""
import os
import re
import subprocess
import sys

from container import STATE_FOLDER, USER, Images, check, check_equal

SERVICES = {"understudy-router": "router", "understudy-notifier": "notifier"}
IMAGES = [*SERVICES, "understudy"]
BASE = "debian:12-slim"

MOST_BYTES_ABOVE_BASE = 60_000_000

# Packages that nothing is linked with.
UNLINKED = {
    "ca-certificates",
    "libprotoc32",  # libgrpc++1.51 needs it
    "openssl",  # ca-certificates needs it
    "libsasl2-modules-db",  # libsasl2-2 needs it, which libldap needs, which libcurl needs
}


def in_image(images, name, *words):
    """What `words` print with the image as their root."""
    run = subprocess.run(["chroot", str(images.mount(name)), *words], stdout=subprocess.PIPE,
                         check=True, text=True)
    return run.stdout


def check_config(images, name, revision):
    config = images.config(name)
    check_equal(config["User"], f"{USER}:{USER}", f"{name}: user")
    check_equal(config["Entrypoint"], [f"/usr/bin/{name}"], f"{name}: entrypoint")
    labels = {key.removeprefix("org.opencontainers.image."): value
              for key, value in config["Labels"].items()}
    version = in_image(images, name, f"/usr/bin/{name}", "--version").split()[-1]
    check_equal(labels["title"], name, f"{name}: title")
    check_equal(labels["version"], version, f"{name}: version")
    check_equal(labels["revision"], revision, f"{name}: revision")
    check_equal(labels["licenses"], "Apache-2.0", f"{name}: licenses")
    check(labels["description"], f"{name}: no description")
    if name in SERVICES:
        check_equal(config["Cmd"], ["--config", f"/etc/understudy/{SERVICES[name]}.yaml"],
                    f"{name}: command")
        check_equal(config["StopSignal"], "SIGTERM", f"{name}: stop signal")
        check_equal(config["Healthcheck"]["Test"][:3], ["CMD", "/usr/bin/understudy", "health"],
                    f"{name}: health check")


def files(root):
    """Of all files below `root`: path, size and time, each once."""
    inodes = set()
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if status.st_ino not in inodes:
                inodes.add(status.st_ino)
                yield os.path.relpath(path, root), status.st_size, status.st_mtime_ns


def check_size(images, name):
    """The bytes of what is new or changed."""
    above = set(files(images.mount(name))) - set(files(images.mount(BASE)))
    total = sum(size for _, size, _ in above)
    check(total < MOST_BYTES_ABOVE_BASE, f"{name}: {total} bytes above the base")
    return total


def packages(images, name):
    return set(in_image(images, name, "dpkg-query", "-W", "-f", "${Package}\n").split())


def linked_packages(images, name):
    """Those that have what the image's programs are linked with, directly or not."""
    found = set()
    for program in IMAGES:
        if not (images.mount(name) / "usr/bin" / program).exists():
            continue
        lines = in_image(images, name, "ldd", f"/usr/bin/{program}")
        check("not found" not in lines, f"{name}: {program} lacks a library:\n{lines}")
        for library in re.findall(r"=> (/\S+)", lines):
            # dpkg knows some of them by their place before /lib became a part of /usr.
            pattern = "*" + library.removeprefix("/usr")
            owners = in_image(images, name, "dpkg-query", "--search", pattern)
            found |= {line.split(":")[0] for line in owners.splitlines()}
    return found


def check_content(images, name):
    root = images.mount(name)
    added = packages(images, name) - packages(images, BASE)
    check_equal(added - linked_packages(images, name) - UNLINKED, set(),
                f"{name}: packages nobody needs")
    for tool in ("gcc", "g++", "cc", "make", "cmake", "curl", "python3"):
        check(not (root / "usr/bin" / tool).exists(), f"{name} has {tool}")
    check(not any((root / "usr/include").rglob("*")), f"{name} has headers")
    check(not any((root / "var/lib/apt/lists").glob("*Packages*")), f"{name} has package lists")
    owned = [path for path in root.rglob("*") if path.lstat().st_uid == USER]
    check_equal(owned, [root / STATE_FOLDER[1:]], f"{name}: what the user owns")


def main():
    folder, revision = sys.argv[1:]
    images = Images(folder)
    try:
        for name in IMAGES:
            check_config(images, name, revision)
            check_content(images, name)
            print(f"{name}: {check_size(images, name) / 1e6:.1f} MB above the base")
    finally:
        images.close()


if __name__ == "__main__":
    main()
