"""A driver: the code that runs the steps around one function."""

from __future__ import annotations

from collections.abc import Sequence
from types import CodeType, FunctionType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.step import Step
from mlpolicy.runtime.loom import Weaver
from mlpolicy.runtime.stub import made_from
from mlpolicy.runtime.template import MARKED, body, compiled, shape, source
from mlpolicy.runtime.world import REAL, World


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
    lines = body(form, steps, loom, twin=name)
    if twin is None:
        loom.head.append(_born(name, code, loom))
    text = source(form, lines, loom, name=_name(code))
    shown = MARKED.sub(r"\1", text)
    return Driver(target, compiled(text, loom, code), shown, tuple(steps), loom.constants)


def _name(code: CodeType) -> str:
    return code.co_name if code.co_name.isidentifier() else "driver"


class Birth:
    """Makes a twin from a function born in the place where the driver runs."""

    __slots__ = ("own",)

    def __init__(self, own: CodeType) -> None:
        self.own = own

    def __call__(self, witness: FunctionType) -> FunctionType:
        """Return the original function, with the globals and the cells of *witness*."""
        return made_from(self.own, witness)


def _born(twin: str, code: CodeType, loom: Weaver) -> str:
    free = "".join(f"{name}, " for name in code.co_freevars)
    return f"{twin} = {loom.constant('born', Birth(code))}(lambda: ({free}))"
