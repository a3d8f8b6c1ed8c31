"""What is wrong with the rules of one function: alone, beside each other, and with a deadline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.kind import Clash
from mlpolicy.core.quantity import Duration, oddity
from mlpolicy.core.span import Span
from mlpolicy.model.policy import Setting
from mlpolicy.plan.merge import Completed, severity_of
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.rules import KINDS


def findings_of(
    plan: Plan, completed: Iterable[Completed], deadline: Setting | None
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a plan: one finding for each number.

    A number that is wrong by itself is not held against a deadline, and of one that goes beyond
    the deadline it is not said that it is unusual.
    """
    completed = tuple(completed)
    found = [one for each in completed for one in each.conflicts]
    doubts = [one for each in completed for one in each.diagnostics]
    wrong = {one.span for one in doubts if one.severity == "error"}
    clashes = tuple(_clashes(plan))
    late = [one for one in _late(clashes, deadline) if one.span not in wrong]
    spans = {one.span for one in late}
    found += (one for one in doubts if one.span not in spans)
    return (*found, *late, *_beside(plan, clashes))


def _clashes(plan: Plan) -> Iterator[tuple[PlannedRule, Clash]]:
    made = {rule.kind: rule.rule for rule in plan.rules if rule.rule is not None}
    for rule in plan.rules:
        if rule.rule is not None:
            for clash in KINDS[rule.kind].clashes(rule.rule, made, plan.deadline):
                yield rule, clash


def _late(
    clashes: Iterable[tuple[PlannedRule, Clash]], deadline: Setting | None
) -> Iterator[Diagnostic]:
    """Yield the rules that take longer than the deadline; where that is what is wrong, the first."""
    for rule, clash in clashes:
        if clash.with_deadline and deadline is not None:
            span, related = _apart(rule, deadline, clash.fields)
            yield _finding(rule, clash, span, (related,))
            if span == deadline.span:
                return  # nothing fits in it


def _beside(plan: Plan, clashes: Iterable[tuple[PlannedRule, Clash]]) -> Iterator[Diagnostic]:
    """Yield the rules that do not go with another one."""
    for rule, clash in clashes:
        if not clash.with_deadline:
            kind, setting = clash.other or ("", "")
            other = plan.rule(kind)
            place = _place(other, [setting]) if other is not None else Span("")
            related = (Related(f"the {setting}", place),) if other is not None else ()
            yield _finding(rule, clash, _place(rule, clash.fields), related)


def _finding(
    rule: PlannedRule, clash: Clash, span: Span, related: tuple[Related, ...]
) -> Diagnostic:
    severity = severity_of(KINDS[rule.kind], clash.code)
    return Diagnostic(clash.code, clash.message, span, severity, help=clash.help, related=related)


def _apart(rule: PlannedRule, deadline: Setting, names: Iterable[str]) -> tuple[Span, Related]:
    """Return what is wrong where a rule takes longer than a deadline lets it, and the other place.

    It is what an environment changed; else what is farthest from what is usual.
    """
    from mlpolicy.model.grammar import PolicyBlock  # (it imports pydantic)

    own = [
        (_is_changed(held), oddity(type(rule.rule), name, getattr(rule.rule, name)), held.source)
        for name in names
        if (held := rule.values.get(name)) is not None and held.source is not None
    ]
    changed, odd, span = max(own or [(False, 0.0, rule.source)], key=lambda each: each[:2])
    limit = Duration.of(deadline.value)
    if (_is_changed(deadline), -oddity(PolicyBlock, "deadline", limit)) > (changed, odd):
        return deadline.span, Related(f"the rule `{rule.kind}`", span)
    return span, Related("the deadline", deadline.span)


def _is_changed(setting: Value | Setting) -> bool:
    return setting.layer.startswith("environments.")


def _place(rule: PlannedRule, fields: Iterable[str]) -> Span:
    """Return where the first of *fields* that was written stands, else the rule."""
    values = (rule.values.get(field) for field in fields)
    places = (value.source for value in values if value is not None)
    return next((place for place in places if place is not None), rule.source)
