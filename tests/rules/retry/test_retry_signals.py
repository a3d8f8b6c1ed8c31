"""Signal handlers that raise in the middle of a call that has failed: theirs is the last word."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.rules.retry.scripts import EXACT


class Late(Exception):
    """Raised by a signal handler."""


class Rude(Exception):
    """An error whose attributes take their time, and are interrupted."""

    @property
    def status_code(self):
        signal.raise_signal(signal.SIGALRM)

    def code(self):
        signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def alarm():
    def late(*_):
        raise Late

    earlier = signal.signal(signal.SIGALRM, late)
    yield
    signal.signal(signal.SIGALRM, earlier)


class Slow:
    """A file whose position is asked for when the time is up."""

    def read(self):
        return b""

    def seek(self, at):
        signal.raise_signal(signal.SIGALRM)

    def tell(self):
        return 0


@pytest.mark.parametrize("name", ["http:503", "grpc:UNAVAILABLE"])
def test_a_handler_that_raises_while_an_error_is_looked_at_passes(place, world, alarm, name):
    """It is no attribute that could not be read."""

    def fetch():
        raise Rude

    place(fetch, world=world, retry={**EXACT, "retry_on": [name]})

    with pytest.raises(Late):
        fetch()


def test_a_handler_that_raises_while_an_argument_is_put_back_passes(place, world, alarm):
    """It is no file that cannot seek."""

    def send(body):
        raise ConnectionError

    with pytest.raises(Late):
        place(send, world=world, retry=EXACT)(Slow())


def lines_of(*names):
    """Return a tracer that raises at the first line of one of our functions of those names."""

    def trace(frame, event, _):
        if frame.f_globals.get("__name__", "").startswith("mlpolicy.rules.retry"):
            if frame.f_code.co_name in names and event == "line":
                sys.settrace(None)
                signal.raise_signal(signal.SIGALRM)
            return trace
        return trace

    return trace


@pytest.mark.parametrize("name", ["failed", "_after", "retries", "put_back", "marks", "note"])
def test_a_handler_that_raises_in_our_own_lines_passes(place, world, alarm, name):
    """Wherever it comes: it is no bug of ours, and the call does not go on."""

    def send(body):
        body.append(1)
        raise ConnectionError

    place(send, world=world, retry={**EXACT, "retry_on": ["transient", "http:503"]})
    earlier = sys.gettrace()
    try:
        sys.settrace(lines_of(name))
        with pytest.raises(Late):
            send([iter(())])
    finally:
        sys.settrace(earlier)
