"""Findings that were made without the source, as they are with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlpolicy.core.diagnostic import Diagnostic, in_order
from mlpolicy.core.span import Span
from mlpolicy.core.target import Glob, Target, TargetError
from mlpolicy.plan.against.dotted import OF_PATHS, repaired
from mlpolicy.plan.against.targets import absent
from mlpolicy.plan.lint.allowed import calls_of, refused
from mlpolicy.plan.load import Loaded, across
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.survey import Missing, NoModule, Survey


def as_in_source(loaded: Loaded, survey: Survey) -> Loaded:
    """Return *loaded* with what the source has in the place of guesses."""
    if not any(one.code in OF_PATHS for one in loaded.diagnostics):
        return loaded
    found = list(repaired(loaded.diagnostics, loaded, survey))
    rulebooks = {"": loaded.rulebook, **loaded.others}
    guarded = {name: one for name, one in rulebooks.items() if one.settings.allow_call}
    guessed = {
        (one.span, one.message)
        for rulebook in guarded.values()
        for one in refused(calls_of(rulebook), rulebook.settings)
    }
    found = [one for one in found if (one.span, one.message) not in guessed]
    found_in = {name: tuple(_refused(rulebook, survey)) for name, rulebook in guarded.items()}
    return replace(loaded, diagnostics=in_order([*found, *across(found_in)]))


def _refused(rulebook: Rulebook, survey: Survey) -> Iterator[Diagnostic]:
    """Yield the calls that are not allowed; of one that is misspelt, that it is not there."""
    settings = rulebook.settings
    calls = calls_of(rulebook)
    for span, text in tuple(calls.items()):
        for one in () if settings.allows(text) else _absent(text, span, survey):
            if any(settings.allows(repair.text) for repair in one.suggestions):
                del calls[span]
                yield one
    yield from refused(calls, settings, lambda glob: _is_there(glob, survey))


def _absent(text: str, span: Span, survey: Survey) -> Iterator[Diagnostic]:
    try:
        target = Target.parse(text)
    except TargetError:  # of a plugin's kind, which need not check it
        return
    yield from absent(target, survey.look_up(target), span)


def _is_there(glob: Glob, survey: Survey) -> bool:
    """Whether the source has something that *glob* takes, or does not tell."""
    if glob.exact:
        return not isinstance(survey.look_up(Target.parse(glob.text)), Missing | NoModule)
    return any(True for _ in survey.matching(glob)) or not survey.knows(glob)
