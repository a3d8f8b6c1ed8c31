"""One look at the values of a call: where in them something is wrong, and what."""

from __future__ import annotations

import re
from collections.abc import Callable

from mlpolicy.errors import Failure
from mlpolicy.rules.validate.shown import Said

Index = str | int | tuple[int, ...] | Said
"""One step: a key of the policy, an index, or a key of the data."""
Where = str | tuple["Where", Index]
"""The name of an argument, or a place and one step from it; made text only when it fails."""

MOST = 100
"""Failures that are kept of one call; a list of a million wrong items must not fill a log."""

_NUMBERS = re.compile(r"""\[\d+(, \d+)*]|(?<![\w'"])\d[\w.,]*""")
"""Indexes, and numbers that are no part of a name."""


class Look:
    """What was found so far in one call.

    Args:
        hide: Takes what must not be shown out of a text of the policy.
    """

    __slots__ = ("_hide", "failures", "fields", "symbols")

    def __init__(self, hide: Callable[[str], str] = str) -> None:
        self._hide = hide
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
        found, expected = _said(found), _said(expected)
        others = f" (and {more} more)" if more else ""
        place = text(where, public=True)
        asked = _NUMBERS.sub("#", f"{place} {check} {expected.public}")
        what = f"{place} fails {check}: "
        what += f"it is {found.public}{others}, expected {expected.public}"
        failure = Failure(
            argument(where),
            self._hide(text(where)),
            check,
            found.text + others,
            self._hide(expected.text),
            self._hide(what),
            self._hide(asked),
        )
        self.failures.append(failure)
        self.fields.append(self._hide(field(where)))


def _said(part: str | Said) -> Said:
    return part if isinstance(part, Said) else Said(part, part)


def argument(where: Where) -> str:
    """Return the argument that *where* is in."""
    while isinstance(where, tuple):
        where = where[0]
    return where


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
