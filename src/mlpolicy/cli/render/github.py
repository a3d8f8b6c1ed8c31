"""Findings for GitHub Actions: annotations on the lines, and a summary of the step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final

import click

from mlpolicy.cli.render.checkout import checkout, in_checkout
from mlpolicy.cli.render.report import Report, sentence
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span

_LEVEL: Final = {"error": "error", "warning": "warning", "info": "notice"}
_IN_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def github(report: Report) -> str:
    """Return a workflow command for each finding."""
    root = checkout()
    return "\n".join(
        _command(
            _LEVEL[finding.severity],
            finding.span,
            f"mlpolicy {finding.code}",
            _message(finding),
            root,
        )
        for finding in report.diagnostics
    )


def failures(failed: Iterable[tuple[Span, str]], title: str) -> str:
    """Return a workflow command for each place and text of what *failed* without a finding."""
    root = checkout()
    return "\n".join(_command("error", span, title, text, root) for span, text in failed)


def summarise(report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Add *report* to the summary of the step, where GitHub asks for one.

    A summary that cannot be written is reported and changes nothing else.
    """
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from mlpolicy.cli.render.markdown import markdown

    try:
        with open(path, "ab") as stream:
            stream.write(f"{markdown(report)}\n\n".encode(errors="replace"))
    except OSError as error:
        click.echo(f"mlpolicy: the summary of the step was not written: {error}", err=True)


def _message(finding: Diagnostic) -> str:
    lines = [sentence(finding)]
    if finding.environment:
        lines.append(f"environment: {finding.environment}")
    lines += [f"{related.span}: {related.message}" for related in finding.related]
    if finding.help:
        lines.append(f"help: {finding.help}")
    return "\n".join(lines)


def _command(level: str, span: Span, title: str, message: str, root: str) -> str:
    properties: dict[str, object] = {
        "file": in_checkout(span.file, root),
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "title": title,
    }
    if span.end_line != span.line:  # GitHub takes columns on one line only
        del properties["col"], properties["endColumn"]
    listed = (f"{name}={str(value).translate(_IN_PROPERTY)}" for name, value in properties.items())
    return f"::{level} {','.join(listed)}::{message.translate(_IN_MESSAGE)}"
