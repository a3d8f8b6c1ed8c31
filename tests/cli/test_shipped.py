"""The profiles that come with mlpolicy, on the command line and in a process."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from mlpolicy.model.policy import SHIPPED
from mlpolicy.model.read import profile_path as path

ROOT = Path(__file__).parents[2]


@pytest.fixture
def service(project):
    project.write(
        serve="""
            def ask(prompt): raise ConnectionError("away")
        """,
        policy="""
            version: 1
            profiles:
              own: {extends: [httpx]}
            policies:
              serve:ask: {use: [openai], retry: {initial_delay: 10ms}}
              serve:other: {use: [own]}
        """,
    )
    return project


def test_their_policy_tests_pass(project):
    """And leave no branch of a rule out."""
    where = ROOT / "tests/plan/shipped"

    ended = project.run("test", str(where))

    assert ended.code == 0, ended.out


def test_the_list_has_those_that_are_used(service):
    """And those that the used ones extend."""
    rows = service.run("list", "profiles", "--policy", "policy.yaml", "--format", "json").content

    assert {row["profile"]: (row["origin"], row["used by"]) for row in rows["profiles"]} == {
        "httpx": ("mlpolicy", []),
        "openai": ("mlpolicy", ["serve:ask"]),
        "own": ("given", ["serve:other"]),
    }


def test_the_list_has_all_where_asked(service):
    """With a policy or without one; a profile of that name stands in its place."""
    service.write(policy="version: 1\nprofiles: {sklearn: {retry: 3}}\n")
    beside = service.run("list", "profiles", "--all", "--policy", "policy.yaml").out
    (service.folder / "policy.yaml").unlink()
    alone = service.run("list", "profiles", "--all")

    assert alone.code == 0
    assert [line.split()[0] for line in alone.out.splitlines()[1:]] == list(SHIPPED)
    assert {line.split()[0] for line in beside.splitlines()[1:]} == set(SHIPPED)
    assert "policy.yaml:2" in beside
    assert "sklearn.yaml" not in beside
    assert service.run("list", "files", "--all").code == 2


def test_explain_names_the_line(service):
    ended = service.run("explain", "serve:ask", "--policy", "policy.yaml")

    lines = path("openai").read_text().splitlines()
    at = next(n for n, line in enumerate(lines, 1) if "max_elapsed" in line)
    assert f"mlpolicy/profiles/openai.yaml:{at}:" in ended.out


@pytest.mark.parametrize("name", SHIPPED)
def test_explain_shows_it(project, name):
    ended = project.run("explain", name)

    assert (ended.code, path(name).read_text() in ended.out) == (0, True)


def test_a_misspelt_one_is_told(project):
    assert "did you mean `openai`" in project.run("explain", "opnai").err


def test_what_is_found_in_one_stands_where_it_is_used(service):
    """So that it can be put right there, or suppressed."""
    policy = "version: 1\npolicies:\n  serve:post_order: {use: [requests]}"
    service.write(policy=policy, serve="def post_order(body): return body")
    found = service.run("validate", "--policy", "policy.yaml", "--format", "json").content
    service.write(policy=f"{policy}  # mlpolicy: ignore[MP607] orders have a key\n")
    suppressed = service.run("validate", "--policy", "policy.yaml", "--fail-on", "info")

    [one] = found["diagnostics"]
    assert (one["code"], one["file"]) == ("MP607", "policy.yaml")
    assert one["range"]["start"] == {"line": 3, "col": 28}
    assert suppressed.code == 0, suppressed


@pytest.mark.parametrize(
    "policies",
    [
        "policies:\n  serve:ask: {use: [openai], deadline: 1s}\n",
        "policies:\n  serve:ask: {monitor: true, deadline: 1s}\n"
        "environments: {prod: {policies: {'serve:ask': {use: [openai]}}}}\n",
    ],
)
def test_a_value_of_one_is_shown_where_it_stands(service, policies):
    """A finding about it has the line of its file; none is written for it."""
    service.write(policy=f"version: 1\n{policies}")

    ended = service.run("validate", "--fix", "--policy", "policy.yaml")

    assert "--> mlpolicy/profiles/openai.yaml:" in ended.out
    assert "max_elapsed: 30s" in ended.out
    assert list(service.folder.glob("mlpolicy*")) == []


def test_a_start_from_the_plan_cache_reads_no_yaml(service):
    code = (
        "import sys, mlpolicy; mlpolicy.install(policy='policy.yaml'); import serve\n"
        "try: serve.ask('x')\n"
        "except ConnectionError as error: print(error.__notes__)\n"
        "print('yaml' in sys.modules)"
    )

    first, second = service.python("-c", code), service.python("-c", code)

    assert "gave up after 3 attempts" in first.out
    assert "gave up after 3 attempts" in second.out
    assert (first.out.split()[-1], second.out.split()[-1]) == ("True", "False")


def test_the_wheel_has_them(project):
    build = (
        f"import os; os.chdir({str(ROOT)!r}); from hatchling.build import build_wheel\n"
        f"print(build_wheel({str(project.folder)!r}))"
    )

    ended = project.python("-c", build)

    [wheel] = project.folder.glob("*.whl")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if "/profiles/" in name}
    assert held == {f"mlpolicy/profiles/{name}.yaml" for name in SHIPPED}, ended
