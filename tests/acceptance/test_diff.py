"""`mlpolicy diff`, `mlpolicy compile` and `apply --expect`."""

from __future__ import annotations

import json
import subprocess

import pytest

SERVICE = """
    def predict(x, user=None):
        return x

    def fetch(q):
        return q
"""
POLICY = """
    version: 1
    policies:
      serve:predict:
        retry: {max_attempts: 3}
        cache: {ttl: 30s, key: [x]}
      watched: {match: "serve:f*", monitor: true}
"""


def git(project, *arguments):
    who = ("-c", "user.email=a@b.c", "-c", "user.name=a", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], cwd=project.folder, check=True, capture_output=True)


@pytest.fixture
def service(project):
    project.write(serve=SERVICE, policies__a=POLICY)
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "one")
    return project


def changed(service, *pairs):
    text = POLICY
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    service.write(policies__a=text)


def compare(service, *more):
    return service.run("diff", "--against", "git:HEAD", "--format", "json", *more)


def test_nothing_changes(service):
    """Another order of keys is no change, and neither is a comment."""
    service.write(policies__a="# moved\n" + "\n\n" + __import__("textwrap").dedent(POLICY))

    assert compare(service, "--exit-code").code == 0
    assert service.run("diff", "--against", "git:HEAD").out.strip() == "Nothing changes."


def test_what_changes_for_each_function(service):
    """Old and new of each setting; a function that a pattern takes is one too."""
    changed(
        service,
        ("max_attempts: 3", "max_attempts: 8"),
        ("monitor: true", "memory: 85%"),
        ("ttl: 30s", "ttl: 30s, mode: shadow"),
    )

    ended = compare(service, "--exit-code")

    found = {one["target"]: one for one in ended.content["differences"]}
    assert ended.code == 4
    assert {"path": "retry.max_attempts", "old": "3", "new": "8"} in found["serve:predict"][
        "settings"
    ]
    assert {"path": "cache.mode", "old": "enforce", "new": "shadow"} in found["serve:predict"][
        "settings"
    ]
    assert [line["path"] for line in found["serve:fetch"]["settings"]] == ["monitor", "memory"]


def test_what_to_look_at_twice(service):
    """A longer worst case with its numbers, a rule that holds at once, one that is gone."""
    changed(
        service,
        ("max_attempts: 3", "max_attempts: 8"),
        ("cache: {ttl: 30s, key: [x]}", "validate: {args: {x: {type: int}}}"),
    )

    [one] = compare(service).content["differences"]

    assert sorted(one["risks"], reverse=True) == [
        "max_attempts 3 → 8 raises the worst case 600ms → 22s600ms",
        "`cache` no longer holds",
        "MP506: `validate` is enforced at once, and was never in shadow",
    ]


def test_markdown_for_a_pull_request(service):
    changed(service, ("ttl: 30s", "ttl: 5m"))

    out = service.run("diff", "--against", "git:HEAD", "--format", "markdown").out

    assert "| `serve:predict` | `cache.ttl` | `30s` | `5m` |" in out
    assert "- :warning: `serve:predict`: answers may be 5m old, not 30s" in out


def test_files_folders_and_revisions_compare(service):
    service.write(policies2__a=POLICY.replace("30s", "1m"))

    for old, new in [
        ("policies", "policies2"),
        ("policies/a.yaml", "policies2/a.yaml"),
        ("git:HEAD:policies", "policies2"),
    ]:
        assert "30s → 1m" in service.run("diff", old, new).out, (old, new)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["policies"], 2),
        (["policies", "nowhere"], 2),
        (["--against", "main"], 2),
        (["--against", "git:no-such-branch"], 2),
    ],
)
def test_what_cannot_be_compared(service, arguments, code):
    assert service.run("diff", *arguments).code == code


def test_a_side_with_errors(service):
    changed(service, ("max_attempts", "max_atempts"))

    ended = service.run("diff", "--against", "git:HEAD")

    assert (ended.code, "MP005" in ended.out) == (1, True)


# --- compile and expect ---------------------------------------------------------------


def test_the_plan_has_a_hash_and_places(service):
    """Lines that move change no hash; a setting does."""
    first = service.run("compile").content
    service.write(policies__b="version: 1\n\n\n\n" + "policies: {}\n")
    moved = service.run("compile").content
    changed(service, ("30s", "31s"))
    other = service.run("compile").content

    assert first["schema"] == "mlpolicy.plan/1"
    assert [one["target"] for one in first["targets"]] == ["serve:fetch", "serve:predict"]
    rule = first["targets"][1]["rules"][0]
    assert rule["sources"]["ttl"] == "policies/a.yaml:5:18"
    assert first["hash"] == moved["hash"] != other["hash"]


def test_an_expected_plan_holds_or_not(service):
    """CI notices a renamed function, and a setting that another file changed."""
    assert service.run("compile", "-o", "plan.json").code == 0
    check = ("apply", "--module", "serve", "--check", "--expect", "plan.json")

    same = service.run(*check)
    changed(service, ("30s", "31s"))
    other = service.run(*check)
    changed(service)
    service.write(serve=SERVICE.replace("def fetch", "def fetched"))
    renamed = service.run(*check)

    assert (same.code, other.code, renamed.code) == (0, 1, 1)
    assert "`cache.ttl` is 31s, 30s is expected" in other.out
    assert "`serve:fetch` has no rules in force" in renamed.out


def test_what_is_no_plan(service):
    (service.folder / "plan.json").write_text(json.dumps({"schema": "other/1"}))

    ended = service.run("apply", "--module", "serve", "--check", "--expect", "plan.json")

    assert (ended.code, "write it anew" in ended.err) == (2, True)
