"""Amounts with units: what an operator writes, and the number that the code computes with.

Each is a subclass of `float` or `int`, so that it may be used as a number; `str` prints it
with its unit, as a policy file would, and exactly: what prints alike is the same amount.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, ClassVar, LiteralString, Self

from mlpolicy.core import habits
from mlpolicy.core.given import path_of

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"({_NUMBER})\s*([A-Za-zµ]*)")
_LONGEST = 64
_EXACT = Context(prec=400)
"""Holds any number of days, and what is left of them."""


NOTHING: dict[str, Any] = {"not": {"type": "string", "pattern": "^[^1-9$]*$"}}
"""Said in a schema of an amount that must not be none: it has a digit, or a variable, in it."""


class QuantityError(ValueError):
    """A text is no amount of that sort; *code* is the finding that says so.

    *meant* is what was probably meant, where that can be told.
    """

    def __init__(self, code: LiteralString, message: str, meant: str = "") -> None:
        super().__init__(message)
        self.code: LiteralString = code
        self.meant = meant


class _Quantity:
    """What all amounts share: how pydantic reads them."""

    what: ClassVar[str]
    example: ClassVar[str]
    pattern: ClassVar[str]
    """The texts that are one, if they are no longer than any should be."""

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the amount that *value* says.

        Raises:
            QuantityError: It says none, or lacks its unit.
        """
        raise NotImplementedError  # (each amount reads its own units)

    @classmethod
    def _read(cls, value: Any, info: Any) -> Self:
        from mlpolicy.core.model import finding, is_python

        try:
            return cls.of_number(value) if is_python(info) else cls.of(value)
        except QuantityError as error:
            raise finding(error.code, str(error), meant=error.meant) from None

    @classmethod
    def of_number(cls, value: Any) -> Self:
        """Return the amount that *value* says; a bare number is in the base unit.

        Raises:
            QuantityError: It says none.
        """
        from numbers import Real

        if not isinstance(value, Real) or isinstance(value, bool):
            return cls.of(value)
        made: Any = cls(value) if math.isfinite(value) else -1  # type: ignore[call-arg]  # (every amount is a number)
        if made == value and made >= 0:
            return cls(made)  # type: ignore[call-arg]  # (as said)
        raise _unexpected(_shown(value), cls)

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
        return {**cls.text(), "examples": [cls.example]}

    @classmethod
    def text(cls) -> dict[str, Any]:
        """Return the JSON Schema of a text that is one."""
        return {"type": "string", "pattern": cls.pattern, "maxLength": _LONGEST}


def _parts(text: str, quantity: type[_Quantity]) -> list[tuple[Decimal, str]]:
    """Return (number, unit) of each part of *text*: `1m30s` has two."""
    found: list[tuple[Decimal, str]] = []
    at, fits = 0, len(text) <= _LONGEST
    text = text.strip()
    while fits and at < len(text):
        match = _PART.match(text, at)
        if match is None:
            break
        found.append((Decimal(match[1]), match[2]))
        at = match.end()
    if not found or at < len(text):
        raise _unexpected(_shown(text), quantity)
    return found


