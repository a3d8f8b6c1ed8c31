"""What a file fixes for all, no second file lets go of: final policies and settings."""

from __future__ import annotations

import pytest

from mlpolicy.core.allowed import Allowed
from mlpolicy.core.target import Target
from policies import found, loaded

F = Target("mypkg.serve", "predict")
GUARD = """
    policies:
      guard: {match: "mypkg.**:*", final: true, retry: {max_attempts: 3}}
"""


def severities(*texts):
    fixed = [one for one in loaded(*texts).diagnostics if one.code == "MP402"]
    return sorted((one.code, one.severity, one.span.file) for one in fixed)


def held(*texts):
    rule = loaded(*texts).rulebook.plan(F).rule("retry")
    return rule.mode, rule.rule.max_attempts, rule.control.expires, rule.control.rollout


@pytest.mark.parametrize(
    ("rule", "grave"),
    [
        ("mode: disabled, retry: {jitter: equal}", "error"),
        ("mode: shadow, retry: {jitter: equal}", "error"),
        ("expires: 2999-01-01, retry: {jitter: equal}", "warning"),
        ("retry: false", "error"),
        ("retry: {mode: shadow}", "error"),
        ("retry: {jitter: equal, rollout: 1%}", "error"),
        ("retry: {jitter: equal, expires: 2999-01-01}", "warning"),
    ],
)
def test_nobody_else_switches_off_what_is_final(rule, grave):
    """Neither by a mode nor a date nor a share of calls; a date may be asked for, and is told."""
    team = f"policies:\n  mypkg.serve:predict: {{{rule}}}\n"

    assert held(GUARD, team) == ("enforce", 3, None, None)
    assert severities(GUARD, team) == [("MP402", grave, "1.yaml")]


def test_a_date_that_every_policy_must_have_keeps_no_service_from_starting():
    """Where the final policy has one, that holds, and the other has no effect on its rule."""
    require = "settings: {require: [expires]}\n"
    guard = GUARD.replace("final: true", "final: true, expires: 2998-01-01")
    team = "policies: {mypkg.serve:predict: {expires: 2999-01-01, retry: {jitter: equal}}}\n"

    assert severities(require, guard, team) == [("MP402", "warning", "2.yaml")]
    assert str(held(require, guard, team)[2]) == "2998-01-01"


def test_the_defaults_of_another_file_do_not_reach_what_is_final():
    """They hold for all other policies, so that is no mistake, and still said."""
    team = "defaults: {mode: disabled}\npolicies: {other:f: {retry: 3, monitor: {}}}"

    assert held(GUARD, team) == ("enforce", 3, None, None)
    assert loaded(GUARD, team).rulebook.plan(Target("other", "f")).rule("retry").mode == "disabled"
    assert severities(GUARD, team) == [("MP402", "info", "1.yaml")]


def test_the_owner_of_what_is_final_switches_it_off():
    """In the same file, by the policy, another one, the defaults or an environment."""
    own = GUARD + "      mypkg.serve:predict: {retry: {mode: shadow}}\n"

    assert held(GUARD.replace("final: true", "final: true, mode: shadow"))[0] == "shadow"
    assert held("\n    defaults: {mode: shadow}" + GUARD)[0] == "shadow"
    assert held(own)[0] == "shadow"
    assert severities(own) == []


def test_a_profile_of_the_owner_switches_off_nothing_for_others():
    """Who uses a profile answers for what it says."""
    guard = GUARD + "    profiles: {trial: {retry: {mode: disabled}}}\n"
    team = "policies: {mypkg.serve:predict: {use: [trial], retry: {jitter: equal}}}"

    assert held(guard, team)[0] == "enforce"
    assert ("MP402", "error", "0.yaml") in severities(guard, team)


def test_agreeing_with_what_is_final_is_fine():
    """`mode: enforce` is what holds."""
    assert found(GUARD, "policies: {mypkg.serve:predict: {mode: enforce, retry: {}}}") == []


