"""What signal handlers raise while a thread of the user's carries out what is ours."""

from __future__ import annotations

import signal

import pytest

from mlpolicy.rules.monitor.lanes import Exporter


class Late(Exception):
    """A time-out of the user's."""


def _late(number, frame):
    raise Late


def test_what_a_handler_raises_is_no_failure_of_a_sink():
    """At the end of the process the main thread has the sinks show what is left."""
    exporter = Exporter()
    exporter._own._periodic[lambda: signal.raise_signal(signal.SIGUSR1)] = None  # (and no thread)
    before = signal.signal(signal.SIGUSR1, _late)
    try:
        with pytest.raises(Late):
            exporter.finish()
    finally:
        signal.signal(signal.SIGUSR1, before)
