"""Models and schemas accept and refuse the same files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from mlpolicy.document.node import Mapping
from mlpolicy.document.parse import parse
from mlpolicy.model.grammar import (
    FileBlock,
    MatchBlock,
    Overlay,
    PolicyBlock,
    ProfileBlock,
    RolloutBlock,
    RuleCommon,
    SettingsBlock,
)
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.read import read_source, source
from mlpolicy.model.schema import in_draft, published
from mlpolicy.model.unknown import within
from mlpolicy.plan.codes import codes
from mlpolicy.rules import KINDS
from tests.corpus.cases import CASES, MARK
from tests.model.schema.editor import read
from tests.model.schema.mutants import Mutants, spots

ROOT = Path(__file__).parents[3]
VALIDATORS = (Draft202012Validator(in_draft("2020-12")), Draft7Validator(in_draft("7")))
OF_SCHEMA = {
    *("MP003", "MP005", "MP009", "MP010", "MP011"),
    *("MP101", "MP103", "MP110", "MP112", "MP130"),
}
OF_READER = {"MP001", "MP002", "MP004", "MP006", "MP007", "MP008", "MP009"}
"""What YAML readers say before a schema is asked; an empty value is null to them."""

BEYOND = (
    # (words of a finding, why no schema can say it)
    ("is not defined", "what a variable stands for is not known before it is put in"),
    ("is not set", "the same"),
    ("names no variable", "text may have anything in it, and most of it is text"),
    ("a variable in a key", "of a value that may be anything, a schema knows no keys"),
    ("calls nothing", "a `default` may be any mapping, one with a key `cal` too"),
    ("names its target twice", "a key is compared with another one"),
    ("expected a `poll` of", "a sum of amounts is more than a pattern can tell"),
    ("a cache that holds nothing", "the same, of parts of a byte"),
    ("a `limit` of nothing", "the same"),
    ("no length is at least", "a number is compared with another one"),
    ("a finite number", "JSON has no other numbers"),
    ("`nan` is outside", "the same"),
    ("a key must be text", "what a reader of YAML makes of such a key differs"),
    ("`{{` begins a mapping", "two mappings to a schema"),
)
"""`docs/how-to/edit-with-completion.md` says the same to people."""


def said(text, value="1"):
    """Return the findings about which a schema can be asked, and those that are beyond it.

    *value* is what the variables `X` and `x` stand for.
    """
    one = source(parse(text, file="x"))
    every = {}
    for name in (None, *one.environments):
        variables = Variables({"X": value}, fixed={"x": value})
        reading = read_source(one, environment=name, variables=variables)
        every |= dict.fromkeys(reading.diagnostics)
    found = [each for each in every if each.code in OF_SCHEMA]
    beyond = [each for each in found if is_beyond(each, one)]
    return [each for each in found if each not in beyond], beyond


def is_beyond(found, one):
    """Whether no schema can know what was *found*: by its words, or by where it stands."""
    homes = [each.get("vars") for each in (one.root, *one.environments.values()) if each]
    line = (one.document.lines or ("",))[found.span.line - 1]
    written = line[found.span.column - 1 : found.span.end_column - 1].strip("\"'")
    is_whole = written.startswith("${") and written.endswith("}")
    return (
        any(words in found.message for words, _ in BEYOND)
        # To JSON, 3.0 is a whole number.
        or ("a whole number" in found.message and _is_whole(written))
        # A variable is wrong where it is used, and what is around one makes it no better.
        or any(within(found.span, home.span) for home in homes if home is not None)
        or ("${env:" in written and not is_whole)
        # What a file's own variables say, a schema does not look up.
        or (written.startswith("${vars.") and written != "${vars.x}")
        # An environment is laid over its file before anything is missing.
        or (one.environments and found.code == "MP011")
    )


def _is_whole(written):
    try:
        return float(written).is_integer()
    except (ValueError, OverflowError):
        return False


def is_for_the_reader(text):
    document = parse(text, file="x")
    return not isinstance(document.root, Mapping) or any(
        one.code in OF_READER for one in document.diagnostics
    )


def words(schema):
    """Yield every word that *schema* lists."""
    for key, one in schema.items() if isinstance(schema, dict) else ():
        yield from map(str, one if key == "enum" else ())
        yield from words(one)
    for one in schema if isinstance(schema, list) else ():
        yield from words(one)


MEANT = (
    *(
        "1",
        "true",
        "text",
        "1s",
        "1MiB",
        "50%",
        "2030-01-01",
        "m:f",
        "a.b",
        "0.5",
        "null",
        "s",
        "503",
    ),
    *sorted(set(words(in_draft("7")))),
)
"""What a variable may stand for, so that some value of it is right wherever one can be."""


def refused(text):
    plain = read(text)
    return [next(one.iter_errors(plain), None) is not None for one in VALIDATORS]


def disagree(text):
    """Return what models and schemas say where they do not agree.

    Where a variable stands, one value that makes the file right is enough.
    """
    found, beyond = said(text)
    for value in MEANT if found and "${" in text else ():
        found, beyond = said(text, value)
        if not found:
            break
    verdicts = refused(text)
    if (beyond and not found) or verdicts == [bool(found)] * 2:
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


@pytest.mark.parametrize("value", ['"${env:A}"', '"${vars.a}"', '"${env:A:-1}"', '"x${env:A}"'])
def test_a_variable_may_stand_for_any_value(value):
    """Only a process knows what it says; but what has text around it is a text."""
    form, is_whole = "version: 1\npolicies:\n  m:f: {{{}}}\n", value.startswith('"$')
    for kind in KINDS:
        for field, of in KINDS[kind].rule_model().model_fields.items():
            if of.annotation in (int, float, bool, str):
                is_right = is_whole or of.annotation is str
                text = form.format(f"{kind}: {{{field}: {value}}}")
                assert refused(text) == [not is_right] * 2, (kind, field)
    assert refused(form.format(f"mode: {value}, deadline: {value}")) == [False, False]


@pytest.mark.parametrize("value", ['"$${env:A}"', '"${A}"', '"${evn:A}"', '"$env:A"'])
@pytest.mark.parametrize("field", ["max_attempts", "jitter", "max_delay"])
def test_what_is_no_variable_stands_for_nothing(field, value):
    text = f"version: 1\npolicies:\n  m:f: {{retry: {{{field}: {value}}}}}\n"

    assert refused(text) == [True, True]


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


WHOLE = (
    Path(__file__).with_name("everything.yaml"),
    ROOT / "tests" / "plan" / "complete" / "policy.yaml",
)


def right_files():
    """Return what right files say: examples, what findings show as right, and every key."""
    wrong = {code.before for code in codes().values()}
    texts = [text for text in files() if text not in wrong and not is_for_the_reader(text)]
    texts += [path.read_text() for path in WHOLE]
    right = [read(text) for text in texts if said(text) == ([], [])]
    return [one for one in right if len(json.dumps(one)) < 10_000]


def in_an_environment(whole):
    """Return *whole* with all that it says once more in an environment."""
    parts = ("vars", "settings", "defaults", "profiles", "policies")
    over = json.loads(json.dumps({key: whole[key] for key in parts if key in whole}))
    for policy in over.get("policies", {}).values():
        policy.pop("match", None)
    return {**whole, "environments": {"prod": over}}


@pytest.mark.parametrize(("seed", "count"), [(1, 1000), (2, 1000), (3, 120)])
def test_they_agree_on_right_files_with_one_edit(seed, count):
    """Anything replaced, removed, renamed, moved, doubled, added, or put in a list."""
    right = right_files()
    if seed == 2:
        right = [in_an_environment(one) for one in right if "environments" not in one]
    if seed == 3:
        right = [read(WHOLE[0].read_text())]
    mutants = Mutants(right, seed)
    texts = [mutants.one() for _ in range(count)]
    kept = [text for text in texts if not is_for_the_reader(text)]

    wrong = [one for text in kept if (one := disagree(text))]

    assert wrong == [], f"{len(wrong)} of {len(kept)}"


def test_a_file_with_every_key_is_right_and_has_every_key():
    text = WHOLE[0].read_text()
    keys = {part for path in spots(read(text)) for part in path}
    rules = [KINDS[kind].rule_model() for kind in KINDS]
    blocks = (FileBlock, SettingsBlock, PolicyBlock, MatchBlock, RolloutBlock, RuleCommon)

    assert (said(text), refused(text)) == (([], []), [False, False])
    assert {field for one in (*rules, *blocks) for field in one.model_fields} - keys == {
        "resources"
    }
