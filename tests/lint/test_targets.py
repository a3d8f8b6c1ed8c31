"""Targets and patterns against the source."""

from __future__ import annotations

import pytest

from mlpolicy.lint.targets import of_source
from mlpolicy.source import SourceTree
from policies import loaded


def watch(target, head=""):
    return f"{head}policies:\n  one: {{match: '{target}', monitor: true}}\n"


SHOP = """
    from abc import ABC, abstractmethod
    from typing import overload
    from shop.deep import work, _own

    LIMITS = [1, 2]
    NAME: str = "x"
    RATIO = -0.5
    made = work(1)
    later = None

    class Base(ABC):
        @abstractmethod
        def load(self): "Return it."
        @abstractmethod
        def done(self):
            return 1
        def kept(self): ...

    @overload
    def stub(x: int): ...
    @overload
    def stub(x: str): ...

    def twice(x): ...
    def twice(y): ...

    try:
        from fast import quick
    except ImportError:
        def quick(): ...

    def serve(x): ...
    def _private_one(): ...

    class Model:
        def score(self): ...
"""
FILES = {"shop/__init__": SHOP, "shop/deep": "def work(x): ...\ndef _own(x): ...\n"}


@pytest.fixture
def shop(findings):
    return lambda target: [(one.code, one.help) for one in findings(watch(target), **FILES)]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("shop:Base", "MP320"),
        ("shop:LIMITS", "MP320"),
        ("shop:NAME", "MP320"),
        ("shop:RATIO", "MP320"),
        ("shop:Base.load", "MP307"),
        ("shop:stub", "MP307"),
        ("shop:work", "MP308"),
        ("shop:serv", "MP301"),
        ("shop.dep:work", "MP303"),
    ],
)
def test_one_finding(shop, target, code):
    assert [one for one, _ in shop(target)] == [code]


@pytest.mark.parametrize(
    "target",
    ["shop:made", "shop:later", "shop:Base.done", "shop:Base.kept", "shop:quick", "shop:serve",
     "shop:_own", "shop.deep:work", "shop:_private_one"],
)  # fmt: skip
def test_nothing_is_said_of(shop, target):
    assert shop(target) == []


def test_a_name_that_is_only_imported_can_be_put_right(shop):
    assert shop("shop:work") == [("MP308", "name where it is defined: `shop.deep:work`")]


def test_nothing_more_is_said_of_a_target_that_is_not_there(findings):
    policy = "policies:\n  'shop:write_ro': {retry: 3, cache: {ttl: 30s, key: [a]}}\n"

    assert [one.code for one in findings(policy, shop="def write_row(x): ...")] == ["MP301"]


@pytest.mark.parametrize(
    ("glob", "help"),
    [
        ("shop:serv_*", "did you mean `shop:serve`?"),
        ("shop:_private*", ""),
        ("shop:wor*", ""),
        ("shap:serv*", ""),
        ("json:dump*", "the standard library"),
        ("shop:zzz*", ""),
    ],
)
def test_a_pattern_that_takes_nothing(shop, glob, help):
    [(code, found)] = shop(glob)

    assert code == "MP302" and help in found and bool(help) == bool(found)


def test_a_pattern_of_an_installed_package(findings, tmp_path):
    source = {"site-packages/bank": "def pay(): ...\n"}
    within = [tmp_path / "site-packages"]

    [one] = findings(watch("bank:pa*"), within, **source)
    listed = findings(watch("bank:pa*", "settings: {packages: [bank]}\n"), within, **source)

    assert (one.code, one.help) == (
        "MP302",
        "`bank` is an installed package: list it under `settings.packages`",
    )
    assert listed == ()


def test_a_module_that_tells_not_all_may_have_it(codes):
    """A pattern takes what a module has, never what it answers when it is asked."""
    assert codes(watch("shop:serv*"), shop="exec(text)") == []
    assert codes(watch("shop:serv*"), shop="def __getattr__(name): ...") == ["MP302"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("kind: function", []),
        ("kind: coroutine", ["MP302"]),
        ("has_param: x", []),
        ("has_param: user", ["MP302"]),
        ("decorated_by: 'web.*'", []),
        ("decorated_by: 'functools.*'", ["MP302"]),
        ("tag: remote", []),
        ("tag: local", ["MP302"]),
    ],
)
@pytest.mark.parametrize("target", ["shop:f", "shop:f*"])
def test_what_else_a_match_asks_for(codes, asked, expected, target):
    policy = f"policies:\n  one: {{match: {{target: '{target}', {asked}}}, monitor: true}}\n"
    source = "import mlpolicy, web\n@web.get\n@mlpolicy.tag('remote')\ndef f(x): ..."

    assert codes(policy, shop=source) == expected


