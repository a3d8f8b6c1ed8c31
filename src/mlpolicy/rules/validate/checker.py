"""A spec made into the checks of one value, run one by one: thorough, and the only judge.

The generated lines let common values pass sooner; whatever they do not let pass comes here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mlpolicy.core.live import Live
from mlpolicy.core.report import interrupts
from mlpolicy.rules.validate.checks.arrays import (
    DtypeCheck,
    EnumCheck,
    NdimCheck,
    PatternCheck,
    ShapeCheck,
    TypeCheck,
)
from mlpolicy.rules.validate.checks.bounds import Bounds, all_within
from mlpolicy.rules.validate.checks.containers import (
    BytesCheck,
    ColumnCheck,
    ColumnsCheck,
    FieldsCheck,
    ItemsCheck,
    LengthCheck,
    RequiredCheck,
)
from mlpolicy.rules.validate.checks.elements import REDUCIBLE, fitted
from mlpolicy.rules.validate.checks.models import ModelCheck, Resolve
from mlpolicy.rules.validate.checks.numbers import BoundsCheck
from mlpolicy.rules.validate.look import Look, Where, unreadable

if TYPE_CHECKING:
    from mlpolicy.rules.validate.checks.bounds import Bounds
    from mlpolicy.rules.validate.rule import Column, Spec


class Check(Protocol):
    """One setting of a spec at work."""

    @property
    def name(self) -> str:
        """The setting."""
        ...

    def __call__(self, value: Any, where: Where, look: Look) -> None:
        """Note in *look* what is wrong with *value*, found at *where*."""
        ...


@dataclass(slots=True, eq=False)
class Checker:
    """All checks of one value."""

    nullable: bool
    """Whether null passes, whatever else is asked."""
    not_null: bool
    """Whether null is refused at once."""
    type: TypeCheck | None
    checks: tuple[Check, ...]
    model: ModelCheck | None
    coerce: bool
    known: Known

    def look(self, value: Any, where: Where, look: Look) -> None:
        """Note in *look* everything that is wrong with *value*."""
        self.made(value, where, look)

    def made(self, value: Any, where: Where, look: Look) -> Any:
        """Do as `look`; return what takes the place of *value*, most often itself."""
        if value is None and (self.nullable or self.not_null):
            if not self.nullable:
                expected = self.type.expected if self.type else "a value"
                look.fail(where, "not_null", found="null", expected=expected)
            return value
        before = len(look.failures)
        if self.type is not None:
            _run(self.type, value, where, look)
        if len(look.failures) == before:
            for check in self.checks:
                _run(check, value, where, look)
        if len(look.failures) == before:
            self._learn(value)
            if self.model is not None:
                made = self.model.made(value, where, look)
                return made if self.coerce else value
        return value

    def _learn(self, value: Any) -> None:
        if self.type is None or self.type.admits(type(value)):  # (a stand-in may change its mind)
            self.known.learn(value)

    def passes(self, value: Any) -> bool:
        """Whether nothing is wrong with *value*."""
        look = Look()
        self.look(value, "", look)
        return not look.failures

    def passes_all(self, values: Any) -> bool:
        """Whether all *values*, plain ones, pass; told of many at once, and False may be wrong."""
        classes = _PLAIN.get(self.type.type) if self.type else None
        if classes is None or self.model or not classes.issuperset(map(type, values)):
            return False
        bounds = [one.bounds for one in self.checks if isinstance(one, BoundsCheck)]
        return len(bounds) == len(self.checks) and all(all_within(values, one) for one in bounds)

    def bind(self, value: Any, look: Look) -> None:
        """Let the names in shapes take the sizes that *value* has."""
        for check in self.checks:
            if isinstance(check, ShapeCheck):
                check.bind(value, look)
            elif isinstance(check, FieldsCheck | ItemsCheck):
                for part, inner in check.parts(value):
                    inner.bind(part, look)

    def symbols(self) -> set[str]:
        """Return the names in shapes, those of parts too."""
        found: set[str] = set()
        for check in self.checks:
            if isinstance(check, ShapeCheck):
                found.update(check.symbols)
            elif isinstance(check, FieldsCheck | ItemsCheck):
                found.update(*(inner.symbols() for inner in check.inner()))
        return found


_PLAIN: dict[str | tuple[str, ...], frozenset[type]] = {
    "int": frozenset((int,)),
    "float": frozenset((int, float)),
    "str": frozenset((str,)),
    "bool": frozenset((bool,)),
    "bytes": frozenset((bytes,)),
}
"""Classes that are of a type beyond doubt."""


def _run(check: Check, value: Any, where: Where, look: Look) -> None:
    """Run *check*; a value that cannot be looked at, for it may raise anything, does not pass."""
    try:
        check(value, where, look)
    except Exception as error:
        if interrupts(error):
            raise
        expected = f"what `{check.name}` can read"
        look.fail(where, check.name, found=unreadable(value, error), expected=expected)


def checker(spec: Spec, resolve: Resolve | None) -> Checker:
    """Return the checks that *spec* asks for; models are imported by *resolve* when needed."""
    return Checker(
        nullable=spec.not_null is False,
        not_null=spec.not_null is True or (spec.not_null is None and spec.type is not None),
        type=TypeCheck(spec.type) if spec.type else None,
        checks=(*_of_numbers(spec), *_of_one(spec), *_of_parts(spec, resolve)),
        model=ModelCheck(spec.model, resolve) if spec.model else None,
        coerce=spec.coerce,
        known=Known(bounds_of(spec)),
    )


def bounds_of(spec: Spec) -> Bounds | None:
    """Return the bounds that `range` and `finite` make together."""
    if spec.range is None and not spec.finite:
        return None
    low, high = spec.range or (None, None)
    return Bounds(low, high, finite=spec.finite)


def as_names(dtype: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the dtypes allowed, one or many in the file."""
    return (dtype,) if isinstance(dtype, str) else dtype


