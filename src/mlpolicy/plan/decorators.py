"""What decorators say of a function, under what the policies say: one plan of both."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.model import IN_PYTHON
from mlpolicy.core.site import GENERATORS, Facts, FunctionKind
from mlpolicy.core.spelling import closest, did_you_mean
from mlpolicy.core.target import Target
from mlpolicy.model.policy import CODE, RuleBlock
from mlpolicy.plan.merge import Layer, complete
from mlpolicy.plan.plan import ROLLOUT, Plan, PlannedRule, Rank, at_moment, mode_of
from mlpolicy.plan.rulebook import Rulebook, in_order
from mlpolicy.rules import KINDS

Resolved = tuple[Plan, tuple[Diagnostic, ...]]
_BELOW: Rank = (-2, 0, 0, False, 0, 0, 0)
_FINAL: Rank = (1, 1, 0, True, 0, 0, 0)
"""What a decorator writes lies below everything else, or, where it is final, above policies."""


def of_code(target: Target, blocks: Mapping[str, RuleBlock]) -> Resolved:
    """Return the plan that decorators make of a function that no policy names, and what is wrong."""
    return with_code(Plan(target, "enforce", ()), blocks)


def with_code(
    plan: Plan,
    blocks: Mapping[str, RuleBlock],
    rulebook: Rulebook | None = None,
    facts: Facts | None = None,
) -> Resolved:
    """Return *plan* with what decorators say under it, field by field, and what is wrong then.

    Where both together are wrong, the rule of the policy holds as it is.
    """
    rules, found = {rule.kind: rule for rule in plan.rules}, list[Diagnostic]()
    for kind, block in blocks.items():
        layers = [Layer(_FINAL if block.final else _BELOW, CODE, block)]
        if rulebook is not None:
            candidates = rulebook.candidates(plan.target, facts)
            if any(policy.rule(kind) for _, policy in candidates):
                layers += rulebook.layers(kind, candidates)
        made = complete(kind, layers, {}, context=IN_PYTHON)
        found += (*made.conflicts, *made.diagnostics)
        if made.rule is not None:
            rules[kind] = made.rule
    now = datetime.now(UTC) if rulebook is None else rulebook.now
    held = [at_moment(rules[kind], now, os.environ) for kind in sorted(rules, key=in_order)]
    topmost = min(block.span for block in blocks.values())
    plan = replace(
        plan,
        mode=mode_of(held),
        rules=tuple(held),
        policies=(*plan.policies, CODE),
        sources=(*plan.sources, topmost),
    )
    return plan, tuple(found)


def unfit(
    target: Target, rule: PlannedRule, names: Sequence[str], kind: FunctionKind, *, takes_any: bool
) -> Iterator[Diagnostic]:
    """Yield why *rule* does not fit a function of that *kind* with parameters of those *names*."""
    yield from unknown_arguments(target, rule, names, takes_any=takes_any)
    if KINDS[rule.kind].keeps_results and kind in GENERATORS:
        text = f"`{target}` is a generator: its result can be walked through once"
        yield Diagnostic("MP304", text, rule.source, help="cache a function that returns a list")


def unknown_arguments(
    target: Target, rule: PlannedRule, names: Sequence[str], *, takes_any: bool
) -> Iterator[Diagnostic]:
    """Yield the arguments that *rule* names and a function with those *names* does not have."""
    for code, path, setting in rule.arguments():
        if path.name in names or (takes_any and setting != ROLLOUT):
            continue
        span, near = rule.place(setting), closest(path.name, names)
        listed = f"its arguments: {', '.join(names)}" if names else "it takes none"
        text = str(replace(path, name=near)) if near else ""
        written = f'"{text}"' if "[" in text else text
        yield Diagnostic(
            code,
            f"`{target}` has no argument `{path.name}`",
            span,
            help=did_you_mean(near, listed),
            suggestions=(Suggestion(f"write `{text}`", span, written),) if near else (),
        )
