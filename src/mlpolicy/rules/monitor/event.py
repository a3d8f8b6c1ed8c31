"""One event a call, whose schema is `event.schema.json`: the ids by which events join, what is said of errors.

A call hands no id on to those within it: that would cost each of them. Where one ends that is to be
told, it is read off the stack which calls are under way, and an id is made of the number of each, so
that the events of an inner and of an outer call agree by themselves.

The thread of the call takes down what may be gone later, as a `Draft`; the event is made of it by
whoever carries it out.

Of an error there is text, made at once: who holds an error holds its traceback, and with it the
arguments of the call.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from _thread import start_new_thread
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import copy_context
from datetime import UTC, datetime
from hashlib import blake2b
from types import CodeType, FrameType, FunctionType, TracebackType, WrapperDescriptorType
from typing import Any, Final, cast
from weakref import WeakSet

from mlpolicy.core.classes import SCALARS, mro_of
from mlpolicy.core.report import interrupts
from mlpolicy.core.threads import Waiter
from mlpolicy.errors import CallRefused, ValidationFailed
from mlpolicy.rules.monitor.streams import HANDING_OUT
from mlpolicy.rules.monitor.summary import name_of, own_attribute, safe_text

SEVERITY: Final[dict[str, str]] = {
    "ok": "INFO",
    "fallback": "WARNING",
    "refused": "WARNING",
    "error": "ERROR",
}
_BYTES: Final = 16
Event = Mapping[str, Any]
as_line: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""Returns the JSON of an event."""


class Draft:
    """An event in the making: *make* makes it of the *facts*, once, off the thread of the call."""

    __slots__ = ("_facts", "_made", "_make")

    def __init__(self, make: Callable[..., Event], facts: tuple[Any, ...]) -> None:
        self._make, self._facts = make, facts
        self._made: Event | None = None

    def event(self) -> Event:
        """Return the event; it is that of all who ask."""
        if self._made is None:
            self._made = self._make(*self._facts)
        return self._made


WATCHERS: Final[list[Callable[[Draft], object]]] = []
"""Called with each event in the making, by the thread of the call: they keep it, and do no more."""


def stamp(seconds: float | None = None) -> str:
    """Return a time, that of now unless given, as events have it: RFC 3339, UTC."""
    at = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return at.isoformat(timespec="microseconds")


def current_trace() -> Any:
    """Return the context of the span that OpenTelemetry has open here; None if it is not in use."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return None
    try:
        return api.get_current_span().get_span_context()
    except Exception as failure:
        if interrupts(failure):
            raise
        return None  # (it is a library's)


def trace_ids(context: Any) -> dict[str, str]:
    """Return the ids of the span that *context* is of, if it is one."""
    try:
        if context is None or not context.is_valid:
            return {}
        return {
            "trace_id": f"{context.trace_id:032x}",
            "span_id": f"{context.span_id:016x}",
            "trace_flags": f"{context.trace_flags:02x}",
        }
    except Exception as failure:
        if interrupts(failure):
            raise
        return {}


# --- which call it is -----------------------------------------------------------------

Ids = Mapping[str, str]
Numbered = tuple[int, int] | Ids
"""A call by the serial number of its step and its own; or its ids."""


def frames(first: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame, and those that it was called from."""
    frame = first
    while frame is not None:
        yield frame
        frame = frame.f_back


def calls_around(frame: FrameType | None, kind: type) -> tuple[Numbered, ...]:
    """Return the calls that *frame*, and what it was called from, belongs to, the innermost first.

    They are those in drivers with a step of that *kind* which numbers calls.
    A call that gives the items of a stream is within the one that returned it, whoever reads.
    """
    found: list[Numbered] = []
    while frame is not None:
        code = frame.f_code
        if id(code) not in _plain:
            if id(code) in HANDING_OUT:
                found.append(_local(frame, "ending").ids)
                break
            step: Any = next((value for value in code.co_consts if type(value) is kind), None)
            if step is None:
                if len(_plain) >= _MOST_PLAIN:
                    _plain.clear()
                _plain[id(code)] = code
            elif number := _local(frame, step.number_in):
                found.append((step.serial, number))
        frame = frame.f_back
    return tuple(found)


