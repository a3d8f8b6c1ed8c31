"""An environment is judged by what it changes, and found to be as wrong as if it stood alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlpolicy.core.diagnostic import Diagnostic
from mlpolicy.document.parse import parse
from mlpolicy.lint import policies as lint
from mlpolicy.lint.targets import of_source
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.policies import PolicyReader
from mlpolicy.model.read import read_source, source
from mlpolicy.plan.load import Terms, load, load_every
from mlpolicy.source import SourceTree

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SOURCE = """
from other import g as alias
def f(x): return alias(x)
def h(x, user): return f(x)
class C:
    def m(self, x): return h(x, 1)
"""
BASE = """
version: 1
vars: {wait: 1s}
profiles: {slow: {retry: {max_delay: 1m}}}
policies:
  shop:f: {retry: {max_attempts: 3, idempotent: true}}
  shop:h: {use: [slow], cache: {ttl: 3s, key: [user]}}
  shop:C.m: {memory: {wait: "${vars.wait}"}, owner: team}
  broad: {match: "shop:*", exclude: ["shop:C.*"], retry: {initial_delay: 10ms}}
  other: {match: "other:*", retry: 2, monitor: {}}
environments:
  prod:
"""
CHANGES = (
    "policies: {shop:f: {retry: {max_attempts: many}}}",
    "policies: {shop:f: {retry: {initial_delay: 30s, max_delay: 1s}}}",
    "policies: {shop:f: null}",
    "policies: {shop:alias: {cache: {ttl: 3s, key: [user]}}}",
    "policies: {other:g: {retry: 20}}",
    "policies: {broad: {retry: {initial_delay: 20ms}, exclude: null}}",
    "policies: {other: {monitor: null}, 'shop:h': {cache: {key: [nope]}}}",
    "policies: {new: {match: 'shop:*', retry: {initial_delay: 30ms}}}",
    "policies: {new: {match: 'shop:f', priority: 5, final: true, retry: {max_attempts: 9}}}",
    "policies: {shop:h: {cache: {ttl: null}}}",
    "policies: {nope: {retry: 3}}",
    "vars: {wait: 2}",
    "vars: {wait: 9m}",
    "defaults: {retry: {max_attempts: none}}",
    "defaults: {retry: {initial_delay: 9m}, cache: {max_entries: 0}}",
    "profiles: {slow: {retry: {max_delay: soon}}}",
    "profiles: {slow: null}",
    "settings: {require: [owner]}",
    "settings: {allow_call: ['other:*']}",
    "policies: {shop:f: {deadline: 10ms}}",
)

CALLED = {0: "f5", 7: "slow", 8: "f12"}
MANY = "def slow(x): return get(x)\n" + "".join(
    f"def f{number}(x, user): return {CALLED.get(number, 'len')}(x)\n" for number in range(24)
)
"""Functions of which some call others that are retried."""
ALIKE = (
    """
version: 1
vars: {wait: 1s, key: user}
profiles: {calm: {retry: {initial_delay: 200ms}}}
defaults: {retry: {max_delay: 1m}}
policies:
  many:slow: {retry: 1}
