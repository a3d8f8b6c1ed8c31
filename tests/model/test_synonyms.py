"""Words that people type from habit: one finding, which names the word that is meant."""

from __future__ import annotations

import pytest

from mlpolicy.model.grammar import OF_FILE, OF_KINDS, OF_POLICY
from mlpolicy.model.read import read_text
from mlpolicy.rules import KINDS

HEAD = "version: 1\npolicies:\n  a:\n    match: m:f\n"
POLICY = HEAD + "    retry: 3\n"


def only(text):
    """Return the one finding of *text*."""
    [finding] = read_text(text).diagnostics
    return finding


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("targets: [m:f]", "match"),
        ("function: m:f", "match"),
        ("selector: {target: m:f, tag: hot}", "match"),
    ],
)
def test_a_selector_by_another_name_is_one_mistake(written, meant):
    """The policy does not lack a selector besides."""
    finding = only(f"version: 1\npolicies:\n  a:\n    {written}\n    retry: 3\n")

    assert (finding.code, finding.span.line, finding.span.column) == ("MP005", 4, 5)
    assert finding.help == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("expiry: 2030-01-01", "expires"),
        ("description: calms the store", "reason"),
        ("team: search", "owner"),
        ("except: [m:g]", "exclude"),
        ("enabled: false", "mode"),
        ("dry_run: true", "mode"),
        ("profile: calm", "use"),
        ("extends: calm", "use"),
        ("metrics: {}", "monitor"),
        ("validation: {args: {x: {type: int}}}", "validate"),
    ],
)
def test_a_key_by_another_name_is_one_mistake(written, meant):
    """Whatever stands under it."""
    finding = only(POLICY + f"    {written}\n")

    assert (finding.code, finding.span.line, finding.span.column) == ("MP005", 6, 5)
    assert finding.help.startswith(f"did you mean `{meant}`?")


@pytest.mark.parametrize("section", ["profiles:\n  p:\n    ", "defaults:\n    "])
def test_a_kind_by_another_name_is_understood_wherever_rules_stand(section):
    """In profiles and in defaults as in policies."""
    finding = only(f"version: 1\n{section}retries: {{max_attempts: 3}}\n")

    assert (finding.code, finding.help) == ("MP005", "did you mean `retry`?")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("rules: {m:f: {retry: 3}}", "policies"), ("env: {prod: {}}", "environments")],
)
def test_a_section_by_another_name_is_one_mistake(written, meant):
    """Its place is the key."""
    finding = only(f"version: 1\n{written}\n")

    assert (finding.code, finding.span.line, finding.span.column) == ("MP005", 2, 1)
    assert finding.help == f"did you mean `{meant}`?"


def test_a_misspelt_word_is_offered_as_it_was_meant():
    """By the help and the repair, which `--fix` leaves to the author."""
    finding = only(POLICY + "    mode: enfroce\n")

    assert (finding.code, finding.help) == ("MP010", "did you mean `enforce`?")
    assert [(one.text, one.safe) for one in finding.suggestions] == [("enforce", False)]


@pytest.mark.parametrize(
    ("written", "safe"),
    [("max_retries: 3", True), ("maxRetries: 3", True), ("max_atempts: 3", False)],
)
def test_only_a_synonym_is_put_right_without_being_asked(written, safe):
    """What is merely alike may mean something else."""
    finding = only(HEAD + f"    retry: {{{written}}}\n")

    assert {one.safe for one in finding.suggestions} == {safe}


def test_a_synonym_of_a_key_that_is_there_offers_nothing():
    """Nor is it offered a key that only looks like it."""
    finding = only(HEAD + "    retry: {max_attempts: 3, max_retries: 2}\n")

    assert (finding.code, finding.suggestions) == ("MP005", ())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("m.Store.load", "m:Store.load"),
        ("pkg.m.load", "pkg.m:load"),
        ("m:load()", "m:load"),
        ("pkg/m.py:load", "pkg.m:load"),
        ("pkg/m.py::Store::load", "pkg.m:Store.load"),
        ("pkg/m.py::load", "pkg.m:load"),
        ("pkg:m:load", "pkg.m:load"),
        ("my-pkg.m:load", "my_pkg.m:load"),
        ("load", ""),
        ("m:", ""),
        ("m:<lambda>", ""),
    ],
)
def test_function_paths_of_other_tools_are_translated(written, meant):
    """Where what was meant can be told."""
    finding = only(f'version: 1\npolicies:\n  a: {{match: "{written}", retry: 3}}\n')

    assert finding.code == "MP010"
    assert finding.help == (f"did you mean `{meant}`?" if meant else "")


@pytest.mark.parametrize(
    "text",
    [
        POLICY + "    retyr: 4\n",
        POLICY + "    priority: 1\n    prioritty: 2\n",
        "version: 1\ndefaults: {retry: {jitter: full}, retyr: {jitter: none}}\n",
        POLICY + "polices: {}\n",
    ],
)
def test_a_key_that_is_there_already_is_not_offered_as_an_edit(text):
    """It would stand there twice."""
    finding = only(text)

    assert (finding.code, finding.suggestions) == ("MP005", ())
    assert finding.help.endswith(", which is here already?")


@pytest.mark.parametrize(
    ("written", "column", "meant"),
    [
        ("memory: {on_pressure: default, default: {function: 'm:f'}}", 46, "call"),
        ("memory: {on_pressure: default, default: {call: 'm:f()'}}", 52, "m:f"),
        ("memory: {relieve: ['m:f']}", 24, '{call: "m:f"}'),
    ],
)
def test_a_value_in_another_form_is_put_right(written, column, meant):
    """At its place, by the repair."""
    found = read_text(f"{HEAD}    {written}\n    cache: 30s\n").diagnostics

    [repair] = [repair for one in found for repair in one.suggestions]
    assert (found[0].span.column, repair.text, len(found)) == (column, meant, 1)


def test_no_habit_is_a_word_of_the_language():
    """It would never be reported."""
    from mlpolicy.model.grammar import FileBlock, PolicyBlock

    assert not set(OF_POLICY) & {*PolicyBlock.model_fields, *KINDS}
    assert not set(OF_KINDS) & set(KINDS)
    assert not set(OF_FILE) & set(FileBlock.model_fields)


def test_every_habit_means_a_word_of_the_language():
    """Else it would mislead."""
    from mlpolicy.model.grammar import FileBlock, MatchBlock, PolicyBlock

    selector = set(MatchBlock.model_fields)
    for word, one in OF_POLICY.items():
        known = selector if word.startswith("match.") else {*PolicyBlock.model_fields, *KINDS}
        assert one.field in known
    assert {one.field for one in OF_FILE.values()} <= set(FileBlock.model_fields)


def test_a_test_file_has_habits_too():
    """`environment` is `env` there."""
    from mlpolicy.model.grammar import OF_TESTS
    from mlpolicy.testing.grammar import SuiteBlock

    assert {one.field for one in OF_TESTS.values()} <= set(SuiteBlock.model_fields)
    assert not set(OF_TESTS) & set(SuiteBlock.model_fields)
