"""Patterns that take nothing, or more functions than anybody looked through."""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from mlpolicy.core.diagnostic import Diagnostic, repair
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target
from mlpolicy.core.words import closest, did_you_mean
from mlpolicy.model.policy import Pattern, Policy
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.rulebook import Rulebook, excluded
from mlpolicy.source import Defined, SourceTree

_MOST = 200
"""A pattern that takes more functions than this was hardly looked through."""
_CONDITIONS = ("tag", "kind", "has_param", "decorated_by")


@dataclass(frozen=True, slots=True)
class Taken:
    """A pattern of a policy, and the functions of the source that it takes."""

    rulebook: Rulebook
    tree: SourceTree
    policy: Policy
    pattern: Pattern
    functions: Mapping[Target, Defined]

    def holds(self, target: Target) -> bool:
        """Whether the policy is for a function that the pattern takes, by all that it asks."""
        facts = facts_of(self.rulebook, self.tree, target)
        return not excluded(self.policy, target) and self.policy.where.holds(facts)


def lint(taken: Taken) -> Iterator[Diagnostic]:
    """Yield what is wrong with a pattern of `match`, or one of its targets."""
    glob, span = taken.pattern.glob, taken.pattern.span
    if not taken.functions:
        if not glob.exact and taken.tree.knows(glob):
            yield _nothing(taken.tree, glob, span)
        return
    chosen = [target for target in taken.functions if taken.holds(target)]
    if not chosen and taken.policy.where.count:
        yield from _none_chosen(taken)
    elif len(chosen) > _MOST:
        yield Diagnostic(
            "MP409",
            f"`{glob}` takes {len(chosen)} functions",
            span,
            "warning",
            help="name the functions that need it, or `exclude` those that do not",
        )


def lint_exclude(
    policy: Policy, pattern: Pattern, functions: Collection[Target], tree: SourceTree
) -> Iterator[Diagnostic]:
    """Yield a pattern of `exclude` that stands for *functions*, none of which is matched."""
    if not functions and tree.knows(pattern.glob):
        yield _nothing(tree, pattern.glob, pattern.span)
    elif functions and not any(
        one.glob.matches(target) for target in functions for one in policy.match
    ):
        yield Diagnostic(
            "MP408",
            f"`exclude` of `{pattern.glob}` has no effect: `match` does not take it",
            pattern.span,
            "warning",
            help="take it out, or correct one of the two",
        )


def _nothing(tree: SourceTree, glob: Glob, span: Span) -> Diagnostic:
    """Return the finding for a pattern that takes no function of the source."""
    near = None
    if glob.top in sys.stdlib_module_names:
        help = "no pattern takes functions of the standard library: name them one by one"
    elif any(True for _ in tree.matching(glob)):
        help = f"`{glob.top}` is an installed package: list it under `settings.packages`"
    else:
        plain = glob.qualname.replace("*", "").strip(".")
        known = {name: module for module in tree.covered(glob) for name in tree.functions(module)}
        near = closest(plain, known)
        help = did_you_mean(f"{known[near]}:{near}" if near else None)
    return Diagnostic("MP302", f"no function matches `{glob}`", span, "warning", help=help)


def _none_chosen(taken: Taken) -> Iterator[Diagnostic]:
    """Yield a `match` of which nothing holds, unless words may be put on while the program runs."""
    where, functions = taken.policy.where, taken.functions
    if _may_be_chosen(taken):
        return
    asked = {name: words for name in _CONDITIONS if (words := getattr(where, name))}
    near = list(_near_words(taken))
    span = taken.pattern.span
    if near:
        span = taken.policy.places.get(near[0][:2], span)
    elif len(asked) == 1 and not _takes_any(taken):
        [(name, words)] = asked.items()
        span = taken.policy.places.get((name, words[0]), span)
    count, glob = len(functions), taken.pattern.glob
    which = f"none of the {count} functions of `{glob}` is" if count > 1 else f"`{glob}` is not"
    listed = "; ".join(f"{name}: {', '.join(words)}" for name, words in asked.items())
    meant = ", ".join(f"`{word}`" for *_, word in near)
    yield Diagnostic(
        "MP302",
        f"{which} what `match` asks for: {listed}",
        span,
        "warning",
        help=f"did you mean {meant}?" if meant else "",
        suggestions=repair(span, near[0][2]) if len(near) == 1 else (),
    )


def _may_be_chosen(taken: Taken) -> bool:
    """Whether the source does not tell, or `exclude` keeps out all functions anyway."""
    where, each = taken.policy.where, taken.functions.values()
    if where.has_param and any(defined.parameters is None for defined in each):
        return True
    if where.tag and any(map(_may_be_tagged, each)):
        return True
    return all(excluded(taken.policy, target) for target in taken.functions)


def _takes_any(taken: Taken) -> bool:
    """Whether another pattern of the policy takes functions of which its conditions hold."""
    globs = (pattern.glob for pattern in taken.policy.match)
    return any(taken.holds(target) for glob in globs for target in taken.tree.matching(glob))


def _near_words(taken: Taken) -> Iterator[tuple[str, str, str]]:
    """Yield (key, word, meant) for each word like one that the functions of a pattern have."""
    each = taken.functions.values()
    known = {
        "tag": {word for one in each for word in one.tags},
        "has_param": {param.name for one in each for param in one.parameters or ()},
        "decorated_by": {name for one in each for name in one.decorators},
    }
    for key, words in known.items():
        for word in getattr(taken.policy.where, key):
            if fnmatch.filter(words, word):
                continue
            near = _closest_word(word, sorted(words))
            if near is not None:
                yield key, word, near


def _closest_word(word: str, known: list[str]) -> str | None:
    """Return what is most like *word*: a decorator of the module itself has no module before it."""
    for one in known:
        if f".{one}".endswith(f".{word}") or f".{word}".endswith(f".{one}"):
            return one
    return closest(word, known)


def _may_be_tagged(defined: Defined) -> bool:
    """Whether the module may put tags on functions otherwise than by `@mlpolicy.tag("word")`."""
    return b"tag" in _PLAIN_TAGS.sub(b"", defined.scope.module.source)


_PLAIN_TAGS = re.compile(
    rb"""(?mx)
    ^[ \t]* @ (?:mlpolicy\.)? tag \( (?: \s* (?:'[\w-]*'|"[\w-]*") \s* ,? )+ \) [ \t]* $
    | ^ from [ ] mlpolicy [ ] import [ ] (?!.*\bas\b) .* $
    """
)
