"""Checks of single values: their type, the values allowed, the look of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mlpolicy.rules.validate.checks.classes import claimed, comes_from, is_array, is_of
from mlpolicy.rules.validate.look import Look, Where
from mlpolicy.rules.validate.shown import listed, shown, typed


class TypeCheck:
    """The value is of a type."""

    name = "type"

    def __init__(self, type: str | tuple[str, ...]) -> None:
        self.type = type[0] if isinstance(type, tuple) and len(type) == 1 else type
        self.expected = type if isinstance(type, str) else " or ".join(type)

    def admits(self, cls: type) -> bool:
        """Whether values of *cls* pass."""
        return is_of(cls, self.type)

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if not (self.admits(type(value)) or self.admits(claimed(value))):
            look.fail(where, "type", found=typed(value), expected=self.expected)


class EnumCheck:
    """The value is one of a few; `true` is no `1`."""

    name = "enum"

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = tuple(values)

    def admits(self, value: Any) -> bool:
        """Whether *value* is one of those allowed."""
        return any(_equal(value, one) for one in self.values)

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if not self.admits(value):
            look.fail(
                where,
                "enum",
                found=shown(value),
                expected=f"one of {listed(self.values)}",
            )


def _equal(value: Any, allowed: Any) -> bool:
    if allowed is None or value is None:
        return value is allowed
    cls = type(value)
    if is_of(cls, "bool") != isinstance(allowed, bool):
        return False
    # An array answers for each of its elements, which is no answer; a large one takes long.
    if comes_from(cls, "pandas", "polars", "pyarrow") or (is_array(cls) and value.shape):
        return False
    answer = value == allowed
    return bool(answer) if is_of(type(answer), "bool") else False


class PatternCheck:
    """A pattern is found in the text."""

    name = "pattern"

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.search = re.compile(pattern).search

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Look at *value*."""
        if not issubclass(type(value), str):
            look.fail(where, "pattern", found=typed(value), expected="a text")
        elif self.search(value) is None:
            look.fail(
                where,
                "pattern",
                found=shown(value),
                expected=f"to match `{self.pattern}`",
            )
