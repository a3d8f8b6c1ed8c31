"""Pauses of plain functions on the thread of an event loop."""

from __future__ import annotations

import asyncio
import logging
import sys
import types

import pytest
import trio

from mlpolicy.core.report import forget
from mlpolicy.core.waiting import Waiter
from mlpolicy.runtime.world import Pause


@pytest.fixture(autouse=True)
def fresh():
    forget()


def paused(slept):
    return Pause("shop.search:query", slept.append)


def test_a_pause_on_the_thread_of_a_loop_is_told_once(caplog):
    """With the name of the function, and what to do about it."""
    slept = []

    async def serve():
        paused(slept)(1.0)
        paused(slept)(2.0)

    asyncio.run(serve())

    assert slept == [1.0, 2.0]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "shop.search:query pauses the thread of an event loop" in caplog.text


def test_it_is_told_on_the_thread_of_trio(caplog):
    async def serve():
        paused([])(1.0)

    trio.run(serve)

    assert "shop.search:query" in caplog.text


def test_a_wait_is_told_too(caplog):
    waiter = Waiter()

    async def serve():
        assert not paused([]).wait(waiter, 0.0)
        waiter.wake()
        assert paused([]).wait(waiter, 0.0)

    asyncio.run(serve())

    assert len(caplog.records) == 1


@pytest.mark.parametrize("runs", ["thread", "plain", "trio thread"])
def test_nothing_is_told_elsewhere(caplog, runs):
    """In a thread of its own a pause does no harm."""

    async def serve():
        await asyncio.to_thread(paused([]), 1.0)

    async def serve_trio():
        await trio.to_thread.run_sync(paused([]), 1.0)

    if runs == "thread":
        asyncio.run(serve())
    elif runs == "trio thread":
        trio.run(serve_trio)
    else:
        paused([])(1.0)

    assert caplog.records == []


@pytest.mark.parametrize("name", ["asyncio", "trio"])
def test_a_module_of_that_name_may_be_another(monkeypatch, caplog, name):
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    slept = []

    paused(slept)(1.0)

    assert (slept, caplog.records) == ([1.0], [])
