"""The functions that rules call themselves, beside those that they guard."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from pydantic import BaseModel

from mlpolicy.core.default import function_of
from mlpolicy.core.span import Span
from mlpolicy.model.check import models_in
from mlpolicy.plan.plan import PlannedRule


def called(rule: PlannedRule) -> Iterator[tuple[str, Span]]:
    """Yield each function that *rule* names with `call`, and where the name stands."""
    made = rule.rule
    for name in _takes_calls(made.__class__) if isinstance(made, BaseModel) else ():
        for path, function in _inside(getattr(made, name)):
            value = rule.values[name]
            yield function, value.at(path) or rule.source


@cache
def _takes_calls(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the settings of *model* that may name a function: those that take anything, too."""
    return tuple(
        name
        for name, held in model.model_fields.items()
        if held.annotation is Any
        or any("call" in one.model_fields for one in models_in(held.annotation))
    )


def _inside(value: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of each `call` in the value of a setting, and what it names."""
    if isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _inside(one, f"{above}{number}.")
    named = function_of(value) or getattr(value, "call", None)
    if named:
        yield f"{above}call", named
