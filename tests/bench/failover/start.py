"""From the router's start to its being ready, with a thousand numbers configured."""

import pathlib
import subprocess
import time

import processes
import servers
from figures import Row, Spread

NUMBERS = 1000
READY_GOAL_MS = 100


def numbers() -> dict[str, tuple[str, str]]:
    url = "https://www.example.com/voice"
    return {f"+1415557{number:04}": (url, url) for number in range(NUMBERS)}


def measure(build: pathlib.Path, folder: pathlib.Path, rounds: int) -> list[Row]:
    folder = folder / "start"
    folder.mkdir()
    took = [_milliseconds(build, folder) for _ in range(rounds)]
    what = f"from exec to /readyz, {NUMBERS:,} numbers"
    return [Row("Start", what, Spread.of(took), "ms", READY_GOAL_MS)]


def _milliseconds(build: pathlib.Path, folder: pathlib.Path) -> float:
    ports = processes.free_ports(2)
    config = folder / "router.yaml"
    config.write_text(servers.router_config(folder, ports, numbers()))
    begun = time.monotonic()
    router = processes.start(
        [str(build / "bin" / "understudy-router"), "--config", str(config)], stderr=subprocess.PIPE
    )
    with router:
        try:
            # Asking again and again would take the processor from what is measured: its log says
            # when it is worth asking.
            while b'"message":"serving"' not in (line := router.stderr.readline()):
                if not line:
                    raise RuntimeError("the router did not start")
            if processes.get(ports[1], "/readyz") is None:
                raise RuntimeError("the router says that it serves and is not ready")
            return (time.monotonic() - begun) * 1000
        finally:
            processes.stop(router)
