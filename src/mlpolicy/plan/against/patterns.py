"""Patterns: those that take nothing, and those that take more than was meant."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.target import Target
from mlpolicy.core.words import closest
from mlpolicy.model.policy import Policy
from mlpolicy.plan.against.about import line_of
from mlpolicy.plan.against.nothing import Taken, nothing
from mlpolicy.plan.against.targets import did_you_mean
from mlpolicy.plan.governed import facts_of
from mlpolicy.plan.rulebook import excluded
from mlpolicy.plan.survey import Defined

MOST = 200
"""A pattern that takes more functions than this was hardly looked through."""
_TINY = 14
"""Nodes of an expression that takes less time than a rule around it."""
_CHEAP = frozenset(
    {"abs", "bool", "float", "int", "isinstance", "len", "max", "min", "round", "str"}
)


def look(taken: Taken) -> Iterator[Diagnostic]:
    """Yield what is wrong with a pattern, for all that its source tells."""
    if not taken.functions:
        if taken.survey.knows(taken.glob):
            yield nothing(taken)
        return
    chosen = [one for one in taken.functions if _holds(taken, one)]
    if not chosen and taken.policy.where.count:
        yield from _nothing_chosen(taken)
    elif len(chosen) > MOST:
        yield Diagnostic(
            "MP409",
            f"`{taken.glob}` takes {len(chosen)} functions",
            taken.pattern.span,
            "warning",
            help="name the functions that need it, or `exclude` those that do not",
        )
    else:
        yield from _hot(taken, chosen)


def _holds(taken: Taken, target: Target) -> bool:
    facts = facts_of(taken.rulebook, taken.survey, target)
    return not excluded(taken.policy, target) and taken.policy.where.holds(facts)


def of_target(taken: Taken) -> Iterator[Diagnostic]:
    """Yield a target that is there and is not what its `match` asks for besides."""
    if taken.policy.where.count and not any(_holds(taken, one) for one in taken.functions):
        yield from _nothing_chosen(taken)


def of_exclude(taken: Taken, functions: Collection[Target]) -> Iterator[Diagnostic]:
    """Yield a pattern of `exclude` that stands for *functions*, none of which is matched."""
    if functions and not any(_matched(taken.policy, one) for one in functions):
        yield Diagnostic(
            "MP408",
            f"`exclude` of `{taken.glob}` has no effect: `match` does not take it",
            taken.pattern.span,
            "warning",
            help="take it out, or correct one of the two",
        )
    elif not functions and taken.survey.knows(taken.glob):
        yield nothing(taken)


def _matched(policy: Policy, target: Target) -> bool:
    return any(one.glob.matches(target) for one in policy.match)


def _nothing_chosen(taken: Taken) -> Iterator[Diagnostic]:
    """Yield a `match` of which nothing holds, unless words may be put on while the program runs."""
    if all(excluded(taken.policy, one) for one in taken.functions):
        return
    where = taken.policy.where
    if where.has_param and any(one.parameters is None for one in taken.functions.values()):
        return
    if where.tag and _speaks_of_tags(taken):
        return
    asked = [
        f"{name}: {', '.join(words)}"
        for name in ("tag", "kind", "has_param", "decorated_by")
        if (words := getattr(where, name))
    ]
    count = len(taken.functions)
    which = f"none of the {count} functions of `{taken.glob}`" if count > 1 else f"`{taken.glob}`"
    verb = "is" if count > 1 else "is not"
    near = list(_near_words(taken))
    places = taken.policy.places
    key = "" if near else _culprit(taken)
    slip = near[0][:2] if near else next((one for one in places if one[0] == key), None)
    span = places.get(slip, taken.pattern.span) if slip else taken.pattern.span
    repairs = [Suggestion(f"write `{meant}`", span, meant) for *_, meant in near]
    yield Diagnostic(
        "MP302",
        f"{which} {verb} what `match` asks for: {'; '.join(asked)}",
        span,
        "warning",
        help=did_you_mean(meant for *_, meant in near),
        suggestions=tuple(repairs) if len(repairs) == 1 else (),
    )


def _culprit(taken: Taken) -> str:
    """Return the one condition that keeps all functions out, where no pattern takes any."""
    where, survey = taken.policy.where, taken.survey
    for pattern in taken.policy.match:
        if any(_holds(taken, one) for one in survey.matching(pattern.glob)):
            return ""
    asked = [one for one in ("tag", "kind", "has_param", "decorated_by") if getattr(where, one)]
    without = {one: replace(taken.policy, where=replace(where, **{one: ()})) for one in asked}
    alone = [
        name
        for name, policy in without.items()
        if any(_holds(replace(taken, policy=policy), one) for one in taken.functions)
    ]
    return alone[0] if len(alone) == 1 else ""


def _near_words(taken: Taken) -> Iterator[tuple[str, str, str]]:
    """Yield (key, word, meant) for each word like one that the functions of a pattern have."""
    each = taken.functions.values()
    known = {
        "tag": {word for one in each for word in one.tags},
        "has_param": {param.name for one in each for param in one.parameters or ()},
        "decorated_by": {name for one in each for name in one.decorators},
    }
    for field, words in known.items():
        for one in getattr(taken.policy.where, field):
            if fnmatch.filter(words, one):
                continue
            ordered = sorted(words)
            # What a module defines itself has no module before it, what it imports has.
            same = next((word for word in ordered if f".{word}".endswith(f".{one}")), None)
            same = same or next((word for word in ordered if one.endswith(f".{word}")), None)
            near = same or closest(one, ordered)
            if near is not None:
                yield field, one, near


def _speaks_of_tags(taken: Taken) -> bool:
    """Whether a module may put words on functions otherwise than by `@mlpolicy.tag("word")`."""
    return any(
        one.body is None or b"tag" in _PLAIN_TAGS.sub(b"", one.body.module.source)
        for one in taken.functions.values()
    )


_PLAIN_TAGS = re.compile(
    rb"""(?mx)
    ^[ \t]* @ (?:mlpolicy\.)? tag \( (?: \s* (?:'[\w-]*'|"[\w-]*") \s* ,? )+ \) [ \t]* $
    | ^ from [ ] mlpolicy [ ] import [ ] (?!.*\bas\b) .* $
    """
)
"""Lines that put words on functions, or prepare to, in a way that the source tells."""


# --- too much -------------------------------------------------------------------------


def _hot(taken: Taken, chosen: list[Target]) -> Iterator[Diagnostic]:
    """Yield small functions that are called in a loop, where a pattern puts rules on them."""
    found = [
        (target, line)
        for target in chosen
        if target not in taken.rulebook.exact and (line := _hot_line(taken.functions[target]))
    ]
    if found:
        (target, line), *rest = found
        body = taken.functions[target].body
        assert body is not None
        more = f", and {len(rest)} more" if rest else ""
        yield Diagnostic(
            "MP409",
            f"`{taken.glob}` takes `{target}`{more}: a small function that is called in a loop",
            taken.pattern.span,
            "warning",
            help="its rules take longer than it does: `exclude` it",
            related=(line_of("it is called here", body.module.shown, line),),
        )


def _hot_line(looked: Defined) -> int:
    """Return the line of the loop that calls a function of one plain expression; 0 for none."""
    body = looked.body
    if body is None or looked.kind != "function":
        return 0
    match body.statements:
        case [ast.Return(value=ast.expr() as value)] if _is_tiny(value):
            use = body.module.uses.looping.get(body.home.qualname)
            return use.line if use is not None else 0
    return 0


def _is_tiny(value: ast.expr) -> bool:
    nodes = [one for one in ast.walk(value) if isinstance(one, ast.expr)]
    if len(nodes) > _TINY:
        return False
    for one in nodes:
        if isinstance(
            one, ast.Await | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
        ):
            return False
        if isinstance(one, ast.Call) and getattr(one.func, "id", "") not in _CHEAP:
            return False
    return True
