"""Figures: medians and their spread, goals, and the table they are shown in."""

import dataclasses
import json
import statistics


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclasses.dataclass(frozen=True)
class Spread:
    """The median of some rounds, the least and the most."""

    median: float
    least: float
    most: float
    rounds: int

    @staticmethod
    def of(values: list[float]) -> "Spread":
        return Spread(statistics.median(values), min(values), max(values), len(values))


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. A goal is the most that the figure's median may be, or the least."""

    section: str
    what: str
    value: Spread
    unit: str
    goal: float | None = None
    goal_is_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        median = self.value.median
        return median >= self.goal if self.goal_is_least else median <= self.goal


def shown(value: float) -> str:
    """Three digits, or all of a large number."""
    if value == int(value):
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _cells(row: Row) -> list[str]:
    spread = row.value
    between = "" if spread.rounds == 1 else f"{shown(spread.least)} to {shown(spread.most)}"
    words = "at least" if row.goal_is_least else "at most"
    goal = "" if row.goal is None else f"{words} {shown(row.goal)}"
    verdict = {None: "", True: "met", False: "NOT MET"}[row.met]
    return [row.what, f"{shown(spread.median)} {row.unit}".strip(), between, goal, verdict]


def markdown(rows: list[Row]) -> str:
    """All rows, a table for each section, as docs/performance.md has them."""
    heads = ["", "Median", "Least to most", "Goal", ""]
    lines = []
    for section in dict.fromkeys(row.section for row in rows):
        cells = [_cells(row) for row in rows if row.section == section]
        heads[0] = section
        widths = [max(map(len, column)) for column in zip(heads, *cells)]

        def line(words: list[str]) -> str:
            padded = (word.ljust(width) for word, width in zip(words, widths))
            return "| " + " | ".join(padded) + " |"

        lines += [line(heads), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
        lines += [line(words) for words in cells] + [""]
    return "\n".join(lines)


PAGE_BEGIN, PAGE_END = "<!-- tables of make bench -->\n", "<!-- end of the tables -->\n"


def on_page(page: str, tables: str) -> str:
    """A page with these tables in place of those that it had between its two marks."""
    before, begin, rest = page.partition(PAGE_BEGIN)
    _, end, after = rest.partition(PAGE_END)
    if not begin or not end:
        raise ValueError("the page has no place for the tables")
    return before + begin + "\n" + tables + "\n" + end + after


def as_json(rows: list[Row], **more) -> str:
    listed = [dataclasses.asdict(row) | {"met": row.met} for row in rows]
    return json.dumps({**more, "rows": listed}, indent=2) + "\n"
