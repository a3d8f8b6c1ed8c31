"""Plans as plain values, for files and for other programs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.text import text

SCHEMA: Final = "mlpolicy.plan/1"


def compiled(plans: Iterable[Plan], *, environment: str | None = None) -> dict[str, Any]:
    """Return *plans* with a hash of what holds, and where each value comes from.

    The hash is of targets, rules and settings alone: moving a line or a file does not change it.
    """
    each = [target(plan) for plan in plans]
    return {
        "schema": SCHEMA,
        "environment": environment,
        "hash": digest(each),
        "targets": each,
    }


def digest(targets: Iterable[Mapping[str, Any]]) -> str:
    """Return a hash of what holds for *targets*."""
    held = sorted((one["target"], one["placement"], holds(one)) for one in targets)
    text = json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def holds(one: Mapping[str, Any]) -> list[list[Any]]:
    """Return what holds for a compiled target: (kind, mode, settings) of each rule, in order."""
    return [[rule["kind"], rule["mode"], rule["settings"]] for rule in one["rules"]]


def target(plan: Plan) -> dict[str, Any]:
    """Return *plan* as plain values."""
    return {
        "target": str(plan.target),
        "mode": plan.mode,
        "placement": plan.placement,
        "policies": list(plan.policies),
        "rules": [_rule(rule) for rule in plan.rules],
    }


def _rule(rule: PlannedRule) -> dict[str, Any]:
    values = {path: value for path, value in rule.values.items() if path != "mode"}
    return {
        "kind": rule.kind,
        "mode": rule.mode,
        "settings": {path: text(value) for path, value in sorted(values.items())},
        "sources": {
            path: str(value.source) for path, value in sorted(values.items()) if value.source
        },
    }
