"""Values that are probably not what was meant: `ttl: 30ms`, `default: pkg.module:function`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from mlpolicy.core.quantity import Duration

_BARE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class Usual:
    """Annotates a duration or a size with what people write, give or take.

    Args:
        low: The least that is usual; nothing below it is, but 0.
        high: The most that is usual.
        typical: What is written most; it tells which unit a number without one lacks.
    """

    code = "MP102"

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
        quantity: Any = type(value)
        low, high = _bounds(quantity, self.low, self.high)
        if not value or low <= value <= high:
            return None
        what = f"less than {low}" if value < low else f"more than {high}"
        return f"`{name}` is {value}, {what}: the unit looks wrong", ""


def oddity(model: Any, name: str, value: Any) -> float:
    """Return how many times a number is what is usual in a field of *model*, as a logarithm.

    It is below 0 for less, and 0 where nothing is known to be usual.
    """
    field = model.model_fields[name]
    typical = next((one.typical for one in field.metadata if isinstance(one, Usual)), "")
    usual = type(value).of(typical) if typical and value is not None else field.default
    if not isinstance(value, int | float) or not isinstance(usual, int | float) or usual <= 0:
        return 0.0
    return math.log(value / usual) if value > 0 else -math.inf


def oddest(rule: Any, *, high: Iterable[str], low: Iterable[str] = ()) -> str:
    """Return what is wrong where the *high* of some numbers of *rule* are too high for the *low*.

    It is the one that is farthest from what is usual.
    """
    off = {name: oddity(type(rule), name, getattr(rule, name)) for name in high}
    off |= {name: -oddity(type(rule), name, getattr(rule, name)) for name in low}
    return max(off, key=off.__getitem__)


def unusual(rule: Any, prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Yield (code, field, message, help) for every odd value of *rule*, a pydantic model.

    What was not written is as usual as can be.
    """
    model: Any = type(rule)
    written = rule.model_fields_set
    for name, looks in _looks(model).items():
        if name not in written:
            continue
        value = getattr(rule, name)
        if hasattr(type(value), "model_fields_set"):
            yield from unusual(value, f"{prefix}{name}.")
        for one in looks if value is not None else ():
            doubt = one.doubt(name, value)
            if doubt is not None:
                yield one.code, f"{prefix}{name}", *doubt


@cache
def _looks(model: Any) -> dict[str, tuple[Usual, ...]]:
    """Return what looks at the values of each field of *model*."""
    return {
        name: tuple(one for one in field.metadata if isinstance(one, Usual))
        for name, field in model.model_fields.items()
    }


@cache
def _bounds(quantity: Any, low: str, high: str) -> tuple[Any, Any]:
    return quantity.of(low), quantity.of(high)
