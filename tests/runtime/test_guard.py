"""A bug of ours stands aside; what is no bug of ours passes."""

from __future__ import annotations

import signal

import pytest

from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import forget
from mlpolicy.core.world import Guarded, StandAside


class Late(Exception):
    """A time-out of the user's."""

    def __str__(self):
        raise RuntimeError("private")


def raising(error):
    def method(*_):
        raise error

    return method


def interrupted(*_):
    def handler(signum, frame):
        raise Late

    before = signal.signal(signal.SIGINT, handler)
    try:
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("closed", [False, True])
def test_an_exception_of_a_signal_handler_passes(closed):
    """It is meant for the caller, whichever of our lines it interrupts."""
    guarded = Guarded(interrupted, "otherwise", "shop:late", closed=closed)

    with pytest.raises(Late) as caught:
        guarded()
    with pytest.raises(Late):
        StandAside("retry", "shop:late", closed=closed)(caught.value)

    assert METERS.value("mlpolicy_engine_errors_total", function="shop:late") == 0


def test_a_bug_is_told_by_its_class_and_its_place(caplog):
    """Its text may hold values of the user's, or fail to be made."""
    forget()
    for error in (Late(), KeyError("private")):
        assert Guarded(raising(error), 7, "shop:bug", closed=False)() == 7

    first, second = (record.getMessage() for record in caplog.records)
    assert "(Late)" in first
    assert "(KeyError)" in second
    assert "test_guard.py" in second
    assert "private" not in caplog.text


def test_exits_pass():
    """They are no bugs either."""
    with pytest.raises(SystemExit):
        Guarded(raising(SystemExit()), None, "shop:exit", closed=False)()
