"""Policies on what mlpolicy itself is made of: it neither hangs nor counts its own work."""

from __future__ import annotations

import json

import pytest

BELOW = """
    threading:Thread.start threading:Event.set threading:Event.wait threading:current_thread
    threading:Condition.wait threading:Condition.notify threading:Condition.notify_all
    copy:copy copy:deepcopy json:dumps json.encoder:JSONEncoder.encode
    logging:Logger.warning logging:Logger.handle logging:StreamHandler.emit
    asyncio.tasks:sleep asyncio.timeouts:timeout gc:collect time:monotonic
    inspect:isawaitable datetime:datetime.now posixpath:join
""".split()
RULES = "{retry: 2, memory: 99%, monitor: {}, validate: {on_fail: warn, args: {name: {type: int}}}}"
SERVE = """
    import asyncio

    tries = []

    def add(x):
        return [x]

    def fail(x):
        raise ConnectionError("down")

    async def flaky():
        await asyncio.wait_for(add_async(1), 10)
        tries.append(1)
        if len(tries) <= 3:
            raise ConnectionError("down")

    async def add_async(x):
        return [x]
"""
SERVICE = """
      serve:add:
        {rules}
        cache: {{ttl: 30s}}
        validate: {{args: {{x: {{type: int}}}}}}
      serve:add_async: {{cache: {{ttl: 30s}}, monitor: {{log: {{sample: 100%}}}}}}
      serve:fail: {{retry: {{initial_delay: 1ms}}, monitor: {{}}}}
      serve:flaky: {{retry: {{initial_delay: 1ms}}, monitor: {{log: {{sample: 100%}}}}}}
"""
MEMORY = "memory: {wait: 0s, act_at: 1%, on_pressure: proceed, relieve_interval: 1s, poll: 10ms}"
LOGGED = f"{MEMORY}\n        monitor: {{log: {{sample: 100%}}}}"
PROGRAM = """
    import asyncio, json, sys, threading, time
    import mlpolicy
    from mlpolicy.core.metrics import METERS
    from mlpolicy.rules.memory.sampler import SAMPLER

    mlpolicy.install("policy.yaml")
    import serve

    def counted():
        return {
            dict(one.labels)["function"]: one.value
            for family in METERS.collect() if family.name == "mlpolicy_calls_total"
            for one in family.samples if one.value
        }

    WORK
    first = counted()
    end = time.perf_counter() + 30
    ticks = SAMPLER._all()[0]
    for _ in range(20):
        before = ticks.at
        while ticks.at == before and time.perf_counter() < end:
            time.sleep(0.005)
    sys.stdout.write(repr([first, counted()]))
"""
OURS_ALONE = """
    for at in range(100):
        serve.add(at % 10)
    for at in range(3):
        try:
            serve.fail(at)
        except ConnectionError:
            pass
"""
THEIRS = """
    import copy
    event = threading.Event()
    threads = [threading.Thread(target=event.wait, args=(10,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    event.set()
    for thread in threads:
        thread.join()
    condition = threading.Condition()
    with condition:
        condition.wait(0.01)
        condition.notify()
    assert copy.deepcopy([[1], {"a": 2}]) == [[1], {"a": 2}]
    assert json.dumps({"a": [1]}) == json.dumps({"a": [1]})
    async def main():
        await asyncio.gather(*(serve.flaky() for _ in range(5)))
        await asyncio.sleep(0.001)
    asyncio.run(main())
"""


@pytest.fixture
def run(project):
    """Run a program under every rule on what mlpolicy is made of; return what was counted."""

    def run(work, *, cached=()):
        project.write(
            policy="version: 1\npolicies:\n"
            + "".join(f"  {one}: {RULES}\n" for one in BELOW if one not in cached)
            + "".join(f"  {one}: {{cache: {{ttl: 30s}}, {RULES[1:]}\n" for one in cached)
            + SERVICE.format(rules=LOGGED).replace("\n    ", "\n"),
            serve=SERVE,
            main=PROGRAM.replace("\n    WORK\n", work),
        )
        ended = project.python("main.py", MLPOLICY_MEMORY_LIMIT="1GiB")
        assert ended.code == 0, ended.err[-2000:]
        assert "stands aside" not in ended.err
        return json.loads(ended.out.replace("'", '"'))

    return run


def test_our_own_work_is_not_counted(run):
    """The program calls its service alone: no function below has been called by anybody."""
    first, later = run(OURS_ALONE)

    assert first == later == {"serve:add": 100, "serve:fail": 3}


def test_nothing_hangs_and_no_tick_of_ours_is_counted(run):
    """Threads, events, conditions, copies and tasks of the program go on as without rules."""
    first, later = run(THEIRS)

    assert first == later
    assert first["threading:Thread.start"] == 8
    assert first["asyncio.tasks:sleep"] == 1


def test_a_cache_on_what_the_cache_uses_does_not_come_back_to_itself(run):
    """`copy.deepcopy` and `json.dumps` are answered from a cache that needs them."""
    first, later = run(THEIRS, cached=("copy:deepcopy", "json:dumps"))

    assert first == later
    assert first["json:dumps"] == 2
