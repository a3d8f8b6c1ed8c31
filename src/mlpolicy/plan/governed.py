"""The functions that a policy governs, as far as their source tells; none of it is run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mlpolicy.core.diagnostic import Diagnostic, Suggestion, closest, did_you_mean
from mlpolicy.core.model import IN_PYTHON
from mlpolicy.core.site import GENERATORS, Facts, FunctionKind
from mlpolicy.core.target import Target
from mlpolicy.model.policy import CODE, RuleBlock
from mlpolicy.plan.merge import Layer, complete
from mlpolicy.plan.plan import ROLLOUT, Plan, PlannedRule, Rank, at_moment, in_order, mode_of
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.rules import KINDS
from mlpolicy.source import Defined, Missing, NoModule, SourceTree


def governed(rulebook: Rulebook, tree: SourceTree | None) -> Iterator[Plan]:
    """Yield the plan of every target that is named, and of every function that a pattern takes.

    Without a *tree*, only of those that are named.
    """
    for target in targets(rulebook, tree):
        plan = rulebook.plan(target, facts_of(rulebook, tree, target))
        if plan is not None and plan.rules:
            yield plan


def targets(rulebook: Rulebook, tree: SourceTree | None) -> list[Target]:
    """Return every target that is named, and every function that a pattern takes, in order."""
    if tree is None:
        return sorted(rulebook.exact)
    know_names(rulebook, tree)
    found = set(rulebook.exact)
    for pattern in rulebook.globs:
        found.update(tree.matching(pattern.glob, packages=rulebook.settings.packages))
    return sorted(found)


def know_names(rulebook: Rulebook, tree: SourceTree) -> None:
    """Tell *rulebook* which of the targets that it names are other names of one function."""
    for target in rulebook.exact if rulebook.changes is None else rulebook.changes.targets:
        answer = tree.look_up(target)
        if isinstance(answer, Defined) and answer.is_function and answer.defined_as is not None:
            rulebook.join(target, answer.defined_as)
        if rulebook.is_large:
            tree.spare()


def absent_from(
    rulebook: Rulebook, tree: SourceTree, named: Iterable[Target] | None = None
) -> dict[Target, Missing | NoModule]:
    """Return which of the targets *named*, all without them, are not there; none where that is ignored."""
    if rulebook.settings.on_missing_target == "ignore":
        return {}
    answers = {one: tree.look_up(one) for one in (rulebook.exact if named is None else named)}
    return {one: said for one, said in answers.items() if isinstance(said, Missing | NoModule)}


def named(rulebook: Rulebook, tree: SourceTree) -> list[str]:
    """Return the modules that patterns name, of those that are there.

    A pattern of modules names those of the project in which it takes functions, and of an
    installed package what stands before the first wildcard.
    """
    found: set[str] = set()
    for glob in (pattern.glob for pattern in rulebook.globs):
        start, wild, _ = glob.module.partition("*")
        own = {target.module for target in tree.matching(glob, packages=())}
        found |= own or {start.rpartition(".")[0] if wild else start}
    known = (name for name in found if not isinstance(tree.module(name), NoModule))
    return sorted(name for name in known if name.rpartition(".")[2] not in ("", "__main__"))


def facts_of(rulebook: Rulebook, tree: SourceTree | None, target: Target) -> Facts | None:
    """Return the facts of a function where a policy asks for them and its source tells them."""
    answer = tree.look_up(target) if tree is not None and rulebook.asks(target) else None
    if not isinstance(answer, Defined) or not answer.is_function:
        return None
    return Facts(
        answer.kind,  # type: ignore[arg-type]  # (no class and no value, as asked)
        tuple(one.name for one in answer.parameters or ()),
        answer.tags,
        decorators=lambda: answer.decorators,
    )


# --- decorators ----------------------------------------------------------------------------

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
            "warning" if rule.is_of_many(setting) else "error",
            help=did_you_mean(near, listed),
            suggestions=(Suggestion(f"write `{text}`", span, written),) if near else (),
        )
