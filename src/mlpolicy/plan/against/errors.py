"""Exceptions that retries name by a dotted path, looked up in the source."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.plan.against.about import About, at
from mlpolicy.plan.survey import Defined, Missing, Module, NoModule, Survey
from mlpolicy.rules.retry.exceptions import Path, SpellingError, parse


def look(about: About) -> Iterator[Diagnostic]:
    """Yield names in `retry_on` and `give_up_on` that are no exceptions."""
    rule = about.plan.rule("retry")
    if rule is None or rule.rule is None:
        return
    for field in ("retry_on", "give_up_on"):
        for number, text in enumerate(getattr(rule.rule, field)):
            span = at(rule, f"{field}.{number}", f"{field}[{number}]", field)
            yield from _of_name(about.survey, text, span)


def _of_name(survey: Survey, text: str, span: Span) -> Iterator[Diagnostic]:
    try:
        name: Any = parse(text)
    except SpellingError:
        return
    if not isinstance(name, Path):
        return
    target = _target(survey, text)
    if isinstance(target, NoModule):
        yield from _unknown_module(survey, text, target, span)
        return
    found = survey.look_up(target) if target is not None else None
    if isinstance(found, Missing):
        yield from _unknown(survey, text, found, span)
    elif isinstance(found, Defined) and _is_no_exception(found):
        what = "a class, and no exception" if found.kind == "class" else "no exception"
        yield Diagnostic("MP604", f"`{text}` is {what}", span, help=_how(text))


def _how(text: str) -> str:
    return (
        f"name a class below `BaseException`; what `{text.rpartition('.')[2]}` is cannot be raised"
    )


def _target(survey: Survey, text: str) -> Target | NoModule | None:
    """Return *text* as a path into its module; what is missing where there is no module at all.

    None for what is a module itself, or lies in one that cannot be read.
    """
    parts = text.split(".")
    missing = None
    for end in range(len(parts) - 1, 0, -1):
        found = survey.module(".".join(parts[:end]))
        if isinstance(found, Module):
            return Target(found.name, ".".join(parts[end:]))
        if not isinstance(found, NoModule):
            return None
        missing = found
    return missing


def _unknown_module(
    survey: Survey, text: str, missing: NoModule, span: Span
) -> Iterator[Diagnostic]:
    """Yield a top-level module that was mistyped; one that is not installed here may be there."""
    for close in missing.close:
        meant = close + text.removeprefix(missing.component)
        target = _target(survey, meant)
        found = survey.look_up(target) if isinstance(target, Target) else None
        if isinstance(found, Defined) and found.kind == "class":
            yield _meant(text, meant, span)
            return


def _unknown(survey: Survey, text: str, missing: Missing, span: Span) -> Iterator[Diagnostic]:
    module, name = text.rpartition(".")[::2]
    # At run time a class is known by its package too, however deep in it.
    if survey.defines_below(module, name):
        return
    if missing.close:
        target = _target(survey, text)
        assert isinstance(target, Target)
        meant = f"{target.module}.{missing.close[0][0]}"
        if meant != text:  # (else it is imported there, from where it is not)
            yield _meant(text, meant, span)
    else:
        yield Diagnostic("MP603", f"`{module}` has no exception `{name}`", span)


def _meant(text: str, meant: str, span: Span) -> Diagnostic:
    return Diagnostic(
        "MP603",
        f"there is no exception `{text}`",
        span,
        help=f"did you mean `{meant}`?",
        suggestions=(Suggestion(f"write `{meant}`", span, meant),),
    )


def _is_no_exception(found: Defined) -> bool:
    """Whether it is sure that nothing of it can be raised."""
    if found.kind == "class":
        known = found.bases
        return known is not None and not any(map(_is_raised, known))
    return found.constant or found.kind != "value"


def _is_raised(name: str) -> bool:
    cls = getattr(builtins, name, None)
    return isinstance(cls, type) and issubclass(cls, BaseException)
