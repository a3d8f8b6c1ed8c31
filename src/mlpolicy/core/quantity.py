"""Amounts with units: what an operator writes, and the number that the code computes with.

Each is a subclass of `float` or `int`, so that it may be used as a number; `str` prints it
with its unit, as a policy file would, and exactly: what prints alike is the same amount.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from decimal import Context, Decimal
from functools import cache, lru_cache
from numbers import Rational, Real
from typing import TYPE_CHECKING, Any, ClassVar, LiteralString, Self

from mlpolicy.core.target import path_of

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"({_NUMBER})\s*([A-Za-zµ]*)")
_SHARE = re.compile(rf"-?({_NUMBER})\s*(%|per ?cent|pct)?")
_ONE = re.compile(r"\s*0*1(\.0*)?\s*")
_BARE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_LONGEST = 64
_EXACT = Context(prec=400)
"""Holds any number of days, and what is left of them."""
NOTHING: dict[str, Any] = {"not": {"type": "string", "pattern": "^[^1-9$]*$"}}
"""Said in a schema of an amount that must not be none: it has a digit, or a variable, in it."""


class QuantityError(ValueError):
    """A text is not such an amount: the code of the finding, and what was probably meant, if known."""

    def __init__(self, code: LiteralString, message: str, meant: str = "") -> None:
        super().__init__(message)
        self.code: LiteralString = code
        self.meant = meant


def _no_unit(value: str, meant: str) -> QuantityError:
    return QuantityError("MP101", f"`{value}` has no unit: did you mean `{meant}`?", meant)


class _Quantity:
    """What all amounts share: how pydantic reads them."""

    what: ClassVar[str]
    example: ClassVar[str]
    pattern: ClassVar[str]
    """The texts that are one, if they are no longer than any should be."""
    number: ClassVar[dict[str, Any] | None] = None
    """The JSON Schema of the numbers that are one, without a unit."""

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the amount that *value* says, or raise a `QuantityError`."""
        raise NotImplementedError  # (each amount reads its own units)

    @classmethod
    def of_number(cls, value: Any) -> Self:
        """Return the amount that *value* says; a bare number is in the base unit."""
        if not isinstance(value, Real) or isinstance(value, bool):
            return cls.of(value)
        made: Any = cls(value) if math.isfinite(value) else -1  # type: ignore[call-arg]  # (every amount is a number)
        if made == value and made >= 0:
            return made  # type: ignore[no-any-return]  # (an amount, by here)
        raise cls._unexpected(value)

    def __repr__(self) -> str:
        return str(self)

    @classmethod
    @lru_cache(4096)  # policies repeat themselves
    def _of_text(cls, text: str) -> Self:
        return cls.of(text)

    @classmethod
    def _read(cls, value: Any, info: Any) -> Self:
        try:
            if type(value) is str:
                return cls._of_text(value)
            is_python = (info.context or {}).get("python")
            return cls.of_number(value) if is_python else cls.of(value)
        except QuantityError as error:
            from mlpolicy.core.model import finding

            raise finding(error.code, str(error), meant=error.meant) from None

    @classmethod
    def _unexpected(cls, value: object) -> QuantityError:
        return QuantityError(
            "MP010", f"expected {cls.what} such as {cls.example}, found {_shown(value)}"
        )

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(
            cls._read, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        if cls.number is not None:
            return {"anyOf": [cls.number, cls.text()]}
        return {**cls.text(), "examples": [cls.example]}

    @classmethod
    def text(cls) -> dict[str, Any]:
        """Return the JSON Schema of a text that is one."""
        return {"type": "string", "pattern": cls.pattern, "maxLength": _LONGEST}


class _Measure(_Quantity):
    """An amount that is read from numbers with units."""

    units: ClassVar[Mapping[str, float]]
    usual: ClassVar[str]
    """The unit that is offered to a number without one."""

    @classmethod
    def _parts(cls, value: Any) -> list[Decimal]:
        """Return each part of a text in the base unit: `1m30s` has two."""
        if not isinstance(value, str):
            if type(value) in (int, float) and math.isfinite(value):
                text = f"{value:g}" if isinstance(value, float) else str(value)
                raise _no_unit(text, f"{text}{cls.usual}")
            raise cls._unexpected(value)
        written = list(_PART.finditer(value)) if len(value) <= _LONGEST else []
        if not written or "".join(part[0] for part in written).strip() != value.strip():
            raise cls._unexpected(value)
        for part in written:
            if not part[2]:
                raise _no_unit(value, f"{value}{cls.usual}")
            if part[2] not in cls.units:
                text = f"`{part[2]}` is not a unit: write one of {', '.join(cls.units)}"
                raise QuantityError("MP101", text)
        return [Decimal(part[1]) * _decimal(cls.units[part[2]]) for part in written]


class Duration(_Measure, float):
    """A length of time, in seconds."""

    what = "a length of time"
    example = "250ms"
    usual = "s"
    pattern = r"^\s*([0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h|d))+\s*$"
    units: ClassVar[Mapping[str, float]] = {
        "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0
    }  # fmt: skip

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the length of time that *value* (`250ms`, `1m30s`, a timedelta) says."""
        if isinstance(value, timedelta):
            return cls.of_number(value.total_seconds())
        return cls(value if isinstance(value, Duration) else sum(cls._parts(value)))

    def __str__(self) -> str:
        """Return it as a policy file writes it: `1m30s`, `2.5ms`."""
        rest, text = _decimal(self), ""
        for unit in ("d", "h", "m"):
            whole, rest = _EXACT.divmod(rest, Decimal(self.units[unit]))
            text += f"{whole:f}{unit}" if whole else ""
        for unit, places in (("s", 0), ("ms", 3), ("us", 6)):
            if rest and (rest.scaleb(places) >= 1 or unit == "us"):
                return f"{text}{_plain(rest.scaleb(places))}{unit}"
        return text or "0s"

    @classmethod
    def worked_out(cls, seconds: float) -> Self:
        """Return what a sum of lengths comes to, without the noise of adding floats."""
        return cls(round(seconds, 9))


class ByteSize(_Measure, int):
    """An amount of memory, in bytes."""

    what = "an amount of memory"
    example = "512MiB"
    usual = "MiB"
    pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*(B|kB|KiB|MB|MiB|GB|GiB)\s*$"
    units: ClassVar[Mapping[str, float]] = {
        "B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3
    }  # fmt: skip

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the amount of memory that *value* (`512MiB`) says."""
        parts = [value] if isinstance(value, ByteSize) else cls._parts(value)
        if len(parts) > 1:
            raise QuantityError("MP101", f"{_shown(value)} is more than one amount: write one unit")
        return cls(parts[0])

    def __str__(self) -> str:
        """Return it with the largest unit that leaves a whole number."""
        return _whole(int(self), self.units)


class Ratio(_Quantity, float):
    """A share between 0 and 1; written as a percentage or as such a number, but for 1 itself."""

    what = "a share"
    example = "20%"
    pattern = r"^\s*(-?0+(\.0+)?\s*%?|0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%|0+\.[0-9]+)\s*$"
    number = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the share that *value* (`20%`, `0.2`) says."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise cls._unexpected(value)
        if not isinstance(value, float) and _ONE.fullmatch(str(value)):
            raise QuantityError("MP101", f"`{value}` is 1% or 100%: write which of them")
        if isinstance(value, str):
            found = _SHARE.fullmatch(value.strip())
            if found is None or len(value) > _LONGEST:
                raise cls._unexpected(value)
            if found[2] not in (None, "%"):
                text = f"`{found[2]}` is not a unit of shares: write `{found[1]}%`"
                raise QuantityError("MP101", text)
            if re.fullmatch(cls.pattern, value):
                return cls(Decimal(found[1]).scaleb(-2 if found[2] else 0))
        elif 0 <= value <= 1:
            return cls(value)
        elif 1 < value <= 100:
            raise _no_unit(f"{value:g}", f"{value:g}%")
        raise QuantityError("MP103", f"{_shown(value)} is outside 0% to 100%")

    @classmethod
    def of_number(cls, value: Any) -> Self:
        """Return the share that *value* says; a number is one from 0 to 1, but not `1`."""
        if isinstance(value, Rational) and value == 1:  # (no float, which would be 1.0)
            value = str(value)
        return cls.of(value if isinstance(value, str) else super().of_number(value))

    @classmethod
    def _read(cls, value: Any, info: Any) -> Self:
        if isinstance(value, float) and value == 1 and not (info.context or {}).get("python"):
            value = 1  # it is to JSON, and so to editors
        return super()._read(value, info)

    def __str__(self) -> str:
        """Return it as a percentage."""
        return f"{_plain(_decimal(self).scaleb(2))}%"


class Count(_Quantity, int):
    """A whole number; `20k` is 20,000 and `2M` is 2,000,000."""

    what = "a whole number"
    example = "20k"
    pattern = r"^\s*[0-9]+[kM]\s*$"
    number = {"type": "integer", "minimum": 0}

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the number that *value* (`20k`, `20000`) says."""
        if isinstance(value, int) and not isinstance(value, bool):
            if value >= 0:
                return cls(value)
            text = f"expected {cls.what} of 0 or more, found {_shown(value)}"
            raise QuantityError("MP010", text)
        if not isinstance(value, str) or len(value) > _LONGEST or not re.match(cls.pattern, value):
            raise cls._unexpected(value)
        return cls(value.strip().replace("k", "000").replace("M", "000000"))

    def __str__(self) -> str:
        """Return it as a policy file writes it."""
        return _whole(int(self), {"": 1, "k": 1000, "M": 1000**2})


def _shown(value: object) -> str:
    """Return *value* as a message names it, cut short."""
    names = {bool: "a truth value", list: "a list", dict: "a mapping", type(None): "nothing"}
    if type(value) in names:
        return names[type(value)]
    is_plain = isinstance(value, str | int | float | timedelta)
    text = f"`{value}`" if is_plain else f"an object of `{path_of(type(value))}`"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…`"


def _whole(number: int, units: Mapping[str, float]) -> str:
    """Return *number* with the largest unit that leaves a whole number of it."""
    size, unit = max((size, unit) for unit, size in units.items() if (number or 1) % size == 0)
    return f"{number // int(size)}{unit}"


def _decimal(number: float) -> Decimal:
    """Return what *number* is taken for: the shortest decimal that is no other number."""
    return Decimal(repr(float(number)))


def _plain(number: Decimal) -> str:
    return f"{number.normalize(_EXACT):f}"


class Usual:
    """Annotates a duration or a size with the *low* and the *high* of what people write.

    *typical* is what is written most; it tells which unit a number without one lacks.
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
        from mlpolicy.core.model import finding, is_python

        is_amount = self.typical and isinstance(value, int | float | str) and value is not True
        bare = _BARE.fullmatch(str(value)) if is_amount else None
        if bare is None or not float(value) or is_python(info):
            return value
        typical = Duration.of(self.typical)
        each = [f"{value}{unit}" for unit in ("s", "ms", "d")]
        meant = min(each, key=lambda one: abs(math.log(Duration.of(one) / typical)))
        error = _no_unit(str(value), meant)
        raise finding("MP101", str(error), meant=error.meant)

    def doubt(self, name: str, value: Any) -> str:
        """Return what is odd about *value*; nothing where it is as usual."""
        quantity: Any = type(value)
        low, high = _bounds(quantity, self.low, self.high) if value else (value, value)
        if not value or low <= value <= high:
            return ""
        what = f"less than {low}" if value < low else f"more than {high}"
        return f"`{name}` is {value}, {what}: the unit looks wrong"


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
    """Return which of the *high* or *low* fields of *rule* is farthest too high, or too low."""
    off = {name: oddity(type(rule), name, getattr(rule, name)) for name in high}
    off |= {name: -oddity(type(rule), name, getattr(rule, name)) for name in low}
    return max(off, key=off.__getitem__)


def unusual(rule: Any, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (code, field, message) for every odd value that is written in *rule*, a model."""
    model: Any = type(rule)
    for name, field in model.model_fields.items():
        value = getattr(rule, name) if name in rule.model_fields_set else None
        if hasattr(type(value), "model_fields_set"):
            yield from unusual(value, f"{prefix}{name}.")
        for usual in field.metadata:
            doubt = usual.doubt(name, value) if isinstance(usual, Usual) else ""
            if doubt:
                yield "MP102", f"{prefix}{name}", doubt


@cache
def _bounds(quantity: Any, low: str, high: str) -> tuple[Any, Any]:
    return quantity.of(low), quantity.of(high)
