"""Calls that wait no longer: cancelled, interrupted, cut off by a fork."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from contextlib import contextmanager

import pytest
import trio

from mlpolicy.core.step import Wait
from mlpolicy.core.threads import Waiter
from mlpolicy.rules.memory.gate import MemoryTicket
from tests.rules.memory.test_woven import in_line, rule, until

MANY = 200


@pytest.fixture
def crowded(place, use):
    """A function whose calls wait, as a coroutine and as a plain function of one gate each."""

    def crowded(function):
        use(950)
        return place(function, memory=rule(wait="60s"))

    return crowded


def quickly(call):
    """Call, and see that it did not wait: half a minute is far from the 60 s that it might."""
    start = time.monotonic()
    result = call()
    assert time.monotonic() - start < 30
    return result


def test_tasks_that_are_cancelled_free_their_places(place, use, crowded):
    """A new call is let in as soon as there is memory, though nothing has called the line."""

    async def predict(name):
        return name

    crowded(predict)

    async def main():
        tasks = [asyncio.create_task(predict(name)) for name in range(MANY)]
        while in_line(place, predict) < MANY:
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = in_line(place, predict)
        use(850)  # below `reject_at`, above `resume_at`: nobody is called
        return left, await predict("new")

    assert quickly(lambda: asyncio.run(main())) == (0, "new")


def test_a_time_limit_frees_the_place(place, use, crowded):
    """`asyncio.timeout` is a cancellation, too."""

    async def predict(name):
        return name

    crowded(predict)

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await predict("late")
        return in_line(place, predict)

    assert asyncio.run(main()) == 0


def test_tasks_of_trio_wait_and_are_cancelled(place, use, crowded):
    """They wait without stopping the loop; those cancelled free their places."""

    async def predict(name):
        return name

    crowded(predict)
    ticks, got = [], []

    async def one(name):
        got.append(await predict(name))

    async def main():
        async with trio.open_nursery() as outer:
            outer.start_soon(one, "kept")
            while in_line(place, predict) < 1:
                await trio.sleep(0)
            async with trio.open_nursery() as nursery:
                for name in range(MANY):
                    nursery.start_soon(one, name)
                while in_line(place, predict) < MANY + 1:
                    await trio.sleep(0)
                    ticks.append(1)
                nursery.cancel_scope.cancel()
            left = in_line(place, predict)
            use(700)
        return left

    assert quickly(lambda: trio.run(main)) == 1
    assert got == ["kept"]
    assert ticks


def test_a_call_under_trio_is_refused_in_the_end(place, use):
    """As under asyncio."""
    from mlpolicy.errors import MemoryPressure

    async def predict():
        pytest.fail("called")

    use(950)
    place(predict, memory=rule(wait="30ms"))

    with pytest.raises(MemoryPressure):
        trio.run(predict)


class Late(Exception):
    """Raised by a signal handler."""


@pytest.fixture
def alarm():
    def late(*_):
        raise Late

    earlier = signal.signal(signal.SIGALRM, late)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, earlier)


def test_a_thread_that_a_signal_interrupts_frees_its_place(place, use, crowded, alarm):
    """The handler's exception is the caller's."""

    def predict(name):
        return name

    crowded(predict)
    alarm(0.05)

    with pytest.raises(Late):
        quickly(lambda: predict("late"))

    assert in_line(place, predict) == 0
    use(850)
    assert quickly(lambda: predict("new")) == "new"


def test_a_signal_handler_may_call_what_the_thread_waits_in(place, use, crowded):
    """It is another call: it waits for itself alone, and is not held up by the first."""
    answers = []

    def predict(name):
        return name

    crowded(predict)

    def handler(*_):
        use(700)
        answers.append(predict("inner"))

    earlier = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        answers.append(quickly(lambda: predict("outer")))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, earlier)

    assert sorted(answers) == ["inner", "outer"]


def test_a_call_in_the_middle_of_the_gauge_s_own_work_is_let_in(yard):
    """A finalizer or a signal handler of the same thread would wait for itself."""
    gate = yard.gate()
    yard.use(950)

    with yard.gauge.lock:
        inside = gate.ask(MemoryTicket())
        yard.gauge.sample()

    assert inside == "in"
    assert isinstance(gate.ask(MemoryTicket()), Wait)


@contextmanager
def interrupted(monkeypatch, owner, name):
    """Let a signal's exception come where *owner* does *name*, and see that it comes."""

    def late(*_):
        raise Late

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, late)
        with pytest.raises(Late):
            yield