_MOST_PLAIN: Final = 4096
_plain: dict[int, CodeType] = {}
"""Code that is no driver's, by `id`: of a request there are often a hundred frames."""


def _local(frame: FrameType, name: str) -> Any:
    held = frame.f_locals
    if sys.version_info < (3, 13) and sys.gettrace() is None:
        # The frame keeps this copy, and the traceback of an error the frame: a circle.
        for one in [one for one in held if issubclass(type(held[one]), BaseException)]:
            del held[one]
    return held.get(name)


def ids_of(own: tuple[int, int], around: Sequence[Numbered]) -> dict[str, str]:
    """Return the ids of a call, which has no number yet where that is 0, within those *around*."""
    own_id = _id(own, "own_id") if own[1] else os.urandom(_BYTES).hex()
    if not around:
        return {"call_id": own_id, "own_id": own_id}
    outermost, parent = _id(around[-1], "call_id"), _id(around[0], "own_id")
    return {"call_id": outermost, "own_id": own_id, "parent_id": parent}


def _id(call: Numbered, which: str) -> str:
    if not isinstance(call, tuple):
        return call[which]
    text = "{}.{}".format(*call).encode()
    return blake2b(text, key=_process, digest_size=_BYTES).hexdigest()


def _be_another() -> None:
    _process[:] = os.urandom(_BYTES)


_process = bytearray(os.urandom(_BYTES))
"""What no other process has."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_be_another)


# --- errors ---------------------------------------------------------------------------

NOTE: Final = "mlpolicy call id: "
"""What the note of an error begins with that leads to its record."""

LONGEST_MESSAGE: Final = 500
UNPRINTED: Final = "(its message could not be made)"
PATIENCE: Final = 0.1
"""Seconds that a call waits for the message of an error; once for what makes it."""

_VALUES: Final = re.compile(r"""'[^']*'|"[^"]*"|(?<!\w)\d[\w.,]*""")
"""What differs between messages of one check: numbers and quoted texts."""
_HOLES: Final = re.compile(r"%[-#0 +.\d]*[a-zA-Z]|\{[^{}]*\}")
"""Where a text of a program takes a value in."""
_CONTAINERS: Final = (tuple, list, dict, set, frozenset)
_LARGEST: Final = 1000
_NAMES: Final[tuple[Any, ...]] = (OSError.__dict__["filename"], OSError.__dict__["filename2"])
_slow: WeakSet[type | CodeType] = WeakSet()
"""What makes messages that did not come: the code where it is a function's, else the class."""
_traceback_of: Any = BaseException.__dict__["__traceback__"].__get__
_dict_of: Any = BaseException.__dict__["__dict__"].__get__
_arguments_of: Any = BaseException.__dict__["args"].__get__


def said_of(
    error: BaseException, *, whole: bool = True, hide: Callable[[str], str] = str
) -> dict[str, str]:
    """Return the class, the message, the place and the fingerprint of *error*.

    Unless it is wanted *whole*, the message is what the source of the program has of it; *hide*
    takes out what it must not hold besides.
    """
    try:
        message = _message(error)
    except Exception as failure:
        if interrupts(failure):
            raise
        message = UNPRINTED  # an integer of it may have too many digits
    trace, said = _raised(error), {}
    if issubclass(type(error), CallRefused):
        place = _check(cast("CallRefused", error), message)
    else:
        code = trace.tb_frame.f_code if trace is not None else None
        place = f"{code.co_filename}:{code.co_qualname}" if code is not None else ""
        said = {"place": f"{code.co_filename}:{trace.tb_lineno}"} if trace and code else {}
        message = message if whole else _in_source(message[: 2 * LONGEST_MESSAGE], error, code)
    classes = " ".join(name_of(base) for base in mro_of(type(error)))
    return {
        "type": name_of(type(error)),
        "message": safe_text(message, LONGEST_MESSAGE, hide),
        **said,
        "fingerprint": blake2b(f"{classes} {place}".encode(), digest_size=8).hexdigest(),
    }


