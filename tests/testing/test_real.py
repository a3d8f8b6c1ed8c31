"""Tests of policies run no code of the service unless they are allowed to."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from tests.testing.conftest import HEAD

CALL = "call: shop.embed:encode, args: {text: a}"


@pytest.fixture
def ran(bench, monkeypatch):
    """Write a module that leaves a trace when it is run; return whether it has."""
    monkeypatch.syspath_prepend(str(bench.folder))
    trace = bench.folder / "ran"

    def write(module, text):
        *above, last = module.split(".")
        folder = bench.folder
        for part in above:
            folder /= part
            folder.mkdir(exist_ok=True)
            (folder / "__init__.py").touch()
        leave = f"import pathlib; pathlib.Path({str(trace)!r}).touch()\n"
        (folder / f"{last}.py").write_text(leave + dedent(text))
        return trace.exists

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] in ("odd", "shop")]:
        del sys.modules[name]


def policy(bench, rules):
    settings = "settings: {allow_call: ['shop.**:*', 'odd.**:*']}"
    bench.policy(f"version: 1\n{settings}\npolicies:\n  shop.embed:encode: {rules}\n")


@pytest.mark.parametrize(
    "test",
    [
        f"{{name: a, {CALL}, real: true, expect: {{called: true}}}}",
        f"{{name: a, steps: [{{{CALL}, expect: {{called: true}}}}, {{{CALL}, real: true}}]}}",
    ],
)
def test_a_real_call_is_a_finding_at_its_place(bench, ran, test):
    """And the other tests of the file are run."""
    has_run = ran("shop.embed", "def encode(text): ...\n")
    prepared = bench.tests(
        f"- {test}\n- {{name: b, {CALL}, behaviour: [{{return: 1}}], expect: {{returns: 1}}}}",
        head="version: 1\npolicies: [policy.yaml]\n",
    )

    [found] = prepared.diagnostics
    assert (found.code, found.span.line) == ("MP010", 4)
    assert "`real: true` runs code of the service" in found.message
    assert "mlpolicy test --allow-real" in found.help
    assert [prepared.run(case).passed for case in prepared.cases] == [True]
    assert not has_run()


ERRORS = """
    class Mixin: ...
    class Down(Mixin, ConnectionError):
        def __init__(self, host, port): raise RuntimeError("run")
    class Refused(Down): ...
    class Outer:
        class Inner(Refused): ...
    try:
        class Round(Round): ...
    except NameError: ...
    class Stops(BaseException): ...
