"""Quantities that are probably in the wrong unit: `ttl: 30ms`, `initial_delay: 5h`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from mlpolicy.core.quantity import Duration

_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_BARE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MEANT = {
    "us": ("ms",),
    "ms": ("m", "s"),
    "s": ("ms", "m"),
    "m": ("ms", "s", "h"),
    "h": ("s", "m", "d"),
    "d": ("h", "m"),
    "B": ("KiB", "MiB", "GiB"),
    "KiB": ("MiB", "GiB"),
    "MiB": ("KiB", "GiB"),
    "GiB": ("MiB", "KiB"),
}
"""Units that are taken for one another, the likeliest first."""


class Usual:
    """Annotates a duration or a size with what people write, give or take.

    Args:
        low: The least that is usual; nothing below it is, but 0.
        high: The most that is usual.
        typical: What is written most; it tells which unit a number without one lacks.
    """

    def __init__(self, low: str, high: str, typical: str = "") -> None:
        self.low = low
        self.high = high
        self.typical = typical

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Say which unit a bare number lacks before anything else is said of it."""
        from pydantic_core import core_schema

        return core_schema.with_info_before_validator_function(self._with_unit, handler(source))

    def _with_unit(self, value: Any, info: Any) -> Any:
        from mlpolicy.core.model import finding

        is_amount = isinstance(value, int | float | str) and not isinstance(value, bool)
        bare = _BARE.fullmatch(str(value)) if is_amount and self.typical else None
        if bare is None or not float(value) or (info.context and info.context.get("python")):
            return value
        typical = Duration.of(self.typical)
        each = [f"{value}{unit}" for unit in ("s", "ms", "d")]
        meant = min(each, key=lambda one: abs(math.log(Duration.of(one) / typical)))
        text = f"`{value}` has no unit: did you mean `{meant}`?"
        raise finding("MP101", text, meant=meant)

    def doubt(self, name: str, value: Any) -> tuple[str, str] | None:
        """Return what is odd about *value*, and what may be meant; None where nothing is odd."""
        cls = type(value)
        low, high = cls.of(self.low), cls.of(self.high)
        if not value or low <= value <= high:
            return None
        what = f"less than {low}" if value < low else f"more than {high}"
        return f"`{name}` is {value}, {what}: the unit looks wrong", _meant(value, low, high)


def _meant(value: Any, low: Any, high: Any) -> str:
    written = _WRITTEN.fullmatch(str(value))
    if written is None:
        return ""
    number, unit = written.groups()
    others = (f"{number}{one}" for one in _MEANT.get(unit, ()))
    near = next((one for one in others if low <= type(value).of(one) <= high), "")
    return f"did you mean `{near}`?" if near else ""


def unusual(rule: Any, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield (code, field, message, help) for every odd quantity of *rule*, a pydantic model."""
    for name, field in type(rule).model_fields.items():
        value = getattr(rule, name)
        if hasattr(type(value), "model_fields"):
            yield from unusual(value, f"{prefix}{name}.")
        for one in field.metadata:
            doubt = one.doubt(name, value) if isinstance(one, Usual) and value is not None else None
            if doubt is not None:
                yield ("MP102", f"{prefix}{name}", *doubt)