def tell_id(error: BaseException, call_id: str, *, in_note: bool) -> None:
    """Let *error* bear the id by which its record is found: a refusal of ours, and others by a note.

    It is put where Python keeps attributes of errors: no code of a class that has its own runs.
    """
    held: Any = _dict_of(error)
    if issubclass(type(error), CallRefused):
        held["call_id"] = call_id
    notes = held.setdefault("__notes__", []) if in_note and call_id else None
    if type(notes) is list:  # (one object may be raised often: it tells of the last time)
        notes[:] = [one for one in notes if type(one) is not str or not one.startswith(NOTE)]
        notes.append(NOTE + call_id)


def _message(error: BaseException) -> str:
    """Return the message of *error*; of a refusal of ours the one without values of the call."""
    cls = type(error)
    printer: Any = own_attribute(cls, "__str__")
    if issubclass(cls, CallRefused):
        return cast("CallRefused", error).public
    by_python = type(printer) is WrapperDescriptorType
    if not by_python or printer.__objclass__.__module__ != "builtins":
        return _aside(error, printer.__code__ if type(printer) is FunctionType else cls)
    arguments = _arguments_of(error)
    if printer.__objclass__ is BaseException and [*map(type, arguments)] == [str]:
        return str(arguments[0])
    names = [name.__get__(error) for name in _NAMES] if OSError in mro_of(cls) else []
    room = _room_left([*arguments, *names])
    if room is None:
        return _aside(error, cls)
    return str(error) if room >= 0 else "(too large to be printed)"


def _room_left(values: list[Any]) -> int | None:
    """Return what is left of the room for *values*, below 0 if they are large; None if foreign."""
    room = _LARGEST
    while values and room >= 0:
        value = values.pop()
        room -= 1
        if type(value) in SCALARS:
            room -= len(value) // 1000 if isinstance(value, str | bytes) else 0
        elif type(value) not in _CONTAINERS:
            return None
        elif len(value) > room:
            return -1
        else:
            values += [*value, *value.values()] if isinstance(value, dict) else value
    return room


def _aside(error: BaseException, maker: type | CodeType) -> str:
    """Return the message that code of the user's makes, on another thread: it may never return."""
    if maker in _slow:
        return UNPRINTED
    printed: list[str] = []
    done = Waiter()

    def work() -> None:
        try:
            printed.append(str.__str__(str(error)))
        except BaseException:  # noqa: BLE001 (whatever it is, it is not the call's)
            pass
        finally:
            done.wake()

    start_new_thread(copy_context().run, (work,))
    if not done.wait(PATIENCE):
        _slow.add(maker)
    return printed[0] if printed else UNPRINTED


def _raised(error: BaseException) -> TracebackType | None:
    """Return where *error* was raised: what errors have in common, whatever their messages."""
    trace: TracebackType | None = _traceback_of(error)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _in_source(message: str, error: BaseException, code: CodeType | None) -> str:
    """Return the words of *message* that stand in the source of what raised or made *error*.

    All else may be a value of the call, or of whatever was made of it, and so may a single word.
    """
    made = (own_attribute(type(error), name) for name in ("__init__", "__str__"))
    codes = [code, *(one.__code__ for one in made if type(one) is FunctionType)]
    words = {part for one in codes if one is not None for part in _written(one) if part in message}
    longest = map(re.escape, sorted(words, key=len, reverse=True))
    pieces = re.split(f"({'|'.join(longest) or '(?!)'})", message)
    pieces[::2] = ["…"[: len(one)] for one in pieces[::2]]
    return "".join(pieces)


def _written(code: CodeType) -> Iterator[str]:
    """Yield the parts of the texts in *code* that are several words, or words beside a value."""
    for text in code.co_consts:
        parts = _HOLES.split(text) if type(text) is str else ()
        yield from (part for part in parts if " " in part and len(part) > 3)


def _check(refusal: CallRefused, message: str) -> str:
    """Return what stopped the call, whatever the values: all refusals are raised in one place."""
    if type(refusal) is ValidationFailed:
        checks = {each.asked or f"{each.argument} {each.check}" for each in refusal.failures}
        return " ".join([refusal.target, *sorted(checks)])
    return _VALUES.sub("#", message)
