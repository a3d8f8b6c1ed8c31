"""What a driver needs from outside: a clock, ways to sleep, and what stands aside after a bug of ours.

On the thread of an event loop a plain function that sleeps stops all else.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from sys import _getframe
from traceback import format_tb
from types import FrameType
from typing import Any, Final

from mlpolicy.core import clock
from mlpolicy.core.frozen import frozen
from mlpolicy.core.live import Live
from mlpolicy.core.metrics import METERS
from mlpolicy.core.report import interrupts, say_once
from mlpolicy.core.threads import Waiter, running_trio, sleep_async, within


@frozen()
class World:
    """The clock in seconds, and how a thread and a coroutine sleep."""

    now: Callable[[], float] = clock.REAL
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = sleep_async
    within: Callable[[float | None], AbstractAsyncContextManager[object]] = within
    """Ends what is awaited inside by `TimeoutError` when so many seconds are over."""
    wait: Callable[[Waiter, float], bool] | None = None
    """How a call waits to be woken, where it must not wait for real; threads and coroutines alike."""


REAL = World()


class Pause(Live):
    """Sleeps, and says once of a function that its pauses block an event loop."""

    target = ""
    sleep: Callable[[float], None] = time.sleep

    def __init__(self, target: str, sleep: Callable[[float], None]) -> None:
        self.target = target
        self.sleep = sleep

    def __call__(self, seconds: float) -> None:
        """Sleep for *seconds*."""
        self._look()
        self.sleep(seconds)

    def wait(self, waiter: Waiter, at_most: float | None) -> bool:
        """Wait to be woken, *at_most* seconds."""
        self._look()
        return waiter.wait(at_most)

    def _look(self) -> None:
        if self.target and _in_loop():
            say_once(
                f"blocking:{self.target}",
                f"{self.target} pauses the thread of an event loop, and all other tasks with it: "
                "make it asynchronous, or call it by `asyncio.to_thread`",
            )


def _in_loop() -> bool:
    """Tell whether this thread runs the event loop of asyncio or trio."""
    asyncio: Any = sys.modules.get("asyncio")
    try:
        if asyncio is not None and asyncio._get_running_loop() is not None:
            return True
        return running_trio() is not None
    except AttributeError:  # a module of that name that is another, or not there yet
        return False


class StandAside(Live):
    """Told of a bug of ours in a rule: reports it once, counts it every time, and gives nothing.

    With `on_engine_error: closed` the call fails with it.
    What a signal handler raises meanwhile is no bug, and passes.
    """

    target = ""
    """Empty in a process where the policy is not in force: steps know nothing there."""

    def __init__(self, what: str, target: str, *, closed: bool) -> None:
        self.what = what
        self.target = target
        self.closed = closed

    def __call__(self, bug: Exception) -> None:
        """Report *bug*; raise it where the policy wants such calls to fail, or where it is none."""
        if interrupts(bug):
            raise bug
        if not self.target:
            return
        name, help = "mlpolicy_engine_errors_total", "Rules that stood aside by a bug."
        METERS.counter(name, help, function=self.target).add()
        # Its class and its path say what is wrong; its text may hold values, or fail to be made.
        where = "".join(format_tb(bug.__traceback__))
        say_once(
            f"engine:{self.target}:{self.what}:{_lasting(type(bug))}",
            f"{self.target}: the rule behind {self.what} failed by itself ({type(bug).__name__}) "
            f"and stands aside; the call goes on. Please report this.\n{where}",
        )
        if self.closed:
            raise bug


class Guarded(Live):
    """Calls a method; what it should not raise makes it stand aside, and *otherwise* is given."""

    method: Callable[..., object] | None = None
    """None in a process where the policy is not in force."""

    def __init__(
        self, method: Callable[..., object], otherwise: object, target: str, *, closed: bool
    ) -> None:
        self.method = method
        self.otherwise = otherwise
        name = getattr(method, "__qualname__", repr(type(method)))
        self.aside = StandAside(name, target, closed=closed)

    def __call__(self, *arguments: Any) -> object:
        """Give what the method gives."""
        if self.method is None:
            return None
        try:
            return self.method(*arguments)
        except Exception as error:  # noqa: BLE001 (it is told whether it passes)
            self.aside(error)
            return self.otherwise


def _lasting(cls: type) -> str:
    """Return the name of *cls*, or of the first class above it that is found in its module.

    A class that is made on the fly would be something new to say each time.
    """
    for base in cls.__mro__:
        found: object = vars(sys.modules.get(str(base.__module__), sys)).get(base.__name__)
        if found is base:
            return base.__name__
    return ""


_LIBRARIES: Final = (
    "annotated_types click importlib_metadata jsonschema prometheus_client psutil pydantic "
    "pydantic_core referencing rich typing_extensions xxhash yaml"
)
_BELOW: Final = sys.stdlib_module_names | set(_LIBRARIES.split())
"""The packages that mlpolicy stands on: nobody else's functions are called by it."""
_PASSES_ON: Final = ("mlpolicy.cli", "mlpolicy.testing", "mlpolicy.core.awaiting")
"""Modules of ours that call on behalf of others."""
_DEEPEST: Final = 200


def is_below(module: str) -> bool:
    """Tell whether mlpolicy itself may call functions of that *module*."""
    return module.partition(".")[0] in _BELOW


def is_ours() -> bool:
    """Tell whether the caller of the driver that asks is mlpolicy.

    It is, where nothing but what mlpolicy stands on lies between: code of the user's that it
    runs is the user's.
    """
    frame: FrameType | None = _getframe(2)
    for _ in range(_DEEPEST):
        if frame is None:
            return False
        ours = _side(frame.f_globals.get("__name__"))
        if ours is not None:
            return ours
        frame = frame.f_back
    return False


@lru_cache(10_000)
def _side(name: object) -> bool | None:
    """Return whose the module of that *name* is; None where its caller decides."""
    text = str(name)
    if text.startswith(_PASSES_ON) or is_below(text):
        return None
    return text.startswith("mlpolicy.")
