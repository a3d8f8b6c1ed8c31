"""One look at the values of a call: where something is wrong, what, and how messages show it.

The caller is shown a little of the value, logs its class alone. Neither runs code of the value:
what is not of a class that is known by itself is the name of its class.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mlpolicy.core.classes import frozen
from mlpolicy.errors import Failure
from mlpolicy.rules.validate.checks.classes import (
    is_array,
    is_moment,
    is_scalar_of_numpy,
    made_by,
    path,
)
from mlpolicy.rules.validate.checks.dtypes import canonical


@frozen()
class Said:
    """A part of a message, as the caller reads it and as logs may have it."""

    text: str
    public: str


Index = str | int | tuple[int, ...] | Said
"""One step: a key of the policy, an index, or a key of the data."""
Where = str | tuple["Where", Index]
"""The name of an argument, or a place and one step from it; made text only when it fails."""

Place = tuple[str | int, ...]

MOST = 100
"""Failures that are kept of one call; a list of a million wrong items must not fill a log."""

_DIGITS = re.compile(r"""\[\d+(, \d+)*]|(?<![\w'"])\d[\w.,]*""")
"""Indexes, and numbers that are no part of a name."""


class Look:
    """What was found so far in one call.

    Args:
        hide: Takes what must not be shown out of a text of the policy.
        is_private: Says of a place, in steps, whether nothing out of it may be shown.
    """

    __slots__ = ("_hide", "_is_private", "failures", "fields", "symbols")

    def __init__(
        self,
        hide: Callable[[str], str] = str,
        is_private: Callable[[Place], bool] = lambda _: False,
    ) -> None:
        self._hide = hide
        self._is_private = is_private
        self.failures: list[Failure] = []
        self.fields: list[str] = []
        """The label of each failure: its place as the policy alone knows it."""
        self.symbols: dict[str, int] = {}
        """Sizes that the names in shapes stand for."""

    def fail(
        self, where: Where, check: str, *, found: str | Said, expected: str | Said, more: int = 0
    ) -> None:
        """Note that the value at *where*, and *more* like it, does not pass *check*.

        Logs get what is public: a plain text must hold no value of the call.
        """
        if len(self.failures) >= MOST:
            return
        found = found if isinstance(found, Said) else Said(found, found)
        expected = expected if isinstance(expected, Said) else Said(expected, expected)
        steps = _steps(where)
        if private := self._is_private(steps):
            found, expected = (Said(one.public, one.public) for one in (found, expected))
        others = f" (and {more} more)" if more else ""
        place = text(where, public=True)
        asked = _DIGITS.sub("#", f"{place} {check} {expected.public}")
        what = f"{place} fails {check}: "
        what += f"it is {found.public}{others}, expected {expected.public}"
        failure = Failure(
            str(steps[0]),
            self._hide(text(where, public=private)),
            check,
            found.text + others,
            self._hide(expected.text),
            self._hide(what),
            self._hide(asked),
        )
        self.failures.append(failure)
        self.fields.append(self._hide(field(where)))


def _steps(where: Where) -> Place:
    """Return *where* as steps, up to a key of the data: a model may name it as it likes."""
    if isinstance(where, str):
        return (where,)
    above, step = _steps(where[0]), where[1]
    if isinstance(step, Said):
        return above
    return (*above, *step) if isinstance(step, tuple) else (*above, step)


def text(where: Where, *, public: bool = False) -> str:
    """Return *where* as a person writes it: `user.tags[3]`, `features[17, 3]`."""
    if isinstance(where, str):
        return where
    above, step = text(where[0], public=public), where[1]
    match step:
        case str():
            return above + key(step)
        case Said():
            return above + (step.public if public else step.text)
        case tuple():
            return f"{above}[{', '.join(map(str, step))}]"
    return f"{above}[{step}]"


def field(where: Where) -> str:
    """Return *where* by its keys in the policy alone, so that labels come from nothing else."""
    if isinstance(where, str):
        return where
    above, step = where
    return field(above) + (key(step) if isinstance(step, str) else "")


def key(name: str) -> str:
    """Return a step to what is under *name*: `.id`, `['a b']`."""
    return f".{name}" if name.isidentifier() else f"[{name!r}]"


LONGEST_TEXT = 32
"""Characters of a text that a message shows."""
LONGEST_MESSAGE = 100
"""Characters that a message shows of another message."""
_LIBRARIES = frozenset(("numpy", "torch", "jaxlib", "pandas", "polars", "pyarrow"))
_TEXTS = frozenset((str, bytes))
_PLAIN_NUMBERS = frozenset((bool, int, float, complex, Decimal, Fraction))
_TYPED = frozenset((str, bytes, bool, int, float))
"""Classes of values that are shown with their class, where that is what is wrong."""


def shown(value: Any) -> Said:
    """Return *value* for a message; texts are cut, and of containers only the sort is named."""
    public = kind(value)
    plain = _plain(value)
    if type(plain) in _TEXTS:
        long = f"{plain[:LONGEST_TEXT]!r}… ({len(plain)} long)"
        return Said(repr(plain) if len(plain) <= LONGEST_TEXT else long, public)
    if type(plain) in _PLAIN_NUMBERS:
        try:
            number = repr(plain)
        except ValueError:  # an integer with more digits than Python prints
            return Said(f"a {path(type(plain))}", public)
        short = number if len(number) <= LONGEST_TEXT else f"{number[:LONGEST_TEXT]}…"
        return Said(short, public)
    named = value is None or _is_looked_into(type(value))
    return Said(public if named else f"a {public}", public)


def typed(value: Any) -> Said:
    """Return *value* with its class, where the class is what is wrong."""
    public = kind(value)
    plain = _plain(value)
    return Said(f"{public} {shown(plain).text}" if type(plain) in _TYPED else public, public)


def kind(value: Any) -> str:
    """Return what sort of thing *value* is: of its contents nothing but dtype and shape."""
    if value is None:
        return "null"
    name = path(type(value))
    if not _is_looked_into(type(value)):
        return name
    try:
        return f"{name} of {canonical(value.dtype)} with shape {size(value.shape)}"
    except (AttributeError, TypeError, ValueError):
        return name


def unreadable(value: Any, error: Exception) -> Said:
    """Return that *value* raised *error* when it was looked at.

    Exceptions of a library or a program make their text by code of their own.
    """
    name = type(error).__name__
    told = error.args[:1] if type(error).__module__ == "builtins" else ()
    text = f"{name}: {told[0][:LONGEST_MESSAGE]}" if told and type(told[0]) is str else name
    said = typed(value)
    return Said(
        f"{said.text}, which cannot be checked ({text})",
        f"{said.public}, which cannot be checked ({name})",
    )


def size(shape: Any) -> str:
    """Return a shape as a policy file writes it: `[3, 128]`."""
    return f"[{', '.join(str(one) for one in shape)}]"


def listed(values: Any) -> str:
    """Return the first few of *values*, of a policy file, in a row."""
    values = list(values)
    parts = [shown(one).text for one in values[:8]]
    return ", ".join(parts) + (", …" if len(values) > len(parts) else "")


def _plain(value: Any) -> Any:
    """Return a scalar of numpy as Python has it, anything else as it is."""
    cls = type(value)
    scalar = made_by(cls) == "numpy" and is_scalar_of_numpy(cls) and not is_moment(cls)
    return value.item() if scalar else value


def _is_looked_into(cls: type) -> bool:
    """Whether *cls* itself, not only a base of it, is an array of a library that is known."""
    return made_by(cls) in _LIBRARIES and is_array(cls)
