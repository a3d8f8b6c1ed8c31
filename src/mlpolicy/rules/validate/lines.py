"""The fast conditions: one expression of source for each spec, true of common values only.

What an expression is true of passes; what it is false of, or raises at, goes to the checker,
which alone decides. So an expression may have false negatives and never a false positive.
No text of a policy file becomes source: keys, bounds and patterns are constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from mlpolicy.rules.validate.checks.arrays import (
    DtypeCheck,
    EnumCheck,
    NdimCheck,
    PatternCheck,
    ShapeCheck,
)
from mlpolicy.rules.validate.checks.bounds import all_within
from mlpolicy.rules.validate.checks.containers import (
    BytesCheck,
    FieldsCheck,
    ItemsCheck,
    LengthCheck,
    RequiredCheck,
)
from mlpolicy.rules.validate.checks.numbers import BoundsCheck
from mlpolicy.rules.validate.look import Look

if TYPE_CHECKING:
    from mlpolicy.core.step import Loom
    from mlpolicy.rules.validate.checker import Check, Checker

Condition = str | None
"""An expression, or None where nothing true can be said quickly."""
Writer = Callable[["Lines", Any, "Checker", str], Condition]

_PLAIN: dict[str | tuple[str, ...], tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "bool": (bool,),
    "bytes": (bytes,),
    "mapping": (dict,),
    "sequence": (list, tuple),
}
_NUMERIC = ("int", "float")


class Trial:
    """Asks one check whether a value passes, for lines that cannot say it themselves."""

    def __init__(self, check: Check) -> None:
        self.check = check

    def __call__(self, value: Any) -> bool:
        """Whether *value* passes."""
        look = Look()
        self.check(value, "", look)
        return not look.failures


class Lines:
    """Writes the conditions of one driver; names of sizes are shared by all of them."""

    def __init__(self, loom: Loom, sizes: dict[str, str], bound: Iterable[str] = ()) -> None:
        self._loom = loom
        self._sizes = sizes
        self._bound = set(bound)

    def condition(self, checker: Checker, value: str) -> Condition:
        """Return when the *value* of that expression, a local, passes *checker*."""
        if checker.model is not None:
            return None
        parts: list[Condition] = [self._type(checker, value)]
        parts.extend(self._check(check, checker, value) for check in checker.checks)
        if None in parts:
            return None
        said = " and ".join(part for part in parts if part and part != "True") or "True"
        return f"({value} is None or ({said}))" if checker.nullable else said

    def under(self, key: str, holder: str, checker: Checker) -> Condition:
        """Return when what *holder* has under *key*, if anything, passes *checker*."""
        name = self._loom.constant("key", key)
        said = self._part(name, holder, checker)
        return said and f"({name} not in {holder} or ({said}))"

    def _part(self, key: str, holder: str, checker: Checker) -> Condition:
        """Return when `holder[key]` passes *checker*; it is read once, where it is first met."""
        local = self._loom.local("part")
        hole = f"\0{local}\0"
        said = self.condition(checker, hole)
        if said is None:
            return None
        if hole not in said:
            return f"{key} in {holder}"
        first, _, rest = said.partition(hole)
        return f"{first}({local} := {holder}[{key}]){rest.replace(hole, local)}"

    def _type(self, checker: Checker, value: str) -> str:
        if self._array(checker):
            return f"{self._class(value)} in {self._known(checker)}.arrays"
        if checker.type is None:
            return f"{value} is not None" if checker.not_null else ""
        plain = _PLAIN.get(checker.type.type)
        if plain is None:
            return f"{self._class(value)} in {self._known(checker)}.classes"
        cls = self._class(value)
        said = " or ".join(f"{cls} is {self._constant(one)}" for one in plain)
        return f"({said})" if len(plain) > 1 else said

    def _array(self, checker: Checker) -> bool:
        """Whether the lines may take the value for an array of a class that passed before."""
        if checker.type is not None and checker.type.type in _PLAIN:
            return False
        of_arrays = (DtypeCheck, ShapeCheck, NdimCheck)
        named = checker.type is not None and checker.type.type == "ndarray"
        return named or any(isinstance(check, of_arrays) for check in checker.checks)

    def _class(self, value: str) -> str:
        """Return the class of *value*, which is not asked for it: it may say anything."""
        return f"{self._loom.constant('type', type)}({value})"

    def _known(self, checker: Checker) -> str:
        return self._loom.constant("known", checker.known)

    def _constant(self, value: Any) -> str:
        hint = value.__name__ if isinstance(value, type) else "value"
        return self._loom.constant(hint, value)

    def _check(self, check: Check, checker: Checker, value: str) -> Condition:
        writer = self._WRITERS.get(type(check))
        said = writer(self, check, checker, value) if writer else ""
        if said != "":
            return said
        return f"{self._loom.constant('passes', Trial(check))}({value})"

    def _dtype(self, check: DtypeCheck, checker: Checker, value: str) -> Condition:
        return f"{value}.dtype in {self._known(checker)}.dtypes" if self._array(checker) else ""

    def _shape(self, check: ShapeCheck, checker: Checker, value: str) -> Condition:
        if not self._array(checker):
            return None
        if all(isinstance(size, int) for size in check.sizes):
            return f"{value}.shape == {self._constant(check.sizes)}"
        shape = self._loom.local("shape")
        said = [f"{value}.ndim == {len(check.sizes)}"]
        holder = f"({shape} := {value}.shape)"
        for at, size in enumerate(check.sizes):
            if size is not None:
                said.append(self._size(size, f"{holder}[{at}]"))
                holder = shape
        return " and ".join(said)

    def _size(self, size: int | str, found: str) -> str:
        if isinstance(size, int):
            return f"{found} == {size}"
        if size not in self._sizes:
            self._sizes[size] = self._loom.local("size")
        local = self._sizes[size]
        if size in self._bound:
            return f"{found} == {local}"
        self._bound.add(size)
        return f"({local} := {found}) is not None"

    def _ndim(self, check: NdimCheck, checker: Checker, value: str) -> Condition:
        return f"{value}.ndim == {check.ndim}" if self._array(checker) else ""

    def _bounds(self, check: BoundsCheck, checker: Checker, value: str) -> Condition:
        sort = checker.type.type if checker.type else ""
        if sort in _NUMERIC:
            return self._between(check, value, value)
        if sort == "sequence":
            within = self._loom.constant("all_within", all_within)
            return f"{within}({value}, {self._loom.constant('bounds', check.bounds)})"
        if not self._array(checker):
            return ""
        said = self._between(check, f"{value}.min()", f"{value}.max()")
        if any(isinstance(other, DtypeCheck) for other in checker.checks):
            return said
        return f"{value}.dtype in {self._known(checker)}.dtypes and {said}"

    def _between(self, check: BoundsCheck, least: str, greatest: str) -> str:
        bounds = check.bounds
        open_end = "<" if bounds.finite else "<="
        below = "<=" if bounds.low > -math.inf else open_end
        above = "<=" if bounds.high < math.inf else open_end
        low, high = self._constant(bounds.low), self._constant(bounds.high)
        if least == greatest:
            return f"{low} {below} {least} {above} {high}"
        ends = []
        if bounds.low > -math.inf or bounds.finite:
            ends.append(f"{low} {below} {least}")
        if bounds.high < math.inf or bounds.finite:
            ends.append(f"{greatest} {above} {high}")
        return " and ".join(ends)

    def _enum(self, check: EnumCheck, checker: Checker, value: str) -> Condition:
        sort = checker.type.type if checker.type else ""
        plain = _PLAIN.get(sort) if sort in ("int", "float", "str") else None
        if plain is None or any(type(one) not in plain for one in check.values):
            return ""
        return f"{value} in {self._constant(frozenset(check.values))}"

    def _pattern(self, check: PatternCheck, checker: Checker, value: str) -> Condition:
        found = f"{self._loom.constant('search', check.search)}({value}) is not None"
        typed = checker.type is not None and checker.type.type == "str"
        return found if typed else f"{self._class(value)} is {self._constant(str)} and {found}"

    def _length(self, check: LengthCheck, checker: Checker, value: str) -> Condition:
        least = f"{check.least} <= " if check.least is not None else ""
        most = f" <= {check.most}" if check.most is not None else ""
        return f"{least}{self._loom.constant('len', len)}({value}){most}"

    def _bytes(self, check: BytesCheck, checker: Checker, value: str) -> Condition:
        if self._array(checker):
            return f"{value}.nbytes <= {check.most}"
        sort = checker.type.type if checker.type else ""
        length = f"{self._loom.constant('len', len)}({value}) <= {check.most}"
        if sort == "str":
            return f"{value}.isascii() and {length}"
        return length if sort == "bytes" else ""

    def _required(self, check: RequiredCheck, checker: Checker, value: str) -> Condition:
        if not _is_mapping(checker):
            return ""
        keys = [key for key in check.keys if key not in _fields(checker)]
        said = (f"{self._loom.constant('key', key)} in {value}" for key in keys)
        return " and ".join(said) or "True"

    def _fields(self, check: FieldsCheck, checker: Checker, value: str) -> Condition:
        if not _is_mapping(checker):
            return "" if not _symbols(check) else None
        required = _required(checker)
        said = []
        for key, part in check.fields.items():
            if key in required:
                name = self._loom.constant("key", key)
                one = self._part(name, value, part)
            else:
                one = self.under(key, value, part)
            if one is None:
                return "" if not _symbols(check) else None
            said.append(f"({one})")
        return " and ".join(said)

    def _items(self, check: ItemsCheck, checker: Checker, value: str) -> Condition:
        return None if _symbols(check) else ""

    _WRITERS: ClassVar[dict[type, Writer]] = {
        DtypeCheck: _dtype,
        ShapeCheck: _shape,
        NdimCheck: _ndim,
        BoundsCheck: _bounds,
        EnumCheck: _enum,
        PatternCheck: _pattern,
        LengthCheck: _length,
        BytesCheck: _bytes,
        RequiredCheck: _required,
        FieldsCheck: _fields,
        ItemsCheck: _items,
    }


def _is_mapping(checker: Checker) -> bool:
    return checker.type is not None and checker.type.type == "mapping"


def _fields(checker: Checker) -> set[str]:
    return {key for one in checker.checks if isinstance(one, FieldsCheck) for key in one.fields}


def _required(checker: Checker) -> set[str]:
    return {key for one in checker.checks if isinstance(one, RequiredCheck) for key in one.keys}


def _symbols(check: FieldsCheck | ItemsCheck) -> bool:
    return any(inner.symbols() for inner in check.inner())
