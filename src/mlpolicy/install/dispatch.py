"""Functions after whose calls there may be something to place.

Those that choose an implementation by the class of an argument are some: each of those obeys.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any
from weakref import ref

from mlpolicy.core.classes import name_of
from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.report import say_once
from mlpolicy.install import registry
from mlpolicy.install.lookup import dispatchers, peel
from mlpolicy.install.placing import Placing
from mlpolicy.install.status import Placed
from mlpolicy.runtime.driver import from_code, twin_of


def govern_implementations(placing: Placing, placed: Placed, raw: Any) -> None:
    """Put the driver of *placed* into what is registered at the function *raw*, by and by too."""
    for dispatcher in dispatchers(raw):
        _govern(placing, placed, dispatcher)
        weak = ref(dispatcher)

        def again(weak: ref[Any] = weak) -> None:
            dispatcher = weak()
            if dispatcher is not None:
                _govern(placing, placed, dispatcher)

        follow(placing, dispatcher.register, again)


def _govern(placing: Placing, placed: Placed, dispatcher: Any) -> None:
    """Govern the implementations that are not yet; the default one is the target itself."""
    for cls, implementation in list(dispatcher.registry.items()):
        function = peel(implementation)
        home = function.__globals__.get("__name__") if type(function) is FunctionType else "sys"
        # (of the standard library's, others call the function too, for what it is by itself)
        if str(home).partition(".")[0] in sys.stdlib_module_names - {"__main__"}:
            placed.detail = f"its implementation for `{name_of(cls)}` is not its own function"
            say_once(f"dispatch:{placed.target}", f"{placed.target}: {placed.detail}")
        elif function not in (placed.drivers or ()):
            placing.inner(placed, (function,), implements=True)


def follow(placing: Placing, function: FunctionType, then: Callable[[], None]) -> None:
    """Call *then* after each call of *function*, until the policy is taken away."""
    if function in placing.followed:
        return
    entry = registry.record(function)
    twin = Followed(twin_of(function, entry.base), then)
    placing.follow(function, from_code(entry.own, (), target=function.__qualname__, twin=twin))


class Followed:
    """Calls a function, then what follows it."""

    __slots__ = ("_function", "_then")

    def __init__(self, function: FunctionType, then: Callable[[], None]) -> None:
        self._function = function
        self._then = then

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Give what the function gives."""
        result = self._function(*args, **kwargs)
        try:
            self._then()
        except Exception as error:  # (a bug of ours must not break the user's call)
            if interrupts(error):
                raise
            say_once("follow", f"placing failed: {error}", error=error)
        return result

    def __reduce__(self) -> Any:
        """Travel as the function that it calls."""
        return operator.getitem, ((self._function,), 0)
