"""A kind of rule with plain methods, as a plugin writes it, through the one template."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from types import ModuleType
from typing import ClassVar

import pytest

from mlpolicy.core.kind import Kind
from mlpolicy.core.metrics import METERS
from mlpolicy.core.model import RuleModel
from mlpolicy.core.report import forget
from mlpolicy.core.step import Again, Answer, Do, Refuse, Step, Wait
from mlpolicy.core.threads import Waiter
from mlpolicy.rules import KINDS
from tests.rules.conftest import Place, VirtualWorld


class QuotaRule(RuleModel):
    """The rule of the plugin."""

    say: str = "proceed"


class QuotaStep(Step):
    """Says what its rule tells it to."""

    kind: ClassVar[str] = "quota"
    waiter = Waiter()

    def before(self, call):
        say = self.rule.say
        if say == "answer":
            return Answer(("answered", dict(call.arguments)))
        if say == "refuse":
            return Refuse(PermissionError("no"))
        if say == "do":
            return Do(lambda: "done")
        if say == "wait" and not self.waiter.woken:
            threading.Timer(0.01, self.waiter.wake).start()
            return Wait(self.waiter, 5.0)
        if say == "bug":
            raise ZeroDivisionError("ours")
        return None

    def failed(self, call, error):
        if self.rule.say == "instead":
            return Answer("instead")
        return Again(0.5) if self.rule.say == "again" and call.attempt < 3 else None

    def after(self, call, result):
        if self.rule.say == "after" and call.attempt < 2:
            return Again(0.0)
        return Answer(result * 10) if self.rule.say == "change" else None


@pytest.fixture
def place():
    module = ModuleType("quota_plugin")
    module.QuotaRule, module.QuotaStep = QuotaRule, QuotaStep
    sys.modules["quota_plugin"] = module
    KINDS.add("quota", Kind("quota", "quota_plugin:QuotaRule", "quota_plugin:QuotaStep"))
    forget()
    placing = Place()
    yield placing
    placing.remove()
    KINDS.remove("quota")
    del sys.modules["quota_plugin"]


def service():
    calls = []

    def work(x, fail=0):
        calls.append(x)
        if len(calls) <= fail:
            raise ConnectionError
        return x

    async def work_async(x, fail=0):
        await asyncio.sleep(0)
        return work(x, fail)

    return work, work_async, calls


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("say", "given", "calls"),
    [
        ("proceed", 4, 1),
        ("answer", ("answered", {"x": 4, "fail": 0}), 0),
        ("do", "done", 0),
        ("wait", 4, 1),
        ("after", 4, 2),
        ("change", 40, 1),
        ("bug", 4, 1),
    ],
)
def test_every_verdict_is_acted_on(place, say, given, calls, asynchronous):
    work, work_async, seen = service()
    function = work_async if asynchronous else work
    place(function, quota={"say": say})

    result = asyncio.run(function(4)) if asynchronous else function(4)

    assert (result, len(seen)) == (given, calls)


def test_a_refusal_is_raised_and_the_function_is_not_called(place):
    work, _, seen = service()
    place(work, quota={"say": "refuse"})

    with pytest.raises(PermissionError):
        work(1)

    assert seen == []


def test_another_attempt_comes_after_its_pause(place):
    world = VirtualWorld()
    work, _, seen = service()
    place(work, world=world, quota={"say": "again"})

    assert (work(1, fail=2), len(seen), world.slept) == (1, 3, [0.5, 0.5])


def test_the_error_is_the_users_own_once_the_step_has_no_more_to_say(place):
    work, _, seen = service()
    place(work, world=VirtualWorld(), quota={"say": "again"})

    with pytest.raises(ConnectionError):
        work(1, fail=9)

    assert len(seen) == 3


@pytest.mark.parametrize("say", ["answer", "refuse", "change"])
def test_in_shadow_a_verdict_is_counted_and_dropped(place, say):
    work, _, seen = service()
    place(work, quota={"say": say, "mode": "shadow"})

    assert (work(4), len(seen)) == (4, 1)
    target = f"{work.__module__}:{work.__qualname__}"
    would = {"answer": "hit", "refuse": "refuse", "change": "hit"}[say]
    labels = {"function": target, "kind": "quota", "would": would}
    assert place.meters.value("mlpolicy_shadow_total", **labels) == 1


def test_a_bug_in_a_step_is_said_once_counted_and_stands_aside(place, caplog):
    work, _, _ = service()
    place(work, quota={"say": "bug"})
    target = f"{work.__module__}:{work.__qualname__}"
    before = METERS.value("mlpolicy_engine_errors_total", function=target)

    with caplog.at_level(logging.WARNING, "mlpolicy"):
        assert [work(1), work(2)] == [1, 2]

    assert [one.message.count("stands aside") for one in caplog.records] == [1]
    assert METERS.value("mlpolicy_engine_errors_total", function=target) == before + 2


def test_a_generator_is_met_at_its_start(place):
    world = VirtualWorld()
    begun = []

    def rows():
        begun.append(1)
        if len(begun) < 3:
            raise ConnectionError
        yield 1
        yield 2

    place(rows, world=world, quota={"say": "again"})

    assert (list(rows()), len(begun)) == ([1, 2], 3)


def test_a_closure_may_be_named_like_a_part_of_the_template(place):
    """Its own name, whatever that is, and its own cells."""

    def make(n):
        def outer(x):
            return x + n

        return outer

    made = make(5)
    place(made, quota={})

    assert made(1) == 6


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("say", "fail", "kept"),
    [
        ("answer", 0, False),
        ("do", 0, False),
        ("instead", 9, False),
        ("instead", 0, True),
        ("proceed", 0, True),
        ("wait", 0, True),
        ("after", 0, True),
        ("again", 1, True),
        ("change", 0, True),
        ("bug", 0, True),
    ],
)
def test_a_cache_keeps_what_the_function_gave_and_a_rule_changed(
    place, say, fail, kept, asynchronous
):
    """What a rule within answers for the function is for that call alone."""
    work, work_async, _ = service()
    function = work_async if asynchronous else work
    place(function, quota={"say": say}, cache={"ttl": "1h"})

    results = [asyncio.run(function(4, fail)) if asynchronous else function(4, fail) for _ in "ab"]

    assert results[0] == results[1]
    assert place.step(function, "cache").size() == kept
