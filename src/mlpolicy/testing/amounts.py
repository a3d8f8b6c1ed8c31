"""Comparisons and moments as tests write them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from mlpolicy.core.quantity import Duration, QuantityError

_COMPARISON = re.compile(r"\s*(<=|>=|==|<|>)?\s*(\S+)\s*")
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_NEAR = 1e-9


def holds(comparison: str, seconds: float) -> bool:
    """Whether *seconds* are what a comparison such as `<= 300ms` says; without a sign, just that.

    Raises:
        QuantityError: It compares with no length of time.
    """
    match = _COMPARISON.fullmatch(comparison)
    if match is None:
        text = f"expected a comparison such as `<= 300ms`, found `{comparison}`"
        raise QuantityError("MP010", text)
    sign, limit = match[1] or "==", float(Duration.of(match[2]))
    near = abs(seconds - limit) <= _NEAR
    if sign == "==" or near:
        return near and sign not in ("<", ">")
    return _OPERATORS[sign](seconds, limit)


def moment(text: str) -> datetime:
    """Return the moment that *text* writes, in UTC where it names no zone.

    Raises:
        ValueError: It writes none.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
