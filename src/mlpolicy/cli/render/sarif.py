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
from mlpolicy.cli.render.checkout import checkout, in_checkout
from mlpolicy.cli.render.fingerprint import fingerprints
from mlpolicy.cli.render.report import Report, repairs, sentence
from mlpolicy.core.codes import Code, shared
from mlpolicy.core.diagnostic import Diagnostic, Suggestion
from mlpolicy.core.span import Span
from mlpolicy.rules import KINDS

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
    rules = sorted({one.code for one in report.diagnostics})
    names = fingerprints(report, root)
    results = [
        _result(one, root)
        | {
            "ruleIndex": rules.index(one.code),
            "partialFingerprints": {"mlpolicyFinding/v1": name},
        }
        for one, name in zip(report.diagnostics, names, strict=True)
    ]
    run = {
        "tool": {"driver": _driver(rules)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "results": results,
    }
    content = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(content, indent=2, ensure_ascii=False)


# --- the tool -------------------------------------------------------------------------


def _driver(rules: Sequence[str]) -> dict[str, Any]:
    codes = (*shared(), *(code for name in KINDS for code in KINDS[name].finding_codes()))
    declared = {code.code: code for code in codes}
    return {
        "name": "mlpolicy",
        "version": __version__,
        "informationUri": PAGE,
        "rules": [_rule(name, declared.get(name)) for name in rules],
    }


def _rule(name: str, code: Code | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name, "helpUri": url(name)}
    if code is None:
        return rule
    return rule | {
        "shortDescription": {"text": _sentence(code.title)},
        "fullDescription": {"text": _sentence(code.finds)},
        "help": {"text": _help(code, fence=""), "markdown": _help(code, fence="```")},
        "defaultConfiguration": {"level": _LEVEL[code.severity]},
    }


def _sentence(text: str) -> str:
    text = " ".join(text.split()).translate(_BRACES)
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _help(code: Code, *, fence: str) -> str:
    """Return what to know of *code*; its braces stay single, as viewers show help as it is."""
    parts = [code.finds, code.why]
    for title, example in (("Found in:", code.before), ("Not found in:", code.after)):
        if example:
            inner = example.rstrip()
            parts += [title, f"{fence}yaml\n{inner}\n{fence}" if fence else inner]
    return "\n\n".join(parts)


# --- a finding ------------------------------------------------------------------------


def _result(one: Diagnostic, root: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": one.code,
        "level": _LEVEL[one.severity],
        "message": _message("\n".join(filter(None, (sentence(one), one.help)))),
        "locations": [_location(one.span, root)],
    }
    if one.related:
        result["relatedLocations"] = [
            {"id": number, **_location(other.span, root), "message": _message(other.message)}
            for number, other in enumerate(one.related, 1)
        ]
    if one.suggestions:
        result["fixes"] = [_fix(title, edits, root) for title, edits in repairs(one).items()]
    if one.environment:
        result["properties"] = {"environment": one.environment}
    return result


def _message(text: str) -> dict[str, str]:
    return {"text": text.translate(_BRACES)}


def _fix(title: str, edits: Sequence[Suggestion], root: str) -> dict[str, Any]:
    files = dict.fromkeys(edit.span.file for edit in edits)
    return {
        "description": _message(title),
        "artifactChanges": [
            {
                "artifactLocation": _artifact(file, root),
                "replacements": [_replacement(one) for one in edits if one.span.file == file],
            }
            for file in files
        ],
    }


def _replacement(edit: Suggestion) -> dict[str, Any]:
    return {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}


def _location(span: Span, root: str) -> dict[str, Any]:
    place = {"artifactLocation": _artifact(span.file, root), "region": _region(span)}
    return {"physicalLocation": place}


def _artifact(file: str, root: str) -> dict[str, str]:
    name = in_checkout(file, root)
    if PurePath(name).is_absolute():
        return {"uri": PurePath(name).as_uri()}
    return {"uri": quote(os.fsencode(name)), "uriBaseId": _ROOT}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
