"""Calls that wait for a slow web server: what holding them takes, and what it adds to their time."""

import dataclasses
import pathlib
import threading

import figures
import h2load
import processes
import servers
from figures import Row, Spread

HELD = 10_000
DELAY_MS = 2000
RESIDENT_GOAL_KB = 30
THREADS_GOAL = 16
LATE_GOAL_MS = 100
# A few more come than have to be held, so that HELD are reached.
CLIENTS = 100
STEADY_RATE = 51
STEADY_SECONDS = 8

_LOOK_SECONDS = 0.2


@dataclasses.dataclass
class Peaks:
    in_flight: int = 0
    threads: int = 0
    resident_kib: int = 0


class Watch:
    """Looks at a router now and then, as a scrape does, and keeps the most of what it saw."""

    def __init__(self, server: servers.Server) -> None:
        self.peaks = Peaks()
        self._server = server
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            status = processes.status(self._server.pid)
            self.peaks.threads = max(self.peaks.threads, status["Threads"])
            self.peaks.resident_kib = max(self.peaks.resident_kib, status["VmHWM"])
            self.peaks.in_flight = max(self.peaks.in_flight, servers.in_flight(self._server))


def measure(build: pathlib.Path, folder: pathlib.Path) -> list[Row]:
    steady = {"calls": CLIENTS * STEADY_RATE * STEADY_SECONDS, "rate": STEADY_RATE}
    return [
        *_hold(build, folder, "steady", **steady),
        *_hold(build, folder, "all at once", calls=HELD, rate=0),
    ]


def _hold(build: pathlib.Path, folder: pathlib.Path, how: str, calls: int, rate: int) -> list[Row]:
    log = folder / "latencies"
    name = f"held {how}"
    with servers.slow_origin(build) as port:
        numbers = servers.waiting_numbers(port, (DELAY_MS,))
        with servers.router(build, folder / name.replace(" ", "-"), numbers) as router:
            load = servers.numbered_calls(
                router,
                servers.waiting_number(DELAY_MS),
                folder,
                calls,
                clients=CLIENTS,
                streams=HELD // CLIENTS * (2 if rate else 1),
                rate=rate,
                log=log,
            )
            idle_kib = processes.status(router.pid)["VmRSS"]
            with Watch(router) as watch:
                _, sources = servers.counted(router, load)
    peaks = watch.peaks
    # Ten thousand calls that come in one instant wait for their turn on two cores.
    late_goal = LATE_GOAL_MS if rate else None
    late = [latency - DELAY_MS for latency in h2load.latencies_ms(log.read_text())]
    resident_kb = (peaks.resident_kib - idle_kib) * 1.024 / max(peaks.in_flight, 1)
    section = f"{HELD:,} calls held for 2 s on a slow origin"

    def row(what: str, value: float, unit: str, goal: float | None, **more) -> Row:
        return Row(section, f"{how}: {what}", Spread.of([value]), unit, goal, **more)

    return [
        row("errors", calls - sources.get("primary", 0), "", 0),
        row("calls held, most", peaks.in_flight, "", HELD, goal_is_least=True),
        row("threads", peaks.threads, "", THREADS_GOAL),
        row("resident memory a call", resident_kb, "kB", RESIDENT_GOAL_KB),
        row("p50 over the origin's 2 s", figures.quantile(late, 0.5), "ms", None),
        row("p99 over the origin's 2 s", figures.quantile(late, 0.99), "ms", late_goal),
    ]
