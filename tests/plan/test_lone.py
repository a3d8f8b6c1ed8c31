"""Plans of policies that stand alone, whose rules others have written before."""

from __future__ import annotations

import pytest

from mlpolicy.core.target import Target
from mlpolicy.plan.rulebook import Rulebook
from mlpolicy.plan.show import describe
from mlpolicy.plan.show import target as compiled
from tests.plan.policies import loaded

RULES = """
    retry: {max_attempts: 3, initial_delay: 50ms}
    cache:
      ttl: 30s
      key: [user]
    monitor: {log: {sample: 5%}}
"""
TWO = f"policies:\n  m:f:{RULES}  m:g:{RULES}"
F, G = Target("m", "f"), Target("m", "g")


def plan_of(text, target, **more):
    return Rulebook(loaded(text).files, **more).plan(target)


def warm(text, **more):
    book = Rulebook(loaded(text).files, **more)
    book.plan(F)
    return book


BELOW = "defaults: {retry: {max_delay: 1s}, monitor: {log: {sample: 1%}}}\n"
OVER = "  all: {match: {target: 'm:*'}, monitor: {log: {inputs: none}}, memory: {limit: 1GiB}}\n"


@pytest.mark.parametrize(
    "text",
    [
        TWO,
        BELOW + TWO,
        TWO + OVER,
        BELOW + TWO + OVER,
        BELOW + TWO.replace("retry: {", "retry: {inherit: false, ") + OVER,
        TWO + OVER.replace("monitor: {", "monitor: {final: true, "),
        TWO + OVER.replace("match: ", "priority: 7, match: "),
        TWO + OVER + OVER.replace("all", "rest"),
    ],
)
def test_a_plan_made_of_known_rules_is_the_one_that_is_made_anew(text):
    again, anew = warm(text).plan(G), plan_of(text, G)
    assert compiled(again) == compiled(anew)
    assert describe(again) == describe(anew)
    for one, other in zip(again.rules, anew.rules, strict=True):
        assert (one.source, one.keys, one.control) == (other.source, other.keys, other.control)
        assert dict(one.values) == dict(other.values)
        assert (one.policy, dict(one.lost)) == (other.policy, dict(other.lost))
    found = [(d.code, d.span) for d in loaded(text).diagnostics]
    book = Rulebook(loaded(text).files)
    assert {(d.code, d.span) for d in book.resolve(G)[1]} <= set(found)


@pytest.mark.parametrize(("more", "code"), [("priority: 0", "MP401"), ("final: true", "MP402")])
def test_what_two_say_is_found_though_others_said_it_before(more, code):
    def policy(name, target, more, inputs):
        return f"  {name}: {{match: {{target: 'm:{target}'}}, {more}, {inputs}}}\n"

    none, some = "monitor: {log: {inputs: none}}", "monitor: {log: {inputs: summary}}"
    right = policy("a", "f", "priority: 0", none) + policy("b", "f", "priority: 1", some)
    wrong = policy("c", "g", "priority: 0", none) + policy("d", "g", more, some)
    found = loaded(f"policies:\n{right}{wrong}").diagnostics
    assert code in [d.code for d in found]


def test_rules_stand_in_the_order_in_which_a_call_meets_them():
    assert [one.kind for one in warm(TWO).plan(G).rules] == ["monitor", "cache", "retry"]


def test_the_kill_switch_reaches_rules_that_were_known():
    again = warm(TWO, environ={"MLPOLICY_DISABLE": "retry"}).plan(G)
    assert [one.mode for one in again.rules] == ["enforce", "enforce", "disabled"]


def test_what_others_say_still_counts():
    over = TWO + "  all: {match: {target: 'm:*'}, memory: {limit: 1GiB}}\n"
    assert [one.kind for one in warm(over).plan(G).rules] == ["monitor", "cache", "retry", "memory"]
    below = f"defaults: {{retry: {{max_delay: 1s}}}}\n{TWO}"
    assert warm(below).plan(G).rule("retry").values["max_delay"].policy == "defaults"
    shadow = TWO.replace("  m:g:", "  m:g:\n    mode: shadow")
    assert warm(shadow).plan(G).rule("retry").mode == "shadow"


def test_a_rule_that_is_odd_is_found_wherever_it_stands():
    odd = RULES.replace("initial_delay: 50ms", "initial_delay: 20s, max_delay: 10s")
    two = loaded(f"policies:\n  m:f:{odd}  m:g:{odd}").diagnostics
    one = loaded(f"policies:\n  m:f:{odd}").diagnostics
    assert len(two) == 2 * len(one) > 0
    assert {d.code for d in two} == {d.code for d in one}


def test_a_plan_is_looked_at_where_its_rules_mean_something_together():
    pressed = (
        "    retry: {retry_on: [mlpolicy.MemoryPressure], retry_after: {respect: false}}\n"
        "    memory: {limit: 1GiB}\n"
    )
    two = loaded(f"policies:\n  m:f:\n{pressed}  m:g:\n{pressed}")
    assert [d.code for d in two.diagnostics].count("MP806") == 2
    unseen = "    cache: {ttl: 1s}\n"
    text = f"policies:\n  m:f:\n{unseen}  m:g:\n{unseen}  m:h: {{monitor: {{}}}}\n"
    assert [d.code for d in loaded(text).diagnostics].count("MP906") == 2
    called = "    cache: {ttl: 1s, key: {call: 'm:key'}}\n"
    text = f"settings: {{allow_call: ['other:*']}}\npolicies:\n  m:f:\n{called}  m:g:\n{called}"
    assert len(loaded(text).diagnostics) == 2
