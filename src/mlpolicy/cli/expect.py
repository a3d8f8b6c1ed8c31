"""What came of a policy against what was expected: a plan written by `mlpolicy compile`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlpolicy.cli import exits
from mlpolicy.cli.prove import Answer
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span
from mlpolicy.plan.show import SCHEMA, holds

PLACED = ("applied", "pending")


def unexpected(answer: Answer, path: Path, environment: str | None) -> Iterator[Diagnostic]:
    """Yield a finding for each function whose rules are others than in the plan at *path*."""
    plan = _read(path)
    if plan["environment"] != environment:
        of, here = (
            f"environment `{one}`" if one else "no environment"
            for one in (plan["environment"], environment)
        )
        yield _finding(path, f"the plan is that of {of}, and this is {here}")
        return
    expected = {one["target"]: one for one in plan["targets"]}
    found = {
        row["target"]: row["plan"]
        for row in answer.targets
        if row["status"] in PLACED and row["plan"]["rules"]
    }
    for name in sorted({*expected, *found}):
        one, other = expected.get(name), found.get(name)
        if one is None:
            yield _finding(path, f"`{name}` has rules, and none are expected")
        elif other is None:
            yield _finding(path, f"`{name}` has no rules in force, and some are expected")
        elif holds(one) != holds(other):
            yield _finding(path, f"`{name}`: {_first(one, other)}")


def _first(expected: dict[str, Any], found: dict[str, Any]) -> str:
    """Return the first thing in which two plans of one function differ."""
    before = {rule["kind"]: rule for rule in expected["rules"]}
    after = {rule["kind"]: rule for rule in found["rules"]}
    for kind in dict.fromkeys((*before, *after)):
        if kind not in before or kind not in after:
            return f"`{kind}` is {'not expected' if kind in after else 'missing'}"
        if before[kind]["mode"] != after[kind]["mode"]:
            return f"`{kind}` is {after[kind]['mode']}, {before[kind]['mode']} is expected"
        one, other = before[kind]["settings"], after[kind]["settings"]
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                return f"`{kind}.{name}` is {other.get(name)}, {one.get(name)} is expected"
    return "the rules stand in another order"


def _finding(path: Path, message: str) -> Diagnostic:
    help = "if that is meant, write the plan anew: mlpolicy compile -o " + str(path)
    return Diagnostic("MP410", message, Span(str(path)), help=help)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            exits.stop(f"`{path}` is no plan of this version: write it anew")
        return {key: content[key] for key in ("environment", "targets")}
    except (OSError, ValueError, KeyError, TypeError):
        exits.stop(f"`{path}` is no plan; `mlpolicy compile -o {path}` writes one")
