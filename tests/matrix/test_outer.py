"""What is called through its class or through C code."""

from __future__ import annotations

import sys

import pytest

import mlpolicy
from tests.matrix.placed import calls_of, write_policy

SOURCE = """
import dataclasses
import functools
import numpy as np

class Scale:
    def __init__(self, by):
        self.by = by

    def __call__(self, x):
        return x * self.by

@dataclasses.dataclass
class Shift:  # is equal by its fields, so it has no hash
    by: int

    def __call__(self, x):
        return x + self.by

triple = Scale(3)
shift = Shift(4)
part = functools.partial(max, 1)
plus = np.frompyfunc(lambda a: a + 1, 1, 1)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_instances_partials_and_ufuncs(tmp_path, monkeypatch, when):
    """They are replaced by attribute, called as they were, and put back."""
    (tmp_path / "outerly.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("outerly:triple", "outerly:part", "outerly:plus", "outerly:shift")
    policy = write_policy(tmp_path / "p.yaml", *names)
    before = calls_of(*names)
    try:
        if when == "early":
            mlpolicy.install(policy=policy)
        import outerly

        if when == "late":
            mlpolicy.install(policy=policy)
        assert (outerly.triple(2), outerly.part(5), outerly.plus(1)) == (6, 5, 2)
        assert (outerly.shift(1), outerly.shift.by) == (5, 4)
        assert isinstance(outerly.triple, outerly.Scale)
        mlpolicy.uninstall()
        assert type(outerly.triple) is outerly.Scale
    finally:
        mlpolicy.uninstall()
        sys.modules.pop("outerly", None)

    assert calls_of(*names) - before == 4
