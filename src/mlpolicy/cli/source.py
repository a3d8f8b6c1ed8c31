"""The generated code around a function, without importing the function."""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType

from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.survey import Defined, Survey, roots
from mlpolicy.runtime.assemble import steps
from mlpolicy.runtime.driver import from_code

_BODY = {
    "function": ("def", "pass"),
    "coroutine": ("async def", "pass"),
    "generator": ("def", "yield"),
    "async_generator": ("async def", "yield"),
}
_ANY = (Parameter("args", "var_positional"), Parameter("kwargs", "var_keyword"))


def generated(plan: Plan, src: tuple[str, ...]) -> str:
    """Return the driver of *plan* as source, with what its names stand for."""
    looked = Survey(roots(src)).look_up(plan.target)
    known = isinstance(looked, Defined) and looked.kind in _BODY and looked.parameters is not None
    if known and isinstance(looked, Defined):
        code = _stub(plan.target.qualname, looked.kind, looked.parameters)  # type: ignore[arg-type]  # (checked above)
    else:
        code = _stub(plan.target.qualname, "function", _ANY)
    driver = from_code(code, steps(plan, code), target=str(plan.target), twin=_function)
    note = "" if known else "# The signature is not known without importing the module.\n"
    names = [f"#   {name}: {_meaning(value)}" for name, value in driver.constants.items()]
    head = f"# {plan.target}\n{note}# What it names is bound when it is placed:\n"
    return head + "\n".join(names) + "\n\n" + driver.source.rstrip()


def _function() -> None:
    """The original function, of which only the name is shown."""


def _stub(qualname: str, kind: FunctionKind, parameters: Iterable[Parameter]) -> CodeType:
    """Return the code of a function with that signature and no body."""
    name = qualname.rpartition(".")[2]
    word, body = _BODY[kind]
    text = f"{word} {name if name.isidentifier() else 'function'}({_header(parameters)}): {body}"
    module = compile(text, "<explain>", "exec", dont_inherit=True)
    return next(one for one in module.co_consts if isinstance(one, CodeType))


def _header(parameters: Iterable[Parameter]) -> str:
    parts: list[str] = []
    groups = {one.kind for one in parameters}
    for one in parameters:
        if one.kind == "keyword" and "var_positional" not in groups and "*" not in parts:
            parts.append("*")
        if one.kind != "positional_only" and "positional_only" in groups and "/" not in parts:
            parts.append("/")
        star = {"var_positional": "*", "var_keyword": "**"}.get(one.kind, "")
        parts.append(star + one.name)
    if groups == {"positional_only"}:
        parts.append("/")
    return ", ".join(parts)


def _meaning(value: object) -> str:
    if value is _function:
        return "the original function"
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    owner = getattr(value, "__self__", None)
    return (
        f"{name} of {type(owner).__qualname__}" if owner is not None and "." not in name else name
    )
