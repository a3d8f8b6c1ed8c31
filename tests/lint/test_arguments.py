"""Arguments that rules name, where they stand."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("rule", "code", "column"),
    [
        ("cache: {ttl: 30s, key: [x, z]}", "MP702", 33),
        ("cache: {ttl: 30s, key: [x, z.id]}", "MP702", 33),
        ("cache: {ttl: 30s, ignore: [z, x]}", "MP702", 33),
        ("cache: {ttl: 30s, key: [x], rollout: {percent: 5%, by: z}}", "MP507", 61),
        ("validate: {args: {x: {type: int}, z: {type: int}}}", "MP202", 40),
    ],
)
def test_the_item_is_pointed_at_not_the_list(findings, rule, code, column):
    """One slip in a list of many is at the slip."""
    policy = f"policies:\n  shop:f:\n    {{{rule}}}\n"

    [one] = findings(policy, shop="def f(x, y): return x\n")

    place = (one.span.line, one.span.column)
    assert (one.code, place) == (code, (4, column))
    assert one.message == "`shop:f` has no argument `z`"
