"""`mlpolicy test`: does the policy do what its tests say?"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.context import Context, in_github, waiting
from mlpolicy.cli.files import save
from mlpolicy.cli.options import shared
from mlpolicy.cli.render.as_json import finding
from mlpolicy.cli.render.report import Report, in_a_line
from mlpolicy.core.junit import document, element
from mlpolicy.core.words import many
from mlpolicy.plan.survey import Survey, roots
from mlpolicy.testing.read import suites_at
from mlpolicy.testing.runner import Prepared

SCHEMA = "mlpolicy.tests/1"


@click.command()
@shared("path src", "text", "json")
@click.option("-k", "wanted", metavar="TEXT", default="", help="Run tests with TEXT in their name.")
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a report for build servers too.",
)
def command(context: Context, *, wanted: str, junit_file: Path | None) -> None:
    """Run the tests of policies: every `*.test.yaml` at PATH, or in `policies/`.

    Time is virtual, and functions are stubs: nothing sleeps, and no model is loaded.
    """
    suites = _files(context.policy)
    with waiting("running the tests"), redirect_stdout(sys.stderr):  # what real functions print
        where = roots(context.src)
        # Errors and functions of a test are found where a service started here finds them.
        folders = [str(folder.resolve()) for folder in where]
        sys.path[:0] = [folder for folder in folders if folder not in sys.path]
        outcome = _Outcome(suites, Survey(where), wanted)
    if not outcome.results and not outcome.findings:
        exits.stop("no test was collected", exits.NOTHING_TO_DO)
    if junit_file is not None:
        save(f"{_junit(outcome)}\n".encode(), junit_file)
    if context.format == "json":
        context.emit_json(SCHEMA, outcome.content())
    else:
        _tell(context, outcome)
    sys.exit(exits.FINDINGS if outcome.failed or outcome.findings else exits.FINE)


class _Outcome:
    """What came of all tests that were *wanted*."""

    def __init__(self, files: list[Path], survey: Survey, wanted: str) -> None:
        self.files = [Prepared(file, survey) for file in files]
        cases = [(file, case) for file in self.files for case in file.cases]
        self.results = [file.run(case) for file, case in cases if wanted.lower() in case.id.lower()]
        self.failed = [result for result in self.results if not result.passed]
        self.findings = tuple(dict.fromkeys(one for file in self.files for one in file.diagnostics))

    def content(self) -> dict[str, Any]:
        summary = {
            "files": len(self.files),
            "passed": len(self.results) - len(self.failed),
            "failed": len(self.failed),
            "findings": len(self.findings),
        }
        tests = [result.content() for result in self.results]
        shown = [finding(one) for one in self.findings]
        return {"summary": summary, "tests": tests, "diagnostics": shown}

    def summary(self) -> str:
        counts = [f"{len(self.results) - len(self.failed)} passed"]
        if self.failed:
            counts.append(f"{len(self.failed)} failed")
        if self.findings:
            counts.append(many(len(self.findings), "finding"))
        return f"{', '.join(counts)} in {many(len(self.files), 'file')}"


def _files(given: tuple[str, ...]) -> list[Path]:
    paths = [Path(path) for path in given or (files.FOLDER,)]
    for path in paths:
        if not path.exists():
            code = exits.USAGE if given else exits.NOTHING_TO_DO
            exits.stop(f"`{path}` does not exist", code)
    suites = dict.fromkeys(file for path in paths for file in suites_at(path))
    if not suites:
        where = ", ".join(f"`{path}`" for path in paths)
        exits.stop(f"no test (`*.test.yaml`) in {where}", exits.NOTHING_TO_DO)
    return [files.shown(file) for file in suites]


def _tell(context: Context, outcome: _Outcome) -> None:
    from mlpolicy.cli.render.text import text

    documents = {name: one.lines for file in outcome.files for name, one in file.documents.items()}
    report = Report(outcome.findings, documents)
    parts = [text(report)] if outcome.findings else []
    parts += ["\n".join(result.lines()) for result in outcome.failed]
    context.emit("\n\n".join(parts if context.quiet else [*parts, outcome.summary()]))
    if outcome.findings:
        context.tell_github(report)
    if in_github() and outcome.failed:
        from mlpolicy.cli.render.github import failures

        told = ((result.case.span, "\n".join(result.lines())) for result in outcome.failed)
        click.echo(failures(told, "mlpolicy test").encode("utf-8", "replace"))


def _junit(outcome: _Outcome) -> str:
    """Return a report for build servers; a file with findings is an error."""
    cases = []
    for result in outcome.results:
        span = result.case.span
        facts = {"classname": span.file, "name": result.case.name, "line": str(span.line)}
        cases.append(element("testcase", file=span.file, time="0", **facts))
        if not result.passed:
            first = result.differences[0]
            message = f"{first.field}: expected {first.expected}, found {first.found}"
            cases[-1].append(element("failure", "\n".join(result.lines()), message=message))
    broken: dict[str, list[str]] = {}
    for one in outcome.findings:
        broken.setdefault(one.span.file, []).append(in_a_line(one))
    for file, lines in broken.items():
        cases.append(element("testcase", classname=file, name="read", file=file, time="0"))
        cases[-1].append(element("error", "\n".join(lines), message=lines[0]))
    return document("mlpolicy.test", cases, failures=len(outcome.failed), errors=len(broken))
