"""Functions that a pattern takes are put under rules at import; the first call weaves the driver."""

from __future__ import annotations

import gc
import inspect
import logging
import os
import signal
import sys
import threading
import weakref
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import ClassVar

import pytest

import mlpolicy
from mlpolicy.core.kind import Kind
from mlpolicy.core.metrics import METERS
from mlpolicy.core.model import RuleModel
from mlpolicy.core.report import forget
from mlpolicy.core.step import Step
from mlpolicy.core.threads import Lock
from mlpolicy.install import bootstrap
from mlpolicy.install.registry import Stub
from mlpolicy.rules import KINDS

SERVICE = '''
    import asyncio

    begun = []

    def plain(a, b=2, /, c=3, *others, key, other=5, **named):
        """Say what was given."""
        return a, b, c, others, key, other, named

    async def later(a, *, key=1):
        return a, key

    def items(a):
        got = yield a
        return got

    async def later_items(a):
        yield a

    def slow(x):
        begun.append(x)
        return x

    def closing(factor):
        def scaled(x):
            return x * factor
        return scaled

    doubled = closing(2)

    class Model:
        def predict(self, x):
            return super().__class__, x
'''
NAMES = ("plain", "later", "items", "later_items", "slow", "closing", "Model.predict")
SLOW = "policies: {all: {match: ['waits:slo*', 'waits:Mod*.*'], %s}}\n"
PATTERNS = 'policies: {all: {match: ["waits:*", "waits:*.*"], %s}}\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "waits.py").write_text(dedent(SERVICE))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MLPOLICY_CACHE_DIR", str(tmp_path / "plans"))
    forget()
    METERS.clear()
    yield tmp_path
    mlpolicy.uninstall()
    sys.modules.pop("waits", None)


def install(folder, rules="monitor: {}", text=PATTERNS):
    path = folder / "policy.yaml"
    path.write_text("version: 1\n" + text % rules)
    mlpolicy.install(policy=path)


def waiting(function):
    return any(isinstance(one, Stub) for one in function.__code__.co_consts)


def calls_of(name):
    families = {one.name: one.samples for one in METERS.collect()}
    found = [
        one for one in families.get("mlpolicy_calls_total", ()) if ("function", name) in one.labels
    ]
    return sum(one.value for one in found) if found else None


def test_no_driver_is_woven_before_the_first_call(folder):
    """Each function waits with a stub, and carries its driver after a call."""
    install(folder)
    import waits

    before = [waiting(one) for one in (waits.plain, waits.later, waits.items, waits.slow)]
    waits.slow(1)

    assert before == [True] * 4
    assert (waiting(waits.slow), waiting(waits.plain)) == (False, True)
    assert bootstrap.engine().placed["waits:plain"].state == "applied"


def test_what_waits_has_its_zeros_at_the_first_scrape(folder):
    """Metrics of a function that nobody called begin at zero."""
    install(folder)
    import waits  # noqa: F401

    assert [calls_of(f"waits:{name}") for name in NAMES] == [0] * len(NAMES)


@pytest.mark.parametrize("text", [PATTERNS, "policies: {waits:%s: {monitor: {}}}\n"], ids=str)
def test_the_first_call_is_like_all_others(folder, text):
    """Arguments of every kind pass, the rules hold, and the function keeps what it shows."""
    if text is not PATTERNS:
        text = "policies:\n" + "".join(f"  waits:{one}: {{%s}}\n" for one in NAMES)
    path = folder / "policy.yaml"
    path.write_text("version: 1\n" + text.replace("%s", "monitor: {}"))
    mlpolicy.install(policy=path)
    import waits

    shown = str(inspect.signature(waits.plain)), waits.plain.__doc__
    generator = waits.items(1)
    coroutine = waits.later(1, key=2)

    async def whole():
        return await coroutine, [one async for one in waits.later_items(3)]

    import asyncio

    for _ in range(2):
        assert waits.plain(1, key=4, extra=6) == (1, 2, 3, (), 4, 5, {"extra": 6})
        assert waits.plain(1, 9, 8, 7, key=4) == (1, 9, 8, (7,), 4, 5, {})
    assert shown == ("(a, b=2, /, c=3, *others, key, other=5, **named)", "Say what was given.")
    assert (next(generator), pytest.raises(StopIteration, generator.send, "sent").value.value) == (
        1,
        "sent",
    )
    assert asyncio.run(whole()) == ((1, 2), [3])
    assert waits.Model().predict(1)[1] == 1
    assert [calls_of(f"waits:{name}") for name in ("plain", "later", "items", "later_items")] == [
        4,
        1,
        1,
        1,
    ]