def test_a_tag_that_nothing_bears(codes):
    policy = "policies:\n  one: {match: {target: 'shop:*', tag: remote}, monitor: true}\n"

    assert codes(policy, shop="def f(x): ...\ndef g(x): ...") == ["MP302"]


@pytest.mark.parametrize(
    "line",
    [
        "g = mlpolicy.tag(name)(g)",
        "for one in (f, g): mlpolicy.tag('remote')(one)",
        "@mlpolicy.tag(NAME)\ndef h(): ...",
        "@mlpolicy.tag(\n    NAME\n)\ndef h(): ...",
        "from mlpolicy import tag as t",
        "setattr(f, '__mlpolicy_tags__', names)",
    ],
)
def test_a_module_that_may_put_tags_on_otherwise_is_believed(codes, line):
    policy = "policies:\n  one: {match: {target: 'shop:*', tag: remote}, monitor: true}\n"

    assert codes(policy, shop=f"import mlpolicy\ndef f(x): ...\ndef g(x): ...\n{line}\n") == []


@pytest.mark.parametrize(("count", "expected"), [(200, []), (201, ["MP409"])])
def test_a_pattern_of_very_many_functions(codes, count, expected):
    source = "\n".join(f"def f{at}(): ..." for at in range(count))

    assert codes(watch("shop:*"), shop=source) == expected


def test_a_mistake_in_a_rule_of_many_functions_is_said_once(findings):
    policy = "policies:\n  'shop:*': {validate: {args: {y: {type: int}}}}\n"
    source = "def a(x): ...\ndef b(x): ...\ndef c(x): ...\ndef d(y): ..."

    [one] = findings(policy, shop=source)

    assert one.message == "`shop:a` has no argument `y` (and 2 more functions)"


@pytest.mark.parametrize(
    ("rule", "code", "there", "meant"),
    [
        ("cache: {ttl: 1m, key: [b, usr.id]}", "MP702", "usr.id", "write `user.id`"),
        ("cache: {ttl: 1m, ignore: [usr]}", "MP702", "usr", "write `user`"),
        ("cache: {ttl: 1m, key: ['usr[0]']}", "MP702", "'usr[0]'", "write `user[0]`"),
        ("retry: {rollout: {percent: 9%, by: usr.id}}", "MP507", "usr.id", "write `user.id`"),
        ("validate: {args: {usr: {type: str}}}", "MP202", "usr", "write `user`"),
    ],
)
def test_an_argument_is_put_right_where_it_stands(findings, rule, code, there, meant):
    """The item of a list, and the argument in a path."""
    line = f"  'shop:f': {{{rule}}}"

    [one] = findings(f"policies:\n{line}\n", shop="def f(user, b): return 1")

    text = line[one.span.column - 1 : one.span.end_column - 1]
    titles = "".join(each.title for each in one.suggestions)
    assert (one.code, text, titles) == (code, there, meant)


@pytest.mark.parametrize(
    "rule",
    ["validate: {args: {limit: {type: int}}}", "cache: {ttl: 1m, key: [a, limit]}"],
)
def test_an_argument_that_others_take_in_may_be_named(on, rule):
    """`**options` has what the signature does not name."""
    assert on(rule, "def f(a, **options): return 1") == []
    assert len(on(rule, "def f(a, *rest): return 1")) == 1


@pytest.mark.parametrize(
    ("setting", "said"),
    [("error", ["error"]), ("warn", ["warning"]), ("ignore", [])],
)
@pytest.mark.parametrize("target", ["shop:serv", "shp:serve"])
def test_missing_targets_weigh_what_the_settings_say(findings, setting, said, target):
    """In the source as after an import."""
    found = findings(watch(target, f"settings: {{on_missing_target: {setting}}}\n"), **FILES)

    assert [one.severity for one in found] == said


