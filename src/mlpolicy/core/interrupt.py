"""Exceptions that reach code from outside: of signal handlers, or set by another thread.

They are meant for whoever waits for the call, not for the code that they happen to interrupt.
What catches `Exception` around a step, or around code of the user's that a step runs, asks
here first, and lets them pass.
"""

from __future__ import annotations

from types import FrameType, TracebackType
from typing import Final

_OWN_MESSAGES: Final = (AssertionError, MemoryError, StopIteration, StopAsyncIteration)
"""What the interpreter itself raises without a message."""


def interrupts(error: BaseException) -> bool:
    """Tell whether *error* came from outside into the code that it was raised in.

    A signal handler is known by its frame: one of its arguments is the frame that it
    interrupted. An exception that was set by another thread has no frame of its own: it has no
    arguments, and rises in a line of ours that raises nothing.
    """
    trace, outer = error.__traceback__, None
    while trace is not None:
        if outer is not None and _handles(trace.tb_frame, outer):
            return True
        outer = trace.tb_frame
        if trace.tb_next is None:
            return _was_set(error, trace)
        trace = trace.tb_next
    return False


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
