"""CPU time of a call that is answered, and of one that fails over: the router beside its peers."""

import contextlib
import pathlib
import sys

import h2load
import processes
import servers
from figures import Row, Spread
from servers import GO, NGINX, REPORTING, ROUTER

SERVERS = (ROUTER, NGINX, GO, REPORTING)
ANSWERS, FAILS, REFUSES = servers.NUMBERS
SECTION = "CPU time of a call"
PEER_TRIES_MAX = 3

CPU_GOAL_US = {(ANSWERS, ROUTER): 45.0}
RATIO_GOAL = {
    (ANSWERS, NGINX): 3.0,
    (FAILS, NGINX): 1.0,
    (ANSWERS, GO): 0.5,
    (FAILS, GO): 0.5,
    (REFUSES, GO): 0.5,
}


def measure(
    build: pathlib.Path,
    folder: pathlib.Path,
    origins: servers.Origins,
    names: list[str],
    rounds: int,
    count: int,
) -> list[Row]:
    numbers = servers.numbers_of(origins)
    start = {
        ROUTER: lambda: servers.router(build, folder / "router", numbers),
        NGINX: lambda: servers.nginx_peer(folder / "nginx", origins),
        GO: lambda: servers.go_peer(build, folder / "go", numbers),
        REPORTING: lambda: servers.reporting_router(build, folder / "reporting", numbers),
    }
    measured: dict[tuple[str, str], list[float]] = {}
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(start[name]()) for name in names]
        # The first round makes connections, fills caches, and grows heaps.
        for number in range(rounds + 1):
            for workload in servers.NUMBERS:
                first = number % len(running)
                for server in running[first:] + running[:first]:
                    if server.name == REPORTING and workload == ANSWERS:
                        continue  # nothing to report
                    calls = count if number else count // 4
                    cost = _patiently(server, workload, folder, calls)
                    if number > 0:
                        measured.setdefault((workload, server.name), []).append(cost)
            print(f"calls, round {number} of {rounds}", file=sys.stderr)
    return [row for workload in servers.NUMBERS for row in _rows(workload, measured)]


def _patiently(server: servers.Server, workload: str, folder: pathlib.Path, count: int) -> float:
    """What a call costs. That a peer stumbles now and then is not ours to judge: it is measured again."""
    for tries in range(1, PEER_TRIES_MAX + 1):
        try:
            return _microseconds(server, workload, folder, count)
        except h2load.NotAnswered as error:
            if server.name not in (NGINX, GO) or tries == PEER_TRIES_MAX:
                raise
            print(f"{server.name}, {workload}, is measured again: {error}", file=sys.stderr)


def _microseconds(server: servers.Server, workload: str, folder: pathlib.Path, count: int) -> float:
    load = servers.calls(server, workload, folder, count)
    before = server.cpu_microseconds()
    if server.name == REPORTING:
        sent = servers.reported(server)
        servers.answered(server, load, servers.SOURCES[workload])
        processes.await_that(
            "the notifier has all events",
            lambda: servers.reported(server) - sent == count,
            server.process,
        )
    else:
        servers.answered(server, load, servers.SOURCES[workload])
    return (server.cpu_microseconds() - before) / count


def _rows(workload: str, measured: dict[tuple[str, str], list[float]]) -> list[Row]:
    rows = []
    ours = measured.get((workload, ROUTER))
    for name in SERVERS:
        costs = measured.get((workload, name))
        if costs is None:
            continue
        goal = CPU_GOAL_US.get((workload, name))
        rows.append(Row(SECTION, f"{workload}: {name}", Spread.of(costs), "µs", goal))
        if name in (NGINX, GO) and ours is not None:
            ratios = [our / their for our, their in zip(ours, costs)]
            goal = RATIO_GOAL.get((workload, name))
            rows.append(Row(SECTION, f"{workload}: router / {name}", Spread.of(ratios), "", goal))
    return rows
