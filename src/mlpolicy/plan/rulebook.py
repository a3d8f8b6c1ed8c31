"""All policies that are in force, and the plan that they make for a target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.order import rank as position
from mlpolicy.core.site import Mode
from mlpolicy.core.target import Target
from mlpolicy.model.policy import (
    OnMissing,
    Pattern,
    Placement,
    Policy,
    PolicyFile,
    RuleBlock,
    Settings,
)
from mlpolicy.plan.complete import Completed, complete
from mlpolicy.plan.merge import BOTTOM, DEFAULTS, Layer, Rank
from mlpolicy.plan.plan import Plan, PlannedRule

Candidate = tuple[Rank, Policy]


class Rulebook:
    """The policies of a set of files; the order of the files does not matter."""

    def __init__(self, files: Iterable[PolicyFile]) -> None:
        self.files = tuple(sorted(files, key=lambda one: one.file))
        self.policies = tuple(policy for file in self.files for policy in file.policies)
        self._completed: dict[tuple[object, ...], tuple[Completed, ...]] = {}

    # --- what it speaks of ------------------------------------------------------------

    @cached_property
    def settings(self) -> Settings:
        """What holds for all files: the most careful of what each says."""
        each = [file.settings for file in self.files]
        order: tuple[OnMissing, ...] = ("error", "warn", "ignore")
        missing = min((order.index(one.on_missing_target) for one in each), default=0)
        closed = any(one.on_engine_error == "closed" for one in each)
        packages = dict.fromkeys(name for one in each for name in one.packages)
        return Settings(order[missing], "closed" if closed else "open", tuple(packages))

    @cached_property
    def exact(self) -> tuple[Target, ...]:
        """Every target that a policy names itself, in order."""
        patterns = (one for policy in self.policies for one in policy.match if one.glob.exact)
        return tuple(sorted({Target.parse(one.glob.text) for one in patterns}))

    @cached_property
    def globs(self) -> tuple[Pattern, ...]:
        """Every pattern that may name more than one function."""
        return tuple(one for policy in self.policies for one in policy.match if not one.glob.exact)

    @cached_property
    def tops(self) -> frozenset[str]:
        """The top-level packages that any policy names."""
        exact = (target.module.partition(".")[0] for target in self.exact)
        return frozenset([*exact, *(one.glob.top for one in self.globs)])

    @cached_property
    def _modules(self) -> dict[str, tuple[Target, ...]]:
        found: dict[str, tuple[Target, ...]] = {}
        for target in self.exact:
            found[target.module] = (*found.get(target.module, ()), target)
        return found

    def exact_in(self, module: str) -> tuple[Target, ...]:
        """Return the targets of *module* that a policy names itself."""
        return self._modules.get(module, ())

    def globbed(self, module: str) -> bool:
        """Whether a pattern may name functions of *module*."""
        return any(one.glob.covers_module(module) for one in self.globs)

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        return module in self._modules or self.globbed(module)

    # --- plans ------------------------------------------------------------------------

    def candidates(self, target: Target) -> list[Candidate]:
        """Return the policies that hold for *target* with their ranks, the highest first."""
        found = []
        for policy in self.policies:
            matched = [one for one in policy.match if one.glob.matches(target)]
            if matched and not excluded(policy, target):
                found.append((max(rank(policy, one) for one in matched), policy))
        return sorted(found, key=lambda one: (one[0], one[1].span), reverse=True)

    def excluded(self, target: Target) -> Policy | None:
        """Return a policy that would hold for *target* but for its `exclude`."""
        for policy in self.policies:
            if any(one.glob.matches(target) for one in policy.match) and excluded(policy, target):
                return policy
        return None

    def plan(self, target: Target) -> Plan | None:
        """Return what holds for *target*, or None where no policy names it."""
        return self.resolve(target)[0]

    def resolve(self, target: Target) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
        """Return what holds for *target*, and what is wrong with it."""
        candidates = self.candidates(target)
        if not candidates:
            return None, ()
        completed = self.completed(candidates)
        rules = sorted(
            (one.rule for one in completed if one.rule is not None),
            key=lambda rule: position(_position(rule.kind)),
        )
        found = tuple(finding for one in completed for finding in one.diagnostics)
        policies = [policy for _, policy in candidates]
        placement = _placement(policies)
        plan = Plan(
            target,
            _mode(rules),
            tuple(rules),
            placement,
            policies=tuple(policy.name for policy in policies),
            exact=target in self.exact,
            sources=tuple(policy.span for policy in policies),
        )
        return plan, found

    def completed(self, candidates: Sequence[Candidate]) -> tuple[Completed, ...]:
        """Return every rule that *candidates* make together, made once for the same ones."""
        key = tuple((ranked, policy.name, policy.span) for ranked, policy in candidates)
        if key not in self._completed:
            kinds = dict.fromkeys(block.kind for _, policy in candidates for block in policy.rules)
            self._completed[key] = tuple(
                complete(kind, self.layers(kind, candidates)) for kind in kinds
            )
        return self._completed[key]

    def layers(self, kind: str, candidates: Sequence[Candidate]) -> list[Layer]:
        """Return the blocks of that kind: of the defaults, and of *candidates*."""
        found = [
            Layer(BOTTOM, DEFAULTS, block, block.mode or file.mode)
            for file in self.files
            for block in (_default(file, kind),)
            if block is not None
        ]
        for ranked, policy in candidates:
            block = policy.rule(kind)
            if block is not None:
                final = (policy.final or block.final, *ranked[1:])
                found.append(Layer(final, policy.name, block, block.mode or policy.mode))
        return found


def _default(file: PolicyFile, kind: str) -> RuleBlock | None:
    held = next((block for block in file.defaults if block.kind == kind), None)
    if held is None and file.mode is not None:
        from mlpolicy.core.span import Span

        return RuleBlock(kind, Span(file.file))
    return held


def rank(policy: Policy, pattern: Pattern) -> Rank:
    """Return how highly *policy* ranks where *pattern* is what matched."""
    whole, characters = pattern.glob.literal
    return (policy.final, policy.priority, pattern.glob.exact, whole, characters)


def excluded(policy: Policy, target: Target) -> bool:
    """Whether *policy* says that it is not for *target*."""
    return any(one.glob.matches(target) for one in policy.exclude)


def _position(kind: str) -> str:
    return "validate input" if kind == "validate" else kind


def _mode(rules: Sequence[PlannedRule]) -> Mode:
    modes: set[Mode] = {rule.mode for rule in rules}
    return modes.pop() if len(modes) == 1 else "enforce"


def _placement(policies: Sequence[Policy]) -> Placement:
    """Return what the highest-ranked policy says that says anything."""
    for policy in policies:
        if policy.placement != "auto":
            return policy.placement
    return "auto"
