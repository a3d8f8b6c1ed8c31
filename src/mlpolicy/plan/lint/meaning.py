"""What rules of one plan mean together: times that do not fit, effects that nobody sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.quantity import Duration
from mlpolicy.core.span import Span
from mlpolicy.core.usual import oddity
from mlpolicy.model.grammar import PolicyBlock
from mlpolicy.model.policy import Policy, Setting
from mlpolicy.plan.lint.allowed import calls_of, refused
from mlpolicy.plan.plan import Plan, PlannedRule, Value
from mlpolicy.plan.ranking import deadline_of
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules.retry.check import OF_PAUSES, worst_pause


def lint(rulebook: Rulebook) -> Iterator[Diagnostic]:
    """Yield what is wrong with rules that meet in one function."""
    by_place = {policy.span: policy for policy in rulebook.policies}
    watched = any(policy.rule("monitor") for policy in rulebook.policies)
    asked = (
        one
        for one in rulebook.exact
        if not _is_plain(rulebook, rulebook.only(one), watched=watched)
    )
    named = [plan for target in asked if (plan := rulebook.plan(target)) is not None]
    for plan in (*named, *(rulebook.alone(policy) for policy, _ in rulebook.broad)):
        yield from _deadline(plan, by_place)
        yield from _pressure(plan)
        yield from _room(plan)
    for plan in named if watched else ():
        yield from _unseen(plan)
    if rulebook.settings.allow_call:
        yield from refused(calls_of(rulebook), rulebook.settings)


def _is_plain(rulebook: Rulebook, policy: Policy | None, *, watched: bool) -> bool:
    """Whether the rules of *policy*, which stand alone, have no part in anything found here."""
    if policy is None or rulebook.settings.allow_call:
        return False
    kinds = [block.kind for block in policy.rules]
    return "memory" not in kinds and ("monitor" in kinds or not watched)


def _deadline(plan: Plan, by_place: Mapping[Span, Policy]) -> Iterator[Diagnostic]:
    if plan.deadline is None:
        return
    written = next(
        (found for place in plan.sources if (found := deadline_of(by_place[place]))),
        None,
    )
    assert written is not None
    limit = Duration(plan.deadline)
    retry, memory = plan.rule("retry"), plan.rule("memory")
    if retry is not None and retry.rule is not None:
        worst = worst_pause(retry.rule)
        if worst > plan.deadline:
            attempts = retry.rule.max_attempts
            text = (
                f"{attempts} attempts may pause for {Duration.worked_out(worst)} together, "
                f"the deadline is {limit}"
            )
            help = "fewer attempts, shorter delays, or `max_elapsed` below the deadline"
            span, related = _apart(retry, written, OF_PAUSES)
            yield Diagnostic("MP601", text, span, help=help, related=related)
            if span == written.span:
                return  # nothing fits in it
    wait = getattr(memory.rule, "wait", None) if memory is not None else None
    if memory is not None and wait is not None and wait > plan.deadline:
        text = f"a call may wait {wait} for memory, the deadline is {limit}"
        help = "wait for less than the deadline"
        span, related = _apart(memory, written, ("wait",))
        yield Diagnostic("MP803", text, span, "warning", help=help, related=related)


def _apart(
    rule: PlannedRule, deadline: Setting, names: Iterable[str]
) -> tuple[Span, tuple[Related, ...]]:
    """Return what is wrong where a rule takes longer than a deadline lets it, and the other place.

    It is what an environment changed; else what is farthest from what is usual.
    """
    own = [
        (_is_changed(held), oddity(type(rule.rule), name, getattr(rule.rule, name)), held.source)
        for name in names
        if (held := rule.values.get(name)) is not None and held.source is not None
    ]
    own = own or [(False, 0.0, rule.source)]
    limit = Duration.of(deadline.value)
    changed, odd, span = max(own, key=lambda one: one[:2])
    if (_is_changed(deadline), -oddity(PolicyBlock, "deadline", limit)) > (changed, odd):
        return deadline.span, (Related(f"the rule `{rule.kind}`", span),)
    return span, (Related("the deadline", deadline.span),)


def _is_changed(one: Value | Setting) -> bool:
    return one.layer.startswith("environments.")


def _pressure(plan: Plan) -> Iterator[Diagnostic]:
    """Yield a retry of what the memory rule refused, which adds to the pressure."""
    retry = plan.rule("retry")
    if retry is None or retry.rule is None or plan.rule("memory") is None:
        return
    named = {text.rpartition(".")[2] for text in retry.rule.retry_on}
    if "MemoryPressure" in named and not retry.rule.retry_after.respect:
        yield Diagnostic(
            "MP806",
            "calls that were refused for memory are made again, and their pause is not respected",
            _at(retry, "retry_on"),
            "warning",
            help="write `retry_after: {respect: true}`, or leave MemoryPressure out",
        )


def _room(plan: Plan) -> Iterator[Diagnostic]:
    """Yield a cache that may fill the memory to where the memory rule acts on it."""
    cache, memory = _made(plan, "cache"), _made(plan, "memory")
    if cache is None or memory is None or cache.rule.max_bytes is None:
        return
    limit = memory.rule.limit
    if isinstance(limit, int) and cache.rule.max_bytes >= memory.rule.act_at * limit:
        room = f"{memory.rule.act_at} of {limit}"
        yield Diagnostic(
            "MP708",
            f"the cache may hold {cache.rule.max_bytes}, and memory is short from {room} on",
            _at(cache, "max_bytes"),
            "warning",
            help="write a `max_bytes` that leaves room for the calls themselves",
            related=(Related("the limit", _at(memory, "limit")),),
        )


def _made(plan: Plan, kind: str) -> PlannedRule | None:
    rule = plan.rule(kind)
    return rule if rule is not None and rule.rule is not None else None


def _unseen(plan: Plan) -> Iterator[Diagnostic]:
    if plan.rule("monitor") is None and any(rule.mode == "enforce" for rule in plan.rules):
        yield Diagnostic(
            "MP906",
            f"`{plan.target}` has rules in force and no `monitor`: their effect will not be seen",
            plan.sources[0],
            "info",
            help="add `monitor: {}`",
        )


def _at(rule: PlannedRule, *fields: str) -> Span:
    """Return where the first of *fields* that was written stands, else the rule."""
    for field in fields:
        value = rule.values.get(field)
        if value is not None and value.source is not None:
            return value.source
    return rule.source
