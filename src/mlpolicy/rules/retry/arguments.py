"""Arguments that an attempt uses up: where they stood before it, and how they are put back.

A generator, an open file or the body of a request gives its content once. A second attempt
with what is left of it would send nothing, and succeed.
"""

from __future__ import annotations

import types
from _io import _IOBase
from collections.abc import Callable, Iterable, Iterator, Mapping
from opcode import opmap
from operator import length_hint
from typing import Any, Final

from mlpolicy.core.classes import SCALARS, Plain, promises
from mlpolicy.core.report import interrupts
from mlpolicy.core.site import Parameter
from mlpolicy.core.step import Lines, Loom, indented
from mlpolicy.rules.retry.answers import CALLABLE

Named = Iterable[tuple[str, object]]
Marks = Mapping[int, tuple[object, int]]
"""Where arguments stood before the first attempt, by their identity."""

USED_UP: Final = "is used up and cannot be put back"

_DEEPEST: Final = 3
"""Containers in containers that are looked into."""
_MOST_BEFORE: Final = 32
"""Items of containers that are looked at before each call: those of `files={"a": open(...)}`."""
_MOST_AFTER: Final = 100_000
"""Items of the containers of one argument that are looked at after a failure."""

PLAIN = Plain((*SCALARS, *CALLABLE))
"""Those that are known; what else turns out to be plain joins them."""
COVERS = PLAIN.issuperset
_JOINED = (map, filter, zip, enumerate)
"""Iterators that are used up with those that they were made of."""
_FRAMES = {
    types.GeneratorType: "gi_frame",
    types.CoroutineType: "cr_frame",
    types.AsyncGeneratorType: "ag_frame",
}
_NOT_BEGUN = opmap["RETURN_GENERATOR"]
_WRAPPERS = {"_TemporaryFileWrapper": "file", "UploadFile": "file", "FileStorage": "stream"}
"""Classes of `tempfile`, starlette and werkzeug, and the attribute that is the file itself."""
_CANNOT = (OSError, ValueError, TypeError, AttributeError, NotImplementedError)
"""What files raise that cannot do something."""


def marks(*values: object) -> Marks:
    """Return where those of *values* stand that an attempt may move."""
    positions = ((part, _position(part)) for part in _parts(values, [_MOST_BEFORE]))
    return {id(part): (part, at) for part, at in positions if at is not None}


def put_back(named: Named, marks: Marks) -> str:
    """Put arguments back to where *marks* say they stood; return why one cannot be, else nothing."""
    moved: list[tuple[str, object, int]] = []
    for name, part in _named_parts(named):
        _, at = marks.get(id(part), (part, None))
        why = _spoilt(part, at)
        if why:
            return f"the argument `{name}` ({type(part).__name__}) {why}"
        if at is not None and _streams(type(part)):
            moved.append((name, part, at))
    for name, part, at in moved:
        if _asked(part, "seek", at) is None:
            return f"the argument `{name}` ({type(part).__name__}) {USED_UP}"
    return ""


def spoilt(named: Named) -> bool:
    """Tell whether an argument could not be put back, wherever it stood."""
    return any(_spoilt(part, _position(part)) for _, part in _named_parts(named))


def _named_parts(named: Named) -> Iterator[tuple[str, object]]:
    return ((name, part) for name, value in named for part in _parts((value,), [_MOST_AFTER]))


def _parts(values: Iterable[object], left: list[int], depth: int = _DEEPEST) -> Iterator[object]:
    """Yield what may be used up among *values* and in containers, while any items are *left*."""
    for value in values:
        cls = type(value)
        try:
            if cls in PLAIN:
                continue
        except TypeError:  # a metaclass took the hash of its classes away: it is none of ours
            continue
        inner = _inner(value, cls, left) if depth else None
        if inner is not None:
            yield from _parts(inner, left, depth - 1)
        elif _streams(cls) or cls in _FRAMES or _has(cls, "__next__", "__anext__"):
            yield value
        else:
            PLAIN.learn(cls)


def _inner(value: Any, cls: type, left: list[int]) -> Iterable[object] | None:
    """Return what a container holds, None where it is none."""
    if cls is list or cls is tuple or cls is dict:
        items = value.values() if cls is dict else value
        left[0] -= len(value)
        plain = left[0] < 0 or COVERS(map(type, items))
        return () if plain else tuple(items)
    if cls in _JOINED:
        parts: tuple[object, ...] = value.__reduce__()[1]
        return parts
    name = _WRAPPERS.get(cls.__name__)
    file = getattr(value, "__dict__", {}).get(name) if name else None
    return None if file is None else (file,)


