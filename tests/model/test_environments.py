"""What an environment says is held to the language, whether or not it changes anything."""

from __future__ import annotations

import re

import pytest

from mlpolicy.document.parse import parse
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.read import read_source, source
from mlpolicy.model.schema import published, schema

HEAD = """
version: 1
policies:
  m:f: {retry: {max_attempts: 2}}
  calm: {match: "m:g", retry: 3}
profiles:
  base: {retry: 3}
environments:
  prod: """


def found(text, environment="prod", **environ):
    one = source(parse(text, file="x"))
    reading = read_source(one, environment=environment, variables=Variables(environ))
    return [(each.code, each.span.column) for each in reading.diagnostics]


@pytest.mark.parametrize(
    ("overlay", "code"),
    [
        ("{policies: {calm: {§retyr: null}}}", "MP005"),
        ("{policies: {calm: {§timeout: null}}}", "MP130"),
        ("{policies: {calm: {retry: {§max_atempts: null}}}}", "MP005"),
        ("{policies: {calm: {retry: {retry_after: {§maximum: null}}}}}", "MP005"),
        ("{settings: {§requir: null}}", "MP005"),
        ("{defaults: {§retri: null}}", "MP005"),
        ("{profiles: {base: {§extnds: null}}}", "MP005"),
        ("{policies: {§_calm: null}}", "MP010"),
        ("{policies: {'§a b': {retry: 3}}}", "MP010"),
        ("{vars: {§1a: null}}", "MP010"),
        ("{policies: {§clam: {retry: null}}}", "MP407"),
        ("{policies: {calm: {§cache: null}}}", "MP407"),
        ("{policies: {calm: {retry: {§max_elapsed: null}}}}", "MP407"),
    ],
)
def test_what_is_not_there_is_one_finding(overlay, code):
    """A key that the language lacks is an error, a thing that is not there a warning."""
    column = overlay.replace("'", "").index("§") + len("  prod: ") + 1

    assert found(HEAD + overlay.replace("§", "")) == [(code, column)]


def test_what_is_said_of_no_policy_is_checked_all_the_same():
    """A slip in the name of a policy hides no slip in its rules."""
    said = found(
        HEAD + "{policies: {clam: {retry: {max_atempts: 3}}}, profiles: {bse: {retry: x}}}"
    )

    assert [code for code, _ in said] == ["MP407", "MP005", "MP407", "MP010"]


@pytest.mark.parametrize(
    "rule", ["retry: '${env:N}'", "retry: {max_attempts: '${env:N}'}", "validate: '${env:N}'"]
)
def test_a_variable_set_to_nothing_drops_no_rule_in_silence(rule):
    text = f"version: 1\npolicies:\n  m:f: {{{rule}}}\n"

    codes = [code for code, _ in found(text, None, N="")]

    assert codes[-1] in ("MP009", "MP010")


def test_only_names_and_targets_of_the_language_take_no_variables():
    """An argument may be called `name`, and a policy `match`."""
    text = (
        "version: 1\npolicies:\n  m:f:\n    labels: {use: '${env:N}'}\n"
        "    validate: {args: {name: {pattern: '${env:N}'}, match: {enum: ['${env:N}']}}}\n"
    )
    named = "version: 1\npolicies:\n  match: {match: 'm:g', owner: '${env:N}', retry: 3}\n"

    assert found(text, None, N="a") == found(named, None, N="a") == []
    assert found(named.replace("m:g", "${env:N}"), None, N="a:b")[0][0] == "MP112"


@pytest.mark.parametrize("version", ["1", "1.", "1.0", "1e0", "0x1"])
def test_a_version_is_the_number_that_it_is(version):
    """To JSON, and so to editors, 1.0 is 1."""
    assert found(f"version: {version}\nvars: {{a: 1}}\n", None) == []


@pytest.mark.parametrize("version", ["true", "'1'", "1.1", "2", "[1]"])
def test_nothing_else_is_that_version(version):
    assert found(f"version: {version}\nvars: {{a: 1}}\n", None) == [("MP003", 10)]


def test_what_the_schema_refers_to_is_there():
    text = published()
    known = schema()["$defs"]

    named = set(re.findall(r'"#/\$defs/([^"]+)"', text))
    assert named <= known.keys()
