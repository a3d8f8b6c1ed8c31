"""Policies against the source of the functions that they name; no code of the user's is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlpolicy.core.argpath import ArgPathError, parse
from mlpolicy.core.diagnostic import Diagnostic, Related, Suggestion, in_order
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest
from mlpolicy.model.policy import Pattern
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Defined, Missing, NoModule, Survey

GENERATORS = ("generator", "async_generator")


def against(rulebook: Rulebook, survey: Survey) -> tuple[Diagnostic, ...]:
    """Return what is wrong between *rulebook* and the source."""
    found: list[Diagnostic] = []
    for policy in rulebook.policies:
        for pattern in policy.match:
            if pattern.glob.exact:
                found += _exact(rulebook, survey, pattern)
            else:
                found += _glob(rulebook, survey, pattern)
    return in_order(found)


def _exact(rulebook: Rulebook, survey: Survey, pattern: Pattern) -> Iterator[Diagnostic]:
    target = Target.parse(pattern.glob.text)
    looked = survey.look_up(target)
    if isinstance(looked, NoModule):
        yield _no_module(target, looked, pattern.span)
    elif isinstance(looked, Missing):
        yield _missing(target, looked, pattern.span)
    elif isinstance(looked, Defined):
        plan = rulebook.plan(target, facts_of(rulebook, survey, target))
        if plan is not None:
            yield from _of_function(plan, looked, pattern.span)


def _no_module(target: Target, looked: NoModule, span: Span) -> Diagnostic:
    label = f"no module `{looked.component}`"
    help = looked.hint or _did_you_mean(looked.close)
    return Diagnostic("MP303", f"module of `{target}` not found", span, label=label, help=help)


def _missing(target: Target, looked: Missing, span: Span) -> Diagnostic:
    related: tuple[Related, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    help = ""
    if looked.close:
        name, line = looked.close[0]
        meant = f"{target.module}:{name}"
        help = f"did you mean `{meant}`?"
        suggestions = (Suggestion(f"write `{meant}`", span, meant),)
        if line and looked.file:
            place = Span(looked.file, line, 1, line, 2)
            related = (Related(f"`{name}` is defined here", place),)
    return Diagnostic(
        "MP301",
        "target not found",
        span,
        label=looked.reason,
        help=help,
        related=related,
        suggestions=suggestions,
    )


def _did_you_mean(names: Iterable[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return f"did you mean {listed}?" if listed else ""


def _glob(rulebook: Rulebook, survey: Survey, pattern: Pattern) -> Iterator[Diagnostic]:
    targets = list(survey.matching(pattern.glob, packages=rulebook.settings.packages))
    if not targets and survey.knows(pattern.glob):
        message = f"no function matches `{pattern.glob}`"
        yield Diagnostic("MP302", message, pattern.span, "warning")
    said: set[tuple[str, Span]] = set()
    for target in targets:
        for one in _taken(rulebook, survey, target, pattern):
            if (one.code, one.span) not in said:
                said.add((one.code, one.span))
                yield one


def _taken(
    rulebook: Rulebook, survey: Survey, target: Target, pattern: Pattern
) -> Iterator[Diagnostic]:
    """Yield what is wrong with one function that a pattern takes."""
    looked = survey.look_up(target)
    plan, found = rulebook.resolve(target, facts_of(rulebook, survey, target))
    yield from (one for one in found if one.code in _OF_TWO)
    if plan is not None and isinstance(looked, Defined):
        yield from _of_function(plan, looked, pattern.span)


_OF_TWO = ("MP401", "MP402")
"""What policies of different patterns make of a function only together."""


# --- what a function can bear ---------------------------------------------------------


def _of_function(plan: Plan, looked: Defined, span: Span) -> Iterator[Diagnostic]:
    if looked.kind == "value":
        return
    if looked.kind == "class":
        message = f"`{plan.target}` is a class: name its `__init__`, or a method"
        yield Diagnostic("MP320", message, span)
        return
    for rule in plan.rules:
        if rule.kind == "cache" and looked.kind in GENERATORS:
            yield _cached_generator(plan, rule)
        if looked.parameters is not None:
            yield from _arguments(plan, rule, looked)
            yield from _rollout(plan, rule, looked)


def _cached_generator(plan: Plan, rule: PlannedRule) -> Diagnostic:
    return Diagnostic(
        "MP304",
        f"`{plan.target}` is a generator: its result can be walked through once",
        rule.source,
        help="cache a function that returns a list",
    )


def _arguments(plan: Plan, rule: PlannedRule, looked: Defined) -> Iterator[Diagnostic]:
    parameters = looked.parameters or ()
    known = [one.name for one in parameters]
    if any(one.kind == "var_keyword" for one in parameters):
        return
    for code, name, source in _named(rule):
        if name not in known:
            near = closest(name, known)
            help = f"did you mean `{near}`?" if near else f"its arguments: {', '.join(known)}"
            yield Diagnostic(code, f"`{plan.target}` has no argument `{name}`", source, help=help)


def _rollout(plan: Plan, rule: PlannedRule, looked: Defined) -> Iterator[Diagnostic]:
    """Yield a rollout by what is no argument: every call would be drawn by chance."""
    value = rule.values.get("rollout.by")
    known = [one.name for one in looked.parameters or ()]
    name = next(iter(_paths([value.value] if value else ())), None)
    if value is None or name is None or name in known:
        return
    near = closest(name, known)
    help = f"did you mean `{near}`?" if near else f"its arguments: {', '.join(known)}"
    text = f"`{plan.target}` has no argument `{name}`"
    yield Diagnostic("MP507", text, value.source or rule.source, help=help)


def _named(rule: PlannedRule) -> Iterator[tuple[str, str, Span]]:
    """Yield (code, argument, place) of each argument that *rule* names."""
    if rule.kind == "validate":
        names = getattr(rule.rule, "args", None) or {}
        for name in names:
            yield "MP202", name, _place(rule, f"args.{name}")
    if rule.kind == "cache":
        for field in ("key", "ignore"):
            for path in _paths(getattr(rule.rule, field, None)):
                yield "MP702", path, _place(rule, field)


def _paths(value: Any) -> Iterator[str]:
    for one in value or ():
        try:
            yield parse(str(one)).name
        except ArgPathError:
            continue


def _place(rule: PlannedRule, path: str) -> Span:
    value = rule.values.get(path)
    return rule.keys.get(path) or (value and (value.source or value.key)) or rule.source
