"""What `@validate_input` takes: specs by the names of parameters, or the function's annotations."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mlpolicy.core.model import finding
from mlpolicy.core.words import closest
from mlpolicy.rules.validate import KIND
from mlpolicy.rules.validate.annotations import spec_of
from mlpolicy.rules.validate.rule import ValidateRule

_CLOSED = ("self", "cls")


def settings(
    given: Mapping[str, Any], function: Callable[..., Any], names: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the settings of the rule that the arguments of the decorator say.

    Args:
        given: The arguments of the decorator, by the names of the rule's fields and of parameters.
        function: The function that it stands on.
        names: What names in annotations may stand for, beside the globals of the function.
    """
    parameters = inspect.signature(function).parameters
    words = {word for word, one in KIND.synonyms.items() if one.field in ValidateRule.model_fields}
    fields = {*ValidateRule.model_fields, *(words - set(parameters))}
    made = {name: value for name, value in given.items() if name in fields}
    specs = {name: value for name, value in given.items() if name not in made}
    args = {**made.get("args", {}), **specs}
    twice = next((name for name in specs if name in made.get("args", {})), None)
    if twice is not None:
        raise finding("MP010", f"`{twice}` stands twice: by itself and in `args`", at=(twice,))
    _check_names(args, parameters)
    if not args and not {"returns", *words}.intersection(made):
        args = _annotated(parameters, function, names)
    return {**made, "args": args} if args else made


def _check_names(args: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return
    known = [name for name in parameters if name not in _CLOSED]
    for name in args:
        if name not in parameters:
            near = closest(name, (*known, *ValidateRule.model_fields))
            there = "" if near else f"; there are {', '.join(known)}" if known else "; it has none"
            raise finding(
                "MP202", f"the function has no parameter `{name}`{there}", meant=near or ""
            )


def _annotated(
    parameters: Mapping[str, inspect.Parameter],
    function: Callable[..., Any],
    names: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the specs that annotations say, by parameter."""
    found: dict[str, Any] = {}
    for name, one in parameters.items():
        is_many = one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        if is_many or one.annotation is one.empty:
            continue
        said = spec_of(_read(one, function, names))
        if said:
            found[name] = {**said, "not_null": False} if one.default is None else said
    if not found:
        text = "no annotation of the function says what can be checked"
        raise finding("MP011", f"{text}: name what each argument must be, `x=int`")
    return found


def _read(one: inspect.Parameter, function: Callable[..., Any], names: Mapping[str, Any]) -> Any:
    """Return an annotation as an object: most are text until somebody asks."""
    found, known = one.annotation, getattr(inspect.unwrap(function), "__globals__", {})
    try:
        while isinstance(found, str):  # (text in quotes, too)
            found = eval(found, dict(known), dict(names))  # noqa: S307 (the function's own source, as `typing.get_type_hints` reads it)
    except Exception as error:  # noqa: BLE001 (an annotation may be any expression)
        text = f"the annotation `{one.annotation}` of `{one.name}` cannot be read here"
        why = f"{type(error).__name__}: {error}"
        raise finding(
            "MP010", f"{text} ({why}); say it to the decorator: `{one.name}=...`"
        ) from None
    return found
