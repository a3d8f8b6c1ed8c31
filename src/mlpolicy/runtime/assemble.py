"""From a plan to the steps of a driver."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from types import CodeType, FunctionType
from typing import Any

from mlpolicy.core.kind import Kind, load
from mlpolicy.core.site import Notes, Parameter, ParameterKind, Site
from mlpolicy.core.step import Step
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.runtime.template import Shape, shape


def steps(plan: Plan, code: CodeType, function: FunctionType | None = None) -> list[Step]:
    """Return a step for each rule of *plan* that is not disabled, for a function of that code."""
    from mlpolicy.rules import KINDS

    active = [rule for rule in plan.rules if rule.mode != "disabled"]
    notes = Notes() if any(rule.kind == "monitor" for rule in active) else None
    form = shape(code)
    annotations = getattr(function, "__annotations__", None) or {}
    return [
        _step(KINDS[rule.kind], rule, _site(plan, rule, code, form, notes, annotations))
        for rule in active
    ]


def _step(kind: Kind, rule: PlannedRule, site: Site) -> Step:
    return kind.step_class()(rule.rule, site)


def _site(  # noqa: PLR0913 (one call)
    plan: Plan,
    rule: PlannedRule,
    code: CodeType,
    form: Shape,
    notes: Notes | None,
    annotations: dict[str, Any],
) -> Site:
    active = [one for one in plan.rules if one.mode != "disabled"]
    return Site(
        target=str(plan.target),
        function=form.kind,
        parameters=tuple(_parameters(form, annotations)),
        mode=rule.mode,
        source=_place(rule),
        code_hash=digest(code),
        kinds=frozenset(one.kind for one in active),
        modes={one.kind: one.mode for one in active},
        sources={one.kind: _place(one) for one in active},
        notes=notes,
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
