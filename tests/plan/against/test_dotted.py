"""Paths of dots alone, and what the source has of that name."""

from __future__ import annotations

import pytest

from mlpolicy.plan.against import as_in_source
from mlpolicy.plan.against.dotted import OF_PATHS
from mlpolicy.plan.survey import Survey
from policies import loaded

FILES = {
    "shop/__init__.py": "from shop.serve import predict\n",
    "shop/fallback.py": "def popular(): ...\ndef empty(): ...\n",
    "shop/serve.py": """
def predict(x): return 1
class ranker:
    def rank(self, q): ...
""",
    "shop/errors.py": "class Refused(Exception): ...\n",
    "shop/clients/__init__.py": "",
    "shop/clients/http.py": "def get(x): ...\n",
}
PLACES = {
    "match": "policies: {all: {match: PATH, monitor: {}}}\n",
    "target": "policies: {all: {match: {target: [PATH]}, monitor: {}}}\n",
    "exclude": "policies: {all: {match: 'shop.**:*', exclude: [PATH], monitor: {}}}\n",
    "allow_call": "settings: {allow_call: [PATH]}\n",
}
CALL = "policies: {'shop.serve:predict': {memory: {relieve: [{call: PATH}]}, monitor: {}}}\n"
KEY = "policies: {PATH: {monitor: {}}}\n"


@pytest.fixture
def mended(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def find(text, path):
        file = loaded(text.replace("PATH", path))
        [one] = as_in_source(file, Survey([tmp_path])).errors
        column = text.splitlines()[0].index("PATH") + 1
        assert (one.code in OF_PATHS, one.span.column) == (True, column)
        return one.help, [repair.text for repair in one.suggestions]

    return find


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("shop.fallback", "shop.fallback:*"),
        ("shop", "shop.**:*"),  # (it defines no function itself)
        ("shop.clients", "shop.clients.**:*"),
        ("shop.fallbak", "shop.fallback:*"),
        ("shop.serve.predict", "shop.serve:predict"),
        ("shop.serve.predct", "shop.serve:predict"),
        ("shop.serve.ranker", "shop.serve:ranker.*"),
        ("shop.serve.ranker.rank", "shop.serve:ranker.rank"),
        ("shop.predict", "shop.serve:predict"),
        ("shop.zzz", "shop:zzz"),  # (as the reader guessed: the source has nothing like it)
    ],
)
def test_a_pattern_without_a_colon_is_what_the_source_has(mended, place, path, meant):
    """A module, a class or a function: the repair takes what is there."""
    assert mended(place, path) == (f"did you mean `{meant}`?", [meant])


@pytest.mark.parametrize(
    ("path", "help", "repairs"),
    [
        ("shop.fallback", "`shop.fallback` has `popular`, `empty`", []),
        ("shop.serve.ranker", "did you mean `shop.serve:ranker`?", ["shop.serve:ranker"]),
        ("shop.fallback.empty", "did you mean `shop.fallback:empty`?", ["shop.fallback:empty"]),
    ],
)
def test_a_rule_calls_one_function(mended, path, help, repairs):
    """A module is none; a class is called as it is."""
    assert mended(CALL, path) == (help, repairs)


@pytest.mark.parametrize(
    ("path", "help", "repairs"),
    [
        ("shop.serve.ranker.rank", "did you mean `shop.serve:ranker.rank`?", 1),
        (
            "shop.fallback",
            'give the policy a name, and write `match: "shop.fallback:*"`',
            0,
        ),
    ],
)
def test_the_key_of_a_policy_is_no_pattern(mended, path, help, repairs):
    """That of a module is only shown: it belongs under `match`."""
    found, suggested = mended(KEY, path)

    assert (found, len(suggested)) == (help, repairs)


@pytest.mark.parametrize(
    "rule",
    [
        "retry: {retry_on: [OSError, PATH]}",
        "retry: {give_up_on: [PATH]}",
        "validate: {args: {x: {type: PATH}}}",
        "validate: {returns: {model: PATH}}",
    ],
)
def test_a_class_without_its_module_is_the_one_of_the_package(mended, rule):
    """It is looked for in the packages that policies are for."""
    text = f"policies: {{'shop.serve:predict': {{{rule}}}}}\n"

    assert mended(text, "Refused") == (
        "did you mean `shop.errors.Refused`?",
        ["shop.errors.Refused"],
    )
    assert mended(text, "Unheard")[1] == []


def test_what_else_is_wrong_stays_as_it_is(tmp_path):
    """Of values that are no path, the source has nothing to say."""
    text = "policies: {'shop:f': {retry: {retry_on: [http:49]}, cache: 30}, 'shop:g': {retry: x}}\n"
    file = loaded(text)

    assert as_in_source(file, Survey([tmp_path])) == file
