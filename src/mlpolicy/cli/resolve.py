"""Findings that need the functions themselves: by their source, or by importing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.wait import waiting
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.lint.stages import of_source
from mlpolicy.plan.codes import Level
from mlpolicy.plan.load import Loaded, add_of
from mlpolicy.plan.survey import Survey


def resolved(
    loaded: Loaded, paths: Sequence[Path], src: tuple[str, ...], *, level: Level
) -> Loaded:
    """Return *loaded* with all findings to show: of the policies, and between them and the functions."""
    if level == "none":
        return loaded.shown(level=level)
    survey = sources.survey(src)
    found = _found(loaded, paths, src, survey, level=level)
    return loaded.shown(found, level=level)


def _found(
    loaded: Loaded, paths: Sequence[Path], src: tuple[str, ...], survey: Survey, *, level: Level
) -> tuple[Diagnostic, ...]:
    """Return what is wrong between the policies and the functions that they name."""
    with waiting("looking targets up in the source"):
        found = list(of_source(loaded.rulebook, survey))
        for environment, rulebook in loaded.others.items():
            add_of(environment, of_source(rulebook, survey), found)
    wrong = any(one.severity == "error" for one in loaded.diagnostics)
    if level == "ast" or wrong or any(map(_is_no_module, found)):
        return tuple(found)  # what cannot be read, or be found, cannot be imported
    new = _imported(loaded, paths, src, survey)
    known = {(one.code, one.span) for one in found}
    sure = {(one.code, one.span) for one in new if one.severity == "error"}
    graver = (
        replace(one, severity="error") if (one.code, one.span) in sure else one for one in found
    )
    return (*graver, *(one for one in new if (one.code, one.span) not in known))


def _is_no_module(one: Diagnostic) -> bool:
    return one.code == "MP303" and one.severity == "error"


def _imported(
    loaded: Loaded, paths: Sequence[Path], src: tuple[str, ...], survey: Survey
) -> tuple[Diagnostic, ...]:
    """Return what only importing every module that a policy names can show."""
    from mlpolicy.cli.apply import findings, prove_all

    answer = prove_all(paths, src, loaded.rulebook, survey)
    if answer.failed is not None:
        click.echo(answer.failed["traceback"], err=True, nl=False)
        text = f"`{answer.failed['module']}` could not be imported: {answer.failed['error']}"
        exits.stop(text, exits.IMPORT_FAILED)
    return tuple(findings(answer, loaded.rulebook, survey, strict=True))
