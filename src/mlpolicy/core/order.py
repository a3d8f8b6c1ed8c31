"""The fixed order of the rules, outermost first: the same for everybody."""

from __future__ import annotations

from typing import Final

FUNCTION: Final = "FUNCTION"

ORDER: Final = (
    "monitor",
    "fallback",
    "validate input",
    "timeout total",
    "cache",
    "retry",
    "circuit_breaker",
    "rate_limit",
    "timeout attempt",
    "concurrency",
    "memory",
    FUNCTION,
    "validate output",
)
"""Positions where a rule of ours may stand; the kind of a plugin stands just inside of one."""

INNERMOST: Final = "validate output"
STARTED: Final = "retry"
"""What stands here or within sees a generator start, what stands outside sees all of it."""

_BETWEEN: Final[dict[str, float]] = {}


def stand(kind: str, *, inside: str) -> None:
    """Give a plugin's *kind* its place: just inside of the position *inside*."""
    _BETWEEN[kind] = min(ORDER.index(inside), ORDER.index("memory")) + 0.5


def rank(position: str) -> float:
    """Return where *position* stands, outermost 0; an unknown one stands just around the function."""
    if position in ORDER:
        return ORDER.index(position)
    return _BETWEEN.get(position, ORDER.index("memory") + 0.5)


def inside_out(position: str) -> tuple[float, str]:
    """Sort key for weaving: what is woven first stands nearest to the function."""
    return (0 if position == INNERMOST else len(ORDER) - rank(position), position)
