"""Files that import others: what is found, and what is no finding of its own."""

from __future__ import annotations

import os
import textwrap

import pytest

from mlpolicy.core.target import Target
from mlpolicy.plan.load import load

CALM = "version: 1\nvars: {ttl: 30s}\nprofiles: {calm: {retry: {max_attempts: 5}}}\n"
USES = "policies: {a: {match: 'm:f', use: [calm], cache: {ttl: '${vars.ttl}'}}}\n"


@pytest.fixture
def read(tmp_path):
    """Write files, and read the first of them with all that it imports."""

    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.yaml").write_text(textwrap.dedent(text), encoding="utf-8")
        return load([tmp_path / f"{next(iter(files))}.yaml"])

    return write


def codes(loaded):
    return [one.code for one in loaded.diagnostics if one.code != "MP906"]


def test_profiles_and_variables_come_from_an_import(read):
    """A value of a profile is in the plan, and says which file it stands in."""
    loaded = read(top=f"version: 1\nimports: [./calm.yaml]\n{USES}", calm=CALM)

    plan = loaded.rulebook.plan(Target("m", "f"))
    assert codes(loaded) == []
    assert plan.rule("retry").rule.max_attempts == 5
    assert plan.rule("retry").values["max_attempts"].source.file.endswith("calm.yaml")
    assert plan.rule("cache").rule.ttl == 30


@pytest.mark.parametrize(
    "wrong",
    [
        "[./clam.yaml]",
        "[../calm.yaml]",
        "[/calm.yaml]",
        "['https://host/calm.yaml']",
        "['pkg:no_such_package/calm.yaml']",
    ],
)
def test_an_import_that_cannot_be_read_is_one_finding(read, wrong):
    """That its profiles and variables are missing follows from it."""
    loaded = read(top=f"version: 1\nimports: {wrong}\n{USES}", calm=CALM)

    assert codes(loaded) == ["MP120"]
    assert loaded.diagnostics[0].span.line == 2


def test_an_import_that_is_no_list_is_one_finding(read):
    """Nothing of it is read."""
    assert codes(read(top=f"version: 1\nimports: ./calm.yaml\n{USES}", calm=CALM)) == ["MP010"]


@pytest.mark.parametrize("broken", ["version: 1\nprofiles: [", "version: 1\nprofiles: []\n"])
def test_an_import_that_is_broken_is_one_finding(read, broken):
    """At its own place."""
    loaded = read(top=f"version: 1\nimports: [./calm.yaml]\n{USES}", calm=broken)

    found = [one for one in loaded.diagnostics if one.code not in ("MP906", "MP110")]
    assert [one.span.file.rpartition("/")[2] for one in found] == ["calm.yaml"]


def test_a_circle_of_imports_is_found(read):
    """Whichever file one begins with."""
    loaded = read(
        a="version: 1\nimports: [./b.yaml]\npolicies: {m:f: {retry: 3}}\n",
        b="version: 1\nimports: [./c.yaml]\n",
        c="version: 1\nimports: [./a.yaml]\n",
    )

    assert [code for code in codes(loaded) if code.startswith("MP12")] == ["MP120"]


def test_a_file_that_is_imported_twice_is_read_once(read):
    """Its policies do not meet themselves."""
    loaded = read(
        top="version: 1\nimports: [./left.yaml, ./right.yaml]\npolicies: {m:g: {retry: 3}}\n",
        left="version: 1\nimports: [./base.yaml]\n",
        right="version: 1\nimports: [./base.yaml]\n",
        base="version: 1\npolicies: {m:f: {retry: 3}}\n",
    )

    assert codes(loaded) == []
    assert len(loaded.inputs) == 4


def test_the_importer_wins_over_what_it_imports(read):
    """Whatever the specificity."""
    loaded = read(
        top="version: 1\nimports: [./base.yaml]\npolicies: {w: {match: 'm:*', retry: 2}}\n",
        base="version: 1\npolicies: {m:f: {retry: 9}}\n",
    )

    assert loaded.rulebook.plan(Target("m", "f")).rule("retry").rule.max_attempts == 2


def test_a_link_out_of_the_folder_is_no_import(read, tmp_path):
    """What lies outside is somebody else's."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (tmp_path / "secret.yaml").write_text(CALM)
    os.symlink(tmp_path / "secret.yaml", folder / "calm.yaml")
    (folder / "top.yaml").write_text(f"version: 1\nimports: [./calm.yaml]\n{USES}")

    assert codes(load([folder / "top.yaml"])) == ["MP120"]
