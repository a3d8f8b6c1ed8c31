"""What was found, as an answer."""

from __future__ import annotations

import ast

from mlpolicy.core.site import Parameter
from mlpolicy.core.target import Target
from mlpolicy.plan.survey.answer import Defined, DefinedKind
from mlpolicy.plan.survey.classes import Ancestor
from mlpolicy.plan.survey.functions import (
    decorators_of,
    full_name,
    is_abstract,
    kind_of,
    parameters_of,
    shortened,
)
from mlpolicy.plan.survey.generated import init_of
from mlpolicy.plan.survey.plain import is_constant, tags_of
from mlpolicy.plan.survey.things import Bound, Class, Function, Generated, Value


def defined(thing: Bound) -> Defined:
    """Return the answer for what the source binds."""
    module, history, binding = thing.scope.module, thing.history, thing.binding
    place = module.place(binding.name, binding.line, binding.offset)
    node = thing.node if isinstance(thing, Function | Class) else ast.Pass()
    written = (*history.wrapped_by, *getattr(node, "decorator_list", ()))
    function = thing if isinstance(thing, Function) else None
    return Defined(
        module.shown,
        place.line,
        place.column,
        place.end_column,
        _kind(thing),
        _parameters(function) if function else None,
        decorators=(*_wrappers(thing), *decorators_of(node, thing.scope)),
        written=tuple(shortened(one) for one in written),
        is_method=function is not None and thing.scope.is_class,
        abstract=function is not None and is_abstract(function.node, thing.scope),
        overload=history.overload and not module.compiled,
        redefined_at=binding.line if history.replaced else None,
        replaces=history.replaced.line if history.replaced else None,
        tags=tags_of(getattr(node, "decorator_list", ()), thing.scope),
        constant=isinstance(thing, Value) and not history.rivals and is_constant(binding.what),
    )


def generated(thing: Generated, ancestors: tuple[Ancestor, ...]) -> Defined:
    """Return the answer for a method that nobody wrote, of a class with those ancestors."""
    owner = thing.owner
    place = owner.scope.module.place(owner.binding.name, owner.binding.line, owner.binding.offset)
    known = [one for one in ancestors if isinstance(one, Class)]
    sure = thing.name == "__init__" and len(known) == len(ancestors)
    return Defined(
        owner.scope.module.shown,
        place.line,
        place.column,
        place.end_column,
        "function",
        init_of(known) if sure else None,
        is_method=True,
        generated=True,
    )


def home(thing: Bound | Generated) -> Target:
    """Return the path under which *thing* is defined."""
    if isinstance(thing, Generated):
        body = thing.owner.body
        return Target(body.module.name, f"{body.qualname}.{thing.name}")
    return Target(thing.scope.module.name, thing.scope.path(thing.binding.name))


def _kind(thing: Bound) -> DefinedKind:
    if isinstance(thing, Function):
        return kind_of(thing.node, thing.scope)
    return "class" if isinstance(thing, Class) else "value"


def _parameters(thing: Function) -> tuple[Parameter, ...] | None:
    """Return the parameters, unless a branch gives the name to something that has others."""
    found = parameters_of(thing.node)
    for rival in thing.history.rivals:
        if not isinstance(rival, Function) or parameters_of(rival.node) != found:
            return None
    return found


def _wrappers(thing: Bound) -> tuple[str, ...]:
    calls = (one for one in thing.history.wrapped_by if isinstance(one, ast.Call))
    return tuple(full_name(_outermost(one), thing.scope) for one in calls)


def _outermost(call: ast.Call) -> ast.expr:
    """Return what `decorator(...)` and `decorator(options)(...)` call."""
    return call.func.func if isinstance(call.func, ast.Call) else call.func
