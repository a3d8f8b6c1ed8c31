"""Patterns that take nothing."""

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
    ("pattern", "help"),
    [
        ("shop.models:Config.*", ""),  # (it has no methods)
        ("shop.models:Ranker.*", "did you mean `shop.models:Rankers.fit`?"),
        ("shop.modles:*", ""),
        ("shpo.**:encode_*", ""),
        ("shop.zzz:*", ""),
        ("shop.ml.*:enc_text*", "did you mean `shop.ml.features:encode_text`?"),
        ("shop.**:fecth_*", ""),
    ],
)
@pytest.mark.parametrize("key", ["match", "exclude"])
def test_a_pattern_that_takes_nothing(nothing, pattern, key, help):
    """With the function that is most like it, in the modules that it covers."""
    [one] = nothing(pattern, key)

    assert (one.code, one.help, one.suggestions) == ("MP302", help, ())
