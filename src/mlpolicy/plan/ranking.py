"""What decides between policies: their ranks, and what each says of a whole function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from mlpolicy.core.control import KILL_SWITCH, NEVER_SHADOWED, effective_mode
from mlpolicy.core.quantity import Duration
from mlpolicy.core.site import Mode
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.model.policy import (
    Pattern,
    Placement,
    Policy,
    PolicyFile,
    RuleBlock,
    Setting,
    Tree,
    laid_over,
    one,
)
from mlpolicy.plan.plan import PlannedRule, Rank

Candidate = tuple[Rank, Policy]
Made = tuple[tuple[Rank, int], ...]
"""What a plan is made of: the ranks and the ids of policies."""


def made_of(candidates: Sequence[Candidate]) -> Made:
    """Return what a plan of *candidates* is known by."""
    return tuple([(ranked, id(policy)) for ranked, policy in candidates])


def default_of(file: PolicyFile, kind: str) -> RuleBlock | None:
    """Return what the defaults of *file* say of rules of that kind."""
    held = next((block for block in file.defaults if block.kind == kind), None)
    if file.mode is None:
        return held
    mode: Tree = {"mode": file.mode}
    if held is None:
        return RuleBlock(kind, Span(file.file), mode)
    return replace(held, settings=laid_over(mode, held.settings))


def rank(policy: Policy, pattern: Pattern) -> Rank:
    """Return how highly *policy* ranks where *pattern* is what matched."""
    # (exact ones that meet are names of one function: none is closer than the other)
    whole, characters = (0, 0) if pattern.glob.exact else pattern.glob.literal
    return (
        int(policy.final),
        -policy.depth,
        policy.priority,
        pattern.glob.exact,
        whole,
        characters,
        policy.where.count,
    )


def excluded(policy: Policy, target: Target) -> bool:
    """Whether *policy* says that it is not for *target*."""
    return any(one.glob.matches(target) for one in policy.exclude)


def position_of(kind: str) -> str:
    """Return the name under which the order of rules knows *kind*."""
    return "validate input" if kind == "validate" else kind


def at_moment(rule: PlannedRule, now: datetime, environ: Mapping[str, str]) -> PlannedRule:
    """Return *rule* with the mode that it has at this moment."""
    control = rule.control
    assert control is not None
    plain = control.mode == "enforce" and control.expires is None
    if plain and not environ.get(KILL_SWITCH):
        return rule
    mode = effective_mode(control, now=now, environment=environ)
    return rule if mode == rule.mode else replace(rule, mode=mode)


def mode_of(rules: Sequence[PlannedRule]) -> Mode:
    """Return the mode of a whole plan: the strongest that a rule has which can be in shadow.

    A plan whose other rules are all in shadow is in shadow, though its `monitor` is in force.
    """
    active = [rule for rule in rules if rule.mode != "disabled"]
    modes = {rule.mode for rule in active if rule.kind != NEVER_SHADOWED}
    if modes == {"shadow"}:
        return "shadow"
    return "enforce" if active or not rules else "disabled"


def placement_of(policies: Sequence[Policy]) -> Placement:
    """Return what the highest-ranked policy says that says anything."""
    for policy in policies:
        if policy.placement != "auto":
            return policy.placement
    return "auto"


def deadline_of(policy: Policy) -> Setting | None:
    """Return the deadline that *policy* writes."""
    return one(policy.controls, "deadline")


def shortest_deadline(policies: Sequence[Policy]) -> float | None:
    """Return the deadline of the highest-ranked policy that has one, in seconds."""
    for policy in policies:
        written = deadline_of(policy)
        if written is not None:
            return float(Duration.of(written.value))
    return None
