"""What decorators say of a function, under what the policies say: one plan of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.facts import Facts
from mlpolicy.core.model import IN_PYTHON
from mlpolicy.core.site import GENERATORS, FunctionKind
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.policy import CODE, RuleBlock
from mlpolicy.plan.merge import Completed, code_layer, complete
from mlpolicy.plan.plan import Plan, PlannedRule, at_moment, mode_of
from mlpolicy.plan.references import ROLLOUT, named
from mlpolicy.plan.rulebook import Rulebook, in_order
from mlpolicy.rules import KINDS

Resolved = tuple[Plan, tuple[Diagnostic, ...]]


def of_code(target: Target, blocks: Mapping[str, RuleBlock]) -> Resolved:
    """Return the plan that decorators make of a function that no policy names, and what is wrong."""
    completed = [_alone(block) for block in blocks.values()]
    rules = [one.rule for one in completed if one.rule is not None]
    return _together(Plan(target, "enforce", ()), rules, blocks, completed, datetime.now(UTC))


def with_code(
    plan: Plan, blocks: Mapping[str, RuleBlock], rulebook: Rulebook, facts: Facts | None = None
) -> Resolved:
    """Return *plan* with what decorators say under it, field by field, and what is wrong then.

    Where both together are wrong, the rule of the policy holds as it is.
    """
    candidates = rulebook.candidates(plan.target, facts)
    written = {block.kind for _, policy in candidates for block in policy.rules}
    completed: list[Completed] = []
    rules = {rule.kind: rule for rule in plan.rules}
    for kind, block in blocks.items():
        if kind not in written:
            made = _alone(block)
        else:
            layers = [*rulebook.layers(kind, candidates), code_layer(block)]
            made = complete(kind, layers, {}, context=IN_PYTHON)
        completed.append(made)
        if made.rule is not None:
            rules[kind] = made.rule
    return _together(plan, rules.values(), blocks, completed, rulebook.now)


def unfit(
    target: Target, rule: PlannedRule, names: Sequence[str], kind: FunctionKind, *, takes_any: bool
) -> Iterator[Diagnostic]:
    """Yield why *rule* does not fit a function of that *kind* with parameters of those *names*."""
    for code, path, setting in named(rule):
        if path.name not in names and not (takes_any and setting != ROLLOUT):
            help = did_you_mean(closest(path.name, names), f"its arguments: {', '.join(names)}")
            text = f"`{target}` has no argument `{path.name}`"
            yield Diagnostic(code, text, rule.source, help=help)
    if KINDS[rule.kind].keeps_results and kind in GENERATORS:
        text = f"`{target}` is a generator: its result can be walked through once"
        yield Diagnostic("MP304", text, rule.source, help="cache a function that returns a list")


def _alone(block: RuleBlock) -> Completed:
    return complete(block.kind, [code_layer(block)], {}, context=IN_PYTHON)


def _together(
    plan: Plan,
    rules: Iterable[PlannedRule],
    blocks: Mapping[str, RuleBlock],
    completed: Iterable[Completed],
    now: datetime,
) -> Resolved:
    """Return *plan* with *rules*, as they hold at this moment, and what is wrong with them."""
    held = [at_moment(rule, now, os.environ) for rule in rules]
    held.sort(key=lambda rule: in_order(rule.kind))
    topmost = min(block.span for block in blocks.values())
    plan = replace(
        plan,
        mode=mode_of(held),
        rules=tuple(held),
        policies=(*plan.policies, CODE),
        sources=(*plan.sources, topmost),
    )
    return plan, tuple(one for each in completed for one in (*each.conflicts, *each.diagnostics))
