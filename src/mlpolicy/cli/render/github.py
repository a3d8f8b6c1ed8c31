"""Findings for GitHub Actions: annotations on the lines, and a summary of the step."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import click

from mlpolicy.cli.render.checkout import checkout, in_checkout
from mlpolicy.cli.render.report import Report, sentence
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.span import Span

_LEVEL: Final = {"error": "error", "warning": "warning", "info": "notice"}
_IN_MESSAGE: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY: Final = _IN_MESSAGE | {":": "%3A", ",": "%2C"}
_MOST: Final = 1_000_000
"""Bytes of a summary; GitHub drops one of more than 1 MiB whole."""


def github(report: Report) -> str:
    """Return a workflow command for each finding."""
    root = checkout()
    return "\n".join(_annotation(one, root) for one in report.diagnostics)


def summarise(report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Add *report* to the summary of the step, where GitHub asks for one.

    A summary that cannot be written is told of and changes nothing else.
    """
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from mlpolicy.cli.render.markdown import markdown

    try:
        with open(path, "ab") as stream:
            content = f"{markdown(report, most=_MOST - stream.tell())}\n\n"
            stream.write(content.encode(errors="replace"))
    except OSError as error:
        click.echo(f"mlpolicy: the summary of the step was not written: {error}", err=True)


def failures(told: Iterable[tuple[Span, str]], title: str) -> str:
    """Return a workflow command for each of the failures *told*, which are no findings."""
    root = checkout()
    return "\n".join(_command("error", span, title, text, root) for span, text in told)


def _annotation(one: Diagnostic, root: str) -> str:
    message = "\n".join(_message(one))
    return _command(_LEVEL[one.severity], one.span, f"mlpolicy {one.code}", message, root)


def _command(level: str, span: Span, title: str, message: str, root: str) -> str:
    properties = {
        "file": in_checkout(span.file, root),
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "title": title,
    }
    if span.end_line != span.line:  # GitHub takes columns on one line only
        del properties["col"], properties["endColumn"]
    listed = ",".join(
        f"{name}={_escaped(str(value), _IN_PROPERTY)}" for name, value in properties.items()
    )
    return f"::{level} {listed}::{_escaped(message, _IN_MESSAGE)}"


def _message(one: Diagnostic) -> Iterator[str]:
    yield sentence(one)
    if one.environment:
        yield f"environment: {one.environment}"
    for other in one.related:
        yield f"{other.span}: {other.message}"
    if one.help:
        yield f"help: {one.help}"


def _escaped(text: str, table: Mapping[str, str]) -> str:
    return text.translate({ord(one): code for one, code in table.items()})
