"""Which policy wins, field by field."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlpolicy.core.target import Target
from policies import found, loaded

F = Target("mypkg.serve", "predict")


def plan(*texts):
    made = loaded(*texts)
    assert {one.code for one in made.errors} <= {"MP402"}
    return made.rulebook.plan(F)


def test_fields_of_several_policies_make_one_rule():
    """The exact target wins where both speak, the pattern fills in the rest."""
    made = plan("""
        policies:
          broad: {match: "mypkg.**:*", retry: {max_attempts: 5, jitter: equal}}
          mypkg.serve:predict: {retry: {max_attempts: 2}}
    """)

    rule = made.rule("retry")
    assert (rule.rule.max_attempts, rule.rule.jitter) == (2, "equal")
    assert rule.values["max_attempts"].policy == "mypkg.serve:predict"
    assert rule.values["jitter"].policy == "broad"
    assert rule.values["multiplier"].source is None


def test_more_literal_patterns_rank_higher():
    """Literal components decide, then literal characters."""
    made = plan("""
        policies:
          one: {match: "mypkg.**:*", retry: {max_attempts: 2}}
          two: {match: "mypkg.serve:*", retry: {max_attempts: 3}}
          three: {match: "mypkg.serve:pre*", retry: {max_attempts: 4}}
    """)

    assert made.rule("retry").rule.max_attempts == 4
    assert made.policies == ("three", "two", "one")


def test_priority_beats_exactness_and_final_beats_priority():
    """Final, priority, exactness: in this order."""
    made = plan("""
        policies:
          mypkg.serve:predict: {retry: {max_attempts: 2, jitter: none}, priority: 50}
          loud: {match: "mypkg.serve:*", priority: 60, retry: {max_attempts: 3, jitter: equal}}
          last: {match: "mypkg.**:*", final: true, retry: {max_attempts: 4}}
    """)

    assert (made.rule("retry").rule.max_attempts, made.rule("retry").rule.jitter) == (4, "equal")


def test_defaults_fill_in_and_never_switch_on():
    """A kind that no policy uses stays off."""
    made = plan("""
        defaults: {mode: shadow, retry: {max_attempts: 7}, cache: {max_entries: 9}}
        policies:
          mypkg.serve:predict: {retry: {jitter: none}}
          other: {match: "other:f", cache: 30s}
    """)

    assert [rule.kind for rule in made.rules] == ["retry"]
    assert (made.rule("retry").rule.max_attempts, made.rule("retry").mode) == (7, "shadow")


def test_inherit_false_starts_afresh_above_the_defaults():
    """What lower policies say is left out; the defaults hold still."""
    made = plan("""
        defaults: {retry: {max_delay: 3s}}
        policies:
          broad: {match: "mypkg.**:*", retry: {max_attempts: 5, jitter: equal}}
          mypkg.serve:predict: {retry: {inherit: false, multiplier: 3}}
    """)

    rule = made.rule("retry").rule
    assert (rule.max_attempts, rule.jitter, rule.multiplier, float(rule.max_delay)) == (
        3,
        "full",
        3,
        3,
    )


def test_inherit_false_leaves_out_what_is_below_and_nothing_beside_it():
    """What a policy is called does not decide what one of equal rank leaves of it."""
    for name in ("afore", "zlast"):
        made = plan(f"""
            policies:
              {name}: {{match: "mypkg.serve:*", retry: {{max_attempts: 5}}}}
              middle: {{match: "mypkg.serve:*", retry: {{inherit: false, jitter: equal}}}}
        """)

        rule = made.rule("retry").rule
        assert (rule.max_attempts, rule.jitter) == (5, "equal")


def test_a_block_that_is_written_empty_keeps_what_is_under_it():
    """An empty block sets nothing, wherever it stands."""
    made = plan("""
        policies:
          broad: {match: "mypkg.**:*", retry: {retry_after: {max: 5s}}}
          mypkg.serve:predict: {retry: {retry_after: {}}}
    """)

    rule = made.rule("retry")
    assert float(rule.rule.retry_after.max) == 5.0
    assert "retry_after" not in rule.values


def test_lists_replace_and_blocks_merge():
    """A list is one value; a block of settings merges key by key."""
    made = plan("""
        policies:
          broad:
            match: "mypkg.**:*"
            retry: {retry_on: [transient, ValueError], retry_after: {respect: false, max: 9s}}
          mypkg.serve:predict: {retry: {retry_on: [KeyError], retry_after: {max: 5s}}}
    """)

    rule = made.rule("retry").rule
    assert tuple(map(str, rule.retry_on)) == ("KeyError",)
    assert (rule.retry_after.respect, float(rule.retry_after.max)) == (False, 5.0)


def test_rules_stand_in_the_fixed_order():
    """The order of keys means nothing."""
    made = plan("""
        policies:
          mypkg.serve:predict:
            memory: true
            cache: 30s
            retry: 3
            monitor: true
            validate: {returns: {type: int}}
    """)

    assert [rule.kind for rule in made.rules] == ["monitor", "validate", "cache", "retry", "memory"]


def test_exclude_takes_a_function_out():
    """An excluded function has no plan, and the policy that excludes it is known."""
    rulebook = loaded("""
        policies:
          broad: {match: "mypkg.**:*", exclude: ["mypkg.serve:pre*"], retry: 3}
    """).rulebook

    assert rulebook.plan(F) is None
    assert rulebook.excluded(F).name == "broad"


def test_equal_rank_and_different_values_is_an_error_at_both_places():
    """Neither wins; the finding names the two lines."""
    [finding] = loaded(
        """
        policies:
          one: {match: "mypkg.serve:*", retry: {max_attempts: 2}}
          two: {match: "mypkg.serve:*", retry: {max_attempts: 3}}
        """
    ).diagnostics

    assert (finding.code, finding.span.line, finding.related[0].span.line) == ("MP401", 5, 4)


def test_a_mode_that_holds_for_many_rules_conflicts_once():
    """One place contradicts one other, however many rules are between them."""
    [finding] = loaded("""
        policies:
          one: {match: "mypkg.serve:*", mode: shadow, retry: 2, cache: 1m, expires: 2999-01-01}
          two: {match: "mypkg.serve:*", mode: enforce, retry: 2, cache: 1m}
    """).diagnostics
    [fixed] = loaded("""
        policies:
          mypkg.serve:predict: {mode: disabled, retry: {jitter: full}, cache: {copy: deep}}
          two: {match: "mypkg.serve:*", mode: enforce, final: true, retry: 2, cache: 1m}
    """).diagnostics

    assert finding.message == "two policies of equal rank set `mode` differently"
    assert fixed.message == "`mode` has no effect: policy `two` is final"


def test_the_defaults_of_two_files_conflict_once_and_know_no_priority():
    """What helps is to leave one of them out."""
    [finding] = loaded(
        "defaults: {mode: enforce, retry: {jitter: full}}\npolicies: {m:f: {retry: 3}, m:g: {cache: 1s}}",
        "defaults: {mode: disabled}\npolicies: {m:h: {memory: 80%}}",
    ).diagnostics

    assert finding.message == "two `defaults` set `mode` differently"
    assert finding.help == "keep one of them: `defaults` hold for the policies of all files"


def test_every_policy_below_a_final_one_hears_of_it():
    """All of them are said at once, each at its own line."""
    assert found("""
        policies:
          low: {match: "mypkg.**:*", retry: {max_attempts: 5}}
          mypkg.serve:predict: {retry: {max_attempts: 2}}
          last: {match: "mypkg.serve:*", final: true, retry: {max_attempts: 4}}
          monitored: {match: "mypkg.**:*", monitor: {}}
    """) == [("MP402", 4, 38), ("MP402", 5, 33)]


def test_the_deadline_that_is_shown_is_the_one_that_holds():
    """Not the first of the file."""
    [finding] = loaded("""
        policies:
          broad: {match: "mypkg.**:*", deadline: 9m, monitor: {}}
          mypkg.serve:predict: {deadline: 1s, retry: {initial_delay: 2s}}
    """).diagnostics

    assert (finding.code, finding.related[0].span.line) == ("MP601", 5)


def test_policies_that_ask_for_other_functions_of_one_pattern_do_not_conflict():
    """Nothing is a function and a coroutine; where the same is asked, the same is meant."""
    text = """
        policies:
          plain: {{match: {{target: "mypkg.serve:*", kind: [function]}}, retry: 2, monitor: {{}}}}
          other: {{match: {{target: "mypkg.serve:*", kind: [{kind}]}}, retry: 3, monitor: {{}}}}
    """

    assert found(text.format(kind="coroutine")) == []
    assert [code for code, *_ in found(text.format(kind="function"))] == ["MP401"]


def test_equal_rank_and_equal_values_is_fine():
    """Two policies may agree."""
    assert (
        found("""
        policies:
          one: {match: "mypkg.serve:*", retry: {max_attempts: 2}}
          two: {match: "mypkg.serve:*", retry: {max_attempts: 2, jitter: none}}
    """)
        == []
    )


def test_disabled_and_shadow_are_modes_of_a_rule_of_a_policy_or_of_the_file():
    """The nearest mode holds; a monitor is never shadowed."""
    made = plan("""
        defaults: {mode: shadow}
        policies:
          mypkg.serve:predict:
            mode: enforce
            retry: {mode: shadow}
            cache: false
            memory: true
            monitor: true
    """)

    modes = {rule.kind: rule.mode for rule in made.rules}
    assert modes == {"retry": "shadow", "memory": "enforce", "monitor": "enforce"} | {
        "cache": "disabled"
    }


POLICIES = (
    'a: {match: "mypkg.**:*", retry: {max_attempts: 2, jitter: none}}',
    'b: {match: "mypkg.serve:*", retry: {max_attempts: 3}, cache: 30s}',
    'c: {match: "mypkg.serve:predict", retry: {multiplier: 4}}',
    'd: {match: "mypkg.*:predict", priority: 3, cache: {ttl: 5s, max_entries: 4}}',
    'e: {match: "other:*", retry: 9}',
)


@given(st.permutations(POLICIES), st.integers(min_value=0, max_value=5))
def test_no_order_of_policies_or_files_changes_a_plan(order, split):
    """Shuffled over two files in any order, the same values hold."""
    whole = loaded("policies:\n" + "".join(f"  {one}\n" for one in POLICIES))
    parts = [part for part in (order[:split], order[split:]) if part]

    files = ["policies:\n" + "".join(f"  {one}\n" for one in part) for part in parts]
    shuffled = loaded(*files).rulebook.plan(F)

    expected = whole.rulebook.plan(F)
    assert [rule.rule for rule in shuffled.rules] == [rule.rule for rule in expected.rules]
