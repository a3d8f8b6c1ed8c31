"""Functions without a body, from their parameters; and arguments by name, put in their places."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, Final

from mlpolicy.core.site import FunctionKind, Parameter
from mlpolicy.core.spelling import closest, did_you_mean

_FORMS: Final = {
    "function": "def {}{}: pass",
    "coroutine": "async def {}{}: pass",
    "generator": "def {}{}: yield",
    "async_generator": "async def {}{}: yield",
}


class SignatureError(ValueError):
    """A text is not a signature, or arguments do not fit one; the message is for people."""

    def __init__(self, message: str, argument: str = "", help: str = "") -> None:
        super().__init__(message)
        self.argument = argument
        self.help = help


def function(qualname: str, text: str, kind: FunctionKind) -> FunctionType:
    """Return a function of that name, signature and kind, which does nothing.

    Raises:
        SignatureError: *text* is not a list of parameters.
    """
    name = qualname.rpartition(".")[2]
    name = name if name.isidentifier() else "function"
    written = text.strip() if text.strip().startswith("(") else f"({text.strip()})"
    try:
        tree = ast.parse(_FORMS[kind].format(name, written))
        [made] = tree.body
        assert isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef)
    except (SyntaxError, ValueError, AssertionError) as error:
        reason = getattr(error, "msg", error)
        raise SignatureError(f"`{text}` is not a signature: {reason}") from None
    # Nothing may be left that would run code: no annotations, and plain defaults alone.
    made.returns = None
    for node in ast.walk(made.args):
        if isinstance(node, ast.arg):
            node.annotation = None
    for default in (*made.args.defaults, *filter(None, made.args.kw_defaults)):
        try:
            ast.literal_eval(default)
        except ValueError:
            problem = f"the default `{ast.unparse(default)}` in `{text}` is not a plain value"
            raise SignatureError(problem) from None
    names: dict[str, Any] = {"__name__": "mlpolicy.testing.stubs"}
    exec(compile(tree, "<policy test>", "exec", dont_inherit=True), names)  # noqa: S102 (a function without a body)
    stub: FunctionType = names[name]
    return stub


def of_parameters(
    qualname: str, parameters: Iterable[Parameter], kind: FunctionKind
) -> FunctionType:
    """Return a function with those parameters, which does nothing."""
    parts: list[str] = []
    parameters = list(parameters)
    kinds = [parameter.kind for parameter in parameters]
    for at, parameter in enumerate(parameters):
        if parameter.kind == "keyword" and "var_positional" not in kinds and "*" not in parts:
            parts.append("*")
        star = {"var_positional": "*", "var_keyword": "**"}.get(parameter.kind, "")
        parts.append(f"{star}{parameter.name}{'=None' if parameter.has_default else ''}")
        if parameter.kind == "positional_only" and "positional_only" not in kinds[at + 1 :]:
            parts.append("/")
    return function(qualname, f"({', '.join(parts)})", kind)


def arguments(
    made: Callable[..., Any], given: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return *given* as a call of *made* passes it: by position, and by name.

    A method gets None for its instance.

    Raises:
        SignatureError: One is missing, or there is none of that name.
    """
    name = getattr(made, "__name__", str(made))
    parameters = inspect.signature(made).parameters
    given = _known(given, parameters, name)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for word, parameter in parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            items = given.pop(word, [])
            if not isinstance(items, list):
                raise SignatureError(f"`*{word}` is a list", word)
            positional += items
        elif parameter.kind is parameter.VAR_KEYWORD:
            rest = given.pop(word, {})
            if not isinstance(rest, dict):
                raise SignatureError(f"`**{word}` is a mapping", word)
            named |= rest
        elif word not in given and parameter.default is parameter.empty:
            raise SignatureError(f"`{name}` needs the argument `{word}`")
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            positional.append(given.pop(word, parameter.default))
        elif word in given:
            named[word] = given.pop(word)
    return tuple(positional), named | given


def _known(
    given: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter], name: str
) -> dict[str, Any]:
    """Return the arguments *given* to the function *name*, with an instance for a method."""
    unknown = [word for word in given if word not in parameters]
    if unknown and all(one.kind is not one.VAR_KEYWORD for one in parameters.values()):
        known = ", ".join(f"`{word}`" for word in parameters) or "none"
        help = did_you_mean(closest(unknown[0], parameters), f"it takes {known}")
        raise SignatureError(f"`{name}` takes no argument `{unknown[0]}`", unknown[0], help)
    first = next(iter(parameters), "")
    return {**({first: None} if first in ("self", "cls") else {}), **given}