"""
    + "".join(
        f"  many:f{number}: {{use: [calm], retry: {{max_elapsed: 20s}}, deadline: 30s, "
        f"""cache: {{ttl: '${{vars.wait}}', key: ['{"nope" if number == 9 else "user"}']}}}}\n"""
        for number in range(24)
    )
    + "  many:last: {retry: 3, reason: it is gone}\n"
)
ALIKE_CHANGES = {
    "defaults: {retry: {max_attempts: 9}}": "",
    "defaults: {retry: {max_delay: 1ms}}": "MP602",
    "defaults: {retry: {max_attempts: none}}": "MP010",
    "defaults: {retry: {max_elapsed: 9h}}": "",
    "defaults: {retry: {retry_on: [many.Gone]}}": "MP603",
    "defaults: {mode: disabled}": "",
    "defaults: {cache: {ignore: [x]}}": "MP010",
    "vars: {wait: 2}": "MP101",
    "vars: {wait: null}": "MP110",
    "vars: {wait: 400d}": "",
    "profiles: {calm: null}": "MP406",
    "profiles: {calm: {retry: {max_delay: 1ms}}}": "MP602",
    "profiles: {calm: {monitor: {log: {redact: [nope]}}}}": "MP202",
    "profiles: {calm: {cache: {max_entries: 0}}}": "",
    "settings: {require: [reason]}": "MP505",
}
"""What changes for all of them, and a finding that comes of it."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two modules."""
    (tmp_path / "shop.py").write_text(SOURCE)
    (tmp_path / "other.py").write_text("def g(x):\n    return x\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def facts(findings):
    return {(one.code, one.span, one.message, one.severity) for one in findings}


def terms(folder, environment=None):
    return Terms(environment, {}, NOW, tree=SourceTree([folder]))


def as_if_alone(folder, text):
    """Assert that the findings of files and environment are those of each by itself, and return them."""
    policy = Path("policy.yaml")
    policy.write_text(text)
    idle = ("MP404", "MP405", "MP408", "MP111", "MP407", "MP906")  # (these ask both at once)

    every = load_every([policy], terms(folder))
    found = {one for one in facts([*every.found, *every.by_source]) if one[0] not in idle}

    single = [load([policy], terms(folder, name)) for name in ("prod", None)]
    alone = [
        finding
        for one in single
        for finding in (*one.found, *of_source(one.rulebook, SourceTree([folder])))
    ]
    assert found == {one for one in facts(alone) if one[0] not in idle}
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_wrong_in_an_environment_is_found_beside_others(folder, change):
    """Looked at together, files and environment have the findings of each, and no others."""
    as_if_alone(folder, BASE + f"    {change}\n")


@pytest.mark.parametrize(("change", "code"), ALIKE_CHANGES.items())
@pytest.mark.parametrize("more", ["", "  all: {match: 'many:*', retry: {multiplier: 2}}\n"])
def test_of_policies_alike_none_hides_what_is_wrong_with_another(folder, change, code, more):
    """Though an environment judges the first of them alone, it finds what all have."""
    (folder / "many.py").write_text(MANY)
    found = as_if_alone(folder, ALIKE + more + f"environments: {{prod: {{{change}}}}}\n")

    assert not code or code in {one[0] for one in found}


def test_what_environments_leave_alone_is_looked_at_once(folder, monkeypatch):
    """The work of many environments is that of what they change."""
    names = [f"e{number}" for number in range(50)]
    lines = [
        f"  {name}: {{policies: {{shop:f: {{retry: {{max_attempts: 4}}}}}}}}" for name in names
    ]
    Path("policy.yaml").write_text(BASE.replace("  prod:\n", "\n".join(lines) + "\n"))
    read, judged = [], []
    reader, held = PolicyReader._policy, lint._held
    monkeypatch.setattr(
        PolicyReader, "_policy", lambda self, *of: read.append(of) or reader(self, *of)
    )
    monkeypatch.setattr(lint, "_held", lambda *of: judged.append(of) or held(*of))

    load_every([Path("policy.yaml")], terms(folder))

    assert len(read) == len(judged) == 5 + 50


def test_what_is_wrong_everywhere_is_made_ready_to_be_shown_once(folder, monkeypatch):
    """The findings of a file are not those of each of its environments again."""
    wrong = "  shop:x: {retry: {max_atempts: '${env:TOKEN}', maxdelay: '${vars.wait}'}}\n"
    text = BASE.replace("policies:\n", f"policies:\n{wrong}").replace("  prod:\n", "")
    text += "".join(
        f"  e{at}: {{policies: {{shop:f: {{priority: {at}}}}}}}\n" for at in range(1, 50)
    )
    Path("policy.yaml").write_text(text)
    shown, less = [], Diagnostic.less
    monkeypatch.setattr(Diagnostic, "less", lambda one, of: shown.append(one) or less(one, of))

    every = load_every(
        [Path("policy.yaml")], replace(terms(folder), environ={"TOKEN": "h0ax-h0ax"})
    )

    assert every.variables == {"TOKEN": "h0ax-h0ax"}
    assert "h0ax-h0ax" in every.secrets
    assert len(shown) <= 4 * len(every.diagnostics)


def test_what_an_environment_shares_is_as_if_it_had_read_it(folder):
    """Of an environment that stands alone the same variables and secrets are known."""
    text = BASE.replace("max_attempts: 3", "max_attempts: '${vars.n}', max_delay: '${env:TOKEN}'")
    text = text.replace("vars: {", "vars: {n: '${env:N:-4}', ")
    Path("policy.yaml").write_text(text + "    vars: {n: 5}\n")
    base = source(parse(Path("policy.yaml").read_bytes(), file="policy.yaml"))
    environ = {"TOKEN": "7s-of-me", "N": "6"}

    def read(name, source):
        variables = Variables(environ)
        reading = read_source(source, environment=name, variables=variables, keeps=True)
        return reading.file, reading.diagnostics, variables.read, variables.secrets

    for name in (None, "prod"):
        alone = source(parse(Path("policy.yaml").read_bytes(), file="policy.yaml"))
        assert read(name, base) == read(name, alone)
    assert read("prod", base)[0].policies[2] is read(None, base)[0].policies[2]


def test_of_policies_alike_an_environment_judges_one(folder, monkeypatch):
    """The work of many environments that change defaults is not that of all policies."""
    change = "defaults: {retry: {max_attempts: %d}}"
    lines = "".join(f"  e{number}: {{{change % (2 + number % 2)}}}\n" for number in range(2, 32))
    (folder / "many.py").write_text(MANY)
    Path("policy.yaml").write_text(f"{ALIKE.replace('${vars.wait}', '3s')}environments:\n{lines}")
    held, planned = [], []
    for name, calls in {"_held": held, "_of_target": planned}.items():
        known = getattr(lint, name)
        monkeypatch.setattr(
            lint, name, lambda *of, calls=calls, known=known: calls.append(of) or known(*of)
        )

    load_every([Path("policy.yaml")], replace(terms(folder), tree=None))

    assert len(held) == 26
    assert len(planned) <= 31 * 5


def test_of_deadlines_as_long_as_each_other_none_of_an_environment_counts(folder):
    """What is wrong in the file is not said again where an environment, further up, says the same."""
    Path("policy.yaml").write_text("""\
environments: {prod: {policies: {delta: {deadline: 1s}}}}
version: 1
policies:
  alpha: {match: 'shop:f', memory: {limit: 1GiB}, deadline: 1s}
  delta: {match: 'shop:f'}
""")
    found = load_every([Path("policy.yaml")], terms(folder)).found

    assert [(one.span.line, one.environment) for one in found if one.code == "MP803"] == [(4, "")]
