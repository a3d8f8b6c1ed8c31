"""`validate --fix`, `--select`, `--ignore`, `--resolve import`."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program

WRONG = """
    version: 1
    # kept
    policies:
      serve:predict:
        retry: {max_retries: 2}   # kept too
        cache: {ttl: 30}
        monitor: {labels: {country: NO}}
      serve:fetch: {retry: {jitter: ful}, use: [htpp]}
    profiles:
      http: {memory: 85%}
"""
RIGHT = """
    version: 1
    # kept
    policies:
      serve:predict:
        retry: {max_attempts: 3}   # kept too
        cache: {ttl: 30s}
        monitor: {labels: {country: "NO"}}
      serve:fetch: {retry: {jitter: ful}, use: [htpp]}
    profiles:
      http: {memory: 85%}
"""


@pytest.fixture
def service(project):
    project.write(serve="def predict(x): return x\ndef fetch(q): return q\n")
    return project


def test_what_nobody_could_want_otherwise_is_mended(service):
    """A habitual key, a unit that lacks, quotes; not a word by likeness. Comments and spaces stay."""
    service.write(policy=WRONG, pright=RIGHT)

    ended = service.run("validate", "policy.yaml", "--fix")

    assert (service.folder / "policy.yaml").read_text() == (
        service.folder / "pright.yaml"
    ).read_text()
    assert "mended 3 findings in 1 file" in ended.err
    assert "did you mean `http`" in ended.out


@pytest.mark.parametrize("retry", ["{max_attempts: 3, max_retries: 4}", "{max_atempts: 4}"])
def test_a_key_that_is_taken_or_only_alike_is_left(service, retry):
    """Which of the two was meant, only the author knows."""
    text = f"version: 1\npolicies:\n  serve:predict: {{retry: {retry}}}\n"
    service.write(policy=text)

    ended = service.run("validate", "policy.yaml", "--fix")

    assert (ended.code, (service.folder / "policy.yaml").read_text()) == (1, text)


def test_files_of_installed_packages_are_left(service, monkeypatch):
    """They are somebody else's, and the next installation would undo it."""
    package = service.folder / "env" / "site-packages" / "acme"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "base.yaml").write_text("version: 1\nprofiles:\n  a: {retry: {max_retries: 3}}\n")
    service.write(policy="version: 1\nimports: ['pkg:acme/base.yaml']\n")

    monkeypatch.syspath_prepend(package.parent)
    ended = service.run("validate", "policy.yaml", "--fix")

    assert (ended.code, "did you mean `max_attempts`?" in ended.out) == (1, True)
    assert "max_retries" in (package / "base.yaml").read_text()


def test_a_file_that_cannot_be_written_is_said(service, monkeypatch):
    """As a wrong use, without a traceback, whether or not we are root."""
    service.write(policy="version: 1\npolicies: {serve:fetch: {cache: 30}}\n")
    monkeypatch.chdir(service.folder)
    (service.folder / f".mlpolicy-{os.getpid()}.draft").mkdir()

    ended = CliRunner().invoke(program, ["validate", "--fix", "policy.yaml"])

    assert (ended.exit_code, "`policy.yaml` cannot be written" in ended.stderr) == (2, True)


def test_line_ends_and_marks_stay(service):
    """CRLF and a byte order mark are not ours to change."""
    path = service.folder / "policy.yaml"
    path.write_bytes(
        b"\xef\xbb\xbfversion: 1\r\npolicies:\r\n  serve:predict: {cache: {ttl: 30}}\r\n"
    )

    service.run("validate", "policy.yaml", "--fix")

    assert path.read_bytes() == (
        b"\xef\xbb\xbfversion: 1\r\npolicies:\r\n  serve:predict: {cache: {ttl: 30s}}\r\n"
    )


def test_codes_are_chosen(service):
    service.write(policy=WRONG)

    def codes(*more):
        content = service.run("validate", "policy.yaml", "--format", "json", *more).content
        return sorted({one["code"] for one in content["diagnostics"]})

    everything = codes()
    assert codes("--select", "MP0") == [code for code in everything if code < "MP1"]
    assert codes("--ignore", "MP0,MP101") == [
        code for code in everything if code > "MP1" and code != "MP101"
    ]
    assert service.run("validate", "policy.yaml", "--select", "MP9999").code == 2


