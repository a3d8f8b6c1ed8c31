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
"""Positions where a rule may stand; a plugin kind stands where its name says, or next to the function."""

INNERMOST: Final = "validate output"


def rank(position: str) -> int:
    """Return where *position* stands, outermost 0; an unknown one stands just around the function."""
    return ORDER.index(position) if position in ORDER else ORDER.index(FUNCTION)


def inside_out(position: str) -> tuple[int, str]:
    """Sort key for weaving: what is woven first stands nearest to the function."""
    return (0 if position == INNERMOST else len(ORDER) - rank(position), position)
