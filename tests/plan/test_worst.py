"""The longest that rules add to a call, as `explain` tells it."""

from __future__ import annotations

import pytest

from mlpolicy.core.span import Span
from mlpolicy.core.target import Target
from mlpolicy.plan.plan import Plan, PlannedRule
from mlpolicy.plan.show import worst_case
from mlpolicy.rules import KINDS


def told(deadline=None, **rules):
    span = Span("policy.yaml", 3, 5, 3, 9)
    planned = tuple(
        PlannedRule(kind, "enforce", KINDS[kind].rule_model().model_validate(fields), {}, span, "p")
        for kind, fields in rules.items()
    )
    return worst_case(Plan(Target("shop", "f"), "enforce", planned, deadline=deadline))


RETRY = {"max_attempts": 4, "initial_delay": "50ms"}


@pytest.mark.parametrize(
    ("deadline", "rules", "lines"),
    [
        (
            None,
            {"retry": RETRY},
            [
                "  worst case: 4 calls + 350ms, up to 1m30.35s where the other side asks by Retry-After",
                "    pauses 350ms",
                "    pauses asked for by Retry-After: up to 1m30.35s, 3 x 30s (retry_after.max)",
            ],
        ),
        (
            5.0,
            {"retry": RETRY},
            [
                "  worst case: 4 calls + 350ms, up to 5s where the other side asks by Retry-After",
                "    pauses 350ms",
                "    pauses asked for by Retry-After: up to 1m30.35s, 3 x 30s (retry_after.max)",
                "    deadline 5s: no pause and no wait goes beyond it",
            ],
        ),
        (
            None,
            {"retry": {**RETRY, "max_elapsed": "20s"}, "memory": {"wait": "2s"}},
            [
                "  worst case: 4 calls + 8.35s, up to 28s where the other side asks by Retry-After",
                "    pauses 350ms",
                "    pauses asked for by Retry-After: up to 20s, 3 x 30s (retry_after.max) "
                "(max_elapsed bounds them)",
                "    waits for memory 4 x 2s",
            ],
        ),
        (
            None,
            {"retry": {**RETRY, "retry_on": ["ConnectionError"]}},
            ["  worst case: 4 calls + 350ms", "    pauses 350ms"],
        ),
        (
            None,
            {"retry": {**RETRY, "retry_after": {"respect": False}}},
            ["  worst case: 4 calls + 350ms", "    pauses 350ms"],
        ),
        (None, {"retry": 1}, ["  worst case: 1 call + 0s", "    pauses 0s"]),
    ],
)
def test_both_the_own_pauses_and_those_that_may_be_asked_for_are_told(deadline, rules, lines):
    rules = {kind: {"max_attempts": 1} if fields == 1 else fields for kind, fields in rules.items()}

    assert told(deadline, **rules) == lines
