"""Findings as JSON hold to the schema that is published."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from mlpolicy.cli.render.formats import as_json
from tests.cli.render.conftest import ALL, MISSING, NOTHING, a_report

PUBLISHED = json.loads(
    files("mlpolicy.cli.render").joinpath("diagnostics.schema.json").read_text("utf-8")
)


def holds(content, schema):
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(content)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(PUBLISHED)


@pytest.mark.parametrize("report", [ALL, NOTHING], ids=["some", "none"])
def test_a_report_holds_to_the_schema(report):
    holds(json.loads(as_json(report)), PUBLISHED)


def test_the_schema_names_every_key_and_asks_for_it():
    whole = json.loads(as_json(ALL))
    one = whole["diagnostics"][0]
    suggestion = one["suggestions"][0]
    schema = PUBLISHED["$defs"]["diagnostic"]
    below = schema["properties"]
    named = [
        (whole, PUBLISHED),
        (whole["summary"], PUBLISHED["$defs"]["summary"]),
        (one, schema),
        (one["range"], PUBLISHED["$defs"]["range"]),
        (one["range"]["start"], PUBLISHED["$defs"]["position"]),
        (one["related"][0], below["related"]["items"]),
        (suggestion, below["suggestions"]["items"]),
        (suggestion["edits"][0], below["suggestions"]["items"]["properties"]["edits"]["items"]),
    ]

    for content, part in named:
        assert list(content) == list(part["properties"]) == part["required"]


@pytest.mark.parametrize("lost", ["code", "range", "environment", "suggestions", "url"])
def test_the_schema_refuses_a_finding_without_a_key(lost):
    content = json.loads(as_json(ALL))
    del content["diagnostics"][0][lost]

    with pytest.raises(ValidationError):
        holds(content, PUBLISHED)


def test_a_finding_is_told_whole():
    content = json.loads(as_json(a_report(MISSING)))

    assert content == {
        "schema": "mlpolicy.diagnostics/1",
        "summary": {
            "files": 1,
            "policies": 1,
            "environments": 0,
            "errors": 1,
            "warnings": 0,
            "infos": 0,
        },
        "diagnostics": [
            {
                "code": "MP301",
                "severity": "error",
                "message": "target not found: `recsys.serve` has no function `predct`",
                "file": "serving.yaml",
                "range": {"start": {"line": 3, "col": 3}, "end": {"line": 3, "col": 22}},
                "related": [
                    {
                        "message": "`predict` is defined here",
                        "file": "src/recsys/serve.py",
                        "range": {"start": {"line": 41, "col": 5}, "end": {"line": 41, "col": 12}},
                    }
                ],
                "suggestions": [
                    {
                        "title": "rename",
                        "edits": [
                            {
                                "file": "serving.yaml",
                                "range": {
                                    "start": {"line": 3, "col": 3},
                                    "end": {"line": 3, "col": 22},
                                },
                                "text": "recsys.serve:predict",
                            },
                            {
                                "file": "other.yaml",
                                "range": {
                                    "start": {"line": 1, "col": 1},
                                    "end": {"line": 1, "col": 1},
                                },
                                "text": "recsys.serve:predict",
                            },
                        ],
                    },
                    {
                        "title": "remove",
                        "edits": [
                            {
                                "file": "serving.yaml",
                                "range": {
                                    "start": {"line": 3, "col": 1},
                                    "end": {"line": 6, "col": 1},
                                },
                                "text": "",
                            }
                        ],
                    },
                ],
                "environment": "",
                "help": "did you mean `recsys.serve:predict`?",
                "url": "https://mlpolicy.readthedocs.io/en/stable/reference/findings/#mp301",
            }
        ],
    }


def test_a_finding_names_its_environment():
    environments = [one["environment"] for one in json.loads(as_json(ALL))["diagnostics"]]

    assert environments == ["", "", "prod", ""]
