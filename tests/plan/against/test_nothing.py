"""Patterns that take nothing: which were meant, by the names that the source has now."""

from __future__ import annotations

import pytest

FILES = {
    "shop/__init__": "",
    "shop/models": """
        class Rankers:
            def fit(self): ...
            def predict(self, q): ...
        class Config: ...
        def load_model(): ...
    """,
    "shop/ml/__init__": "",
    "shop/ml/features": "def encode_text(x): ...\ndef encode_user(x): ...\n",
    "shop/clients/__init__": "",
    "shop/clients/http": "def fetch_item(x): ...\nclass Client:\n    def get(self): ...\n",
}


@pytest.fixture
def nothing(findings):
    def find(pattern, key="match"):
        rest = "" if key == "match" else "match: 'shop.models:*', "
        policy = f"policies:\n  a: {{{rest}{key}: '{pattern}', monitor: {{}}}}\n"
        return findings(policy, **FILES)

    return find


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        # A class with another name now, wherever the pattern looks for it.
        ("shop.models:Ranker.*", "shop.models:Rankers.*"),
        ("shop.**:Ranker.*", "shop.**:Rankers.*"),
        ("shop.models:Ranker.pre*", "shop.models:Rankers.pre*"),
        ("shop.models:Rankers.perdict*", "shop.models:Rankers.predict*"),
        # A module.
        ("shop.modles:*", "shop.models:*"),
        ("shop.modles:Rankers.*", "shop.models:Rankers.*"),
        ("shpo.**:encode_*", "shop.**:encode_*"),
        ("shop.*.featurs:*", "shop.*.features:*"),
        ("shop.**.featurs:encode_*", "shop.**.features:encode_*"),
        ("shop.mls.*:*", "shop.ml.*:*"),
        ("shop.client.**:*", "shop.clients.**:*"),
        # The beginning of a function.
        ("shop.ml.*:encod_*", "shop.ml.*:encode_*"),
        ("shop.**:fecth_*", "shop.**:fetch_*"),
        # What was moved.
        ("shop.models:Client.*", "shop.clients.http:Client.*"),
        ("shop.features:*", "shop.ml.features:*"),
        ("shop.features:encode_*", "shop.ml.features:encode_*"),
    ],
)
@pytest.mark.parametrize("key", ["match", "exclude"])
def test_a_pattern_is_offered_as_it_takes_something(nothing, pattern, meant, key):
    """One component is put right, or the module where all is now; the rest stays as it is."""
    [one] = nothing(pattern, key)

    assert (one.code, one.help) == ("MP302", f"did you mean `{meant}`?")
    assert [repair.text for repair in one.suggestions] == [meant]


@pytest.mark.parametrize(
    ("pattern", "help"),
    [
        ("shop.models:Config.*", "did you mean `shop.models:Rankers.*`?"),  # (it has no methods)
        ("shop.clients.http:Session.*", "did you mean `shop.clients.http:Client.*`?"),
        ("shop.zzz:*", ""),
        ("shop.ml.features:zzz*", ""),
        ("shop.ml.*:enc_text*", "did you mean `shop.ml.features:encode_text`?"),
    ],
)
def test_what_is_like_nothing_has_no_repair(nothing, pattern, help):
    """What is alike by more than a slip is only shown."""
    [one] = nothing(pattern)

    assert (one.code, one.help, one.suggestions) == ("MP302", help, ())
