"""All policies that are in force, and the plan that they make for a target."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.quantity import Duration
from mlpolicy.core.site import KILL_SWITCH, Facts, end_of
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.model.policy import (
    Pattern,
    Placement,
    Policy,
    PolicyFile,
    Profile,
    Profiles,
    RuleBlock,
    Settings,
    Tree,
    joined,
    laid_over,
    one,
)
from mlpolicy.plan.merge import (
    ALL,
    DEFAULTS,
    OVERRIDES,
    Built,
    Completed,
    Extent,
    Layer,
    complete,
    findings_of,
)
from mlpolicy.plan.plan import Plan, Rank, at_moment, deadline_of, in_order, mode_of

if TYPE_CHECKING:
    from mlpolicy.document.parse import Document
    from mlpolicy.plan.changes import Changes
    from mlpolicy.plan.packed import Packed

_MOST = 1000
"""Plans and rules of a very large set that are kept, once made."""
Candidate = tuple[Rank, Policy]
Resolved = tuple[Plan | None, tuple[Diagnostic, ...]]


def _shipped(name: str) -> tuple[Profile, Document]:
    from mlpolicy.model.read import shipped  # (it reads YAML; no cached start does)

    return shipped(name)


def _now() -> datetime:
    return datetime.now(UTC)


class Rulebook:
    """The policies of a set of files, each read for the same environment.

    The order of the files does not matter. *overrides* lie over all policies, for the kinds that
    a policy uses; *built* are rules that were made before, for another environment.
    """

    def __init__(
        self,
        files: Iterable[PolicyFile],
        *,
        now: datetime | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Iterable[RuleBlock] = (),
        read: Extent = ALL,
        built: Built | None = None,
    ) -> None:
        self.files = tuple(sorted(files, key=lambda file: file.file))
        self.now = now or _now()
        self.environ = os.environ if environ is None else environ
        self.overrides = tuple(overrides)
        self.read = read
        self.profiles = Profiles(self.files, _shipped, named=read.named, whole=read.whole)
        each = (self.profiles.under(policy) for file in self.files for policy in file.policies)
        self._packed: Packed | None = None
        if all(isinstance(file.policies, tuple) for file in self.files):
            self.policies: Sequence[Policy] = tuple(each)
        else:
            from mlpolicy.plan.packed import Packed  # (of very large sets alone)

            self.policies = self._packed = Packed.of(self.files, each)
        self.nowhere: set[Span] = set()
        """Where targets and patterns stand that name no function, as far as the source was asked."""
        self.elsewhere: set[Span] = set()
        """Where targets stand that are there, and for which others are named."""
        self.aliases: dict[Target, Target] = {}
        self._candidates: dict[Target, list[Candidate]] = {}
        self._plans: dict[tuple[object, ...], tuple[Plan, tuple[Completed, ...]]] = {}
        """Plans by the ranks, names and places of policies: a pattern makes thousands of one."""
        self.built: Built = {} if built is None else built
        self._patterns: dict[str, list[tuple[Policy, Pattern]]] = {}
        self.lacking = False  # (a rule may lack what it needs: lint says so)
        self.shapes: dict[Target, int] = {}
        """What the plans of targets are judged by, beside names and places: lint fills it."""
        self.changes: Changes | None = None
        """What is otherwise than in the files themselves, if that is no more than some policies."""
        if read.beside is not None:
            from mlpolicy.plan import changes  # (of a service nothing is compared)

            self.policies = changes.shared(self, read.beside)
            self.changes = changes.between(self, read.beside)
        if self.changes is not None:
            self.aliases = dict(self.changes.since.aliases)

    @property
    def is_large(self) -> bool:
        """Whether policies and plans are too many to be held at once: each is made when asked for."""
        return self._packed is not None

    def _make_room(self) -> None:
        """Of a very large set, let go of what was made: it is made again when it is asked for."""
        for known in (self._candidates, self._plans, self.built) if self.is_large else ():
            if len(known) >= _MOST:
                known.clear()

    def at_present(self) -> Rulebook:
        """Return the same policies as they hold at this moment."""
        return Rulebook(self.files, environ=self.environ, overrides=self.overrides)

    # --- what it speaks of ------------------------------------------------------------

    @cached_property
    def settings(self) -> Settings:
        """What holds for all files: the most careful of what each says."""
        return joined(self.files)

    @property
    def tells_absence(self) -> bool:
        """Whether what has no effect here has none: all was read, and of the files themselves."""
        return self.read.whole and not self.read.beside and not self.profiles.diagnostics

    @cached_property
    def exact(self) -> tuple[Target, ...]:
        """Every target that a policy names itself, in order; each by its own name."""
        if self.changes is not None and not self.changes.texts:
            return self.changes.since.exact
        targets = dict.fromkeys(self.own(Target.parse(text)) for text in self._named)
        return tuple(sorted(targets, key=attrgetter("module", "qualname")))

    def own(self, target: Target) -> Target:
        """Return the path under which the function is defined that *target* is a name of."""
        return self.aliases.get(target, target)

    def names(self, target: Target) -> tuple[Target, ...]:
        """Return all known names of a function, its own first."""
        own = self.own(target)
        return own, *self._other_names.get(own, ())

    def join(self, name: Target, own: Target) -> None:
        """Take *name* for another name of the function *own*: one function has one plan.

        With both the same, it is a name of its own again.
        """
        if self.own(name) != own:
            self.aliases[name] = own
            self._candidates.clear()
            for known in ("exact", "_modules", "_other_names"):
                self.__dict__.pop(known, None)
            if self.changes is not None:
                self.changes.forget()

    @cached_property
    def _other_names(self) -> dict[Target, list[Target]]:
        found: dict[Target, list[Target]] = {}
        for name, own in self.aliases.items():
            if name != own:
                found.setdefault(own, []).append(name)
        return found

    @cached_property
    def broad(self) -> tuple[tuple[Policy, tuple[Pattern, ...]], ...]:
        """The policies with patterns that may name more than one function, and those."""
        return tuple(
            (policy, patterns)
            for policy in (self._packed.broad if self._packed else self.policies)
            if (patterns := tuple([one for one in policy.match if not one.glob.exact]))
        )

    @cached_property
    def kinds(self) -> Mapping[str, int]:
        """How many policies have a rule of each kind."""
        policies = () if self._packed else self.policies
        counts = Counter(block.kind for policy in policies for block in policy.rules)
        return self._packed.kinds if self._packed else counts

    @cached_property
    def globs(self) -> tuple[Pattern, ...]:
        """Every pattern that may name more than one function."""
        return tuple(pattern for _, patterns in self.broad for pattern in patterns)

    @cached_property
    def tops(self) -> frozenset[str]:
        """The top-level packages that any policy names."""
        exact = (target.module.partition(".")[0] for target in self.exact)
        return frozenset([*exact, *(pattern.glob.top for pattern in self.globs)])

    @cached_property
    def next_end(self) -> datetime | None:
        """The next moment at which a rule expires and no longer holds as it does."""
        trees = [policy.controls for policy in self.policies]
        for policy in self.policies:
            if not getattr(policy.rules, "dateless", False):
                trees += [rule.settings for rule in policy.rules]
        written = (found for tree in trees if (found := one(tree, "expires")) is not None)
        ends = (end_of(date.fromisoformat(setting.value)) for setting in written)
        return min((end for end in ends if end > self.now), default=None)

    @cached_property
    def _modules(self) -> dict[str, list[Target]]:
        found: dict[str, list[Target]] = {}
        named = {name for target in self.exact for name in self.names(target)}
        for target in sorted(named, key=attrgetter("module", "qualname")):
            found.setdefault(target.module, []).append(target)
        return found

    def exact_in(self, module: str) -> Sequence[Target]:
        """Return the targets of *module* that a policy names itself."""
        return self._modules.get(module, ())

    def globbed(self, module: str) -> bool:
        """Whether a pattern may name functions of *module*."""
        return bool(self._over(module))

    def wants(self, module: str) -> bool:
        """Whether a policy may name a function of *module*."""
        return module in self._modules or self.globbed(module)

    def asks(self, target: Target) -> bool:
        """Whether a policy asks more of the function under *target* than its path."""
        return any(policy.where.count for policy, _ in self._matching(target))

    @cached_property
    def _named(self) -> Mapping[str, list[Policy]]:
        """The policies that name a target itself, by the target."""
        if self._packed is not None:
            return self._packed.by_target
        found: dict[str, list[Policy]] = {}
        if self.changes is not None:
            found, here = dict(self.changes.since._named), set(map(id, self.policies))
            for text in self.changes.texts.intersection(found):
                found[text] = [policy for policy in found[text] if id(policy) in here]
                if not found[text]:
                    del found[text]
        for policy in self.policies if self.changes is None else self.changes.policies:
            exact = (pattern.glob.text for pattern in policy.match if pattern.glob.exact)
            for text in dict.fromkeys(exact):
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

    def _over(self, module: str) -> list[tuple[Policy, Pattern]]:
        """Return the patterns that may name functions of *module*, with their policies."""
        if module not in self._patterns:
            self._patterns[module] = [
                (policy, pattern)
                for policy, patterns in self.broad
                for pattern in patterns
                if pattern.glob.covers_module(module)
            ]
        return self._patterns[module]

    # --- plans ------------------------------------------------------------------------

    def candidates(self, target: Target, facts: Facts | None = None) -> list[Candidate]:
        """Return the policies that hold for *target* with their ranks, the highest first."""
        if facts is None and (known := self._candidates.get(target)) is not None:
            return known
        best: dict[tuple[str, Span], Candidate] = {}
        for policy, pattern in self._matching(target):
            if not policy.where.holds(facts) or excluded(policy, *self.names(target)):
                continue
            key, ranked = (policy.name, policy.span), rank(policy, pattern)
            if key not in best or best[key][0] < ranked:
                best[key] = ranked, policy
        found = sorted(
            best.values(), key=lambda each: (each[0], each[1].name, each[1].span), reverse=True
        )
        if facts is None:
            self._make_room()
            self._candidates[target] = found
        return found

    def excluded(self, target: Target) -> Policy | None:
        """Return a policy that would hold for *target* but for its `exclude`."""
        matching = (policy for policy, _ in self._matching(target))
        return next((one for one in matching if excluded(one, *self.names(target))), None)

    def left_out(self, target: Target) -> Plan | None:
        """Return an empty plan for a target that policies name, and may yet leave out."""
        policy = self.excluded(target)
        if policy is not None:
            names, spans = (policy.name,), (policy.span,)
            return Plan(target, "enforce", (), policies=names, sources=spans, exact=False)
        return Plan(target, "enforce", ()) if target in self.exact and self.asks(target) else None

    def plan(self, target: Target, facts: Facts | None = None) -> Plan | None:
        """Return what holds for *target*, or None where no policy names it.

        Without *facts* only policies that ask no more than a path can hold.
        """
        return self.resolve(target, facts)[0]

    def resolve(self, target: Target, facts: Facts | None = None) -> Resolved:
        """Return what holds for *target*, and where policies contradict each other in it."""
        target = self.own(target)
        candidates = self.candidates(target, facts)
        if not candidates:
            return None, ()
        plan, completed = self.made(target, candidates)
        names = self.names(target)
        exact = any(str(name) in self._named for name in names)
        conflicts = tuple([found for each in completed for found in each.conflicts])
        packages = tuple(dict.fromkeys([name.top for name in names]))
        return replace(plan, target=target, exact=exact, packages=packages), conflicts

    def alone(self, policy: Policy) -> tuple[Target, list[Candidate]]:
        """Return what a *policy* of patterns is for that no other is for, and it as all there is."""
        ranked, text = max((rank(policy, one), one.glob.text) for one in policy.match)
        return Target(*text.split(":")), [(ranked, policy)]

    def made(
        self, target: Target, candidates: Sequence[Candidate]
    ) -> tuple[Plan, tuple[Completed, ...]]:
        """Return the plan that *candidates* make, and its rules with what is wrong with them."""
        key = tuple([(ranked, policy.name, policy.span) for ranked, policy in candidates])
        known = self._plans.get(key)
        if known is None:
            completed = self._completed(candidates, self.read)
            # (asking the process for its variables takes longer than all else here)
            environ = {KILL_SWITCH: self.environ.get(KILL_SWITCH, "")}
            made = [one.rule for one in completed if one.rule is not None]
            rules = tuple([at_moment(rule, self.now, environ) for rule in made])
            policies = [policy for _, policy in candidates]
            placed: list[Placement] = [
                policy.placement for policy in policies if policy.placement != "auto"
            ]
            deadline = deadline_of(candidates)
            plan = Plan(
                target,
                mode_of(rules),
                rules,
                placed[0] if placed else "auto",
                policies=tuple([policy.name for policy in policies]),
                sources=tuple([policy.span for policy in policies]),
                deadline=None if deadline is None else float(Duration.of(deadline.value)),
                lists=self.settings.allowed,
            )
            known = self._plans[key] = plan, completed
        return known

    def _completed(self, candidates: Sequence[Candidate], read: Extent) -> tuple[Completed, ...]:
        """Return every rule that *candidates* make together, outermost first."""
        kinds = {block.kind for _, policy in candidates for block in policy.rules}
        return tuple(
            [
                complete(kind, self.layers(kind, candidates), self.built, read=read)
                for kind in sorted(kinds, key=in_order)
            ]
        )

    def layers(self, kind: str, candidates: Sequence[Candidate]) -> list[Layer]:
        """Return the blocks of that kind: of the defaults, of *candidates*, of the command line."""
        found = list(self._defaults(kind))
        for ranked, policy in candidates:
            block = policy.rule(kind)
            if block is None:
                continue
            if policy.controls:
                controls = {key: held for key, held in policy.controls.items() if key != "deadline"}
                block = replace(block, settings=laid_over(controls, block.settings))
            # (`final` may be of this rule alone)
            height = (1, *ranked[1:]) if block.final else ranked
            found.append(Layer(height, policy.name, block, policy.span.file))
        top = (2, 0, 0, True, 0, 0, 0)
        found += (Layer(top, OVERRIDES, block) for block in self.overrides if block.kind == kind)
        return found

    def _defaults(self, kind: str) -> Iterator[Layer]:
        """Yield what lies under the policies for one kind, that of imported files lowest."""
        for file in self.files:
            held = next((block for block in file.defaults if block.kind == kind), None)
            if file.mode is not None:
                mode: Tree = {"mode": file.mode}
                settings = laid_over(mode, held.settings) if held else mode
                held = replace(held or RuleBlock(kind, Span(file.file)), settings=settings)
            if held is not None:
                yield Layer((-1, -file.depth, 0, False, 0, 0, 0), DEFAULTS, held, file.file)

    def findings(
        self, target: Target, candidates: Sequence[Candidate], *, alone: bool = False
    ) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the plan that *candidates* make of *target*.

        With *alone*, others may complete it on the functions that they name too.
        """
        plan, completed = self.made(target, candidates)
        policies = [policy for _, policy in candidates]
        kinds = {block.kind for block in policies[0].rules}
        if alone and any(self.kinds[kind] > 1 for kind in kinds):
            completed = self._completed(candidates, replace(self.read, whole=False))
        return findings_of(plan, completed, deadline_of(candidates))


# --- what decides between policies ----------------------------------------------------


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


def excluded(policy: Policy, *names: Target) -> bool:
    """Whether *policy* says that it is not for the function of these *names*."""
    return any(pattern.glob.matches(name) for pattern in policy.exclude for name in names)
