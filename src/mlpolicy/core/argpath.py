"""Paths into the arguments of a call: `user.id`, `rows[0].name`, `rows[*].id`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mlpolicy.core.frozen import frozen

EVERY: Final = "*"
_NAME = re.compile(r"[^\W\d]\w*")
_STEP = re.compile(r"\.([^\W\d]\w*)|\[([0-9]+|\*)\]")


class ArgPathError(ValueError):
    """A text is no path into arguments."""


@frozen()
class ArgPath:
    """An argument, and the steps from it to a part of it."""

    name: str
    steps: tuple[str | int, ...] = ()
    """Attribute or key (text), index (int), or `*` for every item."""

    def __str__(self) -> str:
        """Return it as it was written."""
        steps = (f"[{s}]" if isinstance(s, int) or s == EVERY else f".{s}" for s in self.steps)
        return self.name + "".join(steps)

    def read(self, value: Any) -> Any:
        """Return the part of *value*, the argument, that the steps lead to.

        Raises:
            LookupError: A key, index or attribute is not there.
        """
        return _read(value, self.steps)


def _read(value: Any, steps: tuple[str | int, ...]) -> Any:
    for at, step in enumerate(steps):
        if step == EVERY:
            return [_read(item, steps[at + 1 :]) for item in value]
        value = _next(value, step)
    return value


def _next(value: Any, step: str | int) -> Any:
    if isinstance(step, int) or isinstance(value, Mapping):
        return value[step]
    try:
        return getattr(value, step)
    except AttributeError:
        raise LookupError(step) from None


def parse(text: str) -> ArgPath:
    """Return the path that *text* writes.

    Raises:
        ArgPathError: It is none.
    """
    start = _NAME.match(text)
    steps: list[str | int] = []
    at = start.end() if start else 0
    while start and at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            break
        name, index = match.groups()
        steps.append(name or (EVERY if index == EVERY else int(index)))
        at = match.end()
    if start is None or at < len(text):
        raise ArgPathError(
            f"`{text}` is no path to an argument; write it as `user.id` or `rows[0]`"
        )
    return ArgPath(start[0], tuple(steps))
