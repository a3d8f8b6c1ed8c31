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


def test_what_is_hidden_from_logs_is_an_argument_of_the_one_function(findings):
    """A slip would show it; what a policy for many hides, some of them may not have."""
    hidden = "monitor: {log: {redact: [y.id, usr.email]}}"
    source = "def f(user, y): ...\ndef g(x): ...\ndef h(**more): ...\n"

    alone = findings(f"policies:\n  shop:f:\n    {hidden}\n", shop=source)
    named = findings(f"policies:\n  a:\n    match: shop:f\n    {hidden}\n", shop=source)
    any_name = findings(f"policies:\n  shop:h:\n    {hidden}\n", shop=source)
    many = findings(f"policies:\n  a: {{match: ['shop:f', 'shop:g'], {hidden}}}\n", shop=source)
    default = findings(
        f"defaults: {{{hidden}}}\npolicies:\n  shop:g: {{monitor: {{}}}}\n", shop=source
    )

    assert [(one.code, one.span.line, one.span.column) for one in alone] == [("MP908", 4, 36)]
    assert alone[0].help == "did you mean `user`?"
    assert alone[0].suggestions[0].text == "user.email"
    assert [one.code for one in named] == ["MP908"]
    assert (any_name, many, default) == ((), (), ())
