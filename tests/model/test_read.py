"""What is wrong in a file, at its place."""

from __future__ import annotations

from textwrap import dedent

import pytest

from mlpolicy.model.read import read_text
from mlpolicy.plan.load import check


def findings(text):
    return read_text(dedent(text).lstrip("\n"), file="policy.yaml").diagnostics


def places(text):
    return [(one.code, one.span.line, one.span.column) for one in findings(text)]


HEAD = "version: 1\npolicies:\n  mypkg.serve:predict:\n"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        (HEAD + "    retry: {max_atempts: 3}\n", ("MP005", 4, 13), "did you mean `max_attempts`"),
        (HEAD + "    rety: 3\n", ("MP005", 4, 5), "did you mean `retry`"),
        (HEAD + "    ttl: 3s\n", ("MP005", 4, 5), "unknown key `ttl`"),
        (HEAD + "    retry: {max_attempts: many}\n", ("MP010", 4, 27), "a whole number"),
        (HEAD + "    retry: {max_attempts: '3'}\n", ("MP010", 4, 27), "found the text `3`"),
        (HEAD + "    retry: {jitter: ful}\n", ("MP010", 4, 21), "`full`"),
        (HEAD + "    retry: {initial_delay: 30}\n", ("MP101", 4, 28), "did you mean `30ms`"),
        (HEAD + "    cache: 30\n", ("MP101", 4, 12), "did you mean `30s`"),
        (HEAD + "    retry: [3]\n", ("MP010", 4, 12), "a mapping of settings"),
        (HEAD + "    retry: 3\n    mode: shaddow\n", ("MP010", 5, 11), "`shadow`"),
        (HEAD + "    retry: 3\n    priority: 900\n", ("MP010", 5, 15), "100"),
        (HEAD + "    retry: 3\n    exclude: 3\n", ("MP010", 5, 14), "text or a list"),
        (HEAD + "    retry: null\n", ("MP009", 4, 12), "retry: false"),
        (HEAD + "    retry: {retry_after: {maximum: 3s}}\n", ("MP005", 4, 27), "`max`"),
        ("policies: {}\n", ("MP003", 1, 1), "version: 1"),
        ("version: 2\n", ("MP003", 1, 10), "version 1"),
        ("version: '1'\n", ("MP003", 1, 10), "version 1"),
        ("", ("MP003", 1, 1), "version: 1"),
        ("- 1\n", ("MP010", 1, 1), "a mapping"),
        ("version: 1\npolicy: {}\n", ("MP005", 2, 1), "did you mean `policies`"),
        ("version: 1\npolicies: [a]\n", ("MP010", 2, 11), "a mapping"),
        ("version: 1\npolicies:\n  x: {retry: 3}\n", ("MP011", 3, 3), "needs `match`"),
        ("version: 1\npolicies:\n  a.b.c: {retry: 3}\n", ("MP011", 3, 3), "needs `match`"),
        (
            'version: 1\npolicies:\n  x: {match: "a.b.c", retry: 3}\n',
            ("MP010", 3, 14),
            "did you mean `a.b:c`",
        ),
        (
            'version: 1\npolicies:\n  x: {match: "*:f", retry: 3}\n',
            ("MP010", 3, 14),
            "begin with the name of a package",
        ),
        (
            "version: 1\nsettings: {on_missing_target: fail}\n",
            ("MP010", 2, 31),
            "`error`, `warn` or `ignore`",
        ),
        ("version: 1\ndefaults: {rety: {}}\n", ("MP005", 2, 12), "did you mean `retry`"),
        ("version: 1\ndefaults: {mode: on}\n", ("MP010", 2, 18), "`shadow`"),
        ("version: 1\npolicies: {mypkg:f: 3}\n", ("MP010", 2, 21), "expected the rules"),
    ],
)
def test_one_mistake_is_one_finding_at_its_place(text, place, words):
    """Code, line, column and remedy."""
    [finding] = findings(text)

    assert (finding.code, finding.span.line, finding.span.column) == place
    assert words in f"{finding.message} {finding.label} {finding.help}"


def test_a_policy_without_rules_is_a_warning():
    """It does nothing, and says so."""
    [finding] = findings("version: 1\npolicies:\n  mypkg:f: {owner: me}\n")

    assert (finding.code, finding.severity) == ("MP408", "warning")


def test_habitual_names_are_understood_well_enough_to_be_put_right():
    """`max_retries` counts one less, and the remedy says so."""
    [finding] = findings(HEAD + "    retry: {max_retries: 2}\n")

    assert "max_attempts" in finding.help
    assert [one.text for one in finding.suggestions] == ["max_attempts", "3"]


def test_all_mistakes_are_found_at_once():
    """Nothing stops at the first."""
    text = HEAD + "    retry: {max_atempts: 3, jitter: x}\n    cache: 30\n  other: {retry: 3}\n"

    assert places(text) == [
        ("MP005", 4, 13),
        ("MP010", 4, 37),
        ("MP101", 5, 12),
        ("MP011", 6, 3),
    ]


def test_keys_that_begin_with_x_are_free():
    """They are notes, and homes of anchors."""
    text = "version: 1\nx-note: {anything: [1, {a: b}]}\n" + HEAD[11:] + "    retry: 3\n"

    assert places(text) == []


def test_shorthands_are_spelt_out_with_their_place():
    """`retry: 3` is `max_attempts: 3`, and points at the 3."""
    [policy] = read_text(HEAD + "    retry: 3\n    cache: false\n").file.policies

    retry, cache = policy.rules
    assert (retry.settings["max_attempts"].value, retry.settings["max_attempts"].span.column) == (
        3,
        12,
    )
    assert cache.mode == "disabled"


@pytest.mark.parametrize("key", ["mode", "expires", "rollout"])
@pytest.mark.parametrize("null", ["null", "~"])
def test_a_null_of_every_rule_is_as_good_as_not_written(key, null):
    """Of the rule, and of the policy where it may stand."""
    texts = [f"    retry: {{max_attempts: 3, {key}: {null}}}\n"]
    if key != "rollout":
        texts.append(f"    retry: 3\n    {key}: {null}\n")
    for text in texts:
        loaded = check([read_text(HEAD + text)])
        assert [one.code for one in loaded.diagnostics if one.code != "MP906"] == []
        [plan] = [loaded.rulebook.plan(target) for target in loaded.rulebook.exact]
        assert plan.rule("retry").mode == "enforce"


def test_an_expiry_without_a_date_is_one_finding():
    """The check of dates does not meet it."""
    loaded = check([read_text(HEAD + "    retry:\n      max_attempts: 3\n      expires:\n")])

    assert [(one.code, one.span.line) for one in loaded.diagnostics] == [("MP009", 6)]
