"""CPU time of a call as work grows: more calls under way, more web servers. At the same rate of calls
throughout, so that only that differs."""

import pathlib
import subprocess
import sys

import processes
import servers
import wire
from figures import Row, Spread

CALLS_PER_SECOND = 5000
CLIENTS = 100
IN_FLIGHT = (100, 1000, 10_000)
HOSTS = (1, 10, 100, 1000)
HOST_CALLS_PER_SECOND = 2000
GROWTH_GOAL = 1.15
SECONDS = 6


def delay_ms(in_flight: int) -> int:
    """How long calls have to take for so many to be under way (Little's law)."""
    return in_flight * 1000 // CALLS_PER_SECOND


def measure(
    build: pathlib.Path, folder: pathlib.Path, origins: servers.Origins, rounds: int
) -> list[Row]:
    in_flight: dict[int, list[float]] = {many: [] for many in IN_FLIGHT}
    hosts: dict[int, list[float]] = {many: [] for many in HOSTS}
    with servers.slow_origin(build) as port:
        delays = tuple(map(delay_ms, IN_FLIGHT))
        numbers = servers.waiting_numbers(port, delays)
        with servers.router(build, folder / "growth", numbers) as router:
            for number in range(rounds + 1):
                for many, costs in in_flight.items():
                    costs.append(_held(router, folder, many))
                for many, costs in hosts.items():
                    costs.append(_spread_over(build, router, origins.primary, many))
                print(f"growth, round {number} of {rounds}", file=sys.stderr)
    # In the first round connections are made, of which later ones have enough.
    rows = _rows("calls in flight", {many: costs[1:] for many, costs in in_flight.items()})
    return rows + _rows("hosts", {many: costs[1:] for many, costs in hosts.items()})


def _held(router: servers.Server, folder: pathlib.Path, in_flight: int) -> float:
    load = servers.numbered_calls(
        router,
        servers.waiting_number(delay_ms(in_flight)),
        folder,
        CALLS_PER_SECOND * SECONDS,
        clients=CLIENTS,
        streams=200,
        rate=CALLS_PER_SECOND // CLIENTS,
    )
    before = router.cpu_microseconds()
    servers.answered(router, load, "primary")
    return (router.cpu_microseconds() - before) / load.calls


def _spread_over(build: pathlib.Path, router: servers.Server, origin_port: int, hosts: int) -> float:
    calls = HOST_CALLS_PER_SECOND * SECONDS
    words = [router.port, HOST_CALLS_PER_SECOND, calls, origin_port, hosts, wire.ACCOUNT_SID]
    counted = servers.resolutions(router)
    before = router.cpu_microseconds()
    client = processes.start(
        [str(build / "bin" / "hosts_client"), *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    with client:
        made = int(client.stdout.readline())
    spent = router.cpu_microseconds() - before
    if client.returncode != 0:
        raise RuntimeError("not every call of hosts_client was answered by the primary")
    if servers.resolutions(router)["primary"] - counted["primary"] != made:
        raise RuntimeError("the router counted other calls than hosts_client made")
    return spent / made


def _rows(what: str, measured: dict[int, list[float]]) -> list[Row]:
    section = "CPU time of a call as work grows"
    (least, base), *more = measured.items()
    rows = [Row(section, f"{least:,} {what}", Spread.of(base), "µs")]
    for many, costs in more:
        rows.append(Row(section, f"{many:,} {what}", Spread.of(costs), "µs"))
        ratios = [cost / of_least for cost, of_least in zip(costs, base)]
        what_grows = f"{many:,} {what} / {least:,}"
        rows.append(Row(section, what_grows, Spread.of(ratios), "", GROWTH_GOAL))
    return rows
