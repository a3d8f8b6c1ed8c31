"""Findings for programs and hosts of code: each format is one function of a report.

`diagnostics.schema.json` beside this file says what is in that of JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from mlpolicy import __version__
from mlpolicy.cli.render.report import Report, in_a_line, remarks, repairs, sentence, visible
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span

PAGE: Final = "https://mlpolicy.readthedocs.io/en/stable/reference/findings/"
"""Where every finding is explained."""
_GITHUB: Final = {"error": "error", "warning": "warning", "info": "notice"}
_GITLAB: Final = {"error": "major", "warning": "minor", "info": "info"}
_SARIF: Final = {"error": "error", "warning": "warning", "info": "note"}
_MARK: Final = {"error": "❌", "warning": "⚠️", "info": "ℹ️"}


def url(code: str) -> str:
    """Return the page that explains the finding *code*."""
    return f"{PAGE}#{code.lower()}"


def as_text(content: Any) -> str:
    """Return *content* as JSON for programs."""
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)


# --- JSON -----------------------------------------------------------------------------


def as_json(report: Report) -> str:
    """Return the findings as one JSON object."""
    summary = {name: getattr(report, name) for name in ("files", "policies", "environments")}
    summary |= {f"{severity}s": report.count(severity) for severity in ("error", "warning", "info")}
    diagnostics = list(map(finding, report.diagnostics))
    schema = "mlpolicy.diagnostics/1"
    return as_text({"schema": schema, "summary": summary, "diagnostics": diagnostics})


def finding(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one finding as JSON has it."""
    suggestions = [
        {"title": title, "edits": [{**_place(edit.span), "text": edit.text} for edit in edits]}
        for title, edits in repairs(diagnostic).items()
    ]
    related = [{"message": other.message, **_place(other.span)} for other in diagnostic.related]
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": sentence(diagnostic),
        **_place(diagnostic.span),
        "related": related,
        "suggestions": suggestions,
        "environment": diagnostic.environment,
        "help": diagnostic.help,
        "url": url(diagnostic.code),
    }


def _place(span: Span) -> dict[str, Any]:
    start = {"line": span.line, "col": span.column}
    end = {"line": span.end_line, "col": span.end_column}
    return {"file": span.file, "range": {"start": start, "end": end}}


# --- JUnit ----------------------------------------------------------------------------


def junit(report: Report) -> str:
    """Return the findings as a JUnit report: a case for each file, a failure for each error."""
    from mlpolicy.core.junit import document, element

    files = {*report.texts, *(finding.span.file for finding in report.diagnostics)}
    cases = {
        file: element("testcase", classname="mlpolicy", name=file, file=file, time="0")
        for file in sorted(files)
    }
    mild: dict[str, list[str]] = {}
    for diagnostic in report.diagnostics:
        file, text = (
            diagnostic.span.file,
            "\n  ".join([in_a_line(diagnostic), *remarks(diagnostic)]),
        )
        if report.fails(diagnostic):
            facts = {"type": diagnostic.code, "message": sentence(diagnostic)}
            cases[file].append(element("failure", text, **facts))
        else:
            mild.setdefault(file, []).append(text)
    for file, texts in mild.items():
        cases[file].append(element("system-out", "\n".join(texts)))
    failures = sum(case.find("failure") is not None for case in cases.values())
    return document("mlpolicy", list(cases.values()), failures=failures)


# --- a checkout: paths in it, and fingerprints that outlast edits elsewhere -----------


