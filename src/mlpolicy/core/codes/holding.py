"""MP09x and MP50x: what is not shown, and whether, when and where policies hold."""

from __future__ import annotations

from functools import partial

from mlpolicy.core.codes import Code, policy

_policy = partial(policy, "mypkg:f")
_ONCE = "retry: {max_attempts: 1}"

CODES = (
    Code(
        "MP090",
        "warning",
        "suppression without a reason",
        "A finding is suppressed, and nothing says why.",
        "The next reader cannot tell whether it is still meant.",
        _policy(f"{_ONCE}  # mlpolicy: ignore[MP611]"),
        _policy(f"{_ONCE}  # mlpolicy: ignore[MP611] switched off for the migration"),
    ),
    Code(
        "MP091",
        "error",
        "suppression of an unknown code",
        "A suppression names a code that does not exist.",
        "What was meant is still shown, or will be.",
        _policy("retry: 3  # mlpolicy: ignore[MP999] as agreed"),
        _policy("retry: 3"),
    ),
    Code(
        "MP092",
        "warning",
        "suppression without effect",
        "A finding is suppressed that is not found.",
        "It would hide the same mistake when it is made anew.",
        _policy("retry: 3  # mlpolicy: ignore[MP611] as agreed"),
        _policy("retry: 3"),
    ),
    Code(
        "MP501",
        "warning",
        "expires soon",
        "A policy or a rule expires within `settings.expiry_warning`.",
        "What it does ends on that day, whether or not somebody looked.",
        _policy("expires: 2027-12-31", "retry: 3", head="settings: {expiry_warning: 36500d}\n"),
        _policy("expires: 2999-12-31", "retry: 3"),
    ),
    Code(
        "MP502",
        "error",
        "expired",
        "A policy or a rule has passed its date.",
        "It no longer holds, or holds against what was agreed.",
        _policy("expires: 2020-01-31", "retry: 3"),
        _policy("expires: 2999-12-31", "retry: 3"),
    ),
    Code(
        "MP503",
        "error",
        "mode that means nothing",
        "`mode: shadow` is written on a rule `monitor`, or a rollout on a rule that is disabled.",
        "Watching changes nothing, so there is nothing to try out; what is off takes no share.",
        _policy("monitor: {mode: shadow}"),
        _policy("monitor: {}"),
    ),
    Code(
        "MP504",
        "warning",
        "shadow for ever",
        "A policy or a rule writes `mode: shadow` and no `expires`.",
        "A trial without an end is a rule that never protects anybody.",
        _policy("retry: {max_attempts: 3, mode: shadow}"),
        _policy("retry: {max_attempts: 3, mode: shadow, expires: 2999-12-31}"),
    ),
    Code(
        "MP505",
        "error",
        "required word missing",
        "A policy lacks what `settings.require` asks every policy for.",
        "At three in the morning nobody can ask why it is there.",
        _policy("retry: 3", head="settings: {require: [owner]}\n"),
        _policy("owner: team-ranking", "retry: 3", head="settings: {require: [owner]}\n"),
    ),
    Code(
        "MP506",
        "warning",
        "enforced at once",
        "`mlpolicy diff` finds a rule in force that did not hold before, not even in shadow.",
        "Nobody has seen what it would do to real calls.",
        "",
        "",
    ),
    Code(
        "MP508",
        "warning",
        "rollout of none or all",
        "A rollout takes 0% or 100% of the calls.",
        "It says no more than a mode would, and has to be worked out.",
        _policy("retry: {max_attempts: 3, rollout: 100%}"),
        _policy("retry: {max_attempts: 3, rollout: 50%}"),
    ),
)
