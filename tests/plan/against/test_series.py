"""How many series of metrics a policy makes."""

from __future__ import annotations

import pytest


def functions(many):
    return "\n".join(f"def f{n}(x): return g(x)" for n in range(many))


def buckets(many):
    return "[" + ", ".join(f"{n}ms" for n in range(1, many + 1)) + "]"


def policy(many):
    return f"policies:\n  all: {{match: 'shop:*', monitor: {{buckets: {buckets(many)}}}}}\n"


def test_more_than_a_service_can_bear(findings):
    [found] = findings(policy(91), shop=functions(150))

    assert (found.code, found.span.line) == ("MP901", 3)
    assert "15,000 series" in found.message
    assert "150 functions" in found.message


def test_the_rule_of_most_functions_is_named(findings):
    two = f"""
        policies:
          few: {{match: 'shop:f1*', priority: 1, monitor: {{log: false}}}}
          all: {{match: 'shop:*', monitor: {{buckets: {buckets(91)}}}}}
        """

    [found] = findings(two, shop=functions(150))

    assert (found.code, found.span.line) == ("MP901", 5)
    assert "89 functions" in found.message


@pytest.mark.parametrize(
    ("text", "many"),
    [
        (policy(91), 100),
        (policy(1), 199),
        ("policies:\n  all: {match: 'shop:*', monitor: {metrics: false}}\n", 150),
        (policy(91).replace("monitor: {", "monitor: {mode: disabled, "), 150),
    ],
)
def test_no_more_than_that(codes, text, many):
    assert codes(text, shop=functions(many)) == []


def test_a_pattern_of_very_many_functions_is_one_finding(codes):
    """Its metrics are among the reasons for the other."""
    assert codes(policy(91), shop=functions(300)) == ["MP409"]
