"""Findings that need the functions themselves: by their source, or by importing them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import click

from mlpolicy.cli import exits
from mlpolicy.cli.context import EVERY, Context, waiting
from mlpolicy.cli.prove import ImportOutcome
from mlpolicy.core.diagnostic import Diagnostic, Severity
from mlpolicy.core.span import Span
from mlpolicy.core.spelling import many
from mlpolicy.core.target import Target
from mlpolicy.lint.targets import absent, of_source
from mlpolicy.plan.codes import Level
from mlpolicy.plan.governed import named
from mlpolicy.plan.load import Loaded, across
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.source import Missing, NoModule, SourceTree

_NOT_WRAPPED = {
    **dict.fromkeys(("unwrappable", "error", "skipped"), "MP320"),
    "bypassed": "MP321",
}
"""The finding for each status that a target of a policy should not have."""


def resolved(context: Context, loaded: Loaded, *, level: Level) -> Loaded:
    """Return *loaded* with all findings to show: of the policies, and between them and the functions."""
    if level == "none":
        return loaded.shown(level=level)
    with waiting("looking targets up in the source"):
        books = loaded.books.items()
        findings = list(across({name: of_source(book, context.tree) for name, book in books}))
    # What cannot be read, or is not there, cannot be imported.
    wrong = any(finding.severity == "error" for finding in loaded.diagnostics)
    gone = any(one.code == "MP303" and one.severity == "error" for one in findings)
    if level == "import" and not wrong and not gone:
        findings = _with_imported(findings, list(_imported(context, loaded)))
    return loaded.shown(findings, level=level)


def _with_imported(by_source: list[Diagnostic], imported: list[Diagnostic]) -> list[Diagnostic]:
    """Return both, each place and code once, and as grave as the import makes it."""
    known = {(finding.code, finding.span) for finding in by_source}
    sure = {(finding.code, finding.span) for finding in imported if finding.severity == "error"}
    graver = [
        replace(finding, severity="error") if (finding.code, finding.span) in sure else finding
        for finding in by_source
    ]
    return graver + [one for one in imported if (one.code, one.span) not in known]


def _imported(context: Context, loaded: Loaded) -> Iterator[Diagnostic]:
    """Yield what only importing every module that a policy names can show."""
    environment = "" if context.env in (None, EVERY) else context.env
    modules = named(loaded.rulebook, context.tree)
    answer = context.prove(modules, all=True, strict=True, environment=environment)
    if answer.failed is not None:
        import_failed(answer)
    yield from of_import(answer, loaded.rulebook, context.tree, strict=True)


def import_failed(answer: ImportOutcome, tree: SourceTree | None = None) -> NoReturn:
    """End the command because a module could not be imported."""
    failed = answer.failed or {}
    module = failed["module"]
    click.echo(f"{answer.output}{failed['traceback']}", err=True, nl=False)
    looked = tree.module(module) if tree is not None else None
    near = looked.close if isinstance(looked, NoModule) else ""
    hint = f"; did you mean `{near}`?" if near else ""
    exits.stop(f"`{module}` could not be imported: {failed['error']}{hint}", exits.IMPORT_FAILED)


# --- by importing ---------------------------------------------------------------------


def of_import(
    answer: ImportOutcome, rulebook: Rulebook, tree: SourceTree, *, strict: bool
) -> Iterator[Diagnostic]:
    """Yield what became of targets that no policy should leave at that."""
    for row in answer.targets:
        yield from _of_target(row, answer, rulebook, tree, strict=strict)
    for proof in answer.proofs:
        yield Diagnostic(**{**proof, "span": Span(*proof["span"])})


def _of_target(
    row: Mapping[str, Any],
    answer: ImportOutcome,
    rulebook: Rulebook,
    tree: SourceTree,
    *,
    strict: bool,
) -> Iterator[Diagnostic]:
    target, status = Target.parse(row["target"]), row["status"]
    place = _span(rulebook, row["target"])
    looked = tree.look_up(target)
    if status == "missing" and not isinstance(looked, Missing):
        looked = Missing(row["detail"])
    # One that is pending may be in a module that nothing can import.
    if status in ("missing", "pending") and isinstance(looked, Missing | NoModule):
        lenient = rulebook.settings.on_missing_target
        weight = "error" if strict and lenient == "warn" else lenient
        yield from absent(target, looked, place, weight)
    elif status in _NOT_WRAPPED and (status != "skipped" or row["exact"]):
        severity: Severity = "error" if strict or status == "error" else "warning"
        message = f"`{row['target']}` is {status}: {row['detail']}"
        yield Diagnostic(_NOT_WRAPPED[status], message, place, severity)
    elif status == "pending" and strict and target.module in answer.modules:
        yield Diagnostic("MP301", f"`{row['target']}` was not placed", place)


def _span(rulebook: Rulebook, target: str) -> Span:
    """Return the first pattern that is a name of *target*."""
    names = set(map(str, rulebook.names(Target.parse(target))))
    patterns = (pattern for policy in rulebook.policies for pattern in policy.match)
    nowhere = Span(rulebook.files[0].file if rulebook.files else "policy")
    return next((one.span for one in patterns if one.glob.text in names), nowhere)


# --- what a command says that shows what it can ---------------------------------------


def tell_absent(rulebook: Rulebook, gone: Mapping[Target, Missing | NoModule]) -> None:
    """Say which functions are not there; end the command where the settings take that for an error."""
    for target, looked in gone.items():
        for finding in absent(target, looked, Span("policy")):
            text = "; ".join(filter(None, (finding.label, finding.help)))
            click.echo(f"mlpolicy: `{target}` is not there: {text}", err=True)
    if gone and rulebook.settings.on_missing_target == "error":
        sys.exit(exits.FINDINGS)


def tell_errors(errors: Sequence[Diagnostic]) -> None:
    """End a command that has shown what it could of a policy that is wrong."""
    if errors:
        text = f"{many(len(errors), 'error')} in these files: `mlpolicy validate` shows more"
        exits.stop(text, exits.FINDINGS)
