"""What a failover costs: this router beside what one would run in its place, on loopback, in one run.

docs/performance.md says how to read it. Status 0; 1 if a call was not answered as it should be or, in
a full run, a goal is not met.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile

import added
import calls
import figures
import growth
import held
import servers
import start

PARTS = ("calls", "added", "held", "growth", "start")


def main() -> int:
    parser = argparse.ArgumentParser(prog="failover", description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default="build/release", help="its folder")
    parser.add_argument("--json", type=pathlib.Path, help="file for the figures")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; goals are only shown")
    parser.add_argument("--rounds", type=int, help="of the calls; 7, or 3 with --quick")
    parser.add_argument("--calls", type=int, help="in a round; 20000, or 5000 with --quick")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="these parts")
    parser.add_argument(
        "--servers", nargs="+", choices=calls.SERVERS, default=calls.SERVERS, help="these only"
    )
    options = parser.parse_args()
    rounds = options.rounds or (3 if options.quick else 7)
    count = options.calls or (5000 if options.quick else 20000)

    rows: list[figures.Row] = []
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench")))
        origins = stack.enter_context(servers.origins(folder / "origins"))
        if "calls" in options.only:
            rows += calls.measure(options.build, folder, origins, options.servers, rounds, count)
        if "added" in options.only:
            rows += added.measure(options.build, folder, origins, rounds, count // 20)
        if "held" in options.only:
            rows += held.measure(options.build, folder)
        if "growth" in options.only:
            rows += growth.measure(options.build, folder, origins, rounds, count)
        if "start" in options.only:
            rows += start.measure(options.build, folder, 2 * rounds + 1)

    print(figures.markdown(rows))
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(figures.as_json(rows, quick=options.quick))
    missed = [row for row in rows if row.met is False]
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
