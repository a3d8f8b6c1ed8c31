"""A driver: the code that runs the steps around one function."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Sequence
from types import CodeType, FunctionType
from typing import Any

from mlpolicy.core.frozen import frozen
from mlpolicy.core.inside import is_below
from mlpolicy.core.step import Step
from mlpolicy.core.target import LOCALS
from mlpolicy.runtime.loom import Weaver
from mlpolicy.runtime.template import MARKED, Birth, aside, asks, body, compiled, shape, source
from mlpolicy.runtime.world import REAL, World

TWIN = "__mlpolicy_twin__"
"""The attribute by which a twin is told from functions of the user's."""
_MADE = itertools.count()


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
        close(self.steps)


def close(steps: Iterable[Step]) -> None:
    """Let *steps* go, and what stands in for them."""
    for step in steps:
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


def behind(function: FunctionType, code: CodeType) -> FunctionType | Birth:
    """Return what a driver on *function* calls to run *code*: a twin, or one born at each call.

    A twin has the cells and the globals of the function. The garbage collector does not look
    into code: where these lead back to a function that was made at run time, it would be kept.
    """
    # (by its globals: a function may say that it is of another module, as numpy's do)
    module = sys.modules.get(function.__globals__.get("__name__", ""))
    lasts = getattr(module, "__dict__", None) is function.__globals__
    if lasts and (function.__closure__ is None or LOCALS not in code.co_qualname):
        return twin_of(function, code)
    return Birth(code)


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

    Without a *twin*, or with a `Birth` of one, it makes one at every call of it from its own globals
    and cells: such a driver can stand in a module's code before any function of it exists.
    *closed* lets a bug in a step fail the call, where it would stand aside.
    """
    form, free = shape(code), code.co_freevars
    loom = Weaver(
        target,
        form.kind,
        parameters=form.names,
        reserved=free,
        world=world,
        numbered=any(asks(step, "numbers_calls") for step in steps),
    )
    loom.closed = closed
    if twin is not None and LOCALS in code.co_qualname:
        loom.home = f"{target} {next(_MADE)}"  # others bear its name, with state of their own
    birth = Birth(code) if twin is None else twin if isinstance(twin, Birth) else None
    if birth:  # the expression of a function with these cells, whose code takes its place
        name = f"(lambda: ({''.join(f'{cell}, ' for cell in birth.own.co_freevars)}))"
    else:
        name = loom.constant("twin", twin)
    if set(free) - {"__class__"}:
        loom.closure = f"{name}.__closure__"
    lines = body(form, steps, loom, twin=name)
    # mlpolicy itself may call the function, by this name or by its own.
    own = twin.__globals__.get("__name__") if isinstance(twin, FunctionType) else None
    if is_below(target.partition(":")[0]) or is_below(str(own)):
        loom.head[:0] = aside(form, loom, twin=name)
    named = code.co_name if code.co_name.isidentifier() else "driver"
    text = source(form, lines, loom, name=named)
    made = compiled(text, loom, code, birth)
    return Driver(target, made, MARKED.sub(r"\1", text), tuple(steps), loom.constants)
