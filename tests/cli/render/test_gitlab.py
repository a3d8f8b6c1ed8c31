"""A code quality report, whose fingerprints outlast edits elsewhere in the file."""

from __future__ import annotations

import json

import pytest

from mlpolicy.cli.render.formats import gitlab
from mlpolicy.core.diagnostic import Diagnostic
from tests.cli.render.conftest import ALL, IN_PROD, MISSING, NOTHING, a_report, at

TWICE = """\
version: 1
policies:
  serve:predict:
    cache: {ttl: 30}
  serve:embed:
    cache: {ttl: 30}
"""


def ttls(text, message="no unit"):
    """Return a report with a finding at each `30` of *text*."""
    return a_report(
        *(
            Diagnostic("MP101", message, at(number, line.index("30") + 1, line.index("30") + 3))
            for number, line in enumerate(text.split("\n"), 1)
            if "30" in line
        ),
        text=text,
    )


def prints(report):
    return [one["fingerprint"] for one in json.loads(gitlab(report))]


def test_a_finding_is_told_as_gitlab_reads_it():
    found = json.loads(gitlab(a_report(MISSING)))

    assert len(found[0].pop("fingerprint")) == 32
    assert found == [
        {
            "description": "target not found: `recsys.serve` has no function `predct`"
            " (did you mean `recsys.serve:predict`?)",
            "check_name": "MP301",
            "severity": "major",
            "location": {"path": "serving.yaml", "lines": {"begin": 3, "end": 3}},
        }
    ]


def test_gravity_and_environment_are_told():
    found = json.loads(gitlab(ALL))

    assert [one["severity"] for one in found] == ["major", "minor", "minor", "info"]
    assert found[2]["description"] == "ttl of 30 ms (environment prod)"


def test_without_findings_the_report_is_an_empty_list():
    assert json.loads(gitlab(NOTHING)) == []


@pytest.mark.parametrize(
    "changed",
    [
        "# a comment\n\n" + TWICE,
        TWICE.replace("  serve:embed:", "    retry: 3\n\n  serve:embed:"),
        TWICE.replace("policies:\n", "policies:\n  serve:other:\n    retry: 3\n"),
        TWICE + "environments: {}\n",
    ],
)
def test_fingerprints_outlast_other_lines(changed):
    assert prints(ttls(changed)) == prints(ttls(TWICE))


def test_fingerprints_outlast_better_words():
    assert prints(ttls(TWICE, "write a unit")) == prints(ttls(TWICE))


def test_a_repaired_finding_leaves_the_other_one_its_fingerprint():
    repaired = TWICE.replace("30", "30s", 1).replace("30s", "9s")

    assert prints(ttls(repaired)) == prints(ttls(TWICE))[1:]


def test_a_changed_line_is_another_finding():
    assert not set(prints(ttls(TWICE.replace("30", "300")))) & set(prints(ttls(TWICE)))


def test_no_two_findings_share_a_fingerprint():
    report = a_report(MISSING, MISSING, IN_PROD, Diagnostic("MP102", "x", IN_PROD.span))

    assert len(set(prints(report))) == 4


def test_the_same_file_has_the_same_fingerprints_however_it_is_named(folder, monkeypatch):
    (folder / "sub").mkdir()
    expected = prints(a_report(MISSING, file="sub/serving.yaml"))
    below = Diagnostic("MP301", "x", at(3, 3, 22, file="sub/serving.yaml"))
    expected = prints(a_report(below, file="sub/serving.yaml"))
    absolute = str(folder / "sub" / "serving.yaml")
    whole = Diagnostic("MP301", "x", at(3, 3, 22, file=absolute))
    monkeypatch.setenv("CI_PROJECT_DIR", str(folder))

    assert prints(a_report(whole, file=absolute)) == expected
    monkeypatch.chdir(folder / "sub")
    inside = Diagnostic("MP301", "x", at(3, 3, 22))
    assert prints(a_report(inside)) == expected
