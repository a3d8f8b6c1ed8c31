"""Findings for GitHub Actions: annotations on the lines, and a summary of the step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final

import click

from mlpolicy.cli.render.checkout import checkout, in_checkout
from mlpolicy.cli.render.report import Report, remarks, sentence
from mlpolicy.core.span import Span

_LEVEL: Final = {"error": "error", "warning": "warning", "info": "notice"}
_IN_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def github(report: Report) -> str:
    """Return a workflow command for each finding."""
    commands: list[str] = []
    for finding in report.diagnostics:
        remedy = [f"help: {finding.help}"] if finding.help else []
        text = "\n".join([sentence(finding), *remarks(finding), *remedy])
        title = f"mlpolicy {finding.code}"
        commands.append(_command(_LEVEL[finding.severity], finding.span, title, text))
    return "\n".join(commands)


def failures(failed: Iterable[tuple[Span, str]], title: str) -> str:
    """Return a workflow command for each place and text of what *failed* without a finding."""
    return "\n".join(_command("error", span, title, text) for span, text in failed)


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


def _command(level: str, span: Span, title: str, message: str) -> str:
    place: dict[str, object] = {"file": in_checkout(span.file, checkout()), "line": span.line}
    if span.end_line == span.line:  # GitHub takes columns on one line only
        columns = {"endLine": span.end_line, "endColumn": span.end_column}
        place |= {"col": span.column, **columns}
    else:
        place["endLine"] = span.end_line
    properties = {**place, "title": title}
    listed = (f"{name}={str(value).translate(_IN_PROPERTY)}" for name, value in properties.items())
    return f"::{level} {','.join(listed)}::{message.translate(_IN_MESSAGE)}"
