"""What `validate` asks for, against the annotations of a function; classes that are not there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlpolicy.core.default import function_of
from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.site import GENERATORS
from mlpolicy.core.words import did_you_mean
from mlpolicy.rules.validate.annotated import Types, allows_dtype, types_of
from mlpolicy.rules.validate.check import check
from mlpolicy.rules.validate.checks.dtypes import spelt
from mlpolicy.rules.validate.checks.models import why_none

if TYPE_CHECKING:
    from mlpolicy.core.function import Function
    from mlpolicy.rules.validate.rule import Spec, ValidateRule

_ARRAYS: Types = frozenset({"ndarray", "tensor", "dataframe"})
_ASKED: dict[str, Types] = {
    "int": frozenset({"int"}),
    "float": frozenset({"float", "int"}),
    **{
        name: frozenset({name})
        for name in ("str", "bool", "bytes", "mapping", "sequence", *_ARRAYS)
    },
}
"""What a type of a policy file takes; `int` does not take a `bool` there."""
_SHOWN = {
    "null": "null",
    "mapping": "a mapping",
    "sequence": "a list",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "a truth value",
}


def lint(rule: ValidateRule, function: Function) -> Iterator[Diagnostic]:
    """Yield classes that are not there, and what contradicts the annotations of *function*."""
    for setting, spec in _specs(rule):
        yield from _classes(spec, setting, function)
    if function.is_disabled or function.node is None:
        return
    for name, spec in rule.args.items():
        what = f"argument `{name}` of `{function.name}`"
        yield from _contradicted(what, spec, f"args.{name}", function, name)
    if rule.returns is not None and function.kind in GENERATORS:
        what = "an async generator" if function.kind == "async_generator" else "a generator"
        yield Diagnostic(
            "MP210",
            f"`{function.name}` is {what}: `returns` is not looked at",
            function.at("returns"),
            "warning",
            help="check what is yielded where it is used, or validate a function that returns it",
            related=function.line("it is defined here"),
        )
    elif rule.returns is not None:
        what = f"the result of `{function.name}`"
        yield from _contradicted(what, rule.returns, "returns", function, "return")
    if function.kind not in GENERATORS:
        yield from _default(rule, function)


def _specs(rule: ValidateRule) -> Iterator[tuple[str, Spec]]:
    """Yield every spec of *rule*, those inside of others too, with its setting."""
    pending = [(f"args.{name}", spec) for name, spec in rule.args.items()]
    pending += [("returns", rule.returns)] if rule.returns is not None else []
    for setting, spec in pending:  # (which grows)
        yield setting, spec
        pending += [(f"{setting}.fields.{name}", inner) for name, inner in spec.fields.items()]
        pending += [(f"{setting}.items", spec.items)] if spec.items is not None else []


# --- classes and models ---------------------------------------------------------------


def _classes(spec: Spec, setting: str, function: Function) -> Iterator[Diagnostic]:
    """Yield the dotted names under `type` and `model` that are not there, or no class."""
    alone = isinstance(spec.type, str)
    for number, name in enumerate(_types(spec)):
        if isinstance(name, str) and ("." in name or ":" in name):
            place = f"{setting}.type" if alone else f"{setting}.type.{number}"
            yield from _class(name, "class", place, function)
    if spec.model is None:
        return
    place = f"{setting}.model"
    found = list(_class(spec.model, "model", place, function))
    path = spec.model.replace(":", ".")
    why = why_none(spec.model, function.resolve) if function.resolve is not None else ""
    if not found and why:
        message = f"the model `{spec.model}` {why}"
        found = [Diagnostic("MP208", message, function.at(place))]
    elif not found and function.look_up(f"{path}.model_validate").kind == "absent":
        help = "a model is a class below `pydantic.BaseModel`: for any other, write `type`"
        message = f"the model `{path}` is not a pydantic model"
        found = [Diagnostic("MP208", message, function.at(place), help=help)]
    yield from found


def _class(text: str, noun: str, place: str, function: Function) -> Iterator[Diagnostic]:
    path = text.replace(":", ".")
    found = function.look_up(path)
    if found.kind == "absent":
        module, _, name = path.rpartition(".")
        yield Diagnostic(
            "MP208",
            f"`{module}` has no {noun} `{name}`",
            function.at(place),
            help=did_you_mean(found.closest),
            suggestions=repair(function.at(place), found.closest),
        )
    elif found.kind in ("function", "value"):
        message = f"`{path}` is a {found.kind}, not a {noun}"
        yield Diagnostic("MP208", message, function.at(place))


def _types(spec: Spec) -> tuple[str, ...]:
    """Return the types of which a value must be one; none where any will do."""
    return (spec.type,) if isinstance(spec.type, str) else spec.type or ()


# --- annotations ----------------------------------------------------------------------


def _contradicted(
    what: str, spec: Spec, setting: str, function: Function, name: str
) -> Iterator[Diagnostic]:
    """Yield what *spec* asks for of *what* and no value of its annotation is."""
    annotation = function.annotations.get(name)
    if annotation is None:
        return
    asked, field = _asked(spec)
    allowed = types_of(annotation, function)
    dtypes = [spec.dtype] if isinstance(spec.dtype, str) else spec.dtype
    if asked is not None and allowed is not None and not asked & allowed:
        wanted = f"type `{'` or `'.join(_types(spec))}`" if field == "type" else f"a `{field}`"
    elif dtypes and not allows_dtype(annotation, [spelt(one) for one in dtypes], function):
        wanted, field = "dtype " + " or ".join(f"`{one}`" for one in dtypes), "dtype"
    else:
        return
    yield Diagnostic(
        "MP209",
        f"{what} is annotated `{ast.unparse(annotation)}`, and {wanted} is asked for",
        function.at(f"{setting}.{field}", setting),
        "warning",
        help="no value is both: every call would be refused, or the annotation is wrong",
    )


def _asked(spec: Spec) -> tuple[Types | None, str]:
    """Return which types of values *spec* takes, where it says so, and the field that does."""
    if spec.type is not None:
        each = [_ASKED.get(one) for one in _types(spec)]
        known = [one for one in each if one is not None]
        return frozenset().union(*known) if len(known) == len(each) else None, "type"
    for field in ("dtype", "shape", "ndim"):
        if getattr(spec, field) not in ((), None):
            return _ARRAYS, field
    return None, ""


def _default(rule: ValidateRule, function: Function) -> Iterator[Diagnostic]:
    """Yield a default that is not what the function says it returns."""
    annotation = function.annotations.get("return")
    if rule.on_fail != "default" or function_of(rule.default) or annotation is None:
        return
    if any(code in ("MP205", "MP206") for code, *_ in check(rule)):
        return  # it is missing, or `returns` of the rule refuses it already
    allowed = types_of(annotation, function)
    if allowed is None and _takes_no_plain_value(annotation, function):
        allowed = frozenset()
    kind = _kind(rule.default)
    if allowed is None or kind not in _SHOWN or kind in allowed:
        return
    if kind == "int" and "float" in allowed:
        return
    yield Diagnostic(
        "MP206",
        f"`{function.name}` is annotated to return `{ast.unparse(annotation)}`, "
        f"and the default is {_SHOWN[kind]}",
        function.at("default"),
        help='give what callers expect, or name a function: `default: {call: "module:function"}`',
    )


def _takes_no_plain_value(annotation: ast.expr, function: Function) -> bool:
    """Whether *annotation* is a class of which no value of a policy file is an instance."""
    lineage = function.lineage(annotation)
    for node in lineage:
        if node is None or node.keywords:
            return False
        names = (ast.unparse(base).partition("[")[0] for base in node.bases)
        if any(name.endswith(("Protocol", "TypedDict", "ABC")) for name in names):
            return False
    return bool(lineage)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "mapping"
    return "sequence" if isinstance(value, list | tuple) else type(value).__name__
