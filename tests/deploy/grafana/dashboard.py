#!/usr/bin/env python3
"""Whether a dashboard is one that Grafana shows as meant: dashboard.py FILE.

Its schema as far as we use it, its data source a variable, panels that neither overlap nor leave the
24 columns, and a title, a sentence and a unit on each.
"""
import json
import sys

KINDS = {"row", "stat", "table", "timeseries", "state-timeline"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def uids(node):
    """Every data source anywhere in `node`."""
    if isinstance(node, dict):
        if "datasource" in node:
            yield node["datasource"]
        for value in node.values():
            yield from uids(value)
    elif isinstance(node, list):
        for value in node:
            yield from uids(value)


def panel_complaints(panel):
    where = f"panel {panel.get('title')!r}"
    if panel.get("type") not in KINDS:
        yield f"{where}: type {panel.get('type')!r}"
    if not panel.get("title"):
        yield f"{where}: no title"
    if panel.get("type") == "row":
        return
    if not panel.get("description", "").endswith("."):
        yield f"{where}: no description, or no sentence"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield f"{where}: no unit"
    refs = [target.get("refId") for target in panel.get("targets", [])]
    if not refs or len(set(refs)) != len(refs) or not all(refs):
        yield f"{where}: targets {refs}"
    for target in panel.get("targets", []):
        if not target.get("expr"):
            yield f"{where}: a target without a query"
        if 'namespace=~"$namespace"' not in target.get("expr", ""):
            yield f"{where}: a query that does not heed the namespace"
    if panel["type"] == "stat" and "steps" not in panel["fieldConfig"]["defaults"].get("thresholds", {}):
        yield f"{where}: no thresholds"


def complaints(dashboard):
    for key in ("uid", "title", "schemaVersion", "time", "refresh", "panels", "templating"):
        if key not in dashboard:
            yield f"no {key}"
    if "id" in dashboard or "__inputs" in dashboard:
        yield "an id or __inputs: an export for one Grafana, not for any"
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    if variables.get("datasource", {}).get("type") != "datasource":
        yield "no variable for the data source"
    for source in uids(dashboard):
        if source != SOURCE:
            yield f"a data source of its own: {source}"
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(set(ids)) != len(ids):
        yield "panels share an id"
    taken = {}
    for panel in dashboard["panels"]:
        yield from panel_complaints(panel)
        place = panel["gridPos"]
        if place["x"] < 0 or place["x"] + place["w"] > 24:
            yield f"panel {panel['title']!r} leaves the 24 columns"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other != panel["title"]:
                    yield f"panels {other!r} and {panel['title']!r} overlap"
                    break


with open(sys.argv[1], encoding="utf-8") as file:
    wrong = list(complaints(json.load(file)))
print("\n".join(wrong) if wrong else f"  {sys.argv[1]}: nothing to say")
sys.exit(1 if wrong else 0)