def test_first_calls_at_one_time_share_one_set_of_rules(folder):
    """Of 64 threads whose call is the first, one computes: the cache is the same for all."""
    install(folder, "cache: {ttl: 1m}", SLOW)
    import waits

    together = threading.Barrier(64)

    def call():
        together.wait()
        waits.slow(7)

    threads = [threading.Thread(target=call) for _ in range(64)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert waits.begun == [7]


def test_what_waits_is_given_back_as_it_was(folder):
    """`uninstall` before a first call, and while one has begun, leaves the function's own code."""
    import waits

    own, kept = waits.slow.__code__, waits.items.__code__
    install(folder)
    stub, generator = waits.slow.__code__, waits.items(5)
    mlpolicy.uninstall()

    assert (waits.slow.__code__, waits.items.__code__) == (own, kept)
    assert next(generator) == 5
    assert waits.items.__code__ is kept
    assert FunctionType(stub, vars(waits))(3) == 3, "a copy of what stood there runs the original"


def test_a_copy_keeps_its_own_globals_and_cells(folder):
    """A function that was made from the code of one that waits obeys the rules with its own values."""
    install(folder, text=SLOW)
    import waits

    here = {"begun": []}
    copy = FunctionType(waits.slow.__code__, here)

    assert (copy(4), copy(5), here["begun"], waits.begun) == (4, 5, [4, 5], [])
    assert calls_of("waits:slow") == 2


def test_the_code_of_a_stub_that_somebody_puts_back_leads_to_the_driver(folder):
    """Who restores what `__code__` was before the first call has the policy in force yet."""
    install(folder)
    import waits

    remembered = waits.slow.__code__
    waits.slow(1)
    waits.slow.__code__ = remembered
    waits.slow(2)
    woven = waiting(waits.slow)
    mlpolicy.uninstall()

    assert (calls_of("waits:slow"), woven) == (2, False)
    assert waits.slow.__code__.co_consts == (None,)


def test_a_function_that_waits_is_not_kept_alive(folder):
    """A stub holds neither its function nor itself."""
    install(folder, text=SLOW)
    import waits

    (stub,) = (one for one in waits.slow.__code__.co_consts if isinstance(one, Stub))
    gone = [weakref.ref(waits.slow), weakref.ref(waits.Model), weakref.ref(stub)]
    list(METERS.collect())
    del waits, stub, sys.modules["waits"]
    gc.collect()

    assert [one() for one in gone] == [None] * 3


class OddRule(RuleModel):
    """The rule of a plugin that is woven in an odd way."""

    how: str = "fails"


class OddStep(Step):
    """Fails when it is woven, is interrupted, or calls what is being woven."""

    kind: ClassVar[str] = "odd"
    got: ClassVar[list[object]] = []

    def weave(self, inner, loom):
        if self.rule.how == "fails":
            raise ZeroDivisionError("ours")
        if self.rule.how == "interrupted":
            signal.raise_signal(signal.SIGUSR1)
        self.got.append(sys.modules["waits"].slow("within"))
        return super().weave(inner, loom)


@pytest.fixture
def odd():
    module = ModuleType("odd_plugin")
    module.OddRule, module.OddStep = OddRule, OddStep
    sys.modules["odd_plugin"] = module
    KINDS.add("odd", Kind("odd", "odd_plugin:OddRule", "odd_plugin:OddStep"))
    yield
    KINDS.remove("odd")
    del sys.modules["odd_plugin"]


@pytest.mark.usefixtures("odd")
def test_a_driver_that_cannot_be_woven_leaves_the_function_as_it_was(folder, caplog):
    """The call goes on, the target is in error, and that is said once."""
    install(folder, "odd: {}", SLOW)
    import waits

    with caplog.at_level(logging.WARNING, logger="mlpolicy"):
        assert (waits.slow(1), waits.slow(2)) == (1, 2)

    assert waits.slow.__code__.co_consts == (None,)
    assert bootstrap.engine().placed["waits:slow"].state == "error"
    assert [one.message for one in caplog.records] == ["waits:slow could not be placed: ours"]


@pytest.mark.usefixtures("odd")
def test_what_cannot_be_woven_is_found_without_a_call(folder):
    """`apply` weaves every driver, so that it proves what it says."""
    install(folder, "odd: {}")
    import waits  # noqa: F401

    bootstrap.engine().weave()

    assert {one.state for one in bootstrap.engine().placed.values()} == {"error"}


@pytest.mark.usefixtures("odd")
def test_a_call_from_within_the_weaving_runs_the_original(folder):
    """As a finalizer or a signal handler may: nobody waits for what this very thread is making."""
    install(folder, "odd: {how: calls}", SLOW.replace(", 'waits:Mod*.*'", ""))
    import waits

    OddStep.got.clear()

    assert (waits.slow("first"), OddStep.got) == ("first", ["within"])
    assert not waiting(waits.slow)


@pytest.mark.usefixtures("odd")
def test_a_time_out_by_a_signal_passes_and_the_next_call_weaves(folder):
    """What a signal handler raises meanwhile reaches the caller, and the function still waits."""
    install(folder, "odd: {how: interrupted}", SLOW)
    import waits

    def expire(number, frame):
        raise TimeoutError("the caller's")

    before = signal.signal(signal.SIGUSR1, expire)
    with pytest.raises(TimeoutError, match="the caller's"):
        waits.slow(1)
    still = waiting(waits.slow)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    again = waits.slow(2)
    signal.signal(signal.SIGUSR1, before)

    assert (still, again, waiting(waits.slow)) == (True, 2, False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_weaves_what_another_thread_was_weaving_at_the_fork(folder):
    """The child does not wait for a thread that it does not have."""
    install(folder)
    import waits

    engine = bootstrap.engine()
    lock = engine._placing.first_calls._locks.setdefault("waits:slow", Lock())
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        os._exit(waits.slow(3))
    done.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def test_all_of_a_driver_is_on_the_line_of_the_def(folder):
    """Tracebacks and breakpoints meet the `def` line, before the first call and after it."""
    install(folder)
    import waits

    own = bootstrap.engine() and waits.slow.__code__.co_firstlineno
    lines = [{line for *_, line in waits.slow.__code__.co_lines()}]
    waits.slow(1)
    lines.append({line for *_, line in waits.slow.__code__.co_lines()})

    assert lines == [{own}, {own}]


def test_an_async_generator_has_its_driver_at_once(folder):
    """It cannot be delegated to at no cost to what reads it."""
    install(folder)
    import waits

    assert not waiting(waits.later_items)
    assert inspect.isasyncgenfunction(waits.later_items)
