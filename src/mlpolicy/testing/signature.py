"""Functions without a body, from their parameters; and arguments by name, put in their places."""

from __future__ import annotations

import ast
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import Any, Final

from mlpolicy.core.diagnostic import closest, did_you_mean
from mlpolicy.core.site import FunctionKind, Parameter, text_of

_FORMS: Final = {
    "function": "def {}{}: pass",
    "coroutine": "async def {}{}: pass",
    "generator": "def {}{}: yield",
    "async_generator": "async def {}{}: yield",
}
_KINDS: Final = {
    "positional": inspect.Parameter.POSITIONAL_OR_KEYWORD,
    "positional_only": inspect.Parameter.POSITIONAL_ONLY,
    "var_positional": inspect.Parameter.VAR_POSITIONAL,
    "keyword": inspect.Parameter.KEYWORD_ONLY,
    "var_keyword": inspect.Parameter.VAR_KEYWORD,
}

_FORMS_OF_REST: Final[dict[Any, tuple[type, str]]] = {
    inspect.Parameter.VAR_POSITIONAL: (list, "list"),
    inspect.Parameter.VAR_KEYWORD: (dict, "mapping"),
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
        assert "".join(map(ast.unparse, made.body)).strip("()") in ("pass", "yield")
    except (SyntaxError, ValueError, AssertionError, RecursionError, MemoryError) as error:
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
        except (ValueError, TypeError, RecursionError, MemoryError):
            problem = f"the default `{text_of(default)}` in `{text}` is not a plain value"
            raise SignatureError(problem) from None
    names: dict[str, Any] = {"__name__": "mlpolicy.testing.stubs"}
    try:
        code = compile(tree, "<policy test>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", error)
        raise SignatureError(f"`{text}` is not a signature: {reason}") from None
    exec(code, names)  # nosec B102  # noqa: S102 (a function without a body)
    stub: FunctionType = names[name]
    return stub


def of_parameters(
    qualname: str, parameters: Iterable[Parameter], kind: FunctionKind
) -> FunctionType:
    """Return a function with those parameters, which does nothing."""
    defaults = {True: None, False: inspect.Parameter.empty}
    made = (
        inspect.Parameter(one.name, _KINDS[one.kind], default=defaults[one.has_default])
        for one in parameters
    )
    return function(qualname, str(inspect.Signature([*made])), kind)


def arguments(
    made: Callable[..., Any], given: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return *given* as a call of *made* passes it: by position, and by name.

    A method gets None for its instance.

    Raises:
        SignatureError: One is missing, or there is none of that name.
    """
    name, signature = getattr(made, "__name__", str(made)), inspect.signature(made)
    parameters = signature.parameters
    first = next(iter(parameters), "")
    given = {**({first: None} if first in ("self", "cls") else {}), **given}
    more = _unknown(given, parameters, name)
    for word, one in parameters.items():
        if one.kind in _FORMS_OF_REST:
            form, called = _FORMS_OF_REST[one.kind]
            if not isinstance(given.get(word, form()), form):
                raise SignatureError(f"`{one}` is a {called}", word)
        elif one.default is one.empty and word not in given:
            raise SignatureError(f"`{name}` needs the argument `{word}`")
    bound = inspect.BoundArguments(
        signature, OrderedDict({word: given[word] for word in parameters if word in given})
    )
    bound.apply_defaults()
    return bound.args, bound.kwargs | {word: given[word] for word in more}


def _unknown(given: Mapping[str, Any], parameters: Mapping[str, Any], name: str) -> list[str]:
    """Return which of *given* are no parameters, which only `**rest` takes."""
    more = [word for word in given if word not in parameters]
    if more and all(one.kind is not one.VAR_KEYWORD for one in parameters.values()):
        known = ", ".join(f"`{word}`" for word in parameters) or "none"
        help = did_you_mean(closest(more[0], parameters), f"it takes {known}")
        raise SignatureError(f"`{name}` takes no argument `{more[0]}`", more[0], help)
    return more
