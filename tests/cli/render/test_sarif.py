"""A SARIF log holds to what version 2.1.0 asks for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from mlpolicy.cli.render.formats import sarif
from mlpolicy.core.diagnostic import Diagnostic
from tests.cli.render.conftest import ALL, MISSING, NOTHING, a_report, at


def thing(required, **properties):
    """Return the schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def several(items, least=0, unique=False):
    return {"type": "array", "items": items, "minItems": least, "uniqueItems": unique}


TEXT = {"type": "string"}
URI = {"type": "string", "format": "uri"}
ONE = {"type": "integer", "minimum": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = thing("text", text=TEXT, markdown=TEXT)
# A relative reference needs a base; an absolute one names its scheme.
ARTIFACT = {
    "oneOf": [
        thing(
            "uri uriBaseId",
            uri={"type": "string", "pattern": r"^(?!/)(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+$"},
            uriBaseId={"const": "%SRCROOT%"},
        ),
        thing("uri", uri={"type": "string", "pattern": r"^file:///(?:[\w.~/:-]|%[0-9A-F]{2})+$"}),
    ]
}
REGION = thing("startLine", startLine=ONE, startColumn=ONE, endLine=ONE, endColumn=ONE)
PLACE = thing("artifactLocation", artifactLocation=ARTIFACT, region=REGION)
REPLACEMENT = thing("deletedRegion", deletedRegion=REGION, insertedContent=thing("text", text=TEXT))
CHANGE = thing(
    "artifactLocation replacements",
    artifactLocation=ARTIFACT,
    replacements=several(REPLACEMENT, least=1),
)
RESULT = thing(
    "message ruleId ruleIndex level locations partialFingerprints",
    message=MESSAGE,
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    locations=several(thing("physicalLocation", physicalLocation=PLACE), least=1),
    relatedLocations=several(
        thing("id physicalLocation message", id=ONE, physicalLocation=PLACE, message=MESSAGE),
        unique=True,
    ),
    fixes=several(
        thing("artifactChanges", description=MESSAGE, artifactChanges=several(CHANGE, least=1)),
        unique=True,
    ),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    properties={"type": "object"},
)
RULE = thing(
    "id helpUri",
    id=TEXT,
    helpUri=URI,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=thing("level", level=LEVEL),
)
DRIVER = thing(
    "name version informationUri rules",
    name=TEXT,
    version=TEXT,
    informationUri=URI,
    rules=several(RULE, unique=True),
)
RUN = thing(
    "tool columnKind originalUriBaseIds results",
    tool=thing("driver", driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    originalUriBaseIds={"type": "object"},
    results=several(RESULT),
)
LOG = thing(
    "version runs", **{"$schema": URI, "version": {"const": "2.1.0"}, "runs": several(RUN, least=1)}
)


def read(report):
    """Return the run in a log, which holds to the standard."""
    content = json.loads(sarif(report))
    Draft202012Validator(LOG, format_checker=FormatChecker()).validate(content)
    run = content["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return run


def test_columns_are_code_points():
    assert read(NOTHING)["columnKind"] == "unicodeCodePoints"


def test_without_findings_there_is_an_empty_run():
    run = read(NOTHING)

    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_every_finding_is_a_result():
    results = read(ALL)["results"]

    assert [(one["ruleId"], one["level"]) for one in results] == [
        ("MP301", "error"),
        ("MP608", "warning"),
        ("MP102", "warning"),
        ("MP906", "note"),
    ]
    assert results[2]["properties"] == {"environment": "prod"}
    assert "properties" not in results[0]


def test_a_rule_says_what_its_code_declares():
    rule = next(one for one in read(ALL)["tool"]["driver"]["rules"] if one["id"] == "MP301")

    assert rule["helpUri"].endswith("#mp301")
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["shortDescription"]["text"].endswith(".")
    assert "version: 1" in rule["help"]["text"]
    assert "```yaml\nversion: 1" in rule["help"]["markdown"]


def test_a_code_of_a_kind_of_rule_is_declared_too():
    report = a_report(Diagnostic("MP608", "x", at(1, 1, 2), "warning"))

    assert "help" in read(report)["tool"]["driver"]["rules"][0]


def test_an_unknown_code_is_a_rule_without_words():
    rules = read(a_report(Diagnostic("XY999", "x", at(1, 1, 2))))["tool"]["driver"]["rules"]

    assert [list(one) for one in rules] == [["id", "helpUri"]]


def test_places_and_repairs_are_told():
    result = read(a_report(MISSING))["results"][0]

    assert result["message"]["text"] == (
        "target not found: `recsys.serve` has no function `predct`\n"
        "did you mean `recsys.serve:predict`?"
    )
    region = {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 22}
    here = {"uri": "serving.yaml", "uriBaseId": "%SRCROOT%"}
    assert result["locations"] == [
        {"physicalLocation": {"artifactLocation": here, "region": region}}
    ]
    assert result["relatedLocations"][0]["message"] == {"text": "`predict` is defined here"}
    assert [one["description"]["text"] for one in result["fixes"]] == ["rename", "remove"]
    assert result["fixes"][0]["artifactChanges"][0] == {
        "artifactLocation": here,
        "replacements": [
            {"deletedRegion": region, "insertedContent": {"text": "recsys.serve:predict"}}
        ],
    }
    assert len(result["fixes"][0]["artifactChanges"]) == 2


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("policies/a b.yaml", "policies/a%20b.yaml"),
        ("./a:b.yaml", "a%3Ab.yaml"),
        ("名.yaml", "%E5%90%8D.yaml"),
        ("a\udcff.yaml", "a%FF.yaml"),
    ],
)
def test_a_file_may_be_called_anything(name, uri):
    run = read(a_report(Diagnostic("MP005", "x", at(1, 1, 2, file=name))))

    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri


def test_a_file_elsewhere_is_named_whole(tmp_path):
    run = read(a_report(Diagnostic("MP005", "x", at(1, 1, 2, file=str(tmp_path / "a b.yaml")))))

    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": f"file://{tmp_path}/a%20b.yaml"}


def test_a_brace_that_means_itself_is_doubled():
    run = read(a_report(Diagnostic("MP110", "`${env:X}` is unset", at(1, 1, 2))))

    assert run["results"][0]["message"] == {"text": "`${{env:X}}` is unset"}


@given(st.text(min_size=1))
def test_any_message_is_valid(message):
    run = read(a_report(Diagnostic("MP005", message, at(1, 1, 2))))

    text = run["results"][0]["message"]["text"]
    assert text.replace("{{", "{").replace("}}", "}") == message
