"""The fast conditions: one expression of source for each spec, true of common values only.

What an expression is true of passes; what it is false of, or raises at, goes to the checker,
which alone decides. So an expression may have false negatives and never a false positive.
No text of a policy file becomes source: keys, bounds and patterns are constants.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlpolicy.rules.validate.checker import PLAIN
from mlpolicy.rules.validate.checks.numbers import Bounds, all_within

if TYPE_CHECKING:
    from mlpolicy.core.step import Loom
    from mlpolicy.rules.validate.checker import Checker
    from mlpolicy.rules.validate.checks.settings import Check, Sizes

Condition = str | None
"""An expression, or None where nothing true can be said quickly."""


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
        if self._is_array(checker):
            return f"{self._class(value)} in {self._known(checker)}.arrays"
        if checker.type is None:
            return f"{value} is not None" if checker.not_null else ""
        plain = PLAIN.get(checker.type)
        if plain is None:
            return f"{self._class(value)} in {self._known(checker)}.classes"
        cls = self._class(value)
        said = " or ".join(f"{cls} is {self._constant(one)}" for one in plain)
        return f"({said})" if len(plain) > 1 else said

    def _is_array(self, checker: Checker) -> bool:
        """Whether the lines may take the value for an array of a class that passed before."""
        if checker.type in PLAIN:
            return False
        of_arrays = ("dtype", "shape", "ndim")
        return checker.type == "ndarray" or any(one.name in of_arrays for one in checker.checks)

    def _class(self, value: str) -> str:
        """Return the class of *value*, which is not asked for it: it may say anything."""
        return f"{self._loom.constant('type', type)}({value})"

    def _known(self, checker: Checker) -> str:
        return self._loom.constant("known", checker.known)

    def _constant(self, value: Any) -> str:
        hint = value.__name__ if isinstance(value, type) else "value"
        return self._loom.constant(hint, value)

    def _check(self, check: Check, checker: Checker, value: str) -> Condition:
        asked, said = check.asked, None
        match check.name:
            case "dtype" if self._is_array(checker):
                said = f"{value}.dtype in {self._known(checker)}.dtypes"
            case "ndim" if self._is_array(checker):
                said = f"{value}.ndim == {asked}"
            case "shape" if self._is_array(checker):
                said = self._shape(asked, value)
            case "range" | "finite":
                said = self._bounds(asked, checker, value)
            case "enum" | "pattern" | "min_len" | "max_bytes":
                said = self._scalar(check, checker, value)
            case "required" if checker.type == "mapping":
                said = self._required(asked, checker, value)
            case "fields" if checker.type == "mapping":
                said = self._fields(asked, checker, value)
        # Names take their sizes in the lines, or all is left to the checker.
        named = check.name == "shape" or (checker.symbols and check.name in ("fields", "items"))
        if said is not None or named:
            return said
        return f"{self._loom.constant('passes', check.passes)}({value})"

    def _required(self, keys: tuple[str, ...], checker: Checker, value: str) -> str:
        fields = {key for one in checker.checks if one.name == "fields" for key in one.asked}
        names = (self._loom.constant("key", key) for key in keys if key not in fields)
        return " and ".join(f"{name} in {value}" for name in names) or "True"

    def _shape(self, sizes: Sizes, value: str) -> str:
        if all(isinstance(size, int) for size in sizes):
            return f"{value}.shape == {self._constant(sizes)}"
        shape = self._loom.local("shape")
        said = [f"{value}.ndim == {len(sizes)}"]
        holder = f"({shape} := {value}.shape)"
        for at, size in enumerate(sizes):
            if size is not None:
                said.append(self._size(size, f"{holder}[{at}]"))
                holder = shape
        return " and ".join(said)

    def _size(self, size: int | str, found: str) -> str:
        if isinstance(size, int):
            return f"{found} == {size}"
        local = self._sizes.setdefault(size, self._loom.local("size"))
        if size in self._bound:
            return f"{found} == {local}"
        self._bound.add(size)
        return f"({local} := {found}) is not None"

    def _bounds(self, bounds: Bounds, checker: Checker, value: str) -> Condition:
        if checker.type in ("int", "float"):
            return self._between(bounds, value, value)
        if checker.type == "sequence":
            within = self._loom.constant("all_within", all_within)
            return f"{within}({value}, {self._loom.constant('bounds', bounds)})"
        if not self._is_array(checker):
            return None
        said = self._between(bounds, f"{value}.min()", f"{value}.max()")
        if any(check.name == "dtype" for check in checker.checks):
            return said
        return f"{value}.dtype in {self._known(checker)}.dtypes and {said}"

    def _between(self, bounds: Bounds, least: str, greatest: str) -> str:
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

    def _scalar(self, check: Check, checker: Checker, value: str) -> Condition:
        asked, sort = check.asked, checker.type
        match check.name:
            case "enum" if sort in ("int", "float", "str"):
                if all(type(one) in PLAIN[sort] for one in asked):
                    return f"{value} in {self._constant(frozenset(asked))}"
            case "pattern":
                pattern, most, is_own = asked
                found = f"{self._loom.constant('search', pattern.search)}({value}) is not None"
                if is_own:  # (else it is measured before, or need not be)
                    found = f"{self._loom.constant('len', len)}({value}) <= {most} and {found}"
                if sort == "str":
                    return found
                return f"{self._class(value)} is {self._constant(str)} and {found}"
            case "min_len":
                least, most = asked
                length = f"{self._loom.constant('len', len)}({value})"
                said = f"{least} <= {length}" if least is not None else length
                return f"{said} <= {most}" if most is not None else said
            case "max_bytes" if self._is_array(checker):
                return f"{value}.nbytes <= {int(asked)}"
            case "max_bytes" if sort in ("str", "bytes"):
                said = f"{self._loom.constant('len', len)}({value}) <= {int(asked)}"
                return f"{value}.isascii() and {said}" if sort == "str" else said
        return None

    def _fields(self, fields: dict[str, Checker], checker: Checker, value: str) -> Condition:
        required = {key for one in checker.checks if one.name == "required" for key in one.asked}
        said = []
        for key, part in fields.items():
            if key in required:
                one = self._part(self._loom.constant("key", key), value, part)
            else:
                one = self.under(key, value, part)
            if one is None:
                return None
            said.append(f"({one})")
        return " and ".join(said)
