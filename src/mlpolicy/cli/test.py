"""`mlpolicy test`: does the policy do what its tests say?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, sources
from mlpolicy.cli.options import (
    in_github,
    path_argument,
    shown_options,
    src_option,
    tell_github,
)
from mlpolicy.cli.render.as_json import finding
from mlpolicy.cli.render.report import Report, in_a_line
from mlpolicy.cli.streams import QUIET, emit, emit_json, kept, write
from mlpolicy.cli.wait import waiting
from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.core.frozen import frozen
from mlpolicy.core.quantity import QuantityError, Ratio
from mlpolicy.core.words import many
from mlpolicy.source import SourceTree, roots
from mlpolicy.testing.coverage import Coverage
from mlpolicy.testing.read import suites_at
from mlpolicy.testing.run import Prepared, Result, prepare
from mlpolicy.testing.select import Chooser, SelectionError, chooser
from mlpolicy.testing.told import as_json, junit, lines

SCHEMA = "mlpolicy.tests/1"


@frozen()
class Outcome:
    """What came of all tests."""

    prepared: tuple[Prepared, ...]
    results: tuple[Result, ...]
    coverage: Coverage | None

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the files, each thing once."""
        return tuple(dict.fromkeys(one for each in self.prepared for one in each.diagnostics))

    @property
    def failed(self) -> tuple[Result, ...]:
        """The tests that failed."""
        return tuple(one for one in self.results if not one.passed)


def _choose(_: click.Context, __: click.Parameter, value: str | None) -> Chooser | None:
    try:
        return chooser(value) if value is not None else None
    except SelectionError as error:
        raise click.BadParameter(str(error)) from None


def _share(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    try:
        return float(Ratio.of(f"{value.removesuffix('%')}%")) if value is not None else None
    except QuantityError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@path_argument
@click.option(
    "-k",
    "wanted",
    metavar="EXPR",
    callback=_choose,
    help="Run tests whose file or name has these words: `and`, `or`, `not`, parentheses.",
)
@click.option("--coverage", is_flag=True, help="Show which rules, modes and branches were seen.")
@click.option(
    "--min", "least", metavar="PCT", callback=_share, help="The least coverage; implies --coverage."
)
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a report for build servers too.",
)
@src_option
@shown_options("text", "json")
def command(
    path: tuple[str, ...], wanted: Chooser | None, src: tuple[str, ...], **options: Any
) -> None:
    """Run the tests of policies: every `*.test.yaml` at PATH, or in `policies/`.

    Time is virtual, and functions are stubs: nothing sleeps, and no model is loaded.
    """
    least: float | None = options["least"]
    asked = options["coverage"] or least is not None
    files = _files(path)
    with waiting("running the tests"), redirect_stdout(sys.stderr):  # what real functions print
        outcome = _run(files, wanted, src, Coverage() if asked else None)
    if not outcome.results and not outcome.findings:
        exits.stop("no test was collected", exits.NOTHING_TO_DO)
    if options["junit_file"] is not None:
        told = junit(outcome.results, list(_broken(outcome)))
        write(f"{told}\n".encode(), options["junit_file"])
    if options["format"] == "json":
        emit_json(SCHEMA, _content(outcome))
    else:
        _tell(outcome)
    too_little = _too_little(outcome.coverage, least)
    sys.exit(exits.FINDINGS if outcome.failed or outcome.findings or too_little else exits.FINE)


def _files(given: Sequence[str]) -> list[Path]:
    paths = [Path(one) for one in given or (sources.FOLDER,)]
    for path in paths:
        if not path.exists():
            code = exits.USAGE if given else exits.NOTHING_TO_DO
            exits.stop(f"`{path}` does not exist", code)
    found = dict.fromkeys(one for path in paths for one in suites_at(path))
    if not found:
        where = ", ".join(f"`{path}`" for path in paths)
        exits.stop(f"no test (`*.test.yaml`) in {where}", exits.NOTHING_TO_DO)
    return [sources.shown(one) for one in found]


