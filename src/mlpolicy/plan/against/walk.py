"""From the policies to the functions that they are for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.model.policy import Pattern, Policy
from mlpolicy.plan.against import (
    arguments,
    caches,
    calls,
    decorated,
    names,
    patterns,
    repeats,
    series,
    specs,
    targets,
)
from mlpolicy.plan.against.about import About
from mlpolicy.plan.against.nothing import Taken
from mlpolicy.plan.governed import facts_of, know_names
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Answer, Defined, Missing, NoModule, Opaque, Survey


def _together(about: About) -> Iterator[Diagnostic]:
    """Yield policies that disagree over a function which only patterns name."""
    if about.plan.exact:
        return
    facts = facts_of(about.rulebook, about.survey, about.target)
    yield from about.rulebook.resolve(about.target, facts)[1]


NOWHERE = ("MP301", "MP302", "MP303", "MP320")
_LOOKS: tuple[Callable[[About], Iterator[Diagnostic]], ...] = (
    _together,
    arguments.look,
    specs.look,
    caches.look,
    calls.look,
    repeats.look,
    decorated.look,
    names.look,
)


def against(rulebook: Rulebook, survey: Survey) -> tuple[Diagnostic, ...]:
    """Return what is wrong between *rulebook* and the source."""
    found: list[Diagnostic] = []
    walk = _Walk(rulebook, survey)
    for policy in rulebook.policies:
        matched = walk.matched(policy)
        found += matched
        nowhere = [one.span for one in matched if one.code in NOWHERE]
        is_right = bool(policy.match) and not nowhere and not rulebook.read.beside
        rulebook.nowhere.update(nowhere)
        rulebook.elsewhere.update(one.span for one in matched if one.code in ("MP307", "MP308"))
        for pattern in policy.exclude:
            # What takes nothing by a slip has nothing to exclude.
            found += (
                one for one in walk.excluded(policy, pattern) if is_right or one.code != "MP408"
            )
    found += walk.broken()
    found += walk.rivals()
    governed = tuple(walk.governed())
    found += _of_functions(governed)
    if not any(one.code == "MP409" for one in found):  # (it is about their number too)
        found += series.look(governed)
    return in_order(found)


def of_rules(rulebook: Rulebook, survey: Survey, named: Iterable[Target]) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the rules of the functions *named*, and nothing else."""
    walk = _Walk(rulebook, survey)
    walk.know(named)
    return in_order([*walk.rivals(), *_of_functions(walk.governed())])


class _Walk:
    """Looks every target up, once, and keeps the functions for the findings about their rules."""

    def __init__(self, rulebook: Rulebook, survey: Survey) -> None:
        know_names(rulebook, survey)
        self._rulebook = rulebook
        self._survey = survey
        self._functions: dict[Target, Defined] = {}
        self._named: dict[str, Span] = {}

    def know(self, named: Iterable[Target]) -> None:
        """Keep those of the targets *named* that are functions."""
        for target in named:
            looked = self._survey.look_up(target)
            if isinstance(looked, Defined) and looked.is_function:
                self._functions[self._rulebook.own(target)] = looked

    def matched(self, policy: Policy) -> tuple[Diagnostic, ...]:
        """Return what is wrong with a `match`; a word of it is said once for all its targets."""
        said: dict[tuple[str, Span], Diagnostic] = {}
        for pattern in policy.match:
            look = self.exact if pattern.glob.exact else self.broad
            for one in look(policy, pattern):
                said.setdefault((one.code, one.span), one)
        return tuple(said.values())

    def exact(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        """Yield what is wrong with one target."""
        target = Target.parse(pattern.glob.text)
        self._named.setdefault(target.module, pattern.span)
        looked = self._survey.look_up(target)
        yield from self._absent(target, looked, pattern)
        if isinstance(looked, Defined):
            found = list(targets.defined(target, looked, pattern.span))
            if not found:
                taken = {target: looked}
                found = list(patterns.of_target(self._taken(policy, pattern, taken)))
            yield from found
            if looked.is_function and not any(one.code in targets.USELESS for one in found):
                self._functions[self._rulebook.own(target)] = looked

    def broad(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        """Yield what is wrong with one pattern."""
        packages = self._rulebook.settings.packages
        for module in self._survey.covered(pattern.glob, packages=packages):
            self._named.setdefault(module, pattern.span)
        taken = {
            target: looked
            for target in self._survey.matching(pattern.glob, packages=packages)
            for looked in [self._functions.get(target) or self._survey.look_up(target)]
            if isinstance(looked, Defined) and looked.is_function
        }
        yield from patterns.look(self._taken(policy, pattern, taken))
        self._functions |= taken

    def excluded(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        """Yield what is wrong with a pattern of `exclude` that keeps nothing from its policy."""
        if not pattern.glob.exact:
            functions = set(self._survey.matching(pattern.glob))
            yield from patterns.of_exclude(self._taken(policy, pattern, {}), functions)
            return
        target = Target.parse(pattern.glob.text)
        looked = self._survey.look_up(target)
        if isinstance(looked, NoModule | Missing):
            yield from self._absent(target, looked, pattern)
            return
        yield from patterns.of_exclude(self._taken(policy, pattern, {}), {target})

    def _absent(self, target: Target, looked: Answer, pattern: Pattern) -> Iterator[Diagnostic]:
        found = targets.absent(target, looked, pattern.span)
        yield from targets.weighed(found, self._rulebook.settings.on_missing_target)

    def broken(self) -> Iterator[Diagnostic]:
        """Yield the modules that are named and whose text is not Python: each once."""
        for module, span in self._named.items():
            found = self._survey.module(module)
            if isinstance(found, Opaque) and found.broken is not None:
                yield targets.not_parsed(module, found, span)

    def rivals(self) -> Iterator[Diagnostic]:
        """Yield what policies of different patterns contradict each other in, on one function."""
        for target in self._functions:
            facts = facts_of(self._rulebook, self._survey, target)
            yield from self._rulebook.resolve(target, facts)[1]

    def governed(self) -> Iterator[About]:
        """Yield the functions that have rules."""
        for target, looked in self._functions.items():
            plan = self._rulebook.plan(target, facts_of(self._rulebook, self._survey, target))
            if plan is not None:
                yield About(plan, looked, self._rulebook, self._survey)

    def _taken(
        self, policy: Policy, pattern: Pattern, functions: Mapping[Target, Defined]
    ) -> Taken:
        return Taken(self._rulebook, self._survey, policy, pattern, functions)


def _of_functions(each: Iterable[About]) -> Iterator[Diagnostic]:
    """Yield what is wrong with rules on functions: one finding for one mistake.

    Where a setting is wrong for several functions, the first is named and the others counted.
    """
    first: dict[tuple[str, Span], Target] = {}
    held: dict[tuple[str, Span], list[Diagnostic]] = {}
    more: dict[tuple[str, Span], set[Target]] = {}
    for about in each:
        for look in _LOOKS:
            for one in look(about):
                key = (one.code, one.span)
                if first.setdefault(key, about.target) == about.target:
                    held.setdefault(key, []).append(one)
                else:
                    more.setdefault(key, set()).add(about.target)
    for key, found in held.items():
        others = len(more.get(key, ()))
        for one in found:
            yield _counted(one, others, first[key]) if others else one


def _counted(one: Diagnostic, others: int, first: Target) -> Diagnostic:
    if f"`{first}`" not in one.message:
        return one  # what it says is not about the function
    functions = "function" if others == 1 else "functions"
    return replace(one, message=f"{one.message} (and {others} more {functions})")
