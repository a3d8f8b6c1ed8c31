"""Signals: paths to the numbers and categories of a call, read as values that nobody changes later.

`features.age`, `features[3]`, `result.score`, `result`; `rows[*].age` and `vector[*]` are all elements,
up to 256 a call; `vector:mean` is one number of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from numbers import Real
from operator import attrgetter, itemgetter
from typing import Any, Final

from mlpolicy.core.classes import frozen
from mlpolicy.core.report import interrupts
from mlpolicy.rules.monitor.summary import library_class

MOST_ELEMENTS: Final = 256
EVERY: Final = "*"
_PATH = re.compile(r"([^\W\d]\w*)((?:\.[^.\[\]:*]+|\[(?:\d+|\*)\])*)(?::(\w+))?")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")
PATTERN: Final = r"^[^\s,:=!.\[]+[^,=!]*$"
"""What a signal, or a pattern of several, looks like."""


def _share_of_nulls(values: Sequence[Any]) -> float:
    return sum(is_null(value) for value in values) / len(values)


def _of_numbers(what: Callable[[list[Any]], float]) -> Callable[[Sequence[Any]], float]:
    return lambda values: what([value for value in values if not is_null(value)])


SUMMARIES: Final[dict[str, Callable[[Sequence[Any]], float]]] = {
    "mean": _of_numbers(lambda values: math.fsum(values) / len(values)),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "len": len,
    "nulls": _share_of_nulls,
}
"""What may be taken of all elements of an array."""


@frozen()
class SignalPath:
    """Where a signal stands in a call."""

    base: str
    """An argument, or `result`."""
    steps: tuple[str | int, ...] = ()
    summary: str = ""

    @classmethod
    def parse(cls, text: str) -> SignalPath:
        """Return the path that *text* writes, or raise a ValueError."""
        found = _PATH.fullmatch(text)
        if found is None or (found[3] or "len") not in SUMMARIES:
            known = ", ".join(f"`:{name}`" for name in SUMMARIES)
            raise ValueError(
                f"`{text}` is not a path such as `features.age`, `features[3]`, `result.score`, "
                f"perhaps with {known} at its end"
            )
        steps = (
            name or (EVERY if at == EVERY else int(at)) for name, at in _STEP.findall(found[2])
        )
        return cls(found[1], tuple(steps), found[3] or "")

    def read(self, value: Any) -> Any:
        """Return what it leads to in *value*, the argument or result; None where nothing is there."""
        try:
            found = _read(value, self.steps)
            return SUMMARIES[self.summary](elements(found)) if self.summary else found
        except Exception as error:
            if interrupts(error):
                raise
            return None


def _read(value: Any, steps: tuple[str | int, ...]) -> Any:
    for at, step in enumerate(steps):
        if step == EVERY:
            return [_read(item, steps[at + 1 :]) for item in elements(value, scalars=False)]
        keyed = isinstance(value, dict) or isinstance(step, int) or hasattr(value, "keys")
        keyed = keyed or library_class(type(value))[1] == "DataFrame"
        value = value[step] if keyed else getattr(value, str(step))
    return value


def chosen(patterns: Iterable[str], names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return those of *names* that one of *patterns* is or stands for, and patterns that are for none."""
    names = list(names)
    found: dict[str, None] = {}
    lost: list[str] = []
    for pattern in patterns:
        mine = [name for name in names if stands_for(pattern, name)]
        found |= dict.fromkeys(mine)
        if not mine:
            lost.append(pattern)
    return [name for name in names if name in found], lost


def stands_for(pattern: str, name: str) -> bool:
    """Whether *pattern* is *name*, or has stars for its parts: `features.*` is `features[0]` too."""
    if pattern.endswith(".*") and name.startswith(f"{pattern[:-2]}["):
        return True
    return pattern == name or bool(re.match(translate(pattern.replace("[", "[[]")), name))


# --- values ---------------------------------------------------------------------------

SAFE: Final[set[type]] = {int, float, str, bool, type(None)}
"""Classes of values that nobody can change; numpy's are added when they are met."""


