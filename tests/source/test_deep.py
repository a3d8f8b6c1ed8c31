"""Source that is beyond reason is looked at as far as it can be, by all that reads it."""

from __future__ import annotations

import pytest

from mlpolicy.lint.targets import of_source
from mlpolicy.source import SourceTree
from policies import loaded

POLICY = """
version: 1
policies:
  deep:f: {retry: 3, cache: {ttl: 3s, key: [x]}, validate: {args: {x: {type: int}}}}
  all: {match: "deep:*", monitor: {}}
"""
CHAIN = "|".join(["int"] * 950)
SOURCES = {
    "an annotation": f"def f(x: {CHAIN}):\n    return x\n",
    "a result": f"def f(x) -> {CHAIN}:\n    return x\n",
    "a decorator": f"@({CHAIN})\ndef f(x):\n    return x\n",
    "a default": f"def f(x={'+'.join(['1'] * 950)}):\n    return x\n",
    "a body": f"def f(x):\n    return {'+'.join(['x'] * 950)}\n",
    "calls": f"def f(x):\n    return x{'.a()' * 450}\n",
    "branches": "def f(x):\n    if 0: pass\n" + "    elif x: pass\n" * 400,
    "a module": f"y = {'+'.join(['1'] * 950)}\ndef f(x):\n    return x\n",
    "digits": f"def f(x, y=0x{'9' * 40_000}):\n    return x\n",
    "digits twice": f"if y:\n    def f(x, y=0x{'9' * 40_000}): pass\nelse:\n    def f(x): pass\n",
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_source_of_many_levels_or_digits_is_no_crash(source, tmp_path, monkeypatch):
    """What cannot be read is at most a warning that says so: a target that is there is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep.py").write_text(source)

    found = of_source(loaded(POLICY).rulebook, SourceTree([tmp_path]))

    assert [one for one in found if one.severity == "error"] == []
