"""A spec made into the checks of one value, run one by one: thorough, and the only judge.

The generated lines let common values pass sooner; whatever they do not let pass comes here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.live import Live
from mlpolicy.rules.validate.checks import dtypes, settings
from mlpolicy.rules.validate.checks.bounds import Bounds, all_within
from mlpolicy.rules.validate.checks.classes import is_of, is_sequence
from mlpolicy.rules.validate.checks.models import ModelCheck, Resolve
from mlpolicy.rules.validate.checks.numbers import comparable
from mlpolicy.rules.validate.look import Look, Where, field, unreadable

if TYPE_CHECKING:
    from mlpolicy.rules.validate.rule import Spec

Labels = Iterator[tuple[str, str]]
"""Field and check of failures."""


@dataclass(slots=True, eq=False)
class Check:
    """One setting of a spec at work."""

    name: str
    """The setting."""
    test: Callable[[Any, Any, Where, Look], None]
    """Notes what is wrong with a value; a function of `settings`."""
    asked: Any
    """What the spec asks for."""

    def look(self, value: Any, where: Where, look: Look) -> None:
        """Run the test; a value that cannot be looked at, for it may raise anything, fails."""
        try:
            self.test(value, self.asked, where, look)
        except Exception as error:
            if interrupts(error):
                raise
            expected = f"what `{self.name}` can read"
            look.fail(where, self.name, found=unreadable(value, error), expected=expected)

    def passes(self, value: Any) -> bool:
        """Whether *value* passes, for lines that cannot say it themselves."""
        look = Look()
        self.test(value, self.asked, "", look)
        return not look.failures

    def parts(self) -> Iterator[tuple[str | None, Checker]]:
        """Yield what looks at each part, with the key that it is under; items have none."""
        if self.test is settings.check_fields:
            yield from self.asked.items()
        elif self.test is settings.check_items:
            yield None, self.asked

    def symbols(self) -> set[str]:
        """Return the names in shapes, those of parts too."""
        sizes = self.asked if self.test is settings.check_shape else ()
        own = {size for size in sizes if isinstance(size, str)}
        return own.union(*(inner.symbols() for _, inner in self.parts()))

    def labels(self, where: Where) -> Labels:
        """Yield the labels of every failure that it can lead to."""
        names: tuple[str, ...] = (self.name,)
        if self.test is settings.check_bounds:
            names = self.asked.settings
        elif self.test is settings.check_length:
            least, most = self.asked
            names = ("min_len",) * (least is not None) + ("max_len",) * (most is not None)
        elif self.test is settings.check_required:
            names = ()
            yield from ((field((where, key)), "required") for key in self.asked)
        elif self.test is settings.check_columns:
            for key, column in self.asked.items():
                yield from ((field((where, key)), name) for name in column.labels())
        elif self.test is settings.check_fields:
            names = ()
        yield from ((field(where), name) for name in names)
        for key, inner in self.parts():
            yield from inner.labels(where if key is None else (where, key))


@dataclass(slots=True, eq=False)
class Checker:
    """All checks of one value."""

    nullable: bool
    """Whether null passes, whatever else is asked."""
    not_null: bool
    """Whether null is refused at once."""
    type: str | tuple[str, ...] | None
    first: tuple[Check, ...]
    """The check of the type: where it fails, nothing else is looked at."""
    checks: tuple[Check, ...]
    model: ModelCheck | None
    coerce: bool
    known: Known

    def look(self, value: Any, where: Where, look: Look) -> Any:
        """Note in *look* what is wrong; return what takes the place of *value*, mostly itself."""
        if value is None and (self.nullable or self.not_null):
            if not self.nullable:
                expected = settings.type_text(self.type) if self.type else "a value"
                look.fail(where, "not_null", found="null", expected=expected)
            return value
        before = len(look.failures)
        for checks in (self.first, self.checks):
            for check in checks:
                check.look(value, where, look)
            if len(look.failures) != before:
                return value
        if self.type is None or is_of(type(value), self.type):  # (a stand-in may change its mind)
            self.known.learn(value)
        if self.model is not None:
            made = self.model.made(value, where, look)
            return made if self.coerce else value
        return value

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
        if any(check.test is not settings.check_bounds for check in self.checks):
            return False
        return all(all_within(values, check.asked) for check in self.checks)

    def bind(self, value: Any, look: Look) -> None:
        """Let the names in shapes take the sizes that *value* has, whatever else is wrong."""
        for check in self.checks:
            if check.test is settings.check_shape:
                shape = settings.shape_of(value) or ()
                if len(shape) == len(check.asked):
                    settings.fits(shape, check.asked, look)
            elif check.test is settings.check_fields:
                for key, inner in check.asked.items():
                    part = settings.under(value, key)
                    if part is not settings.MISSING:
                        inner.bind(part, look)
            elif check.test is settings.check_items and is_sequence(type(value)):
                for item in value:
                    check.asked.bind(item, look)

    def symbols(self) -> set[str]:
        """Return the names in shapes, those of parts too."""
        return set[str]().union(*(check.symbols() for check in self.checks))

    def labels(self, where: Where) -> Labels:
        """Yield the labels of every failure that a policy can lead to."""
        if self.type is not None:
            yield field(where), "type"
        if self.not_null:
            yield field(where), "not_null"
        if self.model is not None:
            yield field(where), "model"
        for check in self.checks:
            yield from check.labels(where)


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
    """Return the checks that *spec* asks for; models are imported by *resolve* when needed."""
    sort = spec.type[0] if isinstance(spec.type, tuple) and len(spec.type) == 1 else spec.type
    bounds = None
    if spec.range is not None or spec.finite:
        bounds = Bounds(*(spec.range or (None, None)), finite=spec.finite)
    return Checker(
        nullable=spec.not_null is False,
        not_null=spec.not_null is True or (spec.not_null is None and spec.type is not None),
        type=sort or None,
        first=(Check("type", settings.check_type, sort),) if sort else (),
        checks=_checks(spec, resolve, bounds),
        model=ModelCheck(spec.model, resolve) if spec.model else None,
        coerce=spec.coerce,
        known=Known(bounds),
    )


def _checks(spec: Spec, resolve: Resolve | None, bounds: Bounds | None) -> tuple[Check, ...]:
    limits = (spec.min_len, spec.max_len)
    columns = {
        name: settings.ColumnChecks(
            dtypes.as_names(column.dtype),
            column.nullable,
            None if column.range is None else Bounds(*column.range, finite=False),
            column.categories,
        )
        for name, column in spec.columns.items()
    }
    fields = {key: checker(inner, resolve) for key, inner in spec.fields.items()}
    checks: list[tuple[str, Callable[[Any, Any, Where, Look], None], Any]] = [
        ("dtype", settings.check_dtype, dtypes.as_names(spec.dtype) or None),
        ("shape", settings.check_shape, spec.shape),
        ("ndim", settings.check_ndim, spec.ndim),
        (bounds.settings[0] if bounds else "", settings.check_bounds, bounds),
        ("enum", settings.check_enum, spec.enum),
        (
            "pattern",
            settings.check_pattern,
            None if spec.pattern is None else re.compile(spec.pattern),
        ),
        ("min_len", settings.check_length, None if limits == (None, None) else limits),
        (
            "max_bytes",
            settings.check_bytes,
            None if spec.max_bytes is None else int(spec.max_bytes),
        ),
        ("required", settings.check_required, spec.required or None),
        ("fields", settings.check_fields, fields),
        ("items", settings.check_items, spec.items and checker(spec.items, resolve)),
        ("columns", settings.check_columns, columns),
    ]
    return tuple(Check(*check) for check in checks if check[2] not in (None, {}))


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