def in_checkout(file: str) -> str:
    """Return *file* from the root of the checkout, with slashes; a whole path where it is elsewhere.

    The root is the folder that the CI names, if this is in it, else this one.
    """
    return _located(file, os.getcwd(), *map(os.environ.get, ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")))


@lru_cache  # a report names few files, and each of them often
def _located(file: str, folder: str, *named: str | None) -> str:
    here = Path(folder).resolve()
    roots = (Path(name).resolve() for name in named if name)
    root = next((each for each in roots if here.is_relative_to(each)), here)
    path = Path(os.path.abspath(file))
    path = path.parent.resolve() / path.name
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def fingerprints(report: Report) -> Iterator[str]:
    """Yield a stable name for each finding of *report*, in their order, no two alike.

    It is made of the code, the file, the environment, the line and the keys above it, and of
    nothing that counts lines. Neither does the message take part: better words are not another
    finding.
    """
    seen: Counter[str] = Counter()
    for diagnostic in report.diagnostics:
        span = diagnostic.span
        above = _above(report.lines(span.file)[: span.line])
        environment = diagnostic.environment.partition(", ")[0]
        columns = f"{span.column} {span.end_column}"
        parts = (diagnostic.code, in_checkout(span.file), environment, columns, *above)
        text = "\0".join(parts)
        name = f"{text}\0{seen[text]}".encode(errors="replace")
        yield hashlib.sha256(name).hexdigest()[:32]
        seen[text] += 1


def _above(lines: Sequence[str]) -> Iterator[str]:
    """Yield the last of *lines* and those that it is indented under, the inmost first."""
    inmost = None
    for line in reversed(lines):
        text, indent = line.strip(), len(line) - len(line.lstrip())
        if inmost is None or (text and not text.startswith("#") and indent < inmost):
            yield text
            inmost = indent


# --- GitHub and GitLab ----------------------------------------------------------------

_IN_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = _IN_MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def github(report: Report) -> str:
    """Return a workflow command for each finding."""
    commands: list[str] = []
    for diagnostic in report.diagnostics:
        remedy = [f"help: {diagnostic.help}"] if diagnostic.help else []
        text = "\n".join([sentence(diagnostic), *remarks(diagnostic), *remedy])
        title = f"mlpolicy {diagnostic.code}"
        commands.append(annotation(_GITHUB[diagnostic.severity], diagnostic.span, title, text))
    return "\n".join(commands)


def annotation(level: str, span: Span, title: str, message: str) -> str:
    """Return the workflow command that puts *message* beside the line of *span*."""
    properties: dict[str, object] = {
        "file": in_checkout(span.file),
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


def summarise(report: Report, environ: Mapping[str, str] = os.environ) -> None:
    """Add *report* to the summary of the step, where GitHub asks for one.

    A summary that cannot be written is reported and changes nothing else.
    """
    path = environ.get("GITHUB_STEP_SUMMARY")
    try:
        if path:
            with open(path, "ab") as stream:
                stream.write(f"{markdown(report)}\n\n".encode(errors="replace"))
    except OSError as error:
        click.echo(f"mlpolicy: the summary of the step was not written: {error}", err=True)


def gitlab(report: Report) -> str:
    """Return the findings as a code quality report."""
    content: list[dict[str, Any]] = []
    for diagnostic, name in zip(report.diagnostics, fingerprints(report), strict=True):
        span, environment = diagnostic.span, diagnostic.environment
        where = f" (environment {environment})" if environment else ""
        remedy = f" ({diagnostic.help})" if diagnostic.help else ""
        lines = {"begin": span.line, "end": span.end_line}
        content.append(
            {
                "description": f"{sentence(diagnostic)}{where}{remedy}",
                "check_name": diagnostic.code,
                "fingerprint": name,
                "severity": _GITLAB[diagnostic.severity],
                "location": {"path": in_checkout(span.file), "lines": lines},
            }
        )
    return as_text(content)


# --- Markdown -------------------------------------------------------------------------

_CODE: Final = re.compile(r"(?<!`)(`[^`]+`)(?!`)")
_SPECIAL: Final = re.compile(r"([\\`*_~\[\]<>#!|&$])")
_BAR: Final = re.compile(r"(\\*)\|")
_MOST: Final = 500
"""Rows of a table: GitHub drops a summary of more than 1 MiB whole."""


def markdown(report: Report) -> str:
    """Return the findings as a table for a pull request."""
    mark = "❌" if report.failed else "⚠️" if report.count("warning") else "✅"
    lines = [f"### {mark} mlpolicy: {report.summary}"]
    if report.diagnostics:
        lines += ["", "| | Finding | Place | What is wrong |", "|---|---|---|---|"]
        lines += map(_row, report.diagnostics[:_MOST])
    if len(report.diagnostics) > _MOST:
        left = len(report.diagnostics) - _MOST
        lines += ["", f"{left} more: run `mlpolicy validate` to see them all."]
    return "\n".join(lines)


def _row(finding: Diagnostic) -> str:
    parts = [_cell(sentence(finding))]
    if finding.environment:
        parts.append(f"Environment: {_cell(finding.environment)}")
    parts += [f"{_cell(other.message)}: {code(str(other.span))}" for other in finding.related]
    if finding.help:
        parts.append(f"**Help:** {_cell(finding.help)}")
    grade = f'<span title="{finding.severity}">{_MARK[finding.severity]}</span>'
    name = f"[{finding.code}]({url(finding.code)})"
    return f"| {grade} | {name} | {code(finding.span.place)} | {'<br>'.join(parts)} |"


def _cell(text: str) -> str:
    """Return *text* with its `code` kept as code, and everything else as plain words."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        code(part[1:-1]) if number % 2 else _SPECIAL.sub(r"\\\1", visible(part))
        for number, part in enumerate(parts)
    )


def code(text: str) -> str:
    """Return *text* as code; a table splits at a bar even there, unless it is escaped."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return _BAR.sub(_barred, f"{fence}{pad}{visible(text)}{pad}{fence}")


def _barred(bar: re.Match[str]) -> str:
    """Return a bar behind an odd number of backslashes: behind an even one it would split."""
    before = bar[1]
    return f"{before}\\{before[len(before) // 2 * 2 :]}|"


# --- SARIF 2.1.0 ----------------------------------------------------------------------

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_BRACES: Final = str.maketrans({"{": "{{", "}": "}}"})
"""A message may have `{0}` in it to be filled in: a brace that means itself is doubled."""


def sarif(report: Report) -> str:
    """Return the findings as a SARIF log of one run."""
    rules = sorted({finding.code for finding in report.diagnostics})
    results = [
        {
            **_result(finding),
            "ruleIndex": rules.index(finding.code),
            "partialFingerprints": {"mlpolicyFinding/v1": name},
        }
        for finding, name in zip(report.diagnostics, fingerprints(report), strict=True)
    ]
    driver = {
        "name": "mlpolicy",
        "version": __version__,
        "informationUri": PAGE,
        "rules": list(map(_rule, rules)),
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            "%SRCROOT%": {"description": {"text": "The root of the repository."}}
        },
        "results": results,
    }
    return as_text({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(name: str) -> dict[str, Any]:
    from mlpolicy.plan.codes import codes

    known = codes().get(name)
    if known is None:
        return {"id": name, "helpUri": url(name)}
    # The braces of help stay single, as viewers show it as it is.
    plain, marked = [known.finds, known.why], [known.finds, known.why]
    for title, example in (("Found in:", known.before), ("Not found in:", known.after)):
        if example:
            plain += [title, example.rstrip()]
            marked += [title, f"```yaml\n{example.rstrip()}\n```"]
    return {
        "id": name,
        "helpUri": url(name),
        "shortDescription": _message(f"{known.title.rstrip('.')}."),
        "fullDescription": _message(" ".join(known.finds.split())),
        "help": {"text": "\n\n".join(plain), "markdown": "\n\n".join(marked)},
        "defaultConfiguration": {"level": _SARIF[known.severity]},
    }


def _message(*texts: str) -> dict[str, str]:
    return {"text": "\n".join(filter(None, texts)).translate(_BRACES)}


def _result(finding: Diagnostic) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _SARIF[finding.severity],
        "message": _message(sentence(finding), finding.help),
        "locations": [_location(finding.span)],
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(related.span), "message": _message(related.message)}
            for number, related in enumerate(finding.related, 1)
        ]
    if finding.suggestions:
        result["fixes"] = [
            {"description": _message(title), "artifactChanges": _changes(edits)}
            for title, edits in repairs(finding).items()
        ]
    if finding.environment:
        result["properties"] = {"environment": finding.environment}
    return result


def _changes(edits: Iterable[Suggestion]) -> list[dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for edit in edits:
        place = _location(edit.span)["physicalLocation"]
        change = {"artifactLocation": place["artifactLocation"], "replacements": []}
        replacement = {"deletedRegion": place["region"], "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.span.file, change)["replacements"].append(replacement)
    return list(changes.values())


def _location(span: Span) -> dict[str, Any]:
    name = in_checkout(span.file)
    artifact = {"uri": quote(os.fsencode(name)), "uriBaseId": "%SRCROOT%"}
    if Path(name).is_absolute():
        artifact = {"uri": Path(name).as_uri()}
    region = {"startLine": span.line, "startColumn": span.column}
    region |= {"endLine": span.end_line, "endColumn": span.end_column}
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}
