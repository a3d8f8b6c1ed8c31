"""An environment is judged by what it changes, and found to be as wrong as if it stood alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlpolicy.cli.findings import across
from mlpolicy.lint import policies as lint
from mlpolicy.lint.targets import Seen, of_source
from mlpolicy.model.policies import PolicyReader
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


def source_of(loaded, folder):
    seen, tree = Seen(), SourceTree([folder])
    return across({name: of_source(book, tree, seen) for name, book in loaded.books.items()})


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_wrong_in_an_environment_is_found_beside_others(folder, change):
    """Looked at together, files and environment have the findings of each, and no others."""
    policy = Path("policy.yaml")
    policy.write_text(BASE + f"    {change}\n")
    idle = ("MP404", "MP405", "MP408", "MP111", "MP407", "MP906")  # (these ask both at once)

    every = load_every([policy], terms(folder))
    found = facts([*every.found, *source_of(every, folder)])

    single = [load([policy], terms(folder, name)) for name in ("prod", None)]
    alone = [
        finding
        for one in single
        for finding in (*one.found, *of_source(one.rulebook, SourceTree([folder])))
    ]
    assert {one for one in found if one[0] not in idle} == {
        one for one in facts(alone) if one[0] not in idle
    }


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

    assert len(read) == 5 + 50 * 2  # (the one with a variable is read by each, too)
    assert len(judged) == 5 + 50 * 2
