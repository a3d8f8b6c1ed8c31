"""One look at the values of a call: where in them something is wrong, and what."""

from __future__ import annotations

from collections.abc import Callable

from mlpolicy.errors import Failure

Index = str | int | tuple[int, ...]
Where = str | tuple["Where", Index]
"""The name of an argument, or a place and one step from it; made text only when it fails."""

MOST = 100
"""Failures that are kept of one call; a list of a million wrong items must not fill a log."""


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
        """The label of each failure: its place without indexes."""
        self.symbols: dict[str, int] = {}
        """Sizes that the names in shapes stand for."""

    def fail(self, where: Where, check: str, *, found: str, expected: str) -> None:
        """Note that the value at *where* does not pass *check*."""
        if len(self.failures) < MOST:
            place, expected = self._hide(text(where)), self._hide(expected)
            self.failures.append(Failure(argument(where), place, check, found, expected))
            self.fields.append(self._hide(field(where)))


def argument(where: Where) -> str:
    """Return the argument that *where* is in."""
    while isinstance(where, tuple):
        where = where[0]
    return where


def text(where: Where) -> str:
    """Return *where* as a person writes it: `user.tags[3]`, `features[17, 3]`."""
    if isinstance(where, str):
        return where
    above, step = where
    if isinstance(step, str):
        return text(above) + _key(step)
    inside = step if isinstance(step, tuple) else (step,)
    return f"{text(above)}[{', '.join(map(str, inside))}]"


def field(where: Where) -> str:
    """Return *where* without its indexes, so that labels come from the policy alone."""
    if isinstance(where, str):
        return where
    above, step = where
    return field(above) + (_key(step) if isinstance(step, str) else "")


def _key(key: str) -> str:
    return f".{key}" if key.isidentifier() else f"[{key!r}]"