@pytest.mark.parametrize("match", ["shop:f", "shop:*", "shop:Shop.*"])
def test_a_module_that_is_no_python_is_said_once(findings, match):
    """As a warning: a newer Python may be able to read it."""
    policy = watch(match) + watch("shop:g").removeprefix("policies:\n").replace("one", "two")

    [one] = findings(policy, shop="def f(x:\n  return 1\n")

    assert (one.code, one.severity, one.span.line) == ("MP303", "warning", 3)
    assert one.message == "`shop` cannot be parsed: '(' was never closed in line 1"


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        ("'shop:Modl.lo*'", "shop:Model.load"),
        ("{target: 'shop:*', decorated_by: [cache]}", "functools.cache"),
        ("{target: 'shop:*', decorated_by: [shop.timed]}", "timed"),
        ("'shop:saev*'", "shop:save"),
    ],
)
def test_a_pattern_is_put_right_as_a_pattern(findings, match, meant):
    """Of a class the methods that were asked for; of a decorator its full name."""
    source = """
        import functools
        def timed(f): ...
        @functools.cache
        @timed
        def save(x): ...
        if x:
            def either(x): ...
        else:
            def either(y): ...
        class Model:
            def load(self): ...
    """

    [one] = findings(f"policies:\n  one: {{match: {match}, monitor: true}}\n", shop=source)

    assert (one.code, one.help) == ("MP302", f"did you mean `{meant}`?")


@pytest.mark.parametrize(
    ("asked", "word", "meant"),
    [
        ("tag: [remot]", "remot", "remote"),
        ("has_param: usr", "usr", "user"),
        ("has_param: usr, tag: remote", "usr", "user"),
        ("tag: [other, remot]", "remot", "remote"),
        ("kind: [coroutine]", "coroutine", ""),
        ("kind: [coroutine], tag: remote", '"shop:*"', ""),
    ],
)
def test_the_word_that_no_function_answers_to_is_pointed_at(findings, asked, word, meant):
    """With the one that was meant; the pattern itself is right."""
    line = f'  a: {{match: {{target: "shop:*", {asked}}}, monitor: {{}}}}'
    source = "import mlpolicy\n@mlpolicy.tag('remote')\ndef f(user): ...\n"

    [one] = findings(f"policies:\n{line}\n", shop=source)

    assert (one.code, one.span.line, one.span.column) == ("MP302", 3, line.index(word) + 1)
    assert [repair.text for repair in one.suggestions] == ([meant] if meant else [])


def test_a_word_of_match_is_said_once_for_all_its_targets(findings):
    """However many patterns and paths stand beside it."""
    line = "  a: {match: {target: ['shop:*', 'shop:f', 'shop:f*'], tag: remot}, monitor: {}}"
    source = "import mlpolicy\n@mlpolicy.tag('remote')\ndef f(): ...\ndef g(): ...\n"

    [one] = findings(f"policies:\n{line}\n", shop=source)

    assert (one.code, one.span.column) == ("MP302", line.index("remot") + 1)


def test_a_word_that_keeps_all_out_is_one_finding_for_all_patterns(findings):
    """Where one of the patterns takes something, the other is what is wrong."""
    source = "import mlpolicy\n@mlpolicy.tag('remote')\ndef fetch(): ...\n\ndef count(): ...\n"
    line = '  a: {{match: {{target: ["shop:f*", "shop:{}*"], {}}}, monitor: {{}}}}'

    for start, asked, word in (
        ("fe", "kind: [generator]", "generator"),
        ("fe", "tag: [remot], kind: [function]", "remot]"),
        ("c", "tag: remote", '"shop:c*"'),
    ):
        written = line.format(start, asked)
        [one] = findings(f"policies:\n{written}\n", shop=source)
        assert (one.code, one.span.column) == ("MP302", written.index(word) + 1)


def test_no_class_is_offered_in_place_of_a_function(findings):
    """A policy is for none; what the module has is said instead."""
    source = "class Transaction: ...\ndef rank(tx): ...\n"

    [one] = findings("policies:\n  shop:transactions: {monitor: {}}\n", shop=source)

    assert (one.code, one.suggestions, one.help) == ("MP301", (), "`shop` has `rank`")


def test_a_module_that_is_no_python_is_said_where_it_is_named_first(findings):
    """Not at the last of the targets in it."""
    line = "  a: {match: ['shop:f', 'shop:g', 'shop:*'], monitor: {}}"

    [one] = findings(f"policies:\n{line}\n", shop="def f(:\n")

    assert (one.code, one.span.column) == ("MP303", line.index("'shop:f'") + 1)


def test_of_a_target_that_is_another_one_nothing_else_is_said(tmp_path):
    """That nobody watches a name which is only imported follows from the name."""
    (tmp_path / "shop.py").write_text("from other import f\n")
    (tmp_path / "other.py").write_text("def f(): ...\n")
    file = loaded("policies:\n  other:f: {monitor: {}}\n  shop:f: {retry: 2}\n")

    more = of_source(file.rulebook, SourceTree([tmp_path]))

    assert [one.code for one in file.diagnostics] == ["MP906"]
    assert [one.code for one in file.shown(more).diagnostics] == ["MP308"]
