"""Exceptions that come from outside into the code that they interrupt."""

from __future__ import annotations

import ctypes
import functools
import signal
import threading

import pytest

from mlpolicy.core.report import interrupts
from mlpolicy.core.threads import Waiter


class Late(Exception):
    """A time-out of the user's."""


def by_name(signum, frame):
    raise Late


class Handler:
    def method(self, signum, frame):
        raise Late("text")

    def __call__(self, *arguments):
        raise OSError(5, "text")


def deep(signum, frame):
    by_name(signum, None)


def wrapped(*arguments, **keywords):
    return deep(*arguments, **keywords)


HANDLERS = [
    by_name,
    Handler().method,
    Handler(),
    deep,
    functools.wraps(by_name)(wrapped),
    functools.partial(wrapped),
    lambda *_: (_ for _ in ()).throw(TimeoutError),
]


def raised_by(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="needs raise_signal")
@pytest.mark.parametrize("handler", HANDLERS)
def test_an_exception_of_a_signal_handler_is_known(handler):
    """Whatever is called, and however deep it raises."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        error = raised_by(lambda: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)

    assert interrupts(error)


@pytest.mark.parametrize(
    "call",
    [
        lambda: {}["key"],
        lambda: (_ for _ in ()).throw(TimeoutError),
        lambda: by_name(14, None),
        lambda: 1 / 0,
        lambda: Waiter(1),
    ],
)
def test_an_exception_of_the_code_itself_is_not(call):
    """Bugs, and what code of the user's raises when it is called."""
    assert not interrupts(raised_by(call))


def set_in_a_thread():
    """Return what a thread got that was in lines of ours, or in its own, when Late was set."""
    found, waiter = [], Waiter()

    def work():
        try:
            while True:
                waiter.wait(0.0)
        except Late as error:
            found.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    set_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert set_exception(ctypes.c_ulong(thread.ident), ctypes.py_object(Late)) == 1
    thread.join(30)
    return found[0]


def ours(error):
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_globals["__name__"] == Waiter.__module__


def test_an_exception_that_another_thread_has_set_in_lines_of_ours_is_known():
    """As some time-outs of job queues do it; it has no frame of its own."""
    errors = [error for error in (set_in_a_thread() for _ in range(50)) if ours(error)]

    assert errors
    assert all(map(interrupts, errors))
