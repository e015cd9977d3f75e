"""What failing over adds to the time of a call, one call after the other.

From outside: the primary that answers and the fallback are the same program over kept connections, so
a call whose primary refuses takes longer by two refused connects (a retry is due, as at Twilio), by what
lies between them and the fallback's request, and by what its longer response takes. And on the wire,
where we may look: from the first packet that refuses to the one with the fallback's request.
"""

import pathlib
import sys

import capture
import h2load
import servers
from figures import Row, Spread

ADDED_GOAL_MS = 0.2
SEEN_SHARE_MIN = 0.9  # packets are missed where the machine is busy
ANSWERS, FAILS, REFUSES = servers.NUMBERS
SECTION = "Time of a call, one after the other; medians of each round"


def measure(
    build: pathlib.Path, folder: pathlib.Path, origins: servers.Origins, rounds: int, count: int
) -> list[Row]:
    took: dict[str, list[float]] = {workload: [] for workload in servers.NUMBERS}
    on_wire: list[float] = []
    with servers.router(build, folder / "added", servers.numbers_of(origins)) as router:
        for number in range(rounds + 1):
            for workload, medians in took.items():
                median = _median_ms(router, workload, folder, count)
                if number > 0:  # the first round makes the connections
                    medians.append(median)
            on_wire += _median_on_wire_ms(router, origins, folder, count)
    rows = [Row(SECTION, workload, Spread.of(took[workload]), "ms") for workload in took]
    for workload in (FAILS, REFUSES):
        added = [longer - plain for longer, plain in zip(took[workload], took[ANSWERS])]
        # What the goal is about is a part of this.
        goal = ADDED_GOAL_MS if workload == REFUSES and not on_wire else None
        rows.append(Row(SECTION, f"added: {workload}", Spread.of(added), "ms", goal))
    if on_wire:
        what = "from the first refusal to the fallback's request, on the wire"
        rows.append(Row(SECTION, what, Spread.of(on_wire), "ms", ADDED_GOAL_MS))
    else:
        print("packets cannot be looked at without CAP_NET_RAW: left out", file=sys.stderr)
    return rows


def _median_ms(router: servers.Server, workload: str, folder: pathlib.Path, count: int) -> float:
    log = folder / "latencies"
    load = servers.calls(router, workload, folder, count, clients=1, streams=1, log=log)
    servers.answered(router, load, servers.SOURCES[workload])
    return Spread.of(h2load.latencies_ms(log.read_text())).median


def _median_on_wire_ms(
    router: servers.Server, origins: servers.Origins, folder: pathlib.Path, count: int
) -> list[float]:
    """One median; none where we may not look."""
    try:
        looking = capture.Capture()
    except PermissionError:
        return []
    load = servers.calls(router, REFUSES, folder, count, clients=1, streams=1)
    with looking:
        servers.answered(router, load, servers.SOURCES[REFUSES])
    times = capture.refused_to_request_ms(looking.segments, origins.refuses, origins.fallback)
    if len(times) < count * SEEN_SHARE_MIN:
        raise RuntimeError(f"{len(times)} failovers were seen on the wire, {count} were made")
    return [Spread.of(times).median]
