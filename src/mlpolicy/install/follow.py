"""Functions of the standard library after whose calls there may be something to place."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

from mlpolicy.core.interrupt import interrupts
from mlpolicy.core.report import say_once
from mlpolicy.install import registry
from mlpolicy.install.placing import Placing
from mlpolicy.runtime.driver import from_code, twin_of


def follow(placing: Placing, function: FunctionType, then: Callable[[], None]) -> None:
    """Call *then* after each call of *function*, until the policy is taken away."""
    entry = registry.record(function)
    twin = Followed(twin_of(function, entry.base), then)
    driver = from_code(entry.own, (), target=function.__qualname__, twin=twin)
    placing.swap(placing.followed.__setitem__, function, driver)


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
