"""Models and schemas accept and refuse the same files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from mlpolicy.document.node import Mapping
from mlpolicy.document.parse import parse
from mlpolicy.model.read import read_source, source
from mlpolicy.model.schema import in_draft, published
from mlpolicy.plan.codes import codes
from mlpolicy.rules import KINDS
from tests.corpus.cases import CASES, MARK

ROOT = Path(__file__).parents[3]
VALIDATORS = (Draft202012Validator(in_draft("2020-12")), Draft7Validator(in_draft("7")))
OF_SCHEMA = {"MP003", "MP005", "MP009", "MP010", "MP011", "MP101", "MP103", "MP130"}
OF_READER = {"MP001", "MP002", "MP004", "MP006", "MP007", "MP008", "MP009"}
"""What YAML readers say before a schema is asked; an empty value is null to them."""

BEYOND = (
    # (words of a finding, why no schema can say it)
    ("is no pattern of", "the grammar of targets and patterns is more than a regular expression"),
    ("names no function", "the same"),
    ("is no module path", "the same"),
    ("is no function name", "the same"),
    ("would look at every module", "the same"),
    ("is no path to an argument", "the grammar of paths into arguments"),
    ("expected a date", "`format` is a note in JSON Schema, and 2027-02-30 no pattern's business"),
    ("expected one of `is_none", "of two keys, exactly one: said by a check of the model"),
    ("a whole number, found `1.0`", "JSON Schema holds that 1.0 is an integer"),
    ("version `1.0` is not", "the same"),
    ("a finite number", "JSON has no other numbers"),
    ("a key must be text", "what a reader of YAML makes of such a key differs"),
    ("`{{` begins a mapping", "two mappings to a schema"),
    ("names its target twice", "a key is compared with another one"),
    ("a cache that holds nothing", "the check says what to write instead"),
    ("names no argument: every call", "the same"),
    ("of 0 keeps nothing", "the same"),
)


def said(text):
    """Return the findings about which a schema can be asked, and those that are beyond it."""
    one = source(parse(text, file="x"))
    readings = [read_source(one, environment=name) for name in (None, *one.environments)]
    every = dict.fromkeys(each for reading in readings for each in reading.diagnostics)
    found = [each for each in every if each.code in OF_SCHEMA]
    beyond = [one for one in found if any(words in one.message for words, _ in BEYOND)]
    return [one for one in found if one not in beyond], beyond


def is_for_the_reader(text):
    document = parse(text, file="x")
    return not isinstance(document.root, Mapping) or any(
        one.code in OF_READER for one in document.diagnostics
    )


def refused(text):
    root = parse(text, file="x").root
    return [next(one.iter_errors(root.plain()), None) is not None for one in VALIDATORS]


def disagree(text):
    """Return what models and schemas say where they do not agree."""
    found, beyond = said(text)
    verdicts = refused(text)
    if beyond and not found:
        return None
    if verdicts == [bool(found)] * 2:
        return None
    return (text, [str(one) for one in found], verdicts)


VALUES = (
    *("1", "0", "-1", "1.5", "text", "true", "null", "[]", "[text]", "[1]", "{}", "{a: 1}"),
    *("30s", "1m30s", "5%", "150%", "20k", "1MiB", "2027-03-31", '"30s"', '"1"'),
)


def rule_cases():
    for kind in KINDS:
        for value in VALUES:
            yield f"version: 1\npolicies:\n  m:f: {{{kind}: {value}}}\n"
        for field in (
            *KINDS[kind].rule_model().model_fields,
            "mode",
            "expires",
            "rollout",
            "final",
        ):
            for value in VALUES:
                yield f"version: 1\npolicies:\n  m:f: {{{kind}: {{{field}: {value}}}}}\n"


PLACES = {
    "file": "version: 1\n{}: {}\n",
    "settings": "version: 1\nsettings: {{{}: {}}}\n",
    "defaults": "version: 1\ndefaults: {{{}: {}}}\n",
    "policy": "version: 1\npolicies:\n  m:f: {{retry: 3, {}: {}}}\n",
    "named": "version: 1\npolicies:\n  one: {{retry: 3, {}: {}}}\n",
    "profile": "version: 1\nprofiles:\n  one: {{{}: {}}}\n",
    "match": "version: 1\npolicies:\n  one: {{retry: 3, match: {{{}: {}}}}}\n",
    "rollout": "version: 1\npolicies:\n  m:f: {{retry: {{rollout: {{{}: {}}}}}}}\n",
    "environment": "version: 1\npolicies: {{m:f: {{retry: 3}}}}\nenvironments: {{prod: {{{}: {}}}}}\n",
}


def block_cases():
    from mlpolicy.model.grammar import (
        FileBlock,
        MatchBlock,
        Overlay,
        PolicyBlock,
        ProfileBlock,
        RolloutBlock,
        SettingsBlock,
    )

    fields = {
        "file": [name for name in FileBlock.model_fields if name != "version"],
        "settings": SettingsBlock.model_fields,
        "defaults": ["mode", *KINDS],
        "policy": PolicyBlock.model_fields,
        "named": PolicyBlock.model_fields,
        "profile": [*ProfileBlock.model_fields, *KINDS],
        "match": MatchBlock.model_fields,
        "rollout": RolloutBlock.model_fields,
        "environment": Overlay.model_fields,
    }
    for place, form in PLACES.items():
        for field in (*fields[place], "unknown_word", "retry"):
            for value in (*VALUES, "m:g", "[m:g]", "{b: 2}", "{m:f: {retry: null}}"):
                yield form.format(field, value)


def files():
    for path in sorted((ROOT / "policies").rglob("*.yaml")):
        if ".test" not in path.name:
            yield path.read_text()
    yield from (text.replace(MARK, "", 1) for _, text in CASES if "${" not in text)
    for code in codes().values():
        if code.before and code.code not in OF_READER:
            yield from (code.before, code.after)


@pytest.mark.parametrize("cases", [rule_cases, block_cases, files], ids=lambda one: one.__name__)
def test_models_and_schemas_agree(cases):
    texts = [text for text in cases() if not is_for_the_reader(text)]
    wrong = [one for text in texts if (one := disagree(text))]

    assert wrong == [], f"{len(wrong)} of {len(texts)}"


@pytest.mark.parametrize(
    ("draft", "name"), [("2020-12", "mlpolicy.schema.json"), ("7", "mlpolicy.draft7.schema.json")]
)
def test_the_published_files_are_current(draft, name):
    """`mlpolicy schema --draft DRAFT --write FILE` writes them anew."""
    assert (ROOT / name).read_text("utf-8") == published(draft)


@pytest.mark.parametrize("value", ['"${env:A}"', '"${vars.a}"', '"x${env:A:-1}"'])
def test_a_variable_may_stand_for_any_value(value):
    """Only a process knows what it says; in names and targets it stands nowhere."""
    for kind in KINDS:
        for field, of in KINDS[kind].rule_model().model_fields.items():
            if of.annotation in (int, float, bool, str):
                assert refused(
                    f"version: 1\npolicies:\n  m:f: {{{kind}: {{{field}: {value}}}}}\n"
                ) == [
                    False,
                    False,
                ], (kind, field)
    assert refused(f"version: 1\npolicies:\n  m:f: {{mode: {value}, deadline: {value}}}\n") == [
        False,
        False,
    ]


def test_names_of_labels_are_held_to():
    """A mapping whose keys have a form of their own has no others."""
    text = "version: 1\npolicies:\n  m:f: {{monitor: {{labels: {{{name}: gold}}}}}}\n"

    assert [refused(text.format(name=name)) for name in ("tier_x", "tier-x")] == [
        [False, False],
        [True, True],
    ]
    assert disagree(text.format(name="tier-x")) is None


def test_each_is_right_by_its_own_draft():
    Draft202012Validator.check_schema(in_draft("2020-12"))
    Draft7Validator.check_schema(in_draft("7"))


def test_the_older_draft_has_no_newer_words():
    text = json.dumps(in_draft("7"))

    assert not [word for word in ('"$defs"', '"prefixItems"', '"$dynamicRef"') if word in text]


def test_kinds_of_plugins_are_in_it():
    from dataclasses import replace

    KINDS.add("again", replace(KINDS["retry"], name="again"))
    try:
        assert "again" in in_draft("2020-12")["$defs"]
    finally:
        KINDS.remove("again")


def test_every_word_is_explained():
    """An editor shows what each key of a rule means."""
    for kind in KINDS:
        rule = in_draft("2020-12")["$defs"][kind]
        missing = [k for k, v in rule["then"]["properties"].items() if not v.get("description")]
        assert missing == [], kind


MORE = (*VALUES, '" 30s"', '"5 %"', '"1h30"', '"1 MiB "', '""', "[null]", "[a, a]", "101", "-101")


def spots(value, path=()):
    """Yield the path of everything in *value*."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    for key, one in inner:
        yield (*path, key)
        yield from spots(one, (*path, key))


