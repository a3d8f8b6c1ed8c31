"""The attributes of a class: its own, those of its bases, and those written for it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator

from mlpolicy.core.frozen import frozen
from mlpolicy.plan.survey.functions import decorators_of, full_name, shortened
from mlpolicy.plan.survey.generated import FIELD_MAKERS, writes_method
from mlpolicy.plan.survey.module import Scope
from mlpolicy.plan.survey.things import Class, Generated, Thing

Resolve = Callable[[Scope, ast.expr], Thing]
"""Returns what an expression in a scope stands for."""

_PLAIN_BASES = frozenset(
    [
        *(f"typing.{one}" for one in ("Generic", "Protocol")),
        *(f"typing_extensions.{one}" for one in ("Generic", "Protocol")),
        "abc.ABC",
        "object",
    ]
)
_PLAIN_METACLASSES = frozenset(
    {"abc.ABCMeta", "ABCMeta", "enum.EnumMeta", "enum.EnumType", "EnumType", "EnumMeta", "type"}
)
_PLAIN_DECORATORS = frozenset(
    {"final", "runtime_checkable", "total_ordering", "unique", "verify", "deprecated"}
)
_DEEPEST = 60


@frozen()
class Foreign:
    """A base whose attributes are not known from source."""

    name: str
    builtin: type | None = None


Ancestor = Class | Foreign


def lineage(found: Class, resolve: Resolve) -> tuple[Ancestor, ...]:
    """Return *found* and its bases, in the order in which attributes are looked up."""
    listed = list(_ancestors(found, resolve, ()))
    # A base that is reached twice comes after all that inherit from it.
    last = {_identity(one): at for at, one in enumerate(listed)}
    return tuple(one for at, one in enumerate(listed) if last[_identity(one)] == at)


def written_for(owner: Class, name: str) -> Generated | None:
    """Return the method *name* that a decorator or a base of *owner* writes, if any does."""
    maker = writes_method(owner, name)
    return Generated(owner, name, maker) if maker else None


def unmangled(name: str, one: Class, owner: Class) -> str | None:
    """Return what the body of *one* calls the attribute *name* of *owner*, which inherits from it.

    None for a private name, `__load`, of another class than *one*: each class has its own.
    """
    prefix = f"_{one.binding.name.lstrip('_')}"
    if name.startswith(f"{prefix}__") and not name.endswith("__"):
        return name.removeprefix(prefix)
    private = name.startswith("__") and not name.endswith("__")
    return None if private and one.node is not owner.node else name


def why_dynamic(ancestors: tuple[Ancestor, ...], name: str) -> str:
    """Return why the class may have an attribute *name* that no line defines; mostly nothing."""
    for one in ancestors:
        if isinstance(one, Foreign):
            if one.builtin is None:
                return f"inherits from `{one.name}`, which cannot be read here"
            if hasattr(one.builtin, name):
                return f"has `{name}` from `{one.name}`, which has no Python source"
        else:
            reason = "has another meaning in a branch" if one.history.rivals else _why_dynamic(one)
            if reason:
                return reason
    return (
        f"has `{name}` from `object`, which has no Python source" if hasattr(object, name) else ""
    )


def _why_dynamic(found: Class) -> str:
    for keyword in found.node.keywords:
        if keyword.arg is None:
            return "has keywords that are not known"
        metaclass = full_name(keyword.value, found.scope)
        if keyword.arg == "metaclass" and metaclass not in _PLAIN_METACLASSES:
            return f"is made by the metaclass `{metaclass}`"
    for decorator in decorators_of(found.node, found.scope):
        plain = decorator in FIELD_MAKERS or decorator.rpartition(".")[2] in _PLAIN_DECORATORS
        if not plain:
            return f"is decorated with `{decorator}`, which may add methods"
    if _sets_in_subclasses(found.body):
        return f"inherits from `{found.body.qualname}`, which adds to its subclasses"
    return found.scope.module.writes


def _sets_in_subclasses(body: Scope) -> bool:
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "setattr"
        for binding in body.bindings.get("__init_subclass__", ())
        if isinstance(binding.what, ast.FunctionDef)
        for one in ast.walk(binding.what)
    )


def _ancestors(
    found: Class, resolve: Resolve, above: tuple[ast.ClassDef, ...]
) -> Iterator[Ancestor]:
    yield found
    if found.node in above or len(above) > _DEEPEST:
        return
    for base in found.node.bases:
        expression = base.value if isinstance(base, ast.Subscript) else base
        if full_name(expression, found.scope) in _PLAIN_BASES:
            continue
        thing = resolve(found.scope, expression)
        if isinstance(thing, Class):
            yield from _ancestors(thing, resolve, (*above, found.node))
        else:
            yield _foreign(expression)


def _foreign(expression: ast.expr) -> Foreign:
    name = shortened(expression)
    builtin = getattr(builtins, name, None)
    return Foreign(name, builtin if isinstance(builtin, type) else None)


def _identity(one: Ancestor) -> object:
    return one if isinstance(one, Foreign) else id(one.node)
