"""A merged rule becomes a complete one: its model built, its meaning checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.kind import Kind
from mlpolicy.core.site import Mode
from mlpolicy.plan.merge import Layer, Merged, merge
from mlpolicy.plan.plan import PlannedRule, Value
from mlpolicy.rules import KINDS

NEVER_SHADOWED = "monitor"
"""Watching changes nothing, so there is nothing to try out."""


@dataclass(frozen=True, slots=True)
class Completed:
    """One rule of a plan, if it could be made, and what is wrong with it."""

    rule: PlannedRule | None
    diagnostics: tuple[Diagnostic, ...]


def complete(kind: str, layers: Sequence[Layer]) -> Completed:
    """Return the rule that *layers* make together."""
    merged = merge(kind, layers)
    known = KINDS[kind]
    rule, wrong = _build(merged, known)
    if rule is None and (merged.mode != "disabled" or any(one.code != "MP011" for one in wrong)):
        return Completed(None, (*merged.diagnostics, *wrong))
    found = [
        Diagnostic(code, message, merged.span_of(tuple(path.split("."))), severity_of(known, code))
        for code, path, message in (known.findings(rule) if rule is not None else ())
    ]
    planned = PlannedRule(
        kind,
        _mode(merged),
        rule,
        _values(rule, merged),
        merged.source,
        merged.policy,
        keys={".".join(path): span for path, span in merged.keys.items()},
    )
    return Completed(planned, (*merged.diagnostics, *found))


def _build(merged: Merged, kind: Kind) -> tuple[Any, list[Diagnostic]]:
    from pydantic import ValidationError

    try:
        return kind.rule_model().model_validate(merged.plain()), []
    except ValidationError as error:
        return None, [_finding(merged, one) for one in error.errors(include_url=False)]


def _finding(merged: Merged, error: Any) -> Diagnostic:
    path = tuple(str(part) for part in error["loc"])
    if error["type"] == "missing":
        name = ".".join((merged.kind, *path[:-1]))
        return Diagnostic("MP011", f"`{name}` needs `{path[-1]}`", merged.source)
    code = error["type"] if error["type"].startswith("MP") else "MP010"
    return Diagnostic(code, str(error["msg"]), merged.span_of(path))


def severity_of(kind: Kind, code: str) -> Any:
    """Return how grave a finding with a *code* of *kind* is."""
    return next((one.severity for one in kind.finding_codes() if one.code == code), "error")


def _mode(merged: Merged) -> Mode:
    mode = merged.mode or "enforce"
    return "enforce" if merged.kind == NEVER_SHADOWED and mode == "shadow" else mode


def _values(rule: Any, merged: Merged) -> Mapping[str, Value]:
    """Return every setting by its path: those written, and the built-in ones beside them."""
    values = {".".join(path): value for path, value in merged.values.items()}
    for name in type(rule).model_fields if rule is not None else ():
        if not any(path == name or path.startswith(f"{name}.") for path in values):
            values[name] = Value(getattr(rule, name))
    return values
