"""What is said of ourselves to logs, and what must not be shown: secrets, and passwords in URLs."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]  # (`signal` makes enumerations of what it gives: twenty times as slow)
import logging
import re
from collections.abc import Callable, Iterable
from types import CodeType, FrameType, TracebackType
from typing import Final

LOGGER = logging.getLogger("mlpolicy")

_MOST: Final = 10_000
"""Sorts of texts that are remembered; who says more of them says nothing new."""
_MOST_OF_A_SORT: Final = 1000
"""Texts of one sort: no policy and no caller takes the room of what others have to say."""
_said: dict[str, dict[str, object]] = {}


def say_once(key: str, message: str, *, error: BaseException | None = None) -> bool:
    """Log *message* as a warning unless *key* was said before; return whether it was logged."""
    mine, sort = object(), key.partition(":")[0]
    if len(_said) >= _MOST and sort not in _said:
        return False
    # Each an atomic step, no lock: a finalizer or a signal handler may have something to say too.
    room = _said.setdefault(sort, {})
    if len(room) >= _MOST_OF_A_SORT or room.setdefault(key, mine) is not mine:
        return False
    if len(room) == _MOST_OF_A_SORT:
        message += f" (nothing more of this sort, `{sort}`, is said)"
    return say(message, logging.WARNING, error=error)


def say(message: str, level: int, *, error: BaseException | None = None) -> bool:
    """Log *message*; return whether that could be done."""
    try:
        LOGGER.log(level, message, exc_info=error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return False  # a handler of the user's that fails must not fail the call
    return True


def words(error: BaseException) -> str:
    """Return the message of *error*; that of the user's may fail to be made."""
    try:
        return str(error)
    except Exception as failure:
        if interrupts(failure):
            raise
        return "(its message cannot be made)"


def told(error: BaseException) -> str:
    """Return the class of *error* and its message."""
    return f"{type(error).__name__}: {words(error)}"


def guarded(work: Callable[[], None], failed: Callable[[Exception], None]) -> None:
    """Do *work*; an error of ours, or of what it looks at, goes to *failed* and no farther."""
    try:
        work()
    except Exception as error:
        if interrupts(error):
            raise
        failed(error)


def forget() -> None:
    """Let everything be said again; a new policy is a new story."""
    _said.clear()


_OWN_MESSAGES: Final = (AssertionError, MemoryError, StopIteration, StopAsyncIteration)
"""What the interpreter itself raises without a message."""


def interrupts(error: BaseException) -> bool:
    """Tell whether *error* came from outside into the code that it was raised in.

    A signal handler is known by its frame: one of its arguments is the frame that it
    interrupted, or its code is that of a handler which is set. An exception that was set by
    another thread has no frame of its own: it has no arguments, and rises in a line of ours that
    raises nothing.
    """
    trace, outer, handlers = error.__traceback__, None, _handlers()
    while trace is not None:
        frame = trace.tb_frame
        if outer is not None and (frame.f_code in handlers or _handles(frame, outer)):
            return True
        outer = frame
        if trace.tb_next is None:
            return _was_set(error, trace)
        trace = trace.tb_next
    return False


def _handlers() -> set[CodeType]:
    """Return the code of every signal handler that is set and written in Python."""
    set_now = (_signal.getsignal(number) for number in _signal.valid_signals())
    called = (getattr(one, "__func__", one) if callable(one) else None for one in set_now)
    codes = (getattr(one, "__code__", None) for one in called)
    return {code for code in codes if isinstance(code, CodeType)}


def _handles(frame: FrameType, interrupted: FrameType) -> bool:
    each = (one if type(one) is tuple else (one,) for one in tuple(frame.f_locals.values()))
    return any(one is interrupted for values in each for one in values)


def _was_set(error: BaseException, trace: TracebackType) -> bool:
    from opcode import opmap

    frame = trace.tb_frame
    ours = str(frame.f_globals.get("__name__")).partition(".")[0] == "mlpolicy"
    if not ours or error.args or isinstance(error, _OWN_MESSAGES):
        return False
    return frame.f_code.co_code[trace.tb_lasti] != opmap["RAISE_VARARGS"]


_SECRET = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|(?:^|_)PWD(?:$|_)|(?:^|_)DSN", re.I
)
# A run of letters is tried from its beginning alone, once: a line may be a million of them.
_USERINFO = re.compile(
    r"(?<![a-zA-Z0-9+.-])(?P<scheme>[a-zA-Z0-9+.-]++://)(?P<user>[^/\s:@]*):(?P<password>[^/\s@]+)@"
)
_OF_SECRETS = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|token|(?:api|access|private)[_-]?key)$", re.I
)
_WRITTEN = re.compile(
    r"""(?<![\w-])(?P<key>[\w-]++)(?P<between>["']?:\s+)(?P<value>"[^"]*"|'[^']*'|[^\s,\[\]{}"'#][^,}#]*)"""
)
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether a variable of that name holds what must not be shown."""
    return _SECRET.search(name) is not None


def is_secret_key(key: str) -> bool:
    """Whether a file that has a value under *key* writes a secret out."""
    return _OF_SECRETS.search(key) is not None


def has_password(text: str) -> bool:
    """Whether *text* holds a URL with a password in it."""
    return _USERINFO.search(text) is not None


def redacted(text: str) -> str:
    """Return *text* with the passwords of its URLs left out."""
    return _USERINFO.sub(rf"\g<scheme>\g<user>:{HIDDEN}@", text) if "://" in text else text


_SHORT = 4
"""Letters below which a secret is looked for as a word alone: `1` is in many a number."""


def without(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with none of the *secrets* in it."""
    for one in sorted(secrets, key=len, reverse=True):
        if len(one) >= _SHORT:
            text = text.replace(one, HIDDEN)
        elif one and one in text:
            text = re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", HIDDEN, text)
    return text


def masked(line: str) -> str:
    """Return a *line* of a file with the secrets in it masked; each thing stays in its column."""
    line = _USERINFO.sub(lambda one: _starred(one, "password"), line)
    return _WRITTEN.sub(
        lambda one: _starred(one, "value") if _is_written_out(one) else one[0], line
    )


def _is_written_out(one: re.Match[str]) -> bool:
    return is_secret_key(one["key"]) and "${" not in one["value"]


def _starred(one: re.Match[str], group: str) -> str:
    start, end = (at - one.start() for at in one.span(group))
    return one[0][:start] + "*" * (end - start) + one[0][end:]
