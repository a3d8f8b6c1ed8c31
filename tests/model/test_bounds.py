"""What is beyond reason in a policy file is a finding with a place, or is handled."""

from __future__ import annotations

import time

import pytest

from mlpolicy.document.parse import parse
from mlpolicy.model.interpolate import Variables
from mlpolicy.model.policy import Profiles
from mlpolicy.model.read import read_source, read_text, shipped, source

LARGE = ("9" * 309, "-" + "9" * 309, "+" + "9" * 5000, "0x" + "f" * 300, "0o" + "7" * 5000)
PLACES = (
    "policies: {m:f: {retry: {max_attempts: §}}}",
    "policies: {m:f: {retry: {initial_delay: §}}}",
    "policies: {m:f: {retry: {retry_on: [§]}}}",
    "policies: {m:f: {cache: {ttl: 3s, max_bytes: §, version: §}}}",
    "policies: {m:f: {monitor: {log: {sample: §}}}}",
    "policies: {m:f: {retry: 3, expires: §, priority: §, deadline: §}}",
    "policies: {m:f: {retry: {rollout: §}}}",
    "policies: {m:f: {validate: {args: {x: {range: [0, §], enum: [§], shape: [§], ndim: §}}}}}",
    "policies: {m:f: {memory: {on_pressure: default, default: {a: [§]}}}}",
    "policies: {m:f: {retry: 3, labels: {a: §}, owner: §}}",
    "vars: {n: §}\npolicies: {m:f: {retry: '${vars.n}'}}",
    "settings: {expiry_warning: §}",
    "x-mine: §",
)


@pytest.mark.parametrize("number", LARGE, ids=["nines", "below", "long", "hex", "octal"])
@pytest.mark.parametrize("place", PLACES)
def test_a_number_that_no_machine_computes_with_is_a_finding(number, place):
    """It is said where it stands, whatever takes it, and never read as another value."""
    text = f"version: 1\n{place.replace('§', number)}\n"

    found = read_text(text).diagnostics

    large = [one for one in found if "a whole number is too large" in one.message]
    assert len(large) == place.count("§"), found
    assert {one.code for one in large} == {"MP010"}
    assert {one.span.end_column - one.span.column for one in large} == {len(number)}


def test_a_version_that_is_too_large_is_no_version():
    """What stands there could not be read, and that is all that is said."""
    codes = [one.code for one in read_text(f"version: {'9' * 400}\n").diagnostics]

    assert codes == ["MP010"]


def test_a_variable_of_the_process_may_hold_no_such_number_either():
    """Its text is not in the file; the place that asks for it is named."""
    text = "version: 1\npolicies: {m:f: {memory: {default: '${env:N}'}}}\n"

    found = read_source(source(parse(text, file="x")), variables=Variables({"N": "9" * 5000}))

    assert [(one.code, one.span.line) for one in found.diagnostics] == [("MP110", 2)]


@pytest.mark.parametrize("text", ["9" * 308, "0" * 390 + "7", "0x" + "f" * 255, "1e308", "1e400"])
def test_numbers_that_can_be_computed_with_are_read(text):
    """Zeros in front count for nothing; beyond its range a float is infinite, as anywhere."""
    document = parse(f"[{text}]", file="x")

    assert not document.diagnostics
    assert document.root.plain()[0] >= 7


@pytest.mark.parametrize("order", [1, -1])
def test_a_chain_of_thousands_of_profiles_is_told_not_followed(order):
    """One finding says how long a chain may be, whichever way the file has it."""
    lines = [f"  p{at}: {{extends: [p{at + 1}], retry: 3}}" for at in range(5000)][::order]
    text = "version: 1\nprofiles:\n  p5000: {retry: 3}\n" + "\n".join(lines)
    file = read_text(text + "\npolicies:\n  m:f: {use: [p0]}\n").file

    profiles = Profiles([file], shipped)
    [policy] = map(profiles.under, file.policies)

    assert len(profiles.used) == 5001
    assert [rule.kind for rule in policy.rules] == ["retry"]
    assert {one.message for one in profiles.diagnostics} <= {
        "profiles extend each other more than 32 deep"
    }


def test_names_that_are_missed_by_the_thousand_are_told_in_time():
    """What was meant is not looked for among very many, nor are all of them listed each time."""
    lines = [f"  m:f{at}: {{use: [nope{at}]}}" for at in range(3000)]
    names = [f"  p{at}: {{retry: 3}}" for at in range(3000)]
    text = "\n".join(["version: 1", "profiles:", *names, "policies:", *lines, ""])
    file = read_text(text).file
    began = time.process_time()

    profiles = Profiles([file], shipped)
    list(map(profiles.under, file.policies))

    assert time.process_time() - began < 10
    assert len(profiles.diagnostics) == 3000
    assert max(len(one.help) for one in profiles.diagnostics) < 300
