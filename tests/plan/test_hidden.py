"""Every place of a policy file, and a secret in it: no piece of it is in anything that is shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from mlpolicy.cli.main import program
from mlpolicy.cli.options import render
from mlpolicy.cli.render.report import Report
from mlpolicy.core.model import is_table, models_in
from mlpolicy.errors import PolicyError
from mlpolicy.model.grammar import PolicyBlock, RuleCommon, SettingsBlock
from mlpolicy.plan.load import Terms, load
from mlpolicy.rules import KINDS

SECRETS = {
    "long": "Zq8x" + "".join(f"{chr(97 + number * 7 % 26)}{number:02}" for number in range(60)),
    "escaped": "Zq\"8'x\\w\nKé7\tü𝄞h(9&<jR*[2",
    "numeric": "98765432123e3",
    "decimal": "-1234567.25",
    "day": "2031-07-19",
    "length": "98765432s",
    "size": "98765432MiB",
    "share": "87.654321%",
    "name": "zqx8_wertyuiop",
    "target": "zqxwerty:uiopasdf",
}
REFERENCE = "${env:API_TOKEN}"
FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit", "markdown")
OTHERS = (
    *(("explain", "shop:f0"), ("explain", "shop:f0", "--source"), ("compile",), ("doctor",)),
    *(("list", what) for what in ("targets", "policies", "profiles", "files", "expiring")),
)


def leaves(model: type[BaseModel], depth: int = 0):
    """Yield a value for each place in *model*, the reference in that one place."""
    for name, field in model.model_fields.items():
        inner = next(iter(models_in(field.annotation)), None)
        yield {name: f"x {REFERENCE}" if name == "pattern" else REFERENCE}
        wide = {
            "tuple": [REFERENCE],
            "list": [REFERENCE],
            "dict": {"b": REFERENCE},
            "Any": {"b": [REFERENCE]},
        }
        yield from ({name: value} for word, value in wide.items() if word in str(field.annotation))
        if inner is not None and depth < 3:
            for value in leaves(inner, depth + 1):
                yield {name: {"x": value} if is_table(field.annotation) else value}


@cache
def policies():
    """Return policies, each with the reference in one place of a rule or of what holds for all."""
    rules = [{kind: value} for kind in KINDS for value in leaves(KINDS[kind].rule_model())]
    rules += [{"cache": {"ttl": "9s", **value}} for value in leaves(RuleCommon)]
    rules += [{kind: REFERENCE} for kind in KINDS]
    rules += [{"retry": 2, **value} for value in leaves(PolicyBlock) if "use" not in value]
    return rules


def everything(rules):
    """Return a whole file: *rules* as policies, in profiles and in an environment, and settings."""
    named = {f"p{at}": {"match": f"shop:f{at}", **rule} for at, rule in enumerate(rules)}
    settings = [name for name in SettingsBlock.model_fields]
    return {
        "version": 1,
        "name": "walk",
        "vars": {"mine": f"a {REFERENCE}", "other_token": SECRETS["long"]},
        "settings": {name: REFERENCE for name in settings},
        "profiles": {"r": {"retry": {"max_attempts": REFERENCE, "jitter": "${vars.mine}"}}},
        "defaults": {"memory": {"reject_at": REFERENCE}},
        "policies": named,
        "environments": {
            "prod": {"policies": {"p0": {"cache": {"ttl": REFERENCE, "version": "${vars.mine}"}}}}
        },
    }


def spellings(secret):
    """Return *secret* as messages may write it, each with every other."""
    texts = {secret, repr(secret)[1:-1], ascii(secret)[1:-1], json.dumps(secret)[1:-1]}
    texts |= {json.dumps(secret, ensure_ascii=False)[1:-1], re.escape(secret)}
    texts |= {secret.replace("\n", "␊").replace("\t", "␉"), " ".join(secret.split())}
    if re.fullmatch(r"-?[.\d]+(e\d+)?", secret):
        number = float(secret)
        texts |= {repr(number), f"{number:g}", f"{number:,}", str(int(number)), f"{int(number):,}"}
    return texts


def shown_of(secret, text):
    """Return the pieces of eight letters of *secret* that are in *text*."""
    pieces = {one[at : at + 8] for one in spellings(secret) for at in range(len(one) - 7)}
    return sorted(piece for piece in pieces if piece.lower() in text.lower())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    functions = (f"def f{at}(x=1, y=2):\n    return x\n" for at in range(len(policies()) + 1))
    (tmp_path / "shop.py").write_text("".join(functions))
    return tmp_path


def output(*words, secret):
    done = CliRunner().invoke(
        program, [*words, "--policy", "policy.yaml"], env={"API_TOKEN": secret}
    )
    assert done.exit_code in (0, 1, 2, 4, 5), done.output
    return done.output


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_finding_shows_a_piece_of_a_secret(folder, secret):
    """In any format, in the exception, or in the text of what was read."""
    (folder / "policy.yaml").write_text(json.dumps(everything(policies()), indent=1))

    loaded = load([Path("policy.yaml")], Terms(environ={"API_TOKEN": secret}))
    shown = {format: render(Report.of(loaded), format) for format in FORMATS}
    plans = [plan for plan in map(loaded.rulebook.plan, loaded.rulebook.exact) if plan]
    assert plans
    error = PolicyError(loaded.errors)
    shown |= {"error": str(error), "repr": repr(error), "findings": repr(loaded.diagnostics)}
    shown |= {
        "plans": repr(plans),
        "loaded": repr(loaded),
        "files": repr(loaded.files),
        "plan": "".join(map(str, plans)),
        "json, read": str(json.loads(shown["json"])),
    }

    assert len(loaded.diagnostics) > 100
    assert {name: shown_of(secret, text) for name, text in shown.items()} == dict.fromkeys(
        shown, []
    )


def is_right(rule, secret):
    """Whether the models take *rule* with *secret* in it."""
    written = json.loads(json.dumps(rule).replace(REFERENCE, json.dumps(secret)[1:-1]))
    try:
        for name, value in written.items():
            if name in KINDS:
                KINDS[name].rule_model().model_validate(value)
            else:
                PolicyBlock.model_validate({"match": "shop:f", name: value})
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_command_shows_a_piece_of_a_secret(folder, secret):
    """Of policies that are right, and hold it wherever they can."""
    rules = [rule for rule in policies() if is_right(rule, secret)]
    named = {f"p{at}": {"match": f"shop:f{at}", **rule} for at, rule in enumerate(rules)}
    (folder / "policy.yaml").write_text(json.dumps({"version": 1, "policies": named}, indent=1))
    (folder / "other.yaml").write_text('{"version": 1, "policies": {"shop:f0": {"retry": 2}}}')

    shown = {}
    for words in OTHERS:
        for format in ("text", "json"):
            shown[(*words, format)] = output(*words, "--format", format, secret=secret)
    for sides in (("policy.yaml", "other.yaml"), ("other.yaml", "policy.yaml")):
        done = CliRunner().invoke(program, ["diff", *sides], env={"API_TOKEN": secret})
        shown[("diff", *sides)] = done.output

    assert rules
    assert {name: found for name, text in shown.items() if (found := shown_of(secret, text))} == {}


CALLED = {
    "validate": {
        "args": {
            "x": {"type": "str", "enum": [REFERENCE]},
            "y": {"type": "mapping", "required": [REFERENCE]},
        }
    },
    "cache": {"ttl": "30s", "version": REFERENCE},
    "monitor": {"labels": {"of": REFERENCE}},
    "memory": {"on_pressure": "default", "default": REFERENCE},
    "retry": {"on_result": {"equals": REFERENCE}},
}
RUN = """
import logging, traceback
import mlpolicy
logging.basicConfig(level=0)
mlpolicy.install("policy.yaml")
import shop
for values in (("x", {}), ("x", 2), (3, {"a": 1})):
    try:
        shop.f0(*values)
    except mlpolicy.ValidationFailed as error:
        traceback.print_exc()
        print(error.failures, repr(error), error.public)
