"""The generated code around a function, without importing the function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from mlpolicy.cli.sources import survey
from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.plan.plan import Plan
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import from_code
from mlpolicy.source import Defined
from mlpolicy.testing.signature import of_parameters

_ANY = (Parameter("args", "var_positional"), Parameter("kwargs", "var_keyword"))


def generated(plan: Plan, src: tuple[str, ...]) -> str:
    """Return the driver of *plan* as source, with what its names stand for."""
    looked = survey(src).look_up(plan.target)
    kind: FunctionKind = "function"
    parameters: Iterable[Parameter] = _ANY
    known = isinstance(looked, Defined) and looked.is_function and looked.parameters is not None
    if isinstance(looked, Defined) and known:
        kind, parameters = cast("FunctionKind", looked.kind), looked.parameters or ()
    bare = (Parameter(one.name, one.kind) for one in parameters)
    code = of_parameters(plan.target.qualname, bare, kind).__code__
    driver = from_code(code, steps(plan, code), target=str(plan.target), twin=_function)
    note = "" if known else "# The signature is not known without importing the module.\n"
    names = [f"#   {name}: {_meaning(value)}" for name, value in driver.constants.items()]
    head = f"# {plan.target}\n{note}# What it names is bound when it is placed:\n"
    return head + "\n".join(names) + "\n\n" + driver.source.rstrip()


def _function() -> None:
    """The original function, of which only the name is shown."""


def _meaning(value: object) -> str:
    if value is _function:
        return "the original function"
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    owner = getattr(value, "__self__", None)
    return (
        f"{name} of {type(owner).__qualname__}" if owner is not None and "." not in name else name
    )
