"""A driver: the code that runs the steps around one function."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType, FunctionType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.inside import is_below
from mlpolicy.core.step import Step
from mlpolicy.runtime.loom import Weaver
from mlpolicy.runtime.template import aside, body, compiled, shape, source
from mlpolicy.runtime.world import REAL, World

TWIN = "__mlpolicy_twin__"
"""The attribute by which a twin is told from functions of the user's."""


@frozen()
class Driver:
    """Generated code for one function, with the text it was compiled from."""

    target: str
    code: CodeType
    source: str
    steps: tuple[Step, ...]
    constants: dict[str, object]

    def close(self) -> None:
        """Let the steps go."""
        for step in self.steps:
            for one in step.each():
                one.close()


def build(
    function: FunctionType, steps: Sequence[Step], *, target: str, world: World = REAL
) -> Driver:
    """Return the driver of *steps* around *function*, which keeps its own code until swapped."""
    return from_code(function.__code__, steps, target=target, twin=twin_of(function), world=world)


def twin_of(function: FunctionType, code: CodeType | None = None) -> FunctionType:
    """Return a private function that runs the original code with the same globals and cells."""
    twin = FunctionType(
        code or function.__code__,
        function.__globals__,
        function.__name__,
        None,
        function.__closure__,
    )
    twin.__qualname__ = function.__qualname__
    twin.__module__ = function.__module__
    twin.__kwdefaults__ = None
    twin.__dict__[TWIN] = True
    return twin


def from_code(
    code: CodeType,
    steps: Sequence[Step],
    *,
    target: str,
    twin: Any = None,
    world: World = REAL,
    closed: bool = False,
) -> Driver:
    """Return the driver for *code*.

    Without a *twin* it makes one at every call from its own globals and cells: such a driver
    can stand in a module's code before any function of it exists.
    *closed* lets a bug in a step fail the call, where it would stand aside.
    """
    form = shape(code)
    numbered = any(step.kind == "monitor" for step in steps)
    free = code.co_freevars
    loom = Weaver(
        target, form.kind, parameters=form.names, reserved=free, world=world, numbered=numbered
    )
    loom.closed = closed
    name = loom.local("twin") if twin is None else loom.constant("twin", twin)
    if set(free) - {"__class__"}:
        loom.closure = f"{name}.__closure__"
    lines = body(form, steps, loom, twin=name)
    born = [_born(name, code, loom)] if twin is None else []
    if _is_below(target, twin):
        loom.head[:0] = [*born, *aside(form, loom, twin=name)]
    else:
        loom.head += born
    text = source(form, lines, loom, name=_name(code))
    made = compiled(text, loom, code)
    if twin is None:
        # cloudpickle takes along the global names that code within a function's code uses.
        made = made.replace(co_consts=(*made.co_consts, code))
    return Driver(target, made, text, tuple(steps), loom.constants)


def _is_below(target: str, twin: Any) -> bool:
    """Tell whether mlpolicy itself may call the function, by this name or by its own."""
    own = twin.__globals__.get("__name__") if isinstance(twin, FunctionType) else None
    return is_below(target.partition(":")[0]) or is_below(str(own))


def _name(code: CodeType) -> str:
    return code.co_name if code.co_name.isidentifier() else "driver"


class Birth:
    """Makes a twin from a function born in the place where the driver runs."""

    __slots__ = ("code",)

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __call__(self, witness: FunctionType) -> FunctionType:
        """Return the original function, with the globals and the cells of *witness*."""
        return FunctionType(
            self.code, witness.__globals__, self.code.co_name, None, witness.__closure__
        )


def _born(twin: str, code: CodeType, loom: Weaver) -> str:
    free = "".join(f"{name}, " for name in code.co_freevars)
    return f"{twin} = {loom.constant('born', Birth(code))}(lambda: ({free}))"
