"""A spec made into the checks of one value, run one by one: thorough, and the only judge.

The generated lines let common values pass sooner; whatever they do not let pass comes here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlpolicy.core.backtracking import longest
from mlpolicy.core.threads import Live
from mlpolicy.rules.validate.checks.classes import is_of
from mlpolicy.rules.validate.checks.dtypes import as_names
from mlpolicy.rules.validate.checks.models import ModelCheck, Resolve
from mlpolicy.rules.validate.checks.numbers import Bounds, all_within, comparable
from mlpolicy.rules.validate.checks.settings import Check, Searched
from mlpolicy.rules.validate.look import Look, Where, field

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import Column, Spec


class Checker:
    """All checks of one value; models are imported by *resolve* when they are needed."""

    __slots__ = ("checks", "coerce", "known", "model", "not_null", "nullable", "symbols", "type")

    def __init__(self, spec: Spec, resolve: Resolve | None) -> None:
        sort = spec.type[0] if isinstance(spec.type, tuple) and len(spec.type) == 1 else spec.type
        self.type: str | tuple[str, ...] | None = sort or None
        self.nullable = spec.not_null is False
        """Whether null passes, whatever else is asked."""
        self.not_null = spec.not_null is True or (spec.not_null is None and spec.type is not None)
        """Whether null is refused at once."""
        self.coerce = spec.coerce
        self.model = None
        if spec.model and resolve:
            self.model = ModelCheck(spec.model, resolve, coerce=spec.coerce)
        bounds = _bounds(spec.range, finite=spec.finite)
        self.known = Known(bounds)
        self.checks = _checks(spec, bounds, resolve)
        sizes = (size for _, one, _ in spec.within("") for size in one.shape or ())
        self.symbols = frozenset(size for size in sizes if isinstance(size, str))
        """The names in shapes, those of parts too."""

    def look(self, value: Any, where: Where, look: Look) -> Any:
        """Note in *look* what is wrong; return what takes the place of *value*, mostly itself."""
        if value is None and self.nullable:
            return value
        if value is None and self.not_null:
            expected = " or ".join(as_names(self.type or "a value"))
            look.fail(where, "not_null", found="null", expected=expected)
            return value
        before = len(look.failures)
        if self.type is not None:
            Check("type", self.type).look(value, where, look)
        if len(look.failures) == before:
            for check in self.checks:
                check.look(value, where, look)
        if len(look.failures) != before:
            return value
        if self.type is None or is_of(type(value), self.type):  # (a stand-in may change its mind)
            self.known.learn(value)
        return value if self.model is None else self.model.made(value, where, look)

    def passes(self, value: Any) -> bool:
        """Whether nothing is wrong with *value*."""
        look = Look()
        self.look(value, "", look)
        return not look.failures

    def passes_all(self, values: Any) -> bool:
        """Whether all *values*, plain ones, pass; told of many at once, and False may be wrong."""
        classes = frozenset(PLAIN.get(self.type, ()))
        if self.model or not classes.issuperset(map(type, values)):
            return False
        return all(
            isinstance(check.asked, Bounds) and all_within(values, check.asked)
            for check in self.checks
        )


PLAIN: dict[str | tuple[str, ...] | None, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "str": (str,),
    "bool": (bool,),
    "bytes": (bytes,),
    "mapping": (dict,),
    "sequence": (list, tuple),
}
"""Classes that are of a type beyond doubt."""


def checker(spec: Spec, resolve: Resolve | None) -> Checker:
    """Return the checks that *spec* asks for."""
    return Checker(spec, resolve)


def _checks(spec: Spec, bounds: Bounds | None, resolve: Resolve | None) -> list[Check]:
    limits = (spec.min_len, spec.max_len)
    asked = {
        "dtype": as_names(spec.dtype) or None,
        "shape": spec.shape,
        "ndim": spec.ndim,
        "range" if spec.range else "finite": bounds,
        "enum": spec.enum,
        # (a text is measured before it is searched: that takes time)
        "min_len": None if limits == (None, None) else limits,
        "pattern": None if spec.pattern is None else _searched(spec.pattern, spec.max_len),
        "max_bytes": spec.max_bytes,
        "required": spec.required or None,
        "fields": {key: checker(inner, resolve) for key, inner in spec.fields.items()} or None,
        "items": spec.items and checker(spec.items, resolve),
        "columns": {name: _of_column(one) for name, one in spec.columns.items()} or None,
    }
    return [Check(name, one) for name, one in asked.items() if one is not None]


def _searched(pattern: str, most: int | None) -> Searched:
    limit = longest(pattern) if most is None else most
    return re.compile(pattern), limit, most is None and limit < math.inf


def _bounds(ends: tuple[float | None, ...] | None, *, finite: bool) -> Bounds | None:
    return Bounds(*(ends or (None, None)), finite=finite) if ends or finite else None


def _of_column(column: Column) -> list[Check]:
    asked = {
        "dtype": as_names(column.dtype) or None,
        "nullable": None if column.nullable else False,
        "column range": _bounds(column.range, finite=False),
        "categories": column.categories,
    }
    return [Check(name, one) for name, one in asked.items() if one is not None]


def labels(spec: Spec, where: Where) -> Iterator[tuple[str, str]]:
    """Yield field and setting of every failure that *spec* can lead to."""
    if spec.not_null or (spec.not_null is None and spec.type is not None):
        yield field(where), "not_null"
    apart = ("not_null", "required", "fields", "columns", "coerce")
    yield from ((field(where), name) for name in _given(spec) if name not in apart)
    yield from ((field((where, key)), "required") for key in spec.required)
    for name, column in spec.columns.items():
        yield field((where, name)), "columns"
        # (a column that may hold nulls is the one for which `nullable` is given)
        for setting in {*_given(column)} ^ {"nullable"}:
            yield field((where, name)), setting
    for key, inner in spec.fields.items():
        yield from labels(inner, (where, key))
    if spec.items is not None:
        yield from labels(spec.items, where)


def _given(block: Spec | Column) -> list[str]:
    """Return the settings that are not as they are by default."""
    fields = type(block).model_fields
    return [name for name, value in block if value != fields[name].default]


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
        path = f"{cls.__module__}.{cls.__qualname__}"
        trusted = path in _TRUSTED if self._bounds is None else path == _TRUSTED[0]
        if trusted and cls not in self.arrays and len(self.arrays) < MOST:
            self.arrays = (*self.arrays, cls)
        if cls not in self.arrays or len(self.dtypes) >= MOST:
            return
        dtype = value.dtype
        if dtype not in self.dtypes and (self._bounds is None or comparable(dtype, self._bounds)):
            self.dtypes = (*self.dtypes, dtype)
