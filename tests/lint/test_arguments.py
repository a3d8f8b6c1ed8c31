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


REDACT = "monitor: {log: {redact: [x, z.email]}}"


@pytest.mark.parametrize(
    ("selector", "source", "severities"),
    [
        ("shop:f", "def f(x): return x\n", ["error"]),
        ("shop:f", "def f(x, z): return x\n", []),
        ("shop:f", "def f(x, **z): return x\n", []),
        ("shop:f", "def f(**more): return more\n", []),
        ("shop:*", "def f(x): return x\ndef g(x): return x\n", ["warning"]),
        ("shop:*", "def f(x): return x\ndef g(x, z): return x\n", []),
        ("shop:*", "def f(x): return x\ndef g(**more): return more\n", []),
    ],
)
def test_a_redacted_path_begins_at_an_argument(findings, selector, source, severities):
    """A pattern may name what some of its functions have, and what none has is doubtful."""
    found = findings(f"policies:\n  '{selector}':\n    {REDACT}\n", shop=source)

    assert [(one.code, one.severity) for one in found] == [("MP202", each) for each in severities]
    assert all("has no argument `z`" in one.message for one in found)
    assert all((one.span.line, one.span.column) == (4, 33) for one in found)


USER = """
from dataclasses import dataclass
from typing import NamedTuple

@dataclass
class User:
    id: int
    email: str

class Plain:
    def __init__(self, email):
        self.email = email

class Child(Plain):
    pass

class Slotted:
    __slots__ = ("email",)

class Any_:
    def __getattr__(self, name):
        return name

class Filled(Plain):
    def __init__(self, **all):
        for one in all:
            setattr(self, one, all[one])

class Computed:
    @property
    def email(self):
        return 1

def decorator(cls): return cls

@decorator
class Decorated:
    id = 1

class Outside(NamedTuple):
    id: int

"""


@pytest.mark.parametrize(
    ("annotation", "path", "code"),
    [
        ("User", "x.email", []),
        ("User", "x.emial", ["MP202"]),
        ("'User'", "x.emial", []),  # (text may be anything)
        ("User | None", "x.emial", []),
        ("Plain", "x.email", []),
        ("Plain", "x.id", ["MP202"]),
        ("Child", "x.email", []),
        ("Child", "x.id", ["MP202"]),
        ("Slotted", "x.email", []),
        ("Slotted", "x.id", ["MP202"]),
        ("Any_", "x.id", []),
        ("Filled", "x.id", []),
        ("Computed", "x.email", []),
        ("Decorated", "x.email", []),
        ("Outside", "x.email", []),
        ("dict", "x.email", []),
        ("list", "x.email", []),
        ("str", "x.email", ["MP202"]),
        ("str", "x", []),
        ("int", "x[0]", ["MP202"]),
        ("float", "x[*].id", ["MP202"]),
        ("Unknown", "x.id", []),
    ],
)
def test_a_path_goes_on_to_what_the_annotation_has(findings, annotation, path, code):
    """A slip in a field would leave what is private in the log."""
    source = f"{USER}\ndef f(x: {annotation}): return x\n"
    for rule, own in (
        ("monitor: {log: {redact: ['%s']}}", "MP202"),
        ("cache: {ttl: 30s, key: ['%s']}", "MP702"),
    ):
        policy = f"policies:\n  'shop:f':\n    {rule % path}\n"
        found = [one for one in findings(policy, shop=source) if one.code == own]

        assert [one.code.replace(own, "MP202") for one in found] == code
        assert all(one.severity == "warning" and f"`{path}`" in one.message for one in found)
