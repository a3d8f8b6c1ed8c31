"""The stages of lint: policies alone, then policies against the source of the functions that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.lint import patterns, policies, targets
from mlpolicy.lint.function import SourceFunction
from mlpolicy.lint.patterns import Taken
from mlpolicy.lint.text import unused_variables, written_secrets
from mlpolicy.model.policy import Pattern, Policy
from mlpolicy.model.read import Source
from mlpolicy.plan.governed import facts_of, know_names
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules import KINDS
from mlpolicy.source import Defined, Missing, NoModule, Opaque, SourceTree

_TAKES_NOTHING = frozenset({"MP301", "MP302", "MP303", "MP320"})
"""Findings about a target or a pattern that names no function."""
_NOT_MEANT = frozenset({"MP307", "MP308"})
"""Findings about a target that is there, and for which others are named."""


def of_policies(rulebook: Rulebook, sources: Sequence[Source]) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the policies of *rulebook*, without looking at any code.

    *sources* are the files that they were read from.
    """
    found = [*rulebook.profiles.diagnostics, *policies.lint(rulebook), *written_secrets(sources)]
    if rulebook.read.whole and not rulebook.read.beside:
        found += unused_variables(sources)
    return in_order(found)


def of_source(rulebook: Rulebook, tree: SourceTree) -> tuple[Diagnostic, ...]:
    """Return what is wrong between *rulebook* and the source."""
    stage = _SourceStage(rulebook, tree)
    found = [finding for policy in rulebook.policies for finding in stage.policy(policy)]
    return in_order([*found, *stage.unread(), *stage.rules()])


def of_rules(
    rulebook: Rulebook, tree: SourceTree, named: Iterable[Target]
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with the rules of the functions *named*, and nothing else."""
    stage = _SourceStage(rulebook, tree)
    for target in named:
        stage.know(target)
    return in_order([*stage.rules()])


class _SourceStage:
    """Looks every target up once, and keeps the functions for the checks of their rules."""

    def __init__(self, rulebook: Rulebook, tree: SourceTree) -> None:
        know_names(rulebook, tree)
        self._rulebook = rulebook
        self._tree = tree
        self._functions: dict[Target, Defined] = {}
        self._modules: dict[str, Span] = {}

    def know(self, target: Target) -> None:
        """Keep *target* if it is a function."""
        answer = self._tree.look_up(target)
        if isinstance(answer, Defined) and answer.is_function:
            self._functions[self._rulebook.own(target)] = answer

    def policy(self, policy: Policy) -> Iterator[Diagnostic]:
        """Yield what is wrong with the selector of *policy*."""
        matched: dict[tuple[str, Span], Diagnostic] = {}  # a condition belongs to all patterns
        for pattern in policy.match:
            look = self._target if pattern.glob.exact else self._pattern
            for finding in look(policy, pattern):
                matched.setdefault((finding.code, finding.span), finding)
        yield from matched.values()
        # A `match` that takes nothing by a slip leaves an `exclude` without effect.
        nowhere = {span for code, span in matched if code in _TAKES_NOTHING}
        self._rulebook.nowhere |= nowhere
        self._rulebook.elsewhere |= {span for code, span in matched if code in _NOT_MEANT}
        vain = bool(nowhere) or not policy.match or self._rulebook.read.beside
        for pattern in policy.exclude:
            yield from self._exclude(policy, pattern, vain=vain)

    def _target(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        target = Target.parse(pattern.glob.text)
        self._modules.setdefault(target.module, pattern.span)
        answer = self._tree.look_up(target)
        lenient = self._rulebook.settings.on_missing_target
        yield from targets.absent(target, answer, pattern.span, lenient)
        if not isinstance(answer, Defined):
            return
        useless = targets.useless(target, answer, pattern.span)
        if useless is not None:
            yield useless
            return
        self.know(target)
        of_import = list(targets.reexported(target, answer, pattern.span))
        taken = Taken(self._rulebook, self._tree, policy, pattern, {target: answer})
        yield from of_import or patterns.lint(taken)

    def _pattern(self, policy: Policy, pattern: Pattern) -> Iterator[Diagnostic]:
        packages = self._rulebook.settings.packages
        for module in self._tree.covered(pattern.glob, packages=packages):
            self._modules.setdefault(module, pattern.span)
        functions: dict[Target, Defined] = {}
        for target in self._tree.matching(pattern.glob, packages=packages):
            answer = self._functions.get(target) or self._tree.look_up(target)
            if isinstance(answer, Defined) and answer.is_function:
                functions[target] = answer
        yield from patterns.lint(Taken(self._rulebook, self._tree, policy, pattern, functions))
        self._functions |= functions

    def _exclude(self, policy: Policy, pattern: Pattern, *, vain: bool) -> Iterator[Diagnostic]:
        functions: set[Target]
        if pattern.glob.exact:
            target = Target.parse(pattern.glob.text)
            answer, functions = self._tree.look_up(target), {target}
            if isinstance(answer, Missing | NoModule):
                lenient = self._rulebook.settings.on_missing_target
                yield from targets.absent(target, answer, pattern.span, lenient)
                return
        else:
            functions = set(self._tree.matching(pattern.glob))
        if not (functions and vain):
            yield from patterns.lint_exclude(policy, pattern, functions, self._tree)

    def unread(self) -> Iterator[Diagnostic]:
        """Yield the modules that are named and whose text is not Python, each once."""
        for name, span in self._modules.items():
            module = self._tree.module(name)
            if isinstance(module, Opaque) and module.broken is not None:
                help = f"mend {module.broken}, or run mlpolicy under the Python of the service"
                text = f"`{name}` {module.why}"
                yield Diagnostic("MP303", text, span, "warning", label="not checked", help=help)

    def rules(self) -> Iterator[Diagnostic]:
        """Yield what is wrong with the rules of functions.

        Where a setting is wrong on several functions, that is one finding: it names the first of
        them and counts the others.
        """
        found: dict[tuple[str, Span], dict[Target, list[Diagnostic]]] = {}
        for target, defined in self._functions.items():
            for finding in self._of_function(target, defined):
                by_target = found.setdefault((finding.code, finding.span), {})
                by_target.setdefault(target, []).append(finding)
        for by_target in found.values():
            first = next(iter(by_target))
            others = len(by_target) - 1
            more = f" (and {others} more function{'s' if others > 1 else ''})" if others else ""
            for finding in by_target[first]:
                is_about = f"`{first}`" in finding.message
                yield replace(finding, message=finding.message + more) if is_about else finding

    def _of_function(self, target: Target, defined: Defined) -> Iterator[Diagnostic]:
        rulebook, tree = self._rulebook, self._tree
        plan, findings = rulebook.resolve(target, facts_of(rulebook, tree, target))
        yield from findings
        if plan is None:
            return
        yield from targets.arguments(plan, defined)
        yield from targets.calls(plan, rulebook, tree)
        for rule in plan.rules:
            if rule.rule is not None and KINDS[rule.kind].lint:
                function = SourceFunction(plan, rule, defined, rulebook, tree)
                yield from KINDS[rule.kind].linted(rule.rule, function)
