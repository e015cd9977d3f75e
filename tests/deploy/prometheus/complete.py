#!/usr/bin/env python3
"""Each alert has a severity, its texts, a page in deploy/runbooks and tests; each page has an alert.

Reads rules.yaml by its lines: promtool has seen to it that it is YAML and rules.
"""
import pathlib
import re
import sys

RULES = pathlib.Path("deploy/prometheus/rules.yaml")
TESTS = pathlib.Path("tests/deploy/prometheus/rules_test.yaml")
RUNBOOKS = pathlib.Path("deploy/runbooks")
SECTIONS = ["## Who is affected", "## What to look at first", "## What to do"]


def alerts(text):
    """The text of each alert, by its name."""
    parts = re.split(r"^      - (alert|record): ", text, flags=re.MULTILINE)
    return {body.split("\n", 1)[0]: body for kind, body in zip(parts[1::2], parts[2::2]) if kind == "alert"}


def complaints():
    found = alerts(RULES.read_text())
    # Each test group, by its name.
    groups = re.split(r"^  - name: ", TESTS.read_text(), flags=re.MULTILINE)[1:]
    if len(found) < 15:
        yield f"only {len(found)} alerts in {RULES}"
    for name, body in found.items():
        if not name.startswith("Understudy"):
            yield f"{name}: alerts of ours begin with Understudy"
        if not re.search(r"^        labels: \{severity: (page|ticket)\}$", body, re.MULTILINE):
            yield f"{name}: no severity page or ticket"
        for annotation in ("summary", "description"):
            if not re.search(rf"^          {annotation}: \S", body, re.MULTILINE):
                yield f"{name}: no {annotation}"
        if f"\n          runbook_url: {RUNBOOKS}/{name}.md\n" not in body:
            yield f"{name}: its runbook_url is not {RUNBOOKS}/{name}.md"
        page = RUNBOOKS / f"{name}.md"
        if not page.is_file():
            yield f"{name}: {page} is missing"
        else:
            lines = page.read_text().split("\n")
            if lines[0] != f"# {name}":
                yield f"{page}: its title is not the alert"
            if [line for line in lines if line.startswith("## ")] != SECTIONS:
                yield f"{page}: its sections are not {SECTIONS}"
        own = [group for group in groups if group.startswith(name + " ")]
        if not any(f'alertname="{name}"' in group for group in own):
            yield f"{name}: no test of its own sees it fire"
        if not any("exp_samples: []" in group for group in own):
            yield f"{name}: no test of its own sees it quiet"
    for page in sorted(RUNBOOKS.glob("*")):
        if page.stem not in found:
            yield f"{page}: there is no such alert"


wrong = list(complaints())
print("\n".join(wrong) if wrong else "  each alert has its texts, its page and its tests")
sys.exit(1 if wrong else 0)
