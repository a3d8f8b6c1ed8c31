"""`mlpolicy validate` on real files."""

from __future__ import annotations

import os
import time

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program

SERVICE = """
    def predict(features, user=None):
        return 1

    def rows():
        yield 1
"""


@pytest.fixture
def service(project):
    project.write(serve=SERVICE)
    return project


def places(ended):
    return [
        (one["code"], one["range"]["start"]["line"], one["range"]["start"]["col"])
        for one in ended.content["diagnostics"]
    ]


def test_a_right_file_has_no_findings(service):
    service.write(policy="version: 1\npolicies:\n  serve:predict:\n    retry: 3\n")

    ended = service.run("validate", "policy.yaml")

    assert (ended.code, ended.out.strip()) == (0, "No problems found in 1 file, 1 policy")


@pytest.mark.parametrize(
    ("policy", "place"),
    [
        ("version: 1\npolicies: {serve:predict: {retry: 3\n", ("MP002", 2, 27)),
        ("version: 1\npolicies:\n  serve:predict:\n    rety: 3\n", ("MP005", 4, 5)),
        ("version: 1\npolicies:\n  serve:predict:\n    retry: x\n", ("MP010", 4, 12)),
        ("version: 1\npolicies:\n  serve:predict:\n    cache: 30\n", ("MP101", 4, 12)),
        ("version: 1\npolicies:\n  serve:predict:\n    retry: 3\n    retry: 4\n", ("MP004", 5, 5)),
        ("version: 1\npolicies:\n  serve:predct:\n    retry: 3\n", ("MP301", 3, 3)),
        ("version: 1\npolicies:\n  server:predict:\n    retry: 3\n", ("MP303", 3, 3)),
        ("version: 1\npolicies:\n  serve:rows:\n    cache: 30s\n", ("MP304", 4, 5)),
        (
            "version: 1\npolicies:\n  serve:predict:\n"
            "    validate: {args: {featurs: {type: int}}}\n",
            ("MP202", 4, 23),
        ),
        (
            "version: 1\npolicies:\n  serve:predict:\n    cache: {ttl: 1s, key: [usr]}\n",
            ("MP702", 4, 28),
        ),
        ("version: 1\nx: " + "[" * 500 + "\n", ("MP001", 2, 67)),
    ],
)
def test_one_mistake_is_one_finding(service, policy, place):
    """With its code, line and column, exit code 1, and within a second or so."""
    (service.folder / "policy.yaml").write_text(policy)
    began = time.monotonic()

    ended = service.run("validate", "policy.yaml", "--format", "json")

    assert (ended.code, places(ended), ended.err) == (1, [place], "")
    assert time.monotonic() - began < 5  # the interpreter's start included, on a busy machine


def test_a_misspelt_target_is_put_right(service):
    """The finding names the function that was meant."""
    service.write(policy="version: 1\npolicies:\n  serve:predct:\n    retry: 3\n")

    ended = service.run("validate", "policy.yaml")

    assert ended.code == 1
    assert "did you mean `serve:predict`?" in ended.out
    assert "^^^^^^^^^^^^" in ended.out


def test_a_merge_key_bomb_is_refused(service):
    """376 bytes that expand without end are a finding."""
    lines = ["version: 1", "x-a: &a {k: 1}"]
    for at in range(20):
        before, name = chr(97 + at), chr(98 + at)
        lines.append(f"x-{name}: &{name}\n  <<: [{', '.join([f'*{before}'] * 9)}]")
    (service.folder / "policy.yaml").write_text("\n".join(lines) + "\n")

    ended = service.run("validate", "policy.yaml", "--format", "json")

    assert ended.code == 1
    assert "MP007" in {code for code, _, _ in places(ended)}


def test_paths_that_are_not_there_are_usage_and_empty_folders_are_nothing_to_do(service):
    """2 for a path that does not exist, 5 where there is no policy file."""
    (service.folder / "empty").mkdir()

    codes = [service.run("validate", name).code for name in ("nowhere.yaml", "empty")]

    assert (codes, service.run("validate").code, service.run("validate", "--bad").code) == (
        [2, 5],
        5,
        2,
    )


def test_policies_are_found_by_convention_and_by_the_project(service):
    """`policies/`, then `[tool.mlpolicy]` of pyproject.toml, then the environment."""
    service.write(policies__a="version: 1\npolicies:\n  serve:predict: {retry: 3}\n")
    first = service.run("validate", "--format", "json").content["summary"]["files"]
    (service.folder / "own.yaml").write_text("version: 1\npolicies: {serve:predict: {rety: 3}}\n")
    (service.folder / "pyproject.toml").write_text('[tool.mlpolicy]\npolicy = ["own.yaml"]\n')

    second = service.run("validate", "--format", "json")
    third = service.run("validate", MLPOLICY_POLICY=str(service.folder / "policies"))

    assert (first, second.code, third.code) == (1, 1, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[tool.mlpolicy]\npolicy = "own.yaml"', 'policy = ["policies"]'),
        ("[tool.mlpolicy]\npolicy = [1]", 'policy = ["policies"]'),
        ('[tool.mlpolicy]\npolicies = ["own.yaml"]', 'policy = ["policies"]'),
        ('[tool.mlpolicy]\npolicy = ["gone"]', "`gone`, which `pyproject.toml` names,"),
        ("[tool]\nmlpolicy = 3", 'policy = ["policies"]'),
        ("[tool.mlpolicy", "cannot be read"),
    ],
)
def test_a_bad_section_of_the_project_is_a_mistake_of_usage(service, text, words):
    """With its remedy, and never a traceback."""
    (service.folder / "pyproject.toml").write_text(text)

    ended = service.run("validate")

    assert (ended.code, ended.out, words in ended.err) == (2, "", True), ended.err
    assert ended.err.count("\n") == 1


def test_a_path_of_the_environment_that_is_not_there_is_told_as_such(service):
    """Who looks at the command line alone would not find it."""
    ended = service.run("validate", MLPOLICY_POLICY="gone")

    assert (ended.code, "`gone`, which MLPOLICY_POLICY names," in ended.err) == (2, True)


def test_warnings_fail_only_where_asked(service):
    """A policy without rules is a warning."""
    service.write(policy="version: 1\npolicies:\n  serve:predict: {owner: me}\n")

    codes = [
        service.run("validate", "policy.yaml", *more).code
        for more in ((), ("--fail-on", "warning"))
    ]

    assert codes == [0, 1]


def test_a_file_of_tests_among_those_named_is_no_policy(service):
    """`policies/*.yaml` names it too."""
    service.write(policy="version: 1\npolicies:\n  serve:predict:\n    retry: 3\n")
    (service.folder / "policy.test.yaml").write_text("version: 1\npolicies: [policy.yaml]\n")

    both = service.run("validate", "policy.yaml", "policy.test.yaml")
    alone = service.run("validate", "policy.test.yaml")

    assert (both.code, alone.code) == (0, 5), (both.out, alone.err)


def test_a_file_that_may_not_be_read_is_a_finding(tmp_path, monkeypatch):
    """With the exit code of one: it is not the command line that is wrong."""
    path = tmp_path / "policy.yaml"
    path.write_text("version: 1\npolicies: {os.path:join: {retry: 3, monitor: {}}}\n")
    monkeypatch.setattr(os, "access", lambda *_: False)

    assert CliRunner().invoke(program, ["validate", "--resolve", "none", str(path)]).exit_code == 0
