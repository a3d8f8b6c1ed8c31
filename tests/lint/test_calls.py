"""Functions that rules call themselves, looked up in the source."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mlpolicy.core.allowed import Allowed
from mlpolicy.lint.targets import of_source
from mlpolicy.source import SourceTree
from policies import found, loaded

SHOP = """
    LIMIT = 3
    def f(x): return x
    def popular(x): return []
    class Empty: ...
"""
PLACES = {
    "the default of a validate rule": (
        "validate: {returns: {type: int}, on_fail: default, default: {call: CALL}}"
    ),
    "the default of a memory rule": "memory: {on_pressure: default, default: {call: CALL}}",
    "relief": "memory: {relieve: [gc, {call: CALL}]}",
}


@pytest.fixture
def called(findings):
    def find(name, rule):
        text = rule.replace("CALL", name)
        allowed = "settings: {allow_call: ['*']}\n"
        policy = f"{allowed}policies:\n  shop:f:\n    {text}\n"
        return findings(policy, shop=SHOP), text.index(name) + 5

    return find


@pytest.mark.parametrize("rule", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    ("name", "code", "help"),
    [
        ("shop:populer", "MP301", "did you mean `shop:popular`?"),
        ("shop:zzz", "MP301", "`shop` has `f`, `popular`"),
        ("shop:Emty", "MP301", "did you mean `shop:Empty`?"),
        ("shopp:popular", "MP303", "did you mean `shop:popular`?"),
        ("shop:LIMIT", "MP320", ""),
    ],
)
def test_a_function_that_no_call_will_find_is_found_where_it_is_named(
    called, name, code, help, rule
):
    """At the name itself, in a list too, with the one that was meant."""
    [one], column = called(name, rule)

    assert (one.code, one.help) == (code, help)
    assert (one.span.line, one.span.column) == (5, column)


@pytest.mark.parametrize("rule", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", ["shop:popular", "shop:Empty", "collections:OrderedDict"])
def test_what_can_be_called_is_right(called, name, rule):
    """Classes too."""
    assert called(name, rule)[0] == ()


@pytest.mark.parametrize("rule", PLACES.values(), ids=PLACES)
def test_a_function_that_may_not_be_called_is_one_finding(rule, tmp_path):
    """`allow_call` is said of it, where it is named; that it is missing too adds nothing."""
    (tmp_path / "shop.py").write_text(dedent(SHOP))
    text = rule.replace("CALL", "shop:populer")
    file = loaded(f"settings: {{allow_call: [shop:safe_*]}}\npolicies:\n  shop:f:\n    {text}\n")

    [one] = [one for one in file.diagnostics if one.severity == "error"]

    assert (one.code, one.span.line, one.span.column) == ("MP010", 5, text.index("shop:") + 5)
    assert one.message.endswith("the functions that `settings.allow_call` allows")
    assert of_source(file.rulebook, SourceTree([tmp_path])) == ()


def test_a_function_that_may_be_called_is_right():
    """By a pattern, or by its own path."""
    rule = PLACES["relief"].replace("CALL", "shop:safe_one")
    for allowed in ("shop:safe_*", "shop:safe_one"):
        text = f"settings: {{allow_call: ['{allowed}']}}\npolicies:\n  shop:f: {{{rule}}}\n"
        assert not loaded(text).errors


def test_what_may_be_called_is_allowed_by_every_file_that_says_so():
    """A service cannot widen what the platform allows."""
    rule = PLACES["relief"].replace("CALL", "shop:own")
    service = f"settings: {{allow_call: ['shop:*']}}\npolicies:\n  shop:f: {{{rule}}}\n"

    assert not loaded(service).errors
    [one] = loaded(service, "settings: {allow_call: ['acme.safe:*']}\n").errors
    assert one.help == "allowed: `shop:*` and `acme.safe:*`"


def test_a_pattern_of_what_may_be_called_is_checked():
    """Else it would allow nothing, and every call would seem wrong."""
    assert found("settings: {allow_call: ['shop:*', shop]}\n") == [("MP010", 2, 35)]


def test_a_misspelt_call_is_no_default():
    """A mapping of one key that names a function is hardly a value."""
    rule = "validate: {returns: {type: mapping}, on_fail: default, default: {DEFAULT}}"
    for default, codes in (
        ("cal: 'shop:f'", ["MP005"]),
        ("cal: 3", []),
        ("name: 'shop:f'", []),
        ("calls: '12:30'", []),
        ("calls: 'shop:f', score: 1", []),
    ):
        text = f"policies:\n  shop:f: {{{rule.replace('DEFAULT', default)}}}\n"
        assert [one.code for one in loaded(text).diagnostics] == codes


def test_a_misspelt_call_or_its_path_is_repaired_where_it_stands():
    """At the key, or at the path, and not at the block around."""
    rule = "validate: {returns: {type: mapping}, on_fail: default, default: {DEFAULT}}"
    for default, at, meant in (
        ("cal: 'shop:f'", "cal", "call"),
        ("call: shop.f", "shop.f", "shop:f"),
    ):
        text = f"policies:\n  shop:f: {{{rule.replace('DEFAULT', default)}}}\n"
        [one] = loaded(text).diagnostics
        assert one.help == f"did you mean `{meant}`?"
        assert "did you mean" not in one.message
        assert [repair.text for repair in one.suggestions] == [meant]
        assert one.span.column == text.splitlines()[1].rindex(at) + 1


def test_what_is_no_path_is_not_allowed():
    """A plugin's kind may take any text; a setting of the platform does not stumble over it."""
    lists = loaded("settings: {allow_call: ['shop:*']}\n").rulebook.settings.allowed
    whys = [Allowed(("shop",), lists).why_not(text) for text in ("no path", "shop:f")]

    assert [bool(why) for why in whys] == [True, False]
