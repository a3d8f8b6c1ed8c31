"""What signal handlers raise while functions are placed, among the user's own lines."""

from __future__ import annotations

import signal
import sys
from types import ModuleType, SimpleNamespace

import pytest

from mlpolicy import rules
from mlpolicy.install.bootstrap import Sentry
from mlpolicy.install.hooks import Followed, Watched
from mlpolicy.rules.monitor.prometheus import CLIENT, COLLECTOR


class Late(Exception):
    """A time-out of the user's."""


@pytest.fixture(autouse=True)
def handler():
    """A program whose handler of a signal raises, as time-outs by SIGALRM do."""

    def late(number, frame):
        raise Late

    before = signal.signal(signal.SIGUSR1, late)
    yield
    signal.signal(signal.SIGUSR1, before)


def interrupted(*_):
    signal.raise_signal(signal.SIGUSR1)
    pytest.fail("went on")


def _import():
    ran = SimpleNamespace(exec_module=lambda module: None)
    Watched(ran, SimpleNamespace(loaded=interrupted)).exec_module(ModuleType("shop"))


def _wake():
    held = SimpleNamespace(tops={"shop"})
    Sentry(SimpleNamespace(held=held, waking=set(), wake=interrupted)).find_spec("shop.model")


CASES = [
    _import,
    _wake,
    Followed(lambda: None, interrupted),
    rules.show,
]


@pytest.mark.parametrize("step", CASES, ids=range(len(CASES)))
def test_what_a_handler_raises_passes(monkeypatch, step):
    """Whoever set the alarm gets it, though it came in a line of ours."""
    registry = SimpleNamespace(REGISTRY=SimpleNamespace(register=interrupted))
    monkeypatch.setitem(sys.modules, f"{CLIENT}.registry", registry)
    monkeypatch.setattr(COLLECTOR, "registered", False)

    with pytest.raises(Late):
        step()
