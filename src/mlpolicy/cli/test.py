"""`mlpolicy test`: does the policy do what its tests say?"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from itertools import chain
from operator import attrgetter
from pathlib import Path

import click

from mlpolicy.cli import exits, files
from mlpolicy.cli.options import Context, in_github, shared, waiting
from mlpolicy.cli.render.report import Report, in_a_line
from mlpolicy.core.diagnostic import Diagnostic, many
from mlpolicy.source import SourceTree, roots
from mlpolicy.testing.read import suites_at
from mlpolicy.testing.runner import CaseResult, Prepared

SCHEMA = "mlpolicy.tests/1"


@click.command()
@shared("path src", "text", "json")
@click.option("-k", "wanted", metavar="TEXT", default="", help="Run tests with TEXT in their name.")
@click.option("--allow-real", is_flag=True, help="Let tests import and call the service itself.")
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a report for build servers too.",
)
def command(context: Context, *, wanted: str, allow_real: bool, junit_file: Path | None) -> None:
    """Run the tests of policies: every `*.test.yaml` at PATH, or in `policies/`.

    Time is virtual, and functions are stubs: nothing sleeps, no model is loaded, and no code of
    the service is imported.
    """
    paths = _files(context.policy)
    with waiting("running the tests"), redirect_stdout(sys.stderr):  # what real functions print
        suites = _prepared(context, paths, allow_real=allow_real)
        results = _results(suites, wanted)
    findings = tuple(dict.fromkeys(chain(*(suite.diagnostics for suite in suites))))
    if not results and not findings:
        exits.stop("no test was collected", exits.NOTHING_TO_DO)
    failed = [result for result in results if not result.passed]
    if junit_file is not None:
        files.save(f"{_junit(results, findings)}\n".encode(), junit_file)
    counts = {"passed": len(results) - len(failed), "failed": len(failed)}
    if context.format == "json":
        from mlpolicy.cli.render.formats import finding

        summary = {"files": len(suites), **counts, "findings": len(findings)}
        tests = [result.content() for result in results]
        content = {"tests": tests, "diagnostics": list(map(finding, findings))}
        context.give(SCHEMA, {"summary": summary, **content})
    else:
        texts = dict(chain(*(suite.documents.items() for suite in suites)))
        secrets = frozenset[str]().union(*map(attrgetter("secrets"), suites))
        report = Report(findings, texts, files=len(suites), secrets=secrets)
        _tell(context, counts, failed, report)
    sys.exit(exits.FINDINGS if failed or findings else exits.FINE)


def _results(suites: list[Prepared], wanted: str) -> list[CaseResult]:
    cases = [(suite, case) for suite in suites for case in suite.cases]
    return [suite.run(case) for suite, case in cases if wanted.lower() in case.id.lower()]


def _prepared(
    context: Context, paths: dict[Path, Path | None], *, allow_real: bool
) -> list[Prepared]:
    """Return the files of tests; what they may import is found where a service finds it."""
    where = roots(context.src)
    folders = [str(folder.resolve()) for folder in where] if allow_real else []
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]
    tree = SourceTree(where)
    return [
        Prepared(files.shown(path), tree, within=folder, allow_real=allow_real)
        for path, folder in paths.items()
    ]


def _files(given: tuple[str, ...]) -> dict[Path, Path | None]:
    """Return the files of tests, each with the folder that it was found in, if it was not named."""
    paths = [Path(path) for path in given or (files.FOLDER,)]
    for path in paths:
        if not path.exists():
            code = exits.USAGE if given else exits.NOTHING_TO_DO
            exits.stop(f"`{path}` does not exist", code)
    suites = {file: path if path.is_dir() else None for path in paths for file in suites_at(path)}
    if not suites:
        where = ", ".join(f"`{path}`" for path in paths)
        exits.stop(f"no test (`*.test.yaml`) in {where}", exits.NOTHING_TO_DO)
    return suites


def _tell(
    context: Context, counts: dict[str, int], failed: list[CaseResult], report: Report
) -> None:
    from mlpolicy.cli.render.text import text

    listed = [f"{count} {name}" for name, count in counts.items() if count or name == "passed"]
    if report.diagnostics:
        listed.append(many(len(report.diagnostics), "finding"))
    summary = f"{', '.join(listed)} in {many(report.files, 'file')}"
    texts = ["\n".join(result.lines()) for result in failed]
    parts = [text(report), *texts] if report.diagnostics else texts
    shown = "\n\n".join(parts if context.quiet else [*parts, summary])
    context.emit(f"{shown}\n" if shown else "")
    if report.diagnostics:
        context.tell_github(report)
    if in_github():
        from mlpolicy.cli.render.formats import annotation

        for result, lines in zip(failed, texts, strict=True):
            told = annotation("error", result.case.span, "mlpolicy test", lines)
            click.echo(told.encode("utf-8", "replace"))


def _junit(results: list[CaseResult], findings: tuple[Diagnostic, ...]) -> str:
    """Return a report for build servers; a file with findings is an error."""
    from mlpolicy.core.junit import document, element

    cases = []
    for result in results:
        span = result.case.span
        facts = {"classname": span.file, "name": result.case.name, "line": str(span.line)}
        cases.append(element("testcase", file=span.file, time="0", **facts))
        if not result.passed:
            first = result.differences[0]
            message = f"{first.field}: expected {first.expected}, found {first.found}"
            cases[-1].append(element("failure", "\n".join(result.lines()), message=message))
    broken: dict[str, list[str]] = {}
    for one in findings:
        broken.setdefault(one.span.file, []).append(in_a_line(one))
    for file, lines in broken.items():
        cases.append(element("testcase", classname=file, name="read", file=file, time="0"))
        cases[-1].append(element("error", "\n".join(lines), message=lines[0]))
    failures = sum(not result.passed for result in results)
    return document("mlpolicy.test", cases, failures=failures, errors=len(broken))
