"""Classes that rules name by a dotted path, looked up in the source."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.frozen import frozen
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.core.words import differing, is_one_slip
from mlpolicy.plan.against.about import About, at
from mlpolicy.plan.survey import Defined, Dynamic, Missing, Module, NoModule, Survey
from mlpolicy.rules.retry.exceptions import Path, SpellingError, parse


@frozen()
class Sought:
    """What names in one place must lead to."""

    noun: str
    absent: str
    """The code of a name that leads nowhere."""
    other: str
    """The code of a name that leads to something else."""
    deep: bool = False
    """Whether a class is known by its package too, however deep in it."""


EXCEPTION = Sought("exception", "MP603", "MP604", deep=True)
CLASS = Sought("class", "MP208", "MP208")


def look(about: About) -> Iterator[Diagnostic]:
    """Yield names of exceptions and of classes that are none."""
    for sought, text, span in (*_exceptions(about), *_classes(about)):
        yield from _of_name(about.survey, sought, text, span)


def _exceptions(about: About) -> Iterator[tuple[Sought, str, Span]]:
    rule = about.plan.rule("retry")
    if rule is None or rule.rule is None:
        return
    for field in ("retry_on", "give_up_on"):
        for number, text in enumerate(getattr(rule.rule, field)):
            if _is_path(text):
                yield EXCEPTION, text, at(rule, f"{field}.{number}")


def _is_path(text: str) -> bool:
    try:
        name: Any = parse(text)
    except SpellingError:
        return False
    return isinstance(name, Path)


def _classes(about: About) -> Iterator[tuple[Sought, str, Span]]:
    rule = about.plan.rule("validate")
    if rule is None:
        return
    for path, value in rule.values.items():
        if path.rpartition(".")[2] in ("type", "model") and isinstance(value.value, str):
            dotted = value.value.replace(":", ".")
            if "." in dotted:
                yield CLASS, dotted, at(rule, path)


def _of_name(survey: Survey, sought: Sought, text: str, span: Span) -> Iterator[Diagnostic]:
    target = _target(survey, text)
    if isinstance(target, NoModule):
        yield from _unknown_module(survey, sought, text, target, span)
        return
    found = survey.look_up(target) if target is not None else None
    if isinstance(found, Dynamic):
        yield from _slip(survey, sought, text, found, span)
    elif isinstance(found, Missing):
        yield from _unknown(survey, sought, text, found, span)
    elif isinstance(found, Defined) and _is_other(found, sought):
        yield Diagnostic(
            sought.other,
            f"`{text}` is {_named(found, sought)}",
            span,
            help=_how(text) if sought is EXCEPTION else "",
        )


def _named(found: Defined, sought: Sought) -> str:
    """Return what *found* is, in the words of what was sought."""
    if found.kind in ("class", "value") or sought is EXCEPTION:
        return f"a class, and no {sought.noun}" if found.kind == "class" else f"no {sought.noun}"
    return f"a function, and no {sought.noun}"


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
    survey: Survey, sought: Sought, text: str, missing: NoModule, span: Span
) -> Iterator[Diagnostic]:
    """Yield a top-level module that was mistyped; one that is not installed here may be there."""
    for close in missing.close:
        meant = close + text.removeprefix(missing.component)
        target = _target(survey, meant)
        found = survey.look_up(target) if isinstance(target, Target) else None
        is_class = isinstance(found, Defined) and found.kind == "class"
        is_deeper = sought.deep and isinstance(found, Missing) and not found.close
        if is_class or (is_deeper and survey.defines_below(*meant.rsplit(".", 1))):
            yield _meant(sought, text, meant, span)
            return


def _slip(
    survey: Survey, sought: Sought, text: str, dynamic: Dynamic, span: Span
) -> Iterator[Diagnostic]:
    """Yield a name that is one letter off one that is there; any other may be made as code runs."""
    module, name = text.rpartition(".")[::2]
    for close in dynamic.close:
        found = survey.look_up(Target(module, close)) if _is_slip(name, close) else None
        if isinstance(found, Defined) and found.kind == "class":
            yield _meant(sought, text, f"{module}.{close}", span)
            return


def _is_slip(word: str, right: str) -> bool:
    """Whether one letter within a long name is wrong, which is no digit and stands at no end."""
    left, meant = differing(word, right)
    is_within = word[0] == right[0] and word[-1] == right[-1] and len(right) >= _LONG
    return is_one_slip(left, meant) and is_within and not re.search(r"[\d_]", left + meant)


_LONG = 8


def _unknown(
    survey: Survey, sought: Sought, text: str, missing: Missing, span: Span
) -> Iterator[Diagnostic]:
    module, name = text.rpartition(".")[::2]
    if sought.deep and survey.defines_below(module, name):
        return
    target = _target(survey, text)
    assert isinstance(target, Target)
    others = (name for name, _ in missing.close)
    close = [
        *missing.classes,
        *(name for name in others if _may_be_class(survey, target.module, name)),
    ]
    if close:
        meant = f"{target.module}.{close[0]}"
        if meant != text:  # (else it is imported there, from where it is not)
            yield _meant(sought, text, meant, span)
    elif elsewhere := _elsewhere(survey, module, name):
        yield _meant(sought, text, elsewhere, span)
    else:
        yield Diagnostic(sought.absent, f"`{module}` has no {sought.noun} `{name}`", span)


def _elsewhere(survey: Survey, module: str, name: str) -> str:
    """Return the path of the class in a module whose name is like *module*, if it is there."""
    found = survey.look_up(Target(module, name))
    meant = found.meant if isinstance(found, NoModule | Missing) else None
    return str(meant).replace(":", ".") if meant is not None else ""


def _may_be_class(survey: Survey, module: str, name: str) -> bool:
    found = survey.look_up(Target(module, name))
    return not isinstance(found, Defined) or found.kind in ("class", "value")


def _meant(sought: Sought, text: str, meant: str, span: Span) -> Diagnostic:
    return Diagnostic(
        sought.absent,
        f"there is no {sought.noun} `{text}`",
        span,
        help=f"did you mean `{meant}`?",
        suggestions=(Suggestion(f"write `{meant}`", span, meant),),
    )


def _is_other(found: Defined, sought: Sought) -> bool:
    """Whether it is sure that *found* is not what was sought: that nothing of it can be raised."""
    if found.kind == "class" and sought is EXCEPTION:
        known = found.bases
        return known is not None and not any(map(_is_raised, known))
    # (a function whose parameters are not known may be a class in another branch)
    is_function = found.kind not in ("class", "value") and found.parameters is not None
    return found.constant or is_function


def _is_raised(name: str) -> bool:
    cls = getattr(builtins, name, None)
    return isinstance(cls, type) and issubclass(cls, BaseException)
