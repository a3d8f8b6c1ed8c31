"""What rules refer to: arguments of the function that they guard, and functions that they call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from mlpolicy.core.argpath import ArgPath, ArgPathError, parse
from mlpolicy.core.default import function_of
from mlpolicy.core.span import Span
from mlpolicy.core.target import Given
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.rules import KINDS

Named = tuple[str, ArgPath, str]
"""The code of the finding that it is not there, the path to it, and the setting that names it."""
ROLLOUT = "rollout.by"
"""The only setting whose argument is not looked for in `**options`."""


def named(rule: PlannedRule) -> Iterator[Named]:
    """Yield (code, path, setting) of each argument that *rule* names."""
    rollout = rule.control.rollout if rule.control else None
    for _, path in paths([rollout.by] if rollout and rollout.by else ()):
        yield "MP507", path, ROLLOUT
    for field, code in KINDS[rule.kind].argument_fields.items():
        held = getattr(rule.rule, field, None)
        if isinstance(held, dict):
            yield from ((code, ArgPath(name), f"{field}.{name}") for name in held)
        else:
            yield from ((code, path, f"{field}.{number}") for number, path in paths(held))


def paths(texts: Any) -> Iterator[tuple[int, ArgPath]]:
    """Yield each path in a list of *texts*, with its number; a function in its place names none."""
    for number, text in enumerate(() if isinstance(texts, Given) else texts or ()):
        try:
            yield number, parse(str(text))
        except ArgPathError:
            continue


def called(rule: PlannedRule) -> Iterator[tuple[str, Span]]:
    """Yield each function that *rule* names with `call`, and where the name stands."""
    made = rule.rule
    for name in _takes_calls(made.__class__) if made is not None else ():
        for path, function in _inside(getattr(made, name)):
            yield function, rule.values[name].at(path) or rule.source


@cache
def _takes_calls(model: Any) -> tuple[str, ...]:
    """Return the settings of *model* that may name a function: those that take anything, too."""
    from mlpolicy.core.model import models_in  # (it imports pydantic)

    return tuple(
        name
        for name, field in getattr(model, "model_fields", {}).items()
        if field.annotation is Any
        or any("call" in one.model_fields for one in models_in(field.annotation))
    )


def _inside(value: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each `call` in the value of a setting, and what it names."""
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _inside(item, f"{above}{number}.")
    named = function_of(value) or getattr(value, "call", None)
    if named:
        yield f"{above}call", named