def _of_numbers(spec: Spec) -> Iterator[Check]:
    if spec.dtype:
        yield DtypeCheck(as_names(spec.dtype))
    if spec.shape is not None:
        yield ShapeCheck(spec.shape)
    if spec.ndim is not None:
        yield NdimCheck(spec.ndim)
    bounds = bounds_of(spec)
    if bounds is not None:
        yield BoundsCheck(bounds)


def _of_one(spec: Spec) -> Iterator[Check]:
    if spec.enum is not None:
        yield EnumCheck(spec.enum)
    if spec.pattern is not None:
        yield PatternCheck(spec.pattern)
    if spec.min_len is not None or spec.max_len is not None:
        yield LengthCheck(spec.min_len, spec.max_len)
    if spec.max_bytes is not None:
        yield BytesCheck(int(spec.max_bytes))


def _of_parts(spec: Spec, resolve: Resolve | None) -> Iterator[Check]:
    if spec.required:
        yield RequiredCheck(spec.required)
    if spec.fields:
        yield FieldsCheck({key: checker(one, resolve) for key, one in spec.fields.items()})
    if spec.items is not None:
        yield ItemsCheck(checker(spec.items, resolve))
    if spec.columns:
        yield ColumnsCheck({name: _column(one) for name, one in spec.columns.items()})


def _column(column: Column) -> ColumnCheck:
    low, high = column.range or (None, None)
    bounds = None if column.range is None else Bounds(low, high, finite=False)
    return ColumnCheck(
        as_names(column.dtype),
        nullable=column.nullable,
        bounds=bounds,
        categories=column.categories,
    )


MOST = 8
"""Classes and dtypes that are remembered; a service meets one or two."""
_TRUSTED = (
    "numpy.ndarray",
    "torch.Tensor",
    "jaxlib.xla_extension.ArrayImpl",
    "jaxlib._jax.ArrayImpl",
)
"""Classes of arrays whose `shape`, `ndim` and `dtype` do what they should."""


class Known(Live):
    """What one spec has learned from values that passed all its checks.

    Whether a class is of the type, and whether a dtype is one of those allowed, depends on
    nothing else; so the two are remembered apart.
    """

    classes: tuple[type, ...] = ()
    arrays: tuple[type, ...] = ()
    dtypes: tuple[Any, ...] = ()

    def __init__(self, bounds: Bounds | None) -> None:
        self._bounds = bounds

    def learn(self, value: Any) -> None:
        """Remember the class and the dtype of *value*, which passed."""
        cls = type(value)
        if cls not in self.classes and len(self.classes) < MOST:
            self.classes = (*self.classes, cls)
        if self._is_plain_array(cls) and cls not in self.arrays and len(self.arrays) < MOST:
            self.arrays = (*self.arrays, cls)
        if cls in self.arrays:
            self._learn_dtype(value.dtype)

    def _is_plain_array(self, cls: type) -> bool:
        path = f"{cls.__module__}.{cls.__qualname__}"
        return path in _TRUSTED if self._bounds is None else path == _TRUSTED[0]

    def _learn_dtype(self, dtype: Any) -> None:
        if dtype in self.dtypes or len(self.dtypes) >= MOST:
            return
        if self._bounds is None or comparable(dtype, self._bounds):
            self.dtypes = (*self.dtypes, dtype)


def comparable(dtype: Any, bounds: Bounds) -> bool:
    """Whether elements of *dtype* can be compared with *bounds* as they stand.

    A bound that a float16 cannot hold would overflow, with a warning, at each call; a whole
    number would be compared with a large float as a float, which may equal it or not.
    """
    ends = (bounds.low, bounds.high)
    infinite = (-math.inf, math.inf)
    if dtype.kind == "f":
        return all(end in infinite or fitted(end, dtype) not in infinite for end in ends)
    if any(isinstance(end, float) and end not in infinite and abs(end) > 2**53 for end in ends):
        return False
    return dtype.kind in REDUCIBLE
