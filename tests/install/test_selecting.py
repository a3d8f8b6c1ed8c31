"""Policies that ask more of a function than its path."""

from __future__ import annotations

import functools
import importlib
import sys
from textwrap import dedent

import pytest

import mlpolicy
from mlpolicy.install import bootstrap

MODULE = """
    import functools
    import mlpolicy

    @mlpolicy.tag("remote")
    def near(x): return x

    @functools.lru_cache
    @mlpolicy.tag("remote", "slow")
    def kept(x): return x

    async def later(user): return user

    def given(user): yield user

    def plain(x): return x

    class Store:
        @classmethod
        @mlpolicy.tag("remote")
        def fetch(cls, user): return user
"""


@pytest.fixture
def placed(tmp_path, monkeypatch):
    """Give the targets that a selector takes, the module imported after or before."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "chosen.py").write_text(dedent(MODULE))
    path = tmp_path / "policy.yaml"

    def of(match, *, early=True, name="x", rule="monitor: {log: false}"):
        path.write_text(f"version: 1\npolicies:\n  {name}:\n    match: {match}\n    {rule}\n")
        if not early:
            importlib.import_module("chosen")
        mlpolicy.install(policy=path)
        importlib.import_module("chosen")
        found = {
            one.target.qualname
            for one in bootstrap.engine().placed.values()
            if one.state == "applied" and one.plan.rules
        }
        return found

    yield of
    mlpolicy.uninstall()
    sys.modules.pop("chosen", None)


ASKED = [
    ("{target: ['chosen:*', 'chosen:*.*'], tag: remote}", {"near", "kept", "Store.fetch"}),
    ("{target: ['chosen:*', 'chosen:*.*'], tag: [slow, fast]}", {"kept"}),
    ("{target: ['chosen:*'], tag: rem*}", {"near", "kept"}),
    ("{target: ['chosen:*'], kind: coroutine}", {"later"}),
    ("{target: ['chosen:*'], kind: [coroutine, generator]}", {"later", "given"}),
    ("{target: ['chosen:*', 'chosen:*.*'], has_param: user}", {"later", "given", "Store.fetch"}),
    ("{target: ['chosen:*'], has_param: [user, x], kind: function}", {"near", "kept", "plain"}),
    ("{target: ['chosen:*'], decorated_by: functools.lru_cache}", {"kept"}),
    ("{target: ['chosen:*'], decorated_by: ['functools.*', tenacity.retry]}", {"kept"}),
    ("{target: 'chosen:near', tag: remote}", {"near"}),
    ("{target: 'chosen:near', tag: slow}", set()),
    ("{target: 'chosen:plain', tag: remote}", set()),
]


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(("match", "names"), ASKED, ids=[one[0] for one in ASKED])
def test_a_selector_takes(placed, match, names, early):
    """Items of a list are alternatives, keys must all hold; the import may come first or last."""
    assert placed(match, early=early) == names


def test_a_target_that_is_not_of_the_sort_is_left_out(placed):
    """It is said why, and the function keeps its code."""
    placed("{target: 'chosen:plain', tag: remote}")
    one = bootstrap.engine().placed["chosen:plain"]

    assert (one.state, "another sort of function" in one.detail) == ("excluded", True)
    assert sys.modules["chosen"].plain.__code__.co_consts == (None,)


def test_a_tag_costs_nothing():
    """The function itself is returned."""

    def one(): ...

    assert mlpolicy.tag("a")(mlpolicy.tag("b")(one)) is one
    assert one.__mlpolicy_tags__ == ("b", "a")


@pytest.mark.parametrize("wrong", [(), (len,), (1,)])
def test_a_tag_is_a_word(wrong):
    with pytest.raises(TypeError, match="at least one word"):
        mlpolicy.tag(*wrong)


def test_tags_go_along_with_wraps():
    @functools.wraps(mlpolicy.tag("a")(lambda: None))
    def outer(): ...

    assert outer.__mlpolicy_tags__ == ("a",)
