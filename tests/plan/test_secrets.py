"""Nothing that came from a secret variable is shown, wherever a policy puts it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from mlpolicy.cli.main import program
from mlpolicy.core.report import without

SECRET = "zq8Xsecret"
RIGHT = """
version: 1
vars: {mine: "^a${env:TOKEN}"}
policies:
  shop:f:
    owner: ${env:TOKEN}
    reason: because ${env:TOKEN}
    labels: {of: "${env:TOKEN}"}
    validate:
      args:
        user: {type: str, pattern: "${vars.mine}"}
        kind: {enum: ["${env:TOKEN}"]}
        row: {type: mapping, required: ["${env:TOKEN}"]}
    cache: {ttl: 30s, version: "${env:TOKEN}"}
    monitor: {labels: {of: "${env:TOKEN}"}}
    retry: {on_result: {equals: "${env:TOKEN}"}}
    memory: {on_pressure: default, default: "${env:TOKEN}"}
"""
WRONG = """
version: 1
policies:
  shop:f:
    validate: {args: {user: {type: str, pattern: "(${env:TOKEN}", dtype: "${env:TOKEN}"}}}
    cache: {ttl: 30s, key: ["${env:TOKEN}"]}
    monitor: {log: {redact: ["${env:TOKEN}"]}}
    retry: {retry_on: ["${env:TOKEN}"], jitter: "${env:TOKEN}"}
    memory: {on_pressure: default, default: {call: "shop:${env:TOKEN}"}}
"""
FORMATS = ("text", "json", "jsonl", "concise", "github", "gitlab", "sarif", "junit", "markdown")
OTHERS = (
    *(["explain", "shop:f"], ["explain", "shop:f", "--source"], ["compile"]),
    *(["list", what] for what in ("targets", "policies", "profiles", "files", "expiring")),
    ["diff", "--against", "other.yaml"],
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", SECRET)
    (tmp_path / "shop.py").write_text("def f(user='a', kind=1, row=None):\n    return user\n")
    (tmp_path / "other.yaml").write_text("version: 1\npolicies: {'shop:f': {retry: 2}}\n")
    return tmp_path


def output(*words):
    done = CliRunner().invoke(program, [*words, "--policy", "policy.yaml"])
    assert done.exit_code in (0, 1, 2, 4), done.output
    return done.output


@pytest.mark.parametrize("text", [RIGHT, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("format", FORMATS)
def test_no_finding_shows_a_secret(folder, text, format):
    (folder / "policy.yaml").write_text(text)

    assert SECRET not in output("validate", "--format", format)


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
@pytest.mark.parametrize("format", ["text", "json"])
def test_no_command_shows_a_secret(folder, words, format):
    (folder / "policy.yaml").write_text(RIGHT)

    assert SECRET not in output(*words, "--format", format)


RUN = """
import logging, traceback
import mlpolicy
logging.basicConfig(level=0)
mlpolicy.install("policy.yaml")
import shop
for values in (("x",), ("x", 2), ("x", 2, {}), (3,)):
    try:
        shop.f(*values)
    except mlpolicy.ValidationFailed as error:
        traceback.print_exc()
        print(error.failures)
from mlpolicy.core.metrics import METERS
for family in METERS.collect():
    print(family)
"""


@pytest.mark.parametrize("on_fail", ["raise", "warn"])
def test_no_call_shows_a_secret(folder, on_fail):
    """Neither an exception, nor a log, nor a label of a metric."""
    (folder / "policy.yaml").write_text(
        RIGHT.replace("      args:", f"      on_fail: {on_fail}\n      args:")
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}

    done = subprocess.run(  # noqa: S603  (ours)
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=True
    )
    said = done.stdout + done.stderr

    assert "to match `***`" in said
    # The exception is the caller's and shows the value; a warning goes to a log.
    assert ("user is 'x'" in said) == (on_fail == "raise")
    assert "mlpolicy_calls_total" in said
    assert SECRET not in said


def test_a_short_secret_is_hidden_as_a_word():
    """`1` is in many a number."""
    assert without("`1` of 10, abcd-ef", ("1", "abcd")) == "`***` of 10, ***-ef"