@pytest.mark.parametrize("height", ["", "priority: 100, "])
@pytest.mark.parametrize(
    "rule", ["max_attempts: 9", "mode: disabled", "rollout: 1%", "expires: 2999-01-01"]
)
@pytest.mark.parametrize("match", ["mypkg.serve:predict", "mypkg.**:*", "mypkg.serve:predic*"])
def test_two_files_are_not_final_about_one_thing(match, height, rule):
    """Whoever ranks higher: a service that writes `final` does not outrank the platform."""
    if match == "mypkg.serve:predic*":
        target = "      x: {match: 'mypkg.serve:predict', monitor: {}}\n"
    else:
        target = ""
    team = f"policies:\n  mine: {{match: '{match}', final: true, {height}retry: {{{rule}}}}}\n"

    each = [one for one in loaded(GUARD + target, team).errors if one.code in ("MP401", "MP402")]

    assert [(one.severity, one.span.file) for one in each] == [("error", "1.yaml")]


def test_who_agrees_first_and_disagrees_then_is_found():
    """The second policy of a file is compared with those of other files, too."""
    team = """
        policies:
          one: {match: "mypkg.**:*", final: true, priority: 1, retry: {max_attempts: 3}}
          two: {match: "mypkg.**:*", final: true, priority: 2, retry: {max_attempts: 9}}
    """

    assert severities(GUARD, team) == [("MP402", "error", "1.yaml")]


def test_final_policies_of_one_file_go_by_their_priority():
    """Their owner knows why."""
    more = (
        '      more: {match: "mypkg.serve:*", final: true, priority: 1, retry: {max_attempts: 9}}\n'
    )

    assert held(GUARD + more) == ("enforce", 9, None, None)
    assert found(GUARD + more) == []


def test_beginning_afresh_leaves_nothing_final_out():
    """Not even where what begins afresh is final itself."""
    team = "policies: {mine: {match: 'mypkg.serve:*', final: true, retry: {inherit: false}}}"

    assert held(GUARD, team) == ("enforce", 3, None, None)


def test_of_deadlines_that_are_final_the_shortest_holds():
    guard = GUARD.replace("final: true", "final: true, deadline: 10s")
    team = "policies: {mine: {match: 'mypkg.**:*', final: true, priority: 9, deadline: 1h, monitor: {}}}"

    assert loaded(guard, team).rulebook.plan(F).deadline == 10.0


# --- settings -------------------------------------------------------------------------


def said(*settings):
    made = loaded(*(f"settings: {{{text}}}\n" if text else "" for text in settings))
    return made.rulebook.settings


def test_no_second_file_loosens_a_setting():
    """Each as careful as the most careful file asks."""
    platform = "require: [owner], on_missing_target: error, on_engine_error: closed, "
    platform += "on_unknown_environment: error, allow_call: ['acme.safe:*'], expiry_warning: 30d"
    team = "require: [], on_missing_target: ignore, on_engine_error: open, "
    team += "on_unknown_environment: base, allow_call: ['**:*'], expiry_warning: 1h"

    for both in (said(platform, team), said(team, platform)):
        assert both.require == ("owner",)
        assert both.on_missing_target == "error"
        assert both.on_engine_error == "closed"
        assert both.on_unknown_environment == "error"
        assert both.expiry_warning == 30 * 86400
        allowed = Allowed((), both.allowed)
        assert allowed.why_not("os:system")
        assert not allowed.why_not("acme.safe:f")


def test_an_environment_that_is_unknown_is_let_through_where_no_file_forbids_it():
    assert said("on_unknown_environment: base", "").on_unknown_environment == "base"
    assert said("", "").on_unknown_environment == "error"


@pytest.mark.parametrize(
    "match",
    [
        "{target: 'mypkg.serve:predict', kind: function}",
        "{target: 'mypkg.serve:*', has_param: x}",
        "['mypkg.serve:predict', 'mypkg.serve:p*']",
    ],
)
def test_what_a_match_asks_for_hides_no_call(match):
    """A call is judged whatever functions its policy turns out to be for."""
    rule = 'memory: {reject_at: 80%, relieve: [{call: "os:abort"}]}'
    team = f"policies:\n  mine: {{match: {match}, {rule}}}\n"

    each = loaded("settings: {allow_call: ['acme.safe:*']}\n", team).errors

    assert {one.code for one in each} == {"MP010"}


@pytest.mark.parametrize("owner", ["''", "' '", '"\\t"'])
def test_a_blank_word_is_none(owner):
    """`settings.require` asks for one that somebody can read."""
    team = f"policies: {{mypkg.serve:predict: {{owner: {owner}, monitor: {{}}}}}}\n"

    assert found("settings: {require: [owner]}\n", team) == [("MP505", 2, 12)]
