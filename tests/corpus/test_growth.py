"""Policies that grow without bounds: chains, bombs and crowds, each answered soon."""

from __future__ import annotations

from time import process_time

import pytest

from mlpolicy.plan.load import load_every

POLICY = "policies:\n  m:f: {retry: 3}\n"
WITH_VAR = "policies:\n  m:f: {reason: '${vars.v0}', retry: 3}\n"


def lines(many, form):
    return "".join(form.format(n=n, next=n + 1) for n in range(many))


def bomb(deep, wide):
    return lines(deep, "  v{n}: '" + "${{vars.v{next}}}" * wide + "'\n") + f"  v{deep}: x\n"


CROWDS = {
    "a chain of profiles": (
        "MP406",
        "profiles:\n" + lines(3000, "  p{n}: {{extends: [p{next}], retry: 3}}\n") + POLICY,
    ),
    "a chain of variables": ("MP110", "vars:\n" + bomb(3000, 1) + WITH_VAR),
    "a bomb of variables": ("MP110", "vars:\n" + bomb(30, 2) + WITH_VAR),
    "a wide bomb of variables": ("MP110", "vars:\n" + bomb(5, 10) + WITH_VAR),
    "a long value in a value": (
        "MP110",
        f"vars: {{v: {'x' * 50_000}}}\n"
        "policies:\n  m:f: {reason: '${vars.v}${vars.v}', retry: 3}\n",
    ),
    "profiles that do not exist": (
        "MP406",
        "policies:\n" + lines(3000, "  m:f{n}: {{use: [abcd{n}]}}\n"),
    ),
    "policies of equal rank": (
        "MP401",
        "policies:\n" + lines(500, "  p{n}: {{match: ['m.*:f*'], retry: {next}}}\n"),
    ),
    "keys that do not exist": (
        "MP005",
        "policies:\n  m:f:\n    retry: 3\n" + lines(3000, "    strange{n}: 1\n"),
    ),
    "suppressions": ("MP091", lines(3000, "# mlpolicy: ignore[MP{n:03}] so\n") + POLICY),
    "exceptions that do not exist": (
        "MP603",
        "policies:\n  m:f: {retry: {retry_on: ["
        + ",".join(f"E{n}rror" for n in range(5000))
        + "]}}\n",
    ),
    "values of the wrong type": (
        "MP010",
        "policies:\n  m:f: {retry: {retry_on: [" + "3," * 3000 + "3]}}\n",
    ),
    "values of the wrong type in one mapping": (
        "MP010",
        "policies:\n  m:f:\n    monitor:\n      labels:\n" + lines(15_000, "        k{n}: [1]\n"),
    ),
    "environments": (
        "MP001",
        f"{POLICY}environments:\n" + lines(2000, "  e{n}: {{policies: {{m:f: {{retry: 4}}}}}}\n"),
    ),
    "a pattern of many wildcards": (
        "MP408",
        "policies:\n  m" + ".a" * 60 + ":f: {retry: 3}\n"
        "  a: {match: 'm" + ".**.*a" * 60 + ".b:f', exclude: ['m" + ".**" * 60 + ":g']}\n",
    ),
    "codes in one suppression": (
        "MP090",
        "policies:\n  m:f: {retry: 3}  # mlpolicy: ignore[" + "MP603," * 5000 + "MP603]\n",
    ),
}


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_is_answered_soon(tmp_path, name):
    code, text = CROWDS[name]
    path = tmp_path / "policy.yaml"
    path.write_text(f"version: 1\n{text}")
    began = process_time()

    found = load_every([path]).shown(level="none").diagnostics

    assert process_time() - began < 4
    assert code in {one.code for one in found}


@pytest.mark.parametrize("deep", [31, 33])
def test_a_chain_of_variables_is_followed_so_far(tmp_path, deep):
    path = tmp_path / "policy.yaml"
    path.write_text(f"version: 1\nvars:\n{bomb(deep - 1, 1)}{WITH_VAR}")

    found = load_every([path]).diagnostics

    assert [one.code for one in found] == (["MP110"] if deep > 32 else [])


def test_a_chain_of_imports_is_followed_so_far(tmp_path):
    for n in range(40):
        (tmp_path / f"f{n}.yaml").write_text(f"version: 1\nimports: [./f{n + 1}.yaml]\n")
    (tmp_path / "f40.yaml").write_text("version: 1\n")

    [whole] = [load_every([tmp_path / "f8.yaml"]).diagnostics]
    [found] = load_every([tmp_path / "f7.yaml"]).diagnostics

    assert whole == ()
    assert (found.code, found.span.line) == ("MP120", 2)
    assert found.span.file.endswith("f39.yaml")


def test_imports_that_meet_again_and_again(tmp_path):
    """Layers of which each file imports both of the next: 2 to the 25th ways, and 50 files."""
    for n in range(25):
        both = f"version: 1\nimports: [./a{n + 1}.yaml, ./b{n + 1}.yaml]\n"
        (tmp_path / f"a{n}.yaml").write_text(both)
        (tmp_path / f"b{n}.yaml").write_text(both)
    (tmp_path / "a25.yaml").write_text("version: 1\n")
    (tmp_path / "b25.yaml").write_text(f"version: 1\n{POLICY}")
    began = process_time()

    loaded = load_every([tmp_path / "a0.yaml"])

    assert process_time() - began < 4
    assert loaded.diagnostics == ()
    assert len(loaded.files) == 51
    assert [one.name for one in loaded.rulebook.policies] == ["m:f"]
