"""The profiles that come with mlpolicy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mlpolicy.core.target import Target
from mlpolicy.document.node import Mapping, entries_of
from mlpolicy.document.parse import parse
from mlpolicy.model.policy import SHIPPED
from mlpolicy.model.read import profile_path, read_source, shipped, source
from mlpolicy.plan.load import Terms, check, load, load_every
from mlpolicy.plan.show import describe
from tests.plan.policies import found, loaded

F = Target("m", "f")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh():
    shipped.cache_clear()
    return shipped


def retry_of(*texts):
    [rule] = [one for one in loaded(*texts).rulebook.plan(F).rules if one.kind == "retry"]
    return rule


# --- what they are --------------------------------------------------------------------


def test_they_are_the_files_of_the_package():
    folder = profile_path(SHIPPED[0]).parent

    assert sorted(one.name for one in folder.iterdir()) == [f"{one}.yaml" for one in SHIPPED]


@pytest.mark.parametrize("name", SHIPPED)
def test_each_is_right_and_named_like_its_file(name):
    """With every finding on, alone and where it is used."""
    alone = load([profile_path(name)])
    used = loaded(f"policies: {{'m:f': {{use: [{name}]}}}}")

    assert [one.name for file in alone.files for one in file.profiles] == [name]
    assert (alone.diagnostics, used.diagnostics) == ((), ())


@pytest.mark.parametrize("name", SHIPPED)
def test_each_setting_is_defended_by_a_comment(name):
    """On the line above it."""
    _, document = shipped(name)
    [profile] = entries_of(document.root.get("profiles"))
    lines = {
        entry.key_span.line
        for rule in entries_of(profile.value)
        for entry in (entries_of(rule.value) if isinstance(rule.value, Mapping) else (rule,))
    }

    assert lines
    assert {n for n in lines if not document.lines[n - 2].lstrip().startswith("#")} == set()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_page_shows_it(name):
    page = (ROOT / "docs" / "reference" / "profiles.md").read_text("utf-8")

    assert f"```yaml\n{profile_path(name).read_text('utf-8')}```" in page


# --- how they are found ---------------------------------------------------------------


def test_a_policy_uses_one_without_an_import():
    """Each value says where it stands."""
    rulebook = loaded("policies: {'m:f': {use: [openai], retry: {max_attempts: 2}}}").rulebook
    text = describe(rulebook.plan(F))

    assert re.search(r"mlpolicy/profiles/openai\.yaml:\d+:\d+ profiles\.openai", text)
    assert re.search(r"max_attempts +2 +0\.yaml:2:", text)


def test_what_nobody_uses_is_neither_read_nor_found(fresh):
    result = loaded("profiles: {own: {retry: 4}}\npolicies: {'m:f': {use: [own]}}")

    assert (result.diagnostics, result.rulebook.profiles.shipped) == ((), {})
    assert fresh.cache_info().misses == 0


@pytest.mark.parametrize(
    "texts",
    [
        ("profiles: {openai: {retry: 5}}\npolicies: {'m:f': {use: [openai]}}",),
        ("profiles: {openai: {retry: 5}}\n", "policies: {'m:f': {use: [openai]}}"),
        (
            "profiles: {openai: {retry: 5}, mine: {extends: [openai]}}\n"
            "policies: {'m:f': {use: [mine]}}",
        ),
    ],
)
def test_one_of_that_name_goes_before(fresh, texts):
    """Which is no finding; none of the other is left."""
    rule = retry_of(*texts)

    assert (rule.rule.max_attempts, rule.values["max_elapsed"].source) == (5, None)
    assert found(*texts) == []
    assert fresh.cache_info().misses == 0


@pytest.mark.parametrize(
    "text",
    [
        "profiles: {mine: {extends: [openai], retry: {max_attempts: 5}}}\n"
        "policies: {'m:f': {use: [mine]}}",
        "profiles: {mine: {retry: {max_attempts: 5}}}\npolicies: {'m:f': {use: [openai, mine]}}",
        "policies: {'m:f': {use: [openai], retry: 5}}",
    ],
)
def test_one_can_be_built_upon(text):
    rule = retry_of(text)

    assert (rule.rule.max_attempts, float(rule.rule.max_elapsed)) == (5, 30.0)
    assert found(text) == []


def test_an_environment_uses_one(tmp_path):
    """It alone, and every environment is checked."""
    file = tmp_path / "p.yaml"
    file.write_text(
        "version: 1\npolicies: {'m:f': {monitor: true}}\n"
        "environments: {prod: {policies: {'m:f': {use: [httpx]}}}}\n"
    )

    base, prod = load([file]), load([file], Terms(environment="prod"))

    assert [one.kind for one in base.rulebook.plan(F).rules] == ["monitor"]
    assert [one.kind for one in prod.rulebook.plan(F).rules] == ["monitor", "retry"]
    assert load_every([file]).diagnostics == ()


def test_an_environment_takes_a_rule_of_one_out():
    """What is taken out is there."""
    text = (
        "policies: {'m:f': {use: [openai], cache: 1s}}\n"
        "environments: {prod: {policies: {'m:f': {NONE: null}}}}"
    )

    def codes(kind):
        document = parse("version: 1\n" + text.replace("NONE", kind), file="p.yaml")
        result = check([read_source(source(document), environment="prod")])
        return [one.code for one in result.diagnostics], [
            one.kind for one in result.rulebook.plan(F).rules
        ]

    assert codes("retry") == ([], ["monitor", "cache"])
    assert codes("memory") == (["MP407"], ["monitor", "cache", "retry"])


@pytest.mark.parametrize(
    ("word", "help"),
    [
        ("opnai", "did you mean `openai`?"),
        ("OpenAI", "did you mean `openai`?"),
        ("request", "did you mean `requests`?"),
        ("sk-learn", "did you mean `sklearn`?"),
        ("encode", "did you mean `encoder`?"),
        ("fast-api", "did you mean `fastapi`?"),
        ("httpx2", "did you mean `httpx`?"),
        ("grpc", "there are `own`, " + ", ".join(f"`{one}`" for one in SHIPPED)),
    ],
)
def test_a_misspelt_one_is_put_right(word, help):
    text = f"profiles: {{own: {{retry: 4}}}}\npolicies: {{'m:f': {{use: [own, {word}]}}}}"

    [one] = loaded(text).diagnostics

    assert (one.code, one.help) == ("MP406", help)
