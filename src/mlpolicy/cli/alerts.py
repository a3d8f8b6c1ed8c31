"""`mlpolicy alerts`: rules by which Prometheus tells what is wrong with governed functions."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import Final

import click

from mlpolicy.cli.options import Context, shared, waiting
from mlpolicy.plan.governed import governed
from mlpolicy.rules import KINDS
from mlpolicy.rules.catalogue import METRICS

WRITTEN: Final = Path(__file__).with_suffix(".toml")
HEAD: Final = """\
# Made by `mlpolicy alerts prometheus`; what `slo` of a monitor rule expects is in the metrics.
groups:
  - name: mlpolicy
    rules:
"""


@click.command()
@click.argument("what", type=click.Choice(["prometheus"]), expose_value=False)
@shared("policy env set assume src", "text")
def command(context: Context) -> None:
    """Write alert rules for what mlpolicy counts, to load into Prometheus.

    With `--policy`, those alone that a function of the policy has numbers for.
    """
    kinds: Collection[str] = set(KINDS)
    if context.policy:
        loaded = context.read()
        if loaded.refused:
            context.stop(loaded)
        with waiting("looking targets up in the source"):
            plans = governed(loaded.rulebook, context.tree)
            kinds = {rule.kind for plan in plans for rule in plan.rules}
    context.emit(HEAD + "".join(map(_rule, alerts(kinds))), as_data=True)
    if context.output is not None:
        context.tell(f"wrote {context.output}")


def alerts(kinds: Collection[str]) -> Iterator[Mapping[str, str]]:
    """Yield the alerts whose metrics rules of these *kinds* make."""
    for alert in tomllib.loads(WRITTEN.read_text(encoding="utf-8"))["alerts"]:
        needed = {one.rule for one in METRICS if one.rule and one.name in alert["expr"]}
        if needed.issubset(kinds):
            yield alert


def _rule(alert: Mapping[str, str]) -> str:
    """Return *alert* as YAML; a text of JSON is one of YAML too."""
    lines = [
        f"- alert: {alert['name']}",
        "  expr: |",
        indent(alert["expr"].strip(), " " * 4),
        f"  for: {alert['for']}",
        f"  labels: {{severity: {alert['severity']}}}",
        "  annotations:",
        f"    summary: {json.dumps(alert['summary'])}",
        f"    description: {json.dumps(alert['description'])}",
        "    runbook: |",
        indent(alert["runbook"].strip(), " " * 6),
    ]
    return indent("\n".join(lines), " " * 6) + "\n"
