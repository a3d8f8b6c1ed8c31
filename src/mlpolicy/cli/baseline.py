"""Findings that are known and not to be mended today: `--baseline FILE`."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Final, NoReturn

import click

from mlpolicy.cli import exits
from mlpolicy.cli.options import Command
from mlpolicy.cli.render.fingerprint import fingerprints
from mlpolicy.cli.render.report import Report
from mlpolicy.cli.render.save import save
from mlpolicy.cli.streams import tell
from mlpolicy.core.words import many

SCHEMA: Final = "mlpolicy.baseline/1"
_KEPT: Final = "mlpolicy.baseline"


def baseline_option(command: Command) -> Command:
    """Let *command* take `--baseline` and `--write-baseline`."""
    command = click.option(
        "--write-baseline",
        is_flag=True,
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({f"{_KEPT}.write": value}),
        help="Write all findings of now into the file of --baseline, and fail on none.",
    )(command)
    return click.option(
        "--baseline",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=lambda context, _, value: context.meta.update({_KEPT: value}),
        help="Show only what this file does not know; a finding keeps its place when lines move.",
    )(command)


def without_known(report: Report) -> Report:
    """Return *report* less what the baseline of the running command knows."""
    context = click.get_current_context()
    path: Path | None = context.meta.get(_KEPT)
    writing = context.meta.get(f"{_KEPT}.write")
    if path is None:
        if writing:
            raise click.UsageError("--write-baseline needs --baseline FILE")
        return report
    if writing:
        _write(report, path)
        return replace(report, diagnostics=())
    known = Counter(_read(path))
    left = []
    for one, mark in zip(report.diagnostics, fingerprints(report), strict=True):
        if known[mark]:
            known[mark] -= 1
        else:
            left.append(one)
    gone = sum(known.values())
    if gone:
        are = "is" if gone == 1 else "are"
        tell(
            f"{many(gone, 'finding')} of `{path}` {are} no more: write it anew with --write-baseline"
        )
    return replace(report, diagnostics=tuple(left))


def _write(report: Report, path: Path) -> None:
    marks = [
        {"fingerprint": mark, "code": one.code, "file": one.span.file, "message": one.message}
        for one, mark in zip(report.diagnostics, fingerprints(report), strict=True)
    ]
    content = json.dumps({"schema": SCHEMA, "findings": marks}, indent=2, ensure_ascii=False)
    try:
        save(f"{content}\n".encode(), path)
    except OSError as error:
        _stop(path, error.strerror or str(error))
    tell(f"wrote {many(len(marks), 'finding')} to `{path}`")


def _read(path: Path) -> list[str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != SCHEMA:
            _stop(path, f"its schema is `{content['schema']}`, `{SCHEMA}` is expected")
        return [one["fingerprint"] for one in content["findings"]]
    except OSError as error:
        _stop(path, f"{error.strerror or error}; --write-baseline makes it")
    except (ValueError, KeyError, TypeError):
        _stop(path, "it is no baseline; --write-baseline makes one")


def _stop(path: Path, why: str) -> NoReturn:
    exits.stop(f"`{path}` cannot be used: {why}")
