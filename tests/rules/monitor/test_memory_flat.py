"""What a monitored process keeps does not grow with its calls, whoever looks at its numbers."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from contextlib import suppress
from textwrap import dedent, indent

import pytest

import mlpolicy
from mlpolicy.core.metrics import METERS
from mlpolicy.rules.monitor.lanes import EXPORTER

pytestmark = pytest.mark.slow
CALLS = 10_000
SLACK = 15_000
"""Blocks of memory: records that wait to be folded, a queue, caches of the interpreter."""


def plain(x=0):
    return x


def failing(x=0):
    raise ValueError


def rows(x=0):
    yield x
    yield x


async def forever(x=0):
    await asyncio.sleep(100)


def _call(count):
    for x in range(count):
        plain(x % 7)


def _fail(count):
    for x in range(count):
        with suppress(ValueError):
            failing(x % 7)


def _abandon(count):
    for _ in range(count):
        next(rows())


def _abandon_unstarted(count):
    for _ in range(count):
        rows()


def _cancel(count):
    async def run():
        for _ in range(count // 40):
            tasks = [asyncio.create_task(forever()) for _ in range(20)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


@pytest.fixture
def policy(tmp_path):
    logger, silent = logging.getLogger("mlpolicy.events"), logging.NullHandler()
    logger.addHandler(silent)

    def put(function, rules):
        body = indent(dedent(rules), "    ")
        path = tmp_path / "policy.yaml"
        path.write_text(f"version: 1\npolicies:\n  {__name__}:{function}:\n{body}")
        mlpolicy.install(policy=path)

    yield put
    mlpolicy.uninstall()
    logger.removeHandler(silent)


CHANGED = [
    "monitor: {}\nretry: {max_attempts: 2, initial_delay: 0s, rollout: {percent: 50%}}\n"
    "cache: {ttl: 1h, max_entries: 3, rollout: {percent: 50%}}",
    "monitor: {}\nmode: shadow\nretry: {max_attempts: 2, initial_delay: 0s}\n"
    "cache: {ttl: 1h, max_entries: 3}",
]
RULES = [
    "monitor: {}",
    "monitor: {metrics: false}",
    "monitor: {metrics: false, log: false}",
    "monitor: {log: false}",
    "monitor: {log: {sample: 0%}}",
    "monitor: {log: {sample: 100%, inputs: full, redact: [x]}}",
    "monitor: {log: {errors: never}}",
    "monitor: {mode: disabled}\nretry: {initial_delay: 0s}",
    "monitor: {rollout: {percent: 50%}}\nretry: {max_attempts: 2, initial_delay: 0s}\n"
    "cache: {ttl: 1h, max_entries: 3}",
    *CHANGED,
]
ENDS = {"well": ("plain", _call), "failing": ("failing", _fail)}
LATE_ENDS = {
    "abandoned": ("rows", _abandon),
    "never begun": ("rows", _abandon_unstarted),
    "cancelled": ("forever", _cancel),
}


@pytest.mark.parametrize(
    ("end", "rules"),
    [
        *((end, rules) for end in ENDS for rules in RULES),
        *((end, rules) for end in LATE_ENDS for rules in (RULES[0], RULES[5], *CHANGED)),
    ],
)
def test_memory_is_flat_and_nothing_stays_in_flight(policy, rules, end):
    """With nobody scraping, under every setting."""
    function, calls = (ENDS | LATE_ENDS)[end]
    if "cache" in rules and function == "rows":
        rules = "\n".join(one for one in rules.splitlines() if "cache" not in one)
    policy(function, rules)
    calls(CALLS // 4)
    EXPORTER.flush(10)
    gc.collect()

    before = sys.getallocatedblocks()
    calls(CALLS)
    EXPORTER.flush(10)
    gc.collect()
    grown = sys.getallocatedblocks() - before

    target = f"{__name__}:{function}"
    assert METERS.value("mlpolicy_in_flight", function=target) == 0
    assert grown < SLACK