print(repr(mlpolicy.plan("shop:f0")), mlpolicy.plan("shop:f0"))
for rule in mlpolicy.plan("shop:f0").rules:
    print(repr(rule), rule)
"""


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_no_call_shows_a_piece_of_a_secret(folder, secret):
    """Neither a traceback, nor a log, nor what a plan is to a debugger."""
    policy = {"version": 1, "policies": {"shop:f0": CALLED}}
    (folder / "policy.yaml").write_text(json.dumps(policy))
    path = os.pathsep.join([str(folder), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path, "API_TOKEN": secret}

    done = subprocess.run(  # noqa: S603  (ours)
        [sys.executable, "-c", RUN], env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr

    assert (done.returncode, "ValidationFailed" in said) == (0, True), said
    assert shown_of(secret, said) == []


TESTS = """
version: 1
policies: [policy.yaml]
env_vars: {API_TOKEN: %s}
tests:
  - {name: settings, resolve: "shop:f0", expect: {cache.version: other, retry.on_result: {equals: 3}}}
  - {name: call, call: "shop:f0", args: {x: 1}, expect: {returns: 5}}
"""


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("format", ["text", "json"])
def test_no_policy_test_shows_a_piece_of_a_secret(folder, secret, format):
    policy = {"version": 1, "policies": {"shop:f0": CALLED}}
    (folder / "policy.yaml").write_text(json.dumps(policy))
    (folder / "policy.test.yaml").write_text(TESTS % json.dumps(secret, ensure_ascii=False))

    done = CliRunner().invoke(program, ["test", "policy.test.yaml", "--format", format])

    assert "***" in done.output, done.output
    assert shown_of(secret, done.output) == []


@pytest.mark.parametrize("value", ["98765432123", "{a: zqx8wertyuiop}", "[zqx8wertyuiop]"])
@pytest.mark.parametrize("format", ["text", "json"])
def test_what_is_wrong_with_a_variable_of_a_test_does_not_show_it(folder, value, format):
    (folder / "policy.yaml").write_text("version: 1\npolicies: {'shop:f0': {retry: 2}}\n")
    (folder / "policy.test.yaml").write_text(TESTS.replace("%s", value))

    done = CliRunner().invoke(program, ["test", "policy.test.yaml", "--format", format])

    assert shown_of(re.sub(r"[^\w]|^.a", "", value), done.output) == []


def test_a_secret_is_not_shown_where_a_file_writes_it_out(folder):
    """As a default, in `vars` that nothing uses, and in a URL."""
    text = """