def test_an_exception_in_the_middle_loses_no_one_who_was_called(yard, monkeypatch):
    """Who was taken out of the line is woken by the next reading."""
    gate = yard.gate(wait=60.0)
    yard.use(950)
    tickets = [MemoryTicket(), MemoryTicket()]
    waiters = [gate.ask(ticket).waiter for ticket in tickets]

    with interrupted(monkeypatch, gate, "_settle"):
        yard.use(700)
    before = [waiter.woken for waiter in waiters]
    yard.use(700)

    assert before == [False, False]
    assert [waiter.woken for waiter in waiters] == [True, True]


def test_an_exception_while_one_is_woken_leaves_it_called(yard, monkeypatch):
    """It is out of the line, and is let in when it looks."""
    gate = yard.gate(wait=60.0)
    yard.use(950)
    ticket = MemoryTicket()
    waiter = gate.ask(ticket).waiter

    with interrupted(monkeypatch, Waiter, "wake"):
        yard.use(700)

    assert (waiter.woken, gate.ask(ticket)) == (False, "in")


def test_finalizers_may_call_guarded_functions_at_any_time(place, use):
    """The garbage collector runs them on whatever thread, in whatever line."""
    ends = []

    def predict(name):
        return name

    place(predict, memory=rule(wait="10ms", on_pressure="proceed"))

    class Cycle:
        def __init__(self):
            self.own = self

        def __del__(self):
            ends.append(predict("finalizer"))

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        use(950)

        def work():
            for _ in range(50):
                Cycle()
                predict("call")

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
    finally:
        gc.set_threshold(*threshold)
    gc.collect()

    assert len(ends) == 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_does_not_stand_behind_the_threads_of_its_parent(place, use, crowded):
    """None of those who wait at the fork is there; a call of the child is let in."""

    def predict(name):
        return name

    crowded(predict)
    threads = [threading.Thread(target=predict, args=(name,), daemon=True) for name in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: in_line(place, predict) == 8)

    child = os.fork()
    if not child:
        signal.alarm(20)
        waiting = in_line(place, predict)
        use(850)
        os._exit(waiting + (predict("child") != "child"))
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    use(100)
    for thread in threads:
        thread.join(10)

    assert ended == 0
    assert in_line(place, predict) == 0


ENDS = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "Late": Late(),
}


def _relief(name):
    def relieve():
        raise ENDS[name]

    return relieve


# One each: functions of the same relief would share it, and wait for its interval.
for _name in ENDS:
    globals()[f"relieve_{_name}"] = _relief(_name)


@pytest.mark.parametrize("name", ENDS)
def test_relief_that_ends_the_thread_does_not(place, use, caplog, name):
    """Whatever a function of the user's raises is said, and usage is read on."""

    def predict(name):
        return name

    way = {"call": f"{__name__}:relieve_{name}"}
    place(predict, memory=rule(wait="0s", relieve=[way, "gc"]))
    use(870)
    predict(1)
    until(lambda: any(f"failed ({name}" in one for one in caplog.messages))
    gate = place.step(predict, "memory").gate

    use(950)
    until(lambda: gate.shut and gate._full)
    use(100)
    until(lambda: not gate.shut)


reliefs: list = []


def test_relief_may_call_a_guarded_function(place, use):
    """On our own thread nobody waits: it is this thread that would let it in."""
    called = threading.Event()

    def unload():
        called.set()
        use(100)

    place(unload, memory=rule(wait="60s"))
    reliefs.clear()
    reliefs.append(unload)

    def predict(name):
        return name

    place(predict, memory=rule(wait="60s", relieve=[{"call": f"{__name__}:unload_it"}]))
    use(950)

    assert quickly(lambda: predict(1)) == 1
    assert called.is_set()


def unload_it():
    return reliefs[0]()