def _has(cls: type, *names: str) -> bool:
    """Tell whether instances have one of these by their class; a mock has whatever it is asked for."""
    own = [vars(base) for base in cls.__mro__ if base.__module__ != "unittest.mock"]
    is_mock = len(own) < len(cls.__mro__)
    return not is_mock and any(name in attributes for attributes in own for name in names)


def _streams(cls: type) -> bool:
    return _IOBase in cls.__mro__ or (_has(cls, "read") and _has(cls, "readline", "seek"))


def _position(part: object) -> int | None:
    """Return what tells whether *part* has moved: where it stands, or how much is left."""
    cls = type(part)
    if _streams(cls):
        can_seek = _asked(part, "readable") is not False and _asked(part, "seekable") is not False
        at = _asked(part, "tell") if can_seek else None
        return at if isinstance(at, int) else None
    counts = cls.__module__ == "builtins" and _has(cls, "__length_hint__")
    return length_hint(part) if counts else None


def _spoilt(part: Any, at: int | None) -> str:
    """Return why another attempt must not be made with *part*, which was *at* there; else nothing."""
    cls = type(part)
    if cls in _FRAMES:
        frame: types.FrameType | None = getattr(part, _FRAMES[cls])
        if frame is None:
            return USED_UP
        # Has it left the place where it was made? 3.13 is one step ahead.
        code, last = frame.f_code.co_code, frame.f_lasti
        return "" if _NOT_BEGUN in (code[last], code[max(last - 2, 0)]) else USED_UP
    if not _streams(cls):
        return "" if at is not None and length_hint(part) == at else USED_UP
    if getattr(part, "closed", False) is True:
        return "was closed"
    # Who writes what it gives sends the same again: only what is read is used up.
    return USED_UP if at is None and _asked(part, "readable") is not False else ""


def _asked(part: object, method: str, *arguments: int) -> object:
    """Return what a method of a file says, None where it cannot say."""
    try:
        answer = getattr(part, method)(*arguments)
    except _CANNOT as error:
        if interrupts(error):
            raise
        return None
    if type(answer) is types.CoroutineType:
        answer.close()
        return None
    return True if answer is None else answer


class Watch:
    """The lines of a driver that look at arguments before the first attempt and before others.

    Nothing but the classes of arguments is looked at before, and not even that where the
    annotation promises a plain one.
    """

    def __init__(
        self, parameters: tuple[Parameter, ...], loom: Loom, put_back: Callable[..., object]
    ) -> None:
        own = parameters[:1] and parameters[0].name in ("self", "cls")
        self._watched = parameters[1:] if own else parameters
        self.names = tuple(parameter.name for parameter in self._watched)
        self._put_back = put_back
        self._loom = loom
        self._marks = loom.local("marks")
        self._values = ", ".join(loom.arguments[name] for name in self.names)

    def before(self) -> Lines:
        """Return the lines that leave where arguments stand, False where all are plain."""
        if not self.names:
            return []
        look = f"{self._marks} = {self._loom.method('look', marks)}({self._values})"
        return [f"{self._marks} = False", *self._where(look, promised=False)]

    def again(self, trial: str, error: str) -> Lines:
        """Return the lines that leave None in *trial* where an argument cannot be put back."""
        if not self.names:
            return []
        put_back = self._loom.method("put_back", self._put_back)
        call = f"{put_back}({error}, {trial}, {self._loom.call}, {self._marks}, {self._values})"
        lines = self._where(f"{trial} = {call}", f"{self._marks} is not False", promised=True)
        return [f"if {trial} is not None:", *indented(lines)]

    def _where(self, line: str, *conditions: str, promised: bool) -> Lines:
        """Return *line* for calls where a condition holds, or an argument is not plain.

        Those are looked at whose annotations have *promised* that they are, or the others.
        """
        looked = [one for one in self._watched if promises(one.annotation) is promised]
        asked = " or ".join([*conditions, *map(self._is_not_plain, looked)])
        lines = [f"if {asked}:", f"    {line}"] if asked else []
        if not looked:
            return lines
        # A metaclass may take the hash of its classes away.
        error = self._loom.constant("TypeError", TypeError)
        return ["try:", *indented(lines), f"except {error}:", f"    {line}"]

    def _is_not_plain(self, parameter: Parameter) -> str:
        local, type_ = self._loom.arguments[parameter.name], self._loom.constant("type", type)
        if parameter.kind in ("var_positional", "var_keyword"):
            items = local if parameter.kind == "var_positional" else f"{local}.values()"
            covers, map_ = self._loom.constant("covers", COVERS), self._loom.constant("map", map)
            return f"{local} and not {covers}({map_}({type_}, {items}))"
        return f"{type_}({local}) not in {self._loom.constant('plain', PLAIN)}"
