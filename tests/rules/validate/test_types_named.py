"""Classes that `type` names: compared by name, with what is imported already."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from mlpolicy.rules.validate.checks.classes import is_of


class Inner: ...


@pytest.fixture
def lazy(monkeypatch):
    """A package that makes its names when they are asked for."""
    made = ModuleType("lazy_kitchen")
    made.__getattr__ = lambda name: pytest.fail(f"asked for {name}")
    monkeypatch.setitem(sys.modules, "lazy_kitchen", made)
    return made


def test_a_lazy_package_is_not_asked_for_a_name(lazy):
    """Being asked it may import."""
    assert not is_of(str, "lazy_kitchen.Thing")
    assert not is_of(str, "lazy_kitchen.other.Thing")


def test_a_class_that_a_lazy_package_hands_out_is_known_by_its_name(lazy):
    made = type("Thing", (Inner,), {"__module__": "lazy_kitchen.deep.things"})
    below = type("Other", (made,), {})

    assert is_of(made, "lazy_kitchen.Thing") and is_of(below, "lazy_kitchen.Thing")
    assert not is_of(made, "lazy_kitchen.deep.other.Thing")
    assert not is_of(made, "lazy.Thing")


def test_another_name_of_a_class_is_seen_where_it_stands(lazy):
    lazy.Alias = Inner

    assert is_of(Inner, "lazy_kitchen.Alias") and not is_of(str, "lazy_kitchen.Alias")
