"""A step's method, made safe: a bug of ours stands aside instead of failing the user's call."""

from __future__ import annotations

import sys
from collections.abc import Callable
from traceback import format_tb
from typing import Any

from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.live import Live
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import say_once


class Guarded(Live):
    """Calls a method; what it should not raise is reported once, and *otherwise* given.

    With `on_engine_error: closed` the call fails with it.
    What a signal handler raises meanwhile is no bug, and passes.
    """

    method: Callable[..., object] | None = None
    """None in a process where the policy is not in force."""

    def __init__(
        self, method: Callable[..., object], otherwise: object, target: str, *, closed: bool
    ) -> None:
        self.method = method
        self.otherwise = otherwise
        self.target = target
        self.closed = closed

    def __call__(self, *arguments: Any) -> object:
        """Give what the method gives."""
        if self.method is None:
            return None
        try:
            return self.method(*arguments)
        except Exception as error:
            if interrupts(error):
                raise
            name = getattr(self.method, "__qualname__", repr(type(self.method)))
            stand_aside(self.target, name, error)
            if self.closed:
                raise
            return self.otherwise


class StandAside(Live):
    """Told of a bug in the lines of a step: reports it, and gives nothing."""

    target = ""
    """Empty in a process where the policy is not in force: steps know nothing there."""

    def __init__(self, kind: str, target: str, *, closed: bool) -> None:
        self.kind = kind
        self.target = target
        self.closed = closed

    def __call__(self, bug: Exception) -> None:
        """Report *bug*; raise it where the policy wants such calls to fail, or where it is none."""
        if interrupts(bug):
            raise bug
        if not self.target:
            return
        stand_aside(self.target, self.kind, bug)
        if self.closed:
            raise bug


def stand_aside(target: str, what: str, error: BaseException) -> None:
    """Report once that a rule of *target* failed by our fault, and count it every time."""
    METERS.counter(
        "mlpolicy_engine_errors_total", "Rules that stood aside by a bug.", function=target
    ).add()
    # Its class and its path say what is wrong; its text may hold values, or fail to be made.
    where = "".join(format_tb(error.__traceback__))
    say_once(
        f"engine:{target}:{what}:{_lasting(type(error))}",
        f"{target}: the rule behind {what} failed by itself ({type(error).__name__}) "
        f"and stands aside; the call goes on. Please report this.\n{where}",
    )


def _lasting(cls: type) -> str:
    """Return the name of *cls*, or of the first class above it that is found in its module.

    A class that is made on the fly would be something new to say each time.
    """
    for base in cls.__mro__:
        found: object = vars(sys.modules.get(str(base.__module__), sys)).get(base.__name__)
        if found is base:
            return base.__name__
    return ""
