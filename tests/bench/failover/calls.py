"""CPU time of a call that is answered, and of one that fails over: the router beside its peers."""

import contextlib
import pathlib
import sys

import figures
import servers
from figures import Row, Spread

SERVERS = ("router", "nginx")
CPU_GOAL_US = {"primary answers": 45.0}
NGINX_GOAL = {"primary answers": 3.0, "primary answers 500, fallback answers": 1.0}


def measure(
    build: pathlib.Path,
    folder: pathlib.Path,
    origins: servers.Origins,
    names: list[str],
    rounds: int,
    count: int,
) -> list[Row]:
    with contextlib.ExitStack() as stack:
        running = []
        if "router" in names:
            numbers = servers.numbers_of(origins)
            running += [stack.enter_context(servers.router(build, folder / "router", numbers))]
        if "nginx" in names:
            running += [stack.enter_context(servers.nginx_peer(folder / "nginx", origins))]
        for server in running:  # connections, caches, a heap of its size
            for workload in servers.NUMBERS:
                _microseconds(server, workload, folder, count // 4)
        measured: dict[tuple[str, str], list[float]] = {}
        for number in range(rounds):
            for workload in servers.NUMBERS:
                first = number % len(running)
                for server in running[first:] + running[:first]:
                    cost = _microseconds(server, workload, folder, count)
                    measured.setdefault((workload, server.name), []).append(cost)
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return _rows(measured)


def _microseconds(
    server: servers.Server, workload: str, folder: pathlib.Path, count: int
) -> float:
    load = servers.calls(server, workload, folder, count)
    before = server.cpu_microseconds()
    servers.answered(server, load, servers.SOURCES[workload])
    return (server.cpu_microseconds() - before) / count


def _rows(measured: dict[tuple[str, str], list[float]]) -> list[Row]:
    rows = []
    section = "CPU time of a call"
    for (workload, name), costs in measured.items():
        goal = CPU_GOAL_US.get(workload) if name == "router" else None
        rows.append(Row(section, f"{workload}: {name}", Spread.of(costs), "µs", goal))
        ours = measured.get((workload, "router"))
        if name != "router" and ours is not None:
            ratios = [our / their for our, their in zip(ours, costs)]
            goal = NGINX_GOAL.get(workload) if name == "nginx" else None
            what = f"{workload}: router / {name}"
            rows.append(Row(section, what, Spread.of(ratios), "", goal))
    return rows
