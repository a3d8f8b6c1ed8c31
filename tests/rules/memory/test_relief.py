"""Relief: what is done, how often, and what becomes of one that does not help."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import weakref

from mlpolicy.core.allowed import Allowed
from mlpolicy.rules.memory import relief as reliefs
from mlpolicy.rules.memory.relief import Relief, named, shared


def pauses(relief, freed):
    """Return how long the relief is put off after each of the runs that freed so much."""
    found = []
    time = 0.0
    for share in freed:
        relief.ended(time, freed=share)
        pause = next(s for s in range(1, 10_000) if relief.due(time + s))
        found.append(pause)
        time += pause
    return found


def test_relief_is_due_at_once():
    """The first time there is nothing to wait for."""
    assert Relief((), 30.0).due(0.0)


def test_relief_is_throttled():
    """It stops the process, so that it may not run all the time."""
    assert pauses(Relief((), 30.0), [0.5, 0.02]) == [30, 30]


def test_relief_that_frees_nothing_is_put_off():
    """Longer each time, up to 16 intervals, until it helps again."""
    freed = [0.0, 0.009, -0.1, 0.0, 0.0, 0.5, 0.0]

    assert pauses(Relief((), 30.0), freed) == [60, 120, 240, 480, 480, 30, 60]


def test_ways_are_done_in_their_order():
    """Garbage must be collected before its memory can be trimmed."""
    done = []

    Relief((lambda: done.append("gc"), lambda: done.append("trim")), 30.0).run()

    assert done == ["gc", "trim"]


def test_a_way_that_fails_does_not_keep_the_others_from_it(place, caplog):
    """A function of the user's may raise anything; that is said once."""
    done = []

    def broken():
        raise ValueError("no")

    relief = Relief((broken, lambda: done.append("trim")), 30.0)
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        relief.run()
        relief.run()

    assert done == ["trim", "trim"]
    assert len(caplog.records) == 1
    assert caplog.records[0].message.endswith("broken failed (ValueError: no)")


def test_functions_of_the_same_relief_share_it():
    """Memory is the process's: twenty functions collect garbage once."""
    one = shared(("gc", "trim"), 30.0, None)

    assert shared(("gc", "trim"), 30.0, None) is one
    assert shared(("gc",), 30.0, None) is not one


def test_a_named_function_is_imported_when_it_is_needed():
    """MemoryReading a policy does not import what it names."""
    asked = []

    def resolve(path):
        asked.append(path)
        return lambda: "freed"

    way = named("shop.models:unload", resolve)
    before = list(asked)

    assert (before, way(), asked) == ([], "freed", ["shop.models:unload"])


def test_a_name_of_no_function_is_reported(place, caplog):
    """As any other failure of a way."""
    with caplog.at_level(logging.WARNING, "mlpolicy"):
        Relief((named("shop:LIMIT", {"shop:LIMIT": 7}.get),), 30.0).run()

    assert caplog.messages == [
        "memory relief by shop:LIMIT failed (TypeError: shop:LIMIT is no function)"
    ]


def test_cycles_are_collected():
    """`gc` frees what only a collection finds."""

    class Node:
        pass

    node = Node()
    node.self = node
    gone = weakref.ref(node)
    gc.disable()
    try:
        del node
        assert gone() is not None
        shared(("gc",), 30.0, None).run()
    finally:
        gc.enable()

    assert gone() is None


TRIM = """
import gc, threading
from mlpolicy.rules.memory.limits import Process
from mlpolicy.rules.memory.relief import trim

process = Process()
kept, blocks = [], []

def fill():  # small blocks in heaps of their own, each held in place by one that stays
    for _ in range(20_000):
        blocks.append(bytearray(3000))
    kept.append(bytearray(3000))

threads = [threading.Thread(target=fill) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
blocks.clear()
gc.collect()
before = process.resident()
trim()
print((before - process.resident()) >> 20)
"""


def test_trimming_gives_memory_back():
    """What threads have freed stays with the C library until it is trimmed."""
    if not hasattr(__import__("ctypes").CDLL(None), "malloc_trim"):
        reliefs.trim()  # no glibc: nothing happens, and nothing fails
        return

    done = subprocess.run([sys.executable, "-c", TRIM], capture_output=True, text=True, check=True)

    assert int(done.stdout) > 50


def test_functions_that_may_not_import_the_same_share_nothing():
    """What one of them may call is not called for the other."""
    names = ("gc", "kitchen.shelf:clear")
    mine, other = ((lambda package: Allowed((package,)).load)(one) for one in ("a", "b"))

    one = shared(names, 30.0, mine)

    assert shared(names, 30.0, mine) is one
    assert shared(names, 30.0, other) is not one
    assert shared(("gc", "trim"), 30.0, mine) is shared(("gc", "trim"), 30.0, other)
