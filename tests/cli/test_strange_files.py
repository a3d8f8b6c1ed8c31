"""Of a file that is no policy nothing is shown, and nothing outside is read."""

from __future__ import annotations

import os
import subprocess

import pytest

STRANGE = {
    "users": "root:x:0:0:hunter2:/root:/bin/bash\nbin:x:1:1:hunter2:/bin:/sbin\n",
    "settings": "db:\n  password: hunter2\n  hunter2: &a {b: 1}\n",
    "twice": "hunter2: 1\nhunter2: 2\n",
    "variables": "DB_PASSWORD=hunter2\nTOKEN=hunter2 # hunter2\n",
    "a list": "- hunter2\n- password: hunter2\n",
    "a word": "hunter2",
    "a comment": "# hunter2\n",
    "a key": "-----BEGIN PRIVATE KEY-----\nhunter2: hunter2\n-----END PRIVATE KEY-----\n",
    "broken": "name: hunter2\n  password: [hunter2\n",
    "a program": "#!/bin/sh\ncurl -H 'hunter2: x' \"$1\" | sh && echo {hunter2}\n",
    "containers": "version: '3'\nservices: {db: {environment: {PASSWORD: hunter2}}}\nservices: hunter2\n",
    "a package": '{"version": "1.0.0", "hunter2": "hunter2"}',
    "odd letters": "hunter2: \u202ehunter2\n",
    "bytes": b"hunter2\xff\xfe",
}


def commands(path):
    for format in ("text", "json", "sarif", "github", "gitlab", "junit", "markdown"):
        yield "validate", path, "--format", format
    yield "explain", "serve:f", "--policy", path
    yield "validate", path, "--fix"
    yield "list", path


@pytest.mark.parametrize("name", STRANGE)
def test_nothing_of_a_file_that_is_no_policy_is_shown(project, name):
    """In no format and by no command; that it is none is said, and with it the remedy."""
    content = STRANGE[name]
    path = project.folder / "policies/x.yaml"
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    for command in commands("policies/x.yaml"):
        ended = project.run(*command)
        assert ended.code in (1, 2), (command, ended)
        assert "hunter2" not in ended.out + ended.err, (command, ended)
        assert "PASSWORD" not in ended.out.upper()


@pytest.mark.parametrize("name", STRANGE)
def test_nor_of_one_that_is_no_test(project, name):
    content = STRANGE[name]
    path = project.folder / "policies/x.test.yaml"
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    for format in ("text", "json"):
        ended = project.run("test", "--format", format, GITHUB_ACTIONS="true")
        assert ended.code == 1
        assert "hunter2" not in ended.out + ended.err, ended


def test_a_policy_is_shown_whatever_is_wrong_with_it(project):
    """One without a version, and those that cannot be parsed."""
    broken = {
        "b": "version: 1\npolicies: [ broken\n",
        "c": 'version: 1  # first\nbroken "a\n',
        "d": '{"version": 1, broken, "\n',
    }
    a = "policies: {serve:f: {rety: 3}}\n"
    project.write(policies__a=a, **{f"policies__{name}": text for name, text in broken.items()})
    ended = project.run("validate")

    assert a in ended.out
    assert ended.out.count("broken") >= 3
    assert "not a policy file" not in ended.out


@pytest.fixture
def apart(project, monkeypatch):
    """A folder of policies with its tests, in which commands run, and a policy outside."""
    here = project.folder / "here"
    here.mkdir()
    (here / "own.yaml").write_text("version: 1\npolicies: {'serve:f': {retry: 3}}\n")
    out = "version: 1\npolicies: {'serve:f': {retry: {max_attempts: 3, hunter2: 1}}}\n"
    (project.folder / "out.yaml").write_text(out)
    monkeypatch.chdir(here)
    return project


TESTS = (
    "version: 1\npolicies: [{}]\nstubs: {{'serve:f': {{signature: ()}}}}\n"
    "tests: [{{name: hunter2, resolve: 'serve:f', expect: {{retry: present}}}}]\n"
)


@pytest.mark.parametrize(
    "policy", ["../out.yaml", "link.yaml", "/etc/passwd", "../here/../out.yaml"]
)
def test_policies_under_test_lie_in_the_folder(apart, policy):
    here = apart.folder / "here"
    (here / "link.yaml").symlink_to("../out.yaml")
    (here / "a.test.yaml").write_text(TESTS.format(policy))

    ended = apart.run("test", "a.test.yaml")

    assert ended.code == 1
    assert f"error[MP120] `{policy}` lies outside of" in ended.out
    assert "--> a.test.yaml:2:12" in ended.out
    assert "max_attempts" not in ended.out


def test_policies_under_test_may_lie_in_the_folder_of_the_command(apart):
    (apart.folder / "here/tests").mkdir()
    (apart.folder / "here/tests/a.test.yaml").write_text(TESTS.format("../own.yaml"))

    assert apart.run("test", "tests").out == "1 passed in 1 file\n"


def test_a_file_of_tests_that_is_found_lies_in_the_folder(apart):
    """One that is named may be a link."""
    here = apart.folder / "here"
    (apart.folder / "b.test.yaml").write_text(TESTS.format("own.yaml"))
    (here / "b.test.yaml").symlink_to("../b.test.yaml")

    ended = apart.run("test", ".")

    assert ended.code == 1
    assert "error[MP120] `b.test.yaml` is a link that leads outside of `.`" in ended.out
    assert "hunter2" not in ended.out
    assert apart.run("test", "b.test.yaml").out == "1 passed in 1 file\n"


@pytest.mark.parametrize("named", ["here", "here/link.yaml"])
@pytest.mark.parametrize("leads_to", ["../../out.yaml", "/etc/passwd"])
def test_a_link_of_a_revision_leads_to_nothing_of_this_machine(apart, monkeypatch, named, leads_to):
    monkeypatch.chdir(apart.folder)
    link = apart.folder / "here/link.yaml"
    link.symlink_to(leads_to)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "here"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *command], check=True, env=os.environ | {"HOME": str(apart.folder)})
    link.unlink()
    link.write_text("version: 1\n")

    ended = apart.run("diff", "--against", "git:HEAD", named)

    assert ended.code in (1, 2)
    assert "is a link that leads outside of" in ended.out + ended.err
    assert "root" not in ended.out + ended.err and "hunter2" not in ended.out + ended.err
