"""Paths into the arguments of a call: `user.id`, `rows[0].name`, `rows[*].id`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from mlpolicy.core.classes import frozen

EVERY: Final = "*"
_NAME = r"[^\W\d]\w*"
_STEP = re.compile(rf"\.({_NAME})|\[([0-9]+|\*)\]")
_PATH = re.compile(rf"({_NAME})((?:{_STEP.pattern})*)")


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
        """Return what the steps lead to in *value*, the argument, or raise a `LookupError`."""
        return _read(value, self.steps)

    def goes_to(self, place: tuple[str | int, ...]) -> bool:
        """Whether it leads to *place*, to what is in it or to what it is in.

        Indexes may be left out on both sides: each row of a table has all of its columns.
        """
        mine = (self.name, *self.steps)
        return _agree(mine, place) or _agree(_names(mine), _names(place))


def meets(step: str | int, key: object) -> bool:
    """Whether a *step* of a path leads to what stands under *key*, a text or a number."""
    return step in (EVERY, key) or str(step) == key


def _agree(path: tuple[str | int, ...], place: tuple[str | int, ...]) -> bool:
    return all(meets(step, key) for step, key in zip(path, place, strict=False))


def _names(place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return tuple(step for step in place if isinstance(step, str) and step != EVERY)


def _read(value: Any, steps: tuple[str | int, ...]) -> Any:
    for at, step in enumerate(steps):
        if step == EVERY:
            return [_read(item, steps[at + 1 :]) for item in value]
        if isinstance(step, int) or isinstance(value, Mapping):
            value = value[step]
        else:
            try:
                value = getattr(value, step)
            except AttributeError:
                raise LookupError(step) from None
    return value


def parse(text: str) -> ArgPath:
    """Return the path that *text* writes, or raise an `ArgPathError`."""
    found = _PATH.fullmatch(text)
    if found is None:
        what = f"`{text}` is no path to an argument; write it as `user.id` or `rows[0]`"
        raise ArgPathError(what)
    steps = _STEP.findall(found[2])
    return ArgPath(
        found[1], tuple(name or (EVERY if at == EVERY else int(at)) for name, at in steps)
    )