"""


@pytest.mark.parametrize(
    ("retry_on", "raised", "expected", "attempts"),
    [
        ("odd.errors.Down", "odd.errors.Down", "odd.errors.Down", 3),
        ("odd.errors.Down", "odd.errors.Refused", "ConnectionError", 3),
        ("odd.errors.Down", "odd.errors.Outer.Inner", "odd.errors.Refused", 3),
        ("odd.errors.Down", "odd.errors:Refused", "ConnectionError", 3),
        ("transient", "odd.errors.Refused", "OSError", 3),
        ("odd.Refused", "odd.api.Refused", "odd.errors.Down", 3),
        ("odd.api.Refused", "odd.api.Refused", "odd.errors.Refused", 3),
        ("odd.errors.Refused", "odd.api.Refused", "odd.api.Refused", 3),
        ("odd.errors.Refused", "odd.errors.Refused", "odd.api.Refused", 3),
        ("odd.errors.Refused", "odd.errors.Down", "odd.errors.Down", 1),
        ("Exception", "odd.errors.Stops", "odd.errors.Stops", 1),
        ("transient", "httpx.ConnectTimeout", "httpx.TimeoutException", 3),
        ("sqlite3.OperationalError", "sqlite3.OperationalError", "Exception", 3),
        ("json.JSONDecodeError", "json.decoder.JSONDecodeError", "json.JSONDecodeError", 3),
        ("mlpolicy.MemoryPressure", "mlpolicy.MemoryPressure", "mlpolicy.CallRefused", 3),
    ],
)
def test_an_error_of_the_service_is_stood_in_for(bench, ran, retry_on, raised, expected, attempts):
    """With the name and the bases that the source says; nothing of it is imported."""
    has_run = ran("odd.errors", ERRORS)
    ran("odd.api", "from odd.errors import Refused\n")
    policy(bench, f"{{retry: {{max_attempts: 3, retry_on: [{retry_on}]}}}}")
    modules = {*sys.modules}

    told = bench.differences(
        f"- {{name: a, {CALL}, behaviour: [{{raise: {{error: '{raised}', message: no}}}}], "
        f"expect: {{raises: '{expected}', attempts: {attempts}}}}}"
    )

    assert told == []
    assert not has_run() and not [one for one in {*sys.modules} - modules if "odd" in one]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("odd.errors.Donw", "MP603", "`odd.errors` has no `Donw`"),
        ("odd.erors.Down", "MP603", "`odd` has no `erors.Down`"),
        ("odd.errors.VALUE", "MP604", "is not an exception"),
        ("odd.errors.Outer", "MP604", "is not an exception"),
        ("odd.errors.make", "MP604", "is not an exception"),
        ("odd.errors.Round", "MP604", "is not an exception"),
        ("antigravity.geohash", "MP604", "is not an exception"),
        ("mlpolicy.auto.Nothing", "MP603", "cannot be imported"),
        ("../odd.errors.Down", "MP603", "cannot be imported"),
        ("odd..Down", "MP603", "cannot be imported"),
        ("odd" + ".a" * 100_000, "MP603", "cannot be imported"),
    ],
)
def test_what_is_no_error_is_told_from_the_source(bench, ran, name, code, said):
    has_run = ran("odd.errors", ERRORS + "    VALUE = 3\n    def make(): ...\n")
    prepared = bench.tests(
        f"- {{name: a, {CALL}, behaviour: [{{raise: '{name}'}}], expect: {{called: true}}}}"
    )

    assert [one.code for one in prepared.diagnostics] == [code]
    assert said in prepared.diagnostics[0].message
    assert not has_run() and not {"antigravity", "mlpolicy.auto"} & {*sys.modules}


def test_a_class_that_was_imported_before_is_that_class_and_runs_no_code(bench, ran):
    ran("odd.errors", ERRORS)
    import odd.errors  # type: ignore[import-not-found]

    policy(bench, "{retry: {max_attempts: 3, retry_on: [odd.errors.Down]}}")
    raised = "behaviour: [{raise: {error: odd.errors.Refused, message: no}}]"

    [result] = bench.run(f"- {{name: a, {CALL}, {raised}, expect: {{returns: 1, attempts: 3}}}}")

    assert [one.found for one in result.differences] == ["Refused: no"]
    assert odd.errors.Refused.__module__ == "odd.errors"


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "async_generator"])
@pytest.mark.parametrize(
    "text", ["(text): open('ran', 'w')\\n#", "(text): pass; open('ran', 'w')\\n#"]
)
def test_a_signature_brings_no_code(bench, text, kind):
    head = (
        "version: 1\npolicies: [policy.yaml]\nstubs:\n"
        f'  shop.embed:encode: {{signature: "{text}", kind: {kind}}}\n'
    )
    prepared = bench.tests(f"- {{name: a, {CALL}, expect: {{called: true}}}}", head=head)

    assert "is not a signature" in prepared.diagnostics[0].message


def test_leave_is_asked_for_wherever_the_word_comes_from(bench):
    """By an anchor or a merge, too."""
    head = HEAD + "x-real: &real {real: true}\nx-yes: &yes true\n"
    prepared = bench.tests(
        f"- {{name: a, {CALL}, <<: *real, expect: {{called: true}}}}\n"
        f"- {{name: b, {CALL}, real: *yes, expect: {{called: true}}}}",
        head=head,
    )

    assert [one.message[:12] for one in prepared.diagnostics].count("`real: true`") == 2
    assert prepared.cases == ()


FALL_BACK = "{validate: {args: {text: {type: int}}, on_fail: default, default: {call: NAME}}}"


@pytest.mark.parametrize("stubbed", [False, True])
def test_what_a_rule_calls_is_a_stub(bench, ran, stubbed):
    """It gives what the file of tests says, else nothing."""
    has_run = ran("odd.fallback", "def answer(*given): return 1\n")
    policy(bench, FALL_BACK.replace("NAME", "odd.fallback:answer"))
    head = "version: 1\npolicies: [policy.yaml]\nstubs:\n  shop.embed:encode: {signature: (text)}\n"
    if stubbed:
        head += "  odd.fallback:answer: {signature: (text), returns: {label: none}}\n"
    gives = "{label: none}" if stubbed else "null"

    told = bench.differences(
        f"- {{name: a, {CALL}, expect: {{returns: {gives}, called: false, via: default}}}}",
        head=head,
    )

    assert told == []
    assert not has_run()


def test_a_stub_that_a_rule_calls_may_be_named_like_the_function(bench):
    """It is not one that a test was meant to name."""
    policy(bench, FALL_BACK.replace("NAME", "shop.embed:encode_2"))
    head = (
        "version: 1\npolicies: [policy.yaml]\nstubs:\n  shop.embed:encode: {signature: (text)}\n"
        "  shop.embed:encode_2: {signature: (text), returns: 2}\n"
    )

    assert bench.differences(f"- {{name: a, {CALL}, expect: {{returns: 2}}}}", head=head) == []


def test_with_leave_a_rule_calls_the_function(bench, ran):
    has_run = ran("odd.fallback", "def answer(*given): return 7\n")
    policy(bench, FALL_BACK.replace("NAME", "odd.fallback:answer"))
    bench.allow_real = True

    assert bench.differences(f"- {{name: a, {CALL}, expect: {{returns: 7}}}}") == []
    assert has_run()


@pytest.mark.parametrize("more", ["", ", mode: shadow"])
def test_a_model_of_the_service_is_not_taken_as_passed(bench, ran, more):
    """What it would say of a value is not known without it: the test fails, and says why."""
    has_run = ran("odd.models", "class Text: ...\n")
    policy(bench, f"{{validate: {{args: {{text: {{model: odd.models.Text}}}}{more}}}}}")

    [(field, _, found)] = bench.differences(f"- {{name: a, {CALL}, expect: {{called: true}}}}")

    assert field == "call"
    assert "`odd.models.Text`" in found and "--allow-real" in found
    assert not has_run()
