"""A plan in words: what holds, and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlpolicy.plan.plan import Plan, PlannedRule, Value


def describe(plan: Plan) -> str:
    """Return what `mlpolicy explain` prints of *plan*."""
    order = " > ".join(rule.kind for rule in plan.rules) or "no rules"
    lines = [str(plan.target), f"  {order}  ({plan.mode})"]
    for name, span in zip(plan.policies, plan.sources, strict=False):
        lines.append(f"  from policy {name} at {span.file}:{span.line}")
    for rule in plan.rules:
        lines += ["", *_rule(rule)]
    return "\n".join(lines)


def _rule(rule: PlannedRule) -> Iterator[str]:
    mode = "" if rule.mode == "enforce" else f"  ({rule.mode})"
    yield f"  {rule.kind}{mode}  {rule.source.file}:{rule.source.line}"
    rows = [(path, shown(value.value), origin(value)) for path, value in rule.values.items()]
    wide = _width(row[0] for row in rows), _width(row[1] for row in rows)
    for path, value, source in rows:
        yield f"    {path:<{wide[0]}}  {value:<{wide[1]}}  {source}".rstrip()


def _width(texts: Iterable[str]) -> int:
    return min(max((len(text) for text in texts), default=0), 44)


def shown(value: Any) -> str:
    """Return *value* as a policy file would write it, on one line."""
    if hasattr(value, "model_dump"):
        value = dict(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    return _WORDS.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)


_WORDS = {None: "null", True: "true", False: "false"}


def origin(value: Value) -> str:
    """Return where *value* was set."""
    if value.source is None:
        return "built in"
    return f"{value.source.file}:{value.source.line} {value.policy}"
