"""On what, and beside what, was measured."""

import os
import pathlib
import platform
import re
import resource
import shutil
import subprocess
import time


def _first_line(*command: str) -> str:
    """Of what a program says of itself; empty where there is none."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).splitlines()[0]


def describe() -> dict[str, str]:
    processor = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    told = {
        "processor": f"{os.cpu_count()} × {processor[1] if processor else platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "nginx": _first_line("nginx", "-v"),
        "h2load": _first_line("h2load", "--version"),
        "Go": _first_line("go", "version"),
    }
    return {name: value for name, value in told.items() if value}


def _busy_seconds() -> float:
    """Of all processors since the machine started, whoever used them."""
    words = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()
    user, nice, system, _, _, irq, softirq, steal = map(int, words[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """Of us, and of what we started and has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class Neighbours:
    """How much of the processors others use: caches and wake-ups are shared, so figures grow with it."""

    def __init__(self) -> None:
        self._begun = time.monotonic(), _busy_seconds(), _own_seconds()

    def share(self) -> float:
        """Since the beginning. REQUIRES: what we started since has ended."""
        at, busy, own = self._begun
        others = (_busy_seconds() - busy) - (_own_seconds() - own)
        return max(others, 0) / ((time.monotonic() - at) * os.cpu_count())
