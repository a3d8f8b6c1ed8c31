"""The code that the rules of a plan import by name, and what `diff` tells of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlpolicy.core.span import Span
from mlpolicy.lint.policies import not_allowed
from mlpolicy.plan.governed import governed
from mlpolicy.plan.plan import Value
from mlpolicy.plan.show import differences, of_settings
from mlpolicy.rules import KINDS
from mlpolicy.runtime.assemble import importer
from policies import loaded

RULE = "memory: {relieve: [gc, {call: 'shop:free'}], on_pressure: default, default: DEFAULT}"
WIDER = ("`settings.allow_call` was widened: rules may import and call more code",)


def risks(old, new):
    plans = [governed(loaded(text).rulebook, None) for text in (old, new)]
    return [risk for one in differences(*plans) for risk in one.risks]


def settings(*files):
    texts = [f"settings: {{allow_call: {one}}}\n" if one else "" for one in files]
    return loaded(*texts).rulebook.settings


def test_every_name_has_its_place():
    text = (
        "policies:\n  shop:f:\n    validate:\n      args: {x: {fields: {a: {model: shop.Order}}}}\n"
        "      default: {call: 'shop:g'}\n"
    )
    [plan] = governed(loaded(text).rulebook, None)
    [rule] = plan.rules

    named = {(name, span.line, setting) for name, span, setting, _ in rule.imported()}

    assert named == {
        ("shop.Order", 5, ".args.x.fields.a.model"),
        ("shop:g", 6, ".default.call"),
    }


@pytest.mark.parametrize("mode", ["", ", mode: disabled", ", mode: shadow"])
def test_every_new_call_is_told(mode):
    """Of a new rule and of one that was there, in force or not."""
    before, called = (RULE.replace("DEFAULT", one) for one in ("1", "{call: 'shop:other'}"))
    old, new = (f"policies: {{'shop:f': {{{one}{mode}}}}}\n" for one in (before, called))
    nothing = "policies: {'shop:f': {monitor: true}}\n"

    assert "calls or imports `shop:other`, which is new" in risks(old, new)
    assert "calls or imports `shop:free`, which is new" in risks(nothing, old)
    assert not [one for one in risks(new, old) if "which is new" in one]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ([""], [""], None),
        ([""], ["['*']"], WIDER),
        ([""], ["['shop.**:*']"], WIDER),  # (the function may be of another package)
        ([""], ["[]"], ()),
        (["[]"], [""], WIDER),
        (["['shop:a']"], [""], WIDER),
        (["['shop:a']"], ["['shop:a', 'shop:b']"], WIDER),
        (["['shop:a', 'shop:b']"], ["['shop:a']"], ()),
        (["['shop:a']"], ["['shop:a']", "['shop:b']"], ()),
        (["['shop:a']", "['shop:b']"], ["['shop:a']"], WIDER),
        (["['shop:a', 'shop:b']"], ["['shop:b', 'shop:a']"], None),
    ],
)
def test_what_is_allowed_more_is_told(old, new, told):
    found = of_settings(settings(*old), settings(*new))

    assert [one.risks for one in found] == ([] if told is None else [told])
    assert {one.target for one in found} <= {"settings"}


def test_what_a_plugin_names_by_itself_is_its_own():
    """A policy that names the same must be allowed to."""
    [plan] = governed(loaded("policies: {'shop:f': {memory: {}}}\n").rulebook, None)
    relieve = ({"call": "kitchen:free"},)
    made = KINDS["memory"].rule_model().model_validate({"relieve": [*relieve]})
    rule, away = plan.rules[0], Span("policy.yaml", 2, 1, 2, 9)
    own = replace(rule, rule=made, values={"relieve": Value(relieve)})
    written = replace(rule, rule=made, values={"relieve": Value(relieve, away, "p")})
    named = replace(own, values={"relieve": Value(relieve, away, "code", layer="code")})

    each = [replace(plan, rules=(one,)) for one in (own, written, named)]

    assert [len([*not_allowed(one)]) for one in each] == [0, 1, 0]
    assert [[*importer(one.rules[0], one).coded] for one in each] == [
        ["kitchen:free"],
        [],
        ["kitchen:free"],
    ]
