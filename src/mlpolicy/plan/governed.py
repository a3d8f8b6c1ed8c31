"""The functions that a policy governs, as far as their source tells; none of it is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlpolicy.core.site import Facts
from mlpolicy.core.target import Target
from mlpolicy.plan.plan import Plan
from mlpolicy.plan.rulebook import Rulebook
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
    for target in rulebook.exact:
        answer = tree.look_up(target)
        if isinstance(answer, Defined) and answer.is_function and answer.defined_as is not None:
            rulebook.join(target, answer.defined_as)


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
