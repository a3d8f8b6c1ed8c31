"""Whole calls: real drivers, threads and tasks under a tree of cgroups in a folder."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from mlpolicy.errors import MemoryPressure

MIB = 1024**2


def rule(**fields):
    return {"poll": "10ms", "relieve": [], **fields}


def until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def in_line(place, function):
    return len(place.step(function, "memory").gate._line)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_calls_go_on_while_there_is_memory(place, use):
    """With the arguments as they were given."""

    def predict(a, /, b, *rest, k=1, **named):
        return a, b, rest, k, named

    place(predict, memory=rule())

    assert predict(1, 2, 3, k=4, z=5) == (1, 2, (3,), 4, {"z": 5})
    assert not place.step(predict, "memory").gate.shut


def test_a_refused_call_does_not_reach_the_function(place, use):
    """The function is not called at all."""
    use(950)

    def predict():
        pytest.fail("called")

    place(predict, memory=rule(wait="0s"))

    with pytest.raises(MemoryPressure) as caught:
        predict()
    assert (caught.value.used, caught.value.limit) == (950 * MIB, 1000 * MIB)


def test_pressure_that_rises_later_is_seen_without_a_call(place, use):
    """The gate was open; the sampler shuts it."""
    called = []

    def predict():
        called.append(1)

    place(predict, memory=rule(wait="0s"))
    predict()
    use(950)
    until(lambda: place.step(predict, "memory").gate._full)

    with pytest.raises(MemoryPressure):
        predict()
    assert called == [1]


def test_threads_wait_and_go_on_in_order(place, use):
    """Who came first begins first."""
    began = []

    def predict(name):
        began.append(name)
        return name

    # Long enough a poll for those called at one reading to begin before the next.
    place(predict, memory=rule(wait="20s", poll="150ms"))
    use(950)
    threads = []
    for name in range(5):
        threads.append(threading.Thread(target=predict, args=(name,)))
        threads[-1].start()
        until(lambda: in_line(place, predict) == name + 1)
    before = list(began)
    use(850)
    gauge = place.step(predict, "memory").gauge
    until(lambda: gauge.reading.used == 850 * MIB)
    between = list(began)
    use(700)
    for thread in threads:
        thread.join(10)

    # Two that are called at once may begin in either order.
    assert (before, between, began[0], sorted(began)) == ([], [], 0, [0, 1, 2, 3, 4])
    assert set(began[1:3]) == {1, 2}


def test_tasks_wait_without_stopping_the_loop(place, use):
    """Others run meanwhile, and those who wait begin in order."""
    began, ticks = [], []

    async def predict(name):
        began.append(name)
        return name

    place(predict, memory=rule(wait="20s"))
    use(950)

    async def main():
        tasks = [asyncio.create_task(predict(name)) for name in range(4)]
        while in_line(place, predict) < 4:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0.001)
            ticks.append(list(began))
        use(700)
        return await asyncio.gather(*tasks)

    assert run(main()) == [0, 1, 2, 3]
    assert ticks == [[]] * 10
    assert began[0] == 0


def test_a_task_that_waits_can_be_cancelled(place, use):
    """It ends at once, and those behind it are called as if it had not been."""

    async def predict(name):
        return name

    place(predict, memory=rule(wait="20s"))
    use(950)

    async def main():
        first, second = (asyncio.create_task(predict(name)) for name in range(2))
        while in_line(place, predict) < 2:
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        use(700)
        return await second

    assert run(main()) == 1


def test_waiting_ends(place, use):
    """After `wait` the call is refused, in threads and tasks alike."""

    def predict():
        pytest.fail("called")

    async def predict_async():
        pytest.fail("called")

    use(950)
    for function in (predict, predict_async):
        place(function, memory=rule(wait="60ms"))

    start = time.monotonic()
    with pytest.raises(MemoryPressure):
        predict()
    middle = time.monotonic()
    with pytest.raises(MemoryPressure):
        run(predict_async())
    end = time.monotonic()

    assert 0.05 < middle - start < 5
    assert 0.05 < end - middle < 5


def test_a_generator_waits_before_its_first_item(place, use):
    """Once begun, it runs to its end whatever happens."""

    def rows():
        use(950)
        yield 1
        until(lambda: place.step(rows, "memory").gate._full)
        yield 2

    place(rows, memory=rule(wait="0s"))

    assert list(rows()) == [1, 2]
    with pytest.raises(MemoryPressure):
        next(iter(rows()))


def test_an_async_generator_waits_before_its_first_item(place, use):
    """As a generator does."""

    async def rows():
        yield 1

    place(rows, memory=rule(wait="0s"))

    async def main():
        return [row async for row in rows()]

    assert run(main()) == [1]
    use(950)
    until(lambda: place.step(rows, "memory").gate._full)
    with pytest.raises(MemoryPressure):
        run(main())


def test_pressure_may_be_let_through(place, use):
    """`proceed` counts, and calls."""

    def predict():
        return "done"

    use(950)
    place(predict, memory=rule(wait="0s", on_pressure="proceed"))

    assert predict() == "done"
    target = f"{__name__}:{predict.__qualname__}"
    labels = {"function": target, "decision": "proceed"}
    assert place.meters.value("mlpolicy_memory_decisions_total", **labels) == 1


def test_shadow_calls_whatever_is_in_use(place, use):
    """And counts whom it would have refused."""

    def predict():
        return "done"

    use(950)
    place(predict, memory=rule(mode="shadow", wait="20s"))

    assert [predict(), predict()] == ["done"] * 2
    target = f"{__name__}:{predict.__qualname__}"
    labels = {"function": target, "kind": "memory", "would": "reject"}
    assert place.meters.value("mlpolicy_shadow_total", **labels) == 2


def test_relief_is_done_beside_the_calls(place, use):
    """At `act_at` a function of the user's frees memory, and the call has gone on."""
    freed = threading.Event()
    relieving.append(lambda: (use(300), freed.set()))

    def predict():
        return "done"

    use(870)
    place(predict, memory=rule(relieve=["gc", {"call": f"{__name__}:relieve"}]))

    assert predict() == "done"
    assert freed.wait(10)
    target = f"{__name__}:{predict.__qualname__}"
    labels = {"function": target, "decision": "relieve"}
    until(lambda: place.meters.value("mlpolicy_memory_decisions_total", **labels) == 1)


relieving: list = []


def relieve():
    relieving.pop()()


def test_a_refusal_may_be_retried(place, use, world):
    """Where `retry_on` names it: each attempt asks anew."""

    def predict():
        return "done"

    use(950)
    place(
        predict,
        world=world,
        memory=rule(wait="0s"),
        retry={"max_attempts": 3, "retry_on": ["mlpolicy.MemoryPressure"]},
    )
    step = place.step(predict, "memory")

    with pytest.raises(MemoryPressure):
        predict()

    assert len(world.slept) == 2
    use(100)
    until(lambda: not step.gate.shut)
    assert predict() == "done"


def test_the_hot_path_reads_one_attribute(place):
    """Neither a clock nor a method stands before the function while there is memory."""

    def predict(x):
        return x

    place(predict, memory=rule())

    lines = [line.strip() for line in place.source(predict).splitlines()]
    before = lines[1 : lines.index("ticket = Ticket()")]
    assert before == ["verdict = None", "if gate.shut:"]
    assert lines[-3:] == ["if verdict is None:", "result = twin(x)", "return result"]