def test_what_only_an_import_shows(service):
    """A name that the module sets at run time is there; one that it does not set is not."""
    service.write(
        dynamic="globals()['made'] = lambda x: x\n",
        policy="version: 1\npolicies:\n  dynamic:made: {retry: 3}\n  dynamic:other: {retry: 3}\n",
    )

    looked = service.run("validate", "policy.yaml")
    imported = service.run("validate", "policy.yaml", "--resolve", "import", "--format", "json")

    assert looked.code == 0
    assert [
        (one["code"], one["range"]["start"]["line"]) for one in imported.content["diagnostics"]
    ] == [("MP301", 4)]


def test_a_module_that_cannot_be_imported(service):
    service.write(
        broken="raise RuntimeError('no model')\n",
        policy="version: 1\npolicies:\n  broken:f: {retry: 3}\n",
    )

    ended = service.run("validate", "policy.yaml", "--resolve", "import")

    assert (ended.code, "no model" in ended.err) == (3, True)


SERVICE = """\
from pydantic import BaseModel

class User(BaseModel):
    id: int

Plain = type("Plain", (), {})

def find(user, plain, well):
    return user
"""
MODELS = """\
version: 1
policies:
  users:find:
    monitor: true
    validate:
      args:
        user: {model: users.Usr}
        plain: {type: sequence, items: {model: users.Plain}}
        well: {model: users.User}
"""


def test_what_importing_shows(project):
    """Models that are none."""
    project.write(users=SERVICE, policy=MODELS)

    ended = project.run("validate", "policy.yaml", "--resolve", "import", "--format", "json")

    found = [
        (one["code"], *one["range"]["start"].values(), one["help"])
        for one in ended.content["diagnostics"]
    ]
    assert found == [
        ("MP208", 7, 23, "did you mean `users.User`?"),
        ("MP208", 8, 48, ""),
    ]
    assert ended.code == 1
    assert project.run("validate", "policy.yaml").out.count("MP208]") == 1  # by its source


KIT = """\
def __getattr__(name):
    if name in ("Mode", "usual", "Broken", "size"):
        return {"Mode": int, "usual": len, "Broken": OSError, "size": 7}[name]
    raise AttributeError(name)

class Moods: ...
class Brokken(Exception): ...
def usually(*given): ...
def find(user, mode): ...
def right(user, mode): ...
"""
MADE = """\
version: 1
policies:
  kit:find:
    monitor: true
    retry: {max_attempts: 2, retry_on: [TimeoutError, kit.Brokkn], give_up_on: [kit.Broken]}
    validate: {args: {mode: {type: kit.Mood}}, returns: {type: kit.Mode}}
    memory: {limit: 1GiB, on_pressure: default, default: {call: "kit:usualy"}}
  kit:right:
    monitor: true
    retry: {max_attempts: 2, retry_on: [kit.Broken]}
    validate: {args: {mode: {type: kit.Mode}}}
    memory: {limit: 1GiB, on_pressure: default, default: {call: "kit:usual"}}
settings: {allow_call: ["kit:*", "builtins:len"]}
"""


def test_names_that_a_module_makes_when_they_are_asked_for(project):
    """Nothing of them is seen in the source; an import shows those that are not there."""
    project.write(kit=KIT, policy=MADE)
    looked = project.run("validate", "policy.yaml")
    assert (looked.code, looked.out) == (0, "No problems found in 1 file, 2 policies\n")

    ended = project.run("validate", "policy.yaml", "--resolve", "import", "--format", "json")

    assert [
        (one["code"], *one["range"]["start"].values(), one["message"], one["help"])
        for one in ended.content["diagnostics"]
    ] == [
        ("MP603", 5, 55, "`kit` has no exception `Brokkn`", "did you mean `kit.Brokken`?"),
        ("MP208", 6, 36, "`kit` has no class `Mood`", "did you mean `kit.Moods`?"),
        ("MP301", 7, 65, "`kit` has no function `usualy`", "did you mean `kit:usually`?"),
    ]


def test_what_a_rule_calls_is_a_function_once_it_is_imported(project):
    project.write(
        kit=KIT,
        policy=MADE.replace("kit:usualy", "kit:size").replace("kit.Brokkn", "ConnectionError"),
    )
    ended = project.run("validate", "policy.yaml", "--resolve", "import", "--format", "json")

    codes = [(one["code"], one["range"]["start"]["line"]) for one in ended.content["diagnostics"]]
    assert codes == [("MP208", 6), ("MP320", 7)]
