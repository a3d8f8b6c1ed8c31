"""Methods that a dataclass and its like get without a line of source."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from mlpolicy.core.site import Parameter
from mlpolicy.plan.survey.functions import decorators_of, dotted, full_name, shortened
from mlpolicy.plan.survey.module import Scope
from mlpolicy.plan.survey.things import Class

_DATACLASS = "dataclasses.dataclass"
_NAMED_TUPLE = ("typing.NamedTuple", "typing_extensions.NamedTuple")
FIELD_MAKERS = frozenset(
    [
        _DATACLASS,
        "pydantic.dataclasses.dataclass",
        *(f"attr.{one}" for one in ("s", "attrs", "define", "frozen", "mutable", "dataclass")),
        *(f"attrs.{one}" for one in ("define", "frozen", "mutable")),
    ]
)
"""Decorators that write an `__init__` from the annotations of a class."""
_COMPARES = ("__lt__", "__le__", "__gt__", "__ge__")
_OF_NAMED_TUPLE = ("__new__", "_make", "_replace", "_asdict")


def writes_method(owner: Class, name: str) -> str:
    """Return what writes the method *name* of *owner*; nothing where nobody does."""
    for decorator, node in _makers(owner):
        asked = {one.arg: one.value for one in getattr(node, "keywords", ()) if one.arg}
        if name == "__init__" and not _is(asked.get("init"), value=False):
            return decorator
        if name in ("__repr__", "__eq__", "__hash__"):
            return decorator
        if name in _COMPARES and _is(asked.get("order"), value=True):
            return decorator
    bases = [full_name(one, owner.scope) for one in owner.node.bases]
    made = name in _OF_NAMED_TUPLE and any(one in _NAMED_TUPLE for one in bases)
    return "typing.NamedTuple" if made else ""


def init_of(classes: Sequence[Class]) -> tuple[Parameter, ...] | None:
    """Return the parameters of the `__init__` of a dataclass with those bases, itself first.

    None where something else than the standard library writes it.
    """
    fields: dict[str, Parameter] = {}
    for one in reversed(classes):
        makers = dict(_makers(one))
        if not makers:
            continue
        if _DATACLASS not in makers:
            return None
        asked = {key.arg: key.value for key in getattr(makers[_DATACLASS], "keywords", ())}
        keyword_only = _is(asked.get("kw_only"), value=True)
        for name, field in _fields(one.body, keyword_only=keyword_only):
            if field is None:
                fields.pop(name, None)
            else:
                fields[name] = field
    ordered = sorted(fields.values(), key=lambda one: one.kind == "keyword")
    return (Parameter("self", "positional"), *ordered)


def _makers(owner: Class) -> Iterator[tuple[str, ast.expr]]:
    names = decorators_of(owner.node, owner.scope)
    for name, node in zip(names, owner.node.decorator_list, strict=True):
        if name in FIELD_MAKERS:
            yield name, node


def _fields(body: Scope, *, keyword_only: bool) -> Iterator[tuple[str, Parameter | None]]:
    """Yield the fields that a class declares; None for one that `__init__` does not take."""
    node = body.node
    assert isinstance(node, ast.ClassDef)
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        annotation = shortened(statement.annotation)
        if annotation.rpartition(".")[2] == "KW_ONLY":
            keyword_only = True
        elif "ClassVar" not in annotation.partition("[")[0]:
            name = statement.target.id
            yield name, _field(name, annotation, statement.value, keyword_only=keyword_only)


def _field(
    name: str, annotation: str, value: ast.expr | None, *, keyword_only: bool
) -> Parameter | None:
    has_default = value is not None
    if isinstance(value, ast.Call) and (dotted(value.func) or "").rpartition(".")[2] == "field":
        asked = {one.arg: one.value for one in value.keywords}
        if _is(asked.get("init"), value=False):
            return None
        has_default = "default" in asked or "default_factory" in asked
        if "kw_only" in asked:
            keyword_only = _is(asked["kw_only"], value=True)
    return Parameter(name, "keyword" if keyword_only else "positional", has_default, annotation)


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value