version: 1
vars: {unused_token: "zqx8wertyuiop", url: "redis://:zqx8wer/t@yuiop@host"}
policies:
  shop:f0:
    cache: {ttl: "${env:NOT_SET_TOKEN:-zqx8wer tyuiop}", version: "${vars.url}", jitter: zqx8wertyuiop}
    retry: {max_attempts: "${NOT_A_TOKEN:-zqx8wer tyuiop}", jitter: "${env:NONE:-redis://:zqx8wertyu@h}"}
"""
    (folder / "policy.yaml").write_text(text)

    shown = [output("validate", "--format", format, secret="") for format in FORMATS]
    shown += [
        output("explain", "shop:f0", "--format", format, secret="") for format in ("text", "json")
    ]

    for secret in ("zqx8wertyuiop", "zqx8wer tyuiop", "zqx8wer/t@yuiop"):
        assert [found for text in shown if (found := shown_of(secret, text))] == []


def test_what_the_command_line_sets_is_no_secret_that_is_shown(folder):
    (folder / "policy.yaml").write_text("version: 1\npolicies: {'shop:f0': {cache: 9s}}\n")
    words = (
        "--set",
        "vars.api_token=zqx8wertyuiop",
        "--set",
        "cache.version=redis://:zqx8wertyuiop@h",
    )

    for command in (("explain", "shop:f0"), ("compile",)):
        for format in ("text", "json"):
            assert (
                shown_of("zqx8wertyuiop", output(*command, *words, "--format", format, secret=""))
                == []
            )
