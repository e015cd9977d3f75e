"""What failing over adds to the time of a call, one call after the other.

The primary that answers and the fallback are the same web server over kept connections. So a call
whose primary refuses takes longer by what lies between the refused connect, that call included, and
the fallback's request, and by what the longer response takes.
"""

import pathlib

import h2load
import servers
from figures import Row, Spread

ADDED_GOAL_MS = 0.2
ANSWERS, FAILS, REFUSES = servers.NUMBERS


def measure(
    build: pathlib.Path, folder: pathlib.Path, origins: servers.Origins, rounds: int, count: int
) -> list[Row]:
    took: dict[str, list[float]] = {workload: [] for workload in servers.NUMBERS}
    with servers.router(build, folder / "added", servers.numbers_of(origins)) as router:
        for number in range(rounds + 1):
            for workload, medians in took.items():
                median = _median_ms(router, workload, folder, count)
                if number > 0:  # the first round makes the connections
                    medians.append(median)
    section = "Time of a call, one after the other, medians of each round"
    rows = [Row(section, workload, Spread.of(took[workload]), "ms") for workload in took]
    for workload, goal in ((REFUSES, ADDED_GOAL_MS), (FAILS, None)):
        added = [longer - plain for longer, plain in zip(took[workload], took[ANSWERS])]
        rows.append(Row(section, f"added: {workload}", Spread.of(added), "ms", goal))
    return rows


def _median_ms(router: servers.Server, workload: str, folder: pathlib.Path, count: int) -> float:
    log = folder / "latencies"
    load = servers.calls(router, workload, folder, count, clients=1, streams=1, log=log)
    servers.answered(router, load, servers.SOURCES[workload])
    return Spread.of(h2load.latencies_ms(log.read_text())).median
