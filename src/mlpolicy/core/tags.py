"""Words on functions that policies can select by."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` would cost every process 4 ms
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound="Callable[..., Any]")

ATTRIBUTE = "__mlpolicy_tags__"


def tag(*names: str) -> Callable[[F], F]:
    """Put words on a function, for policies that say `match: {target: ..., tag: ...}`.

    The function itself is returned: a call costs nothing more.
    """
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError('write @mlpolicy.tag("remote"), with at least one word')

    def mark(function: F) -> F:
        setattr(function, ATTRIBUTE, (*tags_of(function), *names))
        return function

    return mark


def tags_of(function: object) -> tuple[str, ...]:
    """Return the words on *function*."""
    found: tuple[str, ...] = getattr(function, ATTRIBUTE, ())
    return found
