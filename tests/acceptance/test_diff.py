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
        "max_attempts 3 → 8 raises the worst case 600ms → 22.6s",
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
        (["--against", "git:--output=made"], 2),
        (["git:", "policies"], 2),
        (["git:HEAD:policies/b.yaml", "policies"], 2),
        (["--against", "git:HEAD", "policies/b.yaml"], 2),
    ],
)
def test_what_cannot_be_compared(service, arguments, code):
    ended = service.run("diff", *arguments)

    assert (ended.code, ended.out, ended.err.count("\n")) == (code, "", 1)
    assert not (service.folder / "made").exists()


def test_a_policy_that_was_not_there_is_new(service):
    """The first pull request with a policy has a job that compares it, too."""
    git(service, "rm", "-rq", "--cached", "policies")
    git(service, "commit", "-qm", "two")

    ended = service.run("diff", "--against", "git:HEAD")

    assert (ended.code, ended.out.splitlines()[-1].split(" · ")[0]) == (0, "2 added")
    assert ended.err == "there was no `policies` at HEAD: all of it is new\n"


def test_two_revisions_compare(service):
    changed(service, ("30s", "1m"))
    git(service, "commit", "-qam", "two")

    assert "30s → 1m" in service.run("diff", "git:HEAD~1", "git:HEAD").out
    assert "1m → 30s" in service.run("diff", "git:HEAD:policies", "git:HEAD~1").out


def test_findings_of_a_revision_have_the_names_of_the_history(service):
    changed(service, ("max_attempts", "max_atempts"))
    git(service, "commit", "-qam", "two")
    changed(service)

    ended = service.run("diff", "git:HEAD", "policies")

    assert (ended.code, " git:HEAD:policies/a.yaml:4:" in ended.out) == (1, True)


def test_what_expired_can_be_compared(service):
    """Else nobody could see what a new date changes."""
    changed(service, ("cache: {ttl: 30s,", "cache: {expires: 2020-01-01, ttl: 30s,"))

    assert service.run("diff", "--against", "git:HEAD").code == 0


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


def test_a_plan_of_another_environment_is_one_finding(service):
    """Not one for each function."""
    changed(service, ("watched:", "watched:"))
    with (service.folder / "policies" / "a.yaml").open("a") as file:
        file.write("environments: {prod: {defaults: {mode: shadow}}}\n")
    service.run("compile", "--env", "prod", "-o", "plan.json")

    ended = service.run("apply", "--all", "--check", "--expect", "plan.json", "--format", "json")

    [one] = [one for one in ended.content["diagnostics"] if one["severity"] == "error"]
    assert (ended.code, "environment `prod`" in one["message"]) == (1, True)


def test_what_is_no_plan(service):
    for content, words in (("other/1", "write it anew"), ("mlpolicy.plan/1", "is no plan")):
        (service.folder / "plan.json").write_text(json.dumps({"schema": content}))

        ended = service.run("apply", "--module", "serve", "--check", "--expect", "plan.json")

        assert (ended.code, words in ended.err) == (2, True)


def test_a_policy_that_has_expired_is_compared(service):
    """The change that gives it a later date must be able to show itself."""
    expired = POLICY.replace("serve:predict:", "serve:predict:\n        expires: 2024-01-01")
    service.write(policies__a=expired, policies__b=POLICY)

    ended = service.run("diff", "policies/a.yaml", "policies/b.yaml")

    assert ended.code == 0
    assert "disabled → enforce" in ended.out
    assert service.run("compile", "policies/a.yaml").code == 0


def test_amounts_that_differ_a_little_are_told_apart(service):
    """Durations, sizes and shares print exactly, those worked out from them too."""
    old = "retry: {max_attempts: 2, initial_delay: 40ms, max_delay: 1s}"
    new = "retry: {max_attempts: 2, initial_delay: 40.0004ms, max_delay: 1.0000001s}"
    changed(service, ("retry: {max_attempts: 3}", old), ("ttl: 30s", "ttl: 2.5ms"))
    (service.folder / "new").mkdir()
    text = (service.folder / "policies/a.yaml").read_text()
    more = text.replace(old, new).replace("ttl: 2.5ms", "ttl: 2.50001ms, rollout: 12.5%")
    (service.folder / "new/a.yaml").write_text(more)

    ended = service.run("diff", "policies", "new")

    for one in ("40ms → 40.0004ms", "1s → 1.0000001s", "2.5ms → 2.50001ms", "12.5%"):
        assert one in ended.out, ended.out
