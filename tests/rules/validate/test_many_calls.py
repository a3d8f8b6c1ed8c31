"""Many calls, from many threads: nothing is shared, and nothing is kept."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

from mlpolicy.errors import ValidationFailed

ARGS = {
    "n": {"type": "int", "range": [0, 1000]},
    "x": {"type": "ndarray", "shape": ["N"], "finite": True},
    "w": {"shape": ["N"]},
    "rows": {"type": "sequence", "items": {"type": "mapping", "fields": {"a": {"type": "int"}}}},
}
MODES = [
    {},
    {"mode": "shadow"},
    {"on_fail": "warn"},
    {"on_fail": "default", "default": [0]},
]


def _called(function, *arguments):
    try:
        return function(*arguments)
    except ValidationFailed:
        return None


class Held(str):
    """A text that can be watched, and that breaks when its length is asked for."""

    __slots__ = ("__weakref__",)

    def __len__(self):
        raise RuntimeError


@pytest.mark.parametrize("rule", MODES, ids=str)
def test_a_refused_call_keeps_no_argument_alive(place, rule):
    """An argument is freed when its caller lets it go, without the garbage collector."""

    def predict(n, x):
        return None

    place(predict, validate={"args": {"n": ARGS["n"], "x": {"max_len": 1}}, **rule})
    _called(predict, Held("no number"), Held("too long"))  # (says a warning once)
    gc.collect()
    gc.disable()
    try:
        held = Held("no number"), Held("too long")
        watched = [weakref.ref(one) for one in held]
        _called(predict, *held)
        del held
        assert [one() for one in watched] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize("rule", MODES, ids=str)
def test_memory_stays_flat(place, rule):
    """Calls that pass and calls that are refused leave nothing, without the garbage collector."""

    def predict(n, x, w, rows):
        return [n]

    place(predict, validate={"args": ARGS, "returns": {"type": "sequence"}, **rule})
    x = np.zeros(3)
    good, bad = (1, x, x, [{"a": 1}]), ("1", x, np.zeros(4), [{"a": "1"}])

    def run(times):
        for _ in range(times):
            _called(predict, *good)
            _called(predict, *bad)

    gc.disable()
    run(2500)  # (fills the interpreter's lists of free tuples)
    tracemalloc.start()
    try:
        run(1000)
        assert tracemalloc.get_traced_memory()[0] < 20_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_sixty_four_threads_get_answers_of_their_own(place):
    """Sizes that are bound by one call's arrays mean nothing to another's."""

    def predict(n, x, w, rows):
        return n

    place(predict, validate={"args": ARGS})
    wrong = []
    ready = threading.Barrier(64)

    def work(number):
        x, rows = np.zeros(number % 7 + 1), [{"a": number}]
        other = np.zeros(number % 7 + 2)
        ready.wait()
        for at in range(200):
            if predict(at, x, x, rows) != at:
                wrong.append((number, at))
            with pytest.raises(ValidationFailed) as caught:
                predict(at, x, other, [{"a": str(number)}])
            found = [str(one) for one in caught.value.failures]
            if found != [
                f"w is of shape [{len(other)}], expected [N] with N = {len(x)}",
                f"rows[0].a is str '{number}', expected int",
            ]:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_coroutines_and_generators_that_run_together_do_not_meet(place):
    """Each task is judged by its own values, whenever it goes on."""

    async def fetch(x, w):
        await asyncio.sleep(0)
        return np.zeros(len(x) + len(w) - len(x))

    def stream(x, w):
        for _ in range(3):
            yield len(x)

    rule = {"args": {"x": {"shape": ["N"]}, "w": {"shape": ["M"]}}, "returns": {"shape": ["N"]}}
    place(fetch, validate=rule)
    place(stream, validate={"args": {"x": {"shape": ["N"]}, "w": {"shape": ["N"]}}})

    async def main():
        pairs = [(at % 3 + 1, at % 2 + 1) for at in range(300)]
        calls = (fetch(np.zeros(n), np.zeros(m)) for n, m in pairs)
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [isinstance(one, ValidationFailed) for one in found] == [n != m for n, m in pairs]

    asyncio.run(main())
    streams = [stream(np.zeros(n), np.zeros(n)) for n in range(50)]
    assert [next(one) for one in streams] == list(range(50))
    assert [sum(one) for one in streams] == [2 * n for n in range(50)]