def is_null(value: Any) -> bool:
    """Whether *value* is missing, NaN or no value of its own."""
    return value is None or bool(value != value)  # noqa: PLR0124 (NaN is not itself)


def plain(value: Any) -> Any:
    """Return *value* as one that nobody changes: a number, a text, None, or a tuple of them."""
    cls = type(value)
    if cls in SAFE:
        return value
    try:
        if library_class(cls) == ("numpy", "generic"):
            if issubclass(cls, Real):
                SAFE.add(cls)
            return value.item()
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, (int, float)) or (hasattr(cls, "__float__") and not _is_many(value)):
            return float(value)
        return elements(value) if _is_many(value) else None
    except Exception as error:
        if interrupts(error):
            raise
        return None


def _is_many(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (
        bool(library_class(type(value))[1]) and bool(getattr(value, "shape", ()))
    )


def elements(value: Any, *, scalars: bool = True) -> tuple[Any, ...]:
    """Return at most 256 elements of an array or list, evenly spread."""
    if not isinstance(value, (list, tuple)):
        if scalars:
            value = value.reshape(-1) if hasattr(value, "reshape") else value
        value = value[:: -(-len(value) // MOST_ELEMENTS) or 1]
        value = value.tolist() if hasattr(value, "tolist") else list(value)
    taken = value[:: -(-len(value) // MOST_ELEMENTS) or 1]
    return tuple(map(plain, taken)) if scalars else tuple(taken)


class Reader:
    """Reads all signals of a call at once; keys, indexes and attributes of one object in one step."""

    def __init__(self, names: Iterable[str]) -> None:
        groups: dict[str, dict[str, SignalPath]] = {}
        for name in names:
            path = SignalPath.parse(name)
            groups.setdefault(path.base, {})[name] = path
        self.bases = tuple(groups)
        """The arguments that `read` is given, in this order; `result` is what was returned."""
        self.names = tuple(name for group in groups.values() for name in group)
        """The signals, in the order in which they are read."""
        readers = [_reader([*group.values()]) for group in groups.values()]
        self.read = _one_of(readers[0]) if len(readers) == 1 else _all_of(readers)
        """Returns the value of each signal in what it is given, None where it is not there."""


Row = tuple[Any, ...]
_all_safe = SAFE.issuperset


def _one_of(read: Callable[[Any], Row]) -> Callable[..., Row]:
    def whole(base: Any) -> Row:
        row = read(base)
        return row if _all_safe(map(type, row)) else tuple(map(plain, row))

    return whole


def _all_of(readers: list[Callable[[Any], Row]]) -> Callable[..., Row]:
    def whole(*bases: Any) -> Row:
        row: Row = ()
        for read, base in zip(readers, bases, strict=False):
            row += read(base)
        return row if _all_safe(map(type, row)) else tuple(map(plain, row))

    return whole


def _reader(paths: list[SignalPath]) -> Callable[[Any], Row]:
    """Return what reads all *paths* of one argument."""

    def each(base: Any) -> Row:
        return tuple([path.read(base) for path in paths])

    keys: list[Any] = [path.steps[0] for path in paths if len(path.steps) == 1 and not path.summary]
    if len(keys) < len(paths) or EVERY in keys:
        is_whole = paths == [SignalPath(paths[0].base)]
        return (lambda base: (base,)) if is_whole else each
    items = _getter(itemgetter, keys)
    by_name = all(isinstance(key, str) for key in keys)
    attributes = _getter(attrgetter, keys) if by_name else items

    def read(base: Any) -> Row:
        cls = base.__class__
        try:
            if cls is dict:
                return items(base)
            if not by_name and cls in (list, tuple):
                return items(base)
            if not by_name and library_class(cls)[1] and base.ndim == 1:
                return items(base.tolist())
            if by_name and not library_class(cls)[1] and not hasattr(cls, "keys"):
                return attributes(base)
        except Exception as error:
            if interrupts(error):
                raise
        return each(base)

    return read


def _getter(of: Callable[..., Any], keys: list[Any]) -> Callable[[Any], Row]:
    get = of(*keys)
    return get if len(keys) > 1 else lambda base: (get(base),)
