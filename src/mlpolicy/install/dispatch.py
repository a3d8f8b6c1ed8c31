"""Functions that choose an implementation by the class of an argument: each of them obeys."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any
from weakref import ref

from mlpolicy.core.report import say_once
from mlpolicy.install.bare import qualname
from mlpolicy.install.follow import follow
from mlpolicy.install.placing import Placing
from mlpolicy.install.seek import dispatchers, peel
from mlpolicy.install.status import Placed


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
        if type(function) is not FunctionType or _is_of_library(function):
            placed.detail = f"its implementation for `{qualname(cls)}` is not its own function"
            say_once(f"dispatch:{placed.target}", f"{placed.target}: {placed.detail}")
        elif function not in (placed.drivers or ()):
            placing.inner(placed, (function,), implements=True)


def _is_of_library(function: FunctionType) -> bool:
    """Whether others call the function too, for what it is by itself."""
    home = str(function.__globals__.get("__name__"))
    return home.partition(".")[0] in sys.stdlib_module_names - {"__main__"}
