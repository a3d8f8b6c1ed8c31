"""Very large sets of policies: read one file at a time, held as bytes, judged as any other."""

from __future__ import annotations

import tracemalloc
from functools import lru_cache

import pytest

from mlpolicy.lint.targets import of_source
from mlpolicy.plan import gather, load, packed, rulebook
from mlpolicy.source import SourceTree
from mlpolicy.source import tree as source_tree

FRAME = """\
version: 1
settings: {require: [owner]}
vars: {most: 4, unused: 1}
defaults:
  retry: {max_attempts: 3}
  memory: {limit: 1GiB}
profiles:
  quick: {cache: {ttl: 5s}}
  idle: {monitor: {}}
policies:
  all: {match: "svc.part_1:*", owner: x, cache: {max_entries: 9}}
  some: {match: ["svc.**:f1*"], owner: x, priority: 3, retry: {max_attempts: 5}}
"""
CODE = "def f{0}(name: str) -> int: return len(name)\n"


def part(number, policies):
    """Return a file of policies, each hundredth of which is wrong in a way of its own."""
    odd = (
        "{owner: a, retry: {max_attemps: 3}}",
        "{owner: a, retry: {retry_on: [NoSuchError]}}",
        "{cache: {ttl: 30s}}",
        '{owner: a, use: quick, cache: {key: "other"}}',
        "{owner: a, use: nobody}",
        '{owner: a, deadline: 1s, retry: {max_attempts: "${vars.most}", initial_delay: 10s}}',
        "{owner: a, validate: {arguments: {nam: {type: str}}}}",
        "{owner: a, mode: shadow, retry: {}}",
    )
    lines = ["version: 1", "vars: {most: 3}", "policies:"]
    for at in range(policies):
        rules = f"{{owner: t{at}, retry: {{max_attempts: {2 + at % 7}, retry_on: [OSError]}}}}"
        wrong = at % 10 == 0
        lines.append(f"  svc.part_{number}:f{at}: {odd[at // 10 % len(odd)] if wrong else rules}")
    lines.append("  svc.part_0:f3: {owner: again, retry: {max_attempts: 9}}" if number else "")
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path):
    """Policies of three modules, one of which lacks some of the functions."""
    (tmp_path / "svc").mkdir()
    (tmp_path / "frame.yaml").write_text(FRAME)
    for number in range(3):
        (tmp_path / f"part_{number}.yaml").write_text(part(number, 90))
        defined = range(90 - 20 * (number % 2))
        (tmp_path / "svc" / f"part_{number}.py").write_text("".join(map(CODE.format, defined)))
    (tmp_path / "svc" / "__init__.py").touch()
    return tmp_path


def found(folder):
    """Return the set, and all findings in it and beside the source."""
    tree = SourceTree([folder])
    loaded = load.load_every([folder], load.Terms(tree=tree))
    return loaded, loaded.shown(of_source(loaded.rulebook, tree)).diagnostics


def test_a_very_large_set_is_judged_like_any_other(folder, monkeypatch):
    usual, findings = found(folder)
    monkeypatch.setattr(gather, "LARGE", 0)
    monkeypatch.setattr(source_tree, "_MUCH", 6000)
    large, same = found(folder)

    assert not usual.rulebook.is_large
    assert large.rulebook.is_large
    assert list(large.rulebook.policies) == list(usual.rulebook.policies)
    assert large.rulebook.policies[-1] == usual.rulebook.policies[-1]
    assert large.rulebook.exact == usual.rulebook.exact
    assert large.rulebook.kinds == usual.rulebook.kinds
    assert [*map(large.rulebook.plan, usual.rulebook.exact)] == [
        *map(usual.rulebook.plan, usual.rulebook.exact)
    ]
    assert same == findings
    assert len({finding.code for finding in findings}) > 8


def test_a_policy_of_a_very_large_set_takes_less_than_a_thousand_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(gather, "LARGE", 1 << 13)
    monkeypatch.setattr(rulebook, "_MOST", 100)
    monkeypatch.setattr(packed, "_unpacked", lru_cache(1)(packed._unpacked.__wrapped__))

    def peak(files):
        """Return how many bytes are held at most while a set of 200 policies a file is judged."""
        rules = "{owner: t, retry: {max_attempts: 3, retry_on: [OSError]}, cache: {ttl: 3s}}"
        for number in range(files):
            lines = [f"  svc.part_{number}:f{at}: {rules}" for at in range(200)]
            text = "\n".join(["version: 1", "policies:", *lines])
            (tmp_path / f"part_{number}.yaml").write_text(text)
        tracemalloc.start()
        loaded = load.load([tmp_path])
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert loaded.diagnostics == ()
        return most

    peak(1)  # (what is imported and remembered for good is no matter of policies)
    few, many = peak(3), peak(8)

    assert (many - few) / 1000 < 1000
