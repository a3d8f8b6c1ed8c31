"""Exceptions that reach code from outside: of signal handlers, or set by another thread.

They are meant for whoever waits for the call, not for the code that they happen to interrupt.
What catches `Exception` around a step, or around code of the user's that a step runs, asks
here first, and lets them pass.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]  # (`signal` makes enumerations of what it gives: twenty times as slow)
from types import CodeType, FrameType, TracebackType
from typing import Final

_OWN_MESSAGES: Final = (AssertionError, MemoryError, StopIteration, StopAsyncIteration)
"""What the interpreter itself raises without a message."""


def interrupts(error: BaseException) -> bool:
    """Tell whether *error* came from outside into the code that it was raised in.

    A signal handler is known by its frame: one of its arguments is the frame that it
    interrupted, or its code is that of a handler which is set. An exception that was set by another thread has no frame of its own: it has no
    arguments, and rises in a line of ours that raises nothing.
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
    for value in tuple(frame.f_locals.values()):
        if value is interrupted or (type(value) is tuple and _holds(value, interrupted)):
            return True
    return False


def _holds(values: tuple[object, ...], wanted: FrameType) -> bool:
    return any(value is wanted for value in values)


def _was_set(error: BaseException, trace: TracebackType) -> bool:
    from opcode import opmap

    frame = trace.tb_frame
    ours = str(frame.f_globals.get("__name__")).partition(".")[0] == "mlpolicy"
    if not ours or error.args or isinstance(error, _OWN_MESSAGES):
        return False
    return frame.f_code.co_code[trace.tb_lasti] != opmap["RAISE_VARARGS"]
