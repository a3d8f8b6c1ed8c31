"""`mlpolicy dashboard`: a board that shows every function under a policy."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from mlpolicy.cli.options import Context, shared

DRAWN: Final = Path(__file__).with_suffix(".toml")
SCHEMA_VERSION: Final = 39
"""Of Grafana 10 and 11; later ones read it, too."""
WIDTH: Final = 24
HEIGHT: Final = {"stat": 4, "timeseries": 8}
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}


@click.command()
@click.argument("what", type=click.Choice(["grafana"]), expose_value=False)
@shared("", "json")
def command(context: Context) -> None:
    """Write a dashboard of what mlpolicy counts, to import into Grafana."""
    context.emit(json.dumps(board(), indent=2) + "\n", as_data=True)
    if context.output is not None:
        context.tell(f"wrote {context.output}")


def board() -> dict[str, Any]:
    """Return the dashboard, as Grafana imports it."""
    drawn = tomllib.loads(DRAWN.read_text(encoding="utf-8"))
    return {
        "uid": "mlpolicy",
        "title": "mlpolicy",
        "description": "Functions under a policy, as mlpolicy counts them.",
        "tags": ["mlpolicy"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": list(_variables())},
        "panels": [panel | {"id": at} for at, panel in enumerate(_panels(drawn["rows"]), 1)],
    }


def _variables() -> Iterator[dict[str, Any]]:
    """Yield what a reader chooses above the board: where numbers are, and of which functions."""
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    asked = 'label_values({__name__=~"mlpolicy_.+"}, function)'
    yield {
        "name": "function",
        "label": "Function",
        "type": "query",
        "datasource": _SOURCE,
        "definition": asked,
        "query": {"query": asked, "refId": "function"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels(rows: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the head of each row and its panels, side by side, those of one type in one line."""
    top = 0
    for row in rows:
        yield {"type": "row", "title": row["title"], "collapsed": False, "panels": []} | {
            "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}
        }
        top += 1
        for type, height in HEIGHT.items():
            line = [one for one in row["panels"] if one.get("type", "timeseries") == type]
            for at, panel in enumerate(line):
                width = WIDTH // len(line)
                place = {"x": at * width, "y": top, "w": width, "h": height}
                yield _panel(panel, type) | {"gridPos": place}
            top += height if line else 0


def _panel(panel: Mapping[str, Any], type: str) -> dict[str, Any]:
    return {
        "type": type,
        "title": panel["title"],
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": _SOURCE, "expr": query}
            | {"legendFormat": legend, "editorMode": "code", "range": True}
            for at, (legend, query) in enumerate(panel["queries"].items())
        ],
    }