def edited(whole, words, chance):
    """Return *whole* with one thing in it replaced, removed, renamed, added or put in a list."""
    whole = json.loads(json.dumps(whole, default=str))
    *path, key = chance.choice(list(spots(whole)))
    home = whole
    for part in path:
        home = home[part]
    value = parse(chance.choice(MORE), file="x").root.plain()
    match chance.randrange(5 if isinstance(home, dict) else 3):
        case 0:
            home[key] = value
        case 1:
            del home[key]
        case 2:
            home[key] = [home[key]]
        case 3:
            home[chance.choice(words)] = home.pop(key)
        case _:
            home[chance.choice(words)] = value
    return whole


def test_they_agree_on_right_files_with_one_edit():
    """Files are what the examples and the findings show as right; no variable is in them.

    What is wrong in the environment of a policy that is not there is MP407, and no more.
    """
    wrong = {code.before for code in codes().values()}
    texts = [text for text in files() if "${" not in text and text not in wrong]
    roots = [parse(text, file="x").root for text in texts]
    right = [root.plain() for root in roots if root is not None]
    words = [part for one in right for path in spots(one) for part in path if type(part) is str]
    chance = random.Random(0)
    texts = [json.dumps(edited(chance.choice(right), words, chance)) for _ in range(2000)]
    kept = [text for text in texts if not is_for_the_reader(text) and "environments" not in text]

    wrong = [one for text in kept if (one := disagree(text))]

    assert wrong == [], f"{len(wrong)} of {len(kept)}"
