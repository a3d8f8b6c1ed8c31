"""The functions that rules call, against those that `settings.allow_call` allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from mlpolicy.core.diagnostic import Diagnostic, Related
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.model.policy import Pattern, Settings
from mlpolicy.plan.references import called
from mlpolicy.plan.respelt import Respelt, respelt
from mlpolicy.plan.rulebook import Rulebook

Calls = dict[Span, str]
"""The functions that rules call, by where they are named."""


def calls_of(rulebook: Rulebook) -> Calls:
    """Return what the rules of all policies call."""
    named = (rulebook.plan(target) for target in rulebook.exact)
    plans = (*named, *(rulebook.plan_alone(policy) for policy, _ in rulebook.broad))
    each = (called(rule) for plan in plans if plan is not None for rule in plan.rules)
    return {span: text for text, span in chain.from_iterable(each)}


def refused(
    calls: Calls, settings: Settings, is_there: Callable[[Glob], bool] = lambda _: False
) -> Iterator[Diagnostic]:
    """Yield the *calls* that are not allowed; a misspelt pattern once, for all that it refuses.

    Args:
        calls: What rules call.
        settings: What is allowed.
        is_there: Whether the source is known to have what a pattern takes.
    """
    left = {span: text for span, text in calls.items() if not settings.allows(text)}
    patterns = tuple(chain.from_iterable(settings.allow_call))
    for pattern in patterns if left else ():
        if not _allows_any(pattern, calls.values()) and not is_there(pattern.glob):
            meant = _misspelt(pattern, left)
            if meant is not None:
                yield _of_pattern(pattern, meant, left)
                left = {one: text for one, text in left.items() if not _takes(meant, text)}
    for span, text in left.items():
        yield _of_call(text, span, settings)


def _misspelt(pattern: Pattern, refused: Calls) -> Glob | None:
    """Return what *pattern* was meant to be, by the first of the calls *refused* that is like it."""
    each = (_respelt(pattern.glob, text) for text in refused.values())
    return next((one.glob for one in each if one is not None), None)


def _respelt(glob: Glob, text: str) -> Respelt | None:
    try:
        return respelt(glob, Target.parse(text))
    except TargetError:  # of a plugin's kind, which need not check it
        return None


def _allows_any(pattern: Pattern, calls: Iterable[str]) -> bool:
    return any(_takes(pattern.glob, one) for one in calls)


def _takes(glob: Glob, text: str) -> bool:
    try:
        return glob.matches(Target.parse(text))
    except TargetError:
        return False


def _of_pattern(pattern: Pattern, meant: Glob, refused: Calls) -> Diagnostic:
    calls = tuple(
        Related(f"`{text}` is called here", span)
        for span, text in refused.items()
        if _takes(meant, text)
    )
    # It is for the author alone to allow what is not allowed: there is no repair.
    message = f"`{pattern.glob}` in `settings.allow_call` allows nothing that a rule calls"
    help = f"did you mean `{meant}`?"
    return Diagnostic("MP010", message, pattern.span, help=help, related=calls)


def _of_call(text: str, span: Span, settings: Settings) -> Diagnostic:
    each = [", ".join(f"`{one.glob}`" for one in allowed) for allowed in settings.allow_call]
    listed = " and ".join(one or "none" for one in each)
    near = (_respelt(one.glob, text) for allowed in settings.allow_call for one in allowed)
    meant = next((one.target for one in near if one and settings.allows(str(one.target))), None)
    asked = f"did you mean `{meant}`? " if meant else ""
    message = f"`{text}` is not among the functions that `settings.allow_call` allows"
    return Diagnostic("MP010", message, span, help=f"{asked}allowed: {listed}")