def _shown(value: object) -> str:
    is_plain = isinstance(value, str | int | float | timedelta)
    text = f"`{value}`" if is_plain else f"an object of `{path_of(type(value))}`"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…`"


def _unexpected(found: str, quantity: type[_Quantity], meant: str = "") -> QuantityError:
    text = f"expected {quantity.what} such as {quantity.example}, found {found}"
    return QuantityError("MP010", text, meant)


def _bare(value: Any, quantity: type[_Quantity], unit: str) -> QuantityError:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        value = f"{value:g}" if isinstance(value, float) else str(value)
    elif not isinstance(value, str):
        return _unexpected(_kind(value), quantity)
    meant = f"{value}{unit}"
    return QuantityError("MP101", f"`{value}` has no unit: did you mean `{meant}`?", meant)


def _strange(value: str, unit: str, quantity: type[Any]) -> QuantityError:
    """Return the error for a unit that does not exist, with the one that was meant."""
    text = f"`{unit}` is no unit of {quantity.of_what}"
    meant = quantity.habits.get(unit.lower().replace("µ", "u"), "")
    if meant:
        spelt = re.sub(rf"\s*{re.escape(unit)}", meant, value.strip(), count=1)
        return QuantityError("MP101", f"{text}: did you mean `{spelt}`?", spelt)
    *units, last = quantity.units
    return QuantityError("MP101", f"{text}: {', '.join(units)} and {last} are")


def _kind(value: object) -> str:
    names = {bool: "a truth value", list: "a list", dict: "a mapping", type(None): "nothing"}
    return names.get(type(value)) or _shown(value)


def _finite(number: Decimal, text: object, quantity: type[_Quantity]) -> Decimal:
    if not math.isfinite(float(number)):
        raise QuantityError("MP010", f"{_shown(text)} is too large for {quantity.what}")
    return number


def _decimal(number: float) -> Decimal:
    """Return what *number* is taken for: the shortest decimal that is no other number."""
    return Decimal(repr(float(number)))


def _plain(number: Decimal) -> str:
    return f"{number.normalize(_EXACT):f}"


class Duration(_Quantity, float):
    """A length of time, in seconds."""

    what = "a length of time"
    example = "250ms"
    pattern = r"^\s*([0-9]+(\.[0-9]+)?\s*(us|ms|s|m|h|d))+\s*$"
    of_what: ClassVar[str] = "time"
    habits: ClassVar[Mapping[str, str]] = habits.TIME
    units: ClassVar[dict[str, float]] = {
        "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0
    }  # fmt: skip

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the length of time that *value* (`250ms`, `1m30s`, a timedelta) says."""
        if isinstance(value, Duration):
            return cls(value)
        if isinstance(value, timedelta):
            return cls.of_number(value.total_seconds())
        if not isinstance(value, str):
            raise _bare(value, cls, "s")
        total = Decimal(0)
        for number, unit in _parts(value, cls):
            if not unit:
                raise _bare(value, cls, "s")
            if unit not in cls.units:
                raise _strange(value, unit, cls)
            total += number * _decimal(cls.units[unit])
        return cls(_finite(total, value, cls))

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

    __repr__ = __str__

    @classmethod
    def worked_out(cls, seconds: float) -> Self:
        """Return what a sum of lengths comes to, without the noise of adding floats."""
        return cls(round(seconds, 9))


class ByteSize(_Quantity, int):
    """An amount of memory, in bytes."""

    what = "an amount of memory"
    example = "512MiB"
    pattern = r"^\s*[0-9]+(\.[0-9]+)?\s*(B|kB|KiB|MB|MiB|GB|GiB)\s*$"
    of_what: ClassVar[str] = "memory"
    habits: ClassVar[Mapping[str, str]] = habits.MEMORY
    units: ClassVar[dict[str, int]] = {
        "B": 1, "kB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2, "GB": 1000**3, "GiB": 1024**3
    }  # fmt: skip

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the amount of memory that *value* (`512MiB`) says."""
        if isinstance(value, ByteSize):
            return cls(value)
        if not isinstance(value, str):
            raise _bare(value, cls, "MiB")
        parts = _parts(value, cls)
        number, unit = parts[0]
        if not unit:
            raise _bare(value, cls, "MiB")
        if len(parts) > 1:
            raise QuantityError("MP101", f"{_shown(value)} is more than one amount: write one unit")
        if unit not in cls.units:
            raise _strange(value, unit, cls)
        return cls(_finite(number * cls.units[unit], value, cls))

    def __str__(self) -> str:
        """Return it with the largest unit that leaves a whole number."""
        exact = [(size, unit) for unit, size in self.units.items() if self and self % size == 0]
        size, unit = max(exact, default=(1, "B"))
        return f"{int(self) // size}{unit}"

    __repr__ = __str__


class Ratio(_Quantity, float):
    """A share between 0 and 1; written as a percentage or as such a number, but for 1 itself."""

    what = "a share"
    example = "20%"
    pattern = r"^\s*(-?0+(\.0+)?\s*%?|0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%|0+\.[0-9]+)\s*$"

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the share that *value* (`20%`, `0.2`) says."""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise _unexpected(_kind(value), cls)
        if not isinstance(value, float) and re.fullmatch(r"\s*0*1(\.0*)?\s*", str(value)):
            raise QuantityError("MP101", f"`{value}` is 1% or 100%: write which of them")
        return cls(cls._within(_share(value, cls), value))

    @classmethod
    def of_number(cls, value: Any) -> Self:
        """Return the share that *value* says; a number is one from 0 to 1, but not `1`."""
        from numbers import Rational

        if isinstance(value, Rational) and value == 1:  # (no float, which would be 1.0)
            value = str(value)
        return cls.of(value if isinstance(value, str) else super().of_number(value))

    @classmethod
    def _read(cls, value: Any, info: Any) -> Self:
        from mlpolicy.core.model import is_python

        if isinstance(value, float) and value == 1 and not is_python(info):
            value = 1  # it is to JSON, and so to editors
        return super()._read(value, info)

    @classmethod
    def _within(cls, share: float, value: object) -> float:
        is_one = not isinstance(value, str) or re.fullmatch(cls.pattern, value)
        if is_one and 0 <= share <= 1:
            return share
        if isinstance(value, int | float) and 1 < value <= 100:
            meant = f"{value:g}%"
            text = f"`{value:g}` has no unit: did you mean `{meant}`?"
            raise QuantityError("MP101", text, meant)
        raise QuantityError("MP103", f"{_shown(value)} is outside 0% to 100%")

    def __str__(self) -> str:
        """Return it as a percentage."""
        return f"{_plain(_decimal(self).scaleb(2))}%"

    __repr__ = __str__

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number = {"type": "number", "minimum": 0, "exclusiveMaximum": 1}
        return {"anyOf": [number, cls.text()]}


def _share(value: str | float, quantity: type[_Quantity]) -> float:
    if not isinstance(value, str):
        return value
    text = value.strip()
    match = re.fullmatch(rf"(-?{_NUMBER})\s*(%|per ?cent|pct)?", text)
    if match is None or len(value) > _LONGEST:
        raise _unexpected(_shown(value), quantity)
    number, unit = match.groups()
    if unit in (None, "%"):
        return float(Decimal(number).scaleb(-2 if unit else 0))
    meant = f"{number}%"
    raise QuantityError("MP101", f"`{unit}` is no unit of shares: did you mean `{meant}`?", meant)


class Count(_Quantity, int):
    """A whole number; `20k` is 20,000 and `2M` is 2,000,000."""

    what = "a whole number"
    example = "20k"
    pattern = r"^\s*[0-9]+[kM]\s*$"
    units: ClassVar[dict[str, int]] = {"": 1, "k": 1000, "M": 1000**2}

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the number that *value* (`20k`, `20000`) says."""
        if isinstance(value, int) and not isinstance(value, bool):
            if value < 0:
                raise QuantityError(
                    "MP010", f"expected {cls.what} of 0 or more, found {_shown(value)}"
                )
            return cls(value)
        match = re.fullmatch(r"\s*([0-9]+)([kM])\s*", value) if isinstance(value, str) else None
        if match is None or len(match.string) > _LONGEST:
            found = _shown(value) if isinstance(value, str | float) else _kind(value)
            raise _unexpected(found, cls, cls._meant(str(value)))
        return cls(int(match[1]) * cls.units[match[2]])

    @classmethod
    def _meant(cls, text: str) -> str:
        """Return the number that *text* says in another way: `20K`, `20,000`, `1.5k`, `10kB`."""
        match = re.fullmatch(
            rf"({_NUMBER})(|[kKM][bB]?)", re.sub(r"[\s_,](?=\d{3}|[kKM])", "", text)
        )
        if match is None or len(text) > _LONGEST:
            return ""
        number = float(match[1]) * cls.units[match[2].replace("K", "k")[:1]]
        return str(cls(number)) if number.is_integer() else ""

    def __str__(self) -> str:
        """Return it as a policy file writes it."""
        for unit, size in (("M", 1000**2), ("k", 1000)):
            if self and self % size == 0:
                return f"{int(self) // size}{unit}"
        return int.__repr__(self)

    __repr__ = __str__

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 0}
        return {"anyOf": [number, cls.text()]}
