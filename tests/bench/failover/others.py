"""The benchmarks that are programs of their own: judging documents, bins, storms of events, and the
operator's page."""

import json
import pathlib

import processes
from figures import Row, Spread

EXPAT_GOAL = 1.5
BIN_GOAL_MS = 1.0
EVENTS, EVENTS_QUICK = 1_000_000, 100_000
PAGE_SECONDS, PAGE_SECONDS_QUICK = 20, 3
PAGE_GOAL_MS = 200.0


def measure(build: pathlib.Path, is_quick: bool) -> tuple[list[Row], dict]:
    """The rows, and by the name of each program all that it measured."""
    events = EVENTS_QUICK if is_quick else EVENTS
    seconds = PAGE_SECONDS_QUICK if is_quick else PAGE_SECONDS
    rows, measured = [], {}
    for name, more, rows_of in (
        ("twiml_bench", [], twiml_rows),
        ("bin_bench", [], bin_rows),
        ("storm_bench", [str(events)], storm_rows),
        ("page_bench", [str(events), str(seconds)], page_rows),
    ):
        file = build / "bench" / f"{name}.json"
        file.unlink(missing_ok=True)
        status, output = processes.run([str(build / "bin" / name), str(file), *more])
        if not file.exists():
            raise RuntimeError(f"{name} ended with {status}:\n{output}")
        measured[name] = json.loads(file.read_text())
        found = rows_of(measured[name])
        rows += [
            *found,
            Row(found[0].section, f"{name}: promises broken", Spread.of([status]), "", 0),
        ]
        print(output)
    return rows, measured


def twiml_rows(measured: dict) -> list[Row]:
    """Documents without a mistake: what is wrong with others has to be written down as well."""
    rows = []
    for document in measured["documents"]:
        if document["warnings"] == 0:
            ratio = document["judge_to_expat"]
            spread = Spread(ratio["median"], ratio["low"], ratio["high"], measured["rounds"])
            what = f"{document['document']}: judge / expat"
            rows.append(Row("Judging TwiML", what, spread, "", EXPAT_GOAL))
    return rows


def bin_rows(measured: list) -> list[Row]:
    return [
        Row(
            "A fallback that is a bin",
            each["what"],
            Spread.of([each["median_ms"]]),
            "ms",
            BIN_GOAL_MS,
        )
        for each in measured
    ]


def storm_rows(measured: list) -> list[Row]:
    rows = []
    for storm in measured:
        for what, figure, unit in (
            ("durable events a second", storm["events_per_second"], ""),
            ("CPU time of an event", storm["cpu_us_per_event"], "µs"),
            ("most memory", storm["peak_resident_kib"] / 1024, "MiB"),
        ):
            name = f"{storm['storm']}: {what}"
            rows.append(Row("A storm of events into the notifier", name, Spread.of([figure]), unit))
    return rows


def page_rows(measured: dict) -> list[Row]:
    section = f"The operator's page, {measured['events']:,} events"
    return [
        Row(
            section, f"{view['view']}: longest", Spread.of([view["longest_ms"]]), "ms", PAGE_GOAL_MS
        )
        for view in measured["views"]
    ]
