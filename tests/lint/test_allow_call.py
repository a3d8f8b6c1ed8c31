"""What rules may import: code of the function's own package, unless a setting says otherwise."""

from __future__ import annotations

import pytest

from mlpolicy.model.policy import DEPTH
from mlpolicy.plan.load import Terms, load, load_every
from mlpolicy.plan.rulebook import Rulebook
from policies import found, loaded

PLACES = {
    "the default of a validate rule": (
        "validate: {returns: {type: int}, on_fail: default, default: {call: 'MODULE:thing'}}"
    ),
    "the default of a memory rule": (
        "memory: {on_pressure: default, default: {call: 'MODULE:thing'}}"
    ),
    "relief": "memory: {relieve: [gc, {call: 'MODULE:thing'}]}",
    "a model": "validate: {args: {x: {model: MODULE.thing}}}",
    "a model by its function path": "validate: {returns: {model: 'MODULE:thing'}}",
    "a model far inside": (
        "validate: {args: {x: {fields: {a.b: {items: {fields: {c: {model: MODULE.thing}}}}}}}}"
    ),
}
FALLBACK = """
    import os, requests
    import subprocess as processes
    from os import system
    from math import sqrt
    from requests import get as fetch
    from shop.other import elsewhere
    def thing(): ...
    run = os.system
    client = requests.Session()
    class Holder:
        run = os.system
        def go(self): ...
    holder = Holder()
    try:
        from fast import quick
    except ImportError:
        def quick(): ...
"""


def codes(text, **more):
    return [one.code for one in loaded(text, **more).errors]


@pytest.mark.parametrize("rule", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("match", ["shop.serve:f", "shop.**:*", "shop:f"])
def test_a_rule_names_code_of_its_own_package(rule, match):
    for module in ("shop", "shop.fallback"):
        assert codes(f"policies:\n  '{match}':\n    {rule.replace('MODULE', module)}\n") == []


@pytest.mark.parametrize("rule", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("module", ["os", "shopping", "other.shop", "mlpolicy.plan.cache"])
@pytest.mark.parametrize("match", ["shop.serve:f", "shop.**:*", "sh*.serve:*"])
def test_a_rule_does_not_name_code_of_another(rule, module, match):
    """It stands where the name does, and says what to do."""
    text = rule.replace("MODULE", module)

    [one] = loaded(f"policies:\n  '{match}':\n    {text}\n").errors

    begin = text.index(f"'{module}" if f"'{module}" in text else module)
    assert (one.code, one.span.line, one.span.column) == ("MP010", 4, begin + 5)
    assert "`settings.allow_call`" in one.message
    assert "list both under `settings.allow_call`" in one.help


def test_each_package_that_a_policy_is_for_is_asked():
    rule = PLACES["relief"].replace("MODULE", "shop")
    both = "p: {match: ['shop.**:*', 'other.**:*'], RULE}"

    assert codes(f"policies:\n  {both.replace('RULE', rule)}\n") == ["MP010"]
    assert codes(f"policies: {{'shop:f': {{{rule}}}, 'other:f': {{{rule}}}}}\n") == ["MP010"]


@pytest.mark.parametrize(
    "where",
    [
        "defaults: {RULE}\npolicies: {'shop:f': {memory: {}}}\n",
        "profiles: {calm: {RULE}}\npolicies: {'shop:f': {use: calm}}\n",
        "policies: {'shop:f': {RULE, mode: disabled}}\n",
        "policies: {'shop:f': {RULE, mode: shadow, expires: 2099-01-01}}\n",
        "policies: {code: {match: 'shop:f', RULE}}\n",
    ],
)
def test_it_does_not_matter_where_it_is_written(where):
    """A policy that bears the name of a layer is a policy."""
    assert codes(where.replace("RULE", PLACES["relief"].replace("MODULE", "os"))) == ["MP010"]


def test_an_environment_is_asked_too(tmp_path):
    rule = PLACES["relief"].replace("MODULE", "os")
    text = "policies: {'shop:f': {memory: {}}}\nenvironments:\n  prod:\n    policies:\n"
    file = tmp_path / "policy.yaml"
    file.write_text(f"version: 1\n{text}      'shop:f': {{{rule}}}\n")

    for read in (load([file], Terms("prod", {})), load_every([file])):
        errors = [one for one in read.diagnostics if one.severity == "error"]
        assert [(one.code, one.span.line) for one in errors] == [("MP010", 6)]


def test_all_code_may_be_allowed_and_that_is_a_warning():
    rule = PLACES["relief"].replace("MODULE", "os")
    text = f"settings: {{allow_call: ['*']}}\npolicies: {{'shop:f': {{{rule}}}}}\n"

    assert found(text) == [("MP409", 2, 25)]


def test_a_target_is_no_pattern_of_everything():
    assert codes("policies: {p: {match: '*', monitor: true}}\n") == ["MP010"]


def test_a_value_that_looks_like_a_call_is_a_value():
    """Deeper than where a rule calls it."""
    rule = (
        "validate: {returns: {type: mapping}, on_fail: default, default: {a: {call: 'os:system'}}}"
    )

    assert codes(f"policies: {{'shop:f': {{{rule}}}}}\n") == []


def test_classes_that_are_compared_by_name_may_be_any():
    """Nothing is imported for them."""
    rules = "validate: {args: {x: {type: numpy.ndarray}}}, retry: {retry_on: [requests.Timeout]}"

    assert codes(f"policies: {{'shop:f': {{{rules}}}}}\n") == []


def test_an_installed_package_allows_nothing_more():
    """What it lists only narrows what the service allows."""
    rule = PLACES["relief"].replace("MODULE", "os")
    own = loaded(f"policies: {{'shop:f': {{{rule}}}}}\n").rulebook.files[0]
    carried = loaded("settings: {allow_call: ['*', 'shop.safe:*']}\n").rulebook.files[0]
    carried.depth = DEPTH
    plan = Rulebook([own, carried]).plan(Rulebook([own]).exact[0])

    assert plan.allowed.why_not("os:thing")
    assert not plan.allowed.why_not("shop.fallback:thing")


@pytest.fixture
def at(findings):
    def find(name, settings=""):
        policy = (
            f"{settings}policies:\n  shop.serve:f: {{memory: {{relieve: [{{call: '{name}'}}]}}}}\n"
        )
        sources = {
            "shop/__init__": "",
            "shop/serve": "def f(): ...",
            "shop/fallback": FALLBACK,
            "shop/other": "def elsewhere(): ...",
            "requests/__init__": "from requests.api import get\nclass Session:\n    def get(self): ...\n",
            "requests/api": "def get(): ...\n",
        }
        return [one.code for one in findings(policy, **sources)]

    return find


@pytest.mark.parametrize(
    "name",
    [
        *("system", "os.system", "run", "Holder.run", "holder.run", "processes.run", "sqrt"),
        *("fetch", "requests.get", "client.get"),
    ],
)
def test_what_a_module_takes_from_elsewhere_is_not_its_own(at, name):
    assert at(f"shop.fallback:{name}") == ["MP010"]


@pytest.mark.parametrize("name", ["thing", "elsewhere", "Holder.go", "holder.go", "quick"])
def test_what_a_module_of_the_package_defines_is_its_own(at, name):
    assert at(f"shop.fallback:{name}") == []


def test_a_list_has_what_the_name_leads_to(at):
    some = "settings: {allow_call: ['shop.fallback:*']}\n"
    both = "settings: {allow_call: ['shop.fallback:*', 'shop.other:*']}\n"

    assert [at("shop.fallback:elsewhere", one) for one in (some, both)] == [["MP010"], []]