def _run(
    files: Sequence[Path],
    wanted: Chooser | None,
    src: tuple[str, ...],
    coverage: Coverage | None,
) -> Outcome:
    where = roots(src)
    survey = SourceTree(where)
    # What a service finds in its own folder, the errors and functions of a test are found in too.
    sys.path[:0] = [str(one.resolve()) for one in where if str(one.resolve()) not in sys.path]
    prepared = tuple(prepare(one, survey) for one in files)
    results: list[Result] = []
    for one in prepared:
        cases = (case for case in one.cases if wanted is None or wanted(case.id))
        results += (one.run(case) for case in cases)
    if coverage is not None:
        _cover(coverage, prepared, results)
    return Outcome(prepared, tuple(results), coverage)


def _cover(coverage: Coverage, prepared: Sequence[Prepared], results: Sequence[Result]) -> None:
    for one in prepared:
        for loaded in one.rulebooks:
            coverage.add(loaded)
    for result in results:
        coverage.take(result)


def _too_little(coverage: Coverage | None, least: float | None) -> bool:
    if coverage is None or least is None or coverage.share >= least:
        return False
    text = f"mlpolicy: coverage is {coverage.share:.0%}, {least:.0%} is asked for"
    click.echo(text, err=True)
    return True


# --- telling --------------------------------------------------------------------------


def _tell(outcome: Outcome) -> None:
    from mlpolicy.cli.render.text import text

    documents = {one.file: one.lines for each in outcome.prepared for one in each.documents}
    report = Report(outcome.findings, documents)
    parts = [text(report)] if outcome.findings else []
    parts += ["\n".join(lines(result)) for result in outcome.failed]
    if outcome.coverage is not None:
        parts.append(_table(outcome.coverage))
    if not kept(QUIET):
        parts.append(_summary(outcome))
    emit("\n\n".join(parts))
    if outcome.findings:
        tell_github(report, "text")
    if in_github() and outcome.failed:
        from mlpolicy.cli.render.github import failures

        told = ((one.case.span, "\n".join(lines(one))) for one in outcome.failed)
        click.echo(failures(told, "mlpolicy test").encode("utf-8", "replace"))


def _table(coverage: Coverage) -> str:
    from mlpolicy.cli.render.table import plain

    rows = plain(("POLICY", "RULE", "MODE", "SEEN", "BRANCHES"), list(coverage.rows()))
    return f"{rows}\ncoverage {coverage.share:.0%}"


def _summary(outcome: Outcome) -> str:
    failed, run = len(outcome.failed), len(outcome.results)
    parts = [f"{run - failed} passed"]
    if failed:
        parts.append(f"{failed} failed")
    count = len(outcome.findings)
    if count:
        parts.append(many(count, "finding"))
    return f"{', '.join(parts)} in {many(len(outcome.prepared), 'file')}"


def _content(outcome: Outcome) -> dict[str, Any]:
    failed = len(outcome.failed)
    content: dict[str, Any] = {
        "summary": {
            "files": len(outcome.prepared),
            "passed": len(outcome.results) - failed,
            "failed": failed,
            "findings": len(outcome.findings),
        },
        "tests": [as_json(one) for one in outcome.results],
        "diagnostics": [finding(one) for one in outcome.findings],
    }
    if outcome.coverage is not None:
        names = ("policy", "rule", "mode", "seen", "branches")
        content["coverage"] = {
            "share": round(outcome.coverage.share, 4),
            "rules": [dict(zip(names, row, strict=True)) for row in outcome.coverage.rows()],
        }
    return content


def _broken(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield each file that something is wrong with, and what."""
    found: dict[str, list[str]] = {}
    for one in outcome.findings:
        found.setdefault(one.span.file, []).append(in_a_line(one))
    for file, each in found.items():
        yield file, "\n".join(each)
