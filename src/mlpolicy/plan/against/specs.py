"""What `validate` asks for, against what the annotations of the function say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from mlpolicy.core.default import function_of
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.site import GENERATORS
from mlpolicy.plan.against import annotated
from mlpolicy.plan.against.about import About, at, in_source, key_of
from mlpolicy.plan.plan import PlannedRule
from mlpolicy.plan.survey.body import Body
from mlpolicy.plan.survey.classes import Ancestor, Foreign
from mlpolicy.plan.survey.functions import shortened
from mlpolicy.rules.validate.checks.dtypes import spelt
from mlpolicy.rules.validate.prove import types

_ARRAYS = frozenset({"ndarray", "tensor", "dataframe"})
_ASKED = {
    "int": frozenset({"int"}),
    "float": frozenset({"float", "int"}),
    **{
        name: frozenset({name})
        for name in ("str", "bool", "bytes", "mapping", "sequence", *_ARRAYS)
    },
}
"""What a type of a policy file takes; `int` is no `bool` there."""


def look(about: About) -> Iterator[Diagnostic]:
    """Yield specs that contradict the annotations, and a default that does."""
    rule, body = about.rule("validate"), about.body
    if rule is None or body is None:
        return
    for name, spec in rule.rule.args.items():
        found = body.parameters.get(name)
        if found is not None:
            what = f"argument `{name}` of `{about.target}`"
            yield from _against(what, spec, found.annotation, (rule, f"args.{name}", body))
    if about.looked.kind in GENERATORS:
        yield from _unseen(about, rule)
        return
    if rule.rule.returns is not None:
        what = f"the result of `{about.target}`"
        yield from _against(what, rule.rule.returns, body.annotation, (rule, "returns", body))
    yield from _default(about, rule, body)


def _unseen(about: About, rule: PlannedRule) -> Iterator[Diagnostic]:
    """Yield `returns` on a generator: what it gives cannot be looked at without taking it."""
    if rule.rule.returns is not None:
        what = "an async generator" if about.looked.kind == "async_generator" else "a generator"
        yield Diagnostic(
            "MP210",
            f"`{about.target}` is {what}: `returns` is not looked at",
            key_of(rule, "returns"),
            "warning",
            help="check what is yielded where it is used, or validate a function that returns it",
            related=(in_source("it is defined here", about.looked),),
        )


def _against(
    what: str, spec: Any, annotation: ast.expr | None, place: tuple[PlannedRule, str, Body]
) -> Iterator[Diagnostic]:
    body = place[2]
    if annotation is None:
        return
    asked, field = _asked(spec)
    allowed = annotated.sorts(annotation, body)
    written = shortened(annotation)
    if asked is not None and allowed is not None and not asked & allowed:
        wanted = f"type `{'` or `'.join(types(spec))}`" if field == "type" else f"a `{field}`"
        yield _contradiction(
            f"{what} is annotated `{written}`, and {wanted} is asked for", place, field
        )
        return
    held = annotated.dtype(annotation, body)
    dtypes = [spec.dtype] if isinstance(spec.dtype, str) else list(spec.dtype)
    if held is not None and dtypes and not any(held[1](spelt(one)) for one in dtypes):
        wanted = " or ".join(f"`{one}`" for one in dtypes)
        text = f"{what} is annotated `{written}`, and dtype {wanted} is asked for"
        yield _contradiction(text, place, "dtype")


def _asked(spec: Any) -> tuple[frozenset[str] | None, str]:
    """Return which sorts of values *spec* takes, where it says so, and the field that does."""
    if spec.type is not None:
        each = [_ASKED.get(one) for one in types(spec)]
        known = [one for one in each if one is not None]
        return frozenset().union(*known) if len(known) == len(each) else None, "type"
    for field in ("dtype", "shape", "ndim"):
        if getattr(spec, field) not in ((), None):
            return _ARRAYS, field
    return None, ""


def _contradiction(message: str, place: tuple[PlannedRule, str, Body], field: str) -> Diagnostic:
    rule, path, _ = place
    written = rule.values.get(f"{path}.{field}")
    span = at(rule, f"{path}.{field}") if written else key_of(rule, path)
    help = "no value is both: every call would be refused, or the annotation is wrong"
    return Diagnostic("MP209", message, span, "warning", help=help)


# --- defaults -------------------------------------------------------------------------


_OF_DEFAULT = ("MP205", "MP206")


def _default(about: About, rule: PlannedRule, body: Body) -> Iterator[Diagnostic]:
    """Yield a default that is not what the function says it returns."""
    given, annotation = rule.rule.default, body.annotation
    if rule.rule.on_fail != "default" or function_of(given) or annotation is None:
        return
    if any(one.code in _OF_DEFAULT for one in about.rulebook.resolve(about.target)[1]):
        return  # it is missing, or `returns` of the rule refuses it already
    allowed = annotated.sorts(annotation, body)
    if allowed is None:
        allowed = _none_of_ours(annotation, body)
    kind = _kind(given)
    if allowed is None or kind in allowed or _fits(kind, allowed):
        return
    yield Diagnostic(
        "MP206",
        f"`{about.target}` is annotated to return `{shortened(annotation)}`, "
        f"and the default is {_shown(kind)}",
        at(rule, "default"),
        help='give what callers expect, or name a function: `default: {call: "module:function"}`',
    )


def _none_of_ours(annotation: ast.expr, body: Body) -> frozenset[str] | None:
    """Return that no plain value will do, where *annotation* is a class that none is of."""
    lineage = body.lineage_of(annotation)
    return frozenset() if lineage and all(map(_is_plain, lineage)) else None


def _is_plain(one: Ancestor) -> bool:
    """Whether all that counts as an instance of a class inherits from it."""
    if isinstance(one, Foreign) or one.node.keywords:
        return False
    names = (shortened(base).partition("[")[0] for base in one.node.bases)
    return not any(name.endswith(("Protocol", "TypedDict", "ABC")) for name in names)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "mapping"
        case list() | tuple():
            return "sequence"
    return type(value).__name__


def _fits(kind: str, allowed: frozenset[str]) -> bool:
    return (kind == "int" and "float" in allowed) or kind not in _SHOWN


_SHOWN = {
    "null": "null",
    "mapping": "a mapping",
    "sequence": "a list",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "a truth value",
}


def _shown(kind: str) -> str:
    return _SHOWN[kind]
