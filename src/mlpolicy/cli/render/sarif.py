"""Findings as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from mlpolicy import __version__
from mlpolicy.cli.render.as_json import PAGE, url
from mlpolicy.cli.render.checkout import checkout, fingerprints, in_checkout
from mlpolicy.cli.render.report import Report, repairs, sentence
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.plan.codes import codes

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT: Final = "%SRCROOT%"
_LEVEL: Final = {"error": "error", "warning": "warning", "info": "note"}
_BRACES: Final = str.maketrans({"{": "{{", "}": "}}"})
"""A message may have `{0}` in it to be filled in: a brace that means itself is doubled."""


def sarif(report: Report) -> str:
    """Return the findings as a SARIF log of one run."""
    root = checkout()
    rules = sorted({finding.code for finding in report.diagnostics})
    results = [
        {
            **_result(finding, root),
            "ruleIndex": rules.index(finding.code),
            "partialFingerprints": {"mlpolicyFinding/v1": name},
        }
        for finding, name in zip(report.diagnostics, fingerprints(report, root), strict=True)
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
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "results": results,
    }
    content = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _rule(name: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name, "helpUri": url(name)}
    code = codes().get(name)
    if code is None:
        return rule
    # The braces of help stay single, as viewers show it as it is.
    plain, marked = [code.finds, code.why], [code.finds, code.why]
    for title, example in (("Found in:", code.before), ("Not found in:", code.after)):
        if example:
            plain += [title, example.rstrip()]
            marked += [title, f"```yaml\n{example.rstrip()}\n```"]
    return rule | {
        "shortDescription": _sentence(code.title),
        "fullDescription": _sentence(code.finds),
        "help": {"text": "\n\n".join(plain), "markdown": "\n\n".join(marked)},
        "defaultConfiguration": {"level": _LEVEL[code.severity]},
    }


def _sentence(text: str) -> dict[str, str]:
    text = " ".join(text.split())
    return _message(text if text.endswith((".", "!", "?")) else f"{text}.")


def _message(text: str) -> dict[str, str]:
    return {"text": text.translate(_BRACES)}


def _result(finding: Diagnostic, root: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVEL[finding.severity],
        "message": _message("\n".join(filter(None, (sentence(finding), finding.help)))),
        "locations": [_location(finding.span, root)],
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(related.span, root), "message": _message(related.message)}
            for number, related in enumerate(finding.related, 1)
        ]
    if finding.suggestions:
        result["fixes"] = [
            {"description": _message(title), "artifactChanges": _changes(edits, root)}
            for title, edits in repairs(finding).items()
        ]
    if finding.environment:
        result["properties"] = {"environment": finding.environment}
    return result


def _changes(edits: Sequence[Suggestion], root: str) -> list[dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for edit in edits:
        file = edit.span.file
        change = {"artifactLocation": _artifact(file, root), "replacements": []}
        replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        changes.setdefault(file, change)["replacements"].append(replacement)
    return list(changes.values())


def _location(span: Span, root: str) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(span.file, root), "region": _region(span)}
    return {"physicalLocation": place}


def _artifact(file: str, root: str) -> dict[str, str]:
    name = in_checkout(file, root)
    if PurePath(name).is_absolute():
        return {"uri": PurePath(name).as_uri()}
    return {"uri": quote(os.fsencode(name)), "uriBaseId": _ROOT}


def _region(span: Span) -> dict[str, int]:
    begin = {"startLine": span.line, "startColumn": span.column}
    return begin | {"endLine": span.end_line, "endColumn": span.end_column}
