"""What decorators say of a function, under what the policies say: one plan of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.facts import Facts
from mlpolicy.core.model import IN_PYTHON
from mlpolicy.core.order import rank
from mlpolicy.core.site import GENERATORS, FunctionKind
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.policy import CODE, RuleBlock
from mlpolicy.plan.arguments import AMONG_KEYWORDS, named
from mlpolicy.plan.complete import Completed, complete
from mlpolicy.plan.merge import code_layer
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.ranking import at_moment, mode_of, position_of
from mlpolicy.plan.rulebook import Rulebook

Resolved = tuple[Plan, tuple[Diagnostic, ...]]


def of_code(target: Target, blocks: Mapping[str, RuleBlock]) -> Resolved:
    """Return the plan that decorators make of a function that no policy names, and what is wrong."""
    each = [_alone(block) for block in blocks.values()]
    rules = [one.rule for one in each if one.rule is not None]
    return _plan(Plan(target, "enforce", ()), rules, _place(blocks)), _found(each)


def with_code(
    plan: Plan, blocks: Mapping[str, RuleBlock], rulebook: Rulebook, facts: Facts | None = None
) -> Resolved:
    """Return *plan* with what decorators say under it, field by field, and what is wrong then.

    Where both together are wrong, the rule of the policy holds as it is.
    """
    candidates = rulebook.candidates(plan.target, facts)
    written = {block.kind for _, policy in candidates for block in policy.rules}
    each: list[Completed] = []
    rules = {one.kind: one for one in plan.rules}
    for kind, block in blocks.items():
        if kind not in written:
            made = _alone(block)
        else:
            layers = [*rulebook.layers(kind, candidates), code_layer(block)]
            made = complete(kind, layers, context=IN_PYTHON)
        each.append(made)
        if made.rule is not None:
            rules[kind] = made.rule
    return _plan(plan, rules.values(), _place(blocks), now=rulebook.now), _found(each)


def unfit(
    target: Target, rule: PlannedRule, names: Sequence[str], kind: FunctionKind, *, takes_any: bool
) -> Iterator[Diagnostic]:
    """Yield why *rule* does not fit a function of that *kind* with parameters of those *names*."""
    for code, path, _ in named(rule):
        if path.name not in names and not (takes_any and code in AMONG_KEYWORDS):
            help = did_you_mean(closest(path.name, names), f"its arguments: {', '.join(names)}")
            text = f"`{target}` has no argument `{path.name}`"
            yield Diagnostic(code, text, rule.source, help=help)
    if rule.kind == "cache" and kind in GENERATORS:
        text = f"`{target}` is a generator: its result can be walked through once"
        yield Diagnostic("MP304", text, rule.source, help="cache a function that returns a list")


def _alone(block: RuleBlock) -> Completed:
    return complete(block.kind, [code_layer(block)], context=IN_PYTHON)


def _place(blocks: Mapping[str, RuleBlock]) -> Span:
    """Return where the topmost of the decorators stands."""
    return min(block.span for block in blocks.values())


def _found(each: list[Completed]) -> tuple[Diagnostic, ...]:
    return tuple(finding for one in each for finding in one.diagnostics)


def _plan(
    plan: Plan, rules: Iterable[PlannedRule], code: Span, *, now: datetime | None = None
) -> Plan:
    """Return *plan* with *rules*, as they hold at this moment, in the order of all rules."""
    moment = now or datetime.now(UTC)
    held = [one if one.control is None else at_moment(one, moment, os.environ) for one in rules]
    held.sort(key=lambda one: (rank(position_of(one.kind)), one.kind))
    return replace(
        plan,
        mode=mode_of(held),
        rules=tuple(held),
        policies=(*plan.policies, CODE),
        sources=(*plan.sources, code),
    )
