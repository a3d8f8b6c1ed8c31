"""Plans of functions that one policy alone is for, made of rules that others have too."""

from __future__ import annotations

from collections.abc import Iterable

from mlpolicy.core.target import Target
from mlpolicy.plan.complete import Built, repeated
from mlpolicy.plan.merge import layer_of
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.ranking import Candidate


def lone(
    target: Target, candidate: Candidate, kinds: Iterable[str], built: Built, *, exact: bool
) -> Plan | None:
    """Return the plan that one policy makes by itself, if all its rules were found right before.

    It is what merging, building and checking them once more would give, where nothing lies under
    them or over them and nothing is switched off.

    Args:
        target: The function.
        candidate: The policy, with its rank.
        kinds: Those of its rules, outermost first.
        built: Rules that were made before.
        exact: Whether the policy names the function itself.
    """
    ranked, policy = candidate
    if policy.controls:
        return None
    rules: list[PlannedRule] = []
    for kind in kinds:
        block = policy.rule(kind)
        rule = repeated(kind, (layer_of(ranked, policy, block),), built) if block else None
        if rule is None:
            return None
        rules.append(rule)
    return Plan(
        target,
        "enforce",
        tuple(rules),
        policy.placement,
        policies=(policy.name,),
        exact=exact,
        sources=(policy.span,),
    )
