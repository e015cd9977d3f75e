"""CPU time of a call as work grows: more calls under way, more web servers. At the same rate of calls
throughout, or with the same number of them under way, so that only that differs."""

import pathlib
import sys

import processes
import servers
import wire
from figures import Row, Spread

CALLS_PER_SECOND = 5000
CLIENTS = 100
IN_FLIGHT = (100, 1000, 10_000)
HOSTS = (1, 10, 100, 1000)
GROWTH_GOAL = 1.15
SECTION = "CPU time of a call as work grows"


def calls(in_flight: int, seconds: int) -> int:
    """So many that for `seconds` as many are under way as there are to be: they come and they go."""
    return CALLS_PER_SECOND * (1000 * seconds + 2 * delay_ms(in_flight)) // 1000


def delay_ms(in_flight: int) -> int:
    """How long calls have to take for so many to be under way (Little's law)."""
    return in_flight * 1000 // CALLS_PER_SECOND


def measure(
    build: pathlib.Path,
    folder: pathlib.Path,
    origins: servers.Origins,
    rounds: int,
    count: int,
    seconds: int,
) -> list[Row]:
    """`count`: calls of a round for the hosts; `seconds`: that a number of calls is under way."""
    rows, errors = _more_in_flight(build, folder, rounds, seconds)
    rows += _more_hosts(build, folder, origins, rounds, count)
    return [*rows, Row(SECTION, "errors", Spread.of([errors]), "", 0)]


# In a first round connections are made, of which later ones have enough.


def _more_in_flight(
    build: pathlib.Path, folder: pathlib.Path, rounds: int, seconds: int
) -> tuple[list[Row], int]:
    costs: dict[int, list[float]] = {many: [] for many in IN_FLIGHT}
    errors = 0
    with servers.slow_origin(build) as port:
        numbers = servers.waiting_numbers(port, tuple(map(delay_ms, IN_FLIGHT)))
        with servers.router(build, folder / "more-in-flight", numbers) as router:
            for number in range(rounds + 1):
                for many in IN_FLIGHT:
                    cost, refused = _held(router, folder, many, seconds)
                    errors += refused
                    if number > 0:
                        costs[many].append(cost)
                print(f"calls in flight, round {number} of {rounds}", file=sys.stderr)
    return _rows("calls in flight", costs), errors


def _more_hosts(
    build: pathlib.Path, folder: pathlib.Path, origins: servers.Origins, rounds: int, count: int
) -> list[Row]:
    costs: dict[int, list[float]] = {many: [] for many in HOSTS}
    with servers.router(build, folder / "more-hosts", servers.numbers_of(origins)) as router:
        for number in range(rounds + 1):
            for many in HOSTS:
                cost = _spread_over(build, router, origins.primary, many, count)
                if number > 0:
                    costs[many].append(cost)
            print(f"hosts, round {number} of {rounds}", file=sys.stderr)
    return _rows("distinct hosts", costs)


def _held(
    router: servers.Server, folder: pathlib.Path, in_flight: int, seconds: int
) -> tuple[float, int]:
    """The cost of a call, and how many were not answered."""
    load = servers.numbered_calls(
        router,
        servers.waiting_number(delay_ms(in_flight)),
        folder,
        calls(in_flight, seconds),
        clients=CLIENTS,
        streams=200,
        rate=CALLS_PER_SECOND // CLIENTS,
    )
    # What an overloaded router still has to do belongs to the calls before.
    processes.await_that("it is idle", lambda: servers.in_flight(router) == 0, router.process)
    before = router.cpu_microseconds()
    _, sources = servers.counted(router, load)
    answered = sources.get("primary", 0)
    return (router.cpu_microseconds() - before) / max(answered, 1), load.calls - answered


def _spread_over(
    build: pathlib.Path, router: servers.Server, origin_port: int, hosts: int, calls: int
) -> float:
    client = [str(build / "bin" / "hosts_client")]
    client += map(str, (router.port, calls, origin_port, hosts, wire.ACCOUNT_SID))
    counted = servers.resolutions(router)
    before = router.cpu_microseconds()
    processes.run_well(client)
    spent = router.cpu_microseconds() - before
    if servers.resolutions(router)["primary"] - counted["primary"] != calls:
        raise RuntimeError("the router counted other calls than hosts_client made")
    return spent / calls


def _rows(what: str, measured: dict[int, list[float]]) -> list[Row]:
    (least, base), *more = measured.items()
    rows = [Row(SECTION, f"{what}: {least:,}", Spread.of(base), "µs")]
    for many, costs in more:
        rows.append(Row(SECTION, f"{what}: {many:,}", Spread.of(costs), "µs"))
        ratios = [cost / of_least for cost, of_least in zip(costs, base)]
        what_grows = f"{what}: {many:,} / {least:,}"
        rows.append(Row(SECTION, what_grows, Spread.of(ratios), "", GROWTH_GOAL))
    return rows
