"""What goes wrong at every call is said once for its place, whatever classes and messages it has."""

from __future__ import annotations

import logging

import pytest

from mlpolicy.core.report import forget
from mlpolicy.core.tick import _goes_on
from mlpolicy.core.world import Guarded
from mlpolicy.rules.monitor.lanes import EXPORTER, Sink
from mlpolicy.rules.monitor.sinks import SINKS

TIMES = 40


def _new(number, *bases):
    """Return an object of a class of its own."""
    return type(f"Made{number}", bases, {"__slots__": ("held",), "__reduce__": None})()


def _fails(number):
    raise type(f"Made{number}", (Exception,), {"__str__": lambda self: 1 / 0})(number)


def key(place):
    return place(lambda x: 1, cache={"ttl": "1m"})


def result(place):
    made = iter(range(1000))
    return place(lambda x: _new(next(made)), cache={"ttl": "1m", "key": ["x.__class__.__name__"]})


def bug(place):
    made = iter(range(1000))
    return Guarded(lambda _: _fails(next(made)), None, "m:f", closed=False)


def background(place):
    return lambda one: _goes_on(one, _fails)


def sink(place):
    class Failing(Sink):
        made = iter(range(1000))

        def write(self, event):
            _fails(next(self.made))

    SINKS.add("failing", Failing())
    every = {"log": {"sample": "100%"}, "sinks": ["failing"]}
    return place(lambda x: 1, monitor=every)


@pytest.mark.parametrize("make", [key, result, bug, background, sink])
def test_what_goes_wrong_anew_is_said_once(place, make, caplog):
    """Forty classes and forty messages are one warning."""
    work = make(place)
    forget()

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        for number in range(TIMES):
            work(_new(number))
        assert EXPORTER.flush(5)
    SINKS.remove("failing")

    assert len([one for one in caplog.records if one.name == "mlpolicy"]) == 1
