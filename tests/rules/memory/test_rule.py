"""What an operator writes, and what is found wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from mlpolicy.rules.memory import KIND
from mlpolicy.rules.memory.rule import MemoryRule, ReliefCall


def rule(**fields):
    return MemoryRule.model_validate(fields)


def findings(**fields):
    return list(KIND.ask("check", rule(**fields)))


def found_in(text):
    """Return the codes of the findings in the one rule of a policy file."""
    [policy] = yaml.safe_load(text)["policies"].values()
    return [code for code, _, _ in findings(**policy["memory"])]


def shown(**fields):
    made = rule(**fields)
    return " ".join(
        str(getattr(made, name)) for name in ("warn_at", "resume_at", "act_at", "reject_at")
    )


def test_the_defaults_work():
    """`memory: true` is a rule."""
    made = rule()

    assert (made.limit, made.measure, made.relieve) == ("auto", "nonreclaimable", ("gc", "trim"))
    assert [str(one) for one in (made.min_free, made.relieve_interval, made.wait, made.poll)] == [
        "256MiB", "30s", "5s", "100ms",
    ]  # fmt: skip
    assert findings() == []


@pytest.mark.parametrize(
    ("written", "levels"),
    [("85%", "75% 80% 85% 92%"), ("95%", "85% 90% 95% 97.5%"), (0.6, "50% 55% 60% 92%")],
)
def test_one_number_is_enough(written, levels):
    """`memory: 95%` moves the other thresholds along."""
    assert KIND.shorthand == "act_at"
    assert shown(act_at=written) == levels
    assert findings(act_at=written) == []


def test_numbers_from_code_move_them_too():
    """The decorator takes 0.95 where YAML has 95%."""
    made = MemoryRule.model_validate({"act_at": 0.95}, context={"python": True})

    assert str(made.reject_at) == "97.5%"


@pytest.mark.parametrize(
    ("fields", "odd", "message"),
    [
        (
            {"act_at": "90%", "reject_at": "85%"},
            "reject_at",
            "`reject_at` of 85% is below `act_at`, 90%",
        ),
        (
            {"resume_at": "90%", "act_at": "85%"},
            "resume_at",
            "`act_at` of 85% is below `resume_at`, 90%",
        ),
        (
            {"warn_at": "75%", "act_at": "8.5%"},
            "act_at",
            "`act_at` of 8.5% is below `warn_at`, 75%",
        ),
    ],
)
def test_thresholds_must_rise(fields, odd, message):
    """The finding points at the one that is farther from what is usual."""
    assert findings(**fields) == [("MP801", odd, message)]


def test_equal_thresholds_are_in_order():
    """Refuse as soon as you act: that may be meant."""
    assert findings(act_at="85%", reject_at="85%", resume_at="85%", warn_at="85%") == []


def test_relief_all_the_time_is_found():
    """Unless there is none."""
    fast = {"relieve_interval": "500ms"}

    assert [code for code, _, _ in findings(**fast)] == ["MP804"]
    assert findings(**fast, relieve=[]) == []
    assert findings(relieve_interval="1s") == []


def test_a_default_and_its_use_belong_together():
    """One without the other is a mistake, whatever the value."""
    assert [one[:2] for one in findings(on_pressure="default")] == [("MP011", "on_pressure")]
    assert [one[:2] for one in findings(default=None)] == [("MP010", "default")]
    assert findings(on_pressure="default", default=None) == []


def test_relief_may_call_a_function():
    """Named, not imported."""
    made = rule(relieve=["gc", {"call": "shop.models:unload"}])

    assert made.relieve == ("gc", ReliefCall(call="shop.models:unload"))


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"relieve": ["cache_evict"]}, "found `cache_evict`"),
        ({"relieve": ["swap"]}, "found `swap`"),
        ({"relieve": [{"call": "shop.unload"}]}, "did you mean `shop:unload`?"),
        ({"default": {"call": "unload"}, "on_pressure": "default"}, "`package.module:function`"),
        ({"limit": 2}, "`2` has no unit"),
        ({"limit": "2 elephants"}, ""),
        ({"limit": "0B"}, "refuses every call"),
        ({"poll": "1ms"}, "10ms or more"),
        ({"act_at": 85}, "did you mean `85%`?"),
        ({"act_at": "130%"}, "outside 0% to 100%"),
        ({"on_pressure": "wait"}, ""),
        ({"cost": "auto"}, ""),
        ({"psi": {"some_avg10": 20}}, ""),
        ({"gpu": {"device": 0}}, ""),
        ({"on_oom": {"retries": 1}}, ""),
        ({"scope": "cgroup"}, ""),
    ],
)
def test_what_cannot_be_meant_is_refused(fields, text):
    """With one error, at its field, that says what is expected."""
    with pytest.raises(ValidationError) as caught:
        rule(**fields)

    assert {error["loc"][0] for error in caught.value.errors()} == {next(iter(fields))}
    assert text in str(caught.value)


def test_synonyms_mean_fields():
    """Each word leads to a field that is there, and is none itself."""
    fields = set(MemoryRule.model_fields)

    assert {one.field for one in KIND.synonyms.values()} <= fields
    assert not fields & set(KIND.synonyms)
    meant = {word: KIND.synonyms[word].field for word in ("threshold", "max_memory", "timeout")}
    assert meant == {"threshold": "act_at", "max_memory": "limit", "timeout": "wait"}


def test_the_example_is_right():
    """Each rule of the example file can be made, and nothing is wrong with it."""
    text = (Path(__file__).parents[3] / "policies" / "examples" / "memory.yaml").read_text()
    policies = yaml.safe_load(text)["policies"]
    rules = [policy["memory"] for policy in policies.values()]
    rules = [one if isinstance(one, dict) else {KIND.shorthand: one} for one in rules]

    found = [
        findings(**{k: v for k, v in one.items() if k not in ("mode", "expires")}) for one in rules
    ]

    assert found == [[]] * 5


def test_the_page_names_every_setting():
    """And gives its default."""
    page = (Path(__file__).parents[3] / "docs" / "rules" / "memory.md").read_text()
    defaults = rule()

    for name in MemoryRule.model_fields:
        value = getattr(defaults, name)
        if name == "relieve":
            value = "[gc, trim]"
        shown = "none" if value is None else f"`{value}`"
        assert f"| `{name}` | {shown} |" in page
