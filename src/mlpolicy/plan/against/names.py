"""Classes that rules name by a dotted path, looked up in the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.plan.against.about import About, at
from mlpolicy.plan.against.meant import (
    CLASS,
    EXCEPTION,
    MODEL,
    Asked,
    Sought,
    is_other,
    of_module,
    of_other_module,
    slip,
)
from mlpolicy.plan.against.targets import did_you_mean, offer
from mlpolicy.plan.survey import Defined, Dynamic, Missing, NoModule
from mlpolicy.rules.retry.exceptions import Path, SpellingError, parse


def look(about: About) -> Iterator[Diagnostic]:
    """Yield names of exceptions and of classes that are none."""
    for sought, text, span in (*_exceptions(about), *_classes(about)):
        yield from _of_name(Asked(about.survey, about.rulebook.tops, sought, text, span))


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
        if path.rpartition(".")[2] not in ("type", "model"):
            continue
        sought = MODEL if path.rpartition(".")[2] == "model" else CLASS
        alone = isinstance(value.value, str)
        for number, name in enumerate((value.value,) if alone else value.value or ()):
            if "." in (dotted := name.replace(":", ".")):
                yield sought, dotted, at(rule, path if alone else f"{path}.{number}")


def _of_name(asked: Asked) -> Iterator[Diagnostic]:
    found = asked.look_up(asked.text)
    if isinstance(found, Defined):
        yield from _of_other(asked, found)
    elif isinstance(found, Dynamic | NoModule):
        meant = slip(asked, found) if isinstance(found, Dynamic) else of_other_module(asked, found)
        if meant:
            yield _absent(asked, meant)
    elif isinstance(found, Missing) and not asked.is_below(asked.text):
        meant = of_module(asked, found)
        if meant != asked.text:  # (else it is imported there, from where it is not)
            yield _absent(asked, meant)


def _of_other(asked: Asked, found: Defined) -> Iterator[Diagnostic]:
    """Yield a name of something that is not what was sought."""
    text, sought = asked.text, asked.sought
    if is_other(found, sought):
        help = _how(text) if sought is EXCEPTION else ""
        message = f"`{text}` is {_named(found, sought)}"
    elif sought is MODEL and isinstance(asked.look_up(f"{text}.model_validate"), Missing):
        help = "a model is a class below `pydantic.BaseModel`: for any other, write `type`"
        message = f"the model `{text}` is no pydantic model"
    else:
        return
    yield Diagnostic(sought.other, message, asked.span, help=help)


def _absent(asked: Asked, meant: str) -> Diagnostic:
    text, noun = asked.text, asked.sought.noun
    if not meant:
        module, name = text.rpartition(".")[::2]
        message, help = f"`{module}` has no {noun} `{name}`", offer(module, asked.there(module))
        return Diagnostic(asked.sought.absent, message, asked.span, help=help)
    return Diagnostic(
        asked.sought.absent,
        f"there is no {noun} `{text}`",
        asked.span,
        help=did_you_mean([meant]),
        suggestions=(Suggestion(f"write `{meant}`", asked.span, meant),),
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
