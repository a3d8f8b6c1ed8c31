"""From a plan to the steps of a driver."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from types import CodeType, FunctionType
from typing import Any

from mlpolicy.core.kind import load
from mlpolicy.core.metrics import METERS, Meters
from mlpolicy.core.site import Notes, Parameter, ParameterKind, Site
from mlpolicy.core.step import Step
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.runtime.template import Shape, shape


def steps(
    plan: Plan, code: CodeType, function: FunctionType | None = None, *, meters: Meters = METERS
) -> list[Step]:
    """Return a step for each rule of *plan* that is not disabled, for a function of that code."""
    from mlpolicy.rules import KINDS

    active = list(plan.active)
    common = _common(plan, active, code, function, meters)
    return [
        KINDS[rule.kind].step_class()(
            rule.rule, replace(common, mode=rule.mode, source=_place(rule))
        )
        for rule in active
    ]


def _common(
    plan: Plan,
    active: list[PlannedRule],
    code: CodeType,
    function: FunctionType | None,
    meters: Meters,
) -> Site:
    form = shape(code)
    annotations = getattr(function, "__annotations__", None) or {}
    return Site(
        target=str(plan.target),
        function=form.kind,
        parameters=tuple(_parameters(form, annotations)),
        code_hash=digest(code),
        kinds=frozenset(one.kind for one in active),
        modes={one.kind: one.mode for one in active},
        sources={one.kind: _place(one) for one in active},
        notes=Notes() if any(one.kind == "monitor" for one in active) else None,
        meters=meters,
        resolve=resolve,
    )


def _place(rule: PlannedRule) -> str:
    return f"{rule.source.file}:{rule.source.line}"


def _parameters(form: Shape, annotations: dict[str, Any]) -> Iterable[Parameter]:
    groups: list[tuple[ParameterKind, tuple[str, ...]]] = [
        ("positional_only", form.positional_only),
        ("positional", form.positional),
        ("var_positional", (form.var_positional,) if form.var_positional else ()),
        ("keyword", form.keyword),
        ("var_keyword", (form.var_keyword,) if form.var_keyword else ()),
    ]
    for kind, names in groups:
        for name in names:
            yield Parameter(name, kind, annotation=annotations.get(name))


def digest(code: CodeType) -> str:
    """Return a digest of what *code* does, nested functions included."""
    state = hashlib.blake2b(digest_size=8)
    _feed(state, code)
    return state.hexdigest()


def _feed(state: Any, code: CodeType) -> None:
    state.update(code.co_code)
    state.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed(state, constant)
        elif isinstance(constant, frozenset):  # its order is that of this process alone
            state.update(repr(sorted(map(repr, constant))).encode())
        else:
            state.update(repr(constant).encode())


def resolve(path: str) -> object:
    """Import what `module:name` or a dotted path names.

    Raises:
        ImportError: There is no such module.
        AttributeError: The module has no such name.
    """
    if ":" in path:
        return load(path)
    module, _, name = path.rpartition(".")
    return load(f"{module}:{name}")
