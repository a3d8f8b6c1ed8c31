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

from mlpolicy.core.classes import Plain, frozen
from mlpolicy.core.report import interrupts
from mlpolicy.core.threads import Live
from mlpolicy.rules.monitor.summary import FRAMES, library_class

MOST_ELEMENTS: Final = 256
EVERY: Final = "*"
_PATH = re.compile(r"([^\W\d]\w*)((?:\.[^.\[\]:*]+|\[(?:\d+|\*)\])*)(?::(\w+))?")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]")
PATTERN: Final = r"^[^\s,:=!.\[]+[^,=!]*$"
"""What a signal, or a pattern of several, looks like."""


def _length(value: Any) -> int:
    base = library_class(type(value))[1]
    shape = getattr(value, "shape", None) if base and base not in FRAMES else None
    return len(value) if shape is None else math.prod(shape)


def _share_of_nulls(value: Any) -> float:
    values = elements(value)
    return sum(map(is_null, values)) / len(values)


def _of_numbers(what: Callable[[list[Any]], float]) -> Callable[[Any], float]:
    """Return *what* of the elements that are finite."""
    return lambda value: what(
        [one for one in elements(value) if not is_null(one) and math.isfinite(one)]
    )


SUMMARIES: Final[dict[str, Callable[[Any], float]]] = {
    "mean": _of_numbers(lambda values: math.fsum(values) / len(values)),
    "min": _of_numbers(min),
    "max": _of_numbers(max),
    "len": _length,
    "nulls": _share_of_nulls,
}
"""What may be taken of an array or list, as `inputs: statistics` says it."""


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
            return SUMMARIES[self.summary](found) if self.summary else found
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
    found = {one: [name for name in names if stands_for(one, name)] for one in patterns}
    wanted = set[str]().union(*found.values())
    return [name for name in names if name in wanted], [one for one in found if not found[one]]


def stands_for(pattern: str, name: str) -> bool:
    """Whether *pattern* is *name*, or has stars for its parts: `features.*` is `features[0]` too."""
    if pattern.endswith(".*") and name.startswith(f"{pattern[:-2]}["):
        return True
    return pattern == name or bool(re.match(translate(pattern.replace("[", "[[]")), name))


# --- values ---------------------------------------------------------------------------

SAFE: Final = Plain((int, float, str, bool, type(None)))
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
    if scalars and getattr(value, "ndim", 1) != 1:
        value = value.reshape(-1)
    value = value[:: -(-len(value) // MOST_ELEMENTS) or 1]
    listed = getattr(value, "tolist", None) or getattr(value, "to_pylist", None)
    value = listed() if listed is not None else value
    return tuple(map(plain, value)) if scalars else tuple(value)


Row = tuple[Any, ...]


class Reader(Live):
    """Reads the signals that begin at one argument, or at the result."""

    # (where the policy is not in force, an idle one finds nothing)
    _usual: tuple[type, Callable[[Any], Row]] | None = None
    """The class of the last value that was read at once, and how."""
    _paths: tuple[SignalPath, ...] = ()
    keys: tuple[Any, ...] = ()
    """The keys, indexes or attributes that the signals are, where each is just that."""

    def __init__(self, base: str, names: Iterable[str]) -> None:
        self.base = base
        self.names = tuple(names)
        """The signals, in the order in which they are read."""
        self._paths = tuple(map(SignalPath.parse, self.names))
        self.is_whole = self.names == (base,)
        """Whether the one signal is the argument itself."""
        steps = [path.steps for path in self._paths if not path.summary and EVERY not in path.steps]
        keys = tuple(each[0] for each in steps if len(each) == 1)
        self.keys = keys if len(keys) == len(self.names) else ()
        self.by_name = all(isinstance(key, str) for key in self.keys)

    def read(self, base: Any) -> Row:
        """Return the value of each signal in *base*, None where it is not there."""
        try:
            usual, cls = self._usual, type(base)
            if usual is None or usual[0] is not cls:
                get = self._at_once(cls)
                usual = self._usual = (cls, get) if get is not None else None
            if usual is not None:
                return usual[1](base)
        except Exception as error:
            if interrupts(error):
                raise
        return tuple([path.read(base) for path in self._paths])

    def _at_once(self, cls: type) -> Callable[[Any], Row] | None:
        """Return what reads all signals of a value of *cls*; None where they are read one by one."""
        if not self.keys:
            return (lambda base: (base,)) if self.is_whole else None
        items, library = _getter(itemgetter, self.keys), library_class(cls)[1]
        if cls is dict or (not self.by_name and cls in (list, tuple)):
            return items
        if not self.by_name:
            return _of_array(items, self.keys) if library else None
        attributes = not library and not hasattr(cls, "keys")
        return _getter(attrgetter, self.keys) if attributes else None


def _getter(of: Callable[..., Any], keys: Sequence[Any]) -> Callable[[Any], Row]:
    get = of(*keys)
    return get if len(keys) > 1 else lambda base: (get(base),)


def _of_array(items: Callable[[Any], Row], keys: Sequence[Any]) -> Callable[[Any], Row]:
    """Return what reads elements of an array of one dimension; ValueError for another."""
    most = max(key for key in keys if isinstance(key, int)) + 1

    def read(array: Any) -> Row:
        if array.ndim != 1:
            raise ValueError
        return items(array[:most].tolist())

    return read


def readers_of(names: Iterable[str]) -> tuple[Reader, ...]:
    """Return what reads the signals of those *names*, one for each argument that they begin at."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(SignalPath.parse(name).base, []).append(name)
    return tuple(Reader(base, group) for base, group in groups.items())
