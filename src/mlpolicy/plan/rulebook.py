"""All policies that are in force, and the plan that they make for a target."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from operator import attrgetter

from mlpolicy.core.control import KILL_SWITCH
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.facts import Facts
from mlpolicy.core.order import rank as position
from mlpolicy.core.target import Target
from mlpolicy.model.policy import (
    Pattern,
    Policy,
    PolicyFile,
    RuleBlock,
    Settings,
    laid_over,
)
from mlpolicy.plan.complete import Built, Completed, complete
from mlpolicy.plan.merge import DEFAULTS, OVERRIDES, TOP, Layer, bottom, layer_of
from mlpolicy.plan.packed import next_end
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.profiles import Profiles
from mlpolicy.plan.ranking import (
    Candidate,
    Made,
    at_moment,
    default_of,
    excluded,
    made_of,
    mode_of,
    placement_of,
    position_of,
    rank,
    shortest_deadline,
)
from mlpolicy.plan.settings import together

Resolved = tuple[Plan | None, tuple[Diagnostic, ...]]
NOTHING: Resolved = (None, ())


def _now() -> datetime:
    return datetime.now(UTC)


class Rulebook:
    """The policies of a set of files; the order of the files does not matter.

    Args:
        files: The files, each read for the same environment.
        now: The moment that dates are compared with; the present without it.
        environ: The variables of the process, for the kill switch.
        overrides: Rules that lie over all policies, for the kinds that a policy uses.
        base: The same files without an environment, at the same moment: plans of policies that
            the environment does not touch are taken from there.
    """

    def __init__(
        self,
        files: Iterable[PolicyFile],
        *,
        now: datetime | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Iterable[RuleBlock] = (),
        base: Rulebook | None = None,
    ) -> None:
        self.files = tuple(sorted(files, key=lambda one: one.file))
        self.now = now or _now()
        self.environ = os.environ if environ is None else environ
        self.overrides = tuple(overrides)
        framed = any(file.defaults or file.mode for file in self.files)
        self._is_bare = not (framed or self.overrides or self.environ.get(KILL_SWITCH))
        below = base.profiles if base is not None else None
        self.profiles: Profiles = Profiles.of(self.files, base=below)
        self._base = base if base is not None and self._is_framed_as(base) else None
        self.policies = tuple(
            self.profiles.under(policy) for file in self.files for policy in file.policies
        )
        self._owned: dict[Target, Target] = {}
        self._other_names: dict[Target, tuple[Target, ...]] = {}
        self._resolved: dict[Target, Resolved] = {}
        self._plans: dict[Made, dict[Target, Resolved]] = {}
        self._first: dict[Made, tuple[Plan, tuple[Diagnostic, ...]]] = {}
        self._built: Built = base._built if base is not None else {}
        self._frames: dict[str, tuple[list[Layer], list[Layer]]] = {}
        self._completed: dict[Made, tuple[Completed, ...]] = {}
        self._patterns: dict[str, tuple[tuple[Policy, Pattern], ...]] = {}
        self._orders: dict[tuple[str, ...], tuple[str, ...]] = {}

    def _is_framed_as(self, base: Rulebook) -> bool:
        """Whether the same policies make the same plans here as in *base*."""
        mine, others = (
            [(file.depth, file.mode, file.defaults) for file in book.files] for book in (self, base)
        )
        return mine == others

    def at_present(self) -> Rulebook:
        """Return the same policies as they hold at this moment."""
        return Rulebook(self.files, environ=self.environ, overrides=self.overrides)

    # --- what it speaks of ------------------------------------------------------------

    @cached_property
    def settings(self) -> Settings:
        """What holds for all files."""
        return together([file.settings for file in self.files])

    @cached_property
    def exact(self) -> tuple[Target, ...]:
        """Every target that a policy names itself, in order; each by its own name."""
        targets = dict.fromkeys(self.own(Target.parse(text)) for text in self._named)
        return tuple(sorted(targets, key=attrgetter("module", "qualname")))

    def own(self, target: Target) -> Target:
        """Return the path under which the function is defined that *target* is a name of."""
        return self._owned.get(target, target)

    def names(self, target: Target) -> tuple[Target, ...]:
        """Return all known names of a function, its own first."""
        own = self.own(target)
        return own, *self._other_names.get(own, ())

    def join(self, name: Target, own: Target) -> None:
        """Take *name* for another name of the function *own*: one function has one plan.

        With both the same, it is a name of its own again.
        """
        before = self.own(name)
        if before == own:
            return
        others = self._other_names
        others[before] = tuple([one for one in others.get(before, ()) if one != name])
        self._owned[name] = own
        if name != own:
            others[own] = (*others.get(own, ()), name)
        for one in (before, name, own):
            self._resolved.pop(one, None)
        for known in ("exact", "_modules"):
            self.__dict__.pop(known, None)

    @cached_property
    def broad(self) -> tuple[tuple[Policy, tuple[Pattern, ...]], ...]:
        """The policies with patterns that may name more than one function, and those."""
        each = (
            (policy, tuple([one for one in policy.match if not one.glob.exact]))
            for policy in self.policies
        )
        return tuple((policy, patterns) for policy, patterns in each if patterns)

    @cached_property
    def globs(self) -> tuple[Pattern, ...]:
        """Every pattern that may name more than one function."""
        return tuple(one for _, patterns in self.broad for one in patterns)

    @cached_property
    def tops(self) -> frozenset[str]:
        """The top-level packages that any policy names."""
        exact = (target.module.partition(".")[0] for target in self.exact)
        return frozenset([*exact, *(one.glob.top for one in self.globs)])

    @cached_property
    def next_end(self) -> datetime | None:
        """The next moment at which a rule expires and no longer holds as it does."""
        return next_end(self.policies, self.now)

    @cached_property
    def _modules(self) -> dict[str, tuple[Target, ...]]:
        found: dict[str, tuple[Target, ...]] = {}
        named = (one for target in self.exact for one in self.names(target))
        for target in sorted(dict.fromkeys(named), key=attrgetter("module", "qualname")):
            found[target.module] = (*found.get(target.module, ()), target)
        return found

    def exact_in(self, module: str) -> tuple[Target, ...]:
        """Return the targets of *module* that a policy names itself."""
        return self._modules.get(module, ())

    def globbed(self, module: str) -> bool:
        """Whether a pattern may name functions of *module*."""
        return bool(self._over(module))

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        return module in self._modules or self.globbed(module)

    # --- plans ------------------------------------------------------------------------

    @cached_property
    def _asking(self) -> bool:
        return any(policy.where.count for policy in self.policies)

    def asks(self, target: Target) -> bool:
        """Whether a policy asks more of the function under *target* than its path."""
        return self._asking and any(policy.where.count for policy, _ in self._matching(target))

    @cached_property
    def _named(self) -> dict[str, list[Policy]]:
        """The policies that name a target itself, by the target."""
        found: dict[str, list[Policy]] = {}
        for policy in self.policies:
            for text in dict.fromkeys(each.glob.text for each in policy.match if each.glob.exact):
                found.setdefault(text, []).append(policy)
        return found

    def _matching(self, target: Target) -> Iterator[tuple[Policy, Pattern]]:
        """Yield each policy that names *target*, with each of its patterns that does."""
        for name in self.names(target):
            text = str(name)
            for policy in self._named.get(text, ()):
                yield from ((policy, one) for one in policy.match if one.glob.text == text)
            for policy, pattern in self._over(name.module):
                if pattern.glob.takes(name.qualname):
                    yield policy, pattern

    def _over(self, module: str) -> tuple[tuple[Policy, Pattern], ...]:
        """Return the patterns that may name functions of *module*, with their policies."""
        if module not in self._patterns:
            each = ((policy, one) for policy, patterns in self.broad for one in patterns)
            over = tuple([one for one in each if one[1].glob.covers_module(module)])
            self._patterns[module] = over
        return self._patterns[module]

    def naming(self, target: Target) -> Sequence[Policy]:
        """Return the policies that name *target* itself, by any of its names."""
        names = self.names(target)
        if len(names) == 1:
            return self._named.get(str(target), ())
        return [policy for name in names for policy in self._named.get(str(name), ())]

    def is_shared(self, text: str) -> bool:
        """Whether more than one policy may hold for the target that *text* writes."""
        return bool(self.broad) or len(self._named.get(text, ())) > 1

    def only(self, target: Target) -> Policy | None:
        """Return the policy whose rules, as they are written, are all that holds for *target*.

        None where others, defaults, or a mode or deadline of the whole policy have a say too.
        """
        named = self.naming(target)
        alone = len(named) == 1 and not named[0].controls
        return named[0] if alone and self._is_bare and not self._over(target.module) else None

    def findings(self, target: Target) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the plan of *target*."""
        return self.resolve(target)[1]

    def candidates(self, target: Target, facts: Facts | None = None) -> list[Candidate]:
        """Return the policies that hold for *target* with their ranks, the highest first."""
        best: dict[int, Candidate] = {}
        for policy, pattern in self._matching(target):
            if self._excludes(policy, target) or not policy.where.holds(facts):
                continue
            ranked = rank(policy, pattern)
            known = best.get(id(policy))
            if known is None or known[0] < ranked:
                best[id(policy)] = (ranked, policy)
        found = list(best.values())
        if len(found) > 1:
            found.sort(key=lambda one: (one[0], one[1].name, one[1].span), reverse=True)
        return found

    def excluded(self, target: Target) -> Policy | None:
        """Return a policy that would hold for *target* but for its `exclude`."""
        matching = (policy for policy, _ in self._matching(target))
        return next((policy for policy in matching if self._excludes(policy, target)), None)

    def left_out(self, target: Target) -> Plan | None:
        """Return an empty plan for a target that policies name, and may yet leave out."""
        excluding = self.excluded(target)
        if excluding is None and not (target in self.exact and self.asks(target)):
            return None
        names = (excluding.name,) if excluding else ()
        spans = (excluding.span,) if excluding else ()
        return Plan(target, "enforce", (), policies=names, sources=spans, exact=excluding is None)

    def _excludes(self, policy: Policy, target: Target) -> bool:
        return bool(policy.exclude) and any(excluded(policy, one) for one in self.names(target))

    def plan(self, target: Target, facts: Facts | None = None) -> Plan | None:
        """Return what holds for *target*, or None where no policy names it.

        Without *facts* only policies that ask no more than a path can hold.
        """
        return self.resolve(target, facts)[0]

    def resolve(self, target: Target, facts: Facts | None = None) -> Resolved:
        """Return what holds for *target*, and what is wrong with it."""
        target = self.own(target)
        if facts is not None:
            return self._resolve(target, facts)
        known = self._resolved.get(target)
        if known is None:
            known = self._resolved[target] = self._resolve(target, None)
        return known

    def _resolve(self, target: Target, facts: Facts | None) -> Resolved:
        candidates = self.candidates(target, facts)
        if not candidates:
            return NOTHING
        made = made_of(candidates)
        known = self._base._plans.get(made, {}).get(target) if self._base else None
        if known is None:
            if made not in self._first:
                self._first[made] = self._planned(target, candidates)
            plan, findings = self._first[made]  # (targets of the same policies differ in no more)
            known = plan.of(target, exact=bool(self.naming(target))), findings
            self._plans.setdefault(made, {})[target] = known
        return known

    def alone(self, policy: Policy) -> Plan:
        """Return what a *policy* of patterns makes of a function that no other one is for."""
        highest = max((rank(policy, one), one.glob.text) for one in policy.match)
        return self._planned(Target(*highest[1].split(":")), [(highest[0], policy)])[0]

    def _planned(
        self, target: Target, candidates: Sequence[Candidate]
    ) -> tuple[Plan, tuple[Diagnostic, ...]]:
        completed = self.completed(candidates)
        rules = tuple(
            [
                at_moment(one.rule, self.now, self.environ)
                for one in completed
                if one.rule is not None
            ]
        )
        policies = [policy for _, policy in candidates]
        plan = Plan(
            target,
            mode_of(rules),
            rules,
            placement_of(policies),
            policies=tuple([policy.name for policy in policies]),
            exact=bool(self.naming(target)),
            sources=tuple([policy.span for policy in policies]),
            deadline=shortest_deadline(policies),
        )
        return plan, tuple([finding for one in completed for finding in one.diagnostics])

    def completed(self, candidates: Sequence[Candidate]) -> tuple[Completed, ...]:
        """Return every rule that *candidates* make together, outermost first.

        It is made once for the same ones.
        """
        key = made_of(candidates)
        if key not in self._completed:
            found = tuple([block.kind for _, policy in candidates for block in policy.rules])
            kinds = self._in_order(found)
            self._completed[key] = tuple(
                [complete(kind, self.layers(kind, candidates), self._built) for kind in kinds]
            )
        return self._completed[key]

    def _in_order(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Return each of *kinds* once, in the order in which a call meets their rules."""
        if kinds not in self._orders:
            ordered = sorted(set(kinds), key=lambda kind: (position(position_of(kind)), kind))
            self._orders[kinds] = tuple(ordered)
        return self._orders[kinds]

    def layers(self, kind: str, candidates: Sequence[Candidate]) -> list[Layer]:
        """Return the blocks of that kind: of the defaults, of *candidates*, of the command line."""
        below, above = self._around(kind)
        found = list(below)
        for ranked, policy in candidates:
            block = policy.rule(kind)
            if block is None:
                continue
            if policy.controls:
                controls = {key: held for key, held in policy.controls.items() if key != "deadline"}
                block = replace(block, settings=laid_over(controls, block.settings))
            found.append(layer_of(ranked, policy, block))
        found += above
        return found

    def _around(self, kind: str) -> tuple[list[Layer], list[Layer]]:
        """Return what lies under the policies, and over them, for one kind."""
        if kind not in self._frames:
            below = [
                Layer(bottom(file.depth), DEFAULTS, block)
                for file in self.files
                for block in (default_of(file, kind),)
                if block is not None
            ]
            above = [Layer(TOP, OVERRIDES, block) for block in self.overrides if block.kind == kind]
            self._frames[kind] = (below, above)
        return self._frames[kind]
