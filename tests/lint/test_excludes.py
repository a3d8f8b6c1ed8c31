"""What `exclude` names: a slip in it would put rules on what was to be spared."""

from __future__ import annotations

import pytest

SHOP = {"shop": "def load(): ...\ndef save(): ...\n", "other": "def save(): ...\n"}


@pytest.fixture
def about(findings):
    """Find what is wrong with an `exclude` beside the `match` of two functions."""

    def find(exclude, match="shop:*"):
        text = f"policies:\n  a: {{match: '{match}', exclude: ['{exclude}'], retry: 3}}\n"
        found = [one for one in findings(text, **SHOP) if one.code not in ("MP607", "MP906")]
        return [(one.code, one.help) for one in found]

    return find


@pytest.mark.parametrize(
    ("exclude", "code", "meant"),
    [
        ("shop:saev", "MP301", "shop:save"),
        ("shp:save", "MP303", "shop:save"),
        ("shop:sav_*", "MP302", "shop:save"),
    ],
)
def test_what_it_names_and_is_not_there_is_found(about, exclude, code, meant):
    """As for `match`, with the same remedy."""
    assert about(exclude) == [(code, f"did you mean `{meant}`?")]


@pytest.mark.parametrize("exclude", ["other:save", "other:*"])
def test_what_match_does_not_take_is_found(about, exclude):
    """It has no effect."""
    [(code, _)] = about(exclude)

    assert code == "MP408"


@pytest.mark.parametrize("exclude", ["shop:save", "shop:s*"])
def test_what_it_takes_out_is_right(about, exclude):
    """Whether by name or by pattern."""
    assert about(exclude) == []


def test_one_that_takes_a_part_of_what_is_elsewhere_is_right(about):
    """Some of its functions are matched."""
    assert about("shop.**:save", match="shop:*") == []


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("has_param: [user]", "user_id"), ("tag: hott", "hot"), ("has_param: [xyz]", "")],
)
def test_a_condition_that_nothing_meets_names_the_word_that_is_near(findings, asked, meant):
    """Among those that the functions of the pattern have."""
    shop = "import mlpolicy\n@mlpolicy.tag('hot')\ndef load(user_id): ...\n"
    text = f"policies:\n  a: {{match: {{target: 'shop:*', {asked}}}, retry: 3}}\n"
    found = [one.help for one in findings(text, shop=shop) if one.code == "MP302"]

    assert found == ([f"did you mean `{meant}`?"] if meant else [""])
