"""The function that a kind's checks are given."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from mlpolicy.core.site import Function
from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.lint.function import ImportedFunction
from mlpolicy.rules import KINDS
from policies import loaded

PLACE = Span("policy.yaml", 3, 5)
RULES = {
    "monitor": "monitor: {sinks: [log]}",
    "retry": "retry: {max_attempts: 3, retry_on: [shop.Gone]}",
    "cache": "cache: {ttl: 30s, copy: none}",
    "validate": "validate: {args: {x: {type: shop.Gone, model: shop.Gone}}, returns: {type: int}}",
}


@pytest.fixture
def rule():
    def find(kind):
        book = loaded(f"policies:\n  'shop:f': {{{RULES[kind]}}}\n").rulebook
        return book.plan(Target.parse("shop:f")).rules[0]

    return find


def test_each_kind_that_has_checks_of_functions_is_tried_here():
    assert {name for name in KINDS if KINDS[name].lint} == set(RULES)


@pytest.mark.parametrize("kind", RULES)
def test_of_a_function_that_is_not_known_nothing_is_said(rule, kind):
    """Unknown is an answer, and its consequence is silence."""
    function = Function("shop:f", lambda *_: PLACE)

    assert KINDS[kind].ask("lint", rule(kind).rule, function) == ()


@pytest.fixture
def imported(rule, monkeypatch):
    def find(kind, module):
        if module is not None:
            monkeypatch.setitem(sys.modules, "shop", module)
        found = rule(kind)
        function = ImportedFunction(Target.parse("shop:f"), found, lambda path: int)
        return [one.code for one in KINDS[kind].ask("lint", found.rule, function)]

    return find


class Odd(ModuleType):
    def __getattr__(self, name):
        raise RuntimeError("no such thing, and no AttributeError")


def module(**names):
    made = ModuleType("shop")
    vars(made).update(names)
    return made


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, []),  # not imported: nobody knows
        (module(Gone=OSError), []),
        (module(Gone=3), []),  # the source said what it is
        (module(), ["MP603"]),
        (Odd("shop"), []),
    ],
)
def test_a_name_is_absent_where_its_module_is_imported_and_lacks_it(imported, held, expected):
    assert imported("retry", held) == expected


def test_a_model_that_takes_no_values_is_told_once_it_is_imported(imported):
    """`int`, which the path resolves to here, has no fields."""
    assert imported("validate", module(Gone=int)) == ["MP208"]
