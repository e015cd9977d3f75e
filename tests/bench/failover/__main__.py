"""What a failover costs: this router beside what one would run in its place, on loopback, in one run.

Ends with 1 if a call was not answered as it has to be, or if a full run misses a goal.
docs/performance.md says how to read it.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import signal
import sys
import tempfile

import added
import calls
import figures
import growth
import held
import machine
import others
import servers
import start

PARTS = ("calls", "added", "held", "growth", "start", "others")
# Of the processors; over it the machine is too busy to say what this router costs.
NEIGHBOURS_MAX = 0.05


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    calls: int  # of a round
    growth_rounds: int
    growth_seconds: int
    starts: int


FULL = Size(rounds=7, calls=20_000, growth_rounds=5, growth_seconds=3, starts=11)
QUICK = Size(rounds=3, calls=4_000, growth_rounds=1, growth_seconds=2, starts=3)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="failover", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default="build/release", help="its folder")
    parser.add_argument(
        "--json", type=pathlib.Path, help="file for all figures; the tables go beside it, as .md"
    )
    parser.add_argument("--page", type=pathlib.Path, help="page whose tables are replaced")
    parser.add_argument("--quick", action="store_true", help="less of all; goals are only shown")
    parser.add_argument("--rounds", type=int, help="of the calls")
    parser.add_argument("--calls", type=int, help="in a round")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    parser.add_argument(
        "--servers",
        nargs="+",
        choices=calls.SERVERS,
        default=calls.SERVERS,
        help="of the calls: these servers",
    )
    return parser.parse_args()


def measure(options: argparse.Namespace, size: Size) -> tuple[list[figures.Row], dict]:
    build, only = options.build, options.only
    rows: list[figures.Row] = []
    measured = {}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        origins = stack.enter_context(servers.origins(folder / "origins"))
        if "calls" in only:
            names = [name for name in options.servers if servers.is_there(build, name)]
            rows += calls.measure(build, folder, origins, names, size.rounds, size.calls)
        if "added" in only:
            rows += added.measure(build, folder, origins, size.rounds, size.calls // 20)
        if "held" in only:
            rows += held.measure(build, folder)
        if "growth" in only:
            rows += growth.measure(
                build, folder, origins, size.growth_rounds, size.calls, size.growth_seconds
            )
        if "start" in only:
            rows += start.measure(build, folder, size.starts)
        if "others" in only:
            more, measured = others.measure(build, options.quick)
            rows += more
    return rows, measured


def main() -> int:
    options = parse_arguments()
    size = QUICK if options.quick else FULL
    size = dataclasses.replace(
        size, rounds=options.rounds or size.rounds, calls=options.calls or size.calls
    )
    # However we are told to stop: servers are stopped, and files removed.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    neighbours = machine.Neighbours()
    try:
        rows, measured = measure(options, size)
    except KeyboardInterrupt:
        return 130
    share = neighbours.share()
    described = machine.describe() | {"used by others meanwhile": f"{100 * share:.0f} %"}

    tables = figures.markdown(rows) + "\n"
    tables += "".join(f"* {name}: {value}\n" for name, value in described.items())
    print(tables)
    if share > NEIGHBOURS_MAX:
        print("Others kept this machine busy: all figures are larger than they would be alone.\n")
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        text = figures.as_json(rows, machine=described, quick=options.quick, programs=measured)
        options.json.write_text(text)
        options.json.with_suffix(".md").write_text(tables)
    if options.page is not None:
        options.page.write_text(figures.on_page(options.page.read_text(), tables))
    missed = [row for row in rows if row.met is False]
    if missed:
        print(f"{len(missed)} goals are not met:")
        print("\n".join(f"* {row.section}: {row.what}" for row in missed))
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
