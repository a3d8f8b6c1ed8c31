"""Functions without a body, from their parameters; and arguments by name, put in their places."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any

from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.core.words import closest, did_you_mean

_BODY = {
    "function": ("def", "pass"),
    "coroutine": ("async def", "pass"),
    "generator": ("def", "yield"),
    "async_generator": ("async def", "yield"),
}
_RECEIVERS = ("self", "cls")


class SignatureError(ValueError):
    """A text is no signature, or arguments do not fit one; the message is for people."""

    def __init__(self, message: str, argument: str = "", help: str = "") -> None:
        super().__init__(message)
        self.argument = argument
        self.help = help


def function(qualname: str, text: str, kind: FunctionKind) -> FunctionType:
    """Return a function of that name, signature and kind, which does nothing.

    Raises:
        SignatureError: *text* is no list of parameters.
    """
    name = qualname.rpartition(".")[2]
    word, body = _BODY[kind]
    written = text.strip()
    written = written if written.startswith("(") else f"({written})"
    try:
        tree = ast.parse(f"{word} {name if name.isidentifier() else 'function'}{written}: {body}")
    except (SyntaxError, ValueError) as error:
        raise SignatureError(f"`{text}` is no signature: {_why(error)}") from None
    made = tree.body[0]
    if len(tree.body) != 1 or not isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef):
        raise SignatureError(f"`{text}` is no signature")
    _strip(made, text)
    return _compiled(tree)


def _why(error: Exception) -> str:
    return str(getattr(error, "msg", error))


def _strip(made: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> None:
    """Leave nothing in *made* that would run code: no annotations, and plain defaults alone."""
    arguments = made.args
    made.returns = None
    stars = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]:
        one.annotation = None
    for default in [*arguments.defaults, *(one for one in arguments.kw_defaults if one)]:
        try:
            ast.literal_eval(default)
        except ValueError:
            shown = ast.unparse(default)
            raise SignatureError(f"the default `{shown}` in `{text}` is no plain value") from None


def _compiled(tree: ast.Module) -> FunctionType:
    names: dict[str, Any] = {"__name__": "mlpolicy.testing.stubs"}
    exec(compile(tree, "<policy test>", "exec", dont_inherit=True), names)  # noqa: S102 (a function without a body)
    return next(one for one in names.values() if isinstance(one, FunctionType))


def of_parameters(
    qualname: str, parameters: Iterable[Parameter], kind: FunctionKind
) -> FunctionType:
    """Return a function with those parameters, which does nothing."""
    return function(qualname, _written(list(parameters)), kind)


def _written(parameters: list[Parameter]) -> str:
    parts: list[str] = []
    kinds = [one.kind for one in parameters]
    for at, one in enumerate(parameters):
        if one.kind == "keyword" and "var_positional" not in kinds and "*" not in parts:
            parts.append("*")
        star = {"var_positional": "*", "var_keyword": "**"}.get(one.kind, "")
        parts.append(f"{star}{one.name}{'=None' if one.has_default else ''}")
        if one.kind == "positional_only" and kinds[at + 1 : at + 2] != ["positional_only"]:
            parts.append("/")
    return f"({', '.join(parts)})"


# --- arguments ------------------------------------------------------------------------


def arguments(
    made: Callable[..., Any], given: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return *given* as a call of *made* passes it: by position, and by name.

    Raises:
        SignatureError: One is missing, or there is none of that name.
    """
    parameters = inspect.signature(made).parameters
    _refuse_unknown(made, given)
    given = dict(given)
    first = next(iter(parameters), "")
    if first in _RECEIVERS and first not in given:
        given[first] = None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, one in parameters.items():
        if one.kind is one.VAR_POSITIONAL:
            positional += _of_star(name, given.pop(name, []), list)
        elif one.kind is one.VAR_KEYWORD:
            named |= _of_star(name, given.pop(name, {}), dict)
        elif name in given:
            by_name = one.kind is one.KEYWORD_ONLY
            named.update({name: given.pop(name)}) if by_name else positional.append(given.pop(name))
        elif one.default is not one.empty:
            if one.kind is not one.KEYWORD_ONLY:
                positional.append(one.default)
        else:
            raise SignatureError(f"`{_name(made)}` needs the argument `{name}`")
    return tuple(positional), named | given


def _of_star(name: str, value: Any, wanted: type[Any]) -> Any:
    if not isinstance(value, wanted):
        what = "`*{0}` is a list" if wanted is list else "`**{0}` is a mapping"
        raise SignatureError(what.format(name), name)
    return value


def _refuse_unknown(made: Callable[..., Any], given: Mapping[str, Any]) -> None:
    parameters = inspect.signature(made).parameters
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    for name in given:
        if name not in parameters:
            near = closest(name, parameters)
            known = ", ".join(f"`{one}`" for one in parameters) or "none"
            help = did_you_mean(near, f"it takes {known}")
            raise SignatureError(f"`{_name(made)}` takes no argument `{name}`", name, help)


def _name(made: Callable[..., Any]) -> str:
    return str(getattr(made, "__name__", made))
