"""`mlpolicy list`: what there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from mlpolicy.cli import sources
from mlpolicy.cli.options import format_option, policy_option
from mlpolicy.plan.load import Loaded

Row = dict[str, Any]


def _targets(loaded: Loaded) -> Iterable[Row]:
    rulebook = loaded.rulebook
    for target in rulebook.exact:
        plan = rulebook.plan(target)
        if plan is not None:
            rules = [rule.kind for rule in plan.rules]
            source = ", ".join(f"{span.file}:{span.line}" for span in plan.sources)
            yield {"target": str(target), "rules": rules, "mode": plan.mode, "source": source}


def _policies(loaded: Loaded) -> Iterable[Row]:
    for policy in loaded.rulebook.policies:
        yield {
            "policy": policy.name,
            "match": [str(pattern.glob) for pattern in policy.match],
            "rules": [block.kind for block in policy.rules],
            "owner": policy.meta.get("owner", ""),
            "reason": policy.meta.get("reason", ""),
            "source": f"{policy.span.file}:{policy.span.line}",
        }


def _files(loaded: Loaded) -> Iterable[Row]:
    for file in loaded.files:
        yield {"file": file.file, "name": file.name, "policies": len(file.policies)}


WHAT: dict[str, Callable[[Loaded], Iterable[Row]]] = {
    "targets": _targets,
    "policies": _policies,
    "files": _files,
}


@click.command()
@click.argument("what", type=click.Choice(list(WHAT)), default="targets")
@policy_option
@format_option("text", "json")
def command(what: str, policy: tuple[str, ...], format: str) -> None:
    """Show the targets that policies name, the policies, or the files."""
    _, loaded = sources.read(policy)
    rows = list(WHAT[what](loaded))
    if format == "json":
        click.echo(json.dumps({"schema": "mlpolicy.list/1", what: rows}, indent=2))
        return
    from mlpolicy.cli.render.table import plain

    head = list(rows[0]) if rows else [what]
    plain([title.upper() for title in head], [[_cell(row[key]) for key in head] for row in rows])


def _cell(value: Sequence[str] | str | int) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
